"""Packing: blocks of text into a budget of tokens.

The contract: the prompt has at most `budget - reserve` ids, counted on the ids themselves. What must be in it comes first; then what is worth most is chosen
(`selection`), by what each block adds with its separator, the joins on both its sides included. That is exact but for what the two ends of the prompt lack, and
for what two blocks do to each other through a separator: of 16 paragraphs 0 to 3 ids. So the whole is encoded, and what is worth least goes while it is over,
what is worth most comes while it is under. Last, one block that may be cut fills what is left.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .block import COUNT, Block
from .checks import as_list, check_text
from .prompt import Prompt, encoded, guarded
from .receipt import Entry, Receipt
from .reference.error import BudgetError, WrongTypeError, check_choice, number
from .reference.prompt import Part
from .selection import ORDERS, arranged, choice, density_order, grouped
from .tokenizer import Tokenizer

CLEAN = ((re.compile(r"\n"), 0.5), (re.compile(r"[.!?。！？…]['\")\]]*\s"), 0.5), (re.compile(r"\s"), 1.0))
"""Where a text is best cut, the best place first, and which part of what may stay is given up for it."""
DROPPED = "worth less than what is kept"
ONE_THREAD = 1 << 20  # fewer characters are counted in 4 ms by one thread: two of them gain 1 ms where both cores are free, and lose more where one isn't
TRIES = 2  # how often it is tried to add what should fit: each encodes the whole


class Packer:
    """One packing on its way: what stands in the prompt so far."""

    def __init__(self, blocks: Sequence[Block], tok: Tokenizer, limit: int, separator: str, untrusted: str) -> None:
        self.blocks, self.tok, self.limit = list(blocks), tok, limit
        self.separator = [Part(separator, trusted=True)] if separator else []
        texts = [block.parts if untrusted == "text" else guarded(block.parts, tok, untrusted) for block in blocks]
        self.parts = [[Part(part.text, part.trusted, part.role, i, part.slot) for part in parts] for i, parts in enumerate(texts)]
        self.states = ["dropped"] * len(blocks)
        self.why = [DROPPED] * len(blocks)
        self.last: tuple[list[Part], Any] = ([], np.empty(0, np.uint32))  # the prompt that was counted last, and its ids
        too_long = self.shorten()
        self.cost = self.costs(separator)
        units = grouped([block.group for block in self.blocks])
        self.units = [unit for unit in units if not too_long.intersection(unit)] if too_long else units
        self.value = np.array(self.of_units([block.value for block in self.blocks], sum))
        self.unit_cost = np.array(self.of_units(self.cost, sum), np.int64)
        self.priority = self.of_units([block.priority for block in self.blocks], max)
        self.required = self.of_units([block.required for block in self.blocks], any)

    def of_units(self, each: list[Any], joined: Callable[[list[Any]], Any]) -> list[Any]:
        """Give for each unit what its blocks have, joined where there are several."""
        return [each[unit[0]] if len(unit) == 1 else joined([each[item] for item in unit]) for unit in self.units]

    def count(self, parts: list[Part]) -> int:
        """Count the ids of parts."""
        return len(encoded(parts, self.tok))

    def costs(self, separator: str) -> list[int]:
        """Count the ids that each block adds: its own, a separator's, and what the joins on both its sides change; the last one has none behind it."""
        own, last = self.count(self.separator), len(self.parts) - 1
        special = any(name in separator for name in self.tok.special_tokens)
        plain = [not special and len(parts) == 1 and not parts[0].trusted for parts in self.parts]
        behind = [separator] * last + [""]
        texts = [separator + parts[0].text + end for parts, end, is_plain in zip(self.parts, behind, plain, strict=False) if is_plain]
        threads = 1 if sum(map(len, texts)) < ONE_THREAD else None
        counts = iter(self.tok.count_batch(texts, threads=threads).tolist())
        around = [[*self.separator, *parts, *(self.separator if i < last else [])] for i, parts in enumerate(self.parts) if not plain[i]]
        others = iter([self.count(parts) for parts in around])
        return [max((next(counts) if is_plain else next(others)) - own * (i < last), 0) for i, is_plain in enumerate(plain)]

    def shorten(self) -> set[int]:
        """Cut what is longer than its own maximum; give what may not be cut."""
        too_long, needed = set(), {block.group for block in self.blocks if block.required and block.group is not None}
        for i, block in enumerate(self.blocks):
            if block.max_tokens is None or (tokens := self.alone(i)) <= block.max_tokens:
                continue
            self.why[i] = f"longer than its {block.max_tokens} tokens"
            text = shortened(block, self.text(i), self.tok, block.max_tokens)
            if text is not None:
                self.cut(i, text)
            elif block.required or block.group in needed:
                allowed = f"at most {block.max_tokens}, its max_tokens, or one that may be cut: truncate='head', 'tail' or 'middle'"
                raise BudgetError(f"the number of tokens of block {i}, which is required,", str(tokens), allowed)
            else:
                too_long.add(i)
        return too_long

    def cut(self, item: int, text: str) -> None:
        """Put less of a block in its place."""
        self.parts[item], self.states[item] = [self.parts[item][0]._replace(text=text)], "cut"

    def alone(self, item: int) -> int:
        """Count the ids of a block by itself."""
        return self.count(self.parts[item])

    def text(self, item: int) -> str:
        """Give the text of a block, as it stands now."""
        return "".join(part.text for part in self.parts[item])

    def items(self, units: Sequence[int]) -> list[int]:
        """Give the blocks of units."""
        return [item for unit in units for item in self.units[unit]]

    def placed(self, kept: Sequence[int], order: str) -> list[Part]:
        """Put the kept blocks into an order, with the fallbacks of the others: parts, whose messages are the numbers of their blocks."""
        found = list[Part]()
        inside, states, parts, separator = set(kept), self.states, self.parts, self.separator
        for item in self.ordered(kept, order):
            if item in inside or states[item] == "fallback":
                if found:
                    found += separator
                found += parts[item] if item in inside else [Part(str(self.blocks[item].fallback), message=item)]
        return found

    def size(self, kept: Sequence[int], order: str) -> int:
        """Count the ids of the whole prompt."""
        placed = self.placed(kept, order)
        self.last = placed, encoded(placed, self.tok)
        return len(self.last[1])

    def prompt(self, kept: Sequence[int], order: str) -> Prompt:
        """Make the prompt."""
        placed = self.placed(kept, order)
        return Prompt.of(placed, self.tok, self.last[1] if placed == self.last[0] else None)

    def ordered(self, kept: Sequence[int], order: str) -> list[int]:
        """Put all blocks into the order in which the kept ones are to stand."""
        if order == "stable-first":
            return sorted(range(len(self.blocks)), key=lambda item: not self.blocks[item].stable)
        free = {item for item in kept if not self.blocks[item].required}
        return arranged(len(self.blocks), free, [block.value for block in self.blocks], order)


