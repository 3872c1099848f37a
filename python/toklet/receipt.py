"""What a budget did to a prompt: a line for each block, and what they cost."""

from collections.abc import Sequence
from typing import Any, NamedTuple


class Entry(NamedTuple):
    """What became of a block: `"kept"`, `"cut"`, `"fallback"` or `"dropped"`; its ids in the prompt, what it would cost with a separator, and why."""

    block: int
    state: str
    tokens: int
    cost: int
    why: str


class Receipt(NamedTuple):
    """What was kept, cut and dropped, why, and what it costs.

    Attributes
    ----------
    entries : sequence of Entry
        One a block, in the order in which they were given.
    tokens : int
        How many ids the prompt has: those of the entries and of what stands between them.
    limit : int
        The budget, less what is reserved for the answer.
    """

    entries: Sequence[Entry]
    tokens: int
    limit: int

    def to_dict(self) -> dict[str, Any]:
        """Give it as plain data."""
        return {"tokens": self.tokens, "limit": self.limit, "entries": [entry._asdict() for entry in self.entries]}

    def __str__(self) -> str:
        rows = [("block", "", "tokens", "cost", "why"), *((str(e.block), e.state, str(e.tokens), str(e.cost), e.why) for e in self.entries)]
        widths = [max(len(row[i]) for row in rows) for i in range(4)]
        lines = [f"{row[0]:>{widths[0]}}  {row[1]:{widths[1]}}  {row[2]:>{widths[2]}}  {row[3]:>{widths[3]}}  {row[4]}".rstrip() for row in rows]
        return "\n".join([*lines, f"{self.tokens} of {self.limit} tokens"])
