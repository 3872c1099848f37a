"""Few-shot prompts: examples by priority, by value and by what they are about, as text and as turns of a chat; and the faults at their ends."""

import itertools
import re
from typing import Any

import numpy as np
import pytest

from .test_prompt import tokenizer

QA = "{{ q }}={{ a }}"


def few(toklet: Any, n: int = 4, template: str = QA, query: str = "?") -> Any:
    return toklet.FewShot(toklet.Template(template), [{"q": "q" * (i + 1), "a": str(i)} for i in range(n)], separator="; ", query={"q": query}, stop_before="a")


def kept(prompt: Any) -> list[int]:
    return [entry.block for entry in prompt.receipt.entries[:-1] if entry.state == "kept"]


def chats(toklet: Any) -> list[Any]:
    return [None] if toklet.backend == "reference" else [None, toklet.ChatTemplate.chatml()]


def test_tiers_come_before_values(toklet: Any) -> None:
    tok = toklet.Tokenizer.from_merges([], pattern="gpt2")
    for chat in chats(toklet):
        shots = few(toklet)
        whole = len(shots.render(tok, chat=chat))
        assert kept(shots.render(tok, chat=chat, budget=whole)) == [0, 1, 2, 3]
        least = shots.render(tok, chat=chat, budget=whole - 1, value=[9, 9, 9, 1], priority=[0, 0, 0, 1])
        assert 3 in kept(least)
        assert kept(shots.render(tok, chat=chat, budget=whole - 1, value=[9, 9, 9, 1])) == [0, 1, 2]


def test_orders_are_those_of_pack(toklet: Any) -> None:
    tok = toklet.Tokenizer.from_merges([], pattern="gpt2")
    for chat in chats(toklet):
        shots, answers = few(toklet), {}
        for order in ("given", "best-last", "edges", "stable-first"):
            text = shots.render(tok, chat=chat, budget=999, value=[5, 1, 4, 2], order=order).text
            answers[order] = "".join(c for c in text if c.isdigit())
        assert answers == {"given": "0123", "best-last": "1320", "edges": "0312", "stable-first": "0123"}


def test_examples_near_the_query_and_unlike_each_other(toklet: Any) -> None:
    tok = toklet.Tokenizer.from_merges([], pattern="gpt2")
    vectors = np.array([[1.0, 0.0], [1.0, 0.01], [0.6, 0.8], [-1.0, 0.0]])
    for chat in chats(toklet):
        shots = few(toklet)
        two = max(len(few(toklet, 4).render(tok, chat=chat, budget=999, value=v)) for v in ([1, 1, 0, 0], [1, 0, 1, 0]))
        how = {"chat": chat, "budget": two, "vectors": vectors, "query_vector": [1, 0]}
        assert kept(shots.render(tok, diversity=0.0, **how)) == [0, 1]
        assert kept(shots.render(tok, diversity=0.7, **how)) == [0, 2]


def test_what_does_not_fit_the_examples_is_refused(toklet: Any) -> None:
    tok = toklet.Tokenizer.from_merges([], pattern="gpt2")
    for chat in chats(toklet):
        for how, words in (
            ({"value": [1]}, "the length of value is 1; it must be 4, one an example"),
            ({"priority": [1]}, "the length of priority is 1"),
            ({"vectors": [[1.0]], "query_vector": [1.0]}, "the length of vectors is 1"),
            ({"query_vector": [1.0]}, "the vector of a block"),
            ({"vectors": [[1.0], [1.0], [1.0], [1.0, 2.0]], "query_vector": [1.0]}, "the vectors"),
            ({"vectors": [[1.0]] * 4, "query_vector": [1.0, 2.0]}, "the shape of query_vector"),
            ({"order": "x"}, "order is 'x'"),
            ({"diversity": 2}, "diversity is 2"),
            ({"budget": -1}, "budget is -1"),
        ):
            with pytest.raises(toklet.ArgumentError, match=words):
                few(toklet).render(tok, chat=chat, **({"budget": 99} | how))
        with pytest.raises(toklet.BudgetError):
            few(toklet).render(tok, chat=chat, budget=1)


