"""Logits that are no numbers, have no shape, or allow nothing; settings that are none: an error of toklet's own."""

import itertools
import warnings

import numpy as np
from run import holds, main, refused

import toklet

INF, NAN = float("inf"), float("nan")
NO_ROWS = {
    "NaN": [0.0, NAN, 1.0],
    "NaN after +inf": [INF, NAN],
    "all -inf": [-INF] * 3,
    "nothing": [],
    "rows of nothing": np.zeros((3, 0)),
    "one number": 1.0,
    "integers": [1, 2],
    "texts": ["1.0", "2.0"],
    "complex numbers": np.array([1j, 2.0]),
    "objects": [object(), 1.0],
    "three dimensions": np.zeros((1, 1, 2)),
    "rows of two lengths": [[1.0], [1.0, 2.0]],
    "None": None,
    "2**24 + 1 of them": np.zeros(2**24 + 1, np.float32),
}


def attack() -> str:
    """Give them to every function."""
    warnings.simplefilter("ignore")
    sampler = toklet.Sampler(seed=7)
    functions = {
        "sample": sampler.sample,
        "distribution": sampler.distribution,
        "softmax": toklet.softmax,
        "log_softmax": toklet.log_softmax,
        "cross_entropy": lambda row: toklet.cross_entropy(row, 0),
    }
    wrong = []
    for (name, row), (called, function) in itertools.product(NO_ROWS.items(), functions.items()):
        try:
            refused(f"{called} of {name}", lambda row=row, function=function: function(row))
        except Exception as broken:
            wrong.append(str(broken))
    for name in ("NaN", "nothing", "rows of nothing", "three dimensions", "None"):
        try:
            refused(f"top_k of {name}", lambda name=name: toklet.top_k(NO_ROWS[name], 1))
        except Exception as broken:
            wrong.append(str(broken))
    for bad in (
        {"temperature": NAN},
        {"temperature": -1e-9},
        {"temperature": INF},
        {"top_k": 0},
        {"top_p": 0.0},
        {"top_p": 1.1},
        {"min_p": NAN},
        {"seed": 2**64},
    ):
        refused(f"Sampler({bad})", lambda bad=bad: toklet.Sampler(**bad))
    holds(not wrong, f"{len(wrong)}, such as {'; '.join(wrong[::6])}")
    return f"{len(NO_ROWS)} rows that are none are refused"


main(attack)
