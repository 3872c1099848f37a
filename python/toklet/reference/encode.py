"""Text -> ids: split it, merge each pretoken, join the results; and decide what may become a special token.

Text is only ever text: what it spells never becomes a special token unless the caller says so (`special="allow"`, or a set of names). Then the longest
special token at the leftmost place is taken, and the text between two of them is split as if it stood alone. A prompt is encoded from parts, trusted
or not, and there a special token counts only where the whole of it lies inside trusted text.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from itertools import accumulate, groupby, pairwise

from .chunks import Chunks
from .counter import Counter
from .decode import Stream, decode, decode_bytes
from .dropout import merge_with_dropout
from .error import MAX_TEXT_BYTES, ArgumentError, TextError, TokenError, WrongTypeError, as_bytes, check_choice, number
from .merge import merge, two_parts
from .offsets import offsets, truncate
from .split import PATTERNS, named, split
from .vocab import Vocabulary

Special = str | Collection[str]


class Tokenizer:
    """A vocabulary and the pattern that it was made with. Frozen: safe to share."""

    def __init__(self, tokens: dict[bytes, int], merges: list[tuple[bytes, bytes]] | None, special_tokens: dict[str, int], pattern: str, whole: bool) -> None:
        self.vocabulary = Vocabulary(tokens, merges, special_tokens, whole)
        name = named(pattern)
        self.pattern, self._name = PATTERNS[name], name

    @classmethod
    def from_merges(cls, merges: list[tuple[bytes, bytes]], special_tokens: list[str], pattern: str) -> "Tokenizer":
        """Number the tokens as `Vocabulary.from_merges` does."""
        v = Vocabulary.from_merges(merges, special_tokens)
        return cls(v.tokens, v.listed, v.specials, pattern, whole=False)

    def tables(self) -> tuple[dict[bytes, int], list[tuple[bytes, bytes]] | None, dict[str, int], str, bool]:
        """Give what the constructor took."""
        v = self.vocabulary
        return v.tokens, v.listed, v.specials, self.pattern, v.whole

    def special_tokens(self) -> dict[str, int]:
        """Give the special tokens and their ids."""
        return self.vocabulary.specials

    def merges(self) -> list[tuple[bytes, bytes]]:
        """Give the merges in order; for a ranked vocabulary those that make its tokens."""
        v = self.vocabulary
        if v.listed is not None:
            return list(v.listed)
        found = [two_parts(v, token) for token in sorted(v.tokens, key=v.tokens.__getitem__) if len(token) > 1]
        return [parts for parts in found if parts]

    def size(self) -> int:
        """Give the highest id plus one."""
        return self.vocabulary.size

    def token(self, id: int) -> bytes:
        """Give the bytes of an id."""
        return self.vocabulary.token(id)

    def id(self, token: bytes) -> int:
        """Give the id of a token's bytes."""
        return self.vocabulary.id(token)

    def ordinary(self, data: bytes) -> list[int]:
        """Encode text in which nothing is special."""
        return [id for pretoken in split(data, self._name) for id in merge(self.vocabulary, pretoken)]

    def merge(self, pretoken: bytes) -> list[int]:
        """Encode one pretoken."""
        return merge(self.vocabulary, pretoken)

    def _allowed(self, special: Special) -> list[str]:
        if isinstance(special, str):
            if special not in ("text", "allow", "error"):
                raise ArgumentError("special", repr(special), "'text', 'allow', 'error' or a set of special tokens")
            return [] if special == "text" else list(self.vocabulary.specials)
        if not isinstance(special, set | frozenset | list | tuple):
            raise WrongTypeError("special", repr(special), "'text', 'allow', 'error' or a set of special tokens")
        unknown = [name for name in special if name not in self.vocabulary.specials]
        if unknown:
            raise ArgumentError("special", f"{unknown[0]!r}", f"among the special tokens, which are {list(self.vocabulary.specials)}")
        return list(special)

    def _cut(self, data: bytes, names: Iterable[str]) -> list[bytes]:
        """Cut text at special tokens: text, special, text, special, …, text."""
        longest_first = sorted((name.encode() for name in names), key=len, reverse=True)
        return re.split(b"(" + b"|".join(map(re.escape, longest_first)) + b")", data) if longest_first else [data]

    def _pieces(self, data: bytes, special: Special) -> list[bytes]:
        """Cut text at the special tokens that it may spell, and refuse one that it may not: text, special, text, …, text."""
        pieces = self._cut(data, self._allowed(special))
        if special == "error" and len(pieces) > 1:
            raise TextError(f"byte {len(pieces[0])} of text", f"the start of {pieces[1].decode()!r}", "no special token: say special='text' or special='allow'")
        return pieces

    def encode(self, text: str | bytes, special: Special = "text") -> list[int]:
        """Encode one text."""
        ids: list[int] = []
        for i, piece in enumerate(self._pieces(as_bytes(text), special)):
            ids += [self.vocabulary.specials[piece.decode()]] if i % 2 else self.ordinary(piece)
        return ids

    def encode_list(self, text: str | bytes, special: Special) -> list[int]:
        """Encode one text, to a list: here `encode` gives one anyway."""
        return self.encode(text, special)

    def encode_batch_lists(self, texts: Iterable[str | bytes], special: Special, threads: int | None) -> list[list[int]]:
        """Encode each text, to a list."""
        return [self.encode(text, special) for text in texts]

    def encode_with_dropout(self, text: str | bytes, special: Special, dropout: float, seed: int) -> list[int]:
        """Encode one text, leaving merges out."""
        ids: list[int] = []
        at = 0
        for i, piece in enumerate(self._pieces(as_bytes(text), special)):
            for pretoken in [piece] if i % 2 else split(piece, self._name):
                ids += [self.vocabulary.specials[piece.decode()]] if i % 2 else merge_with_dropout(self.vocabulary, pretoken, at, dropout, seed)
                at += len(pretoken)
        return ids

    def encode_parts(self, parts: Sequence[tuple[str, bool]]) -> list[int]:
        """Encode (text, trusted) parts: a special token counts only where the whole of it lies inside one trusted run."""
        ids: list[int] = []
        plain = b""
        encoded = [(as_bytes(text, f"part {i}"), trusted) for i, (text, trusted) in enumerate(parts)]
        for trusted, run in groupby(encoded, key=lambda part: part[1]):
            pieces = self._cut(b"".join(data for data, _ in run), self.vocabulary.specials if trusted else [])
            for text, special in zip(pieces[::2], pieces[1::2], strict=False):
                ids += [*self.ordinary(plain + text), self.vocabulary.specials[special.decode()]]
                plain = b""
            plain += pieces[-1]
        return ids + self.ordinary(plain)

    def encode_batch(self, texts: Iterable[str | bytes], special: Special = "text", threads: int | None = None, first: int = 0) -> tuple[list[int], list[int]]:
        """Encode each text: all ids, and where each text's begin (and the last one's end); errors call the first one by some number."""
        check_threads(threads)
        ids: list[int] = []
        offsets = [0]
        for i, text in enumerate(texts, first):
            ids += self.encode(as_bytes(text, f"texts[{i}]"), special)
            offsets.append(len(ids))
        return ids, offsets

    def encode_with_offsets(self, text: str | bytes, special: Special = "text", unit: str = "char") -> tuple[list[int], list[int]]:
        """Encode one text: its ids, and (start, end) of each in bytes or in the characters that it touches, one after the other."""
        check_choice("unit", unit, ("char", "byte"))
        ids = self.encode(text, special)
        return ids, offsets(as_bytes(text), self._lengths(ids), unit)

    def _lengths(self, ids: list[int]) -> list[int]:
        return [len(self.vocabulary.by_id[id]) for id in ids]

    def ends(self, ids: list[int]) -> list[int]:
        """Give where each id ends in the text, in bytes, behind a 0."""
        return list(accumulate(self._lengths(ids), initial=0))

    def count(self, text: str | bytes, special: Special = "text") -> int:
        """Count the ids of one text."""
        return len(self.encode(text, special))

    def count_up_to(self, text: str | bytes, special: Special, limit: int) -> int:
        """Count the ids of one text, but no more than `limit + 1`."""
        return min(self.count(text, special), limit + 1)

    def chunks(self, text: str | bytes, max_tokens: int, overlap: int) -> Chunks:
        """Cut a text into pieces that each fit."""
        data = as_bytes(text)
        return Chunks(data, split(data, self._name), max_tokens, overlap, self.count, lambda text, most: self.truncate(text, most))

    def safe_cut(self, text: bytes, limit: int) -> int | None:
        """Give a place where a text can be cut without changing its pretokens; the reference knows none."""
        return None

    def truncate(self, text: str | bytes, max_tokens: int, keep: str = "head") -> bytes:
        """Keep the head, the tail or the middle of a text, cut between characters, so that it encodes to at most `max_tokens` ids."""
        max_tokens = number("max_tokens", max_tokens, "an integer, at least 0", 0, MAX_TEXT_BYTES, whole=True)
        check_choice("keep", keep, ("head", "tail", "middle"))
        return truncate(as_bytes(text), self._lengths(self.encode(text)), max_tokens, keep, self.count)

    def decode_bytes(self, ids: Iterable[int]) -> bytes:
        """Join the bytes of the ids."""
        return decode_bytes(self.vocabulary, ids)

    def decode(self, ids: Iterable[int], errors: str = "replace") -> str:
        """Read the joined bytes as UTF-8."""
        return decode(self.vocabulary, ids, errors)

    def decode_batch(self, ids: Sequence[int], offsets: Sequence[int], errors: str) -> list[str]:
        """Decode rows of ids, which end at these places, each for itself."""
        found = []
        for row, (start, end) in enumerate(pairwise(map(int, offsets))):
            try:
                found.append(self.decode(ids[start:end], errors))
            except (TokenError, TextError) as error:
                raise type(error)(f"row {row}: {error.place}", error.found, error.allowed) from None
        return found

    def counter(self) -> Counter:
        """Start counting a text that grows."""
        return Counter(lambda data: len(self.ordinary(data)))

    def stream(self) -> Stream:
        """Start decoding one id at a time."""
        return Stream(self.vocabulary)


def check_threads(threads: int | None) -> int | None:
    """Give the number of threads as a plain number; refuse one that can't be."""
    return None if threads is None else int(number("threads", threads, "an integer from 1 to 64, or None for one a core", 1, 64, whole=True))
