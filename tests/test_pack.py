"""Packing into a budget: never over it, what is required is there, and what is kept is worth most."""

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from . import strategies
from .test_prompt import HOSTILE, tokenizer

GIVEN = st.fixed_dictionaries(
    {},
    optional={
        "value": st.floats(0, 10),
        "priority": st.integers(-1, 1),
        "required": st.booleans(),
        "group": st.sampled_from(["a", "b"]),
        "truncate": st.sampled_from(["head", "tail", "middle"]),
        "min_tokens": st.integers(0, 3),
        "max_tokens": st.integers(1, 9),
        "fallback": st.sampled_from(["-", "<s>", ""]),
        "stable": st.booleans(),
        "trusted": st.booleans(),
    },
)
BLOCKS = st.lists(st.tuples(HOSTILE | strategies.texts(9), GIVEN), max_size=8)


@settings(max_examples=150)
@given(
    blocks=BLOCKS,
    budget=st.integers(0, 60),
    reserve=st.integers(0, 9),
    separator=HOSTILE,
    order=st.sampled_from(["given", "best-last", "edges", "stable-first"]),
)
def test_the_contract(toklet: Any, blocks: list[Any], budget: int, reserve: int, separator: str, order: str) -> None:
    tok = tokenizer(toklet)
    given = [toklet.Block(text, **how) for text, how in blocks]
    try:
        prompt = toklet.pack(given, tok, budget, reserve=reserve, separator=separator, order=order)
    except toklet.BudgetError:
        toklet.pack([block for block in given if not block.required], tok, budget, reserve=reserve, separator=separator, order=order)
        return
    assert len(prompt.ids) <= max(budget - reserve, 0) == prompt.receipt.limit
    assert prompt.receipt.tokens == len(prompt)
    states = [entry.state for entry in prompt.receipt.entries]
    for block, state in zip(given, states, strict=True):
        assert state in ("kept", "cut", "fallback", "dropped")
        assert state in ("kept", "cut") or not block.required
        assert state != "cut" or block.truncate != "none"
        assert state != "fallback" or block.fallback is not None
    for group in ("a", "b"):
        together = {state in ("kept", "cut") for block, state in zip(given, states, strict=True) if block.group == group}
        assert len(together) < 2
    between = sum(span.ids[1] - span.ids[0] for span in prompt.spans if span.message is None)
    assert sum(entry.tokens for entry in prompt.receipt.entries) + between == len(prompt)
    for i, (block, state) in enumerate(zip(given, states, strict=True)):
        if state == "kept":
            assert "".join(part.text for part in prompt.parts if part.message == i) == block.text
    assert tok.decode(prompt.ids) == prompt.text
    assert str(prompt.receipt).endswith(f"{len(prompt)} of {max(budget - reserve, 0)} tokens")
    assert prompt.receipt.to_dict()["tokens"] == len(prompt)


@settings(max_examples=40)
@given(sizes=st.lists(st.integers(1, 9), min_size=1, max_size=14), seed=st.integers(0, 2**32 - 1), budget=st.integers(0, 60))
def test_what_is_kept_is_worth_most(toklet: Any, sizes: list[int], seed: int, budget: int) -> None:
    """Against all ways to choose: bytes are tokens here, so that costs are plain."""
    tok = toklet.Tokenizer.from_merges([], pattern="gpt2")
    values = np.random.default_rng(seed).integers(1, 50, len(sizes)).tolist()
    prompt = toklet.pack([toklet.Block("x" * size, value=value) for size, value in zip(sizes, values, strict=True)], tok, budget, separator="")
    worth = lambda kept: sum(values[i] for i in kept) * (sum(sizes[i] for i in kept) <= budget)  # noqa: E731
    best = max(worth(kept) for n in range(len(sizes) + 1) for kept in itertools.combinations(range(len(sizes)), n))
    assert worth([entry.block for entry in prompt.receipt.entries if entry.state == "kept"]) == best


