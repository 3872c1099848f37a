"""Sampling for llama-cpp-python: from the logits of a `Llama` directly, or by logits processors for its own loops.

`sample` is the shortest way: no step of llama.cpp's chain runs, and what goes wrong is raised. With llama-cpp-python and a model:

>>> llama = llama_cpp.Llama("model.gguf")  # doctest: +SKIP
>>> sampler = toklet.Sampler(temperature=0.8, min_p=0.05, seed=7)  # doctest: +SKIP
>>> llama.eval(llama.tokenize(b"Once upon a time"))  # doctest: +SKIP
>>> while (id := sample(llama, sampler)) != llama.token_eos():  # doctest: +SKIP
...     print(llama.detokenize([id]).decode(errors="ignore"), end="")
...     llama.eval([id])

Where a loop of llama-cpp-python has to be used (`create_completion`, `create_chat_completion`, `generate`), a processor stands first in its chain:

- `DrawProcessor` draws the id itself and leaves nothing else to take. Use it with `temperature=0` (of `generate`: `temp=0`), and never with a grammar: that
  comes later, and where it forbids the id, llama.cpp ends the process.
- `SamplerProcessor` gives the log-probabilities that toklet would draw from, and llama.cpp draws. Its steps come after, and it has some by default:
  `temperature=1.0, top_k=0, top_p=1.0, min_p=0.0` leave the scores as they are. A grammar is taken into account.

llama-cpp-python calls processors in a way that loses errors: they are printed, and the model's own logits are used. `check` of a processor, given as a stopping
criterion, raises them, before an id is given out. With a draft model processors are told more ids than there are, so the two don't go together. A
`logit_bias` goes to the sampler: `create_completion`, given one, silently leaves out all processors.
"""

import math
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..reference.error import ArgumentError
from ..sampling import Sampler
from .transformers.sampling import check_sampler, known

Scores = NDArray[np.float32]


def last_logits(llama: Any) -> Scores:
    """Give the logits of the next id where llama.cpp has them: nothing is copied, and the next `llama.eval` overwrites them.

    `llama.scores` and `llama.eval_logits` have them only if the model was loaded with `logits_all=True`, and arbitrary memory otherwise.

    Parameters
    ----------
    llama : llama_cpp.Llama
        One that has evaluated an id at least.

    Raises
    ------
    ArgumentError
        If there are no logits: nothing was evaluated yet, or nothing since the state was reset, cut or loaded.
    """
    fresh = llama.n_tokens > 0 and not getattr(llama, "_requires_eval", False)
    pointer = import_module("llama_cpp").llama_get_logits_ith(llama.ctx, -1) if fresh else None
    if not pointer:
        raise ArgumentError("the state of llama", "without logits", "one that follows llama.eval(ids)")
    logits: Scores = np.ctypeslib.as_array(pointer, (llama.n_vocab(),))
    return logits


def sample(llama: Any, sampler: Sampler, position: int | None = None, history: ArrayLike | None = None, mask: ArrayLike | None = None) -> int:
    """Draw the next id from what a `Llama` has evaluated.

    Parameters
    ----------
    llama : llama_cpp.Llama
    sampler : Sampler
    position : int, optional
        The place of the id in its sequence; the number of ids evaluated so far, unless given.
    history : sequence of int, optional
        The ids that penalties look at; all that were evaluated, unless given.
    mask : optional
        What is allowed, as `Sampler.sample` takes it.

    Returns
    -------
    int
        The id. It isn't evaluated: `llama.eval([id])` does that.

    Raises
    ------
    ArgumentError
        If nothing was evaluated yet.
    LogitsError
        If a logit is NaN, or none may be drawn.
    """
    logits = last_logits(llama)
    if position is None:
        position = llama.n_tokens
    if history is None:
        history = known(llama.input_ids[: llama.n_tokens], len(logits))
    id: int = sampler.sample(logits, position=position, history=history, mask=mask)
    return id


class _Processor:
    """What both processors do: the number of ids so far is the position, they are the history, and an error is kept."""

    def __init__(self, sampler: Sampler) -> None:
        self.sampler = check_sampler(sampler)
        self._error: Exception | None = None

    def __call__(self, input_ids: NDArray[np.intc], scores: Scores) -> Scores:
        """Give the new scores, from the ids so far and the logits of the next."""
        try:
            return self._scores(scores, {"position": len(input_ids), "history": known(np.asarray(input_ids), len(scores))})
        except Exception as error:
            self._error = error
            raise

    def check(self, input_ids: NDArray[np.intc], scores: Scores) -> bool:
        """Raise the error that was lost, if there is one; else give False: go on. For `stopping_criteria=processor.check`."""
        error, self._error = self._error, None
        if error is not None:
            raise error
        return False

    def _scores(self, scores: Scores, context: dict[str, Any]) -> Scores:
        raise NotImplementedError


class SamplerProcessor(_Processor):
    """A logits processor whose scores are what the sampler draws from: the logarithm of `sampler.distribution`, -inf for what isn't kept.

    Parameters
    ----------
    sampler : Sampler

    Raises
    ------
    ArgumentError
        If the sampler uses mirostat, which has to hear of each id.

    Examples
    --------
    >>> from toklet import Sampler
    >>> processor = SamplerProcessor(Sampler(top_k=2))
    >>> processor(np.array([3, 1]), np.array([0.0, 1.0, 1.0, -1.0], np.float32))
    array([      -inf, -0.6931472, -0.6931472,       -inf], dtype=float32)
    """

    def _scores(self, scores: Scores, context: dict[str, Any]) -> Scores:
        with np.errstate(divide="ignore"):
            found: Scores = np.log(self.sampler.distribution(scores, **context))
        return found


class DrawProcessor(_Processor):
    """A logits processor that draws the next id and leaves only that: 0 for it, -inf for all others.

    The draw is a function of the seed and of the position, which is the number of ids so far, as in `toklet.generate`.

    Parameters
    ----------
    sampler : Sampler

    Raises
    ------
    ArgumentError
        If the sampler uses mirostat, which has to hear of each id.

    Examples
    --------
    >>> from toklet import Sampler
    >>> draw = DrawProcessor(Sampler(temperature=0))
    >>> draw(np.array([3, 1]), np.array([0.0, 1.0, 2.0, -1.0], np.float32))
    array([-inf, -inf,   0., -inf], dtype=float32)

    With llama-cpp-python and a model:

    >>> llama("Once upon a time", logits_processor=[draw], stopping_criteria=draw.check, temperature=0)  # doctest: +SKIP
    """

    def _scores(self, scores: Scores, context: dict[str, Any]) -> Scores:
        found = np.full(len(scores), -math.inf, np.float32)
        found[self.sampler.sample(scores, **context)] = 0.0
        return found
