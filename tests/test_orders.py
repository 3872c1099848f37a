"""All steps together, in every order: what is kept and how often it is drawn, against the definitions in double precision; where a definition can't decide
within the precision of single numbers, it says so, and the case is left out.
"""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from .strategies import ORDERS, STEPS

ORDER = {
    "hf": "logit_bias penalties dry temperature top_k top_p min_p typical_p top_n_sigma xtc mirostat",
    "vllm": "logit_bias penalties dry temperature min_p top_k top_p typical_p top_n_sigma xtc mirostat",
    "llama.cpp": "logit_bias penalties dry top_n_sigma top_k typical_p top_p min_p xtc temperature mirostat",
    "mlx": "logit_bias penalties dry top_n_sigma typical_p top_p min_p xtc top_k temperature mirostat",
    "openai": "logit_bias penalties dry temperature top_p top_k min_p typical_p top_n_sigma xtc mirostat",
}


class UnclearError(Exception):
    """A threshold that is too near to something."""


def clear(near: Any, margin: float) -> None:
    if len(np.atleast_1d(near)) and np.min(np.abs(near)) < margin:
        raise UnclearError


class Definition:
    """A row on its way through the steps: the logits, the ids that are left in falling order, the temperature."""

    def __init__(self, row: list[float]) -> None:
        self.x, self.temperature, self.size = np.array(row, np.float64), 1.0, len(row)
        self.sort(np.flatnonzero(self.x > -math.inf))

    def sort(self, ids: np.ndarray) -> None:
        ids = np.sort(ids[self.x[ids] > -math.inf])
        self.ids = ids[np.argsort(-self.x[ids], kind="stable")]

    def probabilities(self) -> np.ndarray:
        with np.errstate(under="ignore", over="ignore"):
            weights = np.exp((self.x[self.ids] - self.x[self.ids[0]]) / self.temperature)
        return weights / weights.sum()

    def at_least(self, floor: float) -> None:
        """Keep what isn't under a logit; the best always stays."""
        under = self.x[self.ids] - floor
        under[0] = math.inf
        clear(under[self.x[self.ids] < self.x[self.ids[0]]], 1e-9 * max(1.0, abs(floor), abs(self.x[self.ids[0]])))
        self.ids = self.ids[(under >= 0) | (self.x[self.ids] == self.x[self.ids[0]])]

    def logit_bias(self, table: dict[int, float]) -> None:
        for id, amount in table.items():
            self.x[id] += amount
        self.sort(self.ids)

    def penalties(self, history: list[int], repetition: float, presence: float, frequency: float) -> None:
        for id in set(history):
            value = self.x[id] / repetition if self.x[id] > 0 else self.x[id] * repetition
            self.x[id] = value - presence - frequency * history.count(id)
        self.sort(self.ids)

    def dry(self, history: list[int], multiplier: float, base: float, allowed: int) -> None:
        for id in range(self.size):
            before = [history[:place] for place in range(len(history)) if history[place] == id]
            longest = max((n for start in before for n in range(1, len(start) + 1) if start[-n:] == history[-n:]), default=0)
            self.x[id] -= multiplier * base ** (longest - allowed) if longest >= allowed else 0.0
        self.sort(self.ids)

    def top_k(self, k: int) -> None:
        self.ids = self.ids[:k]

    def top_p(self, part: float) -> None:
        reached = np.cumsum(self.probabilities())
        clear(reached - part, 1e-5)
        self.ids = self.ids[: int((reached < part).sum()) + 1]

    def min_p(self, part: float) -> None:
        self.at_least(self.x[self.ids[0]] + self.temperature * math.log(part))

    def typical_p(self, part: float) -> None:
        p = self.probabilities()
        with np.errstate(divide="ignore", invalid="ignore"):
            surprise = (self.x[self.ids[0]] - self.x[self.ids]) / self.temperature - math.log(p[0])
        far = np.abs(surprise - (p[p > 0] * surprise[p > 0]).sum())
        order = np.lexsort((self.ids, far))
        reached = np.cumsum(p[order])
        n = int((reached < part).sum()) + 1
        clear(reached - part, 1e-5)
        last = far[order[n - 1]]
        if len(np.unique(self.x[self.ids][np.abs(far - last) < 1e-5 * (1 + last)])) > 1:
            raise UnclearError  # only equals may be as far from the mean as the last that stays
        self.sort(self.ids[order[:n]])

    def top_n_sigma(self, n: float) -> None:
        self.at_least(self.x[self.ids[0]] - n * self.x[self.ids].std())

    def xtc(self, threshold: float) -> None:
        p = self.probabilities()
        clear(p - threshold, 1e-5 * threshold)
        self.ids = self.ids[max(0, int((p >= threshold).sum()) - 1) :]

    def mirostat(self, version: int, mu: float) -> None:
        p, n = self.probabilities(), len(self.ids)
        if version == 2:
            with np.errstate(divide="ignore"):
                surprise = -np.log2(p)
            clear(surprise - mu, 1e-4)
            self.ids = self.ids[: max(1, int((surprise <= mu).sum()))]
            return
        i = np.arange(1, min(100, n))
        t, b = np.log((i + 1) / i), np.minimum(-np.diff(self.x[self.ids[: len(i) + 1]]) / self.temperature, 1000)
        s = float((t * b).sum() / (t * t).sum()) if n > 1 else 0.0
        if s == 0:
            return
        clear(s - 1, 1e-4)
        clear(s, 1e-4)
        epsilon = s - 1
        log_k = (math.log(epsilon * 2**mu / (1 - n**-epsilon)) if abs(epsilon) < 50 else math.log(epsilon) + mu * math.log(2)) / s
        k = math.exp(min(log_k, 50))
        clear(math.remainder(k, 1) if k < n + 1 else 1, 1e-4 * k)
        self.ids = self.ids[: max(1, min(n, math.floor(k)))]


