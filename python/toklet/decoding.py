"""Ids to text: what a `Tokenizer` does in this direction."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ._core import backend
from .arrays import as_id, as_ids
from .batch import Batch
from .reference.error import WrongTypeError, as_bytes, check_choice, is_many
from .stream import Stream

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

ERRORS = ("replace", "strict")


class Decodes:
    """The part of a `Tokenizer` that decodes."""

    __slots__ = ()
    _core: Any

    def decode(self, ids: Iterable[int] | ArrayLike, errors: str = "replace") -> str:
        """Turn ids into text.

        Parameters
        ----------
        ids : sequence of int, or integer array of shape (n,)
        errors : {"replace", "strict"}
            Bytes that aren't UTF-8 become U+FFFD, or raise `TextError`.

        Raises
        ------
        TokenError
            If an id doesn't exist; the message says at which position.
        """
        check_choice("errors", errors, ERRORS)
        text: str = of_ids(self._core.decode, ids, errors)
        return text

    def decode_bytes(self, ids: Iterable[int] | ArrayLike) -> bytes:
        """Turn ids into the bytes that they stand for: exactly those that were encoded."""
        data: bytes = of_ids(self._core.decode_bytes, ids)
        return data

    def decode_batch(self, batch: Iterable[Iterable[int] | ArrayLike], errors: str = "replace") -> list[str]:
        """Turn each row of ids of a `Batch`, or of any iterable of rows, into text.

        Raises
        ------
        TokenError
            If an id doesn't exist; the message says in which row, and at which position of it.

        Examples
        --------
        >>> import toklet
        >>> tok = toklet.Tokenizer.from_merges([(b"a", b"b")], pattern="gpt2")
        >>> tok.decode_batch([[256, 99], []])
        ['abc', '']
        """
        check_choice("errors", errors, ERRORS)
        if not is_many(batch):
            raise WrongTypeError("batch", f"of type {type(batch).__name__}", "a Batch, or rows of ids")
        if not isinstance(batch, Batch):
            batch = list(batch)
            if backend == "native" and all(type(row) is list for row in batch):
                try:
                    return list(self._core.decode_rows(batch, errors))
                except (TypeError, OverflowError):
                    pass  # as in `of_ids`
            batch = Batch.of(batch)
        return list(self._core.decode_batch(batch.ids, batch.offsets, errors))

    def stream(self) -> Stream:
        """Start decoding one id at a time.

        Returns
        -------
        Stream
            `push(id)` gives the text that is certain by then, and holds back an unfinished character; `end()` gives the rest.

        Examples
        --------
        >>> import toklet
        >>> stream = toklet.Tokenizer.from_merges([], pattern="gpt2").stream()
        >>> [stream.push(byte) for byte in "é!".encode()], stream.end()
        (['', 'é', '!'], '')
        """
        return Stream(self._core.stream())

    def token(self, id: int) -> bytes:
        """Give the bytes of an id; `TokenError` if it doesn't exist."""
        return bytes(self._core.token(as_id(id)))

    def id(self, token: bytes | str) -> int:
        """Give the id of a token, or of a special token; `TokenError` if it doesn't exist."""
        if not isinstance(token, bytes | str):
            raise WrongTypeError("token", f"of type {type(token).__name__}", "bytes or str")
        return int(self._core.id(as_bytes(token, "token")))


def of_ids(decode: Any, ids: Any, *how: Any) -> Any:
    """Call a function of the core on ids. It reads a list in a quarter of the time that numpy takes; what it can't read, `as_ids` refuses in better words."""
    if type(ids) is list and backend == "native":
        try:
            return decode(ids, *how)
        except (TypeError, OverflowError):
            pass
    return decode(as_ids(ids), *how)
