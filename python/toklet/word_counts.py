"""Word counts as Python sees them: a value that adds up, can be saved, and is trained on."""

import os
from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import Any, NamedTuple

from ._core import core
from .checks import as_dict, as_path, check_pattern
from .progress import Report, reporting
from .reference.count import MAX_COUNT
from .reference.error import CorpusError, FormatError, number
from .tokenizer import Tokenizer
from .training_options import checked


class Memory(NamedTuple):
    """Bytes of memory."""

    counts: int
    training: int


class WordCounts:
    """How often each pretoken of a corpus occurs: all that training needs to know of it.

    Counts of the same pattern add up, wherever they were made; `len` is the number of distinct pretokens.

    Examples
    --------
    >>> from toklet import count
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

    @classmethod
    def _from_columns(cls, chunks: Any, pattern: str, error_bound: int) -> "WordCounts":
        return cls._of(core.WordCounts.from_columns(chunks, pattern, error_bound))

    @property
    def pattern(self) -> str:
        """The regular expression that cut the pretokens."""
        return str(self._core.pattern)

    @property
    def total(self) -> int:
        """The number of pretokens, every occurrence."""
        return int(self._core.total())

    @property
    def error_bound(self) -> int:
        """By how much each count may be too low: 0, unless the counts were made with `max_words`."""
        return int(self._core.error_bound())

    @property
    def memory(self) -> "Memory":
        """About the bytes that these counts take, and the most that training on them takes besides."""
        return Memory(*self._core.memory())

    def __len__(self) -> int:
        return len(self._core)

    def __iter__(self) -> Any:
        return iter(self._core.items())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, WordCounts) or (self.pattern, self.error_bound, len(self)) != (other.pattern, other.error_bound, len(other)):
            return False
        return list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def __mul__(self, times: int) -> "WordCounts":
        """Count everything so many times: the weight of a source, as in `3 * a + b`."""
        if isinstance(times, bool) or not isinstance(times, Integral):
            return NotImplemented
        return WordCounts._of(self._core.times(number("the weight of counts", times, f"an integer from 1 to {MAX_COUNT}", 1, MAX_COUNT, whole=True)))

    __rmul__ = __mul__

    def __add__(self, other: "WordCounts") -> "WordCounts":
        if not isinstance(other, WordCounts):
            return NotImplemented
        return WordCounts._of(self._core.add(other._core))

    def __reduce__(self) -> tuple[Any, ...]:
        return WordCounts._from_columns, (self._core.columns(), self.pattern, self.error_bound)

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
        extend: Tokenizer | None = None,
        superwords: int | None = None,
        pattern: str | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        threads: int | None = None,
        progress: bool | Report | None = None,
    ) -> Tokenizer:
        """Train a tokenizer on these counts; the parameters are those of `toklet.train`. `superwords` needs counts of lines: `count(texts, "lines")`."""
        options = checked(self.pattern, vocab_size, special_tokens, min_frequency, max_token_length, ties, extend, checkpoint, threads, superwords, pattern)
        return self._train(options, progress)

    def _train(self, options: dict[str, Any], progress: bool | Report | None, *, spend: bool = False) -> Tokenizer:
        """Train with options that are checked. Who spends the counts finds them empty afterwards: their memory is free while pairs are merged."""
        with reporting(progress, f"merge in about {self.memory.training / 1e6:,.0f} MB", " merges") as report:
            return Tokenizer._of(core.train(self._core, **options, progress=report, spend=spend))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Save as a table (pretoken: binary, count: uint64), sorted by pretoken, with the pattern in its metadata. Needs pyarrow.

        Parameters
        ----------
        path : path
            NAME.arrow makes an Arrow file, any other name a parquet file. It is replaced whole or not at all.
        """
        from .counts_file import write

        write(as_path(path), self._core.columns(), self.pattern, self.error_bound)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "WordCounts":
        """Load a table that `save`, or any engine that writes the same two columns and the pattern, has made. Needs pyarrow.

        Raises
        ------
        FormatError
            If the file is no such table, says no pattern, or has a pretoken twice.
        """
        from .counts_file import read

        name = as_path(path)
        chunks, pattern, error_bound = read(name)
        try:
            return cls._from_columns(chunks, pattern, error_bound)
        except CorpusError as error:
            raise FormatError(f"{error.place} in {name}", error.found, error.allowed) from None
