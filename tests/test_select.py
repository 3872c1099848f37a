"""Which ids stay: every step, in every order, against the set that its definition gives in double precision."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from .strategies import ORDERS, STEPS

ORDER = {
    "hf": "temperature top_k top_p min_p typical_p top_n_sigma",
    "vllm": "temperature min_p top_k top_p typical_p top_n_sigma",
    "llama.cpp": "top_n_sigma top_k typical_p top_p min_p temperature",
    "mlx": "top_n_sigma typical_p top_p min_p top_k temperature",
    "openai": "temperature top_p top_k min_p typical_p top_n_sigma",
}


def probabilities(x: np.ndarray, ids: np.ndarray, temperature: float) -> np.ndarray:
    with np.errstate(under="ignore"):
        weights = np.exp((x[ids] - x[ids].max()) / temperature)
    return weights / weights.sum()


def reaching(p: np.ndarray, part: float) -> int:
    return int(np.searchsorted(np.cumsum(p), part - 1e-12)) + 1


def chosen(row: list[float], settings: dict[str, float], steps: list[str]) -> list[int]:
    """The ids that stay, straight from the definitions, in a stable order by falling value."""
    x, temperature = np.array(row, np.float64), 1.0
    ids = np.array([id for id in np.argsort(-x, kind="stable") if x[id] > -math.inf])
    for step in steps:
        value = settings.get(step)
        if value is None:
            continue
        p, best = probabilities(x, ids, temperature), x[ids[0]]
        if step == "temperature":
            temperature = value or 1.0
            ids = ids if value else ids[:1]
        elif step == "top_k":
            ids = ids[: int(value)]
        elif step == "top_p":
            ids = ids[: reaching(p, value)]
        elif step == "min_p":
            ids = ids[p >= value * p[0] * (1 - 1e-9)]
        elif step == "top_n_sigma":
            ids = ids[x[ids] >= best - value * x[ids].std() - 1e-9]
        elif step == "typical_p":
            far = np.abs(-np.log(p) + (p * np.log(p)).sum())
            nearest = np.lexsort((ids, far.round(9)))
            ids = ids[np.sort(nearest[: reaching(p[nearest], value)])]
    return sorted(ids.tolist())


def distinct(values: list[int]) -> list[float]:
    """Logits whose sums of probabilities hardly come near a round threshold."""
    return [value / 8 + (value * value % 89) / 7919 for value in values]


ROWS = st.lists(st.integers(-60, 60), min_size=1, max_size=70).map(distinct) | st.lists(st.integers(-90, 90), min_size=255, max_size=257).map(distinct)
VALUES = {
    "temperature": st.sampled_from([0.0, 0.37, 0.7, 1.3, 2.9]),
    "top_k": st.integers(1, 300),
    "top_p": st.sampled_from([0.0137, 0.2971, 0.6113, 0.9091, 0.9877]),
    "min_p": st.sampled_from([0.00313, 0.0371, 0.2113, 0.8711]),
    "top_n_sigma": st.sampled_from([0.0, 0.377, 0.913, 1.871, 3.119]),
    "typical_p": st.sampled_from([0.0917, 0.4133, 0.8719]),
}


@pytest.mark.parametrize("order", ORDER)
@given(row=ROWS, settings=st.fixed_dictionaries({}, optional=VALUES))
def test_the_named_orders_keep_what_the_definitions_say(toklet: Any, order: str, row: list[float], settings: dict[str, float]) -> None:
    found = np.flatnonzero(toklet.Sampler(**settings, order=order, seed=1).distribution(row)).tolist()
    assert found == chosen(row, settings, ORDER[order].split())


@given(row=ROWS, settings=st.fixed_dictionaries({}, optional=VALUES), order=st.permutations(STEPS))
def test_any_order_keeps_what_the_definitions_say(toklet: Any, row: list[float], settings: dict[str, float], order: list[str]) -> None:
    found = np.flatnonzero(toklet.Sampler(**settings, order=order, seed=1).distribution(row)).tolist()
    assert found == chosen(row, settings, order)


@pytest.mark.parametrize("step", [name for name in VALUES if name != "temperature"])
@pytest.mark.parametrize("size", [1_000, 3_001])
def test_each_step_alone_on_long_rows(toklet: Any, step: str, size: int) -> None:
    rng = np.random.default_rng(size)
    values = {"top_k": (7, 300, 2_999), "top_p": (0.5131, 0.9313), "min_p": (0.0517,), "top_n_sigma": (0.613, 2.117), "typical_p": (0.3119, 0.9117)}
    for row in (rng.normal(size=size) * 2, np.sort(rng.normal(size=size)), np.sort(rng.normal(size=size) * 5)[::-1], rng.normal(size=size) * 9):
        row[rng.random(size) < 0.2] = -np.inf
        for value in values[step]:
            found = np.flatnonzero(toklet.Sampler(**{step: value}, seed=1).distribution(row)).tolist()
            assert found == chosen(row.tolist(), {step: value}, [step])


@pytest.mark.parametrize(("p", "n"), [(0.2, 52), (0.5, 128), (0.50001, 129), (1.0, 256)])
def test_of_equals_the_lower_ids_stay(toklet: Any, p: float, n: int) -> None:
    assert np.flatnonzero(toklet.Sampler(top_p=p).distribution([2.0] * 256)).tolist() == list(range(n))
    assert np.flatnonzero(toklet.Sampler(top_k=n).distribution([-0.0, 0.0] * 128)).tolist() == list(range(n))


def test_where_the_temperature_stands_changes_what_is_kept(toklet: Any) -> None:
    kept = {order: np.flatnonzero(toklet.Sampler(0.5, top_p=0.8, order=order).distribution([3.0, 2.0, 1.0])).tolist() for order in ORDERS}
    assert kept == {"hf": [0], "vllm": [0], "openai": [0], "llama.cpp": [0, 1], "mlx": [0, 1]}


def test_xtc_leaves_out_all_top_choices_but_the_last(toklet: Any) -> None:
    row = np.log([0.4, 0.3, 0.2, 0.06, 0.04])
    for threshold, kept in ((0.1, [2, 3, 4]), (0.25, [1, 2, 3, 4]), (0.35, [0, 1, 2, 3, 4]), (0.0, [4]), (1.0, [0, 1, 2, 3, 4])):
        found = toklet.Sampler(xtc_probability=1, xtc_threshold=threshold).distribution(row)
        assert np.flatnonzero(found).tolist() == kept
    sampler = toklet.Sampler(xtc_probability=0.25, xtc_threshold=0.1, seed=3)
    times = sum(sampler.distribution(row, position=n)[0] == 0 for n in range(2_000))
    assert abs(times - 500) < 100  # five standard deviations


def test_mirostat_2_cuts_at_a_surprise(toklet: Any) -> None:
    p = np.array([0.5, 0.25, 0.125, 0.0625, 0.0625])
    for mu, kept in ((0.5, 1), (1.01, 1), (2.01, 2), (3.01, 3), (4.01, 5), (-3.0, 1), (99.0, 5)):
        assert (toklet.Sampler(mirostat=2, mirostat_mu=mu).distribution(np.log(p)) > 0).sum() == kept


def test_mirostat_1_keeps_what_its_formula_says(toklet: Any) -> None:
    for s in (0.7, 1.0, 1.3, 2.0):
        row = -s * np.log(np.arange(1, 5_001))  # Zipf's law itself
        for mu in (2.0, 4.0, 6.0):
            epsilon = s - 1
            k = 2**mu / math.log(5_000) if s == 1 else (epsilon * 2**mu / (1 - 5_000**-epsilon)) ** (1 / s)
            found = int((toklet.Sampler(mirostat=1, mirostat_mu=mu).distribution(row) > 0).sum())
            assert abs(found - max(1, math.floor(k))) <= 1


@pytest.mark.parametrize("mirostat", [1, 2])
def test_mirostat_holds_the_surprise_near_its_target(toklet: Any, mirostat: int) -> None:
    row = -1.1 * np.log(np.arange(1, 501))
    sampler, surprises = toklet.Sampler(mirostat=mirostat, mirostat_tau=3.0, mirostat_eta=0.1, seed=5), []
    for n in range(400):
        id = sampler.sample(row, position=n)
        surprises.append(-math.log2(sampler.distribution(row)[id]))
        sampler = sampler.observed(row, id, position=n)
    assert abs(np.mean(surprises[100:]) - 3) < 0.5


@pytest.mark.parametrize("name", ["top_k", "top_p", "min_p", "typical_p", "top_n_sigma", "mirostat"])
def test_a_parameter_whose_step_is_not_in_the_order_is_refused(toklet: Any, name: str) -> None:
    with pytest.raises(toklet.ArgumentError, match=f"order is without '{name}'"):
        toklet.Sampler(**{name: 1 if name in ("top_k", "mirostat") else 0.5}, order=["temperature"])
    toklet.Sampler(temperature=0.5, order=["temperature"])


def test_an_infinite_best_stays_whatever_the_floor_under_it(toklet: Any) -> None:
    hot = toklet.Sampler(temperature=1e10, mirostat=2, mirostat_mu=1e300, seed=0)
    assert hot.sample([0.0, math.inf], mask=[False, True]) == 1
    assert hot.distribution([0.0, math.inf, math.inf]).tolist() == [0.0, 1.0, 0.0]


def test_an_infinite_best_is_alone_before_xtc_has_tossed_its_coin(toklet: Any) -> None:
    steps = toklet.Sampler(xtc_probability=1e-300, logit_bias={1: -math.inf}, order=["xtc", "logit_bias"], seed=0)
    with pytest.raises(toklet.LogitsError, match="-inf at every id"):
        steps.sample([0.0, math.inf])


@pytest.mark.parametrize("threshold", [0.0, 1e-5, 1.0 / 3_000])
def test_xtc_leaves_the_last_of_thousands(toklet: Any, threshold: float) -> None:
    row = np.zeros(3_000, np.float32)
    kept = np.flatnonzero(toklet.Sampler(xtc_probability=1, xtc_threshold=threshold, seed=0).distribution(row))
    assert kept.tolist() == [2_999]