def shortened(block: Block, text: str, tok: Tokenizer, room: int) -> str | None:
    """Cut the text of a block to so many ids, its marker's among them, at a clean place; None, where that isn't allowed or leaves too little."""
    if block.truncate == "none":
        return None
    aim = room - tok.count(block.marker)
    while aim >= max(block.min_tokens, 1):
        found = clean(str(tok.truncate(text, aim, keep=block.truncate)), text, block.truncate, block.marker)
        tokens = tok.count(found)
        if tokens <= room:
            return found if tokens >= block.min_tokens and found.strip() not in ("", block.marker.strip()) else None
        aim -= tokens - room
    return None


def clean(kept: str, text: str, keep: str, marker: str) -> str:
    """Give up a little of what is kept for the end of a line, a sentence or a word, and mark where something is missing."""
    at = text.find(kept) if keep == "middle" else len(text) - len(kept) if keep == "tail" else 0
    starts, ends = at == 0, at + len(kept) == len(text)
    for place, part in CLEAN:
        found = [match.end() - at for match in place.finditer(text, max(at - 1, 0), at + len(kept) + 1)]
        first = 0 if starts else next((n for n in found if 0 <= n <= part * len(kept)), None)
        last = len(kept) if ends else next((n for n in reversed(found) if (1 - part) * len(kept) <= n <= len(kept) + 1), None)
        if first is not None and last is not None and first < last:
            kept = kept[first:last]
            break
    return ("" if starts else marker.lstrip()) + kept.strip() + ("" if ends else marker.rstrip())


