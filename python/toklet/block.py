"""A block: a piece of a prompt that may be left out, with what a packer needs to know of it."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import ArrayLike

from .checks import check_text
from .prompt import as_parts
from .reference.error import ArgumentError, check_choice, number
from .reference.prompt import Part

KEEPS = ("none", "head", "tail", "middle")
COUNT = "an integer, at least 0"


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """A piece of a prompt that may be left out.

    Parameters
    ----------
    text : str or list of Part
        A str is not trusted, unless `trusted` says so.
    value : float
        What it is worth, at least 0.
    priority : int
        A block of a higher priority is chosen before any of a lower one.
    required : bool
        Whether it must be in the prompt.
    group : hashable, optional
        Blocks of one group are kept or dropped together.
    truncate : {"none", "head", "tail", "middle"}
        What of it may be kept where it doesn't fit; it is cut behind a line, a sentence or a word where there is one near.
    marker : str
        What stands where something is cut off; it is counted.
    min_tokens : int
        What is cut to less is dropped.
    max_tokens : int, optional
        What is longer is cut, or dropped.
    fallback : str, optional
        What stands there if it is dropped, if that fits.
    stable : bool
        Whether it is the same in every prompt; `order="stable-first"` puts such blocks first, where caches keep them.
    trusted : bool
        Whether its text may spell special tokens.
    vector : float array, shape (d,), optional
        What it is about, for `query_vector`.

    Attributes
    ----------
    parts : list of Part
        Those of its text.
    """

    text: str | Sequence[Any]
    value: float = field(default=1.0, kw_only=True)
    priority: int = field(default=0, kw_only=True)
    required: bool = field(default=False, kw_only=True)
    group: Hashable | None = field(default=None, kw_only=True)
    truncate: str = field(default="none", kw_only=True)
    marker: str = field(default=" … ", kw_only=True)
    min_tokens: int = field(default=1, kw_only=True)
    max_tokens: int | None = field(default=None, kw_only=True)
    fallback: str | None = field(default=None, kw_only=True)
    stable: bool = field(default=False, kw_only=True)
    trusted: bool = field(default=False, kw_only=True)
    vector: ArrayLike | None = field(default=None, kw_only=True)
    parts: list[Part] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if isinstance(self.text, str):
            check_text("the text of a block", self.text)
            parts = [Part(self.text, self.trusted)]
        else:
            parts = as_parts(self.text)
        object.__setattr__(self, "parts", parts)
        number("value", self.value, "a number from 0 to 1e300", 0, 1e300)
        number("priority", self.priority, "an integer", -(2**62), 2**62, whole=True)
        check_choice("truncate", self.truncate, KEEPS)
        check_text("marker", self.marker)
        number("min_tokens", self.min_tokens, COUNT, 0, 2**62, whole=True)
        if self.max_tokens is not None:
            number("max_tokens", self.max_tokens, COUNT, 0, 2**62, whole=True)
        if self.fallback is not None:
            check_text("fallback", self.fallback)
        if self.truncate != "none" and not isinstance(self.text, str):
            raise ArgumentError("truncate", repr(self.truncate), "'none' for a block of parts: a template's own text is never cut")
