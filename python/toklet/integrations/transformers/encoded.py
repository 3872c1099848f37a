"""What a call of the tokenizer gives: columns of rows, padded and turned into arrays as transformers does it."""

import importlib
from collections import UserDict
from typing import Any

import numpy as np

from ...reference.error import ArgumentError, check_choice

Rows = list[list[Any]]
FILL = {"special_tokens_mask": 1, "offset_mapping": (0, 0)}  # what padding is, where it is neither the pad token nor 0
FRAMEWORKS = ("np", "pt")


class BatchEncoding(UserDict[str, Any]):
    """Columns by their names, which are attributes too: `encoded.input_ids`.

    >>> BatchEncoding({"input_ids": [[1, 2]]}).input_ids
    [[1, 2]]
    """

    def __getattr__(self, name: str) -> Any:
        if name != "data" and name in self.data:
            return self.data[name]
        raise AttributeError(name)

    def to(self, device: Any, **how: Any) -> "BatchEncoding":
        """Move tensors to a device."""
        return BatchEncoding({name: column.to(device, **how) if hasattr(column, "to") else column for name, column in self.data.items()})

    def convert_to_tensors(self, tensor_type: str | None = None, prepend_batch_axis: bool = False) -> "BatchEncoding":
        """Turn the columns into arrays of numpy or torch."""
        if tensor_type is not None:
            check_choice("return_tensors", tensor_type, FRAMEWORKS)
            for name, column in self.data.items():
                self.data[name] = tensor([column] if prepend_batch_axis else column, tensor_type, name)
        return self


def tensor(rows: Any, framework: str, name: str) -> Any:
    """Make an array of 64-bit integers."""
    if any(len(row) != len(rows[0]) for row in rows if isinstance(row, list)):
        raise ArgumentError(name, "rows of different lengths", "of one length to become an array: say padding=True, and truncation=True for max_length")
    array = np.asarray(rows, np.int64)
    return array if framework == "np" else importlib.import_module("torch").from_numpy(array)


def width(rows: Rows, padding: Any, max_length: int | None, multiple: int | None) -> int | None:
    """Give how wide rows become, or `None` where they stay as they are."""
    if padding in (False, None, "do_not_pad"):
        return None
    if padding not in (True, "longest", "max_length"):
        raise ArgumentError("padding", repr(padding), "True, False, 'longest', 'max_length' or 'do_not_pad'")
    wide = max_length if padding == "max_length" and max_length is not None else max(map(len, rows), default=0)
    return -(-wide // multiple) * multiple if multiple else wide


def pad(columns: dict[str, Rows], pad_id: int, wide: int, side: str) -> None:
    """Fill up the rows of all columns."""
    check_choice("padding_side", side, ("right", "left"))
    for name, rows in columns.items():
        fill = pad_id if name == "input_ids" else FILL.get(name, 0)
        for row in rows:
            more = [fill] * (wide - len(row))
            row[:] = row + more if side == "right" else more + row


def kept(length: int, most: int, side: str) -> slice:
    """Say which part of a sequence stays.

    >>> [1, 2, 3][kept(3, 2, "left")], [1, 2, 3][kept(3, 2, "right")]
    ([2, 3], [1, 2])
    """
    check_choice("truncation_side", side, ("right", "left"))
    return slice(0, most) if side == "right" else slice(max(0, length - most), length)


def windows(length: int, most: int, stride: int, side: str) -> list[slice]:
    """Say which parts of a sequence are rows of their own where what is cut off isn't lost: each has `stride` ids of the one before it.

    >>> windows(5, 3, 1, "right"), windows(5, 3, 1, "left")
    ([slice(0, 3, None), slice(2, 5, None)], [slice(2, 5, None), slice(0, 3, None)])
    """
    if length <= most:
        return [slice(0, length)]
    if not 0 <= stride < most:
        raise ArgumentError("stride", str(stride), f"from 0 to {most - 1}, under the room that max_length leaves")
    starts = range(0, length - stride, most - stride)
    parts = [slice(start, min(start + most, length)) for start in starts]
    return parts if side == "right" else [slice(length - part.stop, length - part.start) for part in parts]


def lengths(first: int, second: int, most: int, strategy: str) -> tuple[int, int]:
    """Say how much of two sequences stays, so that together they have at most so many ids.

    >>> lengths(2, 4, 5, "longest_first"), lengths(2, 4, 5, "only_first")
    ((2, 3), (1, 4))
    """
    over = first + second - most
    if over <= 0:
        return first, second
    if strategy == "longest_first":
        short = min(first, second, most // 2)
        return (short, most - short) if first <= second else (most - short, short)
    if strategy not in ("only_first", "only_second"):
        raise ArgumentError("truncation", repr(strategy), "True, False, 'longest_first', 'only_first', 'only_second' or 'do_not_truncate'")
    left = (first - over, second) if strategy == "only_first" else (first, second - over)
    if min(left) < 1:
        raise ArgumentError("max_length", str(most), f"more, or another sequence shortened than {strategy} says: nothing of it would be left")
    return left
