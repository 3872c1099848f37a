"""What a character is: space, number, upper, lower, other letter, mark, punctuation, or anything else.

Eight classes are the coarsest partition in which every built-in pattern can be written. They come from one generated table that the core reads too, since
Unicode differs between Python releases, regex engines and operating systems (131,756 letters in CPython 3.11, 141,028 here, 158,172 in a popular regex
package), and one letter more or less changes ids.
"""

import os.path
from functools import cache

UNICODE_VERSION = "16.0.0"
NAMES = ("other", "space", "number", "mark", "upper", "lower", "letter", "punctuation")
OTHER, SPACE, NUMBER, MARK, UPPER, LOWER, LETTER, PUNCTUATION = range(8)
LETTERS = frozenset((UPPER, LOWER, LETTER))


@cache
def table() -> bytes:
    """Give the class of every code point, a byte each."""
    classes = bytearray(0x110000)
    with open(os.path.join(os.path.dirname(__file__), "unicode_classes.txt"), encoding="ascii") as file:
        runs = file.read().splitlines()[1:]
    for run in runs:
        first, last, name = run.split()
        start, end = int(first, 16), int(last, 16) + 1
        classes[start:end] = bytes([NAMES.index(name)]) * (end - start)
    return bytes(classes)


def classes(text: str) -> bytes:
    """Give the class of each character of `text`, a byte each.

    >>> [NAMES[c] for c in classes("aB 1!")]
    ['lower', 'upper', 'space', 'number', 'punctuation']
    """
    return bytes(map(table().__getitem__, map(ord, text)))
