"""BPE-dropout: merging that now and then leaves a merge out, so that a model sees more than one way to spell a word (Provilkov, Emelianenko and Voita, 2020).

At each step each pair that could be merged is dropped with probability p, and of those left the one of lowest rank is merged, the leftmost; if none is left,
the pretoken is done. Tossing for the pairs in the order in which they would be merged, until one isn't dropped, is the same with fewer tosses. Toss n of the
pretoken that begins at byte b of the text is the number of (seed, b, DROPOUT, n): see `philox`.
"""

from itertools import count, pairwise

from .philox import DROPOUT, odd_bits
from .vocab import Vocabulary


def merge_with_dropout(vocabulary: Vocabulary, pretoken: bytes, position: int, dropout: float, seed: int) -> list[int]:
    """Encode one pretoken.

    >>> v = Vocabulary.from_merges([(b"b", b"c"), (b"a", b"b")], [])
    >>> merge_with_dropout(v, b"abcab", 0, 0.0, 6), merge_with_dropout(v, b"abcab", 0, 0.5, 6), merge_with_dropout(v, b"abcab", 0, 1.0, 6)
    ([97, 256, 257], [257, 99, 97, 98], [97, 98, 99, 97, 98])
    """
    ids = [vocabulary.tokens[pretoken[i : i + 1]] for i in range(len(pretoken))]
    toss = count()
    while True:
        pairs = sorted((vocabulary.pairs[pair][0], at) for at, pair in enumerate(pairwise(ids)) if pair in vocabulary.pairs)
        kept = (at for _, at in pairs if odd_bits(seed, position, DROPOUT, next(toss)) >= dropout * 2.0**53)
        at = next(kept, None)
        if at is None:
            return ids
        ids[at : at + 2] = [vocabulary.pairs[ids[at], ids[at + 1]][1]]
