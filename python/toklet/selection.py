"""What to keep under a budget: each item has a value and a cost, and the kept ones' cost must fit.

That is the knapsack problem. Up to `CELLS` it is solved exactly, by dynamic programming over the budget; above, by value per cost, or by the single best item
where that is worth more, which is never under half of the optimum and mostly within a percent of it.
"""

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

CELLS = 1 << 23  # items times budget: 8 MB, some 10 ms

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
    if len(fits) * (budget + 1) > CELLS:
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


def density_order(values: Floats, costs: Ints) -> Ints:
    """Order items by value per cost, the greatest first; among equals the first comes first."""
    return np.argsort(-values / np.maximum(costs, 1), kind="stable")


def by_density(values: Floats, costs: Ints, budget: int) -> Chosen:
    """Choose by value per cost, what doesn't fit being left out; or the best single item, if it is worth more."""
    chosen, room, cost = np.zeros(len(values), np.bool_), budget, costs.tolist()
    order = density_order(values, costs)
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


def by_diversity(relevance: Floats, similar: Floats, costs: Ints, budget: int, weight: float) -> list[int]:
    """Choose what is relevant and unlike what is chosen already: maximal marginal relevance (Carbonell and Goldstein, 1998), as long as it fits.

    The next one is that of the greatest `weight * relevance - (1 - weight) * (similarity to the most similar one that is chosen)`.
    """
    chosen, room, nearest = list[int](), budget, np.full(len(costs), -np.inf)
    open_ = np.ones(len(costs), np.bool_)
    while (open_ & (costs <= room)).any():
        score = weight * relevance - (1 - weight) * np.where(np.isfinite(nearest), nearest, 0.0)
        item = int(np.where(open_ & (costs <= room), score, -np.inf).argmax())
        chosen.append(item)
        open_[item] = False
        room -= int(costs[item])
        nearest = np.maximum(nearest, similar[item])
    return chosen
