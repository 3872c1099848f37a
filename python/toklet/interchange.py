"""Tokenizers of other libraries, taken over and given out: the ids are the same on both sides, or it is refused."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Self

from ._core import core, files
from .arrays import as_array, as_ids
from .later import np
from .reference.error import WrongTypeError

if TYPE_CHECKING:
    import tiktoken
    import tokenizers
    from numpy.typing import ArrayLike

    from .arrays import Ids


class Interchange:
    """What a `Tokenizer` has to do with `tiktoken` and `tokenizers`; neither is imported before it is asked for."""

    __slots__ = ()
    _core: Any

    @classmethod
    def _of(cls, made: Any) -> Self:
        self = object.__new__(cls)
        object.__setattr__(self, "_core", made)
        return self

    @classmethod
    def from_tiktoken(cls, encoding: tiktoken.Encoding) -> Self:
        """Take over an encoding of `tiktoken`: its ranks, its pattern and its special tokens; of several names for one id the first.

        Examples
        --------
        >>> import tiktoken, toklet
        >>> ranks = {bytes([b]): b for b in range(256)} | {b"ab": 256}
        >>> encoding = tiktoken.Encoding("mine", pat_str=toklet.patterns["gpt2"], mergeable_ranks=ranks, special_tokens={"<|end|>": 257})
        >>> toklet.Tokenizer.from_tiktoken(encoding).encode("abba<|end|>", special="allow")
        array([256,  98,  97, 257], dtype=uint32)
        """
        tables = [getattr(encoding, name, None) for name in ("_mergeable_ranks", "_special_tokens", "_pat_str")]
        if any(table is None for table in tables):
            raise WrongTypeError("encoding", f"of type {type(encoding).__name__}", "a tiktoken.Encoding")
        ranks, specials, pattern = tables
        names = {id: name for name, id in reversed((specials or {}).items())}
        return cls._of(core.Tokenizer(dict(ranks or {}), None, {name: id for id, name in reversed(names.items())}, pattern, True))

    @classmethod
    def from_huggingface(cls, tokenizer: tokenizers.Tokenizer | Any) -> Self:
        """Take over a tokenizer of `tokenizers`, or a fast one of `transformers`: all that its tokenizer.json says.

        Raises
        ------
        FormatError
            If it does what toklet doesn't; the message names it.

        Examples
        --------
        >>> import tokenizers, toklet
        >>> peer = tokenizers.Tokenizer(tokenizers.models.BPE(vocab={"<unk>": 0, "a": 1, "b": 2, "ab": 3}, merges=[("a", "b")], unk_token="<unk>"))
        >>> toklet.Tokenizer.from_huggingface(peer).encode("abac").tolist()
        [3, 1, 0]
        """
        inner = getattr(tokenizer, "backend_tokenizer", tokenizer)
        if not hasattr(inner, "to_str"):
            raise WrongTypeError("tokenizer", f"of type {type(tokenizer).__name__}", "a tokenizers.Tokenizer, or a fast tokenizer of transformers")
        return cls._of(files.read(inner.to_str().encode(), "tokenizer.json"))

    def to_tiktoken(self, name: str = "toklet") -> tiktoken.Encoding:
        """Give the same as an encoding of `tiktoken`, which must be installed.

        Parameters
        ----------
        name : str
            What the encoding is called.

        Raises
        ------
        FormatError
            If ranks, a pattern and special tokens can't say it.

        Examples
        --------
        >>> import toklet
        >>> toklet.Tokenizer.from_merges([(b"a", b"b")], pattern="gpt2").to_tiktoken().encode("abba")
        [256, 98, 97]
        """
        import tiktoken

        files.text(self._core, ".tiktoken")  # refuses what ranks can't say
        ranks, _, specials, pattern, *_ = self._core.tables()
        return tiktoken.Encoding(name, pat_str=pattern or "(?s:.+)", mergeable_ranks=ranks, special_tokens=specials)

    def to_huggingface(self) -> tokenizers.Tokenizer:
        """Give the same as a tokenizer of `tokenizers`, which must be installed. There text that spells a special token becomes it, unless told otherwise.

        Raises
        ------
        FormatError
            If a tokenizer.json can't say it.

        Examples
        --------
        >>> import toklet
        >>> toklet.Tokenizer.from_merges([(b"a", b"b")], pattern="gpt2").to_huggingface().encode("abba").ids
        [256, 98, 97]
        """
        import tokenizers

        return tokenizers.Tokenizer.from_str(bytes(files.text(self._core, "tokenizer.json")).decode())

    def post_process(self, ids: Iterable[int] | ArrayLike, pair: Iterable[int] | ArrayLike | None = None) -> Ids:
        """Put the special tokens around the ids of a text, or of two, that the template in the tokenizer's file asks for.

        `encode` gives the ids of a text alone. A tokenizer without a template gives the ids back.

        Parameters
        ----------
        ids, pair : sequence of int, or integer array of shape (n,)
            The ids of one text, and of a second one where the template is one of two texts.

        Returns
        -------
        ids : uint32 array

        Raises
        ------
        ArgumentError
            If there are two texts and no template.

        Examples
        --------
        >>> import toklet
        >>> toklet.Tokenizer.from_merges([(b"a", b"b")], pattern="gpt2").post_process([256, 98])
        array([256,  98], dtype=uint32)
        """
        return as_array(self._core.post_process(as_ids(ids), None if pair is None else as_ids(pair)), np.uint32)
