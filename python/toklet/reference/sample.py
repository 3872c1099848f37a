"""Logits -> id: softmax, temperature, top-k, top-p, min-p, and the draw.

A logit is an unnormalised log-probability. In this order (the one of Hugging Face): the logits are divided by the temperature; top-k keeps the k largest;
top-p keeps the smallest set of the largest whose probability reaches p; min-p keeps what is at least min_p times as probable as the best; the rest is drawn
from. Every step works on (x - max) / T, so nothing overflows, and orders by value, then by the lower id. Temperature 0 takes the largest. All
arithmetic is double precision with an exponential of our own, in a fixed order, so that both backends give the same bits.
"""

import math
from collections.abc import Iterable, Sequence

from .error import MAX_LOGITS, LogitsError, number
from .philox import DRAW, uniform

INVERSE_LN2, LN2_HIGH, LN2_LOW = 1.4426950408889634, 0.6931471803691238, 1.9082149292705877e-10
TEMPERATURE = "a finite number, at least 0"
TERMS = [1.0 / math.factorial(n) for n in range(13, -1, -1)]  # highest power first


def exp(x: float) -> float:
    """Give e**x for x <= 0, within one unit in the last place or two; 0 under -708.

    x = k ln 2 + r with |r| <= ln 2 / 2: e**x is 2**k times the Taylor sum at r. Only +, -, * and floor: the same bits everywhere.
    """
    if x < -708.0:
        return 0.0
    k = math.floor(x * INVERSE_LN2 + 0.5)
    r = (x - k * LN2_HIGH) - k * LN2_LOW
    total = 0.0
    for term in TERMS:
        total = total * r + term
    return math.ldexp(total, k)


def checked(row: Iterable[float], index: int) -> list[float]:
    """Give a row of logits as floats; a NaN, or a row that allows nothing, is refused."""
    logits = [float(x) for x in row]
    if not 0 < len(logits) <= MAX_LOGITS:
        raise LogitsError(f"the length of row {index}", str(len(logits)), f"from 1 to {MAX_LOGITS} logits")
    for id, x in enumerate(logits):
        if x != x:
            raise LogitsError(f"logit {id} of row {index}", "NaN", "a number")
    if max(logits) == -math.inf:
        raise LogitsError(f"row {index}", "-inf at every id", "above -inf at one id at least, or nothing can be sampled")
    return logits


def scaled(logits: list[float], temperature: float) -> list[float]:
    """Give (x - max) / T. Temperature 0, or an infinite maximum, leaves only the first largest."""
    best = max(logits)
    if temperature == 0 or best == math.inf:
        first = logits.index(best)
        return [0.0 if id == first else -math.inf for id in range(len(logits))]
    return [(x - best) / temperature for x in logits]


def top_k(logits: Sequence[float], k: int) -> list[int]:
    """Give the ids of the k largest, largest first, the lower id first among equals."""
    return sorted(range(len(logits)), key=lambda id: (-logits[id], id))[:k]


def softmax(row: Iterable[float], temperature: float = 1.0, index: int = 0) -> list[float]:
    """Give the probabilities of a row.

    >>> [round(p, 3) for p in softmax([2.0, 1.0, 0.0])]
    [0.665, 0.245, 0.09]
    """
    temperature = number("temperature", temperature, TEMPERATURE, 0, 1e300)
    weights = [exp(x) for x in scaled(checked(row, index), temperature)]
    total = add(weights)
    return [weight / total for weight in weights]


def add(values: Iterable[float]) -> float:
    """Add from the left (`sum` itself rounds otherwise from Python 3.12 on)."""
    total = 0.0
    for value in values:
        total += value
    return total


def log_softmax(row: Iterable[float], index: int = 0) -> list[float]:
    """Give the log-probabilities of a row, in nats."""
    x = scaled(checked(row, index), 1.0)
    log_total = math.log(add(exp(value) for value in x))
    return [value - log_total for value in x]


Settings = tuple[float, int | None, float | None, float | None, int]


def check(temperature: float, top_k: int | None, top_p: float | None, min_p: float | None, seed: int) -> Settings:
    """Give the settings as plain numbers; refuse what is out of range."""
    return (
        number("temperature", temperature, TEMPERATURE, 0, 1e300),
        None if top_k is None else number("top_k", top_k, "an integer, at least 1, or None for all", 1, 2**63 - 1, whole=True),
        None if top_p is None else number("top_p", top_p, "above 0 and at most 1, or None for all", 5e-324, 1),
        None if min_p is None else number("min_p", min_p, "from 0 to 1, or None for all", 0, 1),
        number("seed", seed, "an integer from 0 to 2**64 - 1", 0, 2**64 - 1, whole=True),
    )


class Sampler:
    """The steps from logits to an id, with their settings."""

    def __init__(self, temperature: float, top_k: int | None, top_p: float | None, min_p: float | None, seed: int) -> None:
        self.temperature, self.top_k, self.top_p, self.min_p, self.seed = check(temperature, top_k, top_p, min_p, seed)

    def keep(self, x: list[float]) -> list[int]:
        """Give the ids that may be drawn, in the order of the ids; `x` is a scaled row."""
        ids = [id for id in top_k(x, len(x)) if x[id] > -math.inf]
        if self.top_k is not None:
            ids = ids[: self.top_k]
        if self.top_p is not None and self.top_p < 1:
            needed, mass, kept = self.top_p * add(exp(x[id]) for id in ids), 0.0, 0
            while kept < len(ids) and mass < needed:
                mass += exp(x[ids[kept]])
                kept += 1
            ids = ids[:kept]
        if self.min_p is not None and self.min_p > 0:
            floor = math.log(self.min_p)
            ids = [id for id in ids if x[id] >= floor]
        return sorted(ids)

    def distribution(self, row: Iterable[float], index: int = 0) -> list[float]:
        """Give the probabilities that `sample` draws from."""
        x = scaled(checked(row, index), self.temperature)
        ids = self.keep(x)
        total = add(exp(x[id]) for id in ids)
        probabilities = [0.0] * len(x)
        for id in ids:
            probabilities[id] = exp(x[id]) / total
        return probabilities

    def sample(self, row: Iterable[float], position: int, index: int = 0) -> int:
        """Draw an id: the first at which the running sum of the weights passes u times their total."""
        x = scaled(checked(row, index), self.temperature)
        ids = self.keep(x)
        target, mass = uniform(self.seed, position, DRAW) * add(exp(x[id]) for id in ids), 0.0
        for id in ids:
            mass += exp(x[id])
            if mass > target:
                return id
        return ids[-1]
