"""Templates and few-shot prompts: the format of the examples is the program.

A template is text with `{{ slots }}`. Rendered, it becomes parts: the template's own text is trusted, what fills a slot is not, and only trusted text can
spell a special token (see `encode_parts`). Braces inside a value are harmless: values are never read again. A few-shot prompt is the template filled
with each example, joined by a separator, and the template filled with the query up to the slot that the model has to fill.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import NamedTuple

from .error import PromptError, WrongTypeError
from .unicode import SPACE, table


class Special(str):
    """The name of a special token, as the text of a part that is that token, whatever stands beside it."""

    __slots__ = ()


class Part(NamedTuple):
    """A stretch of a prompt: its text, whether it is the template's own, and where it comes from."""

    text: str
    trusted: bool = False
    role: str | None = None
    message: int | None = None
    slot: str | None = None

    @classmethod
    def special(cls, name: str, role: str | None = None, message: int | None = None, slot: str | None = None) -> "Part":
        """Give a part that is a special token, by name; a prompt's tokenizer must have it.

        >>> Part.special("<|end|>").trusted
        True
        """
        return cls(Special(name), True, role, message, slot)


SLOT = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
NAME = re.compile(r" *([A-Za-z_][A-Za-z0-9_]*) *(\| *trim *)?")


class Template:
    """Text with slots; `{{ slot | trim }}` takes off the white space around a value.

    >>> Template("Q: {{ question }}\\nA: {{ answer }}").slots
    ['question', 'answer']
    """

    def __init__(self, source: str) -> None:
        if not isinstance(source, str):
            raise WrongTypeError("the template", repr(source), "a str")
        pieces = SLOT.split(source)
        for piece in pieces[::2]:
            if "{{" in piece:
                raise PromptError("the template", f"{piece[piece.index('{{') :][:20]!r} without its end", "'{{', a slot's name and '}}'")
        self.source, self.literals, self.names, self.trims = source, pieces[::2], list[str](), list[bool]()
        for inside in pieces[1::2]:
            found = NAME.fullmatch(inside)
            if not found:
                raise PromptError("the slot", repr(inside), "a name of ASCII letters, digits and '_', or such a name and '| trim'")
            self.names.append(found[1])
            self.trims.append(found[2] is not None)
        self.known = dict.fromkeys(self.names)
        self.slots = list(self.known)

    def parts(self, values: Mapping[str, str], stop_before: str | None = None) -> list[Part]:
        """Fill the slots, up to the slot `stop_before` if it is given."""
        if stop_before is not None and stop_before not in self.known:
            raise PromptError("stop_before", repr(stop_before), f"one of the template's slots: {self.slots}")
        end = len(self.names) if stop_before is None else self.names.index(stop_before)
        needed = self.names[:end]
        for name in needed:
            if name not in values:
                raise PromptError(f"the slot {name!r}", "not filled", f"given a value: the template's slots are {self.slots}")
            if not isinstance(values[name], str):
                raise WrongTypeError(f"the slot {name!r}", f"of type {type(values[name]).__name__}", "a str")
        for name in values:
            if name not in self.known:
                raise PromptError("the slot", repr(name), f"one of the template's: {self.slots}")
        parts = [Part(self.literals[0], trusted=True)]
        for name, trim, literal in zip(needed, self.trims, self.literals[1:], strict=False):
            parts += [Part(values[name].strip(spaces()) if trim else values[name], slot=name), Part(literal, trusted=True)]
        return [part for part in parts if part.text]


@cache
def spaces() -> str:
    """Give all white space that Unicode knows."""
    return "".join(chr(code) for code, kind in enumerate(table()) if kind == SPACE)


def few_shot(template: Template, examples: Sequence[Mapping[str, str]], separator: str, query: Mapping[str, str] | None, stop_before: str | None) -> list[Part]:
    """Join the filled examples, and the query that the model is to complete; the parts of each know its number, as `message`."""
    if not isinstance(separator, str):
        raise WrongTypeError("separator", repr(separator), "a str")
    shots = [template.parts(example) for example in examples]
    if query is not None:
        shots.append(template.parts(query, stop_before))
    parts: list[Part] = []
    for i, shot in enumerate(shots):
        parts += [Part(separator, trusted=True)] if i and separator else []
        parts += [part._replace(message=i) for part in shot]
    return parts
