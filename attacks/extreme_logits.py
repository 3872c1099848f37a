"""Logits at the edges of what a float holds, under settings at the edges of what is allowed: what is drawn is allowed, and the larger logit likelier."""

import itertools

import numpy as np
from run import holds, main

import toklet

INF, TINY, HUGE = float("inf"), 5e-324, 1.7976931348623157e308
VALUES = [0.0, -0.0, 1.0, -1.0, TINY, -TINY, HUGE, -HUGE, INF, -INF, 3.4e38, -3.4e38, 1e-45, 709.0, -745.0, 2.0**53]
CHOICES = {"temperature": (0, TINY, 1.0, 1e300), "top_k": (None, 1, 2**63 - 1), "top_p": (None, TINY, 0.5), "min_p": (None, 1.0)}
SETTINGS = [dict(zip(CHOICES, chosen, strict=True)) for chosen in itertools.product(*CHOICES.values())]


def attack() -> str:
    """Draw from rows of two."""
    with np.errstate(over="ignore"):
        rows = [np.array(row, dtype) for row in itertools.product(VALUES, repeat=2) for dtype in (np.float32, np.float64)]
    rows = [row for row in rows if row.max() > -INF]
    for settings, row in itertools.product(SETTINGS, rows):
        made = toklet.Sampler(**settings, seed=3)
        p = made.distribution(row)
        id = made.sample(row)
        holds(abs(p.sum() - 1) < 1e-5 and p[id] > 0 and row[id] > -INF, f"{made!r} draws {id} of {row}, which is distributed as {p}")
        # equal is also what the temperature makes equal: (x - max) / T is 0
        ordered = p[row.argmax()] >= p[row.argmin()] or (float(row.max()) - float(row.min())) / settings["temperature"] == 0
        holds(ordered, f"{made!r} makes the smaller of {row} the likelier")
    return f"{len(SETTINGS) * len(rows)} draws are right"


main(attack)
