"""Steps that change logits: bias and penalties.

Each touches only the ids that it names, of those that may be drawn; every result is rounded to the precision of the row.
A logit of -inf stays -inf, whatever is done to it: an id that a mask forbids can't come back. A result beyond the row's range is the largest in it, so that
a penalty never forbids; only a bias of -inf does.
"""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from .weight import LARGEST, single

Changes = Iterator[tuple[int, float]]
LARGEST_DOUBLE = 1.7976931348623157e308


def settled(old: float, new: float, is_single: bool) -> float:
    """Give a changed logit as the row holds it: an infinite one stays as it is, a finite one stays finite, unless a bias of -inf forbids it."""
    if new == -math.inf or math.isinf(old):
        return min(old, new) if new == -math.inf else old
    return single(max(-LARGEST, min(LARGEST, new))) if is_single else new


def finite(x: float) -> float:
    """Give the largest double for what is beyond it."""
    return max(-LARGEST_DOUBLE, min(LARGEST_DOUBLE, x))


def bias(x: Mapping[int, float], table: Mapping[int, float]) -> Changes:
    """Add to the logits of some ids."""
    for id, amount in table.items():
        if id in x:
            yield id, -math.inf if amount == -math.inf else finite(x[id] + amount)


def penalties(x: Mapping[int, float], history: Sequence[int], repetition: float, presence: float, frequency: float) -> Changes:
    """Make what came before less likely.

    Divide positive logits by `repetition` and multiply negative ones (Keskar et al., 2019); then subtract `frequency` for each time that the id came, and
    `presence` once (OpenAI's definition).
    """
    for id, times in Counter(id for id in history if id in x).items():
        value = x[id] / repetition if x[id] > 0 else x[id] * repetition
        yield id, finite(value - times * frequency - presence)


def power(base: float, exponent: int) -> float:
    """Give base ** exponent by squaring: +, -, * only, and inf when it overflows."""
    result = 1.0
    while exponent:
        if exponent & 1:
            result *= base
        base, exponent = base * base, exponent >> 1
    return result


def repeats(history: Sequence[int], breakers: Sequence[int]) -> dict[int, int]:
    """Say of each id that once came after what the history ends with, how long that repeated end is (the longest, if it came several times).

    Linear time: `length[i]` is how much of the reversed history repeats from `i` on (the Z function), so `i - 1` is an id that would continue a repetition.

    >>> repeats([1, 2, 3, 9, 1, 2], [])
    {3: 2}
    """
    back = list(reversed(history))
    until = next((i for i, id in enumerate(back) if id in breakers), len(back))  # no repetition reaches beyond the last breaker
    length, found = [0] * len(back), dict[int, int]()
    left = right = 0
    for i in range(1, len(back)):
        if i < right:
            length[i] = min(right - i, length[i - left])
        while i + length[i] < len(back) and back[i + length[i]] == back[length[i]]:
            length[i] += 1
        if i + length[i] > right:
            left, right = i, i + length[i]
        if min(length[i], until) > 0:
            found[back[i - 1]] = max(found.get(back[i - 1], 0), min(length[i], until))
    return found


def dry(x: Mapping[int, float], history: Sequence[int], multiplier: float, base: float, allowed_length: int, breakers: Sequence[int]) -> Changes:
    """Don't repeat yourself: an id that would continue a repetition of n >= allowed_length ids loses multiplier * base ** (n - allowed_length)."""
    for id, n in repeats(history, breakers).items():
        if n >= allowed_length and id in x:
            yield id, finite(x[id] - multiplier * power(base, n - allowed_length))