def test_a_thousand_blocks_are_worth_nearly_the_best(native: Any) -> None:
    """The bound is that of the fractions: what a knapsack of cut blocks could hold."""
    tok, rng = native.Tokenizer.from_merges([], pattern="gpt2"), np.random.default_rng(3)
    sizes, values = rng.integers(20, 200, 1_000), rng.lognormal(size=1_000)
    prompt = native.pack([native.Block("x" * int(size), value=float(value)) for size, value in zip(sizes, values, strict=True)], tok, 32_768, separator="\n")
    kept = [entry.block for entry in prompt.receipt.entries if entry.state == "kept"]
    order = np.argsort(-values / (sizes + 1))
    bound = values[order][: int(np.searchsorted(np.cumsum((sizes + 1)[order]), 32_768)) + 1].sum()
    assert values[kept].sum() >= 0.99 * bound


def test_what_is_required_and_does_not_fit_is_told(toklet: Any) -> None:
    tok = toklet.Tokenizer.from_merges([], pattern="gpt2")
    blocks = [toklet.Block("x" * 9, required=True), toklet.Block("y" * 5, required=True), "z"]
    with pytest.raises(
        toklet.BudgetError, match=r"is 15, which is 7 too many \(block 0 9, block 1 5\); it must be at most 8, the budget of 10 less 2 for the answer"
    ):
        toklet.pack(blocks, tok, 10, reserve=2, separator="-")
    assert toklet.pack(blocks, tok, 15, separator="-").text == "x" * 9 + "-" + "y" * 5
    with pytest.raises(toklet.BudgetError, match="block 0, which is required"):
        toklet.pack([toklet.Block("x" * 9, required=True, max_tokens=3)], tok, 10)
    cut = toklet.pack([toklet.Block("one two three four", required=True, truncate="tail", marker="…")], tok, 13)
    assert cut.text == "…three four"


def test_blocks_are_cut_at_clean_places(toklet: Any) -> None:
    tok = toklet.Tokenizer.from_merges([], pattern="gpt2")
    text = "First sentence here. Second sentence here. Third one."
    for keep, expected in (("head", "First sentence here. ..."), ("tail", "... Third one."), ("middle", "... Second sentence ...")):
        block = toklet.Block(text, truncate=keep, marker=" ... ")
        prompt = toklet.pack([block], tok, 27)
        assert len(prompt) <= 27
        assert prompt.receipt.entries[0].state == "cut"
        assert prompt.text.replace(" ...", "...").replace("... ", "...")[:9] == expected.replace(" ...", "...").replace("... ", "...")[:9]
    assert toklet.pack([toklet.Block(text, truncate="head", min_tokens=40)], tok, 27).text == ""
    assert toklet.pack([toklet.Block(text, fallback="(left out)")], tok, 27).text == "(left out)"


def test_orders(toklet: Any) -> None:
    tok = toklet.Tokenizer.from_merges([], pattern="gpt2")
    blocks = [toklet.Block(text, value=value, stable=text in "bd") for text, value in zip("abcde", (5, 1, 4, 2, 3), strict=True)]
    blocks.append(toklet.Block("?", required=True))
    texts = {order: toklet.pack(blocks, tok, 99, separator="", order=order).text for order in ("given", "best-last", "edges", "stable-first")}
    assert texts == {"given": "abcde?", "best-last": "bdeca?", "edges": "aebdc?", "stable-first": "bdace?"}


def test_priorities_and_diversity(toklet: Any) -> None:
    tok = toklet.Tokenizer.from_merges([], pattern="gpt2")
    blocks = [toklet.Block("aaaa", value=9), toklet.Block("bbbb", priority=1), toklet.Block("cccc", priority=-1)]
    assert toklet.pack(blocks, tok, 8, separator="").text == "aaaabbbb"
    assert toklet.pack(blocks, tok, 4, separator="").text == "bbbb"
    near = [toklet.Block(name, vector=vector) for name, vector in (("a", [1, 0]), ("b", [1, 0.01]), ("c", [0.6, 0.8]))]
    assert toklet.pack(near, tok, 2, separator="", query_vector=[1, 0], diversity=0.0).text == "ab"
    assert toklet.pack(near, tok, 2, separator="", query_vector=[1, 0], diversity=0.7).text == "ac"


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"value": float("nan")}, "value is nan"),
        ({"value": -1}, "value is -1"),
        ({"priority": 0.5}, "priority"),
        ({"truncate": "all"}, "truncate is 'all'"),
        ({"max_tokens": -1}, "max_tokens is -1"),
        ({"fallback": 3}, "fallback"),
    ],
)
def test_blocks_that_make_no_sense_are_refused(toklet: Any, how: dict[str, Any], words: str) -> None:
    with pytest.raises(toklet.ArgumentError, match=words):
        toklet.Block("x", **how)


