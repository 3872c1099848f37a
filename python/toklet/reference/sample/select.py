"""Steps that choose which ids stay.

Each sees the ids that the ones before left, largest logit first and the lower id first among equals, and leaves some of them: the first ones, but for XTC
and typical sampling. At least one always stays.

`scale` is the temperature in force: 1 before the temperature's own step.
"""

from collections.abc import Sequence

from .weight import LN2, UNIT, Scale, add, exp, fraction, ln

Kept = Sequence[tuple[float, int]]  # (logit, id), in falling order


def top_k(logits: Sequence[float], k: int) -> list[int]:
    """Give the ids of the k largest, largest first, the lower id first among equals."""
    return sorted(range(len(logits)), key=lambda id: (-logits[id], id))[:k]


def masses(kept: Kept, scale: float) -> list[int]:
    """Give the weights of the kept, as whole numbers."""
    weights, best = Scale(scale), kept[0][0]
    return [weights.mass(x, best) for x, _ in kept]


def reach(mass: Sequence[int], p: float) -> int:
    """Say how many of the first reach the part p of all; the one that reaches it counts."""
    needed, reached, n = fraction(p) * sum(mass), 0, 0
    while n == 0 or reached << 53 < needed:
        reached += mass[n]
        n += 1
    return n


def top_p(kept: Kept, scale: float, p: float) -> Kept:
    """Nucleus (Holtzman et al., 2019): the first ids whose probability reaches p."""
    return kept[: reach(masses(kept, scale), p)]


def above(kept: Kept, floor: float) -> Kept:
    """What isn't under a floor; at least one."""
    return [item for item in kept if item[0] >= floor] or kept[:1]


def min_p(kept: Kept, scale: float, p: float) -> Kept:
    """What is at least p times as probable as the best: no sum over the row is needed."""
    return above(kept, kept[0][0] + scale * ln(p))


def top_n_sigma(kept: Kept, n: float) -> Kept:
    """What is at most n standard deviations under the best (Tang et al., 2024)."""
    best = kept[0][0]
    differences = sorted((id, max(x - best, -1e100)) for x, id in kept)
    mean = add(differences) / len(kept)
    variance = add((id, (d - mean) * (d - mean)) for id, d in differences) / len(kept)
    return above(kept, best - n * variance**0.5)


def typical_p(kept: Kept, scale: float, p: float) -> Kept:
    """Locally typical (Meister et al., 2022): of the ids whose surprise is nearest to the mean surprise, the first whose probability reaches p."""
    best, mass = kept[0][0], masses(kept, scale)
    surprises = [(best - x) / scale for x, _ in kept]  # less the best one's
    mean = add(sorted((id, m / UNIT * surprise) for (_, id), m, surprise in zip(kept, mass, surprises, strict=True) if m)) / (sum(mass) / UNIT)
    nearest = sorted((abs(surprise - mean), item[1], m, item) for item, m, surprise in zip(kept, mass, surprises, strict=True))
    chosen = nearest[: reach([m for _, _, m, _ in nearest], p)]
    return sorted((item for *_, item in chosen), key=lambda item: (-item[0], item[1]))


def xtc(kept: Kept, scale: float, threshold: float) -> Kept:
    """Exclude top choices: leave out those that are at least as probable as the threshold, but for the last of them."""
    mass = masses(kept, scale)
    needed, n = fraction(threshold) * sum(mass), 0
    while n < len(mass) and mass[n] << 53 >= needed:
        n += 1
    return kept[max(0, n - 1) :]


def mirostat_1(kept: Kept, scale: float, mu: float) -> Kept:
    """Mirostat (Basu et al., 2020): keep as many as have, after Zipf's law, a mean surprise of mu bits.

    The law's exponent is estimated from the best hundred.
    """
    above = below = 0.0
    for i in range(min(100, len(kept)) - 1):
        t, b = ln((i + 2) / (i + 1)), min((kept[i][0] - kept[i + 1][0]) / scale, 1000.0)
        above, below = above + t * b, below + t * t
    if above == 0:
        return kept  # all alike, or only one
    s, log_size = above / below, ln(len(kept))
    epsilon = abs(s - 1)
    if epsilon < 1e-9:
        log_k = (mu * LN2 - ln(log_size)) / s
    else:  # k = (epsilon 2**mu / (1 - size**-epsilon)) ** (1 / s), and its mirror image where s < 1
        log_k = (ln(epsilon) + mu * LN2 - ln(1 - exp(-epsilon * log_size)) - (epsilon * log_size if s < 1 else 0.0)) / s
    if log_k >= log_size:
        return kept
    return kept[: 1 if log_k <= 0 else max(1, int(1 / exp(-log_k)))]


def mirostat_2(kept: Kept, scale: float, mu: float) -> Kept:
    """Mirostat, second version: what has at most mu bits of surprise."""
    return above(kept, kept[0][0] + scale * (ln(sum(masses(kept, scale)) / UNIT) - mu * LN2))