def defined(row: list[float], given: dict[str, Any], history: list[int], steps: list[str]) -> np.ndarray:
    """The distribution that the definitions say."""
    d, best = Definition(row), max(row)
    for step in steps:
        if step == "temperature" and "temperature" in given:
            if given["temperature"] == 0:
                d.top_k(1)
            d.temperature = given["temperature"] or 1.0
        elif step == "penalties" and "repetition_penalty" in given:
            d.penalties(history, given["repetition_penalty"], given.get("presence_penalty", 0.0), given.get("frequency_penalty", 0.0))
        elif step == "dry" and "dry_multiplier" in given:
            d.dry(history, given["dry_multiplier"], 1.75, given.get("dry_allowed_length", 2))
        elif step == "xtc" and "xtc_probability" in given:
            d.xtc(given["xtc_threshold"])
        elif step == "mirostat" and "mirostat" in given:
            d.mirostat(given["mirostat"], given["mirostat_mu"])
        elif step in given:
            getattr(d, step)(given[step])
        if step in ("logit_bias", "penalties", "dry") and best < 1e30:
            gaps = -np.diff(d.x[d.ids])
            clear(gaps[gaps != 0], 1e-9)  # the last place of what a step has changed doesn't order it
    found = np.zeros(d.size)
    found[d.ids] = d.probabilities()
    return found


EDGES = st.sampled_from([0.0, -0.0, 1.0, 1.0, 2.5, -math.inf, -math.inf, 5e-324, -1e-40, 700.0, -745.0])
SMOOTH = st.floats(-12, 12, width=32)
ROWS = st.one_of(
    st.lists(SMOOTH, min_size=1, max_size=70),
    st.lists(EDGES | SMOOTH, min_size=1, max_size=12),
    st.lists(st.integers(-4, 4).map(float), min_size=1, max_size=30),
    st.integers(0, 2**32 - 1).map(lambda seed: np.random.default_rng(seed).normal(0, 2.5, 255 + seed % 3).round(seed % 5 + 1).tolist()),
    st.lists(SMOOTH, min_size=1, max_size=40).map(sorted),
).filter(lambda row: max(row) > -math.inf)
VALUES: dict[str, Any] = {
    "temperature": st.sampled_from([0.0, 0.3, 0.8, 1.7]),
    "top_k": st.integers(1, 90),
    "top_p": st.floats(0.01, 0.99),
    "min_p": st.floats(1e-4, 0.9),
    "typical_p": st.floats(0.05, 0.95),
    "top_n_sigma": st.floats(0, 4),
    "xtc_probability": st.just(1.0),
    "mirostat": st.integers(1, 2),
    "repetition_penalty": st.sampled_from([0.7, 1.3, 2.0]),
    "dry_multiplier": st.floats(0.1, 2),
}
WITH = {
    "xtc_probability": {"xtc_threshold": st.floats(0.005, 0.6)},
    "mirostat": {"mirostat_mu": st.floats(0.1, 9)},
    "repetition_penalty": {"presence_penalty": st.floats(-1, 1), "frequency_penalty": st.floats(-1, 1)},
    "dry_multiplier": {"dry_allowed_length": st.integers(1, 3)},
}


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[float], dict[str, Any], list[int]]:
    row = draw(ROWS)
    given = draw(st.fixed_dictionaries({}, optional=VALUES))
    for name, more in WITH.items():
        given |= draw(st.fixed_dictionaries(more)) if name in given else {}
    if draw(st.booleans()):
        given["logit_bias"] = draw(st.dictionaries(st.integers(0, len(row) - 1), st.floats(-5, 5), max_size=3))
    return row, given, draw(st.lists(st.integers(0, min(len(row) - 1, 4)), max_size=12))


