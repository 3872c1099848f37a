"""Text whose end may still change: what tiktoken makes of text that more follows, and of bytes that end inside a character.

Both start from the ids of the last pretoken, which are the ones that what follows can change; before white space at the end, those of the pretokens before it
that are white space, too. `completions` then tries every token that could lie over the end of the text. That is tiktoken's rule, and an approximation; it is
not toklet's own (`Tokenizer.counter` settles the same question exactly).
"""

from bisect import bisect_left
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..._core import core

if TYPE_CHECKING:
    from .encoding import Encoding

BLANKS = frozenset(b" \n\t")


def halves(enc: "Encoding", text: str, policy: Any) -> tuple[list[int], bytes]:
    """Give the ids that stay, and the bytes of the others."""
    ids = enc._encode(text, policy)
    if not ids or ids[-1] in enc._special_token_values:
        return ids, b""
    behind = next((place for place in range(len(ids), 0, -1) if ids[place - 1] in enc._special_token_values), 0)
    ordinary = enc.decode_bytes(ids[behind:])
    last = len(enc._encode_single_piece(core.split(ordinary, enc._pat_str)[-1]))

    def blank(place: int) -> bool:
        id = ids[len(ids) - place]
        return id not in enc._special_token_values and BLANKS.issuperset(enc.decode_single_token_bytes(id))

    if blank(last):
        while last < len(ids) and blank(last + 1):
            last += 1
    return ids[:-last], enc.decode_bytes(ids[-last:])


def bytes_ids(enc: "Encoding", data: bytes) -> list[int]:
    """Encode bytes: those that aren't UTF-8 go to the last pretoken before them, as if the text had been cut inside it."""
    try:
        return enc.encode_ordinary(data.decode())
    except UnicodeDecodeError as error:
        stable, rest = halves(enc, data[: error.start].decode(), "text")
        return stable + enc._encode_single_piece(rest + data[error.start :])


def beginning_with(enc: "Encoding", prefix: bytes) -> Iterator[bytes]:
    """Give the ordinary tokens that begin so."""
    tokens = enc._sorted_tokens
    for place in range(bisect_left(tokens, prefix), len(tokens)):
        if not tokens[place].startswith(prefix):
            break
        yield tokens[place]


def completions(enc: "Encoding", text: str, policy: Any) -> tuple[list[int], list[list[int]]]:
    """Give the ids that stay, and what may stand behind them once more text has come."""
    stable, end = halves(enc, text, policy)
    found: dict[tuple[int, ...], None] = {(enc._mergeable_ranks[token],): None for token in beginning_with(enc, end)} if end else {}
    possible = [end[:cut] + token for cut in range(1, len(end)) for token in beginning_with(enc, end[cut:])]
    for ids in encoded(enc, possible):
        length = 0
        for place, id in enumerate(ids, 1):
            length += len(enc.decode_single_token_bytes(id))
            if length >= len(end):
                found[tuple(ids[:place])] = None
                break
    character = end.decode("utf-8", "replace")[-1:]
    size = len(character.encode())
    if len(end) > size and character.isspace():  # a run of white space may leave its last one to what follows
        found[(*enc._encode_single_piece(end[:-size]), *enc._encode_single_piece(end[-size:]))] = None
    return stable, [list(ids) for ids in found]


def encoded(enc: "Encoding", texts: list[bytes]) -> Iterator[list[int]]:
    """Encode texts; those that aren't UTF-8 as one pretoken."""
    for data in texts:
        try:
            yield enc.encode_ordinary(data.decode())
        except UnicodeDecodeError:
            yield enc._encode_single_piece(data)
