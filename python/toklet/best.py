"""best_of: many answers, one reward, and the best is kept. The simplest way to make a model better by a judge, and the measure for the others.

How far does it lead away from the model itself? The distribution of the best of n answers differs from that of one answer by a Kullback-Leibler divergence
of at most log n - (n - 1) / n nats (Beirami et al., 2024): 0.9 nats for 4, 1.8 for 16. A policy that was trained to the same reward can be compared by it.
"""

import math
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .generation import Generation, Model, generate, one_sampler
from .prompt import Prompt
from .reference.error import ArgumentError, WrongTypeError, number
from .sampling import Sampler
from .tokenizer import Tokenizer


class BestOf(NamedTuple):
    """What became of n answers.

    Attributes
    ----------
    kept : Generation
        The one with the highest reward; among equals the first that was drawn.
    dropped : tuple of Generation
        The others, the best first.
    rewards : float64 array, shape (n,)
        In that order, the kept one's first.
    kl_bound : float
        At most how far, in nats, choosing leads away from the model: log n - (n - 1) / n.
    """

    kept: Generation
    dropped: tuple[Generation, ...]
    rewards: NDArray[np.float64]
    kl_bound: float


def best_of(
    n: int, model: Model, prompt: str | Prompt | Iterable[int], tok: Tokenizer, sampler: Sampler, *, reward: Callable[[str], float], **options: Any
) -> BestOf:
    """Generate n answers and keep the one with the highest reward.

    Parameters
    ----------
    n : int
        At least 1.
    model, prompt, tok, sampler
        Those of `generate`. Answer i is drawn with the sampler's seed + i, so a larger n has the same answers and more.
    reward : callable
        Takes the text of an answer and gives a number: the higher, the better.
    **options
        `max_tokens`, `stop`, `stop_ids`, `logprobs` and `on_token`, those of `generate`.

    Returns
    -------
    BestOf

    Raises
    ------
    ArgumentError
        If a reward is NaN.

    Examples
    --------
    >>> import toklet
    >>> tok = toklet.Tokenizer.from_merges([], pattern="gpt2")
    >>> model = lambda ids: [0.0] * 97 + [1.0] * 26
    >>> best = toklet.best_of(4, model, "", tok, toklet.Sampler(top_k=26, seed=1), reward=lambda text: len(set(text)), max_tokens=6)
    >>> best.rewards, round(best.kl_bound, 3), len(best.dropped)
    (array([6., 6., 5., 5.]), 0.636, 3)
    """
    n = number("n", n, "an integer, at least 1", 1, 2**31 - 1, whole=True)
    if not callable(reward):
        raise WrongTypeError("reward", f"of type {type(reward).__name__}", "a callable that takes a text and gives a number")
    seed = one_sampler("sampler", sampler).seed
    if not isinstance(prompt, str | Prompt):
        prompt = list(prompt)  # an iterator serves all of them
    answers, rewards = [], np.empty(n)
    for i in range(n):
        answer = generate(model, prompt, tok, sampler.seeded((seed + i) % 2**64), **options)
        answers.append(answer)
        rewards[i] = reward(answer.text)
        if math.isnan(rewards[i]):
            raise ArgumentError(f"the reward of answer {i}", "NaN", "a number")
    order = np.argsort(-rewards, kind="stable")
    kept, *dropped = (answers[i] for i in order)
    return BestOf(kept, tuple(dropped), rewards[order], math.log(n) - (n - 1) / n)
