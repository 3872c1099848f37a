"""Text -> pretokens where it takes more than one pattern: steps, each of which cuts what the step before it left.

A step finds places in a piece, by a pattern, a text or digits, and a behaviour says what becomes of them: a piece of their own (`Isolated`, or together with
their neighbours `Contiguous`), a part of the piece before or behind, or nothing at all (`Removed`: then what stood there gets no ids).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from .split import split
from .unicode import NUMBER, classes

BEHAVIORS = ("Isolated", "Removed", "MergedWithPrevious", "MergedWithNext", "Contiguous")
Span = tuple[int, int]


@dataclass(frozen=True)
class Cutter:
    """One step: `kind` is "regex", "text" or "digits"."""

    kind: str
    pattern: str
    behavior: str = "Isolated"
    invert: bool = False

    @property
    def covers(self) -> bool:
        """Whether this is no more than a built-in pattern, whose matches leave nothing between them."""
        return self.kind == "regex" and (self.behavior, self.invert) in (("Isolated", False), ("Isolated", True), ("Removed", True))

    def places(self, piece: str) -> list[tuple[Span, bool]]:
        """Cut a piece into what the pattern finds and what stands between."""
        found, at = [], 0
        for start, end in self._found(piece):
            if at < start:
                found.append(((at, start), self.invert))
            found.append(((start, end), not self.invert))
            at = end
        return [*found, ((at, len(piece)), self.invert)] if at < len(piece) else found

    def _found(self, piece: str) -> list[Span]:
        if self.kind == "text":
            starts, at = [], piece.find(self.pattern) if self.pattern else -1
            while at >= 0:
                starts.append((at, at + len(self.pattern)))
                at = piece.find(self.pattern, at + len(self.pattern))
            return starts
        if self.kind == "digits":
            return [(i, i + 1) for i, kind in enumerate(classes(piece)) if kind == NUMBER]
        spans, at = [], 0
        for pretoken in split(piece.encode("utf-8", "surrogateescape"), self.pattern):
            end = at + len(pretoken.decode("utf-8", "surrogateescape"))
            spans.append((at, end))
            at = end
        return spans

    def cut(self, piece: str) -> list[Span]:
        """Cut a piece."""
        places = self.places(piece)
        if self.behavior == "Isolated":
            return [span for span, _ in places]
        if self.behavior == "Removed":
            return [span for span, matched in places if not matched]
        backwards = self.behavior == "MergedWithNext"
        spans: list[Span] = []
        before = False
        for (start, end), matched in reversed(places) if backwards else places:
            together = matched == before if self.behavior == "Contiguous" else matched and not before
            if together and spans:
                spans[-1] = (start, spans[-1][1]) if backwards else (spans[-1][0], end)
            else:
                spans.append((start, end))
            before = matched
        return spans[::-1] if backwards else spans


def pretokens(text: str, steps: Sequence[Cutter]) -> list[Span]:
    """Cut a text by one step after the other.

    >>> text = "a1 22"
    >>> [text[i:j] for i, j in pretokens(text, [Cutter("text", " ", "MergedWithNext"), Cutter("digits", "")])]
    ['a', '1', ' ', '2', '2']
    """
    spans = [(0, len(text))] if text else []
    for step in steps:
        spans = [(start + i, start + j) for start, end in spans for i, j in step.cut(text[start:end])]
    return spans
