"""The loop that makes text: ids -> model -> logits -> sampler -> id -> text, until a stop string or enough tokens.

The model is any callable that takes the ids so far and gives the logits of the next one. Text comes out in pieces as soon as it is certain: a piece is held
back while it ends inside a character, or while its end may still become a stop string.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .arrays import as_id, as_ids
from .checks import as_list, check_text
from .prompt import Prompt
from .reference.error import ArgumentError, LogitsError, WrongTypeError, number
from .sampling import Sampler
from .tokenizer import Tokenizer

Model = Callable[[NDArray[np.uint32]], ArrayLike]


def held_back(text: str, stops: Sequence[str]) -> int:
    """Say how many of the last characters may be the beginning of a stop string.

    >>> held_back("so far\\n", ["\\n\\n"])
    1
    """
    longest = max((len(stop) for stop in stops), default=1) - 1
    return next((n for n in range(min(longest, len(text)), 0, -1) if any(stop.startswith(text[-n:]) for stop in stops)), 0)


def generate(
    model: Model,
    prompt: str | Prompt | Iterable[int],
    tok: Tokenizer,
    sampler: Sampler,
    *,
    max_tokens: int = 200,
    stop: str | Sequence[str] | None = None,
    stop_ids: Iterable[int] | None = None,
) -> Iterator[str]:
    """Generate text, piece by piece.

    Parameters
    ----------
    model : callable
        Takes the ids so far (uint32 array) and gives the logits of the next id (float array of shape (V,)).
    prompt : str, Prompt or ids
        A str is encoded as plain text.
    tok : Tokenizer
    sampler : Sampler
        Position n of the sequence is drawn with the sampler's seed and n; its penalties look at all ids before, the prompt's too.
    max_tokens : int
        How many ids are sampled at most.
    stop : str or sequence of str
        Texts at which generation ends; they don't come out. They may straddle tokens.
    stop_ids : iterable of int
        Ids at which generation ends; they don't come out either.

    Yields
    ------
    str
        Pieces that join up to the generated text.

    Examples
    --------
    >>> import toklet
    >>> tok = toklet.Tokenizer.from_merges([], pattern="gpt2")
    >>> def next_letter(ids):
    ...     logits = [0.0] * 256
    ...     logits[(int(ids[-1]) + 1) % 256] = 9.0
    ...     return logits
    >>> "".join(toklet.generate(next_letter, "a", tok, toklet.Sampler(temperature=0), stop="ghi"))
    'bcdef'
    """
    max_tokens = number("max_tokens", max_tokens, "an integer, at least 0", 0, 2**63 - 1, whole=True)
    if not callable(model):
        raise WrongTypeError("model", f"of type {type(model).__name__}", "a callable that takes ids and gives logits")
    for name, value, kind in (("tok", tok, Tokenizer), ("sampler", sampler, Sampler)):
        if not isinstance(value, kind):
            raise WrongTypeError(name, f"of type {type(value).__name__}", f"a toklet.{kind.__name__}")
    stops = [stop] if isinstance(stop, str) else [] if stop is None else as_list("stop", stop)
    for text in stops:
        check_text("stop", text)
    if "" in stops:
        raise ArgumentError("stop", repr(stops), "texts that aren't empty")
    ends = {as_id(id) for id in ([] if stop_ids is None else as_list("stop_ids", list(stop_ids) if isinstance(stop_ids, Set) else stop_ids))}
    if isinstance(prompt, str):
        ids = tok.encode(prompt)
    else:
        ids = prompt.ids if isinstance(prompt, Prompt) else as_ids(prompt)
    return _pieces(model, ids, tok, sampler, max_tokens, stops, ends)


def one_row(logits: ArrayLike) -> ArrayLike:
    """Give the row of a matrix that has only one, as models that work in batches return it."""
    shape = np.shape(logits)
    if len(shape) == 2 and shape[0] == 1:
        row: NDArray[np.floating] = np.asarray(logits)[0]
        return row
    if len(shape) != 1:
        raise LogitsError("the shape of what the model gives", str(shape), "(vocabulary,): the logits of the next id")
    return logits


def _pieces(model: Model, prompt: NDArray[np.uint32], tok: Tokenizer, sampler: Sampler, max_tokens: int, stops: list[str], stop_ids: set[int]) -> Iterator[str]:
    ids = np.array(prompt, np.uint32)
    stream: Any = tok.stream()
    pending = ""
    for position in range(len(prompt), len(prompt) + max_tokens):
        if position == len(ids):
            ids = np.concatenate((ids, np.empty(len(ids) + 64, np.uint32)))  # doubled, so that appending is cheap
        logits, history = one_row(model(ids[:position])), ids[:position] if sampler.remembers else None
        id = sampler.sample(logits, position=position, history=history)
        sampler = sampler.observed(logits, id, position=position, history=history)
        if id in stop_ids:
            break
        ids[position] = id
        pending += stream.push(id)
        found = [at for at in (pending.find(stop) for stop in stops) if at >= 0]
        if found:
            pending, stream = pending[: min(found)], None
            break
        certain = len(pending) - held_back(pending, stops)
        if certain:
            yield pending[:certain]
            pending = pending[certain:]
    pending += stream.end() if stream is not None else ""
    if pending:
        yield pending
