"""What to keep under a budget: each item has a value and a cost, and the kept ones' cost must fit.

That is the knapsack problem. Up to `CELLS`, and for `FEW` items up to `MORE_CELLS`, it is solved exactly, by dynamic programming over the budget; above, by
value per cost, or by the single best item where that is worth more, which is never under half of the optimum and mostly within a percent of it.
"""

import math
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .reference.error import ArgumentError

ORDERS = ("given", "best-last", "edges", "stable-first")
CELLS = 1 << 23  # items times budget: 8 MB, some 10 ms
FEW, MORE_CELLS = 200, 1 << 25  # 32 MB, some 50 ms: 200 items for a budget of 160,000

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Chosen = NDArray[np.bool_]


def knapsack(values: Floats, costs: Ints, budget: int) -> Chosen:
    """Choose the items of the greatest value whose costs add up to at most the budget.

    >>> knapsack(np.array([6.0, 10.0, 12.0]), np.array([1, 2, 3]), 5)
    array([False,  True,  True])
    """
    fits = np.flatnonzero((costs <= budget) & (values > 0))
    if costs[fits].sum() <= budget:
        chosen = np.zeros(len(values), np.bool_)
        chosen[fits] = True
        return chosen
    if len(fits) * (budget + 1) > (MORE_CELLS if len(fits) <= FEW else CELLS):
        return by_density(values, costs, budget)
    best, taken = np.zeros(budget + 1), np.zeros((len(fits), budget + 1), np.bool_)
    for row, item in enumerate(fits.tolist()):
        cost = int(costs[item])
        with_it = best[: budget + 1 - cost] + values[item]
        taken[row, cost:] = with_it > best[cost:]
        np.maximum(best[cost:], with_it, out=best[cost:])
    chosen, room = np.zeros(len(values), np.bool_), budget
    for row in range(len(fits) - 1, -1, -1):
        if taken[row, room]:
            chosen[fits[row]] = True
            room -= int(costs[fits[row]])
    return chosen


def density_order(values: Floats, costs: Ints, priorities: Sequence[int]) -> Ints:
    """Order items by priority, then by value per cost, the greatest first; among equals the first comes first."""
    return np.lexsort((-values / np.maximum(costs, 1), -np.asarray(priorities)))


def by_density(values: Floats, costs: Ints, budget: int) -> Chosen:
    """Choose by value per cost, what doesn't fit being left out; or the best single item, if it is worth more."""
    chosen, room, cost = np.zeros(len(values), np.bool_), budget, costs.tolist()
    order = np.argsort(-values / np.maximum(costs, 1), kind="stable")
    for item in order[values[order] > 0].tolist():
        if cost[item] <= room:
            chosen[item] = True
            room -= cost[item]
    single = np.where(costs <= budget, values, 0.0)
    if len(values) and single.max() > values[chosen].sum():
        chosen[:] = False
        chosen[int(single.argmax())] = True
    return chosen


def by_tiers(values: Floats, costs: Ints, priorities: Sequence[int], budget: int) -> Chosen:
    """Choose from the highest priority first; what it leaves of the budget is the next one's."""
    chosen, tiers = np.zeros(len(values), np.bool_), np.asarray(priorities)
    for tier in sorted(set(priorities), reverse=True):
        items = np.flatnonzero(tiers == tier)
        chosen[items] = knapsack(values[items], costs[items], budget - int(costs[chosen].sum()))
    return chosen


def grouped(groups: Sequence[Hashable | None]) -> list[list[int]]:
    """Put the items of a group together, at the place of the first; an item without a group is alone."""
    if groups.count(None) == len(groups):
        return [[item] for item in range(len(groups))]
    found: dict[Hashable, list[int]] = {}
    for item, group in enumerate(groups):
        found.setdefault(("alone", item) if group is None else ("group", group), []).append(item)
    return list(found.values())


def by_diversity(relevance: Floats, vectors: Floats, costs: Ints, budget: int, weight: float) -> list[int]:
    """Choose what is relevant and unlike what is chosen already: maximal marginal relevance (Carbonell and Goldstein, 1998), as long as it fits.

    The next one is that of the greatest `weight * relevance - (1 - weight) * (similarity to the most similar one that is chosen)`.
    Vectors of length 1, shape (n, d); time is n times d for each that is chosen.
    """
    chosen, room, nearest = list[int](), budget, np.full(len(costs), -np.inf)
    open_ = np.ones(len(costs), np.bool_)
    while (open_ & (costs <= room)).any():
        score = weight * relevance - (1 - weight) * np.where(np.isfinite(nearest), nearest, 0.0)
        item = int(np.where(open_ & (costs <= room), score, -np.inf).argmax())
        chosen.append(item)
        open_[item] = False
        room -= int(costs[item])
        nearest = np.maximum(nearest, vectors @ vectors[item])
    return chosen


def choice(values: Floats, costs: Ints, priorities: Sequence[int], budget: int, *, vectors: Any = None, query: Any = None, diversity: float = 0.5) -> list[int]:
    """Choose what to keep: by tiers of priority and by value, or, where there is a query, by what is near to it and unlike the rest.

    What comes first is dropped last, if it must be.
    """
    if query is not None:
        about, to = unit_vectors(vectors), unit_vector(np.asarray(query, np.float64), "query_vector")
        if about.shape[1:] != to.shape:
            raise ArgumentError("the shape of query_vector", str(to.shape), f"{about.shape[1:]}, that of the other vectors")
        return by_diversity(about @ to, about, costs, budget, 1 - diversity)
    order = density_order(values, costs, priorities)
    kept: list[int] = order[by_tiers(values, costs, priorities, budget)[order]].tolist()
    return kept


def unit_vectors(vectors: Sequence[Any]) -> Floats:
    """Give vectors the length 1; one that stands for several is their mean."""
    if any(vector is None for several in vectors for vector in several):
        raise ArgumentError("the vector of a block", "missing", "given for each, where there is a query_vector")
    rows = [np.mean([unit_vector(np.asarray(vector, np.float64), "the vector of a block") for vector in several], axis=0) for several in vectors]
    if len({row.shape for row in rows}) > 1:
        raise ArgumentError("the vectors", f"of shapes {sorted({row.shape for row in rows})}", "all of one length")
    return np.array(rows)


def unit_vector(vector: Any, place: str) -> Floats:
    """Make a vector's length 1."""
    length = math.sqrt(float((vector * vector).sum())) if vector.ndim == 1 and np.isfinite(vector).all() else math.nan
    if not length > 0:
        raise ArgumentError(place, str(vector)[:80], "one row of finite numbers, not all of them 0")
    found: Floats = vector / length
    return found


def arranged(n: int, free: set[int], value: Sequence[float], order: str) -> list[int]:
    """Put n items into an order, the free ones among them by their value: the best last, or the best at both ends.

    >>> arranged(4, {0, 1, 2}, [5, 1, 3, 0], "best-last")
    [1, 2, 0, 3]
    """
    if order not in ("best-last", "edges"):
        return list(range(n))
    best_last = sorted(sorted(free), key=lambda item: value[item])
    places = iter(best_last if order == "best-last" else best_last[::-2] + best_last[::-1][1::2][::-1])
    return [next(places) if item in free else item for item in range(n)]
