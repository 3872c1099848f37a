"""ids -> bytes -> text. Bytes always come back exactly; text may need care, since a token can end inside a character.

`decode` replaces what is not UTF-8 by U+FFFD, or refuses it where `errors="strict"`. `Stream` decodes one id at a time and holds back the bytes of an
unfinished character (three at most) until the next id finishes it, so that the pieces join up to what `decode` gives.
"""

from collections.abc import Iterable

from .error import TextError, TokenError, check_choice
from .vocab import Vocabulary


def decode_bytes(vocabulary: Vocabulary, ids: Iterable[int]) -> bytes:
    """Join the bytes of the ids."""
    parts = []
    for position, id in enumerate(map(int, ids)):
        token = vocabulary.by_id.get(id)
        if token is None:
            raise TokenError(f"the id at position {position}", str(id), f"one of the vocabulary's, which are under {vocabulary.size}")
        parts.append(token)
    data = b"".join(parts)
    return data[1:] if vocabulary.kind.strip and data[:1] == b" " else data


def decode(vocabulary: Vocabulary, ids: Iterable[int], errors: str = "replace") -> str:
    """Join the bytes of the ids and read them as UTF-8."""
    check_choice("errors", errors, ("replace", "strict"))
    data = decode_bytes(vocabulary, ids)
    try:
        return data.decode("utf-8", errors)
    except UnicodeDecodeError as error:
        raise TextError(f"byte {error.start} of the decoded ids", f"0x{data[error.start]:02x}", "UTF-8 where errors='strict'") from None


def unfinished(data: bytes) -> int:
    """Count the bytes at the end that may become a character once more bytes come: at most three.

    >>> unfinished("é".encode()[:1]), unfinished(b"e")
    (1, 0)
    """
    for n in (1, 2, 3):
        try:
            data[-n:].decode()
        except UnicodeDecodeError as error:
            if error.start == 0 and error.reason == "unexpected end of data":
                return n
    return 0


class Stream:
    """Decode one id at a time."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary, self._held, self._strip = vocabulary, b"", vocabulary.kind.strip

    def push(self, id: int) -> str:
        """Give the text that is certain once this id has come: perhaps none."""
        data = self._held + self._vocabulary.token(int(id))
        if self._strip and data:
            data, self._strip = data.removeprefix(b" "), False
        certain = len(data) - unfinished(data)
        self._held = data[certain:]
        return data[:certain].decode("utf-8", "replace")

    def end(self) -> str:
        """Give what is still held back: U+FFFD for an unfinished character. The stream can then be used again."""
        rest, self._held, self._strip = self._held, b"", self._vocabulary.kind.strip
        return rest.decode("utf-8", "replace")
