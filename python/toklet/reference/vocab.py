"""The vocabulary: id <-> bytes, pair -> (rank, id), and the special tokens.

The pair table is what defines merging: a pair of neighbouring ids that stands in it may become one id, lower ranks first. A list of merges gives it directly
(rank = place in the list). A list of ranks, as tiktoken publishes, gives it too: every way to cut a token into two tokens is a pair of that token's rank.
`whole` says that a pretoken which is a token is taken as that token at once, whether its merges lead there or not (tiktoken: always). Special tokens
have ids and text, but no part in merging. What a pretoken begins as are its bytes; or its characters (`Symbols`), as sentencepiece has it, and then a character
that is no token becomes the tokens of its bytes, or the unknown token. A vocabulary that exists is valid.
"""

import builtins
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Integral

from .error import MAX_IDS, MAX_TOKEN_BYTES, ArgumentError, TextError, TokenError, VocabularyError, WrongTypeError, as_bytes

Pair = tuple[int, int]
NEVER = frozenset((0xC0, 0xC1, *range(0xF5, 0x100)))  # bytes that stand nowhere in UTF-8


def check_specials(names: Iterable[str]) -> None:
    """Refuse names that no special token can have."""
    for name in names:
        if not isinstance(name, str):
            raise WrongTypeError("the special token", repr(name), "a str")
        length = len(as_bytes(name, f"the special token {name!a}"))
        if not 0 < length <= MAX_TOKEN_BYTES:
            raise VocabularyError("the length of a special token", f"{length} bytes", f"from 1 to {MAX_TOKEN_BYTES}")


@dataclass(frozen=True)
class Symbols:
    """What a vocabulary has beside tokens, merges and special tokens.

    `characters`: whether a pretoken begins as characters rather than bytes. `bytes`: the ids of the 256 byte tokens that a character becomes which is no
    token. `unknown`: the id that it becomes where there are none; `fuse`: several of them in a row become one. `ranks`: by token, for a vocabulary
    of ranks whose ranks aren't the ids (tokens may share one). `added`: tokens with no part in merging that text does become; names and ids. `strip`:
    whether a space is dropped at the start of what is decoded, because one is put there before encoding. `utf8`: whether bytes may be missing that
    UTF-8 never has.
    """

    characters: bool = False
    bytes: Sequence[int] = ()
    unknown: int | None = None
    fuse: bool = False
    ranks: Mapping[builtins.bytes, int] | None = None
    added: Mapping[str, int] = field(default_factory=dict)
    strip: bool = False
    utf8: bool = False