def test_calls_that_make_no_sense_are_refused(toklet: Any) -> None:
    tok = toklet.Tokenizer.from_merges([], pattern="gpt2")
    for blocks, how, words in (
        ("ab", {}, "blocks"),
        ([1], {}, r"blocks\[0\]"),
        (["a"], {"budget": -1}, "budget is -1"),
        (["a"], {"reserve": 1.5}, "reserve"),
        (["a"], {"order": "x"}, "order is 'x'"),
        (["a"], {"query_vector": [1.0]}, "the vector of a block"),
        ([toklet.Block("a", vector=[1.0, 2.0])], {"query_vector": [1.0]}, "the shape of query_vector"),
        ([toklet.Block("a", vector=[np.nan])], {"query_vector": [1.0]}, "the vector of a block"),
    ):
        with pytest.raises(toklet.ArgumentError, match=words):
            toklet.pack(blocks, tok, **({"budget": 9} | how))
    with pytest.raises(toklet.TextError):
        toklet.Block("\ud800")


@settings(max_examples=60)
@given(shots=st.lists(st.tuples(HOSTILE, HOSTILE), max_size=6), values=st.lists(st.floats(0, 9), min_size=6, max_size=6), budget=st.integers(0, 80))
def test_few_shot_prompts_within_a_budget(toklet: Any, shots: list[tuple[str, str]], values: list[float], budget: int) -> None:
    tok = tokenizer(toklet)
    template, query = toklet.Template("<s>{{ q }}: {{ a }}<|im_end|>"), {"query": {"q": "?"}, "stop_before": "a"}
    few = toklet.FewShot(template, [{"q": q, "a": a} for q, a in shots], **query)
    try:
        prompt = few.render(tok, budget=budget, value=values[: len(shots)])
    except toklet.BudgetError:
        assert len(toklet.FewShot(template, [], **query).render(tok)) > budget
        return
    assert len(prompt) <= budget
    kept = [entry.block for entry in prompt.receipt.entries[:-1] if entry.state == "kept"]
    fewer = toklet.FewShot(template, [{"q": shots[i][0], "a": shots[i][1]} for i in kept], **query)
    assert prompt.text == fewer.text
    assert prompt.ids.tolist() == fewer.render(tok).ids.tolist()
    if len(few.render(tok)) <= budget:
        assert kept == [i for i in range(len(shots)) if values[i] > 0]


@pytest.mark.parametrize("language", ["gsm8k", "de", "en", "ru", "th", "zh"])
def test_real_examples_at_every_budget(native: Any, shared: Path, language: str) -> None:
    tok = native.load(shared / "vocab" / "cl100k_base.tiktoken")
    if language == "gsm8k":
        lines = (shared / "fewshot" / "gsm8k_test.jsonl").read_text("utf-8").splitlines()[:200]
        examples = [{name: json.loads(line)[name] for name in ("question", "answer")} for line in lines]
    else:
        rows = (shared / "fewshot" / f"mgsm_{language}.tsv").read_text("utf-8").splitlines()[:200]
        examples = [dict(zip(("question", "answer"), row.split("\t"), strict=False)) for row in rows]
    few = native.FewShot(native.Template("Q: {{ question }}\nA: {{ answer }}"), examples[1:], query={"question": examples[0]["question"]}, stop_before="answer")
    kept = []
    for budget in (256, 512, 1_024, 2_048, 4_096, 8_192):
        prompt = few.render(tok, budget=budget, reserve=16)
        assert len(prompt) <= budget - 16
        assert prompt.ids.tolist() == tok.encode(prompt.text).tolist()
        kept.append(sum(entry.state == "kept" for entry in prompt.receipt.entries))
    assert kept == sorted(kept)
    assert kept[-1] > kept[0]
