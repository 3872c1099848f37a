"""Templates: text with `{{ slots }}`. The template's own text is trusted; what fills a slot is only ever text."""

from collections.abc import Mapping
from typing import Any

from ._core import core
from .checks import as_dict, check_text
from .prompt import Prompt
from .reference.error import PromptError, WrongTypeError
from .reference.prompt import Part
from .tokenizer import Tokenizer


class Template:
    """Text with `{{ slots }}`.

    The template's own text is trusted: a special token that it spells is one. What fills a slot is only ever text, braces and special tokens included.
    `{{ slot | trim }}` takes off the white space around a value.

    Parameters
    ----------
    source : str
    slots : mapping of str to type, optional
        Types of some values, which then are written as `str` writes them; all others must be texts.

    Raises
    ------
    PromptError
        If a slot isn't closed, its name isn't one, or a type is given for a slot that isn't there.

    Examples
    --------
    >>> qa = Template("Q: {{ question }}\\nA: {{ answer }}", slots={"answer": int})
    >>> print(qa.format(question="2 + 2?", answer=4))
    Q: 2 + 2?
    A: 4
    """

    __slots__ = ("_core", "_types", "source")

    def __init__(self, source: str, slots: Mapping[str, type] | None = None) -> None:
        check_text("the template", source)
        self._core = core.Template(source)
        self.source = source
        self._types = {} if slots is None else as_dict("slots", slots)
        for name, kind in self._types.items():
            if name not in self._core.slots:
                raise PromptError("the typed slot", repr(name), f"one of the template's: {self.slots}")
            if not isinstance(kind, type):
                raise WrongTypeError(f"the type of the slot {name!r}", repr(kind), "a type, as in slots={'n': int}")

    @property
    def slots(self) -> list[str]:
        """The names of the slots, in the order in which they first occur."""
        return list(self._core.slots)

    @property
    def types(self) -> dict[str, type]:
        """The types of the slots' values."""
        return {name: self._types.get(name, str) for name in self._core.slots}

    def filled(self, values: Mapping[str, Any]) -> dict[str, str]:
        """Give the values as texts; one that is not of its slot's type is refused."""
        texts = as_dict("the values of the slots", values)
        for name, value in texts.items():
            check_text("the name of a slot", name)
            kind = self._types.get(name, str)
            if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool and kind is not object):
                other = "" if name in self._types else f"; Template(…, slots={{{name!r}: {type(value).__name__}}}) takes it"
                raise WrongTypeError(
                    f"the slot {name!r}", f"of type {type(value).__name__}", f"{'an' if kind.__name__[0] in 'aeiou' else 'a'} {kind.__name__}{other}"
                )
            texts[name] = value if isinstance(value, str) else str(value)
            check_text(f"the slot {name!r}", texts[name])
        return texts

    def parts(self, values: Mapping[str, Any], stop_before: str | None = None) -> list[Part]:
        """Fill the slots, up to the slot `stop_before` if it is given; a slot that is missing or unknown is a `PromptError`."""
        return [Part(*part) for part in self._core.parts(self.filled(values), stop_before)]

    def format(self, /, **values: Any) -> str:
        """Fill the slots and give the text."""
        return "".join(part.text for part in self.parts(values))

    def render(self, tok: Tokenizer, /, *, untrusted: str = "text", **values: Any) -> Prompt:
        """Fill the slots and give the prompt, encoded by `tok`; `untrusted` is that of `Prompt`."""
        return Prompt(self.parts(values), tok, untrusted=untrusted)

    def __repr__(self) -> str:
        return f"Template({self.source!r})"
