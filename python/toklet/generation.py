"""The loop that makes text: ids -> model -> logits -> sampler -> id -> text, until a stop string, a stop id or enough tokens.

The model is any callable that takes the ids so far and gives the logits of the next one. Text comes out in pieces as soon as it is certain: a piece is held
back while it ends inside a character, or while its end may still become a stop string.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .arrays import as_id, as_ids
from .checks import as_list, check_text
from .prompt import Prompt
from .reference.error import ArgumentError, LogitsError, WrongTypeError, number
from .sampling import Logprobs, Sampler
from .tokenizer import Tokenizer

Model = Callable[[NDArray[np.uint32]], ArrayLike]
BatchModel = Callable[[list[NDArray[np.uint32]]], ArrayLike]


class Token(NamedTuple):
    """A sampled id, as a callback is told of it."""

    id: int
    position: int  # in the whole sequence, the prompt included
    piece: str  # the text that became certain by it, often ""
    logprobs: Logprobs | None  # the id's own and the most probable ones', if asked for


class Limits(NamedTuple):
    """When a text is at its end, and what is told on the way."""

    max_tokens: int
    stops: list[str]
    stop_ids: set[int]
    logprobs: int | None
    on_token: Callable[[Token], Any] | None


class Generation(Iterator[str]):
    """A text in the making: iterate over it for the pieces, or ask for `text`, which runs it to its end.

    Attributes
    ----------
    ids : uint32 array, shape (n,)
        What has been sampled so far, the id or ids that ended it too.
    logprobs : float32 array, shape (n,), or None
        The log-probability that the model gave each of them, in nats, if `logprobs` were asked for.
    finish_reason : {"stop", "stop_id", "length"} or None
        Why it ended; None while it runs.
    """

    __slots__ = ("_ids", "_length", "_limits", "_logprobs", "_model", "_pending", "_pieces", "_sampler", "_start", "_stream", "_tok", "finish_reason")

    def __init__(self, model: Model, prompt: NDArray[np.uint32], tok: Tokenizer, sampler: Sampler, limits: Limits) -> None:
        self._model, self._tok, self._sampler, self._limits = model, tok, sampler, limits
        self._ids, self._start, self._length = np.array(prompt, np.uint32), len(prompt), len(prompt)
        self._stream, self._pending, self._pieces, self._logprobs = tok.stream(), "", list[str](), list[float]()
        self.finish_reason: Literal["stop", "stop_id", "length"] | None = None if limits.max_tokens else "length"

    @property
    def so_far(self) -> NDArray[np.uint32]:
        """The whole sequence so far, prompt and all: what the model is given."""
        return self._ids[: self._length]

    @property
    def ids(self) -> NDArray[np.uint32]:
        """What has been sampled so far."""
        return self._ids[self._start : self._length].copy()

    @property
    def logprobs(self) -> NDArray[np.float32] | None:
        """The log-probability of each sampled id, in nats."""
        return None if self._limits.logprobs is None else np.array(self._logprobs, np.float32)

    @property
    def text(self) -> str:
        """The whole text, without the stop that ended it."""
        for _ in self:
            pass
        return "".join(self._pieces)

    @property
    def cut(self) -> int:
        """How many of the ids make up the text: `ids[:cut]`. The others, at the end, are or reach into what stopped it."""
        text, ids = self.text, self.ids[:-1] if self.finish_reason == "stop_id" else self.ids
        if self.finish_reason != "stop":
            return len(ids)
        return next(n for n in range(len(ids), -1, -1) if text.startswith(self._tok.decode(ids[:n])))

    def __next__(self) -> str:
        while self.finish_reason is None:
            piece = self.take(one_row(self._model(self.so_far)))
            if piece:
                return piece
        raise StopIteration

    def take(self, logits: ArrayLike) -> str:
        """Go on by one id, drawn from its logits; give the text that is certain by now."""
        limits, position, so_far = self._limits, self._length, self.so_far
        history = so_far if self._sampler.remembers else None
        id = int(self._sampler.sample(logits, position=position, history=history))
        told = None if limits.logprobs is None else self._sampler.logprobs(logits, id, limits.logprobs)
        self._sampler = self._sampler.observed(logits, id, position=position, history=history)
        if position == len(self._ids):
            self._ids = np.concatenate((self._ids, np.empty(position + 64, np.uint32)))  # doubled, so that appending is cheap
        self._ids[position], self._length = id, position + 1
        if told is not None:
            self._logprobs.append(float(told.logprobs[0]))
        piece = self._certain(id)
        if piece:
            self._pieces.append(piece)
        if limits.on_token:
            limits.on_token(Token(id, position, piece, told))
        return piece

    def _certain(self, id: int) -> str:
        """Take an id's text, see whether it ends, and give what can be said for sure."""
        stops = self._limits.stops
        if id in self._limits.stop_ids:
            self.finish_reason = "stop_id"
            return self._pending + self._stream.end()
        text = self._pending + self._stream.push(id)
        found = [at for at in map(text.find, stops) if at >= 0]
        if not found and self._length - self._start == self._limits.max_tokens:
            self.finish_reason = "length"
            text += self._stream.end()
            found = [at for at in map(text.find, stops) if at >= 0]
        elif not found:
            certain = len(text) - held_back(text, stops)
            self._pending = text[certain:]
            return text[:certain]
        if found:
            self.finish_reason = "stop"
        return text[: min(found, default=len(text))]

    def __repr__(self) -> str:
        return f"<Generation: {self._length - self._start} ids, {self.finish_reason or 'running'}: {''.join(self._pieces)!r}>"


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
    logprobs: int | None = None,
    on_token: Callable[[Token], Any] | None = None,
) -> Generation:
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
        Ids at which generation ends; they have no text.
    logprobs : int, optional
        Tell the log-probability that the model gave each id, and those of this many of the most probable ids.
    on_token : callable, optional
        Called with a `Token` (id, position, piece, logprobs) after each id.

    Returns
    -------
    Generation
        An iterator over pieces that join up to the text; it also has `text`, `ids`, `logprobs`, `cut` and `finish_reason`.

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
    >>> made = toklet.generate(next_letter, "a", tok, toklet.Sampler(temperature=0), max_tokens=3, logprobs=0)
    >>> made.text, made.finish_reason, made.ids, made.logprobs.round(3)
    ('bcd', 'length', array([ 98,  99, 100], dtype=uint32), array([-0.031, -0.031, -0.031], dtype=float32))
    """
    check_kinds(model, tok, "a callable that takes ids and gives logits")
    limits = as_limits(max_tokens, stop, stop_ids, logprobs, on_token)
    return Generation(model, prompt_ids(prompt, tok), tok, one_sampler("sampler", sampler), limits)


def generate_batch(
    model: BatchModel,
    prompts: Iterable[str | Prompt | Iterable[int]],
    tok: Tokenizer,
    sampler: Sampler | Sequence[Sampler],
    *,
    max_tokens: int = 200,
    stop: str | Sequence[str] | None = None,
    stop_ids: Iterable[int] | None = None,
    logprobs: int | None = None,
    on_token: Callable[[int, Token], Any] | None = None,
) -> list[Generation]:
    """Generate the texts of many prompts at once: each is what `generate` makes of it alone, whatever else is in the batch.

    Parameters
    ----------
    model : callable
        Takes a list of the ids so far (uint32 arrays), a row for each text that isn't at its end, and gives the logits of each (shape (rows, V)).
    prompts : iterable of str, Prompt or ids
    tok : Tokenizer
    sampler : Sampler, or a sequence of them
        One for all, so that equal prompts have equal texts; or one for each.
    max_tokens, stop, stop_ids, logprobs
        Those of `generate`.
    on_token : callable, optional
        Called with the number of the prompt and a `Token` after each id.

    Returns
    -------
    list of Generation
        All at their ends.

    Examples
    --------
    >>> import toklet
    >>> tok = toklet.Tokenizer.from_merges([], pattern="gpt2")
    >>> def next_letters(rows):
    ...     logits = np.zeros((len(rows), 256), np.float32)
    ...     logits[np.arange(len(rows)), [ids[-1] + 1 for ids in rows]] = 9.0
    ...     return logits
    >>> [made.text for made in toklet.generate_batch(next_letters, ["a", "vw"], tok, toklet.Sampler(temperature=0), max_tokens=4, stop="d")]
    ['bc', 'xyz{']
    """
    check_kinds(model, tok, "a callable that takes a list of ids and gives a row of logits for each")
    given = as_list("prompts", prompts)
    samplers = [sampler] * len(given) if isinstance(sampler, Sampler) else as_list("sampler", sampler)
    if len(samplers) != len(given):
        raise ArgumentError("the number of samplers", str(len(samplers)), f"one, or {len(given)}, one a prompt")
    if on_token is not None and not callable(on_token):
        raise WrongTypeError("on_token", f"of type {type(on_token).__name__}", "a callable that takes a number and a Token")
    rows: list[Generation] = []
    for i, (prompt, one) in enumerate(zip(given, samplers, strict=True)):
        told = None if on_token is None else lambda token, i=i: on_token(i, token)
        limits = as_limits(max_tokens, stop, stop_ids, logprobs, told)
        rows.append(Generation(lone, prompt_ids(prompt, tok), tok, one_sampler(f"sampler[{i}]", one), limits))
    while running := [row for row in rows if row.finish_reason is None]:
        logits: Any = model([row.so_far for row in running])
        if np.ndim(logits) != 2 or len(logits) != len(running):
            allowed = f"({len(running)}, vocabulary): a row for each text that is not at its end"
            raise LogitsError("the shape of what the model gives", str(np.shape(logits)), allowed)
        for row, own in zip(running, logits, strict=True):
            row.take(own)
    return rows


def lone(ids: NDArray[np.uint32]) -> ArrayLike:
    """Stand for the model of a row of a batch, which is stepped from outside."""
    raise ArgumentError("this Generation", "a row of a batch that was broken off", "generated again: it has no model of its own")


def check_kinds(model: Any, tok: Any, kind: str) -> None:
    """Refuse what is no model or no tokenizer."""
    if not callable(model):
        raise WrongTypeError("model", f"of type {type(model).__name__}", kind)
    if not isinstance(tok, Tokenizer):
        raise WrongTypeError("tok", f"of type {type(tok).__name__}", "a toklet.Tokenizer")


def one_sampler(place: str, sampler: Any) -> Sampler:
    """Give back a sampler of one sequence."""
    if not isinstance(sampler, Sampler):
        raise WrongTypeError(place, f"of type {type(sampler).__name__}", "a toklet.Sampler")
    if sampler.rows != 1:
        raise ArgumentError(place, f"with parameters of {sampler.rows} rows", "one of a single sequence: a list of samplers for a batch")
    return sampler


def as_limits(max_tokens: Any, stop: Any, stop_ids: Any, logprobs: Any, on_token: Any) -> Limits:
    """Check when a text shall end."""
    max_tokens = number("max_tokens", max_tokens, "an integer, at least 0", 0, 2**63 - 1, whole=True)
    stops = [stop] if isinstance(stop, str) else [] if stop is None else as_list("stop", stop)
    for text in stops:
        check_text("stop", text)
    if "" in stops:
        raise ArgumentError("stop", repr(stops), "texts that aren't empty")
    ends = {as_id(id) for id in ([] if stop_ids is None else as_list("stop_ids", list(stop_ids) if isinstance(stop_ids, Set) else stop_ids))}
    if logprobs is not None:
        logprobs = number("logprobs", logprobs, "None or an integer, at least 0", 0, 2**31 - 1, whole=True)
    if on_token is not None and not callable(on_token):
        raise WrongTypeError("on_token", f"of type {type(on_token).__name__}", "a callable that takes a Token")
    return Limits(max_tokens, stops, ends, logprobs, on_token)


def prompt_ids(prompt: str | Prompt | Iterable[int], tok: Tokenizer) -> NDArray[np.uint32]:
    """Give the ids of a prompt."""
    if isinstance(prompt, str):
        return tok.encode(prompt)
    return prompt.ids if isinstance(prompt, Prompt) else as_ids(prompt)


def one_row(logits: ArrayLike) -> ArrayLike:
    """Give the row of a matrix that has only one, as models that work in batches return it."""
    shape = np.shape(logits)
    if len(shape) == 2 and shape[0] == 1:
        row: NDArray[np.floating] = np.asarray(logits)[0]
        return row
    if len(shape) != 1:
        raise LogitsError("the shape of what the model gives", str(shape), "(vocabulary,): the logits of the next id")
    return logits
