"""Probabilities to look at, and what they are worth: softmax, the largest logits, cross-entropy and its like."""

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._core import core
from .arrays import as_array
from .logits import as_numpy, as_rows
from .reference.error import ArgumentError, LogitsError, number
from .reference.sample.settings import HUGE, TEMPERATURE

Floats = NDArray[np.float32]


def per_row(logits: ArrayLike, function: Any) -> Floats:
    """Apply a function of (row, index) to each row, and give the results in the shape of the logits, as float32."""
    rows, one = as_rows(logits)
    out = np.empty(rows.shape, np.float32)
    for index, row in enumerate(rows):
        out[index] = as_array(function(row, index), np.float64)
    return out[0] if one else out


def softmax(logits: ArrayLike, temperature: float = 1.0) -> NDArray[np.float32]:
    """Turn logits into probabilities: e**(x / T), divided by the sum over the row.

    Parameters
    ----------
    logits : float array, shape (V,) or (B, V)
    temperature : float
        At least 0; at 0 the largest logit has all the probability.

    Returns
    -------
    float32 array, in the shape of the logits

    Examples
    --------
    >>> softmax([2.0, 1.0, 0.0])
    array([0.66524094, 0.24472848, 0.09003057], dtype=float32)
    """
    temperature = number("temperature", temperature, TEMPERATURE, 0, HUGE)
    return per_row(logits, lambda row, index: core.softmax(row, temperature, index))


def log_softmax(logits: ArrayLike) -> NDArray[np.float32]:
    """Turn logits into log-probabilities, in nats: float32, in the shape of the logits."""
    return per_row(logits, core.log_softmax)


def top_k(logits: ArrayLike, k: int) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Give the k largest logits of each row, and their ids: largest first, the lower id first among equals.

    Parameters
    ----------
    logits : float array, shape (V,) or (B, V)
    k : int
        At least 1; all are given where V is less.

    Returns
    -------
    values, ids : arrays of shape (k,) or (B, k); ids are int64

    Examples
    --------
    >>> top_k([1.0, 3.0, 3.0, 2.0], 3)[1]
    array([1, 2, 3])
    """
    k = number("k", k, "an integer, at least 1", 1, 2**63 - 1, whole=True)
    rows, one = as_rows(logits)
    ids = np.empty((len(rows), min(k, rows.shape[-1])), np.int64)
    for index, row in enumerate(rows):
        ids[index] = as_array(core.top_k(row, k, index), np.int64)
    values = np.take_along_axis(rows, ids, 1)
    if values.dtype == np.uint16:  # bfloat16: the upper half of a float32
        values = (values.astype(np.uint32) << 16).view(np.float32)
    return (values[0], ids[0]) if one else (values, ids)


def cross_entropy(logits: ArrayLike, targets: int | ArrayLike) -> float:
    """Give the mean, in nats, of -log p(target) over the rows.

    Parameters
    ----------
    logits : float array, shape (V,) or (N, V)
    targets : int, or int array of shape (N,)

    Examples
    --------
    >>> round(cross_entropy([[0.0, 0.0], [0.0, 0.0]], [0, 1]), 6)
    0.693147
    """
    rows, _ = as_rows(logits)
    wanted = np.atleast_1d(as_numpy("targets", targets, "integers"))
    if wanted.dtype.kind not in "ui" or wanted.shape != (len(rows),):
        raise ArgumentError("targets", f"{wanted.dtype} of shape {wanted.shape}", f"integers of shape ({len(rows)},), one a row")
    losses = []
    for index, (row, target) in enumerate(zip(rows, wanted.tolist(), strict=True)):
        number(f"targets[{index}]", target, f"an id from 0 to {len(row) - 1}", 0, len(row) - 1, whole=True)
        losses.append(-float(as_array(core.log_softmax(row, index), np.float64)[target]))
    if not losses:
        raise LogitsError("the number of rows", "0", "at least 1")
    return math.fsum(losses) / len(losses)


def perplexity(logits: ArrayLike, targets: int | ArrayLike) -> float:
    """Give e to the cross-entropy: among how many equally likely ids the model hesitates."""
    with np.errstate(over="ignore"):
        return float(np.exp(cross_entropy(logits, targets)))


def bits_per_byte(nats: float, n_bytes: int) -> float:
    """Turn a total loss in nats over a text of `n_bytes` bytes into bits a byte, which models of different vocabularies can be compared by.

    Examples
    --------
    >>> round(bits_per_byte(69.3147, 50), 3)
    2.0
    """
    nats = number("nats", nats, "a number", -math.inf, math.inf)
    n_bytes = number("n_bytes", n_bytes, "an integer, at least 1", 1, 2**63 - 1, whole=True)
    return float(nats) / math.log(2) / n_bytes
