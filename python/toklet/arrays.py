"""The edge to numpy: what the core gives as arrays, and ids as arrays that the core takes."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .reference.error import ArgumentError, WrongTypeError

Ids = NDArray[np.uint32]


def as_array(values: Any, dtype: type) -> NDArray[Any]:
    """Give what the core returned as an array: raw bytes from the native one, a list from the reference."""
    return np.frombuffer(values, dtype) if isinstance(values, bytearray) else np.asarray(values, dtype)


def as_ids(ids: Iterable[int] | ArrayLike) -> Any:
    """Give ids in a form that both cores take: a contiguous uint32 array; anything that isn't made of ids is refused."""
    try:
        array = np.asarray(ids if isinstance(ids, np.ndarray | Sequence) else list(ids))  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise WrongTypeError("ids", repr(ids)[:80], "a sequence of integers") from None
    if array.size == 0 and array.ndim == 1:
        return np.empty(0, np.uint32)
    if array.ndim != 1 or array.dtype.kind not in "ui":
        raise WrongTypeError("ids", f"{array.dtype} of shape {array.shape}", "integers in one dimension")
    outside = (array < 0) | (array > 0xFFFFFFFF)
    if outside.any():
        position = int(outside.argmax())
        raise ArgumentError(f"the id at position {position}", str(int(array[position])), "from 0 to 2**32 - 1")
    return np.ascontiguousarray(array, np.uint32)
