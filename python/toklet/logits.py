"""The edge to arrays of logits: numpy, torch and whatever else has a buffer, in any precision and stride, handed to the core where they lie.

What comes out are numpy arrays of float32, float64, float16, or uint16, which holds bfloat16 bit by bit: numpy has no such type of its own.
"""

import sys
from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .arrays import as_ids
from .reference.error import ArgumentError, LogitsError, WrongTypeError, is_many, number

IN_PLACE = frozenset(map(np.dtype, ("float32", "float64", "float16", "uint16")))
POSITION = "an integer from 0 to 2**64 - 1"
Array = NDArray[Any]


def as_numpy(place: str, values: Any, allowed: str) -> Array:
    """Give anything that holds an array as numpy's, without a copy where the memory is the processor's."""
    torch = sys.modules.get("torch")
    try:
        if torch is not None and isinstance(values, torch.Tensor):
            values = values.detach()
            return np.asarray((values.view(torch.uint16) if values.dtype == torch.bfloat16 else values).numpy())
        if hasattr(values, "__dlpack__") and not hasattr(values, "__array__"):
            return np.from_dlpack(values)
        return np.asarray(values)
    except (TypeError, ValueError, RuntimeError, BufferError) as error:
        reason = f" ({error})" if hasattr(values, "__dlpack__") else ""
        raise WrongTypeError(place, f"of type {type(values).__name__}{reason}", allowed) from None


def as_rows(logits: Any, place: str = "logits") -> tuple[Array, bool]:
    """Give logits as a matrix whose rows are contiguous, and whether they were one row."""
    if type(logits) is np.ndarray and logits.size and logits.dtype in IN_PLACE and logits.ndim in (1, 2) and logits.strides[-1] == logits.itemsize:
        return (logits[None], True) if logits.ndim == 1 else (logits, False)  # the common case first: the others take as long as reading half a row
    array = as_numpy(place, logits, "floats: a row, or a matrix of rows, in the memory of the processor")
    name = array.dtype.name
    if name == "bfloat16":
        array = array.view(np.uint16)
    elif array.dtype.kind != "f" and name != "uint16" and array.size:
        raise WrongTypeError(place, f"of type {name}", "floats: float32, float64, float16 or bfloat16, as in [1.0, 2.0] or array.astype('float32')")
    if array.ndim not in (1, 2) or array.shape[-1] == 0:
        raise LogitsError(f"the shape of {place}", str(array.shape), "(vocabulary,) or (rows, vocabulary), with a vocabulary of at least 1")
    if array.dtype not in IN_PLACE:
        array = array.astype(np.float64 if array.dtype.itemsize > 4 else np.float32)
    if array.strides[-1] != array.itemsize and array.size:
        array = np.ascontiguousarray(array)
    return np.atleast_2d(array), array.ndim == 1


def as_positions(position: Any, n: int) -> list[int]:
    """Give a position for each of n rows."""
    if isinstance(position, int | Integral):
        return [number("position", position, POSITION, 0, 2**64 - 1, whole=True)] * n
    try:
        given = np.broadcast_to(np.asarray(position, dtype=object), (n,)).tolist()
    except (TypeError, ValueError):
        raise WrongTypeError("position", repr(position), f"an integer, or {n} of them") from None
    if not all(isinstance(p, Integral) for p in given):
        raise WrongTypeError("position", repr(position), f"an integer, or {n} of them")
    return [number("position", p, POSITION, 0, 2**64 - 1, whole=True) for p in given]


def as_histories(history: Any, n: int, one_row: bool) -> list[NDArray[np.uint32]] | None:
    """Give the ids that came before, for each of n rows."""
    if history is None:
        return None
    if one_row:
        return [as_ids(as_numpy("history", history, "ids") if hasattr(history, "__dlpack__") else history)]
    if not is_many(history):
        raise WrongTypeError("history", repr(history)[:80], f"{n} sequences of ids, one a row")
    rows = [as_ids(ids) for ids in (as_numpy("history", history, "ids") if hasattr(history, "__dlpack__") else history)]
    if len(rows) != n:
        raise ArgumentError("the length of history", str(len(rows)), f"{n}, a sequence of ids for each row")
    return rows


