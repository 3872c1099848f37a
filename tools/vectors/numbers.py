"""Vectors of numbers: the random bits, probabilities, and what is drawn."""

import math
import struct
from array import array
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from toklet.reference import Sampler, log_softmax, softmax
from toklet.reference.error import Error
from toklet.reference.philox import philox, uniform
from toklet.reference.sample.settings import ORDERS, STEPS
from toklet.reference.sample.weight import LARGEST, single

from .chance import Chance

Case = dict[str, Any]


def bits(x: float) -> str:
    """Write a double.

    >>> bits(1.0)
    '3ff0000000000000'
    """
    return struct.pack(">d", x).hex()


def edge_rows(chance: Chance) -> Iterator[list[float]]:
    """Give rows of logits with everything in them that arithmetic tells apart."""
    edges = [0.0, -0.0, 1.0, 1.0, -math.inf, 5e-324, 1e30, -1e30, 700.0, -745.2, 1.7e308]
    yield from ([0.0], [-1e30], [-0.0, 0.0], [0.0, -math.inf], [math.inf, 1.0], [1.0, math.inf, math.inf], [1e30, 1e30, 0.0], [0.0] * 40, [5e-324, 0.0])
    while True:
        row = [chance.choose(edges) if chance.below(3) == 0 else (next(chance.numbers) - 0.5) * chance.choose([2, 10, 60]) for _ in range(1 + chance.below(20))]
        if max(row) > -math.inf:
            yield [round(x, 1) if chance.below(2) else x for x in row]


def settings(chance: Chance, size: int) -> dict[str, Any]:
    """Give some settings of a sampler of `size` ids."""

    def part() -> float:
        return chance.choose([0.5, 0.9, 1.0, 5e-324, next(chance.numbers)])

    may_be: dict[str, Callable[[], Any]] = {
        "temperature": lambda: chance.choose([1.0, 0.0, 0.5, 2.0, 1e-3, 5e-324, 1e300, next(chance.numbers) * 3]),
        "top_k": lambda: chance.choose([1, 2, 5, 1000]),
        "top_p": part,
        "min_p": lambda: chance.choose([0.0, 0.1, 1.0, next(chance.numbers)]),
        "typical_p": part,
        "top_n_sigma": lambda: next(chance.numbers) * 3,
        "xtc_probability": part,
        "xtc_threshold": lambda: next(chance.numbers) / 3,
        "repetition_penalty": lambda: next(chance.numbers) * 2 + 0.1,
        "presence_penalty": lambda: next(chance.numbers) * 4 - 2,
        "frequency_penalty": lambda: next(chance.numbers) * 4 - 2,
        "penalty_last_n": lambda: chance.below(6),
        "dry_multiplier": lambda: next(chance.numbers) * 3,
        "dry_allowed_length": lambda: 1 + chance.below(3),
        "dry_sequence_breakers": lambda: sorted(set(chance.several(2, lambda: chance.below(size)))),
        "mirostat": lambda: 1 + chance.below(2),
        "mirostat_tau": lambda: next(chance.numbers) * 4 + 0.1,
        "logit_bias": lambda: {chance.below(size): chance.choose([-math.inf, 3.5, -2.0]) for _ in range(2)} if size > 2 else {},
    }
    found = {name: make() for name, make in may_be.items() if chance.below(4) == 0}
    order = chance.choose(list(ORDERS))
    shuffled = sorted(STEPS, key=lambda _: next(chance.numbers))
    return {**found, "order": shuffled if chance.below(3) == 0 else order, "seed": chance.choose([0, 1, 2**64 - 1, int(next(chance.numbers) * 2**64)])}


def written(value: Any) -> Any:
    """Write settings as JSON that keeps every bit."""
    if isinstance(value, dict):
        return {str(key): written(item) for key, item in value.items()}
    return bits(value) if isinstance(value, float) else value