@pytest.mark.parametrize(
    ("template", "query", "merges", "warning"),
    [
        ("Q: {{ q }} A: {{ a }}", "x", [(b" ", b"y")], "the prompt ends in ' ', .* end it without, and let the answer begin with it"),
        ("{{ q }}{{ a }}", "x ", [(b" ", b"y")], r"the value of {{ q }} ends in ' ', .* write {{ q \| trim }}"),
        ("{{ q }}\n\n{{ a }}", "x", [(b"\n", b"\n")], r"the prompt ends in '\\n'"),
        ("{{ q | trim }}{{ a }}", "x ", [(b" ", b"y")], None),
        ("Q: {{ q }} A: {{ a }}", "x", [], None),
        ("{{ q }}\n{{ a }}", "x", [(b"\n", b"\n")], None),
    ],
)
def test_a_prompt_that_ends_inside_a_token_is_told(toklet: Any, template: str, query: str, merges: list[tuple[bytes, bytes]], warning: str | None) -> None:
    """Even where no example shows it: a model never saw that space alone."""
    tok = toklet.Tokenizer.from_merges(merges, pattern="gpt2")
    found = few(toklet, 0, template, query).render(tok).warnings
    if warning is None:
        assert found == []
    else:
        (words,) = found
        assert re.search(warning, words), words
        assert few(toklet, 0, template, query).render(tok, budget=99).warnings == found


def test_what_is_before_an_answer_may_share_a_token_with_it(toklet: Any) -> None:
    tok = toklet.Tokenizer.from_merges([(b":", b"<"), (b" ", b"0")], pattern="gpt2")
    shots = [{"q": "a", "a": "<0"}, {"q": "b", "a": "1"}]
    query: dict[str, Any] = {"query": {"q": "c"}, "stop_before": "a"}
    (warning,) = toklet.FewShot(toklet.Template("{{ q }}:{{ a }}"), shots, **query).render(tok).warnings
    assert warning == "1 of 2 answers share their first token with the ':' before them, which the query ends in alone: put a line break before {{ a }}"
    assert toklet.FewShot(toklet.Template("{{ q }}:\n{{ a }}"), shots, **query).render(tok).warnings == []


def test_two_hundred_blocks_are_chosen_exactly(toklet: Any) -> None:
    """Against a knapsack that is solved by its best sums, one item after the other."""
    tok, rng = tokenizer(toklet, []), np.random.default_rng(5)
    sizes, values = rng.integers(1, 30, 200).tolist(), rng.integers(1, 99, 200).tolist()
    for budget in (40, 500, 2_000):
        best = {0: 0}
        for size, value in zip(sizes, values, strict=True):
            for cost, worth in list(best.items()):
                if cost + size <= budget:
                    best[cost + size] = max(best.get(cost + size, 0), worth + value)
        prompt = toklet.pack([toklet.Block("x" * size, value=value) for size, value in zip(sizes, values, strict=True)], tok, budget, separator="")
        assert sum(values[entry.block] for entry in prompt.receipt.entries if entry.state == "kept") == max(best.values())


def test_groups_and_tiers_against_all_ways(toklet: Any) -> None:
    """Groups stay together, the higher tier is the best of its own, and the lower the best of the rest."""
    tok, rng = toklet.Tokenizer.from_merges([], pattern="gpt2"), np.random.default_rng(6)
    for _ in range(20):
        n = 8
        sizes, values = rng.integers(1, 9, n).tolist(), rng.integers(1, 50, n).tolist()
        groups = [int(g) if g < 3 else None for g in rng.integers(0, 6, n)]
        tiers = [0 if g is None else g % 2 for g in groups]
        budget = int(rng.integers(0, 30))
        blocks = [toklet.Block("x" * s, value=v, group=g, priority=t) for s, v, g, t in zip(sizes, values, groups, tiers, strict=True)]
        prompt = toklet.pack(blocks, tok, budget, separator="")
        units = {g if g is not None else ("alone", i) for i, g in enumerate(groups)}
        members = {u: [i for i in range(n) if (groups[i] if groups[i] is not None else ("alone", i)) == u] for u in units}

        def best(names: list[Any], room: int, members: Any = members, sizes: Any = sizes, values: Any = values) -> tuple[int, int]:
            found = (0, 0)
            for k in range(len(names) + 1):
                for some in itertools.combinations(names, k):
                    cost, worth = (sum(of[i] for u in some for i in members[u]) for of in (sizes, values))
                    if cost <= room:
                        found = max(found, (worth, -cost))
            return found

        high = best([u for u in units if tiers[members[u][0]] == 1], budget)
        got = [entry.block for entry in prompt.receipt.entries if entry.state == "kept"]
        assert sum(values[i] for i in got if tiers[i] == 1) == high[0]
        assert sum(sizes[i] for i in got) <= budget
