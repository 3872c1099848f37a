"""The texts in files that hold more than text: a field of JSON Lines, a column of Parquet tables. Read a line or a batch at a time."""

import json
import os
from collections.abc import Callable, Iterator
from typing import Any

from .counts_file import arrow
from .reference.error import FormatError

ROWS = 1_024  # of a table at a time
STEP = 1 << 20  # bytes between two reports
Report = Callable[[int, int], Any]


def json_texts(path: str, field: str, *, nulls: bool, report: Report | None = None) -> Iterator[str]:
    """Give a field of each object; an empty line is none. Where there may be `nulls` they are passed over."""
    with open(path, "rb") as file:
        size, done, told = os.fstat(file.fileno()).st_size, 0, 0
        for number, line in enumerate(file, 1):
            done += len(line)
            if not line.isspace():
                text = field_of(line, field, f"line {number} of {path}")
                if isinstance(text, str):
                    yield text
                elif text is not None or not nulls:
                    raise FormatError(f"{field!r} in line {number} of {path}", repr(text)[:80], "a text")
            if report and (done - told >= STEP or done >= size):
                report(done, max(done, size))
                told = done


def field_of(line: bytes, field: str, place: str) -> Any:
    """Give what stands in a field of an object."""
    try:
        return json.loads(line)[field]
    except (ValueError, RecursionError) as error:
        raise FormatError(place, f"no JSON ({error})", "an object") from None
    except (KeyError, TypeError, IndexError):
        raise FormatError(place, line[:80].decode(errors="replace").strip(), f"an object with a text in its field {field!r}") from None


def parquet_texts(path: str, column: str, *, nulls: bool, report: Report | None = None) -> Iterator[str | bytes]:
    """Give a column of a table, of text or of bytes. Where there may be `nulls` they are passed over."""
    pa, pq = arrow()
    with open(path, "rb") as opened:
        size, row = os.fstat(opened.fileno()).st_size, 0
        try:
            table = pq.ParquetFile(opened)
        except pa.ArrowException as error:
            raise FormatError(path, f"no Parquet file ({error})", "one") from None
        if column not in table.schema_arrow.names:
            raise FormatError(path, f"without a column {column!r}", f"one with it; it has {', '.join(table.schema_arrow.names)}")
        kind = table.schema_arrow.field(column).type
        if not any(test(kind) for test in (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary)):
            raise FormatError(f"the column {column!r} of {path}", f"of type {kind}", "of text or of bytes")
        for batch in table.iter_batches(ROWS, columns=[column]):
            for place, text in enumerate(batch.column(0).to_pylist(), row):
                if text is not None:
                    yield text
                elif not nulls:
                    raise FormatError(f"row {place} of {path}", "null", f"a text in the column {column!r}")
            row += len(batch)
            if report:
                report(size * row // max(1, table.metadata.num_rows), size)
