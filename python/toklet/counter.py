"""How many ids a text has that grows, without encoding it again."""

from typing import Any


class Counter:
    """The exact number of ids of a text that grows.

    Two texts together may have fewer or more ids than one and the other: a token may lie over the join. Appending looks at what is appended and at the last
    few pretokens before it, so that it takes no longer the longer the text is. (With a pattern that isn't built in the whole text is counted again.)

    Examples
    --------
    >>> import toklet
    >>> tok = toklet.Tokenizer.from_merges([(b"d", b"o"), (b"do", b"g")], pattern="gpt2")
    >>> counter = tok.counter()
    >>> counter.append("a do"), counter.append("g"), counter.count
    (3, 3, 3)
    """

    __slots__ = ("_core",)

    def __init__(self, made: Any) -> None:
        self._core = made

    @property
    def count(self) -> int:
        """How many ids the text so far has."""
        return int(self._core.count())

    def append(self, text: str | bytes) -> int:
        """Append ordinary text, and give how many ids there are now."""
        count: int = self._core.append(text)
        return count

    def copy(self) -> "Counter":
        """Give another that goes on from here: to ask what if."""
        return Counter(self._core.copy())

    def __repr__(self) -> str:
        return f"<Counter at {self.count} ids>"
