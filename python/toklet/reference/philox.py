"""The random bit stream: Philox4x32-10, a function from (seed, position, purpose) to 128 bits, with no state at all.

A counter-based generator: ten rounds mix the counter under the key, and nothing is remembered, so that the numbers of a row don't depend on what else is
sampled, in which order or on how many threads. The key is the seed, the counter the position and the purpose. Definition and known answers: Salmon, Moraes,
Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3" (2011).
"""

WORD = 0xFFFFFFFF
MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
WEYL = (0x9E3779B9, 0xBB67AE85)
DRAW, XTC, ACCEPT, RESIDUAL, DROPOUT = range(5)  # the purposes: which decision at a position the bits are for


def philox(counter: tuple[int, int, int, int], key: tuple[int, int]) -> tuple[int, int, int, int]:
    """Mix four 32-bit words under two.

    >>> [f"{word:08x}" for word in philox((0, 0, 0, 0), (0, 0))]
    ['6627e8d5', 'e169c58d', 'bc57ac4c', '9b00dbd8']
    """
    (a, b, c, d), (left, right) = counter, key
    for _ in range(10):
        first, second = MULTIPLIERS[0] * a, MULTIPLIERS[1] * c
        a, b, c, d = (second >> 32) ^ b ^ left, second & WORD, (first >> 32) ^ d ^ right, first & WORD
        left, right = (left + WEYL[0]) & WORD, (right + WEYL[1]) & WORD
    return a, b, c, d


def odd_bits(seed: int, position: int, purpose: int, turn: int = 0) -> int:
    """Give an odd number of 53 bits; `turn` counts the numbers that one decision takes."""
    high, low, _, _ = philox((position & WORD, position >> 32, purpose, turn), (seed & WORD, seed >> 32))
    return ((high << 32 | low) >> 11) | 1


def uniform(seed: int, position: int, purpose: int) -> float:
    """Give a number strictly between 0 and 1: an odd multiple of 2**-53."""
    return odd_bits(seed, position, purpose) * 2.0**-53
