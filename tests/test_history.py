"""The history of a chat within a budget: whole turns, and a beginning that stays."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

ROLES = st.sampled_from(["user", "assistant", "tool"])
CHATS = st.lists(st.tuples(ROLES, st.integers(0, 9)), max_size=20).map(lambda rows: [{"role": role, "content": "x" * size} for role, size in rows])


def size(messages: list[dict[str, str]]) -> int:
    return sum(len(message["content"]) + 1 for message in messages)


@given(messages=CHATS, budget=st.integers(0, 80), low=st.floats(0.1, 1), dropped=st.integers(0, 5))
def test_the_oldest_turns_go_whole(toklet: Any, messages: list[dict[str, str]], budget: int, low: float, dropped: int) -> None:
    starts = [i for i, message in enumerate(messages) if message["role"] == "user"]
    always = messages[: starts[0]] if starts else messages
    rest = lambda n: [*always, *(messages[starts[n] :] if starts else [])]  # noqa: E731
    last = max(len(starts) - 1, 0)
    try:
        kept, now = toklet.trim_history(messages, size, budget, low=low, dropped=dropped)
    except toklet.BudgetError:
        assert size(rest(last)) > budget
        return
    assert kept == rest(now)
    assert size(kept) <= budget
    before = min(dropped, last)
    if size(rest(before)) <= budget:
        assert now == before
    else:
        assert now == next((n for n in range(before, last + 1) if size(rest(n)) <= low * budget), last)


def test_a_low_mark_keeps_caches(toklet: Any) -> None:
    """Four hundred turns; the cache is the longest common beginning with the request before."""
    rng = np.random.default_rng(1)
    sizes = rng.integers(50, 400, 800).tolist()
    found = {}
    for low in (1.0, 0.75):
        messages, before, hits, total, dropped = [{"role": "system", "content": "s" * 600}], [], 0, 0, 0
        for turn in range(400):
            messages.append({"role": "user", "content": f"{turn}".ljust(sizes[2 * turn])})
            kept, dropped = toklet.trim_history(messages, size, 8_192, low=low, dropped=dropped)
            common = next((i for i, (a, b) in enumerate(zip(kept, before, strict=False)) if a != b), min(len(kept), len(before)))
            hits, total, before = hits + size(kept[:common]), total + size(kept), kept
            messages.append({"role": "assistant", "content": "a" * sizes[2 * turn + 1]})
        found[low] = hits / total
    assert found[0.75] > 0.75
    assert found[0.75] > 1.5 * found[1.0]


def test_what_makes_no_sense_is_refused(toklet: Any) -> None:
    for how in ({"low": 0}, {"low": 2}, {"dropped": -1}, {"budget": -1}, {"count": 3}):
        with pytest.raises(toklet.ArgumentError):
            toklet.trim_history([], **({"count": size, "budget": 9} | how))
