"""Rows of logits as they come: in any precision, with what is forbidden masked out."""

import math
import struct
from collections.abc import Sequence
from typing import Any

from ..error import MAX_LOGITS, LogitsError


def loaded(row: Any, index: int, mask: Any = None) -> tuple[list[float], bool]:
    """Give a row of logits as floats, -inf for those that the mask forbids, and whether they are singles (or less); a NaN is refused.

    Rows are sequences of floats, or buffers with an item size; unsigned 16-bit integers are bfloat16, the upper halves of singles.
    """
    values, size = list(row), getattr(row, "itemsize", 8)
    if not 0 < len(values) <= MAX_LOGITS:
        raise LogitsError(f"the length of row {index}", str(len(values)), f"from 1 to {MAX_LOGITS} logits")
    if size == 2 and memoryview(row).format == "H":
        values = [struct.unpack("<f", struct.pack("<HH", 0, x))[0] for x in values]
    logits = [float(x) if mask is None or allowed(mask, id) else -math.inf for id, x in enumerate(values)]
    for id, x in enumerate(logits):
        if x != x:
            raise LogitsError(f"logit {id} of row {index}", "NaN", "a number")
    return logits, size < 8


def allowed(mask: Sequence[int], id: int) -> bool:
    """Say whether a mask allows an id: it is a bool for each, or 32-bit words whose lowest bit is the first."""
    if getattr(mask, "itemsize", 1) == 1:
        return bool(mask[id])
    return bool(int(mask[id // 32]) >> (id % 32) & 1)
