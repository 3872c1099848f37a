"""Logits -> id: adjust, scale, select, draw.

A logit is an unnormalised log-probability. The steps go over it in a named order (`settings`): bias and penalties change the logits of a few ids (`adjust`);
the temperature divides all of them; top-k, top-p and their like choose which ids stay, each among those that the ones before left (`select`); one of these is
drawn (`draw`). Every step works on (x - best) / T, so nothing overflows, and orders by value, then by the lower id. Temperature 0 leaves the largest alone.
The arithmetic (`weight`) gives the same bits on every machine.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ..error import ArgumentError, LogitsError
from ..philox import ACCEPT, DRAW, RESIDUAL, XTC, odd_bits, uniform
from . import adjust, select
from .draw import BLOCK, draw
from .row import loaded
from .select import Kept, masses
from .settings import USED_BY, check
from .softmax import log_softmax, softmax
from .weight import LARGEST, LN2, UNIT, Scale, exp, fraction, ln

__all__ = ["Sampler", "exp", "log_softmax", "softmax", "top_k"]


Logprobs = tuple[list[int], list[float], list[float], list[int]]


class Choice(NamedTuple):
    """What may be drawn from a row: (logit, id) in falling order, the temperature, whether no step has chosen among them, and the number of logits."""

    kept: Kept
    scale: float
    whole: bool
    size: int

    def weights(self) -> list[float]:
        """Give the weight of each of the kept, the best one's being 1."""
        scale, best = Scale(self.scale), self.kept[0][0]
        return [scale.weight(x, best) for x, _ in self.kept]

    def probabilities(self) -> list[float]:
        """Give the probability of every id."""
        total, found = sum(masses(self.kept, self.scale)) / UNIT, [0.0] * self.size
        for (_, id), weight in zip(self.kept, self.weights(), strict=True):
            found[id] = weight / total
        return found

    def draw(self, seed: int, position: int) -> int:
        """Draw an id. If a step has chosen, the kept are few, or their weights known: then the blocks are measured first."""
        scale, best = Scale(self.scale), self.kept[0][0]
        blocks: list[dict[int, float]] = [{} for _ in range(0, self.size, BLOCK)]
        for x, id in self.kept:
            blocks[id // BLOCK][id % BLOCK] = x
        measured = lambda block: [scale.mass(blocks[block].get(place, -math.inf), best) for place in range(BLOCK)]  # noqa: E731
        if self.whole:
            longest = [BLOCK * scale.mass(max(block.values(), default=-math.inf), best) for block in blocks]
        else:
            longest = [sum(scale.mass(x, best) for x in block.values()) for block in blocks]
        return draw(longest, measured, seed, position, DRAW)

    def logprob(self) -> tuple[dict[int, float], dict[int, int]]:
        """Give, by id, the log-probability and the rank, 1 for the best, of what may be drawn."""
        best, log_total = self.kept[0][0], ln(sum(masses(self.kept, self.scale)) / UNIT)
        logprob = {id: 0.0 if x == math.inf else max(-LARGEST, (x - best) / self.scale - log_total) for x, id in self.kept}  # finite as a single as well
        return logprob, {id: n for n, (_, id) in enumerate(self.kept, 1)}


def ranked(logits: Mapping[int, float], index: int) -> list[tuple[float, int]]:
    """Give what may be drawn in falling order, the lower id first among equals."""
    kept = sorted(((x, id) for id, x in logits.items() if x > -math.inf), key=lambda item: (-item[0], item[1]))
    if not kept:
        raise LogitsError(f"row {index}", "-inf at every id", "above -inf at one id at least, or nothing can be sampled")
    return kept


def settled(kept: Kept) -> Kept:
    """Where the best is infinite, it alone is left."""
    return kept[:1] if kept[0][0] == math.inf else kept


class Sampler:
    """The steps from logits to an id, with their settings: one set for all rows, or one a row."""

    def __init__(self, settings: Sequence[Mapping[str, Any]]) -> None:
        self.settings = [check(given) for given in settings]

    def of(self, index: int) -> dict[str, Any]:
        """Give the settings of a row."""
        return self.settings[index if len(self.settings) > 1 else 0]

    def choose(self, row: Any, index: int, position: int, history: Sequence[int] = (), mask: Any = None) -> Choice:
        """Take a row through the steps."""
        s = self.of(index)
        logits, is_single = loaded(row, index, mask)
        for place, ids in (("an id of logit_bias", s["logit_bias"] or ()), (f"an id in the history of row {index}", history)):
            for id in ids:
                if id >= len(logits):
                    raise ArgumentError(place, str(id), f"below {len(logits)}, the number of logits")
        kept: Kept = ranked(dict(enumerate(logits)), index)
        scale, whole = 1.0, True
        for step in s["order"]:
            if not USED_BY[step](s):
                continue
            if step in ("logit_bias", "penalties", "dry"):
                x = {id: value for value, id in kept}
                kept = ranked(x | {id: adjust.settled(x[id], new, is_single) for id, new in self.changes(step, s, x, history)}, index)
            elif step == "temperature" and s["temperature"] > 0:
                scale = s["temperature"]
            else:
                kept, whole = self.selected(step, s, settled(kept), scale, position), False
        return Choice(settled(kept), scale, whole, len(logits))

    @staticmethod
    def changes(step: str, s: Mapping[str, Any], x: Mapping[int, float], history: Sequence[int]) -> adjust.Changes:
        """Give what a step changes: (id, its new logit)."""
        if step == "logit_bias":
            return adjust.bias(x, s["logit_bias"])
        if step == "penalties":
            return adjust.penalties(x, last(history, s["penalty_last_n"]), s["repetition_penalty"], s["presence_penalty"], s["frequency_penalty"])
        ids = last(history, s["dry_last_n"])
        return adjust.dry(x, ids, s["dry_multiplier"], s["dry_base"], s["dry_allowed_length"], s["dry_sequence_breakers"])

    @staticmethod
    def selected(step: str, s: Mapping[str, Any], kept: Kept, scale: float, position: int) -> Kept:
        """Give what a step leaves."""
        mu = 2 * s["mirostat_tau"] if s["mirostat_mu"] is None else s["mirostat_mu"]
        if step == "temperature":
            return kept[:1]
        if step == "top_k":
            return kept[: s["top_k"]]
        if step == "top_n_sigma":
            return select.top_n_sigma(kept, s["top_n_sigma"])
        if step == "xtc":
            return select.xtc(kept, scale, s["xtc_threshold"]) if odd_bits(s["seed"], position, XTC) < fraction(s["xtc_probability"]) else kept
        if step == "mirostat":
            return (select.mirostat_1 if s["mirostat"] == 1 else select.mirostat_2)(kept, scale, mu)
        return {"top_p": select.top_p, "min_p": select.min_p, "typical_p": select.typical_p}[step](kept, scale, s[step])

    def sample(self, rows: Any, positions: int | Sequence[int], histories: Any = None, masks: Any = None) -> Any:
        """Draw an id from each row; one position is that of one row, and gives one id."""
        if isinstance(positions, int):
            return self.choose(rows, 0, positions, nth(histories, 0), nth(masks, 0, None)).draw(self.of(0)["seed"], positions)
        drawn = (self.choose(row, i, positions[i], nth(histories, i), nth(masks, i, None)).draw(self.of(i)["seed"], positions[i]) for i, row in enumerate(rows))
        return list(drawn)

    def distribution(self, rows: Any, positions: Sequence[int], histories: Any = None, masks: Any = None) -> list[float]:
        """Give the probabilities that `sample` draws from, of one row after the other."""
        choices = (self.choose(row, i, positions[i], nth(histories, i), nth(masks, i, None)) for i, row in enumerate(rows))
        return [p for choice in choices for p in choice.probabilities()]

    def logprobs(self, rows: Any, positions: Sequence[int], ids: Any, top: int, processed: bool, histories: Any = None, masks: Any = None) -> Logprobs:
        """Give log-probabilities in nats: of what the model says, or, `processed`, of what `sample` draws from.

        First the `top` best ids of each row and theirs (-1 and -inf where there are fewer), then those of `ids` and their ranks (0 for what can't be drawn).
        """
        found: Logprobs = ([], [], [], [])
        for i, row in enumerate(rows):
            if processed:
                choice = self.choose(row, i, positions[i], nth(histories, i), nth(masks, i, None))
            else:
                logits, _ = loaded(row, i)
                choice = Choice(settled(ranked(dict(enumerate(logits)), i)), 1.0, True, len(logits))
            logprob, rank = choice.logprob()
            best = [id for _, id in choice.kept[:top]] + [-1] * (top - len(choice.kept))
            found[0].extend(best)
            found[1].extend(logprob.get(id, -math.inf) for id in best)
            found[2].extend(logprob.get(id, -math.inf) for id in nth(ids, i))
            found[3].extend(rank.get(id, 0) for id in nth(ids, i))
        return found

    def accept(self, target: Any, draft: Any, id: int, index: int, position: int, history: Sequence[int] = ()) -> tuple[bool, int]:
        """Say whether an id drawn from the draft may stand; where not, give another, so that what stands is distributed as the target says.

        It stands with probability min(1, p / q); else one is drawn from the rest max(0, p - q) (Leviathan et al., 2023; Chen et al., 2023).
        """
        p = self.choose(target, index, position, history).probabilities()
        q = self.choose(draft, index, position, history).probabilities()
        if len(p) != len(q):
            raise LogitsError(f"the length of draft row {index}", str(len(q)), f"{len(p)}, as long as the target's")
        if id >= len(q) or q[id] == 0:
            raise ArgumentError(f"draft id {index}", str(id), "an id that the sampler can draw from its draft row")
        seed = self.of(index)["seed"]
        if uniform(seed, position, ACCEPT) * q[id] < p[id]:
            return True, id
        rest = [int(max(0.0, a - b) * 2.0**60) for a, b in zip(p, q, strict=True)]
        if not any(rest):
            rest = [int(a * 2.0**60) for a in p]  # p and q are the same but for rounding
        blocks = [rest[at : at + BLOCK] for at in range(0, len(rest), BLOCK)]
        return False, draw([sum(block) for block in blocks], lambda block: blocks[block], seed, position, RESIDUAL)

    def observed(self, rows: Any, positions: Sequence[int], ids: Sequence[int], histories: Any = None, masks: Any = None) -> list[float]:
        """Give mirostat's mu of each row after an id of it has been drawn: mu - eta (surprise - tau), the surprise in bits."""
        found = []
        for i, row in enumerate(rows):
            s, choice = self.of(i), self.choose(row, i, positions[i], nth(histories, i), nth(masks, i, None))
            logprob, _ = choice.logprob()
            if ids[i] not in logprob:
                raise ArgumentError(f"ids[{i}]", str(ids[i]), "an id that the sampler can draw from its row")
            mu = 2 * s["mirostat_tau"] if s["mirostat_mu"] is None else s["mirostat_mu"]
            found.append(mu - s["mirostat_eta"] * (-logprob[ids[i]] / LN2 - s["mirostat_tau"]))
        return found


def top_k(row: Any, k: int, index: int = 0) -> list[int]:
    """Give the ids of the k largest of a row, largest first, the lower id first among equals."""
    return select.top_k(loaded(row, index)[0], k)


def nth(items: Any, index: int, default: Any = ()) -> Any:
    """Give what belongs to a row, where there is anything."""
    return default if items is None else items[index]


def last(history: Sequence[int], n: int | None) -> list[int]:
    """Give the last n ids, or all of them."""
    return list(history if n is None else history[max(0, len(history) - n) :])
