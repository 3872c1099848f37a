"""Text -> ids: split it, merge each pretoken, join the results; and decide what may become a special token.

Text is only ever text: what it spells never becomes a special token unless the caller says so (`special="allow"`, or a set of names). Then the longest
special token at the leftmost place is taken, and the text between two of them is split as if it stood alone. A prompt is encoded from parts, trusted
or not, and there a special token counts only where the whole of it lies inside trusted text.
"""

import json
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import accumulate, groupby, pairwise

from .chunks import Chunks
from .counter import Counter
from .decode import Stream, decode, decode_bytes
from .dropout import merge_with_dropout
from .error import MAX_TEXT_BYTES, ArgumentError, TextError, TokenError, WrongTypeError, as_bytes, check_choice, number
from .fields import Fields, dumps
from .merge import merge, sized, two_parts
from .normalize import Char, characters, joined
from .offsets import offsets, truncate
from .pipeline import Pipeline
from .special import blanks, cut
from .split import PATTERNS, named, split
from .template import around
from .vocab import Vocabulary

Special = str | Collection[str]
Located = tuple[int, int, int]  # an id, and the bytes of the text that it stands for


class Tokenizer:
    """A vocabulary and the pattern that it was made with. Frozen: safe to share."""

    def __init__(
        self,
        tokens: dict[bytes, int],
        merges: list[tuple[bytes, bytes]] | None,
        special_tokens: dict[str, int],
        pattern: str,
        whole: bool,
        pipeline: str | None = None,
    ) -> None:
        self.pipeline = None if pipeline is None else Pipeline(json.loads(pipeline), Fields("the pipeline"))
        kind = self.pipeline.kind(tokens, special_tokens) if self.pipeline else None
        self.vocabulary = Vocabulary(tokens, merges, special_tokens, whole, kind)
        self._name = named(pattern) if self.pipeline is None else ""
        self.pattern = PATTERNS.get(self._name, "") if self.pipeline is None else self.pipeline.pattern

    @classmethod
    def from_merges(cls, merges: list[tuple[bytes, bytes]], special_tokens: list[str], pattern: str) -> "Tokenizer":
        """Number the tokens as `Vocabulary.from_merges` does."""
        v = Vocabulary.from_merges(merges, special_tokens)
        return cls(v.tokens, v.listed, v.specials, pattern, whole=False)

    @classmethod
    def of(cls, vocabulary: Vocabulary, pattern: str) -> "Tokenizer":
        """Put a vocabulary and a pattern together."""
        return cls(vocabulary.tokens, vocabulary.listed, vocabulary.specials, pattern, vocabulary.whole)

    def tables(self) -> tuple[dict[bytes, int], list[tuple[bytes, bytes]] | None, dict[str, int], str, bool, str | None]:
        """Give what the constructor took."""
        v = self.vocabulary
        return v.tokens, v.listed, v.specials, self.pattern, v.whole, dumps(self.pipeline.said) if self.pipeline else None

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

    def ordinary(self, data: bytes, at_start: bool = True) -> list[int]:
        """Encode text in which nothing is special."""
        if self.pipeline:
            return [id for id, _, _ in self._located(data, [], at_start=at_start)]
        return [id for pretoken in split(data, self._name) for id in merge(self.vocabulary, pretoken)]

    def merge(self, pretoken: bytes) -> list[int]:
        """Encode one pretoken."""
        return merge(self.vocabulary, pretoken)

    def _located(self, data: bytes, allowed: Collection[str], refuse: bool = False, at_start: bool = True) -> Iterator[Located]:
        """Encode by the pipeline: each id, and the bytes of the text that it stands for."""
        assert self.pipeline
        self.vocabulary.check(data)
        for token, chars in self.pipeline.sections(data, allowed, refuse):
            if token:
                yield token.id, chars[0][1], chars[-1][2]
                continue
            for pretoken in self.pipeline.pretokens(chars, at_start):
                places = [(start, end) for c, start, end in pretoken for _ in c.encode("utf-8", "surrogateescape")]
                at = 0
                for id, size in sized(self.vocabulary, joined(pretoken).encode("utf-8", "surrogateescape")):
                    yield id, places[at][0], places[at + size - 1][1]
                    at += size

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
        data, ids = as_bytes(text), []
        if self.pipeline:
            return [id for id, _, _ in self._located(data, self._allowed(special), special == "error")]
        for i, piece in enumerate(self._pieces(data, special)):
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
        if self.pipeline:
            raise ArgumentError("dropout", str(dropout), "0 for a tokenizer that normalizes text or cuts it by more than a pattern")
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
        if self.pipeline:
            return self._parts(encoded)
        for trusted, run in groupby(encoded, key=lambda part: part[1]):
            pieces = self._cut(b"".join(data for data, _ in run), self.vocabulary.specials if trusted else [])
            for text, special in zip(pieces[::2], pieces[1::2], strict=False):
                ids += [*self.ordinary(plain + text), self.vocabulary.specials[special.decode()]]
                plain = b""
            plain += pieces[-1]
        return ids + self.ordinary(plain)

    def _parts(self, parts: Sequence[tuple[bytes, bool]]) -> list[int]:
        """Encode parts by the pipeline. White space that a special token takes along may stand in the part before or behind."""
        assert self.pipeline
        ids: list[int] = []
        plain: list[Char] = []
        specials, strip, at_start = {token.content: token for token in self.pipeline.added if token.special}, False, True
        for trusted, run in groupby(parts, key=lambda part: part[1]):
            for token, chars in cut(characters(b"".join(data for data, _ in run)), specials if trusted else {}, self.vocabulary.specials, refuse=False):
                if token is None:
                    gone = blanks(chars, 1) if strip and not plain else 0
                    plain += chars[gone:]
                    continue
                kept = plain[: len(plain) - blanks(plain, -1)] if token.lstrip else plain
                ids += [*self.ordinary(joined(kept).encode("utf-8", "surrogateescape"), at_start), token.id]
                plain, strip, at_start = [], token.rstrip, False
        return ids + self.ordinary(joined(plain).encode("utf-8", "surrogateescape"), at_start)

    def post_process(self, ids: Sequence[int], pair: Sequence[int] | None = None) -> list[int]:
        """Put the template of the tokenizer's file around the ids of a text, or of two."""
        return around(self.pipeline.template if self.pipeline else None, ids, pair)

    def encode_batch(self, texts: Iterable[str | bytes], special: Special = "text", threads: int | None = None, first: int = 0) -> tuple[list[int], list[int]]:
        """Encode each text: all ids, and where each text's begin (and the last one's end); errors call the first one by some number."""
        check_threads(threads)
        ids: list[int] = []
        offsets = [0]
        for i, text in enumerate(texts, first):
            ids += self.encode(as_bytes(text, f"texts[{i}]"), special)
            offsets.append(len(ids))
        return ids, offsets

    def encode_with_offsets(self, text: str | bytes, special: Special = "text", unit: str = "characters") -> tuple[list[int], list[int]]:
        """Encode one text: its ids, and (start, end) of each in bytes or in the characters that it touches, one after the other."""
        check_choice("unit", unit, ("characters", "bytes"))
        spans = self._spans(as_bytes(text), special)
        return [id for id, _, _ in spans], offsets(as_bytes(text), [(start, end) for _, start, end in spans], unit)

    def _spans(self, data: bytes, special: Special = "text") -> list[Located]:
        """Encode one text: each id, and the bytes of the text that it stands for."""
        if self.pipeline:
            return list(self._located(data, self._allowed(special), special == "error"))
        ids = self.encode(data, special)
        return [(id, start, end) for id, (start, end) in zip(ids, pairwise(self.ends(ids)), strict=True)]

    def ends(self, ids: list[int]) -> list[int]:
        """Give where each id ends in the text, in bytes, behind a 0."""
        first = len(decode_bytes(self.vocabulary, ids[:1]))
        return list(accumulate((len(self.vocabulary.by_id[id]) if i else first for i, id in enumerate(ids)), initial=0))

    def count(self, text: str | bytes, special: Special = "text") -> int:
        """Count the ids of one text."""
        return len(self.encode(text, special))

    def count_up_to(self, text: str | bytes, special: Special, limit: int) -> int:
        """Count the ids of one text, but no more than `limit + 1`."""
        return min(self.count(text, special), limit + 1)

    def chunks(self, text: str | bytes, max_tokens: int, overlap: int) -> Chunks:
        """Cut a text into pieces that each fit."""
        data = as_bytes(text)
        pretokens = filter(None, [data]) if self.pipeline else split(data, self._name)
        return Chunks(data, pretokens, max_tokens, overlap, self.count, lambda text, most: self.truncate(text, most))

    def safe_cut(self, text: bytes, limit: int) -> int | None:
        """Give a place where a text can be cut without changing its pretokens; the reference knows none."""
        return None

    def truncate(self, text: str | bytes, max_tokens: int, keep: str = "head") -> bytes:
        """Keep the head, the tail or the middle of a text, cut between characters, so that it encodes to at most `max_tokens` ids."""
        max_tokens = number("max_tokens", max_tokens, "an integer, at least 0", 0, MAX_TEXT_BYTES, whole=True)
        check_choice("keep", keep, ("head", "tail", "middle"))
        data = as_bytes(text)
        return truncate(data, [(start, end) for _, start, end in self._spans(data)], max_tokens, keep, self.count)

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

    def with_memory(self, bytes: int) -> "Tokenizer":
        """Give a tokenizer that remembers no more than so much: this one remembers nothing."""
        return self

    def counter(self) -> Counter:
        """Start counting a text that grows."""
        return Counter(lambda data: len(self.ordinary(data)))

    def stream(self) -> Stream:
        """Start decoding one id at a time."""
        return Stream(self.vocabulary)


def check_threads(threads: int | None) -> int | None:
    """Give the number of threads as a plain number; refuse one that can't be."""
    return None if threads is None else int(number("threads", threads, "an integer from 1 to 64, or None for one a core", 1, 64, whole=True))