def as_masks(mask: Any, shape: tuple[int, ...], one_row: bool) -> Array | None:
    """Give what is allowed in each row, as bools or as 32-bit words; one mask for many rows is that of each."""
    if mask is None:
        return None
    n, size = shape
    array = as_numpy("mask", mask, "bools, or 32-bit words")
    width = size if array.dtype == np.bool_ else -(-size // 32)
    if array.dtype not in (np.dtype(np.bool_), np.dtype(np.int32), np.dtype(np.uint32)):
        raise WrongTypeError("mask", f"of type {array.dtype.name}", "bools, or int32 words of 32 bits each, the lowest bit first")
    if array.shape not in ((width,), (n, width)) or (one_row and array.ndim == 2 and n != 1):
        raise ArgumentError("the shape of mask", str(array.shape), f"({width},) or ({n}, {width})")
    array = array if array.dtype == np.bool_ else array.view(np.uint32)
    return np.ascontiguousarray(np.broadcast_to(array, (n, width)))


def as_row_ids(ids: Any, n: int, size: int, place: str = "ids") -> Array:
    """Give ids of n rows as a matrix of int64, each below `size`."""
    if n == 1 and isinstance(ids, int) and 0 <= ids < size and not isinstance(ids, bool):
        return np.array([[ids]], np.int64)
    array = as_numpy(place, ids, "integers")
    if (array.dtype.kind not in "ui" and array.size) or array.ndim > 2:
        raise WrongTypeError(place, f"of type {array.dtype.name}, shape {array.shape}", "integers: one a row, or a row of them a row")
    matrix = array.reshape(1, -1) if n == 1 and array.ndim < 2 else array.reshape(-1, 1) if array.ndim < 2 else array
    if len(matrix) != n:
        raise ArgumentError(f"the shape of {place}", str(array.shape), f"({n},) or ({n}, m)")
    outside = (matrix < 0) | (matrix >= size)
    if outside.any():
        row, column = np.argwhere(outside)[0].tolist()
        raise ArgumentError(f"{place}[{row}, {column}]", str(matrix[row, column]), f"an id from 0 to {size - 1}")
    return np.ascontiguousarray(matrix, np.int64)


def kept(name: str, value: Any) -> Any:
    """Give a parameter as a sampler keeps it: its own copy of what the caller may change later, and a list of what can be read only once."""
    if isinstance(value, np.ndarray):
        return value.copy()
    if isinstance(value, Mapping):
        return dict(value)
    listed = name in ("order", "dry_sequence_breakers") and is_many(value) and not isinstance(value, tuple)
    return list(value) if listed else value


def settings_of_rows(given: dict[str, Any]) -> list[dict[str, Any]]:
    """Split settings of which some are arrays, with a value a row, into those of each row; plain settings are those of all rows."""
    columns = {
        name: value for name, value in given.items() if isinstance(value, np.ndarray) and value.ndim == 1 and name not in ("order", "dry_sequence_breakers")
    }
    lengths = {len(column) for column in columns.values()}
    if len(lengths) > 1 or lengths == {0}:
        shown = ", ".join(f"{len(column)} of {name}" for name, column in columns.items())
        raise ArgumentError("the number of values a row", shown, "the same for every parameter, and at least 1")
    return [given | {name: column[row] for name, column in columns.items()} for row in range(max(lengths, default=1))]


def check_rows(settings: Sequence[Any], rows: Array) -> None:
    """Refuse rows that there is no setting for."""
    if len(settings) not in (1, len(rows)):
        raise ArgumentError("the number of rows", str(len(rows)), f"{len(settings)}, as many as the sampler's parameters have values")
