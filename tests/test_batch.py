"""Many encoded texts in two flat arrays."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

ROWS = st.lists(st.lists(st.integers(0, 2**32 - 1), max_size=6), max_size=6)


def batch_of(toklet: Any, rows: list[list[int]]) -> Any:
    offsets = np.cumsum([0, *map(len, rows)]).astype(np.uint64)
    return toklet.Batch(np.array([id for row in rows for id in row], np.uint32), offsets)


@given(rows=ROWS)
def test_a_batch_is_a_sequence_of_rows(toklet: Any, rows: list[list[int]]) -> None:
    batch = batch_of(toklet, rows)
    assert len(batch) == len(rows)
    assert [row.tolist() for row in batch] == rows
    assert [batch[i].tolist() for i in range(-len(rows), len(rows))] == rows + rows
    assert str(len(rows)) in repr(batch)


@pytest.mark.parametrize("index", [2, -3, 10**30])
def test_a_row_that_is_not_there_is_an_index_error(toklet: Any, index: int) -> None:
    with pytest.raises(IndexError, match=str(index)):
        batch_of(toklet, [[1], [2]])[index]


@given(rows=ROWS, width=st.none() | st.integers(0, 8), side=st.sampled_from(["left", "right"]), pad=st.sampled_from([0, 7, 2**32 - 1]))
def test_padding_fills_up_every_row(toklet: Any, rows: list[list[int]], width: int | None, side: str, pad: int) -> None:
    matrix, lengths = batch_of(toklet, rows).padded(pad, width, side)
    wide = max(map(len, rows), default=0) if width is None else width
    cut = [row[:wide] for row in rows]
    filled = [row + [pad] * (wide - len(row)) if side == "right" else [pad] * (wide - len(row)) + row for row in cut]
    assert matrix.tolist() == filled
    assert lengths.tolist() == [len(row) for row in cut]
    assert matrix.shape == (len(rows), wide)
    assert matrix.dtype == np.uint32


def test_padding_leaves_the_batch_as_it_was(toklet: Any) -> None:
    batch = batch_of(toklet, [[1, 2], [3]])
    batch.padded(0)[0][:] = 9
    assert batch.ids.tolist() == [1, 2, 3]
