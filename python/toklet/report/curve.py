"""Bytes a token against the size of the vocabulary: what a smaller part of it would do.

A vocabulary that was trained by merging contains all smaller ones: its first merges (or its lowest ranks) are what a shorter training would have found. So one
tokenizer gives the whole curve, by being cut off at several sizes.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..tokenizer import Tokenizer

Curve = list[tuple[int, float]]


def curve(tok: "Tokenizer", texts: list[bytes]) -> Curve:
    """Give (number of ordinary tokens, bytes a token) for what no merge makes, at each further power of two, and for the whole vocabulary.

    Examples
    --------
    >>> import toklet
    >>> curve(toklet.train(["low lower lowest"], vocab_size=260, pattern="gpt2"), [b"lower, low"])
    [(256, 1.0), (260, 2.0)]
    """
    size, whole = sum(map(len, texts)), len(tok.tokens)
    if not size:
        return []
    smallest = cut_off(tok, 0)
    sizes = [2**n for n in range(8, 21) if len(smallest.tokens) < 2**n < whole]
    parts = [(len(part.tokens), part) for part in (smallest, *(cut_off(tok, n) for n in sizes), tok)]
    return [(n, size / int(part.count_batch(texts).sum())) for n, part in dict(parts).items()]


def cut_off(tok: "Tokenizer", size: int) -> "Tokenizer":
    """Give the tokenizer of the first `size` tokens: those that no merge makes, and what the first merges or the lowest ranks make."""
    tokens, merges, *rest = tok._core.tables()
    if merges is None:
        kept = {token for token in tokens if len(token) == 1}
        longer = sorted(tokens.keys() - kept, key=tokens.__getitem__)
        kept.update(longer[: max(0, size - len(kept))])
        return type(tok)._from_tables({token: tokens[token] for token in kept}, None, *rest)
    kept, first = tokens.keys() - {left + right for left, right in merges}, []
    for left, right in merges:
        new = {left, right, left + right} - kept
        if len(kept) + len(new) > size:
            break
        kept |= new
        first.append((left, right))
    return type(tok)._from_tables({token: tokens[token] for token in kept}, first, *rest)
