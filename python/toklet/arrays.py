"""The edge to numpy: what the core gives as arrays, and ids as arrays that the core takes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from numbers import Integral
from typing import TYPE_CHECKING, Any

from .later import np
from .reference.error import ArgumentError, WrongTypeError, is_many, number

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Ids = NDArray[np.uint32]

SLICE = 1 << 18  # ids of a list that numpy takes in one go: other threads wait for some milliseconds then


def as_array(values: Any, dtype: Any) -> NDArray[Any]:
    """Give what the core returned as an array: memory from the native one, which is read where it lies, a list from the reference."""
    return np.asarray(values, dtype) if values.__class__ is list else np.frombuffer(values, dtype)


def as_ids(ids: Iterable[int] | ArrayLike) -> Any:
    """Give ids in a form that both cores take: a contiguous uint32 array; anything that isn't made of ids is refused."""
    if not is_many(ids):
        raise WrongTypeError("ids", repr(ids)[:80], "a sequence of integers")
    items = ids if isinstance(ids, np.ndarray | Sequence) else list(ids)
    try:
        if isinstance(items, list) and len(items) > SLICE:
            array = np.concatenate([np.asarray(items[at : at + SLICE]) for at in range(0, len(items), SLICE)])
        else:
            array = np.asarray(items)
    except (TypeError, ValueError, OverflowError):
        raise WrongTypeError("ids", repr(items)[:80], "a sequence of integers") from None
    if array.dtype == object and array.ndim == 1 and all(isinstance(id, Integral) for id in array):
        for position, id in enumerate(array):  # Python's own ints, which may be wider than any of numpy's
            if not 0 <= id < 2**32:
                raise ArgumentError(f"the id at position {position}", str(id)[:40], "from 0 to 2**32 - 1")
    if array.size == 0 and array.ndim == 1:
        return np.empty(0, np.uint32)
    if array.ndim != 1 or array.dtype.kind not in "ui":
        raise WrongTypeError("ids", f"of type {array.dtype.name}, shape {array.shape}", "integers in one dimension")
    outside = np.False_ if array.dtype == np.uint32 else (array < 0) | (array > 0xFFFFFFFF)  # of many ids asking took half as long as decoding them
    if outside.any():
        position = int(outside.argmax())
        raise ArgumentError(f"the id at position {position}", str(int(array[position])), "from 0 to 2**32 - 1")
    return np.ascontiguousarray(array, np.uint32)


def as_id(id: int) -> int:
    """Give one id as a plain int; refuse what isn't an integer of 32 bits."""
    return int(number("the id", id, "an integer from 0 to 2**32 - 1", 0, 2**32 - 1, whole=True))
