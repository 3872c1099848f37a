"""Counting and encoding on many machines, on Ray Data (`pip install 'toklet[ray]'`): datasets in, word counts or ids out.

    texts ─▶ count a block ─▶ (pretoken, count) ─▶ shuffle by hash of the pretoken ─▶ add up a partition ─▶ WordCounts, or a parquet file a partition

Counting is the only part of training that needs the whole corpus, and counts add up. So each task counts one block of texts, and only a table of distinct
pretokens travels. All rows of a pretoken go to the partition that its hash (CRC-32, the same on every machine) names, and partitions are added up apart, so the
merge scales like the counting. Training reads the sums, on one machine. The result is, to the byte, that of one machine. `count_batches` is the first step
alone, for other engines: docs/distributed.md has it on Spark, the merge of parquet files on DuckDB, and what a terabyte costs.
"""

import errno
import os
import zlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from . import WordCounts
from . import count as count_texts
from .checks import as_path, check_pattern
from .encoding import Special
from .reference.error import ArgumentError, WrongTypeError, number
from .tokenizer import Tokenizer

if TYPE_CHECKING:
    import pyarrow as pa

MAX_PARTITIONS = 65_536


def count(dataset: Any, pattern: str = "o200k", *, column: str = "text", partitions: int | None = None) -> WordCounts:
    """Count the pretokens of a dataset: what `toklet.count` gives for the texts of its column.

    Parameters
    ----------
    dataset : ray.data.Dataset
        Each row is one text, null none. Larger blocks make less to shuffle.
    pattern : str
        The name of a built-in pattern, or a regular expression.
    column : str
        Where the texts are: strings, or binary.
    partitions : int, optional
        Into how many parts the counts are hashed, to be added up apart. Default: two a core of the cluster.

    Returns
    -------
    WordCounts
        On the machine that calls, which must hold them; `save_counts` leaves them where they are.

    Examples
    --------
    >>> import ray, toklet.distributed                                   # doctest: +SKIP
    >>> texts = ray.data.read_parquet("s3://bucket/corpus/")             # doctest: +SKIP
    >>> tok = toklet.distributed.count(texts, "o200k").train(100_000)    # doctest: +SKIP
    """
    words: dict[bytes, int] = {}
    for table in counted(dataset, pattern, column, partitions, add_up).iter_batches(batch_size=None, batch_format="pyarrow"):
        words.update(rows(table))
    return WordCounts(words, pattern)


def save_counts(dataset: Any, folder: str | os.PathLike[str], pattern: str = "o200k", *, column: str = "text", partitions: int | None = None) -> list[str]:
    """Count as `count` does, and save each partition as a parquet file that `WordCounts.load` reads.

    Parameters
    ----------
    folder : str or PathLike
        One that all machines see. Files are written whole or not at all; no pretoken is in two of them.
    dataset, pattern, column, partitions : see `count`

    Returns
    -------
    list of str
        The files, in order.

    Raises
    ------
    FileExistsError
        If parquet files are in the folder already.
    """
    folder = as_path(folder)
    os.makedirs(folder, exist_ok=True)
    for name in os.listdir(folder):
        if name.endswith(".parquet"):  # of another run, perhaps with more partitions: its counts would be taken for this one's
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), os.path.join(folder, name))
    saved = counted(dataset, pattern, column, partitions, save_partition, {"folder": folder, "pattern": pattern})
    return sorted(row["path"] for row in saved.iter_rows())


def encode(
    dataset: Any, tok: Tokenizer, *, column: str = "text", ids: str = "ids", special: Special = "text", concurrency: int | tuple[int, int] | None = None
) -> Any:
    """Encode the texts of a dataset: each row keeps its columns and gets one more.

    Parameters
    ----------
    dataset : ray.data.Dataset
    tok : Tokenizer
        Sent once to each actor, not with each block.
    column : str
        Where the texts are.
    ids : str
        The name of the new column, of type list<uint32>.
    special : see `Tokenizer.encode`
    concurrency : int or (int, int), optional
        How many actors there are, each with one core, or from how many to how many. Default: from one to one a core of the cluster.

    Returns
    -------
    ray.data.Dataset
        Lazy, as all of them are; rows come in any order unless Ray is told to keep it.

    Examples
    --------
    >>> encoded = toklet.distributed.encode(texts, tok)                  # doctest: +SKIP
    >>> encoded.write_parquet("s3://bucket/ids/")                        # doctest: +SKIP
    """
    if not isinstance(tok, Tokenizer):
        raise WrongTypeError("tok", f"of type {type(tok).__name__}", "a Tokenizer")
    check_dataset(dataset)
    workers = (1, cores()) if concurrency is None else concurrency
    return dataset.map_batches(
        Encoder, fn_constructor_args=(tok, column, ids, special), batch_format="pyarrow", batch_size=None, concurrency=workers, num_cpus=1
    )


