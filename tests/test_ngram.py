"""The language model made of counts, against its own formula over dicts."""

import math
from collections import Counter, defaultdict
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

CORPUS = st.lists(st.lists(st.integers(0, 4), max_size=12), min_size=1, max_size=4).filter(any)


def textbook(texts: list[list[int]], order: int, size: int, history: list[int], id: int) -> float:
    """p(w | h) = (c(h, w) + T(h) p(w | h')) / (c(h) + T(h)), and 1 / V under the lowest order."""
    after: defaultdict[tuple[int, ...], Counter[int]] = defaultdict(Counter)
    for text in texts:
        for start in range(len(text)):
            for end in range(start, min(start + order, len(text))):
                after[tuple(text[start:end])][text[end]] += 1
    p = 1 / size
    for n in range(min(order, len(history) + 1)):
        found = after[tuple(history[len(history) - n :])]
        if found:
            p = (found[id] + len(found) * p) / (found.total() + len(found))
    return p


def batch_of(toklet: Any, texts: list[list[int]]) -> Any:
    return toklet.Batch(np.array([id for text in texts for id in text], np.uint32), np.cumsum([0, *map(len, texts)]).astype(np.uint64))


@given(texts=CORPUS, order=st.integers(1, 5), history=st.lists(st.integers(0, 5), max_size=6))
def test_probabilities_are_those_of_the_formula(toklet: Any, texts: list[list[int]], order: int, history: list[int]) -> None:
    lm = toklet.NGram(order).fit(batch_of(toklet, texts), vocab_size=6)
    found = np.exp(lm(history).astype(np.float64))
    np.testing.assert_allclose(found, [textbook(texts, order, 6, history, id) for id in range(6)], rtol=1e-5)
    assert found.sum() == pytest.approx(1, rel=1e-5)


@given(texts=CORPUS, order=st.integers(1, 4), others=CORPUS)
def test_cross_entropy_is_the_mean_over_all_ids(toklet: Any, texts: list[list[int]], order: int, others: list[list[int]]) -> None:
    lm = toklet.NGram(order).fit(batch_of(toklet, texts), vocab_size=6)
    losses = [-math.log(textbook(texts, order, 6, text[:n], id)) for text in others for n, id in enumerate(text)]
    assert lm.cross_entropy(batch_of(toklet, others)) == pytest.approx(sum(losses) / len(losses), rel=1e-9)


@given(ids=st.lists(st.integers(0, 4), min_size=1, max_size=20), order=st.integers(1, 4))
def test_one_text_is_a_batch_of_one(toklet: Any, ids: list[int], order: int) -> None:
    one, other = toklet.NGram(order).fit(ids, 5), toklet.NGram(order).fit(batch_of(toklet, [ids]), 5)
    assert one([1]).tolist() == other([1]).tolist()
    assert one.cross_entropy(ids) == other.cross_entropy(batch_of(toklet, [ids]))


def test_fitting_again_forgets(toklet: Any) -> None:
    lm = toklet.NGram(order=2).fit([1, 1, 1], 3)
    assert lm.fit([0, 2, 0, 2], 3) is lm
    assert lm([]).tolist() == toklet.NGram(order=2).fit([0, 2, 0, 2], 3)([]).tolist()
    assert lm.vocab_size == 3
    assert lm.order == 2


@pytest.mark.slow
def test_keys_over_32_bits_are_counted_as_others(toklet: Any) -> None:
    """A vocabulary of 2**20 ids leaves no room for the sort in one word; the result is that of the small one."""
    ids = np.random.default_rng(1).integers(0, 50, 200_000)
    small, large = toklet.NGram(5).fit(ids, 50), toklet.NGram(5).fit(ids, 2**20)
    assert large.cross_entropy(ids[:1000]) > small.cross_entropy(ids[:1000])
    spread = ids * 20_000
    wide = toklet.NGram(5).fit(spread, 2**20)
    assert wide.cross_entropy(spread[:1000]) == pytest.approx(large.cross_entropy(ids[:1000]), rel=1e-12)
