"""ids -> text, one at a time: for text that is shown while a model still makes it."""

from typing import Any

from .arrays import as_id


class Stream:
    """Decodes one id at a time, and holds back the bytes of an unfinished character (three at most)."""

    __slots__ = ("_core",)

    def __init__(self, made: Any) -> None:
        self._core = made

    def push(self, id: int) -> str:
        """Give the text that is certain once this id has come: perhaps none. `TokenError` if the id doesn't exist."""
        if type(id) is not int or not 0 <= id < 2**32:  # checking takes seven times as long as pushing
            id = as_id(id)
        text: str = self._core.push(id)
        return text

    def end(self) -> str:
        """Give what is still held back: U+FFFD for an unfinished character. The stream can then be used again."""
        return str(self._core.end())