def count_batches(batches: "Iterable[pa.RecordBatch | pa.Table]", pattern: str = "o200k", column: str = "text") -> "Iterator[pa.RecordBatch]":
    """Count the texts of Arrow batches, as one table: the step of an engine's workers.

    Parameters
    ----------
    batches : iterable of pyarrow.RecordBatch or Table
        Read one by one: memory grows with the distinct pretokens. Null is no text.
    pattern, column : see `count`

    Yields
    ------
    pyarrow.RecordBatch
        One, of pretoken (binary) and count (uint64); each pretoken is there once, in order.
    """
    import pyarrow as pa

    texts = (text for batch in batches for text in batch.column(column).to_pylist() if text is not None)
    counts = count_texts(texts, pattern, threads=1)  # one core is what an engine gives a task
    words, numbers = zip(*counts, strict=True) if len(counts) else ((), ())
    yield pa.record_batch({"pretoken": pa.array(words, pa.binary()), "count": pa.array(numbers, pa.uint64())})


def counted(dataset: Any, pattern: str, column: str, partitions: int | None, finish: Any, arguments: dict[str, Any] | None = None) -> Any:
    """Plan the work: count the blocks, shuffle, and `finish` each partition."""
    check_dataset(dataset)
    check_pattern(pattern)
    count_texts([], pattern)  # a pattern that can't be read is refused here, not by each worker
    partitions = (
        2 * cores() if partitions is None else number("partitions", partitions, f"an integer from 1 to {MAX_PARTITIONS}", 1, MAX_PARTITIONS, whole=True)
    )
    block = {"pattern": pattern, "column": column, "partitions": partitions}
    tables = dataset.map_batches(count_block, fn_kwargs=block, batch_format="pyarrow", batch_size=None)
    return tables.groupby("partition", num_partitions=partitions).map_groups(finish, fn_kwargs=arguments, batch_format="pyarrow")


def count_block(table: "pa.Table", pattern: str, column: str, partitions: int) -> "pa.Table":
    """Count one block, and say which partition each pretoken belongs to."""
    import pyarrow as pa

    (counts,) = count_batches([table], pattern, column)
    belongs = pa.array([zlib.crc32(word) % partitions for word in counts.column("pretoken").to_pylist()], pa.uint32())
    return pa.Table.from_batches([counts]).append_column("partition", belongs)


def add_up(table: "pa.Table") -> "pa.Table":
    """Add up a partition. No sum wraps: all pretokens together are fewer than the bytes of the corpus."""
    summed = table.group_by("pretoken").aggregate([("count", "sum")])
    return summed.select(["pretoken", "count_sum"]).rename_columns(["pretoken", "count"])


def save_partition(table: "pa.Table", folder: str, pattern: str) -> "pa.Table":
    """Add up a partition and save it."""
    import pyarrow as pa

    path = os.path.join(folder, f"part-{table['partition'][0].as_py():05}.parquet")
    WordCounts(dict(rows(add_up(table))), pattern).save(path)
    return pa.table({"path": [path]})


def rows(table: "pa.Table") -> Iterator[tuple[bytes, int]]:
    """Give the pretokens and counts of a table."""
    return zip(table["pretoken"].to_pylist(), table["count"].to_pylist(), strict=True)


class Encoder:
    """One tokenizer, in an actor that encodes block after block."""

    def __init__(self, tok: Tokenizer, column: str, ids: str, special: Special) -> None:
        self.tok, self.column, self.ids, self.special = tok, column, ids, special

    def __call__(self, table: "pa.Table") -> "pa.Table":
        """Append the ids of a block; of null they are null. Arrow's lists end at 2**31 - 1 ids a block; more are refused by it, never wrapped."""
        import pyarrow as pa

        if self.ids in table.column_names:
            raise ArgumentError("ids", repr(self.ids), f"a new column: the dataset has {table.column_names}")
        texts = table[self.column].to_pylist()
        batch = self.tok.encode_batch(["" if text is None else text for text in texts], self.special, threads=1)
        missing = pa.array([text is None for text in texts], pa.bool_())
        lists = pa.ListArray.from_arrays(pa.array(batch.offsets).cast(pa.int32()), pa.array(batch.ids), mask=missing)
        return table.append_column(self.ids, lists)


def check_dataset(dataset: Any) -> None:
    """Refuse what isn't a dataset of Ray's."""
    if not (hasattr(dataset, "map_batches") and hasattr(dataset, "groupby")):
        raise WrongTypeError("dataset", f"of type {type(dataset).__name__}", "a ray.data.Dataset, such as ray.data.read_parquet gives")


def cores() -> int:
    """Say how many cores the cluster has."""
    try:
        import ray
    except ImportError:
        raise ImportError("counting on a cluster needs Ray, which isn't installed: pip install 'toklet[ray]'") from None
    cluster: Any = ray
    return max(1, int(cluster.cluster_resources().get("CPU", 1)))
