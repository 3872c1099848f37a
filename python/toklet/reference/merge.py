"""The bytes of one pretoken -> its ids: join the neighbouring pair of lowest rank, the leftmost one, until no pair can be joined.

This is all of BPE's encoding. The order matters: the merges are tried as they were learnt, never the longest first. The core does the same with a heap, in
n log n; here each step looks at every pair.
"""

from itertools import pairwise

from .vocab import Vocabulary


def merge(vocabulary: Vocabulary, pretoken: bytes) -> list[int]:
    """Encode one pretoken.

    >>> merge(Vocabulary.from_merges([(b"b", b"c"), (b"a", b"b")], []), b"abcab")
    [97, 256, 257]
    """
    if vocabulary.whole and pretoken in vocabulary.tokens:
        return [vocabulary.tokens[pretoken]]
    ids = [vocabulary.tokens[pretoken[i : i + 1]] for i in range(len(pretoken))]
    while True:
        ranked = [(vocabulary.pairs[pair][0], i) for i, pair in enumerate(pairwise(ids)) if pair in vocabulary.pairs]
        if not ranked:
            return ids
        _, i = min(ranked)
        ids[i : i + 2] = [vocabulary.pairs[ids[i], ids[i + 1]][1]]


def two_parts(vocabulary: Vocabulary, token: bytes) -> tuple[bytes, bytes] | None:
    """Find the merge that makes a token of a ranked vocabulary: what is left of it when only lower ranks are joined, if that is two parts."""
    rank = vocabulary.tokens[token]
    ids = [vocabulary.tokens[token[i : i + 1]] for i in range(len(token))]
    while len(ids) > 2:
        ranked = [(vocabulary.pairs[pair][0], i) for i, pair in enumerate(pairwise(ids)) if pair in vocabulary.pairs]
        low = min(ranked, default=(rank, 0))
        if low[0] >= rank:
            return None
        i = low[1]
        ids[i : i + 2] = [vocabulary.pairs[ids[i], ids[i + 1]][1]]
    return (vocabulary.by_id[ids[0]], vocabulary.by_id[ids[1]]) if len(ids) == 2 else None