def pack(
    blocks: Sequence[Block | str],
    tok: Tokenizer,
    budget: int,
    *,
    reserve: int = 0,
    separator: str = "\n\n",
    order: str = "given",
    query_vector: ArrayLike | None = None,
    diversity: float = 0.5,
    untrusted: str = "text",
) -> Prompt:
    """Put the blocks that are worth most into a budget of tokens.

    Parameters
    ----------
    blocks : sequence of Block or str
        A str is a block that is worth 1.
    tok : Tokenizer
    budget : int
        How many ids there may be, the answer's among them.
    reserve : int
        How many of them are left for the answer.
    separator : str
        What stands between two blocks; trusted.
    order : {"given", "best-last", "edges", "stable-first"}
        Where they stand: as given; the best last, next to the question; the best at both ends; what is the same in every prompt first.
    query_vector : float array, shape (d,), optional
        With it blocks are chosen by how near their vectors are to it, and how far from each other (maximal marginal relevance).
    diversity : float
        From 0, where only nearness to the query counts, to 1.
    untrusted : {"text", "error", "strip", "allow"}
        That of `Prompt`.

    Returns
    -------
    Prompt
        Its `receipt` says what became of each block; a block's parts have its number as `message`.

    Raises
    ------
    BudgetError
        If what is required doesn't fit; the message says by how much.

    Examples
    --------
    >>> import toklet
    >>> tok = toklet.Tokenizer.from_merges([], pattern="gpt2")
    >>> prompt = pack([Block("cheap", value=2), Block("a dear one"), Block("Q?", required=True)], tok, budget=12, separator="; ")
    >>> prompt.text
    'cheap; Q?'
    >>> print(prompt.receipt)
    block           tokens  cost  why
        0  kept          5     7  worth it
        1  dropped       0    12  worth less than what is kept
        2  kept          2     4  required
    9 of 12 tokens
    """
    given = [Block(block) if isinstance(block, str) else block for block in as_list("blocks", blocks)]
    for i, block in enumerate(given):
        if not isinstance(block, Block):
            raise WrongTypeError(f"blocks[{i}]", f"of type {type(block).__name__}", "a toklet.Block or a str")
    if not isinstance(tok, Tokenizer):
        raise WrongTypeError("tok", f"of type {type(tok).__name__}", "a toklet.Tokenizer")
    budget, reserve = (number(name, value, COUNT, 0, 2**62, whole=True) for name, value in (("budget", budget), ("reserve", reserve)))
    check_text("separator", separator)
    check_choice("order", order, ORDERS)
    diversity = number("diversity", diversity, "from 0 to 1", 0, 1)
    packer = Packer(given, tok, max(budget - reserve, 0), separator, untrusted)
    wanted = chosen(packer, query_vector, diversity)
    return filled(packer, wanted, order, budget, reserve)


def chosen(packer: Packer, query_vector: ArrayLike | None, diversity: float) -> list[int]:
    """Choose groups: numbers of units, the required ones first, then those that are dropped last if they must be."""
    required, optional = ([n for n, needed in enumerate(packer.required) if needed == wanted] for wanted in (True, False))
    room = packer.limit + packer.count(packer.separator) - int(packer.unit_cost[required].sum() if required else 0)  # no separator stands before the first
    if room < 0 or not optional:
        return required
    priorities = [packer.priority[n] for n in optional]
    vectors = None if query_vector is None else [[packer.blocks[item].vector for item in packer.units[n]] for n in optional]
    values, costs = packer.value[optional], packer.unit_cost[optional]
    return required + [optional[n] for n in choice(values, costs, priorities, room, vectors=vectors, query=query_vector, diversity=diversity)]


