"""Counting as Python sees it: texts or files -> word counts."""

import glob
import os
from collections.abc import Iterable
from itertools import chain

from ._core import core
from .checks import as_path, check_pattern, check_separator
from .documents import json_texts, parquet_texts
from .encoding import Text
from .progress import Report, reporting
from .reference.count import check_max_words, check_texts
from .reference.encode import check_threads
from .reference.error import ArgumentError, CorpusError, WrongTypeError, is_many
from .word_counts import WordCounts

Paths = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]


def count(
    texts: Iterable[Text],
    pattern: str = "o200k",
    *,
    max_words: int | None = None,
    threads: int | None = None,
    progress: bool | Report | None = None,
) -> WordCounts:
    """Count the pretokens of texts.

    Parameters
    ----------
    texts : iterable of str or bytes
        Read once and never held whole: memory grows with the distinct pretokens.
    pattern : str
        The name of a built-in pattern (`toklet.patterns`), or a regular expression; "" is no pattern: a text is one pretoken.
    max_words : int, optional
        Keep at most so many distinct pretokens, the most frequent ones. The counts are then lower bounds: `error_bound` says by how much each may be
        too low, which is at most the number of pretokens divided by `max_words`.
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
    threads, max_words = check_threads(threads), check_max_words(max_words)
    check_pattern(pattern)
    with reporting(progress, "count", "B") as report:
        return WordCounts._of(core.count(texts, pattern, max_words, threads, report))


def count_files(
    paths: Paths,
    pattern: str = "o200k",
    *,
    separator: str | None = None,
    field: str | None = None,
    column: str | None = None,
    max_words: int | None = None,
    threads: int | None = None,
    progress: bool | Report | None = None,
) -> WordCounts:
    """Count the pretokens of files.

    Parameters
    ----------
    paths : path, glob, or an iterable of them
        Read in pieces and in parallel, also inside one file.
    separator : str, optional
        What stands between two documents of a file: it belongs to no pretoken.
    field : str, optional
        The files are JSON lines, and a text is what stands in this field of each object; null is no text.
    column : str, optional
        The files are parquet tables, and a text is a value of this column; null is no text. Needs pyarrow.
    pattern, max_words, threads, progress : see `count`

    Raises
    ------
    OSError
        If a file can't be read.
    FormatError
        If a file holds no JSON lines with that field, or no such column.
    CorpusError
        If a glob matches no file.
    """
    threads, max_words = check_threads(threads), check_max_words(max_words)
    check_pattern(pattern)
    check_separator(separator)
    given = [f"{name}={value!r}" for name, value in (("separator", separator), ("field", field), ("column", column)) if value is not None]
    if len(given) > 1:
        raise ArgumentError("what a text is", " and ".join(given), "one of separator, field and column")
    for name, value in (("field", field), ("column", column)):
        if value is not None and not isinstance(value, str):
            raise WrongTypeError(name, repr(value), "a str, or None")
    named = files(paths)
    with reporting(progress, "count", "B") as report:
        if field is None and column is None:
            return WordCounts._of(core.count_files(named, pattern, separator, max_words, threads, report))
        texts_of = (lambda path: json_texts(path, field, nulls=True)) if field is not None else (lambda path: parquet_texts(path, str(column), nulls=True))
        texts = chain.from_iterable(map(texts_of, named))
        return WordCounts._of(core.count(texts, pattern, max_words, threads, report))


def files(paths: Paths) -> list[str]:
    """Give the files that paths and globs name, in order."""
    if not isinstance(paths, str | bytes | os.PathLike) and not is_many(paths):
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
