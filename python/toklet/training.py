"""Training as Python sees it: texts or files -> word counts -> tokenizer."""

import glob
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ._core import core
from .checks import as_dict, as_list, as_path, check_pattern, check_separator
from .encoding import Text
from .progress import Report, reporting
from .reference.count import check_texts
from .reference.encode import check_threads
from .reference.error import CorpusError, FormatError, WrongTypeError
from .reference.train import check as check_training
from .tokenizer import Tokenizer

Paths = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]


def arrow() -> tuple[Any, Any]:
    """Import pyarrow, which only parquet files need."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise ImportError("word counts are saved and loaded by pyarrow, which isn't installed: pip install 'toklet[parquet]'") from None
    return pyarrow, pyarrow.parquet


class WordCounts:
    """How often each pretoken of a corpus occurs: all that training needs to know of it.

    Counts of the same pattern add up, wherever they were made; `len` is the number of distinct pretokens.

    Examples
    --------
    >>> counts = count(["a rose is a rose"], pattern="gpt2") + count([" a rose"], pattern="gpt2")
    >>> len(counts), counts.total, dict(counts)[b" rose"]
    (4, 7, 3)
    """

    __slots__ = ("_core",)
    _core: Any

    def __init__(self, words: Mapping[bytes, int], pattern: str = "o200k") -> None:
        check_pattern(pattern)
        self._core = core.WordCounts(as_dict("words", words), pattern)

    @classmethod
    def _of(cls, made: Any) -> "WordCounts":
        self = object.__new__(cls)
        self._core = made
        return self

    @property
    def pattern(self) -> str:
        """The regular expression that cut the pretokens."""
        return str(self._core.pattern)

    @property
    def total(self) -> int:
        """The number of pretokens, every occurrence."""
        return int(self._core.total())

    def __len__(self) -> int:
        return len(self._core)

    def __iter__(self) -> Any:
        return iter(self._core.items())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, WordCounts) and self.pattern == other.pattern and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def __add__(self, other: "WordCounts") -> "WordCounts":
        if not isinstance(other, WordCounts):
            return NotImplemented
        return WordCounts._of(self._core.add(other._core))

    def __reduce__(self) -> tuple[Any, ...]:
        return WordCounts, (dict(self), self.pattern)

    def __repr__(self) -> str:
        return f"<WordCounts of {len(self)} distinct pretokens, {self.total} in all>"

    def train(
        self,
        vocab_size: int,
        *,
        special_tokens: Sequence[str] = (),
        min_frequency: int = 1,
        max_token_length: int | None = None,
        ties: str = "ids",
        progress: bool | Report | None = None,
    ) -> Tokenizer:
        """Train a tokenizer on these counts; the parameters are those of `toklet.train`."""
        names = as_list("special_tokens", special_tokens)
        vocab_size, min_frequency, max_token_length = check_training(vocab_size, names, min_frequency, max_token_length, ties)
        with reporting(progress, "merge", " merges") as report:
            return Tokenizer._of(core.train(self._core, vocab_size, names, min_frequency, max_token_length, ties, report))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Save as a parquet table (pretoken: binary, count: uint64), sorted by pretoken, with the pattern in its metadata. Needs pyarrow."""
        pa, pq = arrow()
        from .formats.atomic import write

        words, numbers = [word for word, _ in self], [n for _, n in self]
        schema = pa.schema([("pretoken", pa.binary()), ("count", pa.uint64())], metadata={"toklet.pattern": self.pattern})
        table = pa.table([pa.array(words, pa.binary()), pa.array(numbers, pa.uint64())], schema=schema)
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, compression="zstd")
        write(as_path(path), sink.getvalue().to_pybytes())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "WordCounts":
        """Load a table that `save`, or any engine that writes the same two columns and the pattern, has made. Needs pyarrow."""
        pa, pq = arrow()
        name = as_path(path)
        try:
            table = pq.read_table(name)
        except pa.ArrowInvalid as error:
            raise FormatError(name, f"not a parquet table ({error})", "one that WordCounts.save wrote") from None
        try:
            pattern = (table.schema.metadata or {}).get(b"toklet.pattern", b"").decode()
        except UnicodeDecodeError:
            pattern = ""
        if not pattern or table.column_names != ["pretoken", "count"]:
            raise FormatError(name, f"a table of {table.column_names}", "one of pretoken and count, with toklet.pattern (UTF-8) in its metadata")
        words: dict[bytes, int] = {}
        for row, (word, n) in enumerate(zip(table["pretoken"].to_pylist(), table["count"].to_pylist(), strict=True)):
            if not isinstance(word, bytes) or not isinstance(n, int) or word in words:
                raise FormatError(f"row {row} of {name}", repr((word, n)), "a pretoken (bytes) that no other row has, and its count")
            words[word] = n
        return cls(words, pattern)


