"""Text to ids: what a `Tokenizer` does in this direction, and counting and cutting by ids."""

from __future__ import annotations

import os
import secrets
from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from .arrays import as_array
from .batch import Batch
from .checks import as_path
from .counter import Counter
from .later import np
from .progress import Report
from .reading import Source, bounded, parts
from .reference.count import check_texts
from .reference.encode import check_threads
from .reference.error import MAX_TEXT_BYTES, ArgumentError, as_bytes, check_choice, number

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .arrays import Ids

Text = str | bytes
Special = str | Collection[str]


class Encodes:
    """The part of a `Tokenizer` that encodes."""

    __slots__ = ()
    _core: Any

    def encode(self, text: Text, special: Special = "text", *, dropout: float = 0.0, seed: int | None = None) -> Ids:
        """Encode one text.

        Parameters
        ----------
        text : str or bytes
            Bytes are taken as UTF-8 that may be broken: every byte comes back when decoded.
        special : {"text", "allow", "error"} or a set of names
            What a special token that the text spells becomes: ordinary text (the default); the special token; an error; or the special token if it is
            in the set.
        dropout : float, from 0 to 1
            BPE-dropout, for training: the probability with which each merge is left out (see `toklet.reference.dropout`), so that the same text is spelt in
            many ways. No pretoken is then looked up as a whole.
        seed : int, from 0 to 2**64 - 1, optional
            Which way: the same text, dropout and seed give the same ids, on every machine. Default: another one each time.

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
        >>> import toklet
        >>> tok = toklet.Tokenizer.from_merges([(b"a", b"b"), (b"ab", b"c")], pattern="gpt2")
        >>> tok.encode("abc")
        array([257], dtype=uint32)
        >>> [tok.encode("abc", dropout=0.5, seed=seed).tolist() for seed in (0, 3, 11)]
        [[257], [97, 98, 99], [256, 99]]
        """
        special = self._special(special)
        if dropout.__class__ is float and dropout == 0:  # first of all, for checking takes as long as encoding a few words
            return as_array(self._core.encode(text, special), np.uint32)
        dropout = number("dropout", dropout, "from 0 to 1", 0, 1)
        if seed is None:
            seed = secrets.randbits(64)
        seed = number("seed", seed, "an integer from 0 to 2**64 - 1, or None", 0, 2**64 - 1, whole=True)
        return as_array(self._core.encode_with_dropout(text, special, dropout, seed), np.uint32)

    def encode_batch(self, texts: Iterable[Text], special: Special = "text", threads: int | None = None) -> Batch:
        """Encode many texts, on several threads.

        Parameters
        ----------
        texts : iterable of str or bytes
            A list is encoded as a whole; anything else is taken in runs of a few megabytes, so that it is never held whole.
        special : see `encode`
        threads : int, optional
            How many threads work; default: one a core. The result doesn't depend on it.

        Returns
        -------
        Batch
            The ids of all texts in one array, with offsets.
        """
        check_texts(texts)
        special, threads = self._special(special), check_threads(threads)
        return self._joined([texts] if isinstance(texts, list) else bounded(texts), special, threads)

    def encode_file(
        self,
        path: str | os.PathLike[str],
        separator: str | None = None,
        special: Special = "text",
        threads: int | None = None,
        *,
        field: str | None = None,
        column: str | None = None,
        progress: bool | Report | None = None,
    ) -> Batch:
        """Encode a file, on several threads, reading a few megabytes at a time.

        Parameters
        ----------
        path : str or PathLike
        separator : str, optional
            What stands between the texts of a text file; it isn't encoded. Default: the file is one text.
        special, threads : see `encode_batch`
        field : str, optional
            The file is JSON Lines: the texts are this field of the objects, one a line.
        column : str, optional
            The file is Parquet: the texts are this column. Needs pyarrow (`pip install 'toklet[parquet]'`).
        progress : None, True or callable
            True shows a bar; a callable is told how many bytes of the file are done, and of how many.

        Raises
        ------
        FormatError
            If a line or a row has no such text; the message names it.
        OSError
            If the file can't be read.
        """
        special, threads = self._special(special), check_threads(threads)
        source = Source(as_path(path), separator, field, column).check()
        if separator is field is column is None and special != "error" and not any("\n" in name for name in self._core.special_tokens()):
            ids = self._joined(parts(source.path, self._core.safe_cut, progress), special, threads).ids
            return Batch(ids, np.array([0, len(ids)], np.uint64))
        return self._joined(source.runs(progress), special, threads)

    def _joined(self, runs: Iterable[list[Any]], special: Special, threads: int | None) -> Batch:
        """Encode runs of texts, one after the other."""
        offsets, ids, texts, total = [np.zeros(1, np.uint64)], [np.empty(0, np.uint32)], 0, 0
        for run in runs:
            found, ends = self._core.encode_batch(run, special, threads, texts)
            ids.append(as_array(found, np.uint32))
            offsets.append(as_array(ends, np.uint64)[1:] + np.uint64(total))
            texts, total = texts + len(run), total + len(ids[-1])
        return Batch(np.concatenate(ids) if len(ids) > 2 else ids[-1], np.concatenate(offsets))

    def encode_with_offsets(self, text: Text, special: Special = "text", unit: str = "characters") -> tuple[Ids, Ids]:
        """Encode one text, and say where in the text each id stands.

        Parameters
        ----------
        text, special : see `encode`
        unit : {"characters", "bytes"}
            What is counted. A token that holds a part of a character gets the whole of it, so neighbouring offsets may then overlap.

        Returns
        -------
        ids : uint32 array, shape (n,)
        offsets : uint32 array, shape (n, 2)
            Half open: the text of id `i` is `text[offsets[i, 0] : offsets[i, 1]]`.

        Examples
        --------
        >>> import toklet
        >>> tok = toklet.Tokenizer.from_merges([(b"a", b"b")], pattern="gpt2")
        >>> tok.encode_with_offsets("abé")[1].tolist()
        [[0, 2], [2, 3], [2, 3]]
        """
        check_choice("unit", unit, ("characters", "bytes"))
        ids, offsets = self._core.encode_with_offsets(text, self._special(special), unit)
        return as_array(ids, np.uint32), as_array(offsets, np.uint32).reshape(-1, 2)

    def count(self, text: Text, special: Special = "text", *, limit: int | None = None) -> int:
        """Count the ids of a text, without making them.

        Parameters
        ----------
        text, special : see `encode`
        limit : int, optional
            Stop above it: the count is exact up to `limit`, and `limit + 1` says that there are more. So `tok.count(text, limit=n) <= n` asks whether a text
            fits, and takes no longer for a text that is far too long.

        Examples
        --------
        >>> import toklet
        >>> tok = toklet.Tokenizer.from_merges([(b"a", b"b")], pattern="gpt2")
        >>> tok.count("abc"), tok.count("abc" * 1000, limit=5)
        (2, 6)
        """
        special = self._special(special)
        if limit is None:
            return self._core.count(text, special)  # type: ignore[no-any-return]
        limit = number("limit", limit, "an integer, at least 0, or None", 0, MAX_TEXT_BYTES, whole=True)
        return int(self._core.count_up_to(text, special, limit))

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
        >>> import toklet
        >>> toklet.Tokenizer.from_merges([(b"a", b"b")], pattern="gpt2").truncate("abcabc", 3)
        'abcab'
        """
        max_tokens = number("max_tokens", max_tokens, "an integer, at least 0", 0, MAX_TEXT_BYTES, whole=True)
        check_choice("keep", keep, ("head", "tail", "middle"))
        kept = bytes(self._core.truncate(text, max_tokens, keep))
        return kept.decode() if isinstance(text, str) else kept

    def chunks(self, text: Text, max_tokens: int, overlap: int = 0) -> Iterator[Text]:
        """Cut a text into pieces that each encode to at most `max_tokens` ids, one after the other.

        Parameters
        ----------
        text : str or bytes
        max_tokens : int
        overlap : int, under max_tokens
            How much of the end of a piece the next one begins with: as many whole pretokens as have at most so many ids. Without overlap the pieces
            together are the text.

        Returns
        -------
        iterator of str or bytes
            Of the type that came in. Each piece has as many pretokens as fit; if one in its second half ends in a line break, it ends behind the last such.
            Only a pretoken that doesn't fit into a piece alone is cut, between characters.

        Raises
        ------
        ArgumentError
            If a single character has more than `max_tokens` ids.

        Notes
        -----
        Time and memory are linear in the text; the first pieces come at once.

        Examples
        --------
        >>> import toklet
        >>> tok = toklet.Tokenizer.from_merges([], pattern="gpt2")
        >>> list(tok.chunks("one two three", max_tokens=9)), list(tok.chunks("one two three", max_tokens=10, overlap=4))
        (['one two', ' three'], ['one two', ' two three'])
        """
        max_tokens = number("max_tokens", max_tokens, "an integer, at least 1", 1, MAX_TEXT_BYTES, whole=True)
        overlap = number("overlap", overlap, f"an integer from 0 to {max_tokens - 1}, under max_tokens", 0, max_tokens - 1, whole=True)
        data = as_bytes(text)
        pieces = (data[start:end] for start, end in self._core.chunks(data, max_tokens, overlap))
        return (piece.decode() for piece in pieces) if isinstance(text, str) else pieces

    def counter(self) -> Counter:
        """Start counting a text that grows."""
        return Counter(self._core.counter())

    def _special(self, special: Special) -> Special:
        """Refuse a set with a name in it that no special token has."""
        if special.__class__ is str:
            return special
        if isinstance(special, set | frozenset | list | tuple):
            known = self._core.special_tokens()
            for name in special:
                if not isinstance(name, str) or name not in known:
                    raise ArgumentError("special", repr(name), f"among the special tokens, which are {list(known)}")
        return special