def check(toklet: Any, case: tuple[list[float], dict[str, Any], list[int]], order: Any, steps: list[str]) -> None:
    row, given, history = case
    try:
        expected = defined(row, given, history, steps)
    except UnclearError:
        assume(False)
    found = toklet.Sampler(**given, order=order, seed=1).distribution(np.array(row), history=history).astype(np.float64)
    assert (found > 1e-30).tolist() == (expected > 1e-30).tolist()
    np.testing.assert_allclose(found, expected, rtol=2e-5, atol=1e-12)


HUGE = [3e38, -3e38, 3e38]
TINY = [0.0, 5e-324, -0.0, -5e-324]


@pytest.mark.parametrize(
    ("row", "given", "kept"),
    [
        (HUGE, {"top_k": 1}, [0]),
        (HUGE, {"top_k": 2}, [0, 2]),
        (HUGE, {"top_p": 0.5}, [0]),
        (HUGE, {"top_p": 0.51}, [0, 2]),
        (HUGE, {"min_p": 1e-300}, [0, 2]),
        (HUGE, {"typical_p": 0.4}, [0]),
        (HUGE, {"top_n_sigma": 0.0}, [0, 2]),
        (HUGE, {"temperature": 1e38, "top_n_sigma": 2.1}, [0, 2]),  # a standard deviation is 2.83e38
        (HUGE, {"temperature": 1e38, "top_n_sigma": 2.2}, [0, 1, 2]),
        (HUGE, {"xtc_probability": 1.0, "xtc_threshold": 0.3}, [2]),
        (HUGE, {"mirostat": 2, "mirostat_mu": 1.1}, [0, 2]),
        (HUGE, {"temperature": 1e38, "min_p": 0.003}, [0, 2]),  # e**-6 is 0.0025
        (HUGE, {"temperature": 1e38, "min_p": 0.002}, [0, 1, 2]),
        (TINY, {"top_k": 1}, [1]),
        (TINY, {"top_k": 3}, [0, 1, 2]),
        (TINY, {"top_p": 0.5}, [0, 1]),
        (TINY, {"min_p": 1.0}, [1]),
        (TINY, {"xtc_probability": 1.0, "xtc_threshold": 0.2}, [3]),
        (TINY, {"mirostat": 2, "mirostat_mu": 2.1}, [0, 1, 2, 3]),
        ([-math.inf, 1.0, -math.inf], {"top_p": 0.1, "typical_p": 0.1, "top_n_sigma": 0.0, "mirostat": 1, "xtc_probability": 1.0}, [1]),
        ([-math.inf, math.inf, math.inf, 0.0], {"top_k": 3, "typical_p": 0.9, "top_n_sigma": 1.0, "mirostat": 2, "xtc_probability": 1.0}, [1]),
    ],
)
def test_the_ends_of_the_range_are_logits_like_others(toklet: Any, row: list[float], given: dict[str, Any], kept: list[int]) -> None:
    assert np.flatnonzero(toklet.Sampler(**given, seed=1).distribution(np.array(row))).tolist() == kept


@pytest.mark.parametrize("order", ORDERS)
@settings(suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(case=cases())
def test_the_named_orders_are_those_of_the_definitions(toklet: Any, order: str, case: tuple[list[float], dict[str, Any], list[int]]) -> None:
    check(toklet, case, order, ORDER[order].split())


@settings(suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow], max_examples=150)
@given(case=cases(), order=st.permutations(STEPS))
def test_every_order_is_that_of_its_definitions(toklet: Any, case: tuple[list[float], dict[str, Any], list[int]], order: list[str]) -> None:
    check(toklet, case, order, order)
