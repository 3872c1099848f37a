"""What callers may pass: refusals of wrong types at the public edge, the same for both cores."""

import os
from collections.abc import Callable, Collection, Iterable, Mapping, Set
from typing import Any

from ._core import core
from .reference.error import ArgumentError, WrongTypeError, as_bytes, is_many
from .reference.split import PATTERNS


def check_pattern(pattern: str) -> None:
    """Refuse a pattern that isn't text, or is a plain word, which is meant as a name and is none; what it may say beside that, the core knows."""
    if not isinstance(pattern, str):
        raise WrongTypeError("pattern", repr(pattern), f"one of {', '.join(PATTERNS)}, or a regular expression")
    as_bytes(pattern, "pattern")
    if len(pattern) > 2 and pattern.isalnum() and core.WordCounts({}, pattern).pattern == pattern:
        raise ArgumentError("pattern", repr(pattern), f"one of {', '.join(PATTERNS)}, or a regular expression that isn't a plain word")


def check_separator(separator: str | None) -> None:
    """Refuse a separator that separates nothing."""
    if separator is not None and not isinstance(separator, str):
        raise WrongTypeError("separator", repr(separator), "a text that isn't empty, or None")
    as_bytes(separator or "", "separator")
    if separator == "":
        raise ArgumentError("separator", "''", "a text that isn't empty, or None")


def check_special(special: Any, known: Callable[[], Collection[str]]) -> Any:
    """Refuse a set with a name in it that no special token has."""
    if isinstance(special, set | frozenset | list | tuple):
        names = known()
        for name in special:
            if not isinstance(name, str) or name not in names:
                raise ArgumentError("special", repr(name), f"among the special tokens, which are {list(names)}")
    return special


def as_path(path: Any) -> str:
    """Give a path as a str."""
    name = os.fspath(path) if isinstance(path, str | os.PathLike) else None
    if not isinstance(name, str):
        raise WrongTypeError("path", f"{path!r} of type {type(path).__name__}", "a str or a PathLike of str")
    if "\0" in name:
        raise ArgumentError("path", repr(name), "without a NUL in it")
    return name


def as_list(place: str, names: Iterable[Any]) -> list[Any]:
    """Give an iterable as a list; one str is not meant as a list of its letters."""
    if isinstance(names, Set | Mapping) or not is_many(names):
        raise WrongTypeError(place, repr(names)[:80], "a list: something with an order")
    return list(names)


def as_dict(place: str, table: Mapping[Any, Any]) -> dict[Any, Any]:
    """Give a mapping as a dict."""
    if not isinstance(table, Mapping):
        raise WrongTypeError(place, f"of type {type(table).__name__}", "a mapping")
    return dict(table)


def check_text(place: str, value: object) -> None:
    """Refuse what isn't a str, or is one that UTF-8 can't hold."""
    if not isinstance(value, str):
        raise WrongTypeError(place, f"of type {type(value).__name__}", "a str")
    as_bytes(value, place)
