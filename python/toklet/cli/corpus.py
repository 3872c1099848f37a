"""The text of demo, bench, inspect and compare: the source of the standard library on this machine, or files of the user's."""

import os
import random
import sysconfig
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from ..counting import files
from ..reference.error import CorpusError, number
from .arguments import standard_input

SKIPPED = ("site-packages", "dist-packages", "__pycache__")
PIECE = 65_536  # bytes: how long a text of a user's large file becomes


def standard_library() -> list[bytes]:
    """Read every Python file of the standard library, tests included, each content once (the tests hold copies of test data)."""
    names = []
    for folder, folders, found in os.walk(sysconfig.get_path("stdlib")):
        folders[:] = sorted(name for name in folders if name not in SKIPPED)
        names += [os.path.join(folder, name) for name in sorted(found) if name.endswith(".py")]
    return list(dict.fromkeys(text for text in contents(names) if text))


def contents(names: Iterable[str]) -> Iterator[bytes]:
    """Read files."""
    for name in names:
        with open(name, "rb") as file:
            yield file.read()


def named(path: str) -> list[str]:
    """Give the files that a path, a folder or a glob names."""
    if os.path.isdir(path):
        return [os.path.join(folder, name) for folder, _, found in sorted(os.walk(path)) for name in sorted(found)]
    return files(path)


def user_files(path: str) -> list[bytes]:
    """Read a file, a folder or a glob; a large file becomes several texts, cut behind line breaks, so that some can be held out."""
    texts = list(contents(named(path)))
    size = min(PIECE, max(256, sum(map(len, texts)) // 40))
    return [piece for text in texts for piece in pieces(text, size)]


def pieces(text: bytes, size: int) -> Iterator[bytes]:
    r"""Cut a text behind line breaks, into pieces of at least `size` bytes (but for the last).

    >>> list(pieces(b"one\ntwo\nthree", 3))
    [b'one\n', b'two\n', b'three']
    """
    start = 0
    while start < len(text):
        end = text.find(b"\n", start + size - 1) + 1 or len(text)
        yield text[start:end]
        start = end


def streamed(paths: Iterable[str]) -> Iterator[bytes]:
    """Read files, folders, globs and standard input as texts of about `PIECE` bytes, cut behind line breaks; no more than one is held."""
    for path in paths:
        if path == "-":
            yield from texts_of(standard_input())
            continue
        for name in named(path):
            with open(name, "rb") as file:
                yield from texts_of(file)


def texts_of(file: BinaryIO) -> Iterator[bytes]:
    """Read a file piece by piece; a line that is longer than a piece is cut between two characters."""
    held = b""
    while block := file.read(PIECE):
        held += block
        end = held.rfind(b"\n") + 1
        if not end and len(held) >= PIECE:
            end = len(held) - next((n for n in (1, 2, 3, 4) if held[-n] & 0xC0 != 0x80), 0)  # in front of the last character, which may be unfinished
        if end:
            yield held[:end]
            held = held[end:]
    if held:
        yield held


def corpus(path: str | None, megabytes: float | None) -> list[bytes]:
    """Give the texts; where they are more than `megabytes`, a fixed random choice of them, the last one cut."""
    texts = standard_library() if path is None else user_files(path)
    if megabytes is not None:
        number("the limit in MB", megabytes, "above 0", 1e-6, 1e9)
        random.Random(0).shuffle(texts)
        limited, left = [], int(megabytes * 1e6)
        for text in texts:
            limited.append(text[:left])
            left -= len(limited[-1])
            if left <= 0:
                break
        texts = limited
    if len(texts) < 2:
        raise CorpusError("the corpus", f"{len(texts)} texts, {sum(map(len, texts))} bytes", "at least two texts: one to learn from, one to be asked about")
    return texts
