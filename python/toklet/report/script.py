"""The script of each character: Latin, Han, Arabic and 165 more, by Unicode's own table (`tools/script_table.py` makes it; the standard library has none).

Spaces, digits, punctuation, marks that several scripts share, and bytes that are no character have no script: they are `Common`. What a span of text
belongs to (a token, a word) is the script of its first character that has one, so ` the` and `(the` are Latin, and a token that mixes two scripts counts once.
"""

import os.path
from functools import cache

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.uint8]
COMMON = "Common"  # its code is 0


@cache
def table() -> tuple[Codes, tuple[str, ...]]:
    """Give the script of every code point as a small number, and what the numbers mean."""
    codes, names = np.zeros(0x110000, np.uint8), {COMMON: 0}
    with open(os.path.join(os.path.dirname(__file__), "unicode_scripts.txt"), encoding="ascii") as file:
        runs = file.read().splitlines()[1:]
    for run in runs:
        first, last, name = run.split()
        codes[int(first, 16) : int(last, 16) + 1] = names.setdefault(name.replace("_", " "), len(names))
    return codes, tuple(names)


def code_points(data: bytes) -> NDArray[np.uint32]:
    """Give the characters of a text as numbers; a byte that belongs to no character is one of its own, as a lone surrogate."""
    return np.frombuffer(data.decode("utf-8", "surrogateescape").encode("utf-32-le", "surrogatepass"), "<u4")


def widths(points: NDArray[np.uint32]) -> NDArray[np.intp]:
    """Give how many bytes each character has in UTF-8."""
    escaped = (points >= 0xDC80) & (points <= 0xDCFF)
    return np.where(escaped, 1, 1 + (points >= 0x80).astype(np.intp) + (points >= 0x800) + (points >= 0x10000))


def scripts_of_bytes(data: bytes) -> Codes:
    """Give the script of each byte: that of its character.

    >>> [table()[1][code] for code in scripts_of_bytes("aж!".encode())]
    ['Latin', 'Cyrillic', 'Cyrillic', 'Common']
    """
    points = code_points(data)
    return np.repeat(table()[0][points], widths(points))


def first_scripts(codes: Codes, starts: NDArray[np.intp], ends: NDArray[np.intp]) -> Codes:
    """Give the script of each span `codes[start:end]`: the first in it that isn't Common.

    >>> first_scripts(np.array([0, 0, 3, 0, 5], np.uint8), np.array([0, 1, 3]), np.array([2, 3, 5])).tolist()
    [0, 3, 5]
    """
    if not len(codes):
        return np.zeros(len(starts), np.uint8)
    has = codes > 0
    places = np.append(np.flatnonzero(has), len(codes))  # of those that have a script
    first = places[np.cumsum(has)[starts] - has[starts]]
    return np.where(first < ends, codes[np.minimum(first, len(codes) - 1)], np.uint8(0))
