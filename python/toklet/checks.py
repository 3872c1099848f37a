"""What callers may pass: refusals of wrong types at the public edge, the same for both cores."""

from collections.abc import Iterable, Mapping
from typing import Any

from .reference.encode import as_bytes
from .reference.error import ArgumentError, WrongTypeError
from .reference.split import PATTERNS


def check_pattern(pattern: str) -> None:
    """Refuse a pattern that isn't text; what it may say, the core knows."""
    if not isinstance(pattern, str):
        raise WrongTypeError("pattern", repr(pattern), f"one of {', '.join(PATTERNS)}, or a regular expression")


def check_separator(separator: str | None) -> None:
    """Refuse a separator that separates nothing."""
    if separator is not None and not isinstance(separator, str):
        raise WrongTypeError("separator", repr(separator), "a text that isn't empty, or None")
    if separator == "":
        raise ArgumentError("separator", "''", "a text that isn't empty, or None")


def as_list(place: str, names: Iterable[Any]) -> list[Any]:
    """Give an iterable as a list; one str is not meant as a list of its letters."""
    if isinstance(names, str | bytes) or not isinstance(names, Iterable):
        raise WrongTypeError(place, repr(names), "a list")
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
