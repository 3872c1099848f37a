"""The history of a chat within a budget, by whole turns, and so that a cache of its beginning survives.

Dropping the oldest turn whenever the budget is passed changes the beginning of the prompt each time, and a cache of it is worth nothing. So nothing is dropped
until the budget is passed; then the oldest turns go until a good part of it is free, and the beginning stays as it is for many turns more.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .reference.error import ArgumentError, BudgetError, number

Message = Mapping[str, Any]


def turns_of(messages: Sequence[Message]) -> tuple[list[Message], list[list[Message]]]:
    """Give what always stays, the messages before the first user's, and the turns: a user's message with all that follows it up to the next one."""
    starts = [i for i, message in enumerate(messages) if message.get("role") == "user"]
    first = starts[0] if starts else len(messages)
    ends = [*starts, len(messages)][1:]
    return list(messages[:first]), [list(messages[start:end]) for start, end in zip(starts, ends, strict=True)]


def trim_history(
    messages: Sequence[Message], count: Callable[[list[Message]], int], budget: int, *, low: float = 0.75, dropped: int = 0
) -> tuple[list[Message], int]:
    """Drop the oldest turns of a chat where it is longer than its budget.

    Parameters
    ----------
    messages : sequence of mappings
        All of them; those before the first one of the user always stay.
    count : callable
        Gives the tokens of messages: `lambda messages: len(chat.render(tok, messages))`. It is called a few times, not once a turn.
    budget : int
        How many tokens there may be.
    low : float
        To which part of the budget the history is brought once it is longer; above 0 and at most 1. At 0.75 about 84 % of the tokens of a long chat come
        from a cache, at 1 a quarter.
    dropped : int
        How many turns were dropped last time; what is given back then is to be given again.

    Returns
    -------
    messages, dropped : list of mappings, int

    Raises
    ------
    BudgetError
        If even the last turn alone is too long.

    Examples
    --------
    >>> chat = [{"role": "user", "content": "x" * n} for n in (5, 5, 5, 5)]
    >>> size = lambda messages: sum(len(message["content"]) for message in messages)
    >>> [len(message["content"]) for message in trim_history(chat, size, 18, low=0.6)[0]], trim_history(chat, size, 18, low=0.6)[1]
    ([5, 5], 2)
    """
    budget = number("budget", budget, "an integer, at least 0", 0, 2**62, whole=True)
    low = number("low", low, "above 0 and at most 1", 5e-324, 1)
    dropped = number("dropped", dropped, "an integer, at least 0", 0, 2**62, whole=True)
    if not callable(count):
        raise ArgumentError("count", repr(count), "a callable that gives the tokens of messages")
    always, turns = turns_of(messages)

    def rest(n: int) -> list[Message]:
        return [*always, *(message for turn in turns[n:] for message in turn)]

    last = max(len(turns) - 1, 0)
    dropped = min(dropped, last)
    if count(rest(dropped)) <= budget:
        return rest(dropped), dropped
    under, over = last, dropped  # the fewest turns to drop lie behind `over`, and `under` is the most that can be
    while under - over > 1:
        middle = (over + under) // 2
        over, under = (over, middle) if count(rest(middle)) <= low * budget else (middle, under)
    if (tokens := count(rest(under))) > budget:
        raise BudgetError("the number of tokens of the last turn", str(tokens), f"at most {budget}, the budget")
    return rest(under), under
