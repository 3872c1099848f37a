"""Corpus -> word counts: how often each pretoken occurs. All that training needs to know of a corpus.

Counting reads the corpus once and remembers only the distinct pretokens, so memory grows with the language, not with the text. Counts are a value: they add
up in any order, wherever they were counted, as long as the pattern is the same. Where even the distinct pretokens are too many, rare ones may be given up, and
the counts say how much they may be too low.
"""

from array import array
from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate, pairwise
from numbers import Integral
from typing import Any

from .error import ArgumentError, CorpusError, WrongTypeError, as_bytes, is_many, number
from .split import PATTERNS, named, split

MAX_COUNT = 2**63 - 1  # one more than a signed 64-bit integer holds is refused, never wrapped
Columns = list[tuple[Any, Any, Any]]


class WordCounts:
    """Pretoken -> count, with the pattern that cut them.

    >>> counts = count(["a rose is", " a rose"], "gpt2")
    >>> counts.words
    {b'a': 1, b' rose': 2, b' is': 1, b' a': 1}
    """

    def __init__(self, words: Mapping[bytes, int], pattern: str, error_bound: int = 0) -> None:
        self.pattern = PATTERNS.get(named(pattern), "")
        self.words: dict[bytes, int] = {}
        self._error_bound = error_bound
        for word, n in words.items():
            self._add(word, n)

    def _add(self, word: bytes, n: int) -> None:
        if not isinstance(word, bytes) or not isinstance(n, Integral) or isinstance(n, bool):
            raise WrongTypeError("a word count", repr((word, n)), "bytes and an int")
        total = self.words.get(word, 0) + n
        if not word or n <= 0 or total > MAX_COUNT:
            raise CorpusError(f"the count of {word!r}", str(total), f"from 1 to {MAX_COUNT}, of a pretoken that isn't empty")
        self.words[word] = total

    def __len__(self) -> int:
        return len(self.words)

    def total(self) -> int:
        """Count the pretokens, every occurrence."""
        return sum(self.words.values())

    def error_bound(self) -> int:
        """Say by how much each count may be too low: 0, unless rare words were given up."""
        return self._error_bound

    def memory(self) -> tuple[int, int]:
        """Say about how many bytes these counts take, and how many training takes besides."""
        letters = sum(map(len, self.words))
        return 200 * len(self) + letters, 100 * letters

    def items(self) -> list[tuple[bytes, int]]:
        """List the pretokens and their counts in the order of their bytes."""
        return sorted(self.words.items())

    def columns(self) -> Columns:
        """Give the same as columns: the pretokens one after the other, where they end behind a 0 (int64), their counts (uint64)."""
        items = self.items()
        ends = array("q", accumulate((len(word) for word, _ in items), initial=0))
        return [(b"".join(word for word, _ in items), ends.tobytes(), array("Q", (n for _, n in items)).tobytes())]

    @classmethod
    def from_columns(cls, chunks: Columns, pattern: str, error_bound: int) -> "WordCounts":
        """Make counts of chunks of columns; no pretoken may come twice."""
        counts = cls({}, pattern, error_bound)
        for data, ends, numbers in chunks:
            spans = pairwise(memoryview(ends).cast("B").cast("q"))
            for (start, end), n in zip(spans, memoryview(numbers).cast("B").cast("Q"), strict=True):
                word = bytes(memoryview(data)[start:end])
                if word in counts.words:
                    raise CorpusError(f"the pretoken {word!r}", "there twice", "there once")
                counts._add(word, n)
        return counts

    def add(self, other: "WordCounts") -> "WordCounts":
        """Add two counts of the same pattern."""
        if self.pattern != other.pattern:
            raise CorpusError("the pattern of the second counts", repr(other.pattern), f"that of the first: {self.pattern!r}")
        both = WordCounts(self.words, self.pattern, self._error_bound + other._error_bound)
        for word, n in other.words.items():
            both._add(word, n)
        return both

    def cut(self, pattern: str) -> "WordCounts":
        """Cut the pretokens again, by another pattern: counts of lines become counts of their words."""
        finer = WordCounts({}, pattern)
        for word, n in self.words.items():
            for part in split(word, pattern):
                finer._add(part, n)
        return finer

    def times(self, n: int) -> "WordCounts":
        """Count everything `n` times: the weight of a source."""
        return WordCounts({word: n * count for word, count in self.words.items()}, self.pattern, n * self._error_bound)

    def prune(self, most: int) -> None:
        """Take as much off every count that at most `most` words are left.

        This is the summary of Misra and Gries: each time, so much is taken off at least `most` + 1 words, so all that is ever taken off a word is at most the
        number of pretokens divided by `most` + 1.
        """
        if len(self.words) > most:
            off = sorted(self.words.values(), reverse=True)[most]
            self.words = {word: n - off for word, n in self.words.items() if n > off}
            self._error_bound += off


def check_texts(texts: Iterable[str | bytes]) -> None:
    """Refuse what isn't many texts; a str is an iterable of str, but nobody means its characters."""
    if not is_many(texts):
        raise WrongTypeError("texts", f"of type {type(texts).__name__}", "an iterable of str or bytes, such as a list with one text in it")


def check_max_words(max_words: int | None) -> int | None:
    """Give the bound on words as a plain number."""
    return None if max_words is None else int(number("max_words", max_words, f"an integer from 1 to {2**40}, or None", 1, 2**40, whole=True))


def count(texts: Iterable[str | bytes], pattern: str, max_words: int | None = None, threads: int | None = None, progress: object = None) -> WordCounts:
    """Count the pretokens of each text."""
    check_texts(texts)
    counts, done = WordCounts({}, pattern), 0
    for i, text in enumerate(texts):
        data = as_bytes(text, f"texts[{i}]")
        for word in split(data, pattern):
            counts._add(word, 1)
        if max_words is not None:
            counts.prune(max_words)
        done += len(data)
        if callable(progress):
            progress(done, 0)
    return counts


def count_files(
    paths: Iterable[str],
    pattern: str,
    separator: str | None = None,
    max_words: int | None = None,
    threads: int | None = None,
    progress: object = None,
) -> WordCounts:
    """Count the pretokens of each file; a separator belongs to no pretoken."""
    return count(documents(paths, separator), pattern, max_words, threads, progress)


def documents(paths: Iterable[str], separator: str | None) -> Iterator[bytes]:
    """Read each file as one document, or as several that stand between separators."""
    if separator == "":
        raise ArgumentError("separator", "''", "a text that isn't empty, or None")
    for path in paths:
        with open(path, "rb") as file:
            data = file.read()
        yield from data.split(as_bytes(separator, "separator")) if separator is not None else [data]
