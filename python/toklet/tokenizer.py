"""The tokenizer as Python sees it: how one is made, saved, compared; what it does to text and ids stands in `encoding` and `decoding`.

The work is the core's; docs, defaults and conversions to numpy are here.
"""

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ._core import core, files
from .checks import as_dict, as_list, as_path, check_pattern
from .decoding import Decodes
from .encoding import Encodes, Text
from .equivalence import Equivalence, equivalence
from .interchange import Interchange
from .reference.error import WrongTypeError, number
from .reference.vocab import check_specials

if TYPE_CHECKING:
    from .progress import Report
    from .report import QualityReport


class Tokenizer(Encodes, Decodes, Interchange):
    """Text to ids and back.

    Made by `toklet.train`, `toklet.load`, `Tokenizer.from_ranks` or `Tokenizer.from_merges`. Frozen: it can be shared by threads, compared, hashed,
    copied and pickled.

    Examples
    --------
    >>> tok = Tokenizer.from_merges([(b"l", b"o"), (b"lo", b"w")], pattern="gpt2", special_tokens=["<|end|>"])
    >>> tok.encode("low<|end|>", special="allow")
    array([257, 258], dtype=uint32)
    >>> tok.decode([257, 258])
    'low<|end|>'
    """

    __slots__ = ("_core",)
    _core: Any

    def __init__(self) -> None:
        raise WrongTypeError("Tokenizer()", "a call without tables", "Tokenizer.from_ranks, Tokenizer.from_merges, toklet.load or toklet.train")

    @classmethod
    def _from_tables(cls, *tables: Any) -> "Tokenizer":
        return cls._of(core.Tokenizer(*tables))

    @classmethod
    def from_ranks(cls, ranks: Mapping[bytes, int], *, pattern: str, special_tokens: Mapping[str, int] | None = None) -> "Tokenizer":
        """Make a tokenizer from ranks, as tiktoken publishes them.

        Parameters
        ----------
        ranks : mapping of bytes to int
            Each token's rank, which is its id. All 256 single bytes must be there.
        pattern : str
            The name of a built-in pattern (`toklet.patterns`), or a regular expression.
        special_tokens : mapping of str to int, optional
            Names and ids.

        Raises
        ------
        VocabularyError
            If an id occurs twice, or a byte is missing.

        Examples
        --------
        >>> ranks = {bytes([b]): b for b in range(256)} | {b"ab": 256}
        >>> Tokenizer.from_ranks(ranks, pattern="gpt2").encode("abba").tolist()
        [256, 98, 97]
        """
        check_pattern(pattern)
        specials = as_dict("special_tokens", {} if special_tokens is None else special_tokens)
        check_specials(specials)
        return cls._from_tables(as_dict("ranks", ranks), None, specials, pattern, True)

    @classmethod
    def from_merges(cls, merges: Iterable[tuple[bytes, bytes]], *, pattern: str, special_tokens: Iterable[str] = ()) -> "Tokenizer":
        """Make a tokenizer from merges: ids are the 256 bytes in order, then what each merge makes, then the special tokens.

        Parameters
        ----------
        merges : iterable of (bytes, bytes)
            The pairs, in the order in which they were learnt. A merge that makes a token which is there already makes that token.
        pattern : str
            The name of a built-in pattern, or a regular expression.
        special_tokens : iterable of str
            Their names.

        Raises
        ------
        VocabularyError
            If a part of a merge doesn't exist, or a merge occurs twice.
        """
        check_pattern(pattern)
        names = as_list("special_tokens", special_tokens)
        check_specials(names)
        return cls._of(core.Tokenizer.from_merges(as_list("merges", merges), names, pattern))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Save to a file, whole or not at all.

        Parameters
        ----------
        path : str or PathLike
            A name that ends in `.json` (tokenizer.json, which `tokenizers` loads too) or in `.tiktoken` (ranks only, without pattern and specials).

        Raises
        ------
        FormatError
            If the ending is another, or the format can't hold this vocabulary.
        OSError
            If the file can't be written.
        """
        files.save(self._core, as_path(path))

    def with_memory(self, bytes: int) -> "Tokenizer":
        """Give the same tokenizer with another bound on what encoding remembers.

        Each thread of a call keeps the ids of what it has seen in a table of fixed size, 16 MiB where nothing else is said, which forgets by overwriting.
        Less is enough for short texts in many processes; more helps where a corpus has more distinct words than fit, as text of many scripts has. Ids
        don't depend on it. A copy that was pickled has 16 MiB again.

        Parameters
        ----------
        bytes : int
            From 4 KiB to 64 GiB, for each thread.

        Examples
        --------
        >>> tok = Tokenizer.from_merges([(b"a", b"b")], pattern="gpt2").with_memory(1 << 20)
        >>> tok.encode("abba")
        array([256,  98,  97], dtype=uint32)
        """
        bytes = int(number("bytes", bytes, "an integer from 4096 to 2**36", 1 << 12, 1 << 36, whole=True))
        return Tokenizer._of(self._core.with_memory(bytes))

    def report(self, texts: Iterable[Text] = (), progress: "bool | Report | None" = None) -> "QualityReport":
        """Say how well this tokenizer fits texts, and what is in its vocabulary: see `toklet.report.QualityReport`."""
        from .report import compare

        return compare([self], texts, progress=progress)[0]

    @property
    def vocab_size(self) -> int:
        """The highest id plus one: the number of logits that a model needs."""
        return int(self._core.size())

    @property
    def pattern(self) -> str:
        """The regular expression that cuts text into pretokens."""
        return str(self._core.pattern)

    @property
    def special_tokens(self) -> dict[str, int]:
        """The special tokens and their ids."""
        return dict(self._core.special_tokens())

    @property
    def tokens(self) -> dict[bytes, int]:
        """The ordinary tokens and their ids."""
        return dict(self._core.tables()[0])

    @property
    def merges(self) -> list[tuple[bytes, bytes]]:
        """The merges in order; for a vocabulary of ranks, those that its ranks imply."""
        return list(self._core.merges())

    def equivalent(self, other: Any, texts: Iterable[str], special: str = "text") -> Equivalence:
        """Ask whether another tokenizer gives the same ids.

        Parameters
        ----------
        other : a tokenizer, or a function from text to ids
            Of toklet, tiktoken, tokenizers, transformers, or anything with an `encode`. What it would put around a text is left out.
        texts : iterable of str
            Read until one differs.
        special : {"text", "allow"}
            What a special token that a text spells is for this tokenizer, and for others that can be told. (`tokenizers` always finds it.)

        Returns
        -------
        Equivalence
            True if all ids are the same. Else `difference` has the first one: which text, where in it, both ids and both tokens; it prints as a sentence.

        Examples
        --------
        >>> tok = Tokenizer.from_merges([(b"a", b"b")], pattern="gpt2")
        >>> bool(tok.equivalent(tok, ["abc", "cab"]))
        True
        >>> print(tok.equivalent(Tokenizer.from_merges([(b"b", b"c")], pattern="gpt2"), ["cab", "1abc"]))
        text 0 at id 1 (byte 1, before 'ab'): 256 b'ab' here, 97 b'a' there
        """
        return equivalence(self, other, texts, special)

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"a Tokenizer is frozen: {name!r} can't be deleted")

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a Tokenizer is frozen: {name!r} can't be set")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Tokenizer) or hash(self) != hash(other):
            return False
        return self._core is other._core or self._core.tables() == other._core.tables()  # the tables of 100,000 tokens take 40 ms

    def __hash__(self) -> int:
        return hash((self.vocab_size, tuple(sorted(self.special_tokens.items())), self.pattern))

    def __reduce__(self) -> tuple[Any, ...]:
        return Tokenizer._from_tables, self._core.tables()

    def __copy__(self) -> "Tokenizer":
        return self

    def __deepcopy__(self, memo: object) -> "Tokenizer":
        return self

    def __repr__(self) -> str:
        name = next((name for name, regex in core.PATTERNS.items() if regex == self.pattern), self.pattern)
        return f"<Tokenizer vocab_size={self.vocab_size} pattern={name!r} special_tokens={list(self.special_tokens)}>"


def load(path: str | os.PathLike[str], *, pattern: str | None = None, special_tokens: Mapping[str, int] | None = None) -> Tokenizer:
    """Load a tokenizer from a file.

    Parameters
    ----------
    path : str or PathLike
        A tokenizer.json or tekken.json, a sentencepiece model (`.model`), the tokenizer of a `.gguf` file; all of them BPE. Or a `.tiktoken` file: those
        that OpenAI published, Whisper's and Qwen's are known by their hash.
    pattern : str, optional
        For any other `.tiktoken` file: the pattern, which isn't in the file.
    special_tokens : mapping of str to int, optional
        For a `.tiktoken` file: its special tokens, which aren't in the file either.

    Raises
    ------
    FormatError
        If the file is damaged, or asks for what toklet doesn't do; the message names the line or the field.
    VocabularyError
        If its tables contradict themselves: an id twice, a byte missing, a merge whose parts don't exist.
    OSError
        If the file can't be read.
    """
    if pattern is not None:
        check_pattern(pattern)
    specials = None if special_tokens is None else as_dict("special_tokens", special_tokens)
    check_specials(specials or {})
    return Tokenizer._of(files.load(as_path(path), pattern, specials))
