"""Training on top of a tokenizer: what it had stays, and what is learnt is what would have been learnt."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

TEXTS = ["low lower lowest slow slower", "new newer newest", "aaaa aaa abab ababab"]
SMALL = st.lists(st.text("abc ", max_size=12), min_size=1, max_size=5)


@pytest.mark.parametrize("ties", ["ids", "huggingface", "bytes"])
@given(texts=SMALL, cut=st.integers(0, 20), more=st.integers(0, 20))
def test_training_in_two_steps_is_training_in_one(toklet: Any, ties: str, texts: list[str], cut: int, more: int) -> None:
    counts = toklet.count([*texts, "ab"], "gpt2")
    first = counts.train(256 + cut, ties=ties)
    assert counts.train(256 + cut + more, ties=ties, extend=first).merges == counts.train(256 + cut + more, ties=ties).merges


def test_ids_and_special_tokens_stay_and_new_ones_come_behind(toklet: Any) -> None:
    base = toklet.train(TEXTS[:1], 262, pattern="gpt2", special_tokens=["<|end|>"])
    tok = toklet.train(TEXTS, 270, extend=base, special_tokens=["<|end|>", "<|new|>"])
    assert tok.pattern == base.pattern
    assert tok.vocab_size == 270
    assert tok.special_tokens == {"<|end|>": 261, "<|new|>": 269}
    assert all(tok.tokens[token] == id for token, id in base.tokens.items())
    assert sorted(set(tok.tokens.values()) - set(base.tokens.values())) == list(range(262, 269))
    assert tok.merges[: len(base.merges)] == base.merges


@given(first=SMALL, second=SMALL)
def test_the_corpus_is_encoded_as_it_was_when_the_merges_were_learnt(toklet: Any, first: list[str], second: list[str]) -> None:
    """A tokenizer of ranks takes a pretoken that is a token as that token; of merges, by its merges."""
    base = toklet.train([*first, "ab"], 266, pattern="gpt2")
    ranked = toklet.Tokenizer.from_ranks(base.tokens, pattern="gpt2")
    texts = [*second, "ab"]
    one, other = (toklet.train(texts, base.vocab_size + 6, extend=tok) for tok in (base, ranked))
    assert one.merges[len(base.merges) :] == other.merges[len(base.merges) :]
    for text in texts:
        assert one.encode(text).tolist() == other.encode(text).tolist()


def test_a_token_that_the_merges_do_not_reach_is_not_made_twice(toklet: Any) -> None:
    tokens = {bytes([byte]): byte for byte in range(256)} | {b"ab": 256, b"abc": 257}
    base = toklet.Tokenizer._from_tables(tokens, [(b"a", b"b")], {}, "gpt2", False)
    tok = toklet.WordCounts({b"abc": 9, b"abd": 4}, "gpt2").train(300, extend=base)
    assert tok.merges == [(b"a", b"b"), (b"ab", b"d")]
    assert tok.tokens[b"abd"] == 258


def test_what_cannot_be_extended_is_refused(toklet: Any) -> None:
    base = toklet.train(TEXTS, 270, pattern="gpt2")
    with pytest.raises(toklet.ArgumentError, match="pattern"):
        toklet.train(TEXTS, 300, pattern="cl100k", extend=base)
    with pytest.raises(toklet.ArgumentError, match="pattern"):
        toklet.count(TEXTS, "cl100k").train(300, extend=base)
    with pytest.raises(toklet.ArgumentError, match="from 271 \\(270 ids to extend and 1 special tokens\\)"):
        toklet.train(TEXTS, 270, extend=base, special_tokens=["<|new|>"])
    with pytest.raises(toklet.WrongTypeError, match="extend"):
        toklet.train(TEXTS, 300, extend="gpt2")
