"""The language model made of counts, against its own formula over dicts."""

import math
from collections import Counter, defaultdict
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

CORPUS = st.lists(st.lists(st.integers(0, 4), max_size=30), min_size=1, max_size=4).filter(any)
HISTORY = st.lists(st.integers(0, 5), max_size=6)


class Textbook:
    """Interpolated modified Kneser-Ney as it is written down: a dict of counts for each order, a discount for counts of 1, 2 and more."""

    def __init__(self, texts: list[list[int]], order: int, size: int) -> None:
        self.size = size
        grams = [Counter(tuple(text[i : i + n]) for text in texts for i in range(len(text) - n + 1)) for n in range(1, order + 1)]
        begins = [{tuple(text[:n]) for text in texts if len(text) >= n} for n in range(1, order + 1)]
        self.counts: list[dict[tuple[int, ...], int]] = []
        for n, (own, longer) in enumerate(pairwise([*grams, Counter[tuple[int, ...]]()])):
            before: defaultdict[tuple[int, ...], set[int]] = defaultdict(set)
            for gram in longer:
                before[gram[1:]].add(gram[0])
            self.counts.append(dict(own) if n == order - 1 else {gram: len(before[gram]) + (gram in begins[n]) for gram in own})
        self.discounts = [self.discount(list(counts.values())) for counts in self.counts]

    @staticmethod
    def discount(counts: list[int]) -> tuple[float, ...]:
        n1, n2, n3, n4 = (counts.count(k) for k in (1, 2, 3, 4))
        if n1 * n2 * n3 * n4:
            y = n1 / (n1 + 2 * n2)
            found = (0, 1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3)
            if min(found[1:]) > 0:
                return found
        return (0, 0.5, 1, 1.5)

    def p(self, history: tuple[int, ...], id: int) -> float:
        counts, discounts = self.counts[len(history)], self.discounts[len(history)]
        after = {gram[-1]: count for gram, count in counts.items() if gram[:-1] == history}
        lower = self.p(history[1:], id) if history else 1 / self.size
        if not after:
            return lower
        total, count = sum(after.values()), after.get(id, 0)
        left = sum(discounts[min(count, 3)] for count in after.values()) / total
        return (count - discounts[min(count, 3)]) / total + left * lower

    def after(self, ids: list[int], id: int) -> float:
        return self.p(tuple(ids[max(len(ids) - len(self.counts) + 1, 0) :]), id)


def batch_of(toklet: Any, texts: list[list[int]]) -> Any:
    return toklet.Batch(np.array([id for text in texts for id in text], np.uint32), np.cumsum([0, *map(len, texts)]).astype(np.uint64))


@given(texts=CORPUS, order=st.integers(1, 5), history=HISTORY)
def test_probabilities_are_those_of_the_formula(toklet: Any, texts: list[list[int]], order: int, history: list[int]) -> None:
    lm, textbook = toklet.NGram(order).fit(batch_of(toklet, texts), vocab_size=6), Textbook(texts, order, 6)
    found = np.exp(lm(history).astype(np.float64))
    np.testing.assert_allclose(found, [textbook.after(history, id) for id in range(6)], rtol=1e-5)
    assert found.sum() == pytest.approx(1, rel=1e-5)


def test_discounts_are_those_of_the_counts(toklet: Any) -> None:
    """Over random text, where all of the counts 1 to 4 occur; hypothesis' short texts mostly fall back."""
    rng = np.random.default_rng(3)
    texts = [(rng.pareto(0.6, 400) % 40).astype(int).tolist() for _ in range(3)]
    for order in (1, 2, 3, 4):
        textbook = Textbook(texts, order, 41)
        assert (0, 0.5, 1, 1.5) not in textbook.discounts[1:3]
        lm = toklet.NGram(order).fit(batch_of(toklet, texts), vocab_size=41)
        for history in ([], [0], texts[0][:2], texts[1][50:53], [39, 40], [1, 0, 1]):
            np.testing.assert_allclose(np.exp(lm(history).astype(np.float64)), [textbook.after(history, id) for id in range(41)], rtol=1e-5)


@given(texts=CORPUS, order=st.integers(1, 4), others=CORPUS)
def test_cross_entropy_is_the_mean_over_all_ids(toklet: Any, texts: list[list[int]], order: int, others: list[list[int]]) -> None:
    lm, textbook = toklet.NGram(order).fit(batch_of(toklet, texts), vocab_size=6), Textbook(texts, order, 6)
    losses = [-math.log(textbook.after(text[:n], id)) for text in others for n, id in enumerate(text)]
    assert lm.cross_entropy(batch_of(toklet, others)) == pytest.approx(sum(losses) / len(losses), rel=1e-6)


def test_a_frequent_id_that_always_follows_another_is_not_expected_elsewhere(toklet: Any) -> None:
    """What Kneser and Ney saw: 1 comes often, and always after 0; 2 comes as often, after many."""
    ids = [0, 1] * 20 + [id for other in range(3, 23) for id in (other, 2)]
    p = toklet.NGram(order=2).fit(ids, vocab_size=30)([29])
    assert p[2] - p[1] > 1


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


def test_bits_per_byte_judge_a_tokenizer(toklet: Any) -> None:
    """A vocabulary that fits the text needs fewer bits at the same order; without knowing anything a byte needs 8."""
    corpus = ["the cat sat on the mat", "the dog sat on the log", "é中"] * 30
    found = []
    for size in (256, 270):
        tok = toklet.train(corpus, vocab_size=size)
        lm = toklet.NGram(order=2).fit(tok.encode_batch(corpus), vocab_size=tok.vocab_size)
        found.append(lm.bits_per_byte(tok, ["the cat sat on the log", "é".encode()]))
        nats = lm.cross_entropy(tok.encode_batch(corpus)) * len(tok.encode_batch(corpus).ids)
        assert lm.bits_per_byte(tok, corpus) == pytest.approx(nats / math.log(2) / sum(len(text.encode()) for text in corpus))
    assert found[1] < found[0] < 8
    with pytest.raises(toklet.CorpusError):
        lm.bits_per_byte(tok, [])
    with pytest.raises(toklet.WrongTypeError):
        lm.bits_per_byte(tok, "the cat")
