"""A masked id, one whose logit is -inf, is never drawn: 100,000 draws for each of several settings, from rows in which nearly everything is masked."""

import numpy as np
from run import holds, main

import toklet

DRAWS, IDS = 100_000, 50
SETTINGS = [
    {},
    {"top_k": 40},
    {"top_p": 0.999999},
    {"min_p": 1e-300},
    {"temperature": 1e300},
    {"temperature": 1e-300},
    {"top_k": 50, "top_p": 1.0, "min_p": 0.0},
]


def attack() -> str:
    """Draw, and look whether a masked one came out, and whether each of the others did."""
    random = np.random.default_rng(1)
    for settings in SETTINGS:
        logits = random.normal(size=(DRAWS // 100, IDS)).astype(np.float32)
        masked = random.random(logits.shape) < 0.9
        masked[:, 0], masked[:, -1] = True, True
        masked[np.arange(len(logits)), random.integers(1, IDS - 1, len(logits))] = False
        logits[masked] = -np.inf
        sampler = toklet.Sampler(seed=11, **settings)
        for turn in range(100):
            ids = sampler.sample(logits, position=np.arange(len(logits)) + turn * len(logits))
            holds(not masked[np.arange(len(logits)), ids].any(), f"{sampler!r} draws a masked id")
        holds((sampler.distribution(logits)[masked] == 0).all(), f"{sampler!r} gives a masked id a probability")
    return f"{len(SETTINGS)} settings, {DRAWS} draws each: no masked id"


main(attack)
