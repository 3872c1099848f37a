"""ids -> bytes -> text. Bytes always come back exactly; text may need care, since a token can end inside a character.

`decode` replaces what is not UTF-8 by U+FFFD, or refuses it where `errors="strict"`. `Stream` decodes one id at a time and holds back the bytes of an
unfinished character (three at most) until the next id finishes it, so that the pieces join up to what `decode` gives.
"""

import codecs
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
    return b"".join(parts)


def decode(vocabulary: Vocabulary, ids: Iterable[int], errors: str = "replace") -> str:
    """Join the bytes of the ids and read them as UTF-8."""
    check_choice("errors", errors, ("replace", "strict"))
    data = decode_bytes(vocabulary, ids)
    try:
        return data.decode("utf-8", errors)
    except UnicodeDecodeError as error:
        raise TextError(f"byte {error.start} of the decoded ids", f"0x{data[error.start]:02x}", "UTF-8 where errors='strict'") from None


class Stream:
    """Decode one id at a time."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def push(self, id: int) -> str:
        """Give the text that is certain once this id has come: perhaps none."""
        return self._decoder.decode(self._vocabulary.token(int(id)))

    def end(self) -> str:
        """Give what is still held back: U+FFFD for an unfinished character. The stream can then be used again."""
        rest = self._decoder.decode(b"", final=True)
        self._decoder.reset()
        return rest
