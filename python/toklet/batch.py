"""Many encoded texts in two flat arrays: all ids, and where each text begins."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, SupportsIndex, overload

from .arrays import as_ids
from .later import np
from .reference.error import ArgumentError, WrongTypeError, check_choice, number

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


class Batch:
    """The ids of many texts.

    Attributes
    ----------
    ids : uint32 array, shape (total,)
        The ids of all texts, one after the other.
    offsets : uint64 array, shape (len + 1,)
        Text `i` is `ids[offsets[i] : offsets[i + 1]]`.

    Examples
    --------
    >>> import numpy as np
    >>> batch = Batch(np.array([7, 8, 9], np.uint32), np.array([0, 1, 3], np.uint64))
    >>> len(batch), batch[1].tolist()
    (2, [8, 9])
    """

    __slots__ = ("ids", "offsets")

    def __init__(self, ids: NDArray[np.uint32], offsets: NDArray[np.uint64]) -> None:
        self.ids, self.offsets = np.asarray(ids), np.asarray(offsets)
        if self.ids.ndim != 1 or self.ids.dtype != np.uint32:
            raise WrongTypeError("ids", f"of type {self.ids.dtype.name}, shape {self.ids.shape}", "a uint32 array in one dimension")
        starts = self.offsets
        if starts.ndim != 1 or starts.dtype != np.uint64 or not len(starts) or starts[0] != 0 or starts[-1] != len(ids) or (starts[1:] < starts[:-1]).any():
            raise ArgumentError("offsets", repr(offsets)[:80], f"a uint64 array that rises from 0 to the number of ids, {len(ids)}")

    @classmethod
    def of(cls, rows: Iterable[Iterable[int] | ArrayLike]) -> Batch:
        """Make a batch of rows of ids.

        >>> Batch.of([[7], [8, 9]])
        <Batch of 2 texts, 3 ids>
        """
        arrays = [as_ids(row) for row in rows]
        return cls(np.concatenate([np.empty(0, np.uint32), *arrays]), np.cumsum([0, *map(len, arrays)]).astype(np.uint64))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @overload
    def __getitem__(self, index: SupportsIndex) -> NDArray[np.uint32]: ...
    @overload
    def __getitem__(self, index: slice) -> Batch: ...
    def __getitem__(self, index: SupportsIndex | slice) -> NDArray[np.uint32] | Batch:
        if isinstance(index, slice):
            start, stop, step = index.indices(len(self))
            if step != 1:
                return Batch.of(self[i] for i in range(start, stop, step))
            ends = self.offsets[start : max(start, stop) + 1]
            return Batch(self.ids[int(ends[0]) : int(ends[-1])], ends - ends[0])
        index = operator.index(index)
        i = index + len(self) if index < 0 else index
        if not 0 <= i < len(self):
            raise IndexError(f"text {index} of a batch of {len(self)}")
        return self.ids[int(self.offsets[i]) : int(self.offsets[i + 1])]

    def __iter__(self) -> Iterator[NDArray[np.uint32]]:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        return f"<Batch of {len(self)} texts, {len(self.ids)} ids>"

    def padded(self, pad_id: int, length: int | None = None, side: str = "right") -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
        """Give the texts as the rows of one matrix.

        Parameters
        ----------
        pad_id : int
            The id that fills up short rows.
        length : int, optional
            The width; longer texts are cut at their end. Default: that of the longest text.
        side : {"right", "left"}
            Where the padding goes.

        Returns
        -------
        matrix : uint32 array, shape (len, length)
        lengths : int64 array, shape (len,)
            How many ids of each row are not padding.

        Raises
        ------
        ArgumentError
            If a parameter is out of range.

        Examples
        --------
        >>> import numpy as np
        >>> Batch(np.array([7, 8, 9], np.uint32), np.array([0, 1, 3], np.uint64)).padded(0)[0].tolist()
        [[7, 0], [8, 9]]
        """
        pad_id = number("pad_id", pad_id, "an id: an integer from 0 to 2**32 - 1", 0, 2**32 - 1, whole=True)
        check_choice("side", side, ("right", "left"))
        whole = np.diff(self.offsets).astype(np.int64)
        if length is None:
            length = int(whole.max(initial=0))
        length = number("length", length, "an integer, at least 0, or None", 0, 2**32 - 1, whole=True)
        lengths, ids = np.minimum(whole, length), self.ids
        if (whole > length).any():
            ids = ids[np.arange(len(ids)) - np.repeat(self.offsets[:-1].astype(np.int64), whole) < length]
        columns = np.arange(length)
        matrix = np.full((len(self), length), pad_id, np.uint32)
        matrix[columns < lengths[:, None] if side == "right" else columns >= length - lengths[:, None]] = ids  # both are row by row
        return matrix, lengths
