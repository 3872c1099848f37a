"""Sampling as Python sees it: logits as arrays of one row or many, ids and probabilities out."""

import math
import operator
import os
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._core import core
from .arrays import as_array
from .reference.error import ArgumentError, LogitsError, WrongTypeError, number
from .reference.sample import TEMPERATURE
from .reference.sample import check as check_settings


def rows_of(logits: ArrayLike) -> tuple[NDArray[Any], bool]:
    """Give logits as a contiguous float32 or float64 matrix, and whether they were one row."""
    try:
        array = np.asarray(logits)
    except (TypeError, ValueError):
        raise WrongTypeError("logits", f"of type {type(logits).__name__}", "floats: a row, or a matrix of rows") from None
    name = array.dtype.name
    if array.dtype.kind != "f" and name != "bfloat16" and array.size:
        raise WrongTypeError("logits", f"of type {name}", "floats: float32, float64, float16 or bfloat16, as in [1.0, 2.0] or array.astype('float32')")
    if array.ndim not in (1, 2) or array.shape[-1] == 0:
        raise LogitsError("the shape of logits", str(array.shape), "(vocabulary,) or (rows, vocabulary), with a vocabulary of at least 1")
    wide = array.dtype.itemsize > 4
    matrix = np.ascontiguousarray(array, np.float64 if wide else np.float32)
    return matrix.reshape(-1, matrix.shape[-1]), array.ndim == 1


def per_row(logits: ArrayLike, function: Any) -> NDArray[np.float32]:
    """Apply a function of (row, index) to each row, and give the results in the shape of the logits, as float32."""
    rows, single = rows_of(logits)
    out = np.empty(rows.shape, np.float32)
    for index, row in enumerate(rows):
        out[index] = as_array(function(row, index), np.float64)
    return out[0] if single else out


class Sampler:
    """From logits to the next id.

    In this order: divide by the temperature, keep the `top_k` largest, keep the smallest set of the largest whose probability reaches `top_p`, keep what is
    at least `min_p` times as probable as the best, draw. Among equal logits the lower id comes first.

    Parameters
    ----------
    temperature : float
        1 leaves the distribution as it is, less sharpens it, more flattens it; 0 always takes the most probable id.
    top_k : int, optional
        Keep at most this many ids.
    top_p : float, optional
        Above 0 and at most 1. The id that reaches it stays.
    min_p : float, optional
        From 0 to 1.
    seed : int, optional
        From 0 to 2**64 - 1; without one the system gives one, which `sampler.seed` tells.

    Raises
    ------
    ArgumentError
        If a parameter is out of range.

    Notes
    -----
    The random numbers are a function of (seed, position): a row's id depends on nothing else, neither on other rows nor on earlier calls.

    Examples
    --------
    >>> Sampler(temperature=0).sample([0.1, 2.0, 2.0])
    1
    >>> sampler = Sampler(temperature=0.8, top_k=2, seed=7)
    >>> [sampler.sample([1.0, 2.0, 3.0], position=n) for n in range(8)]
    [2, 2, 1, 2, 2, 2, 2, 2]
    """

    __slots__ = ("_core", "_settings")

    def __init__(
        self, temperature: float = 1.0, top_k: int | None = None, top_p: float | None = None, min_p: float | None = None, seed: int | None = None
    ) -> None:
        if seed is None:
            seed = int.from_bytes(os.urandom(8), "little")
        settings = check_settings(temperature, top_k, top_p, min_p, seed)
        self._settings = dict(zip(("temperature", "top_k", "top_p", "min_p", "seed"), settings, strict=True))
        self._core = core.Sampler(*settings)

    @property
    def seed(self) -> int:
        """The seed that is in use, whoever chose it."""
        return int(self._settings["seed"] or 0)

    def sample(self, logits: ArrayLike, position: int | ArrayLike = 0) -> Any:
        """Draw an id from each row.

        Parameters
        ----------
        logits : float array, shape (V,) or (B, V)
        position : int, or int array of shape (B,)
            The place of the id in its sequence: the same seed and position give the same random number.

        Returns
        -------
        int, or int64 array of shape (B,)

        Raises
        ------
        LogitsError
            If a logit is NaN, or all of a row are -inf.
        """
        rows, single = rows_of(logits)
        try:
            positions = [operator.index(p) for p in np.broadcast_to(np.asarray(position, dtype=object), (len(rows),))]
        except (TypeError, ValueError):
            raise WrongTypeError("position", repr(position), f"an integer, or {len(rows)} of them") from None
        for p in positions:
            number("position", p, "an integer from 0 to 2**64 - 1", 0, 2**64 - 1, whole=True)
        ids = [self._core.sample(row, p, index) for index, (row, p) in enumerate(zip(rows, positions, strict=True))]
        return int(ids[0]) if single else np.asarray(ids, np.int64)

    def distribution(self, logits: ArrayLike) -> NDArray[np.float32]:
        """Give the probabilities that `sample` draws from: float32, in the shape of the logits; 0 for what is not kept.

        Examples
        --------
        >>> Sampler(top_k=2).distribution([0.0, 1.0, 1.0, -1.0])
        array([0. , 0.5, 0.5, 0. ], dtype=float32)
        """
        return per_row(logits, self._core.distribution)

    def __repr__(self) -> str:
        return f"Sampler({', '.join(f'{name}={value!r}' for name, value in self._settings.items() if value is not None)})"

    def __reduce__(self) -> tuple[Any, ...]:
        return Sampler, tuple(self._settings.values())


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
    temperature = number("temperature", temperature, TEMPERATURE, 0, 1e300)
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
    rows, single = rows_of(logits)
    if np.isnan(rows).any():
        row, id = np.argwhere(np.isnan(rows))[0]
        raise LogitsError(f"logit {id} of row {row}", "NaN", "a number")
    ids = np.empty((len(rows), min(k, rows.shape[-1])), np.int64)
    for index, row in enumerate(rows):
        ids[index] = as_array(core.top_k(row, k), np.int64)
    values = np.take_along_axis(rows, ids, 1)
    return (values[0], ids[0]) if single else (values, ids)


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
    rows, _ = rows_of(logits)
    wanted = np.atleast_1d(np.asarray(targets))
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
