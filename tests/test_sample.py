"""Logits -> id: which ids may be drawn, how often each is, and that a draw depends on nothing but the row, the seed and the position."""

import math
import pickle
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from . import strategies

ROW = [2.0, 1.0, 0.5, 1.0, -1.0, 3.0, -math.inf, 0.0]


def textbook(row: list[float], temperature: float, top_k: int | None, top_p: float | None, min_p: float | None) -> np.ndarray:
    """Temperature, then top-k, then top-p, then min-p, each on what the one before left; in numpy's own arithmetic."""
    x = np.array(row, np.float64)
    if temperature == 0:
        p = np.zeros(len(x))
        p[int(np.argmax(x))] = 1
        return p
    with np.errstate(under="ignore", over="ignore"):
        weights = np.exp((x - x.max()) / temperature)
    order = np.argsort(-weights, kind="stable")[:top_k]
    if top_p is not None:
        reached = np.cumsum(weights[order]) / weights[order].sum()
        order = order[: int(np.searchsorted(reached, top_p)) + 1]
    if min_p is not None:
        order = order[weights[order] >= min_p * weights[order[0]]]
    p = np.zeros(len(x))
    p[order] = weights[order] / weights[order].sum()
    return p


NORMAL = st.lists(st.integers(-40, 40).map(lambda n: n / 8 + 1 / 64), min_size=1, max_size=20)


@given(
    row=NORMAL,
    temperature=st.sampled_from([0.0, 0.25, 0.5, 1.0, 2.0]),
    top_k=st.none() | st.integers(1, 25),
    top_p=st.none() | st.sampled_from([0.1, 0.37, 0.61, 0.93]),
    min_p=st.none() | st.sampled_from([0.0, 0.03, 0.21, 0.87]),
)
def test_the_distribution_is_that_of_the_definition(
    toklet: Any, row: list[float], temperature: float, top_k: int | None, top_p: float | None, min_p: float | None
) -> None:
    found = toklet.Sampler(temperature, top_k, top_p, min_p, seed=1).distribution(row)
    expected = textbook(row, temperature, top_k, top_p, min_p)
    assert found.dtype == np.float32
    assert (found > 0).tolist() == (expected > 0).tolist()
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@given(row=strategies.logits(infinite=True), settings=strategies.settings_of_samplers())
def test_a_distribution_adds_up_to_one_and_keeps_the_best(toklet: Any, row: list[float], settings: dict[str, Any]) -> None:
    p = toklet.Sampler(**settings).distribution(row)
    assert abs(p.sum(dtype=np.float64) - 1) < 1e-5
    assert p[int(np.argmax(row))] > 0
    assert all(p[id] == 0 for id, x in enumerate(row) if x == -math.inf)
    if settings["top_k"]:
        assert (p > 0).sum() <= settings["top_k"]


@given(row=strategies.logits(infinite=True), settings=strategies.settings_of_samplers(), position=st.integers(0, 2**64 - 1))
def test_what_is_drawn_has_a_probability(toklet: Any, row: list[float], settings: dict[str, Any], position: int) -> None:
    sampler = toklet.Sampler(**settings)
    id = sampler.sample(row, position)
    assert type(id) is int
    exact = sampler._core.distribution(np.array([row], np.float64), [position])
    exact = np.frombuffer(exact) if isinstance(exact, bytearray) else np.array(exact)
    assert exact[id] > 0


@pytest.mark.parametrize(
    ("settings", "kept"),
    [
        ({"top_k": 1}, [5]),
        ({"top_k": 3}, [0, 1, 5]),  # 1 and 3 are equal: the lower id comes first
        ({"top_k": 4}, [0, 1, 3, 5]),
        ({"top_k": 100}, [0, 1, 2, 3, 4, 5, 7]),  # what is -inf is never kept
        ({"top_p": 5e-324}, [5]),
        ({"top_p": 1.0}, [0, 1, 2, 3, 4, 5, 7]),
        ({"min_p": 1.0}, [5]),
        ({"min_p": 0.0}, [0, 1, 2, 3, 4, 5, 7]),
        ({"temperature": 0}, [5]),
        ({"temperature": 0, "top_k": 3, "top_p": 0.9}, [5]),
        ({"temperature": 1e-300}, [5]),
        ({"temperature": 5e-324}, [5]),
        ({"top_k": 3, "top_p": 0.8}, [0, 5]),  # 0.665 + 0.245 of the three that top-k left
        ({"top_p": 0.8, "top_k": None}, [0, 1, 5]),
        ({}, [0, 1, 2, 3, 4, 5, 7]),
    ],
)
def test_known_settings_keep_known_ids(toklet: Any, settings: dict[str, Any], kept: list[int]) -> None:
    assert np.flatnonzero(toklet.Sampler(**settings).distribution(ROW)).tolist() == kept