class Vocabulary:
    """Tokens, merges and special tokens that fit together.

    >>> v = Vocabulary.from_merges([(b"a", b"b"), (b"ab", b"c")], ["<|end|>"])
    >>> v.tokens[b"abc"], v.specials, v.pairs[97, 98]
    (257, {'<|end|>': 258}, (0, 256))
    """

    def __init__(
        self,
        tokens: Mapping[bytes, int],
        merges: Sequence[tuple[bytes, bytes]] | None,
        specials: Mapping[str, int],
        whole: bool,
        kind: Symbols | None = None,
    ) -> None:
        self.tokens, self.specials, self.whole, self.kind = dict(tokens), dict(specials), whole, kind or Symbols()
        self.by_id = self._index_ids()
        self.pairs: dict[Pair, tuple[int, int]] = {}
        if merges is None:
            self._pair_by_ranks()
        else:
            self._pair_by_merges(merges)
        self.listed = None if merges is None else [(left, right) for left, right in merges]
        self.size = max(self.by_id) + 1

    @classmethod
    def from_merges(cls, merges: Sequence[tuple[bytes, bytes]], specials: Sequence[str]) -> "Vocabulary":
        """Number the 256 bytes, then what each merge makes (unless an earlier one made it), then the specials."""
        tokens = {bytes([b]): b for b in range(256)}
        for number, merge in enumerate(merges):
            if not (isinstance(merge, tuple) and len(merge) == 2 and all(isinstance(part, bytes) for part in merge)):
                raise WrongTypeError(f"merge {number}", repr(merge), "a pair of bytes")
            tokens.setdefault(merge[0] + merge[1], len(tokens))
        if len(set(specials)) < len(specials):
            raise VocabularyError("special_tokens", repr(list(specials)), "names that are all different")
        return cls(tokens, merges, {name: len(tokens) + i for i, name in enumerate(specials)}, whole=False)

    def extended(self, merges: Sequence[tuple[bytes, bytes]], specials: Sequence[str]) -> "Vocabulary":
        """Learn more on top: the ids stay, then come what each merge makes and the special tokens."""
        if self.kind.characters or self.kind.utf8:
            raise ArgumentError("extend", "a tokenizer with more around it than a pattern and special tokens", "one of which these say all")
        new = {left + right: self.size + i for i, (left, right) in enumerate(merges)}
        special = {name: self.size + len(merges) + i for i, name in enumerate(specials)}
        return Vocabulary(self.tokens | new, None if self.listed is None else self.listed + list(merges), self.specials | special, self.whole)

    def _index_ids(self) -> dict[int, bytes]:
        by_id: dict[int, bytes] = {}
        named = [(repr(token), token, id) for token, id in self.tokens.items()]
        check_specials(self.specials)
        named += [(repr(name), name.encode(), id) for name, id in (*self.specials.items(), *self.kind.added.items())]
        named += [(f"the byte 0x{byte:02x}", bytes([byte]), id) for byte, id in enumerate(self.kind.bytes)]
        for name, token, id in named:
            if not isinstance(token, bytes):
                raise WrongTypeError("the token", name, "bytes")
            if not isinstance(id, Integral) or isinstance(id, bool):
                raise WrongTypeError(f"the id of {name}", repr(id), "an int")
            if not 0 <= id < MAX_IDS:
                raise VocabularyError(f"the id of {name}", str(id), f"from 0 to {MAX_IDS - 1}")
            if not 0 < len(token) <= MAX_TOKEN_BYTES:
                raise VocabularyError(f"the length of token {id}", f"{len(token)} bytes", f"from 1 to {MAX_TOKEN_BYTES}")
            if id in by_id:
                raise VocabularyError(f"the id of {name}", str(id), f"an id of its own: {by_id[id]!r} has this one")
            by_id[id] = token
        for byte in range(256):
            if not self.kind.characters and bytes([byte]) not in self.tokens and not (self.kind.utf8 and byte in NEVER):
                raise VocabularyError(f"the byte 0x{byte:02x}", "missing", "a token, or some text can't be encoded")
        if self.kind.characters and not self.kind.bytes and self.kind.unknown is None:
            raise VocabularyError("the unknown token", "missing", "a token, or some text can't be encoded: there are no byte tokens")
        return by_id

    def _pair_by_ranks(self) -> None:
        for token, id in self.tokens.items():
            rank = self.rank(token)
            for cut in range(1, len(token)):
                left, right = self.tokens.get(token[:cut]), self.tokens.get(token[cut:])
                if left is not None and right is not None:
                    self.pairs[left, right] = (rank, id)

    def _pair_by_merges(self, merges: Sequence[tuple[bytes, bytes]]) -> None:
        for rank, (left, right) in enumerate(merges):
            for part in (left, right, left + right):
                if part not in self.tokens:
                    raise VocabularyError(f"{part!r} of merge {rank}", "not a token", "a token of the vocabulary")
            pair = (self.tokens[left], self.tokens[right])
            if pair in self.pairs:
                raise VocabularyError(f"merge {rank}", f"{(left, right)!r}", f"new: it is merge {self.pairs[pair][0]} again")
            self.pairs[pair] = (rank, self.tokens[left + right])

    def check(self, data: bytes) -> None:
        """Refuse a text with a byte in it that the vocabulary lacks."""
        lacking = {byte for byte in NEVER if bytes([byte]) not in self.tokens} if self.kind.utf8 else ()
        at = next((at for at, byte in enumerate(data) if byte in lacking), None)
        if at is not None:
            raise TextError(f"byte {at} of text", f"0x{data[at]:02x}, which the vocabulary has no token for", "UTF-8")

    def rank(self, token: bytes) -> int:
        """Give the rank of a token of a vocabulary of ranks."""
        return self.tokens[token] if self.kind.ranks is None else self.kind.ranks[token]

    def symbols(self, pretoken: bytes) -> list[int]:
        """Give the ids that merging begins with."""
        return [id for id, _ in self.sized_symbols(pretoken)]

    def sized_symbols(self, pretoken: bytes) -> list[tuple[int, int]]:
        """Give the ids that merging begins with, and how many bytes each one stands for."""
        if not self.kind.characters:
            return [(self.tokens[pretoken[i : i + 1]], 1) for i in range(len(pretoken))]
        symbols: list[tuple[int, int]] = []
        fused = False
        for c in pretoken.decode("utf-8", "surrogateescape"):
            data = c.encode("utf-8", "surrogateescape")
            if data in self.tokens:
                symbols.append((self.tokens[data], len(data)))
            elif self.kind.bytes:
                symbols += [(self.kind.bytes[byte], 1) for byte in data]
            elif fused:
                symbols[-1] = (symbols[-1][0], symbols[-1][1] + len(data))
            elif self.kind.unknown is not None:
                symbols.append((self.kind.unknown, len(data)))
            fused = self.kind.fuse and not self.kind.bytes and data not in self.tokens
        return symbols

    def token(self, id: int) -> bytes:
        """Give the bytes of an id, of a special token too."""
        if id not in self.by_id:
            raise TokenError("the id", str(id), f"one of the {len(self.by_id)} ids of the vocabulary, which are under {self.size}")
        return self.by_id[id]

    def id(self, token: bytes) -> int:
        """Give the id of a token; a special token's too."""
        others = {name.encode(): id for name, id in (*self.kind.added.items(), *self.specials.items())}
        byte = self.kind.bytes[token[0]] if len(token) == 1 and self.kind.bytes else None
        id = self.tokens.get(token, others.get(token, byte))
        if id is None:
            raise TokenError("the token", repr(token), "one that the vocabulary has")
        return id
