"""BPE-dropout: the same on both backends, between no dropout and nothing but bytes, and as often as it says."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from . import strategies
from .backends import Both, child

DROPOUTS = st.sampled_from([0.0, 1.0, 0.5, 0.1, 0.9, 5e-324, 1 - 2**-53]) | st.floats(0, 1)
SEEDS = st.integers(0, 2**64 - 1)


@settings(max_examples=200)
@given(text=strategies.spelled(), merges=strategies.merges(), dropout=DROPOUTS, seed=SEEDS, special=st.sampled_from(["text", "allow"]))
def test_both_backends_leave_out_the_same(both: Both, text: str, merges: Any, dropout: float, seed: int, special: str) -> None:
    def call(toklet: Any) -> tuple[list[int], str]:
        tok = toklet.Tokenizer.from_merges(merges, pattern="cl100k", special_tokens=["<|end|>", "low er", "aa b"])
        ids = tok.encode(text, special, dropout=dropout, seed=seed)
        return ids.tolist(), tok.decode(ids)

    assert both.same(call)[1] == text


@given(ranks=strategies.ranks(), text=strategies.spelled(), seed=SEEDS)
def test_vocabularies_of_ranks(both: Both, ranks: dict[bytes, int], text: str, seed: int) -> None:
    ids = both.same(lambda toklet: toklet.Tokenizer.from_ranks(ranks, pattern="gpt2").encode(text, dropout=0.3, seed=seed).tolist())
    assert all(type(id) is int for id in ids)


@given(text=strategies.texts(), merges=strategies.merges())
def test_all_or_nothing(toklet: Any, text: str, merges: Any) -> None:
    tok = toklet.Tokenizer.from_merges(merges, pattern="o200k")
    assert tok.encode(text, dropout=1, seed=3).tolist() == list(text.encode())
    assert tok.encode(text, dropout=1e-300, seed=3).tolist() == tok.encode(text).tolist()


def test_a_merge_is_left_out_as_often_as_is_said(toklet: Any) -> None:
    tok = toklet.Tokenizer.from_merges([(b"a", b"b"), (b"ab", b"c")], pattern="gpt2")
    found = Counter(tuple(tok.encode("abc", dropout=0.25, seed=seed).tolist()) for seed in range(4_000))
    expected = {(257,): 0.75 * 0.75, (256, 99): 0.75 * 0.25, (97, 98, 99): 0.25}
    assert found.keys() == expected.keys()
    assert all(abs(found[ids] / 4_000 - share) < 0.03 for ids, share in expected.items())  # four standard deviations


def test_places_are_left_to_chance_one_by_one(toklet: Any) -> None:
    tok = toklet.Tokenizer.from_merges([(b"a", b"b")], pattern="gpt2")
    ids = tok.encode("ab1" * 2_000, dropout=0.5, seed=5).tolist()
    assert 900 < ids.count(256) < 1_100
    assert ids == tok.encode("ab1" * 2_000, dropout=0.5, seed=5).tolist()
    assert any(tok.encode("ab1" * 20, dropout=0.5).tolist() != tok.encode("ab1" * 20, dropout=0.5).tolist() for _ in range(3))


def test_what_makes_no_sense_is_refused(toklet: Any) -> None:
    tok = toklet.Tokenizer.from_merges([], pattern="gpt2", special_tokens=["<|end|>"])
    for bad in (-0.1, 1.1, float("nan"), "0.5", True):
        with pytest.raises(toklet.ArgumentError, match="dropout"):
            tok.encode("text", dropout=bad)
    for bad in (-1, 2**64, 0.5):
        with pytest.raises(toklet.ArgumentError, match="seed"):
            tok.encode("text", dropout=0.5, seed=bad)
    with pytest.raises(toklet.TextError, match="byte 1 of text"):
        tok.encode("a<|end|>", "error", dropout=0.5, seed=1)


LONG = """
import toklet
tok = toklet.Tokenizer.from_merges([(b"a", b"a"), (b"aa", b"aa"), (b"aaaa", b"aaaa")], pattern="o200k")
for dropout in (0.1, 0.9, 1.0):
    assert tok.decode(tok.encode("a" * 1_000_000, dropout=dropout, seed=1)) == "a" * 1_000_000
"""


@pytest.mark.slow
def test_a_long_pretoken_takes_no_square_of_time(native: Any) -> None:
    assert child(native, LONG, timeout=60).returncode == 0  # the square would be days
