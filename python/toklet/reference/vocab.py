"""The vocabulary: id <-> bytes, pair -> (rank, id), and the special tokens.

The pair table is what defines merging: a pair of neighbouring ids that stands in it may become one id, lower ranks first. A list of merges gives it directly
(rank = place in the list). A list of ranks, as tiktoken publishes, gives it too: every way to cut a token into two tokens is a pair of that token's rank.
`whole` says that a pretoken which is a token is taken as that token at once, whether its merges lead there or not (tiktoken: always). Special tokens
have ids and text, but no part in merging. A vocabulary that exists is valid.
"""

from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral

from .error import MAX_IDS, MAX_TOKEN_BYTES, TokenError, VocabularyError, WrongTypeError, as_bytes

Pair = tuple[int, int]


def check_specials(names: Iterable[str]) -> None:
    """Refuse names that no special token can have."""
    for name in names:
        if not isinstance(name, str):
            raise WrongTypeError("the special token", repr(name), "a str")
        length = len(as_bytes(name, f"the special token {name!a}"))
        if not 0 < length <= MAX_TOKEN_BYTES:
            raise VocabularyError("the length of a special token", f"{length} bytes", f"from 1 to {MAX_TOKEN_BYTES}")


class Vocabulary:
    """Tokens, merges and special tokens that fit together.

    >>> v = Vocabulary.from_merges([(b"a", b"b"), (b"ab", b"c")], ["<|end|>"])
    >>> v.tokens[b"abc"], v.specials, v.pairs[97, 98]
    (257, {'<|end|>': 258}, (0, 256))
    """

    def __init__(self, tokens: Mapping[bytes, int], merges: Sequence[tuple[bytes, bytes]] | None, specials: Mapping[str, int], whole: bool) -> None:
        self.tokens, self.specials, self.whole = dict(tokens), dict(specials), whole
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
        new = {left + right: self.size + i for i, (left, right) in enumerate(merges)}
        special = {name: self.size + len(merges) + i for i, name in enumerate(specials)}
        return Vocabulary(self.tokens | new, None if self.listed is None else self.listed + list(merges), self.specials | special, self.whole)

    def _index_ids(self) -> dict[int, bytes]:
        by_id: dict[int, bytes] = {}
        named = [(repr(token), token, id) for token, id in self.tokens.items()]
        check_specials(self.specials)
        named += [(repr(name), name.encode(), id) for name, id in self.specials.items()]
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
            if bytes([byte]) not in self.tokens:
                raise VocabularyError(f"the byte 0x{byte:02x}", "missing", "a token, or some text can't be encoded")
        return by_id

    def _pair_by_ranks(self) -> None:
        for token, rank in self.tokens.items():
            for cut in range(1, len(token)):
                left, right = self.tokens.get(token[:cut]), self.tokens.get(token[cut:])
                if left is not None and right is not None:
                    self.pairs[left, right] = (rank, rank)

    def _pair_by_merges(self, merges: Sequence[tuple[bytes, bytes]]) -> None:
        for rank, (left, right) in enumerate(merges):
            for part in (left, right, left + right):
                if part not in self.tokens:
                    raise VocabularyError(f"{part!r} of merge {rank}", "not a token", "a token of the vocabulary")
            pair = (self.tokens[left], self.tokens[right])
            if pair in self.pairs:
                raise VocabularyError(f"merge {rank}", f"{(left, right)!r}", f"new: it is merge {self.pairs[pair][0]} again")
            self.pairs[pair] = (rank, self.tokens[left + right])

    def token(self, id: int) -> bytes:
        """Give the bytes of an id, of a special token too."""
        if id not in self.by_id:
            raise TokenError("the id", str(id), f"one of the {len(self.by_id)} ids of the vocabulary, which are under {self.size}")
        return self.by_id[id]

    def id(self, token: bytes) -> int:
        """Give the id of a token; a special token's too."""
        id = self.tokens.get(token, next((id for name, id in self.specials.items() if name.encode() == token), None))
        if id is None:
            raise TokenError("the token", repr(token), "one that the vocabulary has")
        return id
