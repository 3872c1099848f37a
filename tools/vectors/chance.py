"""Cases by chance: the reference's own random numbers, which never change."""

from collections.abc import Callable, Sequence
from itertools import count
from typing import TypeVar

from toklet.reference.philox import uniform

T = TypeVar("T")

LETTERS = ["a", "Z", "É", "ß", "ſ", "ǅ", "ʰ", "ª", "中", "한", "K", "𐐀", "s", "ll", "RE", "t", "Aa", "iPhone", "aB"]
MARKS = ["\u0301", "\u0e34", "\ufe0f", "\u200d", "\u0378", "\ue000", "\U0010ffff", "\0", "\x7f"]
NUMBERS = ["1", "12", "1234", "²", "Ⅷ", "٣", "½"]
BLANKS = [" ", "  ", "   ", "\t", "\n", "\r\n", "\n\n", " \n ", "\u00a0", "\u3000", "\u2028", "\x85", "\x0b", "\x1c", "\u180e"]
SIGNS = ["'", "'s", "'LL", "'ſ", "''", "!", "?!", "/", "//", "!/\n", "...", "-", "€", "😀", "👩‍👩‍👧", "’s", "_", "\\"]
SPECIALS = ["<|end|>", "<|end", "|>", "<s>", "é", "aa"]
KINDS = [LETTERS, LETTERS, MARKS, NUMBERS, BLANKS, BLANKS, SIGNS, SIGNS]
BROKEN = [b"\xff", b"\x80", b"\xc3", b"\xe2\x82", b"\xf0\x9f\x98", b"\xed\xa0\x80", b"\xc0\x80", b"\xf4\x90\x80\x80"]
PURPOSE = 0xC405E  # no decision of toklet's


class Chance:
    """Random numbers that never change."""

    def __init__(self, seed: int) -> None:
        self.numbers = (uniform(seed, n, PURPOSE) for n in count())

    def below(self, n: int) -> int:
        """Give an integer from 0 to n - 1."""
        return int(next(self.numbers) * n)

    def choose(self, items: Sequence[T]) -> T:
        """Give one of the items."""
        return items[self.below(len(items))]

    def several(self, most: int, make: Callable[[], T]) -> list[T]:
        """Give up to `most` things."""
        return [make() for _ in range(self.below(most + 1))]

    def text(self, most: int = 9) -> str:
        """Give a text with everything in it that patterns tell apart."""
        return "".join(self.several(most, lambda: self.choose(self.choose(KINDS))))

    def data(self) -> bytes:
        """Give bytes that are nearly UTF-8."""
        return b"".join(self.several(6, lambda: self.choose(BROKEN) if self.below(2) else self.text(3).encode()))

    def plain(self, letters: str, most: int) -> str:
        """Give a text of few letters."""
        return "".join(self.several(most, lambda: self.choose(letters)))

    def merges(self, letters: str, most: int) -> list[tuple[bytes, bytes]]:
        """Give merges that make sense."""
        tokens = [letter.encode()[i : i + 1] for letter in letters for i in range(len(letter.encode()))]
        merges: list[tuple[bytes, bytes]] = []
        for _ in range(most):
            pair = (self.choose(tokens), self.choose(tokens))
            if pair not in merges and len(pair[0] + pair[1]) < 40:
                merges.append(pair)
                tokens += [pair[0] + pair[1]] if pair[0] + pair[1] not in tokens else []
        return merges
