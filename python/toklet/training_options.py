"""What training is told, checked before a corpus is read for it."""

import os
from collections.abc import Sequence
from typing import Any

from ._core import core
from .checks import as_list, as_path, check_pattern
from .reference.encode import check_threads
from .reference.error import ArgumentError, WrongTypeError
from .reference.train import check
from .tokenizer import Tokenizer


def checked(
    pattern: str,
    vocab_size: int,
    special_tokens: Sequence[str],
    min_frequency: int,
    max_token_length: int | None,
    ties: str,
    extend: Tokenizer | None,
    checkpoint: str | os.PathLike[str] | None,
    threads: int | None,
    superwords: int | None = None,
    words: str | None = None,
) -> dict[str, Any]:
    """Give the options of the core, refusing what can't be trained. `pattern` is that of the counts, `words` what cuts lines before superwords."""
    names = as_list("special_tokens", special_tokens)
    if extend is not None and not isinstance(extend, Tokenizer):
        raise WrongTypeError("extend", repr(extend), "a Tokenizer, or None")
    known, old = (extend.vocab_size, list(extend.special_tokens)) if extend is not None else (0, [])
    vocab_size, min_frequency, max_token_length, superwords = check(vocab_size, names, min_frequency, max_token_length, ties, known, old, superwords)
    cut = regex(pattern)
    if extend is not None and cut != extend.pattern:
        raise ArgumentError("the pattern of the counts", repr(cut), f"that of the tokenizer to extend: {extend.pattern!r}")
    if superwords is None and words is not None and regex(words) != cut:
        raise ArgumentError("pattern", repr(words), f"that of the counts: {cut!r}")
    if superwords is not None:
        regex("o200k" if words is None else words)
    return {
        "vocab_size": vocab_size,
        "special_tokens": names,
        "min_frequency": min_frequency,
        "max_token_length": max_token_length,
        "ties": ties,
        "extend": None if extend is None else extend._core,
        "checkpoint": None if checkpoint is None else as_path(checkpoint),
        "superwords": None if superwords is None else (superwords, "o200k" if words is None else words),
        "threads": check_threads(threads),
    }


def regex(pattern: str) -> str:
    """Give the regular expression of a pattern, refusing what is none."""
    check_pattern(pattern)
    return str(core.WordCounts({}, pattern).pattern)