def filled(packer: Packer, wanted: list[int], order: str, budget: int, reserve: int) -> Prompt:
    """Count what is chosen as a whole; drop from its end while it is over the limit, then add what still fits."""
    required, optional = ([n for n in wanted if packer.required[n] == is_required] for is_required in (True, False))

    def size(units: Sequence[int]) -> int:
        return packer.size(packer.items(units), order)

    tokens = size(required + optional)
    while tokens > packer.limit and optional:
        over = tokens - packer.limit
        while over > 0 and optional:
            over -= max(int(packer.unit_cost[optional.pop()]), 1)
        tokens = size(required + optional)
    for item in sorted(packer.items(required), key=lambda item: -packer.cost[item]):
        room = packer.alone(item) - tokens + packer.limit
        if tokens > packer.limit and (text := shortened(packer.blocks[item], packer.text(item), packer.tok, room)) is not None:
            packer.cut(item, text)
            packer.why[item] = "required, and cut to fit"
            tokens = size(required)
    if tokens > packer.limit:
        raise too_much(packer, required, tokens, budget, reserve)
    room, more = packer.limit - tokens, list[int]()
    left = (packer.value > 0) & (packer.unit_cost <= room)
    left[required + optional] = False
    places = np.flatnonzero(left)
    for n in places[density_order(packer.value[places], packer.unit_cost[places], [packer.priority[n] for n in places])].tolist():
        if packer.unit_cost[n] <= room:
            more, room = [*more, n], room - int(packer.unit_cost[n])
    for fewer in range(min(TRIES, len(more))):
        added = [*optional, *more[: len(more) - fewer]]
        if (together := size([*required, *added])) <= packer.limit:
            optional, tokens = added, together
            break
    kept = packer.items(required + optional)
    inside = set(kept)
    packer.states = ["dropped" if item not in inside else "cut" if state == "cut" else "kept" for item, state in enumerate(packer.states)]
    for item in kept:
        if packer.states[item] == "kept":
            packer.why[item] = "required" if packer.blocks[item].required else "worth it"
    tokens = cut_to_fill(packer, kept, order, tokens)
    with_fallbacks(packer, kept, order)
    prompt = packer.prompt(kept, order)
    prompt.receipt = receipt(packer, prompt)
    return prompt


def cut_to_fill(packer: Packer, kept: list[int], order: str, tokens: int) -> int:
    """Fill what is left with one block that may be cut, the best of those that were dropped; give how many ids there are then."""
    inside = set(kept)
    alone = [unit[0] for unit in packer.units if len(unit) == 1 and unit[0] not in inside and packer.blocks[unit[0]].truncate != "none"]
    for item in sorted(alone, key=lambda item: (-packer.blocks[item].priority, -packer.blocks[item].value)):
        block, whole, why = packer.blocks[item], packer.parts[item], packer.why[item]
        room = packer.limit - tokens - packer.count(packer.separator)
        while room >= max(block.min_tokens, 1) and (text := shortened(block, "".join(part.text for part in whole), packer.tok, room)) is not None:
            packer.cut(item, text)
            packer.why[item] = "to fill what was left"
            more = packer.size([*kept, item], order)
            if more <= packer.limit:
                kept.append(item)
                return more
            room -= more - packer.limit
        packer.parts[item], packer.states[item], packer.why[item] = whole, "dropped", why
    return tokens


def with_fallbacks(packer: Packer, kept: Sequence[int], order: str) -> None:
    """Put the fallback of each block that was dropped in its place, as far as they fit."""
    for item, block in enumerate(packer.blocks):
        if packer.states[item] == "dropped" and block.fallback is not None:
            packer.states[item] = "fallback"
            if packer.size(kept, order) > packer.limit:
                packer.states[item] = "dropped"


def too_much(packer: Packer, required: Sequence[int], tokens: int, budget: int, reserve: int) -> BudgetError:
    """Say what is required, what each of it costs, and by how much it is too much."""
    listed = ", ".join(f"block {item} {packer.alone(item)}" for item in packer.items(required))
    limit = f"at most {packer.limit}, the budget of {budget}" + (f" less {reserve} for the answer" if reserve else "")
    return BudgetError("the number of tokens that are required", f"{tokens}, which is {tokens - packer.limit} too many ({listed})", limit)


def receipt(packer: Packer, prompt: Prompt) -> Receipt:
    """Count the ids of each block in the prompt."""
    tokens = [0] * len(packer.blocks)
    for part, own in zip(prompt.parts, prompt.lengths().tolist(), strict=True):
        if part.message is not None:
            tokens[part.message] += own
    entries = list(map(Entry._make, zip(range(len(tokens)), packer.states, tokens, packer.cost, packer.why, strict=True)))
    return Receipt(entries, len(prompt), packer.limit)
