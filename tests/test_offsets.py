"""Where ids stand in a text, and texts cut so that they fit."""

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from . import strategies


def tokenizer(toklet: Any, merges: list[tuple[bytes, bytes]]) -> Any:
    return toklet.Tokenizer.from_merges(merges, pattern="o200k", special_tokens=["<|endoftext|>", "é", "<|end"])


@given(merges=strategies.merges(), text=strategies.spelled(), special=st.sampled_from(["text", "allow"]))
def test_offsets_in_bytes_are_the_lengths_added_up(toklet: Any, merges: list[tuple[bytes, bytes]], text: str, special: str) -> None:
    tok = tokenizer(toklet, merges)
    ids, offsets = tok.encode_with_offsets(text, special, unit="bytes")
    assert ids.tolist() == tok.encode(text, special).tolist()
    ends = list(itertools.accumulate((len(tok.token(id)) for id in ids.tolist()), initial=0))
    assert offsets.tolist() == [list(span) for span in itertools.pairwise(ends)]
    assert ends[-1] == len(text.encode())


@given(merges=strategies.merges(), text=strategies.spelled(), special=st.sampled_from(["text", "allow"]))
def test_offsets_in_characters_hold_every_character_that_a_token_touches(toklet: Any, merges: list[tuple[bytes, bytes]], text: str, special: str) -> None:
    tok = tokenizer(toklet, merges)
    ids, offsets = tok.encode_with_offsets(text, special)
    _, in_bytes = tok.encode_with_offsets(text, special, unit="bytes")
    assert ids.tolist() == tok.encode(text, special).tolist()
    owner = [number for number, c in enumerate(text) for _ in c.encode()]
    assert offsets.tolist() == [[owner[start], owner[end - 1] + 1] for start, end in in_bytes.tolist()]
    for id, (start, end) in zip(ids.tolist(), offsets.tolist(), strict=True):
        assert tok.token(id) in text[start:end].encode()


@given(data=strategies.data())
def test_a_byte_that_belongs_to_no_character_counts_as_one(toklet: Any, data: bytes) -> None:
    tok = tokenizer(toklet, [])
    text = data.decode("utf-8", "surrogateescape")
    owner = [number for number, c in enumerate(text) for _ in c.encode("utf-8", "surrogateescape")]
    assert tok.encode_with_offsets(data)[1].tolist() == [[number, number + 1] for number in owner]


def test_offsets_have_two_columns_even_where_there_is_nothing(toklet: Any) -> None:
    ids, offsets = tokenizer(toklet, []).encode_with_offsets("")
    assert (ids.shape, offsets.shape) == ((0,), (0, 2))
    assert offsets.dtype == np.uint32


@pytest.mark.parametrize("keep", ["head", "tail", "middle"])
@given(merges=strategies.merges(), text=strategies.spelled(), most=st.integers(0, 12))
def test_a_truncated_text_is_a_part_that_fits(toklet: Any, keep: str, merges: list[tuple[bytes, bytes]], text: str, most: int) -> None:
    tok = tokenizer(toklet, merges)
    kept = tok.truncate(text, most, keep)
    assert type(kept) is str
    assert tok.count(kept) <= most
    assert {"head": text.startswith, "tail": text.endswith, "middle": text.__contains__}[keep](kept)
    assert (kept == text) == (tok.count(text) <= most)


@pytest.mark.parametrize("keep", ["head", "tail", "middle"])
@given(data=strategies.data(), most=st.integers(0, 12))
def test_truncated_bytes_are_cut_between_characters(toklet: Any, keep: str, data: bytes, most: int) -> None:
    tok = tokenizer(toklet, [(b"\xc3", b"\xa9"), (b"a", b"b")])
    kept = tok.truncate(data, most, keep)
    assert type(kept) is bytes
    assert tok.count(kept) <= most
    assert {"head": data.startswith, "tail": data.endswith, "middle": data.__contains__}[keep](kept)
    if tok.count(data) > most and keep in ("head", "tail"):
        text, part = data.decode("utf-8", "surrogateescape"), kept.decode("utf-8", "surrogateescape")
        assert text.startswith(part) if keep == "head" else text.endswith(part)


@pytest.mark.parametrize(("keep", "kept"), [("head", "abcd"), ("tail", "ghij"), ("middle", "defg")])
def test_the_part_that_stays_is_as_long_as_it_may_be(toklet: Any, keep: str, kept: str) -> None:
    assert tokenizer(toklet, []).truncate("abcdefghij", 4, keep) == kept


def test_a_character_is_never_cut(toklet: Any) -> None:
    tok = tokenizer(toklet, [])
    assert tok.truncate("aé中😀", 3) == "aé"
    assert tok.truncate("aé中😀", 5) == "aé"
    assert tok.truncate("aé中😀", 6) == "aé中"
    assert tok.truncate("aé中😀", 6, "tail") == "😀"
    assert tok.truncate("aé中😀", 0) == ""


def test_a_cut_that_changes_the_split_still_fits(toklet: Any) -> None:
    """The blanks before a word belong to it in part, so the head of a text may take more ids than it had in the text."""
    tok = toklet.Tokenizer.from_merges([(b" ", b"b"), (b" ", b" "), (b"  ", b"  ")], pattern="gpt2")
    for most in range(9):
        for keep in ("head", "tail", "middle"):
            assert tok.count(tok.truncate("a     b     c    b", most, keep)) <= most


def test_special_tokens_in_a_truncated_text_are_text(toklet: Any) -> None:
    assert tokenizer(toklet, []).truncate("ab<|endoftext|>", 4) == "ab<|"
