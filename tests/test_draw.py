"""How often each id is drawn, and that a draw depends on nothing but its row, its settings, its seed and its position."""

import math
import pickle
from typing import Any

import numpy as np
import pytest

from .strategies import ORDERS

SIZE = 1_000
USUAL = {"temperature": 0.9, "top_k": 300, "top_p": 0.97, "min_p": 0.001}
PRESETS = [
    *({**USUAL, "order": order} for order in ORDERS),
    {},
    {"temperature": 2.0},
    {"top_k": 100},
    {"top_p": 0.9},
    {"min_p": 0.01},
    {"typical_p": 0.9},
    {"top_n_sigma": 1.5},
    {"xtc_probability": 1.0, "xtc_threshold": 0.01},
    {"mirostat": 1, "mirostat_tau": 5.0},
    {"mirostat": 2, "mirostat_tau": 4.0},
    {"repetition_penalty": 1.5, "frequency_penalty": 0.3},
    {"logit_bias": {3: 4.0, 5: -math.inf}},
]


def row_of(size: int, seed: int = 0) -> np.ndarray:
    return (np.random.default_rng(seed).normal(size=size) * 1.5).astype(np.float32)


def many(toklet: Any, sampler: Any, row: np.ndarray, n: int, start: int = 0, **context: Any) -> np.ndarray:
    """The ids of n positions."""
    if context:
        context = {name: [value] * n if name == "history" else value for name, value in context.items()}
    ids: np.ndarray = sampler.sample(np.broadcast_to(row, (n, len(row))), np.arange(start, start + n), **context)
    return ids


def chi_square(found: np.ndarray, p: np.ndarray) -> float:
    """How many standard deviations Pearson's statistic is from what it is for draws from p; ids that are expected less than ten times count as one."""
    expected = p * found.sum()
    order = np.argsort(-expected, kind="stable")
    large = int((expected >= 10).sum())
    bins = [*zip(found[order[:large]], expected[order[:large]], strict=True)]
    if expected[order[large:]].sum() >= 1:
        bins.append((found[order[large:]].sum(), expected[order[large:]].sum()))
    assert found[p == 0].sum() == 0
    degrees = max(len(bins) - 1, 1)
    return float((sum((n - mean) ** 2 / mean for n, mean in bins) - degrees) / math.sqrt(2 * degrees))


@pytest.mark.parametrize("settings", PRESETS, ids=repr)
def test_ids_are_drawn_as_often_as_the_distribution_says(toklet: Any, settings: dict[str, Any]) -> None:
    """The statistic is within 4.5 standard deviations; the seed is fixed, so the test doesn't vary."""
    n = 200_000 if toklet.backend == "native" else 300
    sampler, row = toklet.Sampler(**settings, seed=11), row_of(SIZE)
    context = {"history": [1, 2, 3, 3]} if "repetition_penalty" in settings else {}
    found = np.bincount(many(toklet, sampler, row, n, **context), minlength=SIZE)
    p = sampler.distribution(row, **context).astype(np.float64)
    assert chi_square(found, p / p.sum()) < 4.5


