"""Probabilities to read rather than to draw from: softmax and log-softmax, in double precision."""

import math
from typing import Any

from ..error import LogitsError, number
from .row import loaded
from .settings import HUGE, TEMPERATURE
from .weight import add, exp, ln


def scaled(row: Any, temperature: float, index: int) -> list[float]:
    """Give (x - best) / T. Temperature 0, or an infinite best, leaves only the first largest."""
    logits, _ = loaded(row, index)
    best = max(logits)
    if best == -math.inf:
        raise LogitsError(f"row {index}", "-inf at every id", "above -inf at one id at least, or nothing can be sampled")
    if temperature == 0 or best == math.inf:
        first = logits.index(best)
        return [0.0 if id == first else -math.inf for id in range(len(logits))]
    return [(x - best) / temperature for x in logits]


def softmax(row: Any, temperature: float = 1.0, index: int = 0) -> list[float]:
    """Give the probabilities of a row.

    >>> [round(p, 3) for p in softmax([2.0, 1.0, 0.0])]
    [0.665, 0.245, 0.09]
    """
    temperature = number("temperature", temperature, TEMPERATURE, 0, HUGE)
    weights = [exp(x) for x in scaled(row, temperature, index)]
    total = add(enumerate(weights))
    return [weight / total for weight in weights]


def log_softmax(row: Any, index: int = 0) -> list[float]:
    """Give the log-probabilities of a row, in nats."""
    x = scaled(row, 1.0, index)
    log_total = ln(add((id, exp(value)) for id, value in enumerate(x)))
    return [value - log_total for value in x]
