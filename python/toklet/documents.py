"""The texts in files that hold more than text: a field of JSON lines, a column of parquet tables. Read a line or a batch at a time."""

import json
from collections.abc import Iterator

from .counts_file import arrow
from .reference.error import FormatError

ROWS = 1_024  # of a parquet table at a time


def json_texts(paths: list[str], field: str) -> Iterator[str]:
    """Give a field of each object; null is no text, and an empty line no object."""
    for path in paths:
        with open(path, "rb") as file:
            for number, line in enumerate(file, 1):
                if line.isspace():
                    continue
                place = f"line {number} of {path}"
                try:
                    text = json.loads(line)[field]
                except (ValueError, RecursionError) as error:
                    raise FormatError(place, f"no JSON ({error})", "a JSON object") from None
                except (KeyError, TypeError, IndexError):
                    raise FormatError(place, line[:80].decode(errors="replace").strip(), f"an object with {field!r}") from None
                if isinstance(text, str):
                    yield text
                elif text is not None:
                    raise FormatError(f"{field!r} in {place}", repr(text)[:80], "a text, or null")


def parquet_texts(paths: list[str], column: str) -> Iterator[str | bytes]:
    """Give a column of each table, of text or of bytes; null is no text."""
    pa, pq = arrow()
    for path in paths:
        try:
            table = pq.ParquetFile(path)
        except pa.ArrowInvalid as error:
            raise FormatError(path, f"not a parquet table ({error})", "one") from None
        with table:
            if column not in table.schema_arrow.names:
                raise FormatError(path, f"a table of {table.schema_arrow.names}", f"one with a column {column!r}")
            kind = table.schema_arrow.field(column).type
            if not any(test(kind) for test in (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary)):
                raise FormatError(f"the column {column!r} of {path}", f"of type {kind}", "of text or of bytes")
            for batch in table.iter_batches(ROWS, columns=[column]):
                yield from (text for text in batch.column(0).to_pylist() if text is not None)
