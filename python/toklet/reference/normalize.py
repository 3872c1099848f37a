"""Text -> text, before it is cut: Unicode normalization, a prefix, replacements, and what sentencepiece does to white space.

A text is a list of characters, each with the bytes of the original that it comes from, so that offsets survive whatever a step does. Normalization forms
are those of Unicode 9, which is what the `tokenizers` library knows: characters that are newer are left alone, as ones that nobody has assigned. Normal
forms are stable, so any later Unicode gives the same for the rest, whichever Python this runs on.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import pairwise
from typing import Literal

from .charsmap import Charsmap
from .newer import NEWER

Char = tuple[str, int, int]
Form = Literal["NFC", "NFD", "NFKC", "NFKD"]
Step = Callable[[list[Char]], list[Char]]


def characters(data: bytes) -> list[Char]:
    """Give the characters of a text, and where each one stands in its bytes. A byte that isn't UTF-8 is a character of its own."""
    chars, at = [], 0
    for c in data.decode("utf-8", "surrogateescape"):
        end = at + len(c.encode("utf-8", "surrogateescape"))
        chars.append((c, at, end))
        at = end
    return chars


def joined(chars: Sequence[Char]) -> str:
    """Give the text alone."""
    return "".join(c for c, _, _ in chars)


def rewritten(text: str, chars: Sequence[Char]) -> list[Char]:
    """Put a text in the place of some characters: each of its own comes from all of them."""
    return [(c, chars[0][1], chars[-1][2]) for c in text]


def newer(c: str) -> bool:
    """Whether a character is newer than Unicode 9, and normalization would do something to it."""
    return any(first <= ord(c) <= last for first, last in NEWER)


@cache
def swallowed() -> frozenset[str]:
    """Give the characters that one before them can swallow: the second halves of compositions."""
    import unicodedata

    found = {chr(code) for code in (*range(0x1161, 0x1176), *range(0x11A8, 0x11C3))}
    for code in range(sys.maxunicode + 1):
        parts = unicodedata.decomposition(chr(code)).split()
        if len(parts) == 2 and parts[0][0] != "<" and unicodedata.normalize("NFC", "".join(chr(int(part, 16)) for part in parts)) == chr(code):
            found.add(chr(int(parts[1], 16)))
    return frozenset(found)


def normal_form(form: Form) -> Step:
    """Give the step of a normalization form."""
    import unicodedata  # the one thing that the table of this package doesn't hold, and which doesn't depend on the version (see above)

    def begins(c: str) -> bool:
        first = unicodedata.normalize("NFKD" if "K" in form else "NFD", c)[0]
        return not unicodedata.combining(first) and first not in swallowed()

    def segments(chars: list[Char]) -> Iterator[list[Char]]:
        starts = [i for i, (c, _, _) in enumerate(chars) if i == 0 or newer(c) or newer(chars[i - 1][0]) or begins(c)]
        for start, end in pairwise([*starts, len(chars)]):
            yield chars[start:end]

    def step(chars: list[Char]) -> list[Char]:
        out: list[Char] = []
        for segment in segments(chars):
            text = joined(segment)
            normal = text if newer(text[0]) else unicodedata.normalize(form, text)
            out += segment if normal == text else rewritten(normal, segment)
        return out

    return step


def prepend(prefix: str) -> Step:
    """Give the step that puts a text before one that isn't empty."""
    return lambda chars: [(c, chars[0][1], chars[0][1]) for c in prefix] + chars if chars else chars


def replace(old: str, new: str) -> Step:
    """Give the step that replaces a text wherever it stands."""

    def step(chars: list[Char]) -> list[Char]:
        text, out, at = joined(chars), [], 0
        while (found := text.find(old, at)) >= 0:
            out += chars[at:found] + rewritten(new, chars[found : found + len(old)])
            at = found + len(old)
        return out + chars[at:]

    return step


def sentencepiece(charsmap: Charsmap | None, squeeze: bool, prefix: bool, kept: Sequence[str]) -> Step:
    """Give what sentencepiece does: its own map of characters, white space squeezed, a space before the text; `kept` are texts that it leaves alone."""
    longest_first = sorted(kept, key=len, reverse=True)

    def pieces(chars: list[Char]) -> Iterator[list[Char]]:
        text, at = joined(chars), 0
        while at < len(text):
            found = next((len(name) for name in longest_first if text.startswith(name, at)), 0)
            length, new = (found, None) if found or charsmap is None else charsmap.longest(text[at:])
            here = chars[at : at + (length or 1)]
            yield here if new is None else rewritten(new, here)
            at += length or 1

    def step(chars: list[Char]) -> list[Char]:
        out: list[Char] = []
        spaced = squeeze
        for piece in pieces(chars):
            skip = next((i for i, c in enumerate(piece) if c[0] != " "), len(piece)) if spaced else 0
            out += piece[skip:]
            if squeeze and piece[skip:]:
                spaced = piece[-1][0] == " "
        out = prepend(" ")(out) if prefix else out
        while squeeze and out and out[-1][0] in " \u2581":
            out.pop()
        return replace("\u2581", " ")(out)

    return step