def samplings() -> Iterator[Case]:
    """A row of logits, what belongs to it, settings -> the ids at some positions, and the distribution."""
    chance = Chance(5)
    for row in islice(edge_rows(chance), 220):
        single = chance.below(2) == 1
        if single:
            row = [clamped(x) for x in row]
        given = settings(chance, len(row))
        history = [] if chance.below(3) == 0 else [chance.below(min(len(row), 4)) for _ in range(chance.below(13))]
        words = [sum((chance.below(3) > 0) << bit for bit in range(32)) for _ in range(0, len(row), 32)] if chance.below(4) == 0 else None
        positions = [0, 1, 2**32, 2**64 - 1, *(int(next(chance.numbers) * 2**64) for _ in range(4))]
        yield from sampled(row, single, given, history, words, positions, True)


def streams() -> Iterator[Case]:
    """64 ids of each named order, and of settings in wide use."""
    chance = Chance(6)
    usual: list[dict[str, Any]] = [
        *({"temperature": 0.8, "top_k": 40, "top_p": 0.95, "min_p": 0.05, "repetition_penalty": 1.1, "order": name} for name in ORDERS),
        {},
        {"temperature": 0.7},
        {"top_k": 50},
        {"top_p": 0.9},
        {"min_p": 0.05},
        {"typical_p": 0.9},
        {"top_n_sigma": 1.0},
        {"xtc_probability": 0.5},
        {"mirostat": 1, "mirostat_tau": 3.0},
        {"mirostat": 2, "mirostat_tau": 3.0},
        {"frequency_penalty": 0.5, "presence_penalty": 0.2},
        {"dry_multiplier": 0.8},
    ]
    for given in usual:
        row = [clamped(round((next(chance.numbers) + next(chance.numbers) - 1) * 12, 2)) for _ in range(300)]
        history = chance.several(40, lambda: chance.below(30))
        yield from sampled(row, True, {**given, "seed": 7}, history, None, list(range(64)), False)


def clamped(x: float) -> float:
    """Give a number as a single holds it, one that is finite if it is."""
    return x if math.isinf(x) else single(max(-LARGEST, min(LARGEST, x)))


def sampled(
    row: list[float], is_single: bool, given: dict[str, Any], history: list[int], words: list[int] | None, positions: list[int], whole: bool
) -> Iterator[Case]:
    """Give the case, unless the settings leave nothing to draw from."""
    sampler = Sampler([given])
    logits = array("f" if is_single else "d", row)
    mask = None if words is None else [array("I", words)]
    try:
        ids = [sampler.sample([logits], [position], [history], mask)[0] for position in positions]
        distribution = [bits(p) for p in sampler.distribution([logits], positions[:1], [history], mask)] if whole else None
    except Error:
        return
    yield {
        "row": [bits(x) for x in row],
        "single": is_single,
        "settings": written(given),
        "history": history,
        "mask": words,
        "positions": positions,
        "ids": ids,
        "distribution": distribution,
    }


def softmaxes() -> Iterator[Case]:
    """A row of logits, a temperature -> the probabilities and their logarithms."""
    chance = Chance(7)
    for row in islice(edge_rows(chance), 130):
        temperature = chance.choose([1.0, 1.0, 0.0, 0.5, 2.0, 1e-3, 5e-324, 1e300, next(chance.numbers) * 3])
        yield {
            "row": [bits(x) for x in row],
            "temperature": bits(temperature),
            "softmax": [bits(p) for p in softmax(row, temperature)],
            "log_softmax": [bits(p) for p in log_softmax(row)],
        }


def random_numbers() -> Iterator[Case]:
    """Counter, key -> words of the generator; seed, position, purpose -> the uniform number."""
    chance = Chance(6)
    known = [((0,) * 4, (0,) * 2), ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2), ((0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344), (0xA4093822, 0x299F31D0))]
    for counter, key in known + [(tuple(chance.below(2**32) for _ in range(4)), tuple(chance.below(2**32) for _ in range(2))) for _ in range(200)]:
        yield {"counter": counter, "key": key, "words": philox(counter, key)}  # type: ignore[arg-type]
    for seed in (0, 1, 2**32, 2**64 - 1, *(int(next(chance.numbers) * 2**64) for _ in range(60))):
        for position in (0, 1, 2**32 - 1, 2**64 - 1):
            yield {"seed": seed, "position": position, "purpose": 0, "uniform": bits(uniform(seed, position, 0))}
