"""A text -> pieces that each have at most so many ids, and together are the text.

A piece is a run of pretokens, so that no word is cut: as many as fit, or, if one of them in the second half of the piece ends in a line break, those up to
the last such. The next piece may begin with the last pretokens of the one before it, as many as have at most `overlap` ids and leave room for a new one.
A pretoken that doesn't fit into a piece alone is cut between characters. The ids of a piece are those of the text alone: where a pattern looks at what stands
around a pretoken they may be more than those of its pretokens, and pretokens are given up until it fits.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from .error import ArgumentError
from .offsets import character_numbers

Count = Callable[[bytes], int]
Truncate = Callable[[bytes, int], bytes]


class Pretoken(NamedTuple):
    """Where a pretoken stands, and how many ids it has."""

    start: int
    end: int
    ids: int


class Chunks:
    """The pieces of a text, as (start, end) in bytes."""

    def __init__(self, data: bytes, pretokens: Iterable[bytes], max_tokens: int, overlap: int, count: Count, truncate: Truncate) -> None:
        self.data, self.pretokens, self.max_tokens, self.overlap, self.count, self.truncate = data, pretokens, max_tokens, overlap, count, truncate
        self.group: list[Pretoken] = []  # what the next piece begins with
        self.old = 0  # how many of these ended the last piece

    def __iter__(self) -> Iterator[tuple[int, int]]:
        """Give the pieces one after the other."""
        end = 0
        for pretoken in self.pretokens:
            start, end = end, end + len(pretoken)
            ids = self.count(pretoken)
            if ids > self.max_tokens:
                yield from self.rest()
                yield from self.cut(start, end)
                continue
            while total(self.group) + ids > self.max_tokens:
                if len(self.group) > self.old:
                    yield from self.piece()
                else:
                    self.group.pop(0)
                    self.old -= 1
            self.group.append(Pretoken(start, end, ids))
        yield from self.rest()

    def rest(self) -> Iterator[tuple[int, int]]:
        """Give what isn't in a piece yet."""
        while len(self.group) > self.old:
            if self.fits(len(self.group)):
                yield self.group[0].start, self.group[-1].end
                break
            yield from self.piece()
        self.group, self.old = [], 0

    def piece(self) -> Iterator[tuple[int, int]]:
        """Give a piece, and keep what is repeated and what is left."""
        size = self.border()
        while not self.fits(size):
            if size - 1 > self.old:
                size -= 1
            elif self.old:
                self.group, self.old, size = self.group[self.old :], 0, size - self.old
            else:
                first = self.group.pop(0)
                yield from self.cut(first.start, first.end)
                return
        yield self.group[0].start, self.group[size - 1].end
        gone = size
        while gone and total(self.group[gone - 1 : size]) <= self.overlap:
            gone -= 1
        self.group, self.old = self.group[gone:], size - gone

    def border(self) -> int:
        """Say how many pretokens make a good piece."""
        for size in range(len(self.group), self.old, -1):
            if 2 * total(self.group[:size]) < self.max_tokens:
                break
            if self.data[self.group[size - 1].end - 1 : self.group[size - 1].end] == b"\n":
                return size
        return len(self.group)

    def fits(self, size: int) -> bool:
        """Say whether a piece of so many pretokens has few enough ids."""
        return self.count(self.data[self.group[0].start : self.group[size - 1].end]) <= self.max_tokens

    def cut(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Give the pieces of one pretoken. It may be very long, so each is looked for in a window, which grows until the piece doesn't fill it."""
        window = 4 * self.max_tokens
        while start < end:
            text = whole_characters(self.data[start:end], window)
            if self.count(text) <= self.max_tokens:
                if start + len(text) < end:
                    window *= 2
                    continue
            else:
                text = self.truncate(text, self.max_tokens) or self.character(start)
            yield start, start + len(text)
            start, window = start + len(text), max(4 * self.max_tokens, 2 * len(text))

    def character(self, start: int) -> bytes:
        """Give the character that begins here, if that fits."""
        text = self.data[start : start + 4].decode("utf-8", "surrogateescape")[0].encode("utf-8", "surrogateescape")
        if self.count(text) > self.max_tokens:
            allowed = f"at least {self.count(text)}: so many ids has the character at byte {start}"
            raise ArgumentError("max_tokens", str(self.max_tokens), allowed)
        return text


def total(pretokens: list[Pretoken]) -> int:
    """Add up their ids."""
    return sum(pretoken.ids for pretoken in pretokens)


def whole_characters(data: bytes, size: int) -> bytes:
    """Cut text to at most so many bytes, between characters.

    >>> whole_characters("né".encode(), 2)
    b'n'
    """
    if len(data) <= size:
        return data
    numbers = character_numbers(data[: size + 4])
    while numbers[size] == numbers[size - 1]:
        size -= 1
    return data[:size]
