"""An Encoding with the interface of tiktoken's: lists of ints come out, text that spells a special token is refused unless the caller says otherwise.

What differs: text is cut by toklet's patterns (the same, but that a pattern which isn't built in runs with a bound), a vocabulary must have all 256 bytes, and
`encode_to_numpy` takes lone surrogates as `encode` does. Batches run on `num_threads` threads of the core.
"""

import re
from collections.abc import Collection, Sequence
from collections.abc import Set as AbstractSet
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Any, Literal, NoReturn

import numpy as np
from numpy.typing import NDArray

from ...arrays import as_array
from ...reference.error import ArgumentError, TextError, TokenError, WrongTypeError
from ...tokenizer import Tokenizer
from .unstable import bytes_ids, completions

All = Literal["all"]


class Encoding:
    """A vocabulary under tiktoken's interface.

    Parameters
    ----------
    name : str
    pat_str : str
        The pattern: a regular expression, or the name of one that toklet has.
    mergeable_ranks : dict of bytes to int
    special_tokens : dict of str to int
    explicit_n_vocab : int, optional
        How many tokens there must be.

    Raises
    ------
    VocabularyError
        If an id occurs twice, or a byte is missing.

    Examples
    --------
    >>> enc = Encoding("tiny", pat_str="gpt2", mergeable_ranks={bytes([b]): b for b in range(256)} | {b"ab": 256}, special_tokens={"<|end|>": 257})
    >>> enc.encode("abba"), enc.encode("ab<|end|>", allowed_special="all")
    ([256, 98, 97], [256, 257])
    """

    def __init__(
        self, name: str, *, pat_str: str, mergeable_ranks: dict[bytes, int], special_tokens: dict[str, int], explicit_n_vocab: int | None = None
    ) -> None:
        self._take(name, Tokenizer.from_ranks(mergeable_ranks, pattern=pat_str, special_tokens=special_tokens))
        if explicit_n_vocab and (len(mergeable_ranks) + len(special_tokens), self.n_vocab) != (explicit_n_vocab, explicit_n_vocab):
            found = f"{explicit_n_vocab} for {len(mergeable_ranks) + len(special_tokens)} tokens with ids up to {self.max_token_value}"
            raise ArgumentError("explicit_n_vocab", found, "their number, and the highest id plus one")

    @classmethod
    def from_toklet(cls, tokenizer: Tokenizer, name: str) -> "Encoding":
        """Give any of toklet's tokenizers this interface."""
        self = cls.__new__(cls)
        self._take(name, tokenizer)
        return self

    def _take(self, name: str, tokenizer: Tokenizer) -> None:
        self.name, self.tokenizer = name, tokenizer
        self._core = tokenizer._core
        self._special_tokens = tokenizer.special_tokens
        self._special_token_values = set(self._special_tokens.values())
        self.max_token_value = tokenizer.vocab_size - 1

    def __repr__(self) -> str:
        return f"<Encoding {self.name!r}>"

    def __reduce__(self) -> tuple[Any, ...]:
        from .registry import get_encoding, made

        if made.get(self.name) is self:
            return get_encoding, (self.name,)
        return Encoding.from_toklet, (self.tokenizer, self.name)

    # text -> ids

    def encode_ordinary(self, text: str) -> list[int]:
        """Encode text in which nothing is special."""
        try:  # as `_encode` does, with fewer calls
            return self._core.encode_list(text, "text")  # type: ignore[no-any-return]
        except TextError:
            return self._encode(text, "text")

    def encode(self, text: str, *, allowed_special: All | AbstractSet[str] = frozenset(), disallowed_special: All | Collection[str] = "all") -> list[int]:
        """Encode text.

        Parameters
        ----------
        text : str
            A lone surrogate in it becomes U+FFFD, a pair of them the character that they mean.
        allowed_special : "all" or a set of str
            The special tokens that text may spell.
        disallowed_special : "all" or a collection of str
            What raises if the text spells it; "all": every special token that isn't allowed. A special token in neither is ordinary text.

        Raises
        ------
        ValueError
            If the text spells what is disallowed.
        """
        if isinstance(text, str) and not allowed_special and disallowed_special == "all":
            try:
                return self._core.encode_list(text, "error")  # type: ignore[no-any-return]
            except TextError:
                pass  # a special token or a surrogate: what to do about it is found out in peace
        return self._encode(text, self._policy(text, allowed_special, disallowed_special))

    def encode_to_numpy(
        self, text: str, *, allowed_special: All | AbstractSet[str] = frozenset(), disallowed_special: All | Collection[str] = "all"
    ) -> NDArray[np.uint32]:
        """Encode text to an array; see `encode`."""
        policy = self._policy(text, allowed_special, disallowed_special)
        return as_array(self._repaired(self._core.encode, text, policy), np.uint32)

    def encode_ordinary_batch(self, text: list[str], *, num_threads: int = 8) -> list[list[int]]:
        """Encode each text, in which nothing is special."""
        return self._encode_batch(text, "text", num_threads)

    def encode_batch(
        self,
        text: list[str],
        *,
        num_threads: int = 8,
        allowed_special: All | AbstractSet[str] = frozenset(),
        disallowed_special: All | Collection[str] = "all",
    ) -> list[list[int]]:
        """Encode each text; see `encode`."""
        texts = list(text)
        policy: Any = "text"
        for one in texts:
            policy = self._policy(one, allowed_special, disallowed_special)
        return self._encode_batch(texts, policy, num_threads)

    def encode_with_unstable(
        self, text: str, *, allowed_special: All | AbstractSet[str] = frozenset(), disallowed_special: All | Collection[str] = "all"
    ) -> tuple[list[int], list[list[int]]]:
        """Encode text of which more may come: the ids that stay whatever comes, and the sequences of ids that may stand behind them."""
        policy = self._policy(text, allowed_special, disallowed_special)
        return completions(self, text, policy)

    def encode_single_token(self, text_or_bytes: str | bytes) -> int:
        """Give the id of one token, of a special one too; `KeyError` if there is none."""
        token = text_or_bytes.encode() if isinstance(text_or_bytes, str) else text_or_bytes
        try:
            return int(self._core.id(token))
        except TokenError:
            raise KeyError(token) from None

    # ids -> text

    def decode_bytes(self, tokens: Sequence[int]) -> bytes:
        """Join the bytes of ids; `KeyError` if one doesn't exist."""
        return self._decode(self._core.decode_bytes, tokens)  # type: ignore[no-any-return]

    def decode(self, tokens: Sequence[int], errors: str = "replace") -> str:
        """Decode ids; `errors` is what `bytes.decode` takes."""
        if errors == "replace":
            return self._decode(self._core.decode, tokens, errors)  # type: ignore[no-any-return]
        return self.decode_bytes(tokens).decode("utf-8", errors)

    def decode_single_token_bytes(self, token: int) -> bytes:
        """Give the bytes of an id; `KeyError` if it doesn't exist."""
        try:
            return bytes(self._core.token(token))
        except TokenError:
            raise KeyError(str(token)) from None

    def decode_tokens_bytes(self, tokens: Sequence[int]) -> list[bytes]:
        """Give the bytes of each id."""
        tokens = list(tokens)
        data, ends = self.decode_bytes(tokens), as_array(self._core.ends(tokens), np.uint64).tolist()
        return [data[start:end] for start, end in pairwise(ends)]

    def decode_with_offsets(self, tokens: Sequence[int]) -> tuple[str, list[int]]:
        """Decode ids, and say at which character of the text each begins; one that begins inside a character is given that character.

        Raises
        ------
        UnicodeDecodeError
            If the ids aren't UTF-8.
        """
        data = self.decode_bytes(tokens)
        text = data.decode("utf-8", "strict")
        starts = as_array(self._core.ends(list(tokens)), np.uint64)[:-1].astype(np.int64)
        characters = np.cumsum((np.frombuffer(data, np.uint8) & 0xC0) != 0x80) - 1
        return text, characters[starts].tolist()

    def decode_batch(self, batch: Sequence[Sequence[int]], *, errors: str = "replace", num_threads: int = 8) -> list[str]:
        """Decode each list of ids."""
        if errors == "replace":
            try:
                return self.tokenizer.decode_batch(batch)
            except TokenError:
                pass  # the loop says it as tiktoken does
        return [self.decode(tokens, errors) for tokens in batch]

    def decode_bytes_batch(self, batch: Sequence[Sequence[int]], *, num_threads: int = 8) -> list[bytes]:
        """Join the bytes of each list of ids."""
        return [self.decode_bytes(tokens) for tokens in batch]

    # what there is

    def token_byte_values(self) -> list[bytes]:
        """Give the bytes of all ordinary tokens, in the order of bytes."""
        return list(self._sorted_tokens)

    @property
    def eot_token(self) -> int:
        """The id of <|endoftext|>; `KeyError` if there is none."""
        return self._special_tokens["<|endoftext|>"]

    @cached_property
    def special_tokens_set(self) -> set[str]:
        """The special tokens."""
        return set(self._special_tokens)

    def is_special_token(self, token: int) -> bool:
        """Say whether an id is a special token's."""
        if not isinstance(token, int):
            raise WrongTypeError("token", f"of type {type(token).__name__}", "an int")
        return token in self._special_token_values

    @property
    def n_vocab(self) -> int:
        """The highest id plus one."""
        return self.max_token_value + 1

    # what programs use although its name says that it isn't theirs

    @property
    def _pat_str(self) -> str:
        return self.tokenizer.pattern

    @cached_property
    def _mergeable_ranks(self) -> dict[bytes, int]:
        return self.tokenizer.tokens

    @cached_property
    def _sorted_tokens(self) -> list[bytes]:
        return sorted(self._mergeable_ranks)

    def _encode_single_piece(self, text_or_bytes: str | bytes) -> list[int]:
        data = text_or_bytes.encode() if isinstance(text_or_bytes, str) else text_or_bytes
        return as_array(self._core.merge(data), np.uint32).tolist()  # type: ignore[no-any-return]

    def _encode_bytes(self, text: bytes) -> list[int]:
        return bytes_ids(self, text)

    def _policy(self, text: str, allowed: All | AbstractSet[str], disallowed: All | Collection[str]) -> Any:
        """Say what special tokens become, as the core is told; refuse a text that spells what is disallowed."""
        if not isinstance(text, str):
            raise WrongTypeError("text", f"of type {type(text).__name__}", "a str")
        if allowed == "all":
            refused: Collection[str] = () if disallowed == "all" else disallowed
        else:
            refused = self.special_tokens_set - allowed if disallowed == "all" else disallowed
        if refused and (found := any_of(frozenset(refused)).search(text)):
            refuse(found.group())
        return "allow" if allowed == "all" else [name for name in allowed if name in self._special_tokens] or "text"

    @staticmethod
    def _decode(decode: Any, tokens: Any, *how: str) -> Any:
        try:
            return decode(tokens, *how)
        except TokenError as error:
            raise KeyError(f"Invalid token for decoding: {error.found}") from None

    def _encode(self, text: str, policy: Any) -> list[int]:
        return self._repaired(self._core.encode_list, text, policy)  # type: ignore[no-any-return]

    def _repaired(self, encode: Any, text: str, policy: Any) -> Any:
        """Encode; where that fails by a surrogate, encode what the text may have meant."""
        try:
            return encode(text, policy)
        except TextError:
            return encode(repaired(text), policy)

    def _encode_batch(self, text: list[str], policy: Any, num_threads: int) -> list[list[int]]:
        def encode(texts: list[str], policy: Any) -> list[list[int]]:
            return self._core.encode_batch_lists(texts, policy, max(1, min(num_threads, 64)))  # type: ignore[no-any-return]

        try:
            return encode(text, policy)
        except TextError:
            return encode([repaired(one) for one in text], policy)


def repaired(text: str) -> str:
    r"""Join pairs of surrogates, and replace those that are alone.

    >>> repaired("\ud83d\udc4d"), repaired("\ud83d")
    ('👍', '\ufffd')
    """
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


@lru_cache(maxsize=128)
def any_of(names: frozenset[str]) -> re.Pattern[str]:
    """Make a pattern that finds the longest of some names."""
    return re.compile("|".join(map(re.escape, sorted(names, key=len, reverse=True))))


def refuse(token: str) -> NoReturn:
    """Raise, with the first line of tiktoken's message, which programs look for."""
    raise ValueError(
        f"Encountered text corresponding to disallowed special token {token!r}.\n"
        f"To have it encoded as a special token, pass allowed_special={{{token!r}, ...}}; to have it encoded as ordinary text, pass "
        f"disallowed_special=enc.special_tokens_set - {{{token!r}}}, or disallowed_special=() for all of them."
    )
