"""Training as Python sees it: texts or files -> word counts -> tokenizer."""

import os
from collections.abc import Iterable, Sequence

from .counting import Paths, count, count_files
from .encoding import Text
from .progress import Report
from .tokenizer import Tokenizer
from .training_options import checked


def train(
    texts: Iterable[Text],
    vocab_size: int,
    *,
    pattern: str | None = None,
    special_tokens: Sequence[str] = (),
    min_frequency: int = 1,
    max_token_length: int | None = None,
    ties: str = "ids",
    extend: Tokenizer | None = None,
    superwords: int | None = None,
    max_words: int | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    threads: int | None = None,
    progress: bool | Report | None = None,
) -> Tokenizer:
    """Train a tokenizer: byte-level BPE, exact and deterministic.

    Parameters
    ----------
    texts : iterable of str or bytes
        The corpus, read once.
    vocab_size : int
        How many ids: the 256 bytes, the merges, the special tokens. It is less if the corpus has no more pairs to merge.
    pattern : str
        What cuts text into pretokens, which no merge crosses: a name from `toklet.patterns`, or a regular expression; "" cuts nothing, as for DNA. Default:
        that of `extend`, or "o200k".
    special_tokens : sequence of str
        Their ids come last. The corpus is text: what it spells is never taken as one.
    min_frequency : int
        A pair that occurs less often isn't merged.
    max_token_length : int, optional
        In bytes; a merge that would make a longer token isn't done.
    ties : {"ids", "huggingface", "bytes"}
        Which of two pairs of equal count is merged first. "ids": the one with the smaller left id, then the smaller right id, as in rustbpe. "huggingface":
        the same, with the bytes in the order of Hugging Face's alphabet. "bytes": the one with the greater left token, then the greater right token, compared
        as bytes.
    extend : Tokenizer, optional
        Its ids, merges and special tokens stay; the corpus is encoded by it, and new merges are learnt on top. `vocab_size` counts the ids of both.
    superwords : int, optional
        From this size of the vocabulary on merges may join words, inside a line (SuperBPE): "by the way" may become one token. The tokenizer's pattern is
        then "lines", and it encodes each line by the ranks of its merges, as any library does that reads its file. Counting remembers distinct lines,
        not words: expect memory of several times the text.
    max_words : int, optional
        See `count`: memory is bounded, and the vocabulary is no longer exact.
    checkpoint : path, optional
        Keep the merges learnt so far in this file, every ten seconds and when the training is interrupted. Training on the same counts with the same options,
        but for `vocab_size` and `special_tokens`, goes on from it, to the same result. The counting isn't kept: where that takes long, `count` and save the
        counts.
    threads : int, optional
        How many threads work; default: one a core. The result doesn't depend on it.
    progress : True or callable, optional
        Bars on standard error, or a function of (done, total), called for the counting (in bytes) and then for the merging.

    Raises
    ------
    ArgumentError
        If a parameter is out of range.
    CorpusError
        If the corpus holds no pretoken.
    FormatError
        If the checkpoint is of another training.

    Examples
    --------
    >>> tok = train(["low lower lowest"], vocab_size=260, pattern="gpt2")
    >>> tok.merges
    [(b'l', b'o'), (b'lo', b'w'), (b' ', b'low'), (b' low', b'e')]
    >>> train(["slow slower"], vocab_size=262, extend=tok).merges[4:]
    [(b's', b'low'), (b' ', b'slow')]
    """
    cut, pattern = of_pattern(pattern, extend, superwords)
    options = checked(cut, vocab_size, special_tokens, min_frequency, max_token_length, ties, extend, checkpoint, threads, superwords, pattern)
    return count(texts, cut, max_words=max_words, threads=threads, progress=progress)._train(options, progress, spend=True)


def train_files(
    paths: Paths,
    vocab_size: int,
    *,
    pattern: str | None = None,
    separator: str | None = None,
    field: str | None = None,
    column: str | None = None,
    special_tokens: Sequence[str] = (),
    min_frequency: int = 1,
    max_token_length: int | None = None,
    ties: str = "ids",
    extend: Tokenizer | None = None,
    superwords: int | None = None,
    max_words: int | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    threads: int | None = None,
    progress: bool | Report | None = None,
) -> Tokenizer:
    """Train a tokenizer on files: `count_files`, then `WordCounts.train`; see `train` for the parameters."""
    cut, pattern = of_pattern(pattern, extend, superwords)
    options = checked(cut, vocab_size, special_tokens, min_frequency, max_token_length, ties, extend, checkpoint, threads, superwords, pattern)
    counts = count_files(paths, cut, separator=separator, field=field, column=column, max_words=max_words, threads=threads, progress=progress)
    return counts._train(options, progress, spend=True)


def of_pattern(pattern: str | None, extend: Tokenizer | None, superwords: int | None) -> tuple[str, str]:
    """Give what cuts the corpus, and what cuts it into words: what was asked for, or the pattern of the tokenizer that is extended, or the default."""
    if superwords is not None:
        return "lines", "o200k" if pattern is None else pattern
    if pattern is None:
        pattern = extend.pattern if isinstance(extend, Tokenizer) else "o200k"
    return pattern, pattern