@pytest.mark.parametrize(("p", "n"), [(0.25, 1), (0.2500001, 2), (0.5, 2), (0.75, 3), (0.7500001, 4), (1.0, 4)])
def test_a_nucleus_that_reaches_p_exactly_is_large_enough(toklet: Any, p: float, n: int) -> None:
    assert np.flatnonzero(toklet.Sampler(top_p=p).distribution([1.0] * 4)).tolist() == list(range(n))


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ([0.0], [1]),
        ([-1e30], [1]),
        ([-0.0, 0.0], [0.5, 0.5]),
        ([0.0, -math.inf], [1, 0]),
        ([math.inf, 1.0], [1, 0]),
        ([1.0, math.inf, math.inf], [0, 1, 0]),
        ([math.inf, -math.inf], [1, 0]),
        ([1e30, 1e30, 0.0], [0.5, 0.5, 0]),
        ([-1e30, 0.0], [0, 1]),
        ([5e-324, 0.0], [0.5, 0.5]),
        ([1.7e308, -1.7e308], [1, 0]),
        ([0.0, -745.0], [1, 0]),
        ([0.0] * 1000, [0.001] * 1000),
    ],
)
def test_rows_at_the_edge_have_the_distribution_that_they_say(toklet: Any, row: list[float], expected: list[float]) -> None:
    np.testing.assert_allclose(toklet.Sampler().distribution(np.array(row, np.float64)), expected, rtol=1e-6)
    assert expected[toklet.Sampler(seed=5).sample(np.array(row, np.float64))] > 0


def test_temperature_zero_takes_the_first_of_the_largest(toklet: Any) -> None:
    greedy = toklet.Sampler(temperature=0)
    assert greedy.sample([0.1, 2.0, 2.0]) == 1
    assert greedy.sample([[-0.0, 0.0], [0.0, -0.0], [1.0, 2.0]]).tolist() == [0, 0, 1]
    assert greedy.sample([math.inf, math.inf]) == 0


def test_temperature_divides_the_logits(toklet: Any) -> None:
    row = np.array(ROW)
    for temperature in (0.5, 2.0, 4.0):
        np.testing.assert_array_equal(toklet.Sampler(temperature=temperature).distribution(row), toklet.Sampler().distribution(row / temperature))


def test_a_draw_depends_on_the_row_the_seed_and_the_position_alone(toklet: Any) -> None:
    rng = np.random.default_rng(3)
    rows, positions = rng.normal(size=(40, 50)), rng.integers(0, 2**63, 40)
    sampler = toklet.Sampler(temperature=0.9, top_p=0.95, seed=2**64 - 1)
    ids = sampler.sample(rows, positions)
    assert ids.dtype == np.int64
    assert ids.shape == (40,)
    for i in rng.permutation(40):
        assert sampler.sample(rows[i], int(positions[i])) == ids[i]
        assert toklet.Sampler(temperature=0.9, top_p=0.95, seed=2**64 - 1).sample(rows[i : i + 1], positions[i : i + 1]).tolist() == [ids[i]]
    order = rng.permutation(40)
    assert sampler.sample(rows[order], positions[order]).tolist() == ids[order].tolist()


def test_seeds_and_positions_give_other_draws(toklet: Any) -> None:
    flat = [0.0] * 1000
    by_position = {toklet.Sampler(seed=1).sample(flat, position=n) for n in [*range(40), *(2**k for k in range(6, 64))]}
    by_seed = {toklet.Sampler(seed=n).sample(flat) for n in [*range(40), *(2**k for k in range(6, 64))]}
    assert min(len(by_position), len(by_seed)) > 80


def test_rows_of_one_position_are_drawn_alike(toklet: Any) -> None:
    ids = toklet.Sampler(seed=4).sample(np.zeros((5, 100)), position=9)
    assert len(set(ids.tolist())) == 1


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, list])
def test_logits_may_be_of_any_width(toklet: Any, kind: Any) -> None:
    rows = np.array([[1.0, 2.5, -3.0], [0.5, 0.25, -math.inf]])
    given = rows.tolist() if kind is list else rows.astype(kind)
    sampler = toklet.Sampler(seed=1)
    np.testing.assert_array_equal(sampler.distribution(given), sampler.distribution(rows))
    assert sampler.sample(given, position=[3, 4]).tolist() == sampler.sample(rows, position=[3, 4]).tolist()


def test_logits_may_be_any_view_of_an_array(toklet: Any) -> None:
    rows = np.random.default_rng(1).normal(size=(6, 10))
    sampler = toklet.Sampler(seed=1)
    for view in (rows[::2], rows[:, ::-1], rows.T, rows[::-1, 1::3]):
        np.testing.assert_array_equal(sampler.distribution(view), sampler.distribution(view.copy()))
        assert sampler.sample(view).tolist() == sampler.sample(view.copy()).tolist()
    rows.flags.writeable = False
    assert sampler.sample(rows).shape == (6,)


def test_no_rows_give_no_ids(toklet: Any) -> None:
    assert toklet.Sampler(seed=1).sample(np.empty((0, 5))).shape == (0,)
    assert toklet.Sampler(seed=1).distribution(np.empty((0, 5))).shape == (0, 5)


