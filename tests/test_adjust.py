"""What changes logits: bias, penalties, DRY and masks, against their definitions."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

ROWS = st.lists(st.floats(-20, 20, width=32) | st.sampled_from([0.0, -0.0, -math.inf]), min_size=1, max_size=30).filter(lambda row: max(row) > -math.inf)


def softmax(x: np.ndarray) -> np.ndarray:
    weights = np.exp(x - x.max())
    return weights / weights.sum()


def penalised(row: list[float], history: list[int], r: float, presence: float, frequency: float) -> np.ndarray:
    x = np.array(row, np.float64)
    for id in set(history):
        x[id] = x[id] / r if x[id] > 0 else x[id] * r
        x[id] -= history.count(id) * frequency + presence
    return x


def repeated(history: list[int], id: int, breakers: set[int]) -> int:
    """How many ids at the end of the history also stand before an earlier `id`, the most that there are: by trying all places."""
    longest = 0
    for place in range(len(history)):
        n = 0
        while history[place] == id and n < place and history[place - 1 - n] == history[-1 - n] and history[-1 - n] not in breakers:
            n += 1
        longest = max(longest, n)
    return longest


@given(row=ROWS, some=st.data(), r=st.floats(0.5, 2), presence=st.floats(-2, 2), frequency=st.floats(-2, 2), last=st.none() | st.integers(0, 9))
def test_penalties_are_those_of_the_definition(
    toklet: Any, row: list[float], some: st.DataObject, r: float, presence: float, frequency: float, last: int | None
) -> None:
    history = some.draw(st.lists(st.integers(0, len(row) - 1), max_size=12))
    sampler = toklet.Sampler(repetition_penalty=r, presence_penalty=presence, frequency_penalty=frequency, penalty_last_n=last)
    seen = history if last is None else history[max(0, len(history) - last) :]
    expected = softmax(penalised(row, seen, r, presence, frequency))
    np.testing.assert_allclose(sampler.distribution(np.array(row), history=history), expected, rtol=2e-6, atol=1e-12)
    batch = sampler.distribution([row, row], history=[history, []])
    np.testing.assert_allclose(batch, [expected, softmax(np.array(row))], rtol=2e-6, atol=1e-12)


@given(row=ROWS, some=st.data(), multiplier=st.floats(0.1, 2), base=st.floats(1, 2), allowed=st.integers(1, 4), last=st.none() | st.integers(0, 12))
def test_dry_is_that_of_the_definition(
    toklet: Any, row: list[float], some: st.DataObject, multiplier: float, base: float, allowed: int, last: int | None
) -> None:
    ids = st.integers(0, min(len(row) - 1, 2))
    history, breakers = some.draw(st.lists(ids, max_size=20)), some.draw(st.sets(ids, max_size=1))
    sampler = toklet.Sampler(dry_multiplier=multiplier, dry_base=base, dry_allowed_length=allowed, dry_last_n=last, dry_sequence_breakers=sorted(breakers))
    seen, x = history if last is None else history[max(0, len(history) - last) :], np.array(row)
    for id in range(len(row)):
        n = repeated(seen, id, breakers)
        x[id] -= multiplier * base ** (n - allowed) if n >= allowed else 0
    np.testing.assert_allclose(sampler.distribution(np.array(row), history=history), softmax(x), rtol=2e-6, atol=1e-12)


def test_dry_takes_linear_time_on_what_repeats_most(toklet: Any) -> None:
    n = 200_000 if toklet.backend == "native" else 5_000
    assert toklet.Sampler(0, dry_multiplier=1.0, dry_base=1.0).sample([5.0, 4.5], history=[0] * n) == 1


@given(row=ROWS, some=st.data())
def test_a_bias_is_added(toklet: Any, row: list[float], some: st.DataObject) -> None:
    bias = some.draw(st.dictionaries(st.integers(0, len(row) - 1), st.floats(-9, 9), max_size=4))
    x = np.array(row)
    for id, amount in bias.items():
        x[id] += amount
    np.testing.assert_allclose(toklet.Sampler(logit_bias=bias).distribution(np.array(row)), softmax(x), rtol=2e-6, atol=1e-12)


def test_a_bias_of_minus_infinity_forbids_and_no_bias_allows(toklet: Any) -> None:
    sampler = toklet.Sampler(logit_bias={1: -math.inf, 2: 1e300, 3: -1e300})
    np.testing.assert_allclose(sampler.distribution([0.0, math.inf, -math.inf, 0.0]), [1, 0, 0, 0])
    assert toklet.Sampler(logit_bias={0: -math.inf, 1: -1e300}).sample(np.array([9.0, 0.0], np.float32)) == 1  # a penalty never forbids
    with pytest.raises(toklet.LogitsError, match="-inf at every id"):
        toklet.Sampler(logit_bias={0: -math.inf}).sample([1.0, -math.inf])


def test_an_infinite_logit_stays_so(toklet: Any) -> None:
    sampler = toklet.Sampler(repetition_penalty=2.0, frequency_penalty=1e300, logit_bias={1: -50.0})
    assert sampler.sample([0.0, math.inf, math.inf], history=[1, 1]) == 1
    np.testing.assert_array_equal(sampler.distribution([0.0, -math.inf, -math.inf], history=[1, 2]), [1, 0, 0])


@pytest.mark.parametrize("kind", [np.float32, np.float16])
def test_what_is_changed_has_the_precision_of_its_row(toklet: Any, kind: Any) -> None:
    row = np.array([1.1, 2.2, 0.3], kind)
    changed = row.astype(np.float32)
    changed[1] = np.float32(float(changed[1]) / 1.3 - 0.1)
    sampler = toklet.Sampler(repetition_penalty=1.3, presence_penalty=0.1)
    np.testing.assert_array_equal(sampler.distribution(row, history=[1]), toklet.Sampler().distribution(changed))


def test_a_step_that_changes_logits_may_come_after_one_that_chooses(toklet: Any) -> None:
    sampler = toklet.Sampler(top_k=2, logit_bias={0: -20.0, 2: 100.0}, order=["top_k", "logit_bias"])
    np.testing.assert_allclose(sampler.distribution([3.0, 2.0, 1.0]), [0, 1, 0], atol=1e-6)  # 2 was gone, 0 is still kept
    assert sampler.distribution([3.0, 2.0, 1.0])[0] > 0


@given(row=st.lists(st.floats(-9, 9, width=32), min_size=1, max_size=100), some=st.data())
def test_a_mask_forbids(toklet: Any, row: list[float], some: st.DataObject) -> None:
    mask = np.array(some.draw(st.lists(st.booleans(), min_size=len(row), max_size=len(row))))
    mask[some.draw(st.integers(0, len(row) - 1))] = True
    masked = np.where(mask, row, -np.inf).astype(np.float32)
    words = np.packbits(np.pad(mask, (0, -len(row) % 32)), bitorder="little").view(np.int32)
    dirty = np.where(mask, row, np.nan).astype(np.float32)  # what isn't allowed isn't looked at
    for sampler in (toklet.Sampler(seed=1), toklet.Sampler(top_k=3, seed=1), toklet.Sampler(0.5, top_p=0.7, repetition_penalty=1.2, seed=1)):
        expected = sampler.distribution(masked, history=[0])
        for form in (mask, words, words.view(np.uint32), mask[None], words[None]):
            np.testing.assert_array_equal(sampler.distribution(dirty, history=[0], mask=form), expected)
            assert sampler.sample(dirty, 4, [0], form) == sampler.sample(masked, 4, [0])
        both = sampler.distribution([row, row], mask=np.stack([mask, np.ones_like(mask)]))
        np.testing.assert_array_equal(both, np.stack([sampler.distribution(masked), sampler.distribution(np.array(row))]))
        np.testing.assert_array_equal(sampler.distribution([row, row], mask=words), np.stack([sampler.distribution(masked)] * 2))


def test_a_mask_that_allows_nothing_is_refused(toklet: Any) -> None:
    with pytest.raises(toklet.LogitsError, match="row 1 is -inf at every id"):
        toklet.Sampler().sample(np.zeros((2, 3)), mask=[[True, False, False], [False] * 3])


def test_a_double_beyond_its_range_is_the_largest_in_it(toklet: Any) -> None:
    """Only a bias of -inf forbids."""
    lowest = toklet.Sampler(logit_bias={0: -1.7e308}, seed=0)
    assert lowest.sample(np.array([-1.7e308, 0.0]), mask=[True, False]) == 0
    with pytest.raises(toklet.LogitsError):
        toklet.Sampler(logit_bias={0: -math.inf}, seed=0).sample(np.array([-1.7e308, 0.0]), mask=[True, False])
