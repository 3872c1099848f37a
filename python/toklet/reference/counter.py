"""How many ids a text has that grows: a chat, a document that is streamed, a prompt that is put together.

The number of ids of two texts isn't that of the joined text: a pretoken may reach over the join. So the whole text is counted, again and again.
"""

from collections.abc import Callable

from .error import as_bytes


class Counter:
    """A text that grows, and its count."""

    def __init__(self, ids_of: Callable[[bytes], int], data: bytes = b"") -> None:
        self.ids_of, self.data = ids_of, data

    def append(self, text: str | bytes) -> int:
        """Append ordinary text, and count."""
        self.data += as_bytes(text)
        return self.count()

    def count(self) -> int:
        """Give how many ids the text so far has."""
        return self.ids_of(self.data)

    def copy(self) -> "Counter":
        """Give another that goes on from here."""
        return Counter(self.ids_of, self.data)
