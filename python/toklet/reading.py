"""The texts of a file, or of any iterable, in runs of a few megabytes: enough for several threads to work on, little enough that memory stays bounded.

Text files (one text, or texts between separators), JSON Lines (a field of each object) and Parquet (a column, by pyarrow). A text may be larger than a run.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from .checks import check_separator
from .documents import json_texts, parquet_texts
from .progress import Report, reporting
from .reference.error import ArgumentError, WrongTypeError

RUN = 1 << 23  # bytes
PART = 1 << 18  # bytes: what a thread takes of a text that is cut
Run = list[Any]  # of str or bytes
Cut = Callable[[bytes, int], int | None]


class Source(NamedTuple):
    """A file, and where its texts are."""

    path: str
    separator: str | None = None
    field: str | None = None
    column: str | None = None

    def check(self) -> "Source":
        """Refuse what contradicts itself."""
        check_separator(self.separator)
        for name, value in (("field", self.field), ("column", self.column)):
            if value is not None and not isinstance(value, str):
                raise WrongTypeError(name, repr(value), "the name of one, or None")
        given = [name for name in ("separator", "field", "column") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ArgumentError(given[1], f"said together with {given[0]}", "one of them: a file is text, JSON Lines or Parquet")
        return self

    def runs(self, progress: bool | Report | None) -> Iterator[Run]:
        """Give the texts, in runs."""
        with reporting(progress, "encode", "B") as report:
            report = report or (lambda done, total: None)
            if self.field is not None:
                yield from bounded(json_texts(self.path, self.field, nulls=False, report=report))
            elif self.column is not None:
                yield from bounded(parquet_texts(self.path, self.column, nulls=False, report=report))
            else:
                yield from text(self, report)


def bounded(texts: Iterable[Any]) -> Iterator[Run]:
    """Put texts together to runs."""
    run: Run = []
    size = 0
    for item in texts:
        run.append(item)
        size += len(item) if isinstance(item, str | bytes) else 0
        if size >= RUN or len(run) >= RUN:
            yield run
            run, size = [], 0
    yield run


def blocks(path: str, report: Report) -> Iterator[bytes]:
    """Read a file block by block."""
    with open(path, "rb") as file:
        done, size = 0, os.fstat(file.fileno()).st_size
        while block := file.read(RUN):
            yield block
            done += len(block)
            report(done, max(done, size))


def text(source: Source, report: Report) -> Iterator[Run]:
    """Give a text file as one text, or as those between separators."""
    if source.separator is None:
        yield [b"".join(blocks(source.path, report))]
        return
    separator, held, searched = source.separator.encode(), bytearray(), 0
    for block in blocks(source.path, report):
        held += block
        if held.find(separator, searched) >= 0:
            *run, rest = bytes(held).split(separator)
            yield run
            held = bytearray(rest)
        searched = max(0, len(held) - len(separator) + 1)
    yield [bytes(held)]


def parts(path: str, cut: Cut, progress: bool | Report | None) -> Iterator[Run]:
    """Give one text in parts whose ids are, one after the other, those of the text; `cut` says where it may be cut, or `None`."""
    held = b""
    with reporting(progress, "encode", "B") as report:
        for block in blocks(path, report or (lambda done, total: None)):
            held += block
            run = []
            while len(held) > PART and (end := cut(held, PART) or cut(held, len(held))):
                run.append(held[:end])
                held = held[end:]
            yield run
    yield [held]
