"""The file of word counts: a parquet or an Arrow table (pretoken: binary, count: uint64), sorted by pretoken, that any engine can make and read.

Its metadata: `toklet.pattern`, the pattern that cut the pretokens, and `toklet.error_bound`, by how much each count may be too low, where it isn't 0. pyarrow
does the reading and writing, and columns go to and from the core as their buffers: no word becomes an object of Python.
"""

from typing import Any

from .reference.atomic import write as write_whole
from .reference.error import FormatError

Columns = list[tuple[Any, Any, Any]]  # chunks of rows: the pretokens one after the other, where they end (int64, behind a 0), their counts (uint64)


def arrow() -> tuple[Any, Any]:
    """Import pyarrow, which only these files need."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise ImportError("parquet and Arrow files are read and written by pyarrow, which isn't installed: pip install 'toklet[parquet]'") from None
    return pyarrow, pyarrow.parquet


def write(path: str, chunks: Columns, pattern: str, error_bound: int) -> None:
    """Write a table, whole or not at all."""
    pa, pq = arrow()
    metadata = {"toklet.pattern": pattern} | ({"toklet.error_bound": str(error_bound)} if error_bound else {})
    schema = pa.schema([("pretoken", pa.binary()), ("count", pa.uint64())], metadata=metadata)
    batches = []
    for data, ends, counts in chunks:
        rows = len(counts) // 8
        words = pa.Array.from_buffers(pa.large_binary(), rows, [None, pa.py_buffer(ends), pa.py_buffer(data)]).cast(pa.binary())
        batches.append(pa.record_batch([words, pa.Array.from_buffers(pa.uint64(), rows, [None, pa.py_buffer(counts)])], schema=schema))
    table, sink = pa.Table.from_batches(batches, schema), pa.BufferOutputStream()
    if path.endswith(".arrow"):
        with pa.ipc.new_file(sink, schema) as file:
            file.write_table(table)
    else:
        pq.write_table(table, sink, compression="zstd")
    write_whole(path, sink.getvalue())


def read(path: str) -> tuple[Columns, str, int]:
    """Read a table: its rows, the pattern, the error bound."""
    pa, pq = arrow()
    try:
        with open(path, "rb") as file:
            is_arrow = file.read(6) == b"ARROW1"
        if is_arrow:
            with pa.OSFile(path) as source:
                table = pa.ipc.open_file(source).read_all()
        else:
            table = pq.read_table(path)
        metadata = {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items() if key.startswith(b"toklet.")}
        pattern, error_bound = metadata.get("toklet.pattern", ""), int(metadata.get("toklet.error_bound", "0"))
    except (pa.ArrowInvalid, ValueError) as error:
        raise FormatError(path, f"not a table of word counts ({error})", "one that WordCounts.save wrote") from None
    if table.column_names != ["pretoken", "count"] or "toklet.pattern" not in metadata or error_bound < 0:
        raise FormatError(path, f"a table of {table.column_names}", "one of pretoken and count, with toklet.pattern (UTF-8) in its metadata")
    if table["pretoken"].null_count or table["count"].null_count:
        raise FormatError(path, "a table with nulls in it", "a pretoken and a count in each row")
    if not (pa.types.is_binary(table["pretoken"].type) or pa.types.is_large_binary(table["pretoken"].type)):
        raise FormatError(path, f"a table whose pretokens are of type {table['pretoken'].type}", "one whose pretokens are bytes")
    try:
        words, counts = table["pretoken"].cast(pa.large_binary()), table["count"].cast(pa.uint64())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise FormatError(path, f"a table of {[str(field.type) for field in table.schema]} ({error})", "one of bytes, and counts from 1 on") from None
    return [columns(batch) for batch in pa.table([words, counts], names=["pretoken", "count"]).to_batches()], pattern, error_bound


def columns(batch: Any) -> tuple[Any, Any, Any]:
    """Give the buffers of a batch, without the rows before and behind it that they may hold as well."""
    words, counts = batch.columns
    _, ends, data = words.buffers()
    ends = memoryview(ends).cast("B")[8 * words.offset : 8 * (words.offset + len(words) + 1)]
    numbers = memoryview(counts.buffers()[1]).cast("B")[8 * counts.offset : 8 * (counts.offset + len(counts))]
    return memoryview(data).cast("B") if data is not None else b"", ends, numbers
