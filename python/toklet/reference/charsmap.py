"""The map of characters inside a sentencepiece model: a double-array trie, and the texts that its leaves point at.

Its layout is that of the library darts-clone: 32-bit units, in each a label, whether a value follows, and an offset to the next unit. The texts end with a
zero byte. Taken is the longest key that a text begins with.
"""

from .error import FormatError


class Charsmap:
    """Key -> text, from the bytes of `precompiled_charsmap`."""

    def __init__(self, data: bytes, name: str) -> None:
        size = int.from_bytes(data[:4], "little")
        if len(data) < 4 or size % 4 or not 4 <= size <= len(data) - 4:
            raise FormatError(f"precompiled_charsmap of {name}", f"{len(data)} bytes that say {size}", "a trie and its texts")
        self.data = data
        self.units = [int.from_bytes(data[at : at + 4], "little") for at in range(4, 4 + size, 4)]
        self.texts = data[4 + size :]

    def longest(self, text: str) -> tuple[int, str | None]:
        """Give how many characters the longest key has that a text begins with, and what it becomes; (0, None) if there is none."""
        found: tuple[int, str | None] = (0, None)
        node = self._offset(self.units[0])
        data = text[:64].encode("utf-8", "surrogateescape")
        for i, byte in enumerate(data):
            node ^= byte
            if not byte or node >= len(self.units) or self.units[node] & 0x800000FF != byte:
                break
            unit = self.units[node]
            node ^= self._offset(unit)
            if unit & 0x100 and node < len(self.units):
                start = self.units[node] & 0x7FFFFFFF
                new = self.texts[start : self.texts.find(b"\0", start)] if start < len(self.texts) else b""
                found = (len(data[: i + 1].decode("utf-8", "surrogateescape")), new.decode("utf-8", "replace"))
        return found

    @staticmethod
    def _offset(unit: int) -> int:
        return (unit >> 10) << ((unit & 0x200) >> 6)