def count(texts: Iterable[Text], pattern: str = "o200k", *, threads: int | None = None, progress: bool | Report | None = None) -> WordCounts:
    """Count the pretokens of texts.

    Parameters
    ----------
    texts : iterable of str or bytes
        Read once and never held whole: memory grows with the distinct pretokens.
    pattern : str
        The name of a built-in pattern (`toklet.patterns`), or a regular expression.
    threads : int, optional
        How many threads work; default: one a core. The result doesn't depend on it.
    progress : True or callable, optional
        A bar on standard error, or a function of (bytes done, bytes in all or 0).

    Examples
    --------
    >>> count(["to be or not to be"], pattern="gpt2")
    <WordCounts of 5 distinct pretokens, 6 in all>
    """
    check_texts(texts)
    threads = check_threads(threads)
    check_pattern(pattern)
    with reporting(progress, "count", "B") as report:
        return WordCounts._of(core.count(texts, pattern, threads, report))


def count_files(
    paths: Paths, pattern: str = "o200k", *, separator: str | None = None, threads: int | None = None, progress: bool | Report | None = None
) -> WordCounts:
    """Count the pretokens of files.

    Parameters
    ----------
    paths : path, glob, or an iterable of them
        Read in pieces and in parallel, also inside one file.
    separator : str, optional
        What stands between two documents of a file: it belongs to no pretoken.
    pattern, threads, progress : see `count`

    Raises
    ------
    OSError
        If a file can't be read.
    CorpusError
        If a glob matches no file.
    """
    threads = check_threads(threads)
    check_pattern(pattern)
    check_separator(separator)
    with reporting(progress, "count", "B") as report:
        return WordCounts._of(core.count_files(files(paths), pattern, separator, threads, report))


def files(paths: Paths) -> list[str]:
    """Give the files that paths and globs name, in order."""
    if not isinstance(paths, str | os.PathLike | Iterable):
        raise WrongTypeError("paths", f"of type {type(paths).__name__}", "a path, a glob, or an iterable of them")
    named = []
    for path in [paths] if isinstance(paths, str | bytes | os.PathLike) else paths:
        name = as_path(path)
        if not glob.has_magic(name) or os.path.exists(name):
            named.append(name)
            continue
        found = [file for file in sorted(glob.glob(name, recursive=True)) if not os.path.isdir(file)]
        if not found:
            raise CorpusError("the glob", repr(name), "one that matches a file")
        named += found
    return named


def checked(vocab_size: int, special_tokens: Sequence[str], min_frequency: int, max_token_length: int | None, ties: str) -> dict[str, Any]:
    """Give the options of training, refusing what can't be trained before a corpus is read for it."""
    names = as_list("special_tokens", special_tokens)
    vocab_size, min_frequency, max_token_length = check_training(vocab_size, names, min_frequency, max_token_length, ties)
    return {"vocab_size": vocab_size, "special_tokens": names, "min_frequency": min_frequency, "max_token_length": max_token_length, "ties": ties}


def train(
    texts: Iterable[Text],
    vocab_size: int,
    *,
    pattern: str = "o200k",
    special_tokens: Sequence[str] = (),
    min_frequency: int = 1,
    max_token_length: int | None = None,
    ties: str = "ids",
    threads: int | None = None,
    progress: bool | Report | None = None,
) -> Tokenizer:
    """Train a tokenizer: byte-level BPE, exact and deterministic.

    Parameters
    ----------
    texts : iterable of str or bytes
        The corpus, read once.
    vocab_size : int
        How many ids: the 256 bytes, the merges, the special tokens. It is less if the corpus has no more pairs to merge.
    pattern : str
        What cuts text into pretokens, which no merge crosses: a name from `toklet.patterns`, or a regular expression.
    special_tokens : sequence of str
        Their ids come last. The corpus is text: what it spells is never taken as one.
    min_frequency : int
        A pair that occurs less often isn't merged.
    max_token_length : int, optional
        In bytes; a merge that would make a longer token isn't done.
    ties : {"ids", "huggingface"}
        Which of two pairs of equal count is merged first: the one with the smaller left id, then the smaller right id, the bytes in their order or in
        that of Hugging Face's alphabet.
    threads : int, optional
        How many threads count. The result doesn't depend on it.
    progress : True or callable, optional
        Bars on standard error, or a function of (done, total), called for the counting (in bytes) and then for the merging.

    Raises
    ------
    ArgumentError
        If a parameter is out of range.
    CorpusError
        If the corpus holds no pretoken.

    Examples
    --------
    >>> tok = train(["low lower lowest"], vocab_size=260, pattern="gpt2")
    >>> tok.merges
    [(b'l', b'o'), (b'lo', b'w'), (b' ', b'low'), (b' low', b'e')]
    """
    options = checked(vocab_size, special_tokens, min_frequency, max_token_length, ties)
    counts = count(texts, pattern, threads=threads, progress=progress)
    return counts.train(progress=progress, **options)


def train_files(
    paths: Paths,
    vocab_size: int,
    *,
    pattern: str = "o200k",
    separator: str | None = None,
    special_tokens: Sequence[str] = (),
    min_frequency: int = 1,
    max_token_length: int | None = None,
    ties: str = "ids",
    threads: int | None = None,
    progress: bool | Report | None = None,
) -> Tokenizer:
    """Train a tokenizer on files: `count_files`, then `WordCounts.train`; see `train` for the parameters."""
    options = checked(vocab_size, special_tokens, min_frequency, max_token_length, ties)
    counts = count_files(paths, pattern, separator=separator, threads=threads, progress=progress)
    return counts.train(progress=progress, **options)
