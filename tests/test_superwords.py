"""Superwords: from some size of the vocabulary on merges may join the words of a line."""

import random
from pathlib import Path
from typing import Any

import pytest
import tokenizers
from hypothesis import given
from hypothesis import strategies as st

from .backends import Both

WORDS = [
    "a",
    "the",
    "of",
    "in",
    "to",
    "and",
    "is",
    "that",
    "it",
    "was",
    "by",
    "way",
    "house",
    "mouse",
    "12",
    "345",
    "é",
    "中文",
    "don't",
    "x=1,",
    "(y)",
    ";",
    "…",
]
LINES = st.lists(st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join), max_size=5).map("\n".join)


def test_a_phrase_becomes_a_token_and_a_line_break_ends_it(toklet: Any) -> None:
    tok = toklet.train(["by the way\nby the way, it was\n"] * 9, 290, pattern="gpt2", superwords=275)
    assert b"by the way" in tok.tokens
    assert all(b"\n" not in token[:-1] for token in tok.tokens)
    words = toklet.train(["by the way\n", "by the way, it was\n"] * 9, 275, pattern="gpt2")
    assert tok.merges[: len(words.merges)] == words.merges
    assert tok.pattern == toklet.patterns["lines"]


@given(texts=st.lists(LINES, min_size=1, max_size=4), words=st.integers(0, 20), more=st.integers(0, 30), ties=st.sampled_from(["ids", "huggingface", "bytes"]))
def test_it_is_a_training_on_words_and_then_one_on_lines(both: Both, texts: list[str], words: int, more: int, ties: str) -> None:
    texts, size = [*texts, "by the way"], 256 + words + more

    def superwords(toklet: Any) -> Any:
        return toklet.train(texts, size, pattern="cl100k", superwords=256 + words, ties=ties).merges

    def two_stages(toklet: Any) -> Any:
        lines = toklet.count(texts, "lines")
        parts = toklet.WordCounts({}, "cl100k")
        for line, n in lines:
            parts += n * toklet.count([line], "cl100k")
        first = toklet.Tokenizer.from_merges(parts.train(256 + words, ties=ties).merges, pattern="lines")
        return lines.train(size, extend=first, ties=ties).merges if first.vocab_size <= size else first.merges

    assert both.same(superwords) == both.native.outcome(two_stages)


@given(seed=st.integers(0, 2**32))
def test_lines_are_encoded_by_the_ranks_and_by_nothing_else(both: Both, trained: dict[str, Any], seed: int) -> None:
    """The core merges the words of a line first, where a vocabulary is large enough for that; the reference doesn't know how."""
    chosen = random.Random(seed)
    text = "".join(chosen.choice(WORDS) + chosen.choice([" ", " ", " ", "  ", "", "\n", "\t", "é", "\u00a0"]) for _ in range(chosen.randrange(40)))
    found = [trained[name].encode(data).tolist() for name in ("native", "reference") for data in (text, text.encode()[1:])]
    assert found[:2] == found[2:]
    assert trained["native"].decode(found[0]) == text


@pytest.fixture(scope="module")
def trained(both: Both) -> dict[str, Any]:
    """A vocabulary that has enough merges of words, on both backends."""
    chosen = random.Random(7)
    long = ["".join(chosen.choice("abcdefghijklmnop") for _ in range(chosen.randrange(2, 12))) for _ in range(300)]
    texts = [" ".join(chosen.choice(WORDS if chosen.random() < 0.6 else long) for _ in range(12)) for _ in range(1_500)]
    with both.native.active() as toklet:
        native = toklet.train(texts, 256 + 900, pattern="gpt2", superwords=256 + 500)
    assert any(b" " in token[1:] for token in native.tokens)
    with both.reference.active() as toklet:
        reference = toklet.Tokenizer.from_merges(native.merges, pattern="lines")
    return {"native": native, "reference": reference}


def test_other_libraries_encode_its_file_alike(trained: dict[str, Any], tmp_path: Path) -> None:
    trained["native"].save(tmp_path / "tok.json")
    theirs, ranks = tokenizers.Tokenizer.from_file(str(tmp_path / "tok.json")), trained["native"].to_tiktoken()
    for text in ("by the way it was a house\r\n\r\nby the way", " that is it\nof the house ", "the mouse in the 中文 house", "\n\nx=1, (y) ; by the way"):
        assert theirs.encode(text).ids == ranks.encode(text) == trained["native"].encode(text).tolist()


def test_a_stopped_training_goes_on_in_either_stage(toklet: Any, tmp_path: Path) -> None:
    lines = toklet.count(["by the way it was a house\nby the way it is\n", "that was the way of the house\n"] * 5, "lines")
    options = {"superwords": 270, "pattern": "gpt2"}
    whole = lines.train(300, **options).merges
    for stop in (265, 285):
        path = tmp_path / f"{stop}"

        def stopped(done: int, total: int, stop: int = stop) -> None:
            if done >= stop - 256:
                raise KeyboardInterrupt

        if toklet.backend == "reference":
            with pytest.raises(KeyboardInterrupt):
                lines.train(300, **options, checkpoint=path, progress=stopped)
        else:
            assert lines.train(stop, **{**options, "superwords": min(stop, 270)}).merges == whole[: stop - 256]
            lines.train(max(stop, 270), **options, checkpoint=path)
        assert lines.train(300, **options, checkpoint=path).merges == whole
    with pytest.raises(toklet.FormatError, match="other counts or other options"):
        lines.train(300, superwords=271, pattern="gpt2", checkpoint=path)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda toklet: toklet.train(["a b"], 300, superwords=255), "superwords is 255; it must be from 256 to 300, or None"),
        (lambda toklet: toklet.train(["a b"], 300, superwords=300, special_tokens=["<s>"]), "superwords is 300; it must be from 256 to 299, or None"),
        (lambda toklet: toklet.train(["a b"], 300, superwords="270"), "superwords is '270'"),
        (lambda toklet: toklet.count(["a b"]).train(300, superwords=270), 'the pattern of the counts is .*it must be "lines"'),
        (lambda toklet: toklet.count(["a b"], "gpt2").train(300, pattern="o200k"), "it must be that of the counts"),
        (lambda toklet: toklet.count(["a b"], "lines").train(300, superwords=270, pattern="("), r"pattern is .*\("),
    ],
)
def test_what_cannot_be_is_refused(toklet: Any, call: Any, message: str) -> None:
    with pytest.raises(toklet.Error, match=message):
        call(toklet)
