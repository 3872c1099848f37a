"""softmax and its like against numpy in double precision."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from . import strategies

FINITE = st.lists(st.floats(-300, 300), min_size=1, max_size=30)


def log_softmax(row: np.ndarray) -> np.ndarray:
    x = np.asarray(row, np.float64)
    x = x - x.max(-1, keepdims=True)
    return x - np.log(np.exp(x).sum(-1, keepdims=True))


@given(row=FINITE, temperature=st.sampled_from([0.1, 0.5, 1.0, 3.0, 1e300]))
def test_softmax_is_numpys(toklet: Any, row: list[float], temperature: float) -> None:
    found = toklet.softmax(row, temperature)
    assert found.dtype == np.float32
    with np.errstate(under="ignore"):
        np.testing.assert_allclose(found, np.exp(log_softmax(np.array(row) / temperature)), rtol=1e-6, atol=1e-38)


@given(row=FINITE)
def test_log_softmax_is_numpys(toklet: Any, row: list[float]) -> None:
    found = toklet.log_softmax(row)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, log_softmax(np.array(row)), rtol=1e-6, atol=1e-6)


@given(row=strategies.logits(infinite=True), k=st.integers(1, 30))
def test_top_k_is_a_stable_sort(toklet: Any, row: list[float], k: int) -> None:
    values, ids = toklet.top_k(np.array(row), k)
    expected = np.argsort(-np.array(row), kind="stable")[:k]
    assert ids.tolist() == expected.tolist()
    assert values.tolist() == np.array(row)[expected].tolist()
    assert ids.dtype == np.int64


@pytest.mark.parametrize("size", [1, 3, 257, 5_000])
def test_top_k_may_ask_for_more_than_there_is(toklet: Any, size: int) -> None:
    row = np.random.default_rng(size).normal(size=size).astype(np.float32)
    row[size // 2] = -np.inf
    for k in (size, size + 1, 2**62, 2**63 - 1):
        assert toklet.top_k(row, k)[1].tolist() == np.argsort(-row, kind="stable").tolist()
        if size > 1:
            assert toklet.Sampler(top_k=k, seed=1).sample(row) == toklet.Sampler(top_k=size, seed=1).sample(row)
    assert toklet.top_k(np.full(size, -np.inf), 2)[1].tolist() == [*range(min(size, 2))]
    assert toklet.top_k(np.full(size, np.inf, np.float32), 2)[1].tolist() == [*range(min(size, 2))]


@given(rows=st.integers(1, 5), columns=st.integers(1, 8), some=st.data())
def test_a_matrix_is_its_rows(toklet: Any, rows: int, columns: int, some: Any) -> None:
    matrix = np.array(some.draw(st.lists(st.lists(st.floats(-9, 9, width=32), min_size=columns, max_size=columns), min_size=rows, max_size=rows)))
    for function in (toklet.softmax, toklet.log_softmax, toklet.Sampler(top_p=0.9).distribution):
        np.testing.assert_array_equal(function(matrix), np.stack([function(row) for row in matrix]))
    values, ids = toklet.top_k(matrix, 3)
    assert ids.shape == values.shape == (rows, min(3, columns))
    assert ids.tolist() == [toklet.top_k(row, 3)[1].tolist() for row in matrix]


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_top_k_gives_the_values_as_they_are(toklet: Any, kind: Any) -> None:
    values, _ = toklet.top_k(np.array([1.5, 2.25, -3.0], kind), 2)
    assert values.tolist() == [2.25, 1.5]


@given(some=st.data(), n=st.integers(1, 6), size=st.integers(1, 9))
def test_cross_entropy_and_perplexity_are_numpys(toklet: Any, some: Any, n: int, size: int) -> None:
    matrix = np.array(some.draw(st.lists(st.lists(st.floats(-50, 50), min_size=size, max_size=size), min_size=n, max_size=n)))
    targets = some.draw(st.lists(st.integers(0, size - 1), min_size=n, max_size=n))
    expected = -log_softmax(matrix)[np.arange(n), targets].mean()
    assert toklet.cross_entropy(matrix, targets) == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert toklet.perplexity(matrix, np.array(targets, np.uint32)) == pytest.approx(math.exp(expected), rel=1e-9)


def test_cross_entropy_of_one_row_takes_one_target(toklet: Any) -> None:
    assert toklet.cross_entropy([0.0, 0.0], 1) == pytest.approx(math.log(2), rel=1e-15)
    assert toklet.cross_entropy([0.0, -math.inf], 1) == math.inf
    assert toklet.perplexity([0.0, -math.inf], 1) == math.inf


def test_cross_entropy_keeps_double_precision(toklet: Any) -> None:
    row = np.linspace(-2, 2, 1000)
    assert toklet.cross_entropy(row, 5) == pytest.approx(-log_softmax(row)[5], rel=1e-14)


def test_bits_per_byte_is_nats_over_the_logarithm_of_two(toklet: Any) -> None:
    assert toklet.bits_per_byte(math.log(2) * 30, 10) == pytest.approx(3, rel=1e-15)
    assert toklet.bits_per_byte(0.0, 1) == 0


@pytest.mark.parametrize("temperature", [0, 0.0])
def test_softmax_at_temperature_zero_is_all_on_the_first_largest(toklet: Any, temperature: float) -> None:
    assert toklet.softmax([1.0, 3.0, 3.0], temperature).tolist() == [0, 1, 0]


def test_rows_with_infinities_have_their_limits(toklet: Any) -> None:
    assert toklet.softmax([0.0, -math.inf]).tolist() == [1, 0]
    assert toklet.softmax([math.inf, 0.0]).tolist() == [1, 0]
    assert toklet.log_softmax([0.0, -math.inf]).tolist() == [0, -math.inf]


@given(x=st.floats(-800, 0))
def test_our_exponential_is_within_two_units_of_the_systems(toklet: Any, x: float) -> None:
    found, expected = toklet.reference.sample.exp(x), math.exp(x)
    assert abs(found - expected) <= 2 * math.ulp(expected) or (x < -708 and found == 0)


def test_a_large_row_is_a_row(toklet: Any) -> None:
    size = 1_000_000 if toklet.backend == "native" else 20_000
    row = np.random.default_rng(2).normal(size=size).astype(np.float32)
    np.testing.assert_allclose(toklet.softmax(row), np.exp(log_softmax(row)), rtol=1e-5)
    assert toklet.top_k(row, 10)[1].tolist() == np.argsort(-row, kind="stable")[:10].tolist()
