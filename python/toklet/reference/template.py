"""The special tokens that a model expects around a text or two: what tokenizer.json calls TemplateProcessing.

`encode` gives the ids of a text alone. The template is put around them where it is asked for.
"""

from collections.abc import Sequence
from typing import Any

from .error import ArgumentError
from .fields import Fields

Item = str | list[int]


class Template:
    """`single` and `pair` are lists of "A", "B" and the ids that stand between."""

    def __init__(self, single: list[Item], pair: list[Item]) -> None:
        self.single, self.pair = single, pair

    @classmethod
    def read(cls, fields: Fields, said: Any) -> "Template | None":
        """Read a post-processor. ByteLevel, which trims offsets alone, changes no ids."""
        made = None
        for step in fields.steps("post_processor", said, "processors"):
            if fields.one_of("post_processor.type", step.get("type"), "ByteLevel", "TemplateProcessing") == "ByteLevel":
                continue
            fields.need("post_processor", step, made is None, "one template")
            ids = fields.typed("special_tokens", step.get("special_tokens"), dict, "an object")
            made = cls(*(cls._items(fields, which, step.get(which), ids) for which in ("single", "pair")))
        return made

    @staticmethod
    def _items(fields: Fields, which: str, said: Any, specials: dict[str, Any]) -> list[Item]:
        items: list[Item] = []
        for item in fields.objects(which, said):
            if "Sequence" in item:
                items.append(str(fields.one_of(f"id of {which}", fields.get(item, "Sequence.id"), *("A", "B")[: 1 + (which == "pair")])))
            else:
                name = fields.text(f"the special token of {which}", fields.get(item, "SpecialToken.id"))
                ids = fields.typed(f"ids of {name!r}", fields.get(specials.get(name), "ids"), list, "a list")
                items.append([fields.id(name, id) for id in ids])
        return items

    def around(self, first: Sequence[int], second: Sequence[int] | None = None) -> list[int]:
        """Put the template around the ids of one text, or of two."""
        texts = {"A": first, "B": second if second is not None else ()}
        return [int(id) for item in (self.single if second is None else self.pair) for id in (texts[item] if isinstance(item, str) else item)]


def around(template: Template | None, first: Sequence[int], second: Sequence[int] | None = None) -> list[int]:
    """Put a template around ids; where there is none only one text can be given."""
    if template is None:
        if second is not None:
            raise ArgumentError("second", "given", "None: the tokenizer has no template")
        return [int(id) for id in first]
    return template.around(first, second)
