"""Corpus -> word counts: how often each pretoken occurs. All that training needs to know of a corpus.

Counting reads the corpus once and remembers only the distinct pretokens, so memory grows with the language, not with the text. Counts are a value: they add
up in any order, wherever they were counted, as long as the pattern is the same. In a file that is read in pieces a cut is safe where a line break stands
between a visible ASCII character and an ASCII letter or digit: there every built-in pattern ends a pretoken.
"""

from collections.abc import Iterable, Iterator, Mapping
from numbers import Integral

from .error import ArgumentError, CorpusError, WrongTypeError, as_bytes
from .split import PATTERNS, named, split

MAX_COUNT = 2**63 - 1  # one more than a signed 64-bit integer holds is refused, never wrapped


class WordCounts:
    """Pretoken -> count, with the pattern that cut them.

    >>> counts = count(["a rose is", " a rose"], "gpt2")
    >>> counts.words
    {b'a': 1, b' rose': 2, b' is': 1, b' a': 1}
    """

    def __init__(self, words: Mapping[bytes, int], pattern: str) -> None:
        self.pattern = PATTERNS[named(pattern)]
        self.words: dict[bytes, int] = {}
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

    def items(self) -> list[tuple[bytes, int]]:
        """List the pretokens and their counts in the order of their bytes."""
        return sorted(self.words.items())

    def add(self, other: "WordCounts") -> "WordCounts":
        """Add two counts of the same pattern."""
        if self.pattern != other.pattern:
            raise CorpusError("the pattern of the second counts", repr(other.pattern), f"that of the first: {self.pattern!r}")
        both = WordCounts(self.words, self.pattern)
        for word, n in other.words.items():
            both._add(word, n)
        return both


def check_texts(texts: Iterable[str | bytes]) -> None:
    """Refuse what isn't many texts; a str is an iterable of str, but nobody means its characters."""
    if isinstance(texts, str | bytes) or not isinstance(texts, Iterable):
        raise WrongTypeError("texts", f"of type {type(texts).__name__}", "an iterable of str or bytes, such as a list with one text in it")


def count(texts: Iterable[str | bytes], pattern: str, threads: int | None = None, progress: object = None) -> WordCounts:
    """Count the pretokens of each text."""
    check_texts(texts)
    counts, done = WordCounts({}, pattern), 0
    for i, text in enumerate(texts):
        data = as_bytes(text, f"texts[{i}]")
        for word in split(data, pattern):
            counts._add(word, 1)
        done += len(data)
        if callable(progress):
            progress(done, 0)
    return counts


def count_files(paths: Iterable[str], pattern: str, separator: str | None = None, threads: int | None = None, progress: object = None) -> WordCounts:
    """Count the pretokens of each file; a separator belongs to no pretoken."""
    return count(documents(paths, separator), pattern, threads, progress)


def documents(paths: Iterable[str], separator: str | None) -> Iterator[bytes]:
    """Read each file as one document, or as several that stand between separators."""
    if separator == "":
        raise ArgumentError("separator", "''", "a text that isn't empty, or None")
    for path in paths:
        with open(path, "rb") as file:
            data = file.read()
        yield from data.split(as_bytes(separator, "separator")) if separator is not None else [data]
