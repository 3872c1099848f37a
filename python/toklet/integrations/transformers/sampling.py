"""Sampling for Hugging Face's `generate`, by logits processors.

- `DrawProcessor` draws the next id itself and leaves `generate` nothing else to take. This is the one to use: a text is a function of the seed, whatever
  the state of torch's generator and whatever else is in the batch.
- `SamplerProcessor` gives the log-probabilities that toklet would draw from, and `generate` draws.

>>> from toklet import Sampler
>>> from toklet.integrations.transformers import DrawProcessor
>>> draw = DrawProcessor(Sampler(temperature=0.8, top_p=0.95, seed=7))

What follows needs transformers and a model:

>>> out = model.generate(**inputs, logits_processor=[draw], do_sample=False)  # doctest: +SKIP

`generate` applies what its own settings ask for (a repetition penalty, a minimal length, ids that are suppressed or forced) before the processors that it is
given, and a model's `generation_config` may have such settings: leave to one of the two what both can do. The rows of a batch that has been padded need
`attention_mask` or `pad_id`, or else the padding counts as text. Beam search compares whole texts, which a drawn id makes no sense for.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...reference.error import ArgumentError, WrongTypeError, number
from ...sampling import Sampler

Tensor = Any  # a torch.Tensor
Array = NDArray[Any]


def check_sampler(sampler: Any) -> Sampler:
    """Refuse what isn't a sampler, and one that must hear of each id that is drawn."""
    if not isinstance(sampler, Sampler):
        raise WrongTypeError("sampler", f"of type {type(sampler).__name__}", "a toklet.Sampler")
    if any(row["mirostat"] for row in sampler._rows):
        raise ArgumentError(
            "mirostat", "on", "off in a logits processor, which keeps no state: use it in a loop of your own, with sampler.observed after each id"
        )
    return sampler


def known(ids: Array, size: int) -> Array:
    """Give the ids that have logits; those of an image's placeholders, say, have none."""
    return ids[(ids >= 0) & (ids < size)]


def first_true(matrix: Array) -> Array:
    """Say where the first True of each row is: at its end, if it has none."""
    found: Array = np.where(matrix.any(1), matrix.argmax(1), matrix.shape[1])
    return found


class _Processor:
    """What both processors know: the sampler, and where each row begins."""

    supports_continuous_batching = False  # there, the ids of all requests come in one row

    def __init__(self, sampler: Sampler, *, pad_id: int | None = None, attention_mask: ArrayLike | Tensor | None = None) -> None:
        self.sampler = check_sampler(sampler)
        if pad_id is not None and attention_mask is not None:
            raise ArgumentError("pad_id", f"{pad_id!r} beside an attention_mask", "None then: the mask says what is padding")
        self._pad_id = None if pad_id is None else number("pad_id", pad_id, "an integer", -(2**63), 2**63 - 1, whole=True)
        self._starts: Array | None = None
        if attention_mask is not None:
            mask = np.asarray(attention_mask.cpu() if hasattr(attention_mask, "cpu") else attention_mask)
            if mask.ndim != 2 or len(mask) == 0:
                raise ArgumentError("the shape of attention_mask", str(mask.shape), "(rows, length): that of the prompts, as given to generate")
            self._starts = first_true(mask != 0)

    def _context(self, input_ids: Tensor, size: int) -> dict[str, Any]:
        """Give the position of the next id of each row, and the ids before it."""
        ids = input_ids.cpu().numpy()
        starts = np.zeros(len(ids), np.int64)
        if self._pad_id is not None:
            starts = first_true(ids != self._pad_id)
        elif self._starts is not None:
            times, rest = divmod(len(ids), len(self._starts))
            if rest or not times:
                allowed = f"a multiple of {len(self._starts)}, the rows of attention_mask: make a processor for each call of generate"
                raise ArgumentError("the number of rows", str(len(ids)), allowed)
            starts = np.repeat(self._starts, times)  # num_return_sequences: the copies of a row follow each other
        histories = [known(row[start:], size) for row, start in zip(ids, starts, strict=True)]
        return {"position": ids.shape[1] - starts, "history": histories}


class SamplerProcessor(_Processor):
    """A logits processor whose scores are what the sampler draws from: the logarithm of `sampler.distribution`, -inf for what isn't kept.

    `generate` then draws, by torch's generator. Its own steps come after this processor, and unless it is told otherwise it keeps the best 50 and what the
    model's `generation_config` says: `do_sample=True, temperature=1.0, top_k=0, top_p=1.0` leave the scores as they are.

    Parameters
    ----------
    sampler : Sampler
        With values a row, the rows are those of the batch.
    pad_id : int, optional
        The id that rows are padded with on the left. A row begins at its first other id.
    attention_mask : int array or tensor, shape (rows, length), optional
        That of the prompts, instead of `pad_id`: it also serves where a text may begin with the padding's id. It is that of one call of `generate`.

    Raises
    ------
    ArgumentError
        If the sampler uses mirostat, which has to hear of each id.

    Examples
    --------
    >>> from toklet import Sampler
    >>> processor = SamplerProcessor(Sampler(temperature=0.7, min_p=0.05), pad_id=0)

    With transformers and a model:

    >>> model.generate(**inputs, logits_processor=[processor], do_sample=True, temperature=1.0, top_k=0, top_p=1.0)  # doctest: +SKIP
    """

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """Give the log-probabilities, in the type and on the device of the scores."""
        p = self.sampler.distribution(scores.cpu(), **self._context(input_ids, scores.shape[-1]))
        with np.errstate(divide="ignore"):
            return scores.new_tensor(np.log(p))


class DrawProcessor(_Processor):
    """A logits processor that draws the next id of each row and leaves only that: 0 for it, -inf for all others.

    Whether `generate` then takes the best (`do_sample=False`) or draws (`do_sample=True`, which it asks for where `num_return_sequences` is above 1), what it
    takes is this id. The draw is a function of the seed and of the position, which is the number of the row's ids so far, as in `toklet.generate`. It is
    the same with and without a cache, in any batch, and with an assistant model, if that is used with `do_sample=False`.

    Rows that are alike get the same ids, as they have the same seed; where they shall differ, as the rows of `num_return_sequences` do, give a seed a row.
    No processor may come after this one. `output_logits` of `generate` tells the model's logits; `output_scores` only which id was drawn.

    Parameters
    ----------
    sampler, pad_id, attention_mask
        Those of `SamplerProcessor`.

    Raises
    ------
    ArgumentError
        If the sampler uses mirostat, which has to hear of each id.

    Examples
    --------
    >>> import numpy as np
    >>> from toklet import Sampler
    >>> draw = DrawProcessor(Sampler(temperature=0.8, seed=np.arange(5)))

    With transformers and a model, five texts for one prompt:

    >>> model.generate(**inputs, logits_processor=[draw], do_sample=True, num_return_sequences=5)  # doctest: +SKIP
    """

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """Give scores of which only the drawn id's are above -inf, in the type and on the device of the scores."""
        ids = self.sampler.sample(scores.cpu(), **self._context(input_ids, scores.shape[-1]))
        return scores.new_full(scores.shape, -math.inf).scatter_(1, input_ids.new_tensor(ids, device=scores.device)[:, None], 0.0)