@pytest.mark.slow
def test_every_id_of_a_large_vocabulary_is_drawn(toklet: Any) -> None:
    """Of a flat row each is expected 20 times: none may be missing (probability 2e-9 each), none may come 70 times."""
    size, found = 262_144, np.zeros(262_144, np.int64)
    sampler, row = toklet.Sampler(seed=12), np.zeros(size, np.float32)
    for start in range(0, 20 * size, size // 4):
        found += np.bincount(many(toklet, sampler, row, size // 4, start), minlength=size)
    assert found.min() > 0
    assert found.max() < 70
    assert abs((found - 20).astype(np.float64).var() / 20 - 1) < 0.02


@pytest.mark.slow
def test_no_masked_id_is_drawn_in_a_hundred_million(toklet: Any) -> None:
    rng = np.random.default_rng(1)
    row = rng.normal(size=256).astype(np.float32) * 4
    allowed = rng.random(256) < 0.5
    masked = np.where(allowed, row, -np.inf).astype(np.float32)
    samplers = [toklet.Sampler(seed=13), toklet.Sampler(3.0, seed=14), toklet.Sampler(top_p=0.99, seed=15), toklet.Sampler(1.5, top_k=200, seed=16)]
    n, drawn = 500_000, 0
    for turn in range(50):
        for sampler in samplers:
            found = np.bincount(many(toklet, sampler, masked, n, turn * n), minlength=256)
            drawn += int(found.sum())
            assert found[~allowed].sum() == 0
    assert drawn == 100_000_000


@pytest.mark.parametrize("what", ["positions", "seeds", "rows"])
def test_neighbours_are_independent(toklet: Any, what: str) -> None:
    """Pairs of draws at neighbouring positions, with neighbouring seeds, in neighbouring rows: as often as independent ones, by chi-square of 63 degrees."""
    n, size = (40_000, 8) if toklet.backend == "native" else (3_000, 8)
    flat = np.zeros(size, np.float32)
    if what == "positions":
        ids = many(toklet, toklet.Sampler(seed=17), flat, n)
    elif what == "seeds":
        ids = toklet.Sampler(seed=np.arange(n, dtype=np.uint64)).sample(np.broadcast_to(flat, (n, size)), 5)
    else:
        ids = many(toklet, toklet.Sampler(seed=18), np.random.default_rng(3).normal(size=size).astype(np.float32) * 1e-3, n)
    for lag in (1, 2, 7):
        pairs = np.bincount(ids[lag:] * size + ids[:-lag], minlength=size * size)
        mean = pairs.sum() / size**2
        assert ((pairs - mean) ** 2 / mean).sum() < 63 + 5 * math.sqrt(126)


def test_the_random_numbers_are_uniform(toklet: Any) -> None:
    """Kolmogorov's distance of 20,000 numbers is under 2 / sqrt(n), which true ones exceed with a probability of 0.0007."""
    uniform = toklet.reference.philox.uniform
    for purpose in range(4):
        found = np.sort([uniform(19, position, purpose) for position in range(5_000)])
        assert np.abs(found - (np.arange(5_000) + 0.5) / 5_000).max() < 2 / math.sqrt(5_000)


@pytest.mark.parametrize("settings", PRESETS[:12], ids=repr)
def test_a_draw_depends_on_nothing_else(toklet: Any, settings: dict[str, Any]) -> None:
    rng = np.random.default_rng(20)
    rows, positions = (rng.normal(size=(24, 600)) * 3).astype(np.float32), rng.integers(0, 2**63, 24)
    sampler = toklet.Sampler(**settings, seed=21)
    ids, order = sampler.sample(rows, positions), rng.permutation(24)
    assert sampler.sample(rows[order], positions[order]).tolist() == ids[order].tolist()
    assert [sampler.sample(row, int(position)) for row, position in zip(rows, positions, strict=True)] == ids.tolist()
    padded = np.full((24, 1_300), -np.inf, np.float32)
    padded[:, :600] = rows
    assert sampler.sample(padded, positions).tolist() == ids.tolist()
    assert sampler.sample(padded[:, :600], positions).tolist() == ids.tolist()
    assert sampler.sample(padded[::-1, :700], positions[::-1])[::-1].tolist() == ids.tolist()
    assert sampler.sample(rows.astype(np.float64), positions).tolist() == ids.tolist()


@pytest.mark.slow
def test_threads_change_nothing(toklet: Any) -> None:
    """So many logits that rows are shared out over the processor's cores."""
    rows = (np.random.default_rng(22).normal(size=(40, 60_000)) * 3).astype(np.float32)
    for settings in ({}, {"top_p": 0.9}, {"top_k": 50}, {"typical_p": 0.9}):
        sampler = toklet.Sampler(**settings, seed=23)
        ids = sampler.sample(rows, np.arange(40))
        assert ids.tolist() == [sampler.sample(row, n) for n, row in enumerate(rows)]
    rows[31, 7] = rows[33, 9] = np.nan
    with pytest.raises(toklet.LogitsError, match="logit 7 of row 31 is NaN"):
        toklet.Sampler().sample(rows)


def test_parameters_may_be_those_of_each_row(toklet: Any) -> None:
    n, rng = 12, np.random.default_rng(24)
    rows = (rng.normal(size=(n, 300)) * 3).astype(np.float32)
    columns = {
        "temperature": rng.uniform(0, 2, n).round(1),
        "top_k": rng.integers(1, 50, n),
        "top_p": rng.uniform(0.1, 1, n),
        "seed": rng.integers(0, 2**63, n).astype(np.uint64),
        "repetition_penalty": rng.uniform(1, 2, n).astype(np.float32),
    }
    histories = [rng.integers(0, 300, 5).tolist() for _ in range(n)]
    sampler = toklet.Sampler(**columns, min_p=0.001)
    ids = sampler.sample(rows, np.arange(n), histories)
    for i in range(n):
        alone = toklet.Sampler(**{name: column[i].item() for name, column in columns.items()}, min_p=0.001)
        assert alone.sample(rows[i], i, histories[i]) == ids[i]
        np.testing.assert_array_equal(alone.distribution(rows[i], history=histories[i]), sampler.distribution(rows, history=histories)[i])
    assert sampler.seed == columns["seed"].tolist()
    with pytest.raises(toklet.ArgumentError, match="the number of rows is 3"):
        sampler.sample(rows[:3])
    with pytest.raises(toklet.ArgumentError, match="the number of values a row"):
        toklet.Sampler(temperature=np.ones(3), top_k=np.array([1, 2]))


DRAFTS = [({}, 1.0), ({"temperature": 0.7, "top_k": 4}, 0.6), ({"top_p": 0.8}, 1.5), ({"min_p": 0.1}, 0.0)]


@pytest.mark.parametrize(("settings", "noise"), DRAFTS)
def test_what_a_draft_leaves_is_distributed_as_the_target(toklet: Any, settings: dict[str, Any], noise: float) -> None:
    n, size, rng = (20_000 if toklet.backend == "native" else 1_500), 8, np.random.default_rng(25)
    target = rng.normal(size=(3, size)) * 1.5
    draft = target[:2] + rng.normal(size=(2, size)) * noise
    first, second, lengths = np.zeros(size, np.int64), np.zeros((size,), np.int64), np.zeros(4, np.int64)
    for seed in range(n):
        sampler = toklet.Sampler(**settings, seed=seed)
        ids = toklet.accept_draft(target, draft, sampler.sample(draft, position=[3, 4]), sampler, position=3)
        first[ids[0]] += 1
        lengths[len(ids)] += 1
        if len(ids) > 1:
            second[ids[1]] += 1
    sampler = toklet.Sampler(**settings)
    assert chi_square(first, sampler.distribution(target[0]).astype(np.float64)) < 4.5
    assert chi_square(second, sampler.distribution(target[1]).astype(np.float64)) < 4.5
    if noise == 0:
        assert lengths.tolist() == [0, 0, 0, n]


def test_a_draft_of_the_target_itself_is_accepted(toklet: Any) -> None:
    rows = np.random.default_rng(26).normal(size=(5, 50))
    sampler = toklet.Sampler(0.8, seed=27)
    ids = sampler.sample(rows, np.arange(5))
    assert toklet.accept_draft(rows, rows, ids, sampler).tolist() == ids.tolist()
    more = toklet.accept_draft(np.vstack((rows, rows[:1])), rows, ids, sampler)
    assert more.tolist() == [*ids.tolist(), sampler.sample(rows[0], 5)]
    history = toklet.Sampler(repetition_penalty=1.5, seed=28)
    assert len(toklet.accept_draft(rows, rows, ids, history, history=[1, 2])) >= 1


def test_drafts_that_make_no_sense_are_refused(toklet: Any) -> None:
    rows, sampler = np.zeros((2, 4)), toklet.Sampler(top_k=1, seed=1)
    for target, draft, ids, words in (
        (np.zeros((4, 4)), rows, [0, 0], "shape of target_logits"),
        (np.zeros((2, 5)), rows, [0, 0], "shape of target_logits"),
        (rows, rows, [0], "draft_ids"),
        (rows, rows, [0, 4], "draft_ids"),
        (rows, rows, [0.5, 0.5], "draft_ids"),
        (rows, rows, [1, 0], "draft id 0 is 1; it must be an id that the sampler can draw"),
    ):
        with pytest.raises(toklet.Error, match=words):
            toklet.accept_draft(target, draft, ids, sampler)


def test_drafts_are_one_sequence_of_ids_and_positions(toklet: Any) -> None:
    target, draft = np.zeros((3, 4)), np.zeros((2, 4))
    with pytest.raises(toklet.ArgumentError, match="one sequence"):
        toklet.accept_draft(target, draft, [0, 1], toklet.Sampler(temperature=np.array([1.0, 2.0]), seed=0))
    with pytest.raises(toklet.ArgumentError, match="position"):
        toklet.accept_draft(target, draft, [0, 1], toklet.Sampler(seed=0), position=2**64 - 2)
    for history in ([-1], [2**32], ["a"], 3):
        with pytest.raises(toklet.Error):
            toklet.accept_draft(target, draft, [0, 1], toklet.Sampler(seed=0, presence_penalty=1.0), history=history)


def test_what_was_drawn_is_one_id_a_row(toklet: Any) -> None:
    sampler = toklet.Sampler(mirostat=2, seed=0)
    with pytest.raises(toklet.ArgumentError, match="the shape of ids"):
        sampler.observed(np.zeros((2, 4)), [[0, 1], [2, 3]])
    assert sampler.observed(np.zeros((0, 4)), []) is sampler


def test_a_sampler_keeps_what_it_was_given(toklet: Any) -> None:
    bias, temperature = {0: 1.0}, np.array([0.5, 1.0])
    sampler = toklet.Sampler(
        temperature=temperature,
        logit_bias=bias,
        seed=3,
        dry_multiplier=1.0,
        dry_sequence_breakers=iter([7, 8]),
        order=iter(["dry", "temperature", "logit_bias"]),
    )
    shown = repr(sampler)
    bias[0], temperature[0] = 9.0, 0.0
    assert repr(sampler) == shown
    again = pickle.loads(pickle.dumps(sampler))
    rows, history = np.arange(20.0).reshape(2, 10), [[7, 1, 7, 1], [1, 2, 1]]
    assert again.distribution(rows, history=history).tolist() == sampler.distribution(rows, history=history).tolist()
