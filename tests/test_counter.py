"""Counting a text that grows: always the count of the whole."""

from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from . import strategies

MERGES = [(b" ", b" "), (b"\n", b"\n"), (b"'", b"l"), (b"l", b"l"), (b"d", b"o"), (b"do", b"n"), (b"A", b"B"), (b"AB", b"a"), (b"\xe3", b"\x80"), (b"1", b"2")]
JOINS = ["don", "don'", "'", "l", "ll", "L", "'l", "ABC", "AB", "a", "日", "日A", "\u3000", " ", "  ", "\n", "\r"]
JOINS += ["/", "!", "!\n", "\n/", "1", "12", "123", "ſ", "'s", "\u0301", "x", "\t"]
PIECES = st.sampled_from(JOINS).map(str.encode) | st.sampled_from(JOINS).map(lambda text: text.encode() * 9) | st.sampled_from(strategies.BROKEN)
GROWING = st.lists(st.lists(PIECES | strategies.texts(3).map(str.encode), max_size=4).map(b"".join), max_size=8)


@pytest.mark.parametrize("pattern", strategies.PATTERN_NAMES)
@settings(max_examples=400)
@given(texts=GROWING, cuts=st.lists(st.integers(0, 400), max_size=4))
def test_a_growing_text_has_the_count_of_the_whole(native: Any, pattern: str, texts: list[bytes], cuts: list[int]) -> None:
    tok = native.Tokenizer.from_merges(MERGES, pattern=pattern)
    whole = b"".join(texts)
    places = [0, *sorted(min(cut, len(whole)) for cut in cuts), len(whole)]
    for pieces in (texts, [whole[a:b] for a, b in pairwise(places)]):
        counter = tok.counter()
        for n, piece in enumerate(pieces):
            what_if = counter.copy()
            assert counter.append(piece) == tok.count(b"".join(pieces[: n + 1])) == counter.count
            assert what_if.count == tok.count(b"".join(pieces[:n]))


def test_both_backends_count_alike(toklet: Any) -> None:
    tok = toklet.Tokenizer.from_merges(MERGES, pattern="o200k")
    counter = tok.counter()
    pieces = ["日", "AB", "a", "", " don'", "t"]
    assert [counter.append(text) for text in pieces] == [tok.count(text) for text in accumulate(pieces)]
    assert repr(counter) == f"<Counter at {counter.count} ids>"
    for bad in (1, None, "\ud800"):
        with pytest.raises(toklet.Error):
            counter.append(bad)
    assert counter.count == tok.count("日ABa don't")


def test_a_regular_expression_is_counted_as_well(native: Any) -> None:
    tok = native.Tokenizer.from_merges(MERGES, pattern=r"(?s:a.*b|.)")
    counter = tok.counter()
    assert [counter.append(text) for text in ("a", "x" * 50, "b")] == [1, 51, 52]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["cl100k_base", "o200k_base"])
def test_sixty_thousand_joins_of_real_text(native: Any, shared: Path, name: str) -> None:
    tok, rng = native.load(shared / "vocab" / f"{name}.tiktoken"), np.random.default_rng(1)
    for corpus in ("english", "code", "multilingual"):
        with (shared / "corpora" / f"{corpus}.txt").open("rb") as file:
            file.seek(1_000_000)
            data = file.read(3_000_000)
        for start in rng.integers(0, len(data) - 2_000, 10_000).tolist():
            one, other = rng.integers(0, 300, 2).tolist()
            counter = tok.counter()
            counter.append(data[start : start + one])
            assert counter.append(data[start + one : start + one + other]) == tok.count(data[start : start + one + other])
