"""Sampling as Python sees it: logits as arrays of one row or many, ids and probabilities out."""

import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._core import core
from .arrays import as_array, as_ids
from .logits import IN_PLACE, as_histories, as_masks, as_positions, as_row_ids, as_rows, check_rows, kept, settings_of_rows
from .reference.error import ArgumentError, LogitsError, number
from .reference.sample.settings import PARAMETERS, USED_BY
from .reference.sample.settings import check as check_settings

Ids = NDArray[np.int64]
Floats = NDArray[np.float32]
KINDS = (np.int64, np.float32, np.float32, np.int64)  # of the arrays of Logprobs


class Logprobs(NamedTuple):
    """Log-probabilities in nats. For one row each has no first axis.

    Attributes
    ----------
    top_ids : int64 array, shape (B, top)
        The most probable ids, largest first; -1 where fewer can be drawn.
    top_logprobs : float32 array, shape (B, top)
    logprobs : float32 array, shape (B, m)
        Those of the ids that were asked for; -inf for what can't be drawn.
    ranks : int64 array, shape (B, m)
        Their places, 1 for the most probable; 0 for what can't be drawn.
    """

    top_ids: Ids
    top_logprobs: Floats
    logprobs: Floats
    ranks: Ids


class Sampler:
    """From logits to the next id.

    The steps run in a named order. In that of `"hf"`, which is the default: `logit_bias` and the penalties change the logits of the ids that they name; the
    logits are divided by `temperature`; `top_k`, `top_p`, `min_p`, `typical_p`, `top_n_sigma`, `xtc` and `mirostat` choose which ids stay, each among those
    that the ones before left; one of these is drawn, as often as its weight says. Among equal logits the lower id comes first. A step without its parameter
    does nothing.

    Every number may be an array of shape (B,) instead: a value a row.

    Parameters
    ----------
    temperature : float
        1 leaves the distribution as it is, less sharpens it, more flattens it; 0 always takes the most probable id.
    top_k : int, optional
        Keep at most this many ids.
    top_p : float, optional
        Keep the smallest set of the most probable ids that reaches this probability; above 0 and at most 1. The id that reaches it stays [1]_.
    min_p : float, optional
        Keep what is at least this many times as probable as the best; from 0 to 1.
    seed : int, optional
        From 0 to 2**64 - 1; without one the system gives one, which `sampler.seed` tells.
    typical_p : float, optional
        Of the ids whose surprise is nearest to the mean surprise, keep the first that reach this probability [2]_.
    top_n_sigma : float, optional
        Keep what is at most this many standard deviations of the logits under the best.
    xtc_probability, xtc_threshold : float
        With that probability, leave out all ids that are at least as probable as the threshold, but for the last of them.
    repetition_penalty : float
        Divide the positive and multiply the negative logits of ids in the history [3]_; 1 does nothing.
    presence_penalty, frequency_penalty : float
        Subtract from the logits of ids in the history: once, and for each time.
    penalty_last_n : int, optional
        How much of the end of the history these three look at; None for all.
    dry_multiplier, dry_base, dry_allowed_length, dry_last_n, dry_sequence_breakers
        Don't repeat yourself: an id that would continue a repetition of n >= `dry_allowed_length` ids loses
        `dry_multiplier * dry_base ** (n - dry_allowed_length)`. No repetition reaches over an id of `dry_sequence_breakers`.
    mirostat : {0, 1, 2}
        Keep the surprise of the text near `mirostat_tau` bits [4]_. Its state `mirostat_mu` is a setting, 2 tau at first: `observed` gives the sampler of the
        next id.
    logit_bias : mapping of int to float, optional
        Added to logits; -inf forbids an id.
    order : {"hf", "vllm", "llama.cpp", "mlx", "openai"} or list of str
        The steps in the order of a library, or the names of some steps: logit_bias, penalties, dry, temperature, top_k, top_p, min_p, typical_p, top_n_sigma,
        xtc, mirostat.

    Raises
    ------
    ArgumentError
        If a parameter is out of range, or its step isn't in the order.

    Notes
    -----
    The random numbers are a function of (seed, position): a row's id depends on nothing else, neither on other rows nor on earlier calls.

    References
    ----------
    .. [1] Holtzman et al., "The curious case of neural text degeneration" (2019).
    .. [2] Meister et al., "Locally typical sampling" (2022).
    .. [3] Keskar et al., "CTRL" (2019).
    .. [4] Basu et al., "Mirostat" (2020).

    Examples
    --------
    >>> Sampler(temperature=0).sample([0.1, 2.0, 2.0])
    1
    >>> sampler = Sampler(temperature=0.8, top_k=2, seed=7)
    >>> [sampler.sample([1.0, 2.0, 3.0], position=n) for n in range(8)]
    [2, 2, 1, 2, 2, 2, 2, 2]
    >>> Sampler(temperature=np.array([0.0, 5.0]), seed=3).sample([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]]).shape
    (2,)
    """

    __slots__ = ("_core", "_given", "_rows")

    def __init__(
        self,
        temperature: float | NDArray[Any] = 1.0,
        top_k: int | NDArray[Any] | None = None,
        top_p: float | NDArray[Any] | None = None,
        min_p: float | NDArray[Any] | None = None,
        seed: int | NDArray[Any] | None = None,
        *,
        typical_p: float | NDArray[Any] | None = None,
        top_n_sigma: float | NDArray[Any] | None = None,
        xtc_probability: float | NDArray[Any] = 0.0,
        xtc_threshold: float | NDArray[Any] = 0.1,
        repetition_penalty: float | NDArray[Any] = 1.0,
        presence_penalty: float | NDArray[Any] = 0.0,
        frequency_penalty: float | NDArray[Any] = 0.0,
        penalty_last_n: int | NDArray[Any] | None = None,
        dry_multiplier: float | NDArray[Any] = 0.0,
        dry_base: float | NDArray[Any] = 1.75,
        dry_allowed_length: int | NDArray[Any] = 2,
        dry_last_n: int | NDArray[Any] | None = None,
        dry_sequence_breakers: Sequence[int] = (),
        mirostat: int | NDArray[Any] = 0,
        mirostat_tau: float | NDArray[Any] = 5.0,
        mirostat_eta: float | NDArray[Any] = 0.1,
        mirostat_mu: float | NDArray[Any] | None = None,
        logit_bias: Mapping[int, float] | None = None,
        order: str | Sequence[str] = "hf",
    ) -> None:
        given = {name: kept(name, value) for name, value in locals().items() if name in PARAMETERS}
        if seed is None:
            given["seed"] = int.from_bytes(os.urandom(8), "little")
        self._given = given
        self._rows = [check_settings(row) for row in settings_of_rows(given)]
        self._core = core.Sampler(self._rows)

    @property
    def seed(self) -> Any:
        """The seed that is in use, whoever chose it: an int, or one a row as a list."""
        seeds = [row["seed"] for row in self._rows]
        return seeds if isinstance(self._given["seed"], np.ndarray) else seeds[0]

    @property
    def rows(self) -> int:
        """How many rows its parameters are for; 1 serves any number."""
        return len(self._rows)

    @property
    def remembers(self) -> bool:
        """Whether it looks at the history: whether it has a penalty."""
        return any(USED_BY[step](row) for row in self._rows for step in ("penalties", "dry"))

    def sample(self, logits: ArrayLike, position: int | ArrayLike = 0, history: Any = None, mask: ArrayLike | None = None) -> Any:
        """Draw an id from each row.

        Parameters
        ----------
        logits : float array, shape (V,) or (B, V)
            float32, float64, float16 or bfloat16 (of ml_dtypes, of torch, or its bits as uint16); read where they lie.
        position : int, or int array of shape (B,)
            The place of the id in its sequence: the same seed and position give the same random number.
        history : sequence of int, or one a row, optional
            The ids so far, which penalties look at.
        mask : bool array of shape (V,) or (B, V), or int32 array of shape (ceil(V / 32),) or (B, ceil(V / 32)), optional
            What is allowed: a bool, or a bit, the lowest first. Logits that are not allowed aren't looked at.

        Returns
        -------
        int, or int64 array of shape (B,)

        Raises
        ------
        LogitsError
            If a logit is NaN, or none of a row may be drawn.

        Examples
        --------
        >>> Sampler(temperature=0).sample([3.0, 2.0, 1.0], mask=[False, True, True])
        1
        >>> Sampler(temperature=0, repetition_penalty=2.0).sample([3.0, 2.0, 1.0], history=[0])
        1
        """
        plain = type(logits) is np.ndarray and logits.ndim == 1 and type(position) is int and history is mask is None and len(self._rows) == 1
        if plain and logits.dtype in IN_PLACE and logits.size and 0 <= position < 2**64:  # type: ignore[union-attr, operator]
            id: int = self._core.sample(logits, position)  # the common case first, straight to the core
            return id
        rows, one = as_rows(logits)
        ids = as_array(self._core.sample(rows, *self._context(rows, one, position, history, mask)), np.int64)
        return int(ids[0]) if one else ids

    def distribution(self, logits: ArrayLike, position: int | ArrayLike = 0, history: Any = None, mask: ArrayLike | None = None) -> Floats:
        """Give the probabilities that `sample` draws from: float32, in the shape of the logits; 0 for what is not kept.

        Parameters are those of `sample`; the position matters to XTC alone.

        Examples
        --------
        >>> Sampler(top_k=2).distribution([0.0, 1.0, 1.0, -1.0])
        array([0. , 0.5, 0.5, 0. ], dtype=float32)
        """
        rows, one = as_rows(logits)
        found = as_array(self._core.distribution(rows, *self._context(rows, one, position, history, mask)), np.float64)
        return found.astype(np.float32).reshape(rows.shape[1:] if one else rows.shape)

    def logprobs(
        self,
        logits: ArrayLike,
        ids: int | ArrayLike | None = None,
        top: int = 20,
        *,
        processed: bool = False,
        position: int | ArrayLike = 0,
        history: Any = None,
        mask: ArrayLike | None = None,
    ) -> Logprobs:
        """Give the log-probabilities of the most probable ids, and of some others with their ranks.

        Parameters
        ----------
        logits, position, history, mask
            Those of `sample`.
        ids : int array, shape (B,) or (B, m), or for one row () or (m,), optional
            Other ids to tell about: the one that was sampled, say.
        top : int
            How many of the most probable.
        processed : bool
            Whether to tell what `sample` draws from, after all steps; else what the model says, whatever the settings.

        Returns
        -------
        Logprobs

        Examples
        --------
        >>> Sampler().logprobs([2.0, 1.0, 0.0], ids=2, top=1)
        Logprobs(top_ids=array([0]), top_logprobs=array([-0.40760598], dtype=float32), logprobs=array([-2.407606], dtype=float32), ranks=array([3]))
        """
        if type(top) is not int or not 0 <= top < 2**31:
            top = number("top", top, "an integer, at least 0", 0, 2**31 - 1, whole=True)
        rows, one = as_rows(logits)
        n, size = rows.shape
        wanted = None if ids is None else as_row_ids(ids, n, size)
        plain = position == 0 and history is mask is None if type(position) is int else False  # the common case first, as in `sample`
        context = ([0] * n, None, None) if plain and len(self._rows) == 1 else self._context(rows, one, position, history, mask)
        parts = self._core.logprobs(rows, context[0], wanted, min(top, size), bool(processed), *context[1:])
        arrays = [as_array(part, kind) for part, kind in zip(parts, KINDS, strict=True)]
        return Logprobs(*(arrays if one else (array.reshape(n, -1 if n else 0) for array in arrays)))

    def observed(self, logits: ArrayLike, ids: int | ArrayLike, position: int | ArrayLike = 0, history: Any = None, mask: ArrayLike | None = None) -> "Sampler":
        """Give the sampler of the next id, once one has been drawn: `mirostat_mu` moves by how surprising it was. Without mirostat, the same sampler.

        Examples
        --------
        >>> sampler = Sampler(mirostat=2, seed=1)
        >>> id = sampler.sample([1.0, 2.0, 3.0])
        >>> sampler.observed([1.0, 2.0, 3.0], id)
        Sampler(temperature=1.0, seed=1, mirostat=2, mirostat_mu=10.441194886075053)
        """
        if not any(row["mirostat"] for row in self._rows):
            return self
        rows, one = as_rows(logits)
        positions, histories, masks = self._context(rows, one, position, history, mask)
        drawn = as_row_ids(ids, len(rows), rows.shape[1])
        if drawn.shape[1] != 1:
            raise ArgumentError("the shape of ids", str(np.shape(ids)), f"({len(rows)},), the id that was drawn from each row")
        if not len(rows):
            return self
        mu = as_array(self._core.observed(rows, positions, drawn[:, 0].tolist(), histories, masks), np.float64)
        return Sampler(**{**self._given, "mirostat_mu": mu if len(self._rows) > 1 or len(rows) > 1 else float(mu[0])})

    def _context(self, rows: NDArray[Any], one: bool, position: Any, history: Any, mask: Any) -> tuple[list[int], Any, Any]:
        check_rows(self._rows, rows)
        return as_positions(position, len(rows)), as_histories(history, len(rows), one), as_masks(mask, rows.shape, one)

    def seeded(self, seed: int) -> "Sampler":
        """Give the same sampler with another seed."""
        return Sampler(**{**self._given, "seed": seed})

    def __repr__(self) -> str:
        shown = {name: value for name, value in self._given.items() if name in ("temperature", "seed") or not _same(value, PARAMETERS[name][0])}
        return f"Sampler({', '.join(f'{name}={value!r}' for name, value in shown.items())})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (self._given,)