def test_without_a_seed_the_system_gives_one_that_can_be_read(toklet: Any) -> None:
    one, other = toklet.Sampler(), toklet.Sampler()
    assert one.seed != other.seed
    again = toklet.Sampler(seed=one.seed)
    assert [again.sample([0.0] * 99, n) for n in range(9)] == [one.sample([0.0] * 99, n) for n in range(9)]
    assert toklet.Sampler(seed=0).seed == 0
    assert f"seed={one.seed}" in repr(one)


def test_settings_and_positions_may_be_numpys_numbers(toklet: Any) -> None:
    plain = toklet.Sampler(temperature=0.5, top_k=3, top_p=0.5, min_p=0.25, seed=3)
    for whole in (np.int64, np.uint8):
        for real in (np.float16, np.float32, np.float64):
            sampler = toklet.Sampler(temperature=real(0.5), top_k=whole(3), top_p=real(0.5), min_p=real(0.25), seed=whole(3))
            assert [sampler.sample(ROW, whole(n)) for n in range(20)] == [plain.sample(ROW, n) for n in range(20)]
            assert toklet.softmax(ROW, real(0.5)).tolist() == toklet.softmax(ROW, 0.5).tolist()


def test_a_sampler_pickles(toklet: Any) -> None:
    sampler = toklet.Sampler(temperature=0.8, top_k=40, top_p=0.9, min_p=0.01)
    again = pickle.loads(pickle.dumps(sampler))
    assert repr(again) == repr(sampler)
    assert [again.sample(ROW, n) for n in range(20)] == [sampler.sample(ROW, n) for n in range(20)]


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"temperature": 0.7},
        {"temperature": 2.5},
        {"top_k": 4},
        {"top_p": 0.9},
        {"min_p": 0.1},
        {"temperature": 1.3, "top_k": 6, "top_p": 0.95, "min_p": 0.02},
    ],
)
def test_ids_are_drawn_as_often_as_the_distribution_says(toklet: Any, settings: dict[str, Any]) -> None:
    """Pearson's chi-square; over 50 for at most 7 degrees of freedom has a probability under 2e-8. The seed is fixed, so the test doesn't vary."""
    draws = 50_000 if toklet.backend == "native" else 5_000
    sampler = toklet.Sampler(seed=20, **settings)
    row = np.array(ROW)
    found = Counter(sampler.sample(np.broadcast_to(row, (draws, len(row))), np.arange(draws)).tolist())
    expected = sampler.distribution(row).astype(np.float64) * draws
    assert {id for id, n in enumerate(expected) if n == 0}.isdisjoint(found)
    assert sum((found[id] - n) ** 2 / n for id, n in enumerate(expected) if n) < 50


def test_neighbouring_positions_and_seeds_are_drawn_independently(toklet: Any) -> None:
    """Pairs of draws at neighbouring positions, and with neighbouring seeds, are as often as independent ones: chi-square of 15 degrees of freedom."""
    n = 20_000 if toklet.backend == "native" else 4_000
    flat = np.zeros((n, 4))
    one, other = (toklet.Sampler(seed=seed).sample(flat, np.arange(n)) for seed in (7, 8))
    for pairs in (zip(one[::2].tolist(), one[1::2].tolist(), strict=True), zip(one.tolist(), other.tolist(), strict=True)):
        found = Counter(pairs)
        mean = found.total() / 16
        assert sum((found[a, b] - mean) ** 2 / mean for a in range(4) for b in range(4)) < 65


@pytest.mark.slow
def test_a_masked_id_is_never_drawn_in_a_hundred_thousand(toklet: Any) -> None:
    row = np.zeros(256)
    row[::2] = -math.inf
    ids = toklet.Sampler(seed=9).sample(np.broadcast_to(row, (100_000, 256)), np.arange(100_000))
    assert set((ids % 2).tolist()) == {1}
    assert len(set(ids.tolist())) == 128


KNOWN_ANSWERS = [  # of Random123, kat_vectors: philox4x32 10
    ((0,) * 4, (0,) * 2, "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ((0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344), (0xA4093822, 0x299F31D0), "d16cfe09 94fdcceb 5001e420 24126ea1"),
]


@pytest.mark.parametrize(("counter", "key", "answer"), KNOWN_ANSWERS)
def test_the_bits_are_those_of_the_published_generator(toklet: Any, counter: tuple[int, ...], key: tuple[int, ...], answer: str) -> None:
    assert " ".join(f"{word:08x}" for word in toklet.reference.philox.philox(counter, key)) == answer


@given(seed=st.integers(0, 2**64 - 1), position=st.integers(0, 2**64 - 1))
def test_a_flat_row_shows_the_uniform_number_of_the_seed_and_the_position(toklet: Any, seed: int, position: int) -> None:
    u = toklet.reference.philox.uniform(seed, position, 0)
    assert 0 < u < 1
    assert toklet.Sampler(seed=seed).sample(np.zeros(4096), position) == int(u * 4096)
