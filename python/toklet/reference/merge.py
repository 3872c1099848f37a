"""The bytes of one pretoken -> its ids: join the neighbouring pair of lowest rank, the leftmost one, until no pair can be joined.

This is all of BPE's encoding. The order matters: the merges are tried as they were learnt, never the longest first. The core does the same with a heap, in
n log n; here each step looks at every pair.
"""

from itertools import accumulate, pairwise

from .vocab import Vocabulary


def merge(vocabulary: Vocabulary, pretoken: bytes) -> list[int]:
    """Encode one pretoken.

    >>> merge(Vocabulary.from_merges([(b"b", b"c"), (b"a", b"b")], []), b"abcab")
    [97, 256, 257]
    """
    if vocabulary.whole and pretoken in vocabulary.tokens:
        return [vocabulary.tokens[pretoken]]
    ids = vocabulary.symbols(pretoken)
    while True:
        ranked = [(vocabulary.pairs[pair][0], i) for i, pair in enumerate(pairwise(ids)) if pair in vocabulary.pairs]
        if not ranked:
            return ids
        _, i = min(ranked)
        ids[i : i + 2] = [vocabulary.pairs[ids[i], ids[i + 1]][1]]


def sized(vocabulary: Vocabulary, pretoken: bytes) -> list[tuple[int, int]]:
    """Encode one pretoken: each id, and how many of its bytes the id stands for. Only symbols may have other lengths than their ids: unknown characters."""
    placed = vocabulary.sized_symbols(pretoken)
    symbols = dict(zip(accumulate((size for _, size in placed), initial=0), placed, strict=False))
    found, at = [], 0
    for id in merge(vocabulary, pretoken):
        size = symbols[at][1] if symbols[at][0] == id else len(vocabulary.by_id[id])
        found.append((id, size))
        at += size
    return found


def two_parts(vocabulary: Vocabulary, token: bytes) -> tuple[bytes, bytes] | None:
    """Find the merge that makes a token of a ranked vocabulary: what is left of it when only lower ranks are joined, if that is two parts."""
    rank = vocabulary.rank(token)
    ids = vocabulary.symbols(token)
    while len(ids) > 2:
        ranked = [(vocabulary.pairs[pair][0], i) for i, pair in enumerate(pairwise(ids)) if pair in vocabulary.pairs]
        low = min(ranked, default=(rank, 0))
        if low[0] >= rank:
            return None
        i = low[1]
        ids[i : i + 2] = [vocabulary.pairs[ids[i], ids[i + 1]][1]]
    return (vocabulary.by_id[ids[0]], vocabulary.by_id[ids[1]]) if len(ids) == 2 else None
