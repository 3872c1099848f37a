"""Fields of a file that is JSON: looked up, and refused by name where they say what toklet doesn't do."""

import json
import math
from typing import Any

from .error import MAX_IDS, FormatError, VocabularyError

OBJECTS, BYTES_AN_OBJECT = 1 << 16, 24  # so many objects may be there, and one more for so many bytes: a token of a tekken.json has 50
MAX_STEPS = 32  # published files have up to ten


def dumps(value: Any) -> str:
    """Write JSON without spaces."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def finite(number: str) -> float:
    """Read a number, as JSON has them."""
    if not math.isfinite(value := float(number)):
        raise ValueError(number)
    return value


class Fields:
    """What one file says; every refusal names the file and the field."""

    def __init__(self, name: str) -> None:
        self.name, self.found, self.most = name, 0, 0

    def loads(self, data: bytes, called: str) -> Any:
        """Read JSON."""
        self.found, self.most = 0, OBJECTS + len(data) // BYTES_AN_OBJECT
        try:
            value = json.loads(data.decode(), object_pairs_hook=self.unique, parse_constant=finite, parse_float=finite)
            dumps(value).encode()  # fails for a lone surrogate
        except FormatError:
            raise
        except (RecursionError, ValueError):
            raise FormatError(self.name, "not JSON", called) from None
        return value

    def unique(self, items: list[tuple[str, Any]]) -> dict[str, Any]:
        """Refuse a JSON object that says something twice, and one too many."""
        self.found += 1
        if self.found > self.most:
            raise FormatError(self.name, f"over {self.most} objects", "of larger ones, or of fewer")
        found: dict[str, Any] = {}
        for key, value in items:
            if key in found:
                raise FormatError(self.name, f"saying {key!r} twice", "an object whose keys are all different")
            found[key] = value
        return found

    @staticmethod
    def get(inside: Any, path: str) -> Any:
        """Look up a field; None where it is missing."""
        for key in path.split("."):
            inside = inside.get(key) if isinstance(inside, dict) else None
        return inside

    def need(self, field: str, found: Any, fits: bool, allowed: str) -> Any:
        """Refuse what doesn't fit."""
        if not fits:
            raise FormatError(f"{field} of {self.name}", dumps(found)[:80], allowed)
        return found

    def one_of(self, field: str, found: Any, *allowed: Any) -> Any:
        """Refuse a value that isn't among those allowed (True is not 1)."""
        fits = any(type(found) is type(value) and found == value for value in allowed)
        return self.need(field, found, fits, " or ".join(map(dumps, allowed)))

    def typed(self, field: str, found: Any, kind: type, called: str) -> Any:
        """Refuse a value of another type."""
        return self.need(field, found, type(found) is kind, called)

    def text(self, field: str, found: Any) -> str:
        """Read a text."""
        return str(self.typed(field, found, str, "a text"))

    def objects(self, field: str, found: Any) -> list[dict[str, Any]]:
        """Read a list of objects."""
        return [self.typed(f"{field}[{i}]", item, dict, "an object") for i, item in enumerate(self.typed(field, found, list, "a list"))]

    def steps(self, field: str, found: Any, listed: str) -> list[dict[str, Any]]:
        """Read the steps of a normalizer, a pre-tokenizer and so on: none, one, or the list that a `Sequence` has in the field `listed`."""
        if self.get(found, "type") == "Sequence":
            steps = self.objects(f"{field}.{listed}", found.get(listed))
            self.need(f"{field}.{listed}", found.get(listed), len(steps) <= MAX_STEPS, f"at most {MAX_STEPS} steps")
            return steps
        return [] if found is None else [self.typed(field, found, dict, "an object")]

    def flag(self, field: str, found: Any, default: bool) -> bool:
        """Read true or false; null or nothing is the default."""
        return default if found is None else bool(self.one_of(field, found, False, True))

    def id(self, token: str, found: Any) -> int:
        """Read an id."""
        id = int(self.typed(f"the id of {token!r}", found, int, "an integer"))
        if not 0 <= id < MAX_IDS:
            raise VocabularyError(f"the id of {token!r}", str(id), f"from 0 to {MAX_IDS - 1}")
        return id
