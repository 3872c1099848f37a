"""The tokenizer as Python sees it: text in, numpy arrays out. The work is the core's; docs, defaults and conversions are here."""

import os
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._core import core, files
from .arrays import Ids, as_array, as_id, as_ids
from .batch import Batch
from .checks import as_dict, as_list, as_path, check_pattern, check_separator, check_special
from .counter import Counter
from .interchange import Interchange
from .reference.count import check_texts
from .reference.encode import check_threads
from .reference.error import MAX_TEXT_BYTES, WrongTypeError, as_bytes, check_choice, number
from .reference.vocab import check_specials
from .stream import Stream

if TYPE_CHECKING:
    from .progress import Report
    from .report import QualityReport

Text = str | bytes
Special = str | Collection[str]


class Tokenizer(Interchange):
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

    def encode(self, text: Text, special: Special = "text") -> Ids:
        """Encode one text.

        Parameters
        ----------
        text : str or bytes
            Bytes are taken as UTF-8 that may be broken: every byte comes back when decoded.
        special : {"text", "allow", "error"} or a set of names
            What a special token that the text spells becomes: ordinary text (the default); the special token; an error; or the special token if it is
            in the set.

        Returns
        -------
        ids : uint32 array, shape (n,)

        Raises
        ------
        TextError
            If the str holds a lone surrogate, or a special token under `special="error"`.

        Notes
        -----
        Time is O(n log n) in the longest pretoken and linear in the text, whatever the text is.

        Examples
        --------
        >>> tok = Tokenizer.from_merges([(b"a", b"b")], pattern="gpt2")
        >>> tok.encode("abc")
        array([256,  99], dtype=uint32)
        """
        return as_array(self._core.encode(text, check_special(special, self._core.special_tokens)), np.uint32)

    def encode_batch(self, texts: Iterable[Text], special: Special = "text", threads: int | None = None) -> Batch:
        """Encode many texts, on several threads.

        Parameters
        ----------
        texts : iterable of str or bytes
        special : see `encode`
        threads : int, optional
            How many threads work; default: one a core. The result doesn't depend on it.

        Returns
        -------
        Batch
            The ids of all texts in one array, with offsets.
        """
        check_texts(texts)
        threads = check_threads(threads)
        ids, offsets = self._core.encode_batch(texts if isinstance(texts, list) else list(texts), check_special(special, self._core.special_tokens), threads)
        return Batch(as_array(ids, np.uint32), as_array(offsets, np.uint64))

    def encode_file(self, path: str | os.PathLike[str], separator: str | None = None, special: Special = "text", threads: int | None = None) -> Batch:
        """Encode a file: one text, or the texts between separators (which are not encoded).

        Raises
        ------
        OSError
            If the file can't be read.
        """
        check_separator(separator)
        with open(as_path(path), "rb") as file:
            data = file.read()
        return self.encode_batch([data] if separator is None else data.split(separator.encode()), special, threads)

    def encode_with_offsets(self, text: Text, special: Special = "text", unit: str = "char") -> tuple[Ids, Ids]:
        """Encode one text, and say where in the text each id stands.

        Parameters
        ----------
        text, special : see `encode`
        unit : {"char", "byte"}
            What is counted. A token that holds a part of a character gets the whole of it, so neighbouring offsets may then overlap.

        Returns
        -------
        ids : uint32 array, shape (n,)
        offsets : uint32 array, shape (n, 2)
            Half open: the text of id `i` is `text[offsets[i, 0] : offsets[i, 1]]`.

        Examples
        --------
        >>> tok = Tokenizer.from_merges([(b"a", b"b")], pattern="gpt2")
        >>> tok.encode_with_offsets("abé")[1].tolist()
        [[0, 2], [2, 3], [2, 3]]
        """
        check_choice("unit", unit, ("char", "byte"))
        ids, offsets = self._core.encode_with_offsets(text, check_special(special, self._core.special_tokens), unit)
        return as_array(ids, np.uint32), as_array(offsets, np.uint32).reshape(-1, 2)

    def count(self, text: Text, special: Special = "text") -> int:
        """Count the ids of a text, without making them.

        Examples
        --------
        >>> Tokenizer.from_merges([(b"a", b"b")], pattern="gpt2").count("abc")
        2
        """
        return int(self._core.count(text, check_special(special, self._core.special_tokens)))

    def count_batch(self, texts: Iterable[Text], special: Special = "text", threads: int | None = None) -> NDArray[np.int64]:
        """Count the ids of each text: int64 array, shape (number of texts,)."""
        return np.diff(self.encode_batch(texts, special, threads).offsets).astype(np.int64)

    def truncate(self, text: Text, max_tokens: int, keep: str = "head") -> Text:
        """Cut a text, between characters, so that it encodes to at most `max_tokens` ids.

        Parameters
        ----------
        text : str or bytes
        max_tokens : int
        keep : {"head", "tail", "middle"}
            The part that stays.

        Returns
        -------
        str or bytes
            Of the type that came in; the same text where it fits.

        Examples
        --------
        >>> Tokenizer.from_merges([(b"a", b"b")], pattern="gpt2").truncate("abcabc", 3)
        'abcab'
        """
        max_tokens = number("max_tokens", max_tokens, "an integer, at least 0", 0, MAX_TEXT_BYTES, whole=True)
        check_choice("keep", keep, ("head", "tail", "middle"))
        kept = bytes(self._core.truncate(text, max_tokens, keep))
        return kept.decode() if isinstance(text, str) else kept

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
        check_choice("errors", errors, ("replace", "strict"))
        return str(self._core.decode(as_ids(ids), errors))

    def decode_bytes(self, ids: Iterable[int] | ArrayLike) -> bytes:
        """Turn ids into the bytes that they stand for: exactly those that were encoded."""
        return bytes(self._core.decode_bytes(as_ids(ids)))

    def decode_batch(self, batch: Iterable[Iterable[int] | ArrayLike], errors: str = "replace") -> list[str]:
        """Turn each row of ids of a `Batch`, or of any iterable of rows, into text."""
        if not isinstance(batch, Iterable):
            raise WrongTypeError("batch", f"of type {type(batch).__name__}", "a Batch, or rows of ids")
        return [self.decode(ids, errors) for ids in batch]

    def stream(self) -> Stream:
        """Start decoding one id at a time.

        Returns
        -------
        Stream
            `push(id)` gives the text that is certain by then, and holds back an unfinished character; `end()` gives the rest.

        Examples
        --------
        >>> stream = Tokenizer.from_merges([], pattern="gpt2").stream()
        >>> [stream.push(byte) for byte in "é!".encode()], stream.end()
        (['', 'é', '!'], '')
        """
        return Stream(self._core.stream())

    def counter(self) -> Counter:
        """Start counting a text that grows."""
        return Counter(self._core.counter())

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

    def token(self, id: int) -> bytes:
        """Give the bytes of an id; `TokenError` if it doesn't exist."""
        return bytes(self._core.token(as_id(id)))

    def id(self, token: bytes | str) -> int:
        """Give the id of a token, or of a special token; `TokenError` if it doesn't exist."""
        if not isinstance(token, bytes | str):
            raise WrongTypeError("token", f"of type {type(token).__name__}", "bytes or str")
        return int(self._core.id(as_bytes(token, "token")))

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"a Tokenizer is frozen: {name!r} can't be deleted")

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a Tokenizer is frozen: {name!r} can't be set")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tokenizer) and self._core.tables() == other._core.tables()

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
