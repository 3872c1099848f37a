"""What a Sampler takes, with the range of each parameter; and the order of its steps, which every library of the field has its own of."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from ..error import ArgumentError, WrongTypeError, is_many, number

MAX_ID = 2**32 - 1
HUGE = 1e300  # bounds what users multiply and divide by, so that nothing overflows silently
STEPS = ("logit_bias", "penalties", "dry", "temperature", "top_k", "top_p", "min_p", "typical_p", "top_n_sigma", "xtc", "mirostat")
ORDERS = {
    "hf": STEPS,
    "vllm": ("logit_bias", "penalties", "dry", "temperature", "min_p", "top_k", "top_p", "typical_p", "top_n_sigma", "xtc", "mirostat"),
    "llama.cpp": ("logit_bias", "penalties", "dry", "top_n_sigma", "top_k", "typical_p", "top_p", "min_p", "xtc", "temperature", "mirostat"),
    "mlx": ("logit_bias", "penalties", "dry", "top_n_sigma", "typical_p", "top_p", "min_p", "xtc", "top_k", "temperature", "mirostat"),
    "openai": ("logit_bias", "penalties", "dry", "temperature", "top_p", "top_k", "min_p", "typical_p", "top_n_sigma", "xtc", "mirostat"),
}
"""Hugging Face's logits processors; vLLM's, which cut at min-p first; llama.cpp's default chain and mlx-lm's, which divide by the temperature last; OpenAI's
parameters. A step that a library doesn't have stands where it does least."""

TEMPERATURE = f"from 0 to {HUGE:g}"

Check = Callable[[str, Any], Any]


def real(low: float, high: float, allowed: str) -> Check:
    """Make the check of a number."""
    return lambda place, value: number(place, value, allowed, low, high)


def whole(low: int, high: int, allowed: str) -> Check:
    """Make the check of an integer."""
    return lambda place, value: number(place, value, allowed, low, high, whole=True)


def optional(check: Check) -> Check:
    """Make the check of what may also be None."""
    return lambda place, value: None if value is None else check(place, value)


def bias(place: str, value: Any) -> dict[int, float]:
    """Check a table id -> what is added to its logit."""
    if not isinstance(value, Mapping):
        raise WrongTypeError(place, f"of type {type(value).__name__}", "a mapping of ids to numbers")
    key, allowed = whole(0, MAX_ID, "an id from 0 to 2**32 - 1"), real(-math.inf, HUGE, f"a number up to {HUGE:g}, or -inf to forbid the id")
    return {key(f"an id of {place}", id): allowed(f"{place}[{id!r}]", x) for id, x in value.items()}


def breakers(place: str, value: Any) -> tuple[int, ...]:
    """Check ids at which a repetition ends."""
    if not is_many(value):
        raise WrongTypeError(place, repr(value)[:80], "a sequence of ids")
    return tuple(sorted({number(f"an id of {place}", id, "an id from 0 to 2**32 - 1", 0, MAX_ID, whole=True) for id in value}))


def order(place: str, value: Any) -> tuple[str, ...]:
    """Check the name of an order, or the names of the steps in it."""
    if isinstance(value, str):
        if value not in ORDERS:
            raise ArgumentError(place, repr(value), f"{', '.join(map(repr, ORDERS))}, or a list of steps")
        return ORDERS[value]
    if not is_many(value):
        raise WrongTypeError(place, repr(value)[:80], f"{', '.join(map(repr, ORDERS))}, or a list of steps")
    names = tuple(value)
    for index, name in enumerate(names):
        if name not in STEPS or name in names[:index]:
            raise ArgumentError(f"{place}[{index}]", repr(name), f"one of {', '.join(STEPS)}, each at most once")
    return names


POSITIVE, FINITE = real(5e-324, HUGE, f"above 0 and at most {HUGE:g}"), real(-HUGE, HUGE, f"from {-HUGE:g} to {HUGE:g}")
LAST = optional(whole(0, 2**63 - 1, "an integer, at least 0, or None for all of the history"))

PARAMETERS: dict[str, tuple[Any, Check]] = {  # name: its default, its check
    "temperature": (1.0, real(0, HUGE, TEMPERATURE)),
    "top_k": (None, optional(whole(1, 2**63 - 1, "an integer, at least 1, or None for all"))),
    "top_p": (None, optional(real(5e-324, 1, "above 0 and at most 1, or None for all"))),
    "min_p": (None, optional(real(0, 1, "from 0 to 1, or None for all"))),
    "seed": (0, whole(0, 2**64 - 1, "an integer from 0 to 2**64 - 1")),
    "typical_p": (None, optional(real(5e-324, 1, "above 0 and at most 1, or None for all"))),
    "top_n_sigma": (None, optional(real(0, HUGE, f"from 0 to {HUGE:g}, or None for all"))),
    "xtc_probability": (0.0, real(0, 1, "from 0 to 1")),
    "xtc_threshold": (0.1, real(0, 1, "from 0 to 1")),
    "repetition_penalty": (1.0, POSITIVE),
    "presence_penalty": (0.0, FINITE),
    "frequency_penalty": (0.0, FINITE),
    "penalty_last_n": (None, LAST),
    "dry_multiplier": (0.0, real(0, HUGE, f"from 0 to {HUGE:g}")),
    "dry_base": (1.75, real(1, HUGE, f"from 1 to {HUGE:g}")),
    "dry_allowed_length": (2, whole(1, 2**63 - 1, "an integer, at least 1")),
    "dry_last_n": (None, LAST),
    "dry_sequence_breakers": ((), breakers),
    "mirostat": (0, whole(0, 2, "0, 1 or 2")),
    "mirostat_tau": (5.0, POSITIVE),
    "mirostat_eta": (0.1, real(0, HUGE, f"from 0 to {HUGE:g}")),
    "mirostat_mu": (None, optional(FINITE)),
    "logit_bias": (None, optional(bias)),
    "order": ("hf", order),
}
USED_BY: dict[str, Callable[[Mapping[str, Any]], bool]] = {  # step: whether its parameters ask for it
    "logit_bias": lambda s: bool(s["logit_bias"]),
    "penalties": lambda s: s["repetition_penalty"] != 1 or s["presence_penalty"] != 0 or s["frequency_penalty"] != 0,
    "dry": lambda s: s["dry_multiplier"] > 0,
    "temperature": lambda s: s["temperature"] != 1,
    "top_k": lambda s: s["top_k"] is not None,
    "top_p": lambda s: s["top_p"] is not None and s["top_p"] < 1,
    "min_p": lambda s: s["min_p"] is not None and s["min_p"] > 0,
    "typical_p": lambda s: s["typical_p"] is not None and s["typical_p"] < 1,
    "top_n_sigma": lambda s: s["top_n_sigma"] is not None,
    "xtc": lambda s: s["xtc_probability"] > 0,
    "mirostat": lambda s: s["mirostat"] != 0,
}


def check(given: Mapping[str, Any]) -> dict[str, Any]:
    """Give all settings as plain numbers, with defaults; refuse what is out of range, and a parameter whose step isn't in the order."""
    settings = {name: allowed(name, given.get(name, default)) for name, (default, allowed) in PARAMETERS.items()}
    for step, used in USED_BY.items():
        if step not in settings["order"] and used(settings):
            raise ArgumentError("order", f"without {step!r}", "a list with every step that a parameter asks for")
    return settings
