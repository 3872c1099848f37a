"""Pieces of a text that each fit: exactly, in order, without loss, and the same on both backends; counting up to a limit."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from . import strategies
from .backends import Both, child

MERGES = [
    (b" ", b" "),
    (b"\n", b"\n"),
    (b"a", b"b"),
    (b"ab", b"ab"),
    (b"\xc3", b"\xa9"),
    (b"\xe4", b"\xb8"),
    (b"l", b"o"),
    (b"lo", b"w"),
    (b" ", b"low"),
    (b"A", b"B"),
]
PIECES = st.sampled_from([" low", "abab", "é", "中文", "\n", "  ", "a b", "1234", "!", "'ll", "ABc", "ʰ", "\n\n", "low\n", "ab" * 9, " " * 7, "é" * 9])
TEXTS = st.lists(PIECES | strategies.texts(2), max_size=14).map("".join)
SIZES = st.integers(4, 30)


def made(package: Any, pattern: str) -> Any:
    return package.Tokenizer.from_merges(MERGES, pattern=pattern)


@pytest.mark.parametrize("pattern", strategies.PATTERN_NAMES)
@settings(max_examples=200)
@example(text="a ba ba babab", most=6, overlap=3)
@given(text=TEXTS | strategies.data(), most=SIZES, overlap=st.integers(0, 29))
def test_both_backends_cut_alike(both: Both, pattern: str, text: str | bytes, most: int, overlap: int) -> None:
    found = both.same(lambda toklet: list(made(toklet, pattern).chunks(text, most, min(overlap, most - 1))))
    tok = made(both.native.toklet, pattern)
    assert all(0 < tok.count(piece) <= most for piece in found)
    data, end = text if isinstance(text, bytes) else text.encode(), 0
    spans = list(tok._core.chunks(text, most, min(overlap, most - 1)))  # where each lies: a text that repeats itself has the same piece at several places
    assert [data[start:stop] for start, stop in spans] == [piece if isinstance(piece, bytes) else piece.encode() for piece in found]
    for start, stop in spans:  # each piece goes on where the last one ended, or begins before that with a part of it
        assert start <= end < stop
        assert tok.count(data[start:end]) <= min(overlap, most - 1)
        end = stop
    assert end == len(data)


@given(text=TEXTS, most=SIZES)
def test_a_pattern_that_looks_around_is_counted_as_well(native: Any, text: str, most: int) -> None:
    tok = native.Tokenizer.from_merges(MERGES, pattern=r"(?s:(?<=a)b+|ab(?=ab)|\s+(?!\S)|a+(?=$)|ab|.)")
    pieces = list(tok.chunks(text, most))
    assert "".join(pieces) == text
    assert all(tok.count(piece) <= most for piece in pieces)


def test_words_and_lines_stay_whole(toklet: Any) -> None:
    tok = toklet.Tokenizer.from_merges([], pattern="gpt2")
    assert list(tok.chunks("one two three four", 9)) == ["one two", " three", " four"]
    assert list(tok.chunks("one two three four", 10, overlap=4)) == ["one two", " two three", " four"]
    assert list(tok.chunks("one\ntwo three", 9)) == ["one\ntwo", " three"], "a line break in the first half doesn't end a piece"
    assert list(tok.chunks("one two\nthree", 11)) == ["one two\n", "three"]
    assert list(tok.chunks("x" * 25, 10)) == ["x" * 10, "x" * 10, "x" * 5]
    assert list(tok.chunks("", 3)) == []
    assert list(tok.chunks(b"a\xff", 1)) == [b"a", b"\xff"]


def test_a_character_that_does_not_fit_is_named(toklet: Any) -> None:
    tok = toklet.Tokenizer.from_merges([], pattern="gpt2")
    with pytest.raises(toklet.ArgumentError, match="max_tokens is 2; it must be at least 3: so many ids has the character at byte 3"):
        list(tok.chunks("ab 中", 2))
    for most, overlap in ((0, 0), (5, 5), (5, -1), (2.5, 0), ("5", 0)):
        with pytest.raises(toklet.ArgumentError):
            tok.chunks("text", most, overlap)
    for bad in (5, None, "\ud800"):
        with pytest.raises(toklet.Error):
            tok.chunks(bad, 5)


LINEAR = """
import toklet
tok = toklet.Tokenizer.from_merges([(b"a", b"a"), (b"aa", b"aa"), (b" ", b" ")], pattern="o200k")
for unit in ("a", " ", "\\n", "aB", "中", "é ", "!", "a\\n", "1"):
    text = unit * (3_000_000 // len(unit.encode()))
    pieces = tok.chunks(text, 100, 10)
    assert sum(1 for piece in pieces) > 1000, unit
"""


@pytest.mark.slow
def test_long_texts_of_any_kind_are_cut_in_linear_time(native: Any) -> None:
    assert child(native, LINEAR, timeout=60).returncode == 0  # quadratic time would be hours


@pytest.mark.slow
@pytest.mark.parametrize("name", ["cl100k_base", "o200k_base"])
def test_real_text(native: Any, shared: Path, name: str) -> None:
    tok = native.load(shared / "vocab" / f"{name}.tiktoken")
    for corpus in ("english", "code", "multilingual"):
        text = (shared / "corpora" / f"{corpus}.txt").read_bytes()[:1_000_000].decode("utf-8", "ignore")
        pieces = list(tok.chunks(text, 512))
        assert "".join(pieces) == text
        counts = [tok.count(piece) for piece in pieces]
        assert max(counts) <= 512
        assert sum(counts[:-1]) > 0.75 * 512 * (len(counts) - 1)
        assert next(tok.chunks(text, 512, 64)) == pieces[0]


@given(text=strategies.spelled(), limit=st.integers(0, 30), special=st.sampled_from(["text", "allow"]), names=strategies.specials())
def test_a_count_up_to_a_limit_is_exact_up_to_it(toklet: Any, text: str, limit: int, special: str, names: list[str]) -> None:
    tok = toklet.Tokenizer.from_merges(MERGES, pattern="o200k", special_tokens=[name for name in names if len(name.encode()) > 1])
    assert tok.count(text, special, limit=limit) == min(tok.count(text, special), limit + 1)


def test_a_limit_that_makes_no_sense_is_refused(toklet: Any) -> None:
    tok = toklet.Tokenizer.from_merges([], pattern="gpt2", special_tokens=["<|end|>"])
    for limit in (-1, 1.5, "3", True):
        with pytest.raises(toklet.ArgumentError, match="limit"):
            tok.count("text", limit=limit)
    with pytest.raises(toklet.TextError):
        tok.count("a<|end|>", "error", limit=1)
