"""What a block costs is what it adds, to the id where joins allow it; and real text within large budgets is packed nearly as well as can be."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest


def paragraphs(shared: Path, corpus: str) -> list[str]:
    with (shared / "corpora" / f"{corpus}.txt").open("rb") as file:
        text = file.read(3_000_000).decode("utf-8", "replace")
    return [one for one in text.split("\n\n") if 20 < len(one) < 2_000][:2_000]


@pytest.mark.parametrize("corpus", ["english", "code", "multilingual"])
@pytest.mark.parametrize("name", ["cl100k_base", "o200k_base"])
def test_costs_are_what_blocks_add(native: Any, shared: Path, name: str, corpus: str) -> None:
    """But for the two ends, and for blocks that reach over a separator; without one they meet, and are counted as if they didn't."""
    tok, texts, rng = native.load(shared / "vocab" / f"{name}.tiktoken"), paragraphs(shared, corpus), np.random.default_rng(1)
    for separator in ("\n\n", "\n", "\n###\n", " ", ""):
        off = []
        for _ in range(40):
            prompt = native.pack([texts[i] for i in rng.integers(0, len(texts), 16)], tok, 10**6, separator=separator)
            off.append(sum(entry.cost for entry in prompt.receipt.entries) - tok.count(separator) - len(prompt))
        assert separator == "" or max(map(abs, off)) <= 4, (separator, off)


def test_special_separators_make_costs_exact(toklet: Any) -> None:
    """Nothing reaches over a special token."""
    tok = toklet.Tokenizer.from_merges([(b"a", b"a"), (b".", b"\n")], pattern="o200k", special_tokens=["<|end|>"])
    texts = ["aaa.", "\naa", "", "  a", "a.\n\n"]
    prompt = toklet.pack(texts, tok, 99, separator="<|end|>")
    assert sum(entry.cost for entry in prompt.receipt.entries) - 1 == len(prompt)


def test_no_block_costs_less_than_nothing(toklet: Any) -> None:
    """An empty block between separators that become one token: two separators are one id then, and one of them is too."""
    merges = [(b"\n", b"\n"), (b"\n\n", b"\n\n"), (b"\n\n\n\n", b"\n\n")]
    tok = toklet.Tokenizer.from_merges(merges, pattern="gpt2")
    for budget in range(12):
        prompt = toklet.pack(["", "a", "", toklet.Block("b", value=3), "\n\n"], tok, budget, separator="\n\n\n")
        assert len(prompt) <= budget
        assert all(entry.cost >= 0 for entry in prompt.receipt.entries)


@pytest.mark.parametrize("corpus", ["english", "code", "multilingual"])
def test_a_thousand_paragraphs_are_packed_nearly_as_well_as_can_be(native: Any, shared: Path, corpus: str) -> None:
    """The bound is what a knapsack of paragraphs that could be cut would hold, each at no more than it costs alone."""
    tok, texts = native.load(shared / "vocab" / "cl100k_base.tiktoken"), paragraphs(shared, corpus)[:1_000]
    values = np.random.default_rng(2).lognormal(size=len(texts))
    prompt = native.pack([native.Block(text, value=float(value)) for text, value in zip(texts, values, strict=True)], tok, 32_768, separator="\n\n")
    assert len(prompt) <= 32_768
    costs = np.array([entry.cost for entry in prompt.receipt.entries])
    order = np.argsort(-values / costs)
    bound = values[order][: int(np.searchsorted(np.cumsum(costs[order]), 32_768 + 8)) + 1].sum()
    kept = [entry.block for entry in prompt.receipt.entries if entry.state == "kept"]
    assert values[kept].sum() >= 0.99 * bound
    assert len(prompt) > 32_768 - costs.min() - 8
