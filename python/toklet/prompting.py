"""Prompts as Python sees them: templates with slots, few-shot examples, and the parts that they become."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._core import core
from .arrays import as_array
from .checks import as_dict, check_text
from .reference.error import PromptError, WrongTypeError
from .tokenizer import Tokenizer


def check_values(values: Mapping[str, str]) -> dict[str, str]:
    """Give the values of slots, if all of them are texts."""
    filled = as_dict("the values of the slots", values)
    for name, value in filled.items():
        check_text("the name of a slot", name)
        check_text(f"the slot {name!r}", value)
    return filled


class Prompt:
    """A rendered prompt: its parts, its text, its ids.

    Attributes
    ----------
    parts : list of (str, bool)
        Text, and whether it is trusted: the template's own. Only trusted text can spell a special token.
    text : str
        The parts, joined.
    ids : uint32 array, shape (n,)
    """

    __slots__ = ("ids", "parts", "text")

    def __init__(self, parts: Sequence[tuple[str, bool]], tok: Tokenizer) -> None:
        if not isinstance(tok, Tokenizer):
            raise WrongTypeError("tok", f"of type {type(tok).__name__}", "a toklet.Tokenizer")
        try:
            self.parts = [(text, bool(trusted)) for text, trusted in parts]
        except (TypeError, ValueError):
            raise WrongTypeError("parts", f"of type {type(parts).__name__}", "a list of (text, trusted) pairs") from None
        for i, (text, _) in enumerate(self.parts):
            check_text(f"part {i}", text)
        self.text = "".join(text for text, _ in self.parts)
        self.ids: NDArray[np.uint32] = as_array(tok._core.encode_parts(self.parts), np.uint32)

    def __len__(self) -> int:
        return len(self.ids)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"<Prompt of {len(self.ids)} ids: {self.text!r}>"


class Template:
    """Text with `{{ slots }}`.

    The template's own text is trusted: a special token that it spells is one. What fills a slot is only ever text, braces and special tokens included.

    Parameters
    ----------
    source : str

    Raises
    ------
    PromptError
        If a slot isn't closed, or its name isn't one.

    Examples
    --------
    >>> qa = Template("Q: {{ question }}\\nA: {{ answer }}")
    >>> print(qa.format(question="2 + 2?", answer="4"))
    Q: 2 + 2?
    A: 4
    """

    __slots__ = ("_core", "source")

    def __init__(self, source: str) -> None:
        check_text("the template", source)
        self._core = core.Template(source)
        self.source = source

    @property
    def slots(self) -> list[str]:
        """The names of the slots, in the order in which they first occur."""
        return list(self._core.slots)

    def format(self, /, **values: str) -> str:
        """Fill the slots and give the text; a slot that is missing or unknown is a `PromptError`."""
        return "".join(text for text, _ in self._core.parts(check_values(values)))

    def render(self, tok: Tokenizer, /, **values: str) -> Prompt:
        """Fill the slots and give the prompt, encoded by `tok`."""
        return Prompt(self._core.parts(check_values(values)), tok)

    def __repr__(self) -> str:
        return f"Template({self.source!r})"


class FewShot:
    """A few-shot prompt: the template filled with each example, then with the query.

    Parameters
    ----------
    template : Template
    examples : sequence of mappings
        The values of the slots of each example.
    separator : str
        What stands between two of them; trusted, like the template.
    query : mapping, optional
        The values of the question that the model is to answer.
    stop_before : str, optional
        The slot of the query at which the prompt ends: what the model fills.

    Examples
    --------
    >>> few = FewShot(Template("{{ en }} = {{ fr }}"), [{"en": "cat", "fr": "chat"}], separator="\\n", query={"en": "dog"}, stop_before="fr")
    >>> few.text
    'cat = chat\\ndog = '
    """

    __slots__ = ("_parts",)

    def __init__(
        self,
        template: Template,
        examples: Sequence[Mapping[str, str]],
        *,
        separator: str = "\n\n",
        query: Mapping[str, str] | None = None,
        stop_before: str | None = None,
    ) -> None:
        if not isinstance(template, Template):
            raise WrongTypeError("template", f"of type {type(template).__name__}", "a toklet.Template")
        check_text("separator", separator)
        if not isinstance(examples, Iterable) or isinstance(examples, str | bytes | Mapping):
            raise WrongTypeError("examples", f"of type {type(examples).__name__}", "a list of mappings")
        if stop_before is not None:
            check_text("stop_before", stop_before)
            if query is None:
                raise PromptError("stop_before", repr(stop_before), "given together with a query: it says where the query's prompt ends")
        filled = None if query is None else check_values(query)
        self._parts: Any = core.few_shot(template._core, [check_values(example) for example in examples], separator, filled, stop_before)

    @property
    def text(self) -> str:
        """The whole prompt as text."""
        return "".join(text for text, _ in self._parts)

    def render(self, tok: Tokenizer) -> Prompt:
        """Give the prompt, encoded by `tok`."""
        return Prompt(self._parts, tok)
