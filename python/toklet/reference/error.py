"""Everything that can go wrong, as one sentence: what is wrong, what was found there, what is allowed there.

An error has a kind (its class), a place, what was found and what is allowed; the sentence is made from these, so that no message can leave one out. The
limits stand here as well, each with its reason. Both backends raise these classes.
"""

from collections.abc import Iterable
from numbers import Integral, Real
from typing import Any, TypeGuard

MAX_IDS = 2**20  # four times the largest vocabulary in use; bounds every table that a file can ask for
MAX_TOKEN_BYTES = 4_096  # the longest token of a published vocabulary has 128 bytes
MAX_LOGITS = 2**24  # above it a 32-bit float can't tell one index from the next, and no model has more
MAX_FILE_BYTES = 2**28  # a tokenizer file: ten times the largest one published
MAX_TEXT_BYTES = 2**32 - 1  # one text in one call: offsets are 32 bits wide


class Error(ValueError):
    """Any refusal of toklet: `place` says what is wrong, `found` what it is, `allowed` what it must be."""

    def __init__(self, place: str, found: str, allowed: str) -> None:
        super().__init__(place, found, allowed)
        self.place, self.found, self.allowed = place, found, allowed

    def __str__(self) -> str:
        return f"{self.place} is {self.found}; it must be {self.allowed}"


class ArgumentError(Error):
    """A parameter is outside its range."""


class WrongTypeError(ArgumentError, TypeError):
    """A parameter has a type that the function doesn't take."""


class TextError(Error):
    """A text can't be encoded: a lone surrogate, or a special token where none is allowed."""


class TokenError(Error, LookupError):
    """An id or a token that the vocabulary doesn't have."""


class VocabularyError(Error):
    """Tables that contradict themselves: ids twice, bytes missing, merges whose parts don't exist."""


class FormatError(Error):
    """A file that isn't what its name says, or asks for what toklet doesn't support."""


class CorpusError(Error):
    """A corpus that nothing can be learnt from, or counts that can't be added."""


class LogitsError(Error):
    """A row of logits with a NaN in it, or with nothing allowed, or of the wrong shape."""


class PromptError(Error):
    """A template that can't be read, or a slot that is missing or unknown."""


class BudgetError(PromptError):
    """What a prompt must hold doesn't fit its budget."""


class InternalError(Exception):
    """A bug in toklet: please report it, with the call that raised it."""


def as_bytes(text: str | bytes, place: str = "text") -> bytes:
    """Give the UTF-8 of a str; bytes are taken as they are."""
    if isinstance(text, str):
        try:
            data = text.encode("utf-8")
        except UnicodeEncodeError as error:
            raise TextError(f"character {error.start} of {place}", f"the lone surrogate {text[error.start]!a}", "a character that UTF-8 can hold") from None
    elif isinstance(text, bytes | bytearray | memoryview):
        data = bytes(text)
    else:
        raise WrongTypeError(place, f"of type {type(text).__name__}", "str or bytes")
    if len(data) > MAX_TEXT_BYTES:
        raise ArgumentError(f"the length of {place}", f"{len(data)} bytes", f"at most {MAX_TEXT_BYTES} in one call")
    return data


def check_choice(place: str, value: object, allowed: tuple[str, ...]) -> None:
    """Refuse `value` unless it is one of a few words."""
    if value not in allowed:
        raise ArgumentError(place, repr(value), f"{', '.join(map(repr, allowed[:-1]))} or {allowed[-1]!r}")


def is_many(value: Any) -> TypeGuard[Iterable[Any]]:
    """Say whether a value is a number of others; a text isn't meant as one, and an array of no dimensions only says that it is iterable."""
    return isinstance(value, Iterable) and not isinstance(value, str | bytes) and getattr(value, "ndim", 1) != 0


def number(place: str, value: Any, allowed: str, at_least: Any, at_most: Any, whole: bool = False) -> Any:
    """Give `value` as an int (where `whole`) or a float; refuse what isn't one, and what isn't between the bounds, both included."""
    if not isinstance(value, Integral if whole else Real) or isinstance(value, bool):
        raise WrongTypeError(place, repr(value), allowed)
    try:
        plain: Any = int(value) if whole else float(value)  # type: ignore[call-overload]
    except OverflowError:  # an int that no float is as large as
        raise ArgumentError(place, repr(value)[:80], allowed) from None
    if not at_least <= plain <= at_most:
        raise ArgumentError(place, repr(plain), allowed)
    return plain