def _again(given: dict[str, Any]) -> Sampler:
    return Sampler(**given)


def _same(value: Any, default: Any) -> bool:
    return not isinstance(value, np.ndarray) and bool(value == default)


def accept_draft(
    target_logits: ArrayLike, draft_logits: ArrayLike, draft_ids: ArrayLike, sampler: Sampler, position: int = 0, history: Sequence[int] | None = None
) -> Ids:
    """Speculative decoding: keep as many of the ids that a small model drew as the large one would have drawn, and add one of its own.

    What comes out is distributed exactly as if `sampler` had drawn from the target alone [1]_.

    Parameters
    ----------
    target_logits : float array, shape (K, V) or (K + 1, V)
        What the large model says at each drafted place; the row behind the last gives an id more, if all are kept.
    draft_logits : float array, shape (K, V)
        What the small model said: each id must have been drawn from its row, by the same settings.
    draft_ids : int array, shape (K,)
    sampler : Sampler
    position : int
        That of the first drafted id.
    history : sequence of int, optional
        The ids before it.

    Returns
    -------
    int64 array, shape (n,)
        The first drafted ids that are kept, and one that isn't drafted: 1 to K + 1 ids; K, if all are kept and the target has no row more.

    References
    ----------
    .. [1] Leviathan, Kalman and Matias, "Fast inference from transformers via speculative decoding" (2023).

    Examples
    --------
    >>> sampler = Sampler(seed=1)
    >>> accept_draft([[0.0, 9.0], [9.0, 0.0]], [[0.0, 9.0]], [1], sampler)
    array([1, 0])
    """
    target, draft = np.atleast_2d(as_rows(target_logits, "target_logits")[0]), np.atleast_2d(as_rows(draft_logits, "draft_logits")[0])
    k, size = draft.shape
    if target.shape not in ((k, size), (k + 1, size)):
        raise LogitsError("the shape of target_logits", str(target.shape), f"({k}, {size}) or ({k + 1}, {size})")
    ids = (
        as_row_ids(np.asarray(draft_ids).reshape(-1), k, size, "draft_ids")[:, 0].tolist()
        if k != 1
        else as_row_ids(draft_ids, 1, size, "draft_ids")[0].tolist()
    )
    if len(ids) != k:
        raise ArgumentError("the number of draft_ids", str(len(ids)), f"{k}, one a row of draft_logits")
    if len(sampler._rows) > 1:
        raise ArgumentError("sampler", f"parameters of {len(sampler._rows)} rows", "one value of each: drafted ids are one sequence")
    first = as_positions(position, 1)[0]
    as_positions(first + max(len(target) - 1, 0), 1)
    before = [] if history is None else as_ids(history).tolist()
    found: list[int] = []
    for i, id in enumerate(ids):
        accepted, id = sampler._core.accept(target[i], draft[i], id, i, first + i, before + found)
        found.append(id)
        if not accepted:
            return np.array(found, np.int64)
    if len(target) > k:
        found.append(sampler.sample(target[k], first + k, history=before + found))
    return np.array(found, np.int64)
