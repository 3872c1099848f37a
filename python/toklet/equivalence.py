"""Whether another tokenizer, of toklet or of anybody else, gives the same ids: asked on texts, answered with the first difference."""

from collections.abc import Callable, Iterable
from itertools import zip_longest
from typing import Any, NamedTuple

from .reference.count import check_texts
from .reference.error import WrongTypeError, check_choice

Token = bytes | str | None


class Difference(NamedTuple):
    """Where the ids of two tokenizers part, and into what."""

    text: int  # which of the texts
    position: int  # which of its ids
    byte: int  # where that stands in the text
    near: str  # what stands there
    ours: int | None
    our_token: Token  # its bytes; None behind the last id
    theirs: int | None
    their_token: Token  # as the other one shows it

    def __str__(self) -> str:
        def shown(id: int | None, token: Token) -> str:
            return "no more ids" if id is None else f"{id} {token!r}"

        place = f"text {self.text} at id {self.position} (byte {self.byte}, before {self.near!r})"
        return f"{place}: {shown(self.ours, self.our_token)} here, {shown(self.theirs, self.their_token)} there"


class Equivalence(NamedTuple):
    """What came out: true if no text differs."""

    texts: int  # how many were compared, the one that differs included
    ids: int  # how many ids were equal
    difference: Difference | None

    def __bool__(self) -> bool:
        return self.difference is None

    def __str__(self) -> str:
        return f"equal on {self.texts} texts, {self.ids} ids" if self.difference is None else str(self.difference)


def equivalence(tok: Any, other: Any, texts: Iterable[str], special: str) -> Equivalence:
    """Compare until something differs."""
    check_texts(texts)
    check_choice("special", special, ("text", "allow"))
    encode, token = interface(other, special)
    count = number = 0
    for number, text in enumerate(texts, 1):
        ours, theirs = tok.encode(text, special).tolist(), [int(id) for id in encode(text)]
        if ours != theirs:
            position = next(place for place, (one, two) in enumerate(zip_longest(ours, theirs)) if one != two)
            return Equivalence(number, count + position, difference(tok, token, number - 1, text, position, ours, theirs))
        count += len(ours)
    return Equivalence(number, count, None)


def difference(tok: Any, token: Callable[[int], Token], number: int, text: str, position: int, ours: list[int], theirs: list[int]) -> Difference:
    """Describe where the ids of a text part."""
    one, two = ((ids[position] if position < len(ids) else None) for ids in (ours, theirs))
    data = text if isinstance(text, bytes) else text.encode()
    byte = len(tok.decode_bytes(ours[:position]))
    near = data[byte : byte + 40].decode("utf-8", "replace")
    return Difference(number, position, byte, near, one, None if one is None else tok.token(one), two, None if two is None else token(two))


def interface(other: Any, special: str) -> tuple[Callable[[str], Iterable[int]], Callable[[int], Token]]:
    """Give how another tokenizer encodes a text, and shows a token."""
    if hasattr(other, "_core") and hasattr(other, "token"):
        return lambda text: other.encode(text, special), other.token
    if hasattr(other, "encode_ordinary"):  # tiktoken's interface
        encode = other.encode_ordinary if special == "text" else lambda text: other.encode(text, allowed_special="all")
        return encode, other.decode_single_token_bytes
    if hasattr(other, "id_to_token"):  # tokenizers
        return lambda text: other.encode(text, add_special_tokens=False).ids, other.id_to_token
    if hasattr(other, "convert_ids_to_tokens"):  # transformers
        return lambda text: other.encode(text, add_special_tokens=False), other.convert_ids_to_tokens
    encode = getattr(other, "encode", other)
    if not callable(encode):
        raise WrongTypeError("other", f"of type {type(other).__name__}", "a tokenizer, or a function from text to ids")
    return encode, lambda id: None
