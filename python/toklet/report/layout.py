"""Reports as tables for a terminal: figures, scripts, tokens. Several tokenizers stand side by side, called A, B, C and so on."""

import os
from collections.abc import Callable, Sequence
from typing import NamedTuple

from ..colours import RESET, painted, visible
from .figures import QualityReport, ScriptFigures

BEST = "\x1b[1;32m"
SCRIPTS = 12  # rows; the others are told as a number
SHOWN = 40  # characters of a token


class Figure(NamedTuple):
    """A row of the table: how to get the number, how to write it, and whether more (1) or less (-1) is better."""

    title: str
    of: Callable[[QualityReport], float | None]
    form: str
    better: int = 0

    def text(self, value: float | None) -> str:
        """Write a number."""
        return "-" if value is None else format(value, self.form)

    def best(self, reports: Sequence[QualityReport]) -> set[int]:
        """Say which reports are the best, where they differ."""
        values = [self.of(report) for report in reports]
        known = [self.better * value for value in values if value is not None]
        if not self.better or len(set(known)) < 2:
            return set()
        return {i for i, value in enumerate(values) if value is not None and self.better * value == max(known)}


OF_VOCABULARIES = (
    Figure("vocab size", lambda r: r.vocab_size, ",d"),
    Figure("ordinary tokens", lambda r: r.vocabulary, ",d"),
    Figure("  parts of characters", lambda r: r.partial, ",d"),
    Figure("  reached by no text", lambda r: len(r.unreachable), ",d", -1),
)
OF_TEXTS = (
    Figure("tokens", lambda r: r.tokens, ",d", -1),
    Figure("bytes a token", lambda r: r.bytes_per_token, ".3f", 1),
    Figure("tokens a word", lambda r: r.tokens_per_word, ".3f", -1),
    Figure("vocabulary used", lambda r: r.used_share, ".1%", 1),
    Figure("Rényi efficiency", lambda r: r.renyi_efficiency, ".4f", 1),
)


def letters(number: int) -> list[str]:
    """Name so many tokenizers: A to Z, then by numbers; one alone needs no name."""
    return [""] if number == 1 else [chr(ord("A") + i) if i < 26 else f"#{i + 1}" for i in range(number)]


def figures_of(reports: Sequence[QualityReport]) -> tuple[Figure, ...]:
    """Give the rows that say something: without texts, those of the vocabularies."""
    return OF_VOCABULARIES + (OF_TEXTS if reports[0].tokens else ())


def corpus_of(report: QualityReport) -> str:
    """Say how much text there was."""
    return f"{report.texts:,} texts, {report.bytes:,} bytes, {report.characters:,} characters, {report.words:,} words"


def scripts_of(reports: Sequence[QualityReport]) -> list[tuple[str, list[ScriptFigures]]]:
    """Put the same script of several reports side by side, the most frequent first."""
    names = list(dict.fromkeys(row.script for row in reports[0].scripts)) + [row.script for report in reports[1:] for row in report.scripts]
    found = [{row.script: row for row in report.scripts} for report in reports]
    empty = ScriptFigures("", 0, 0, 0, 0)
    return [(name, [rows.get(name, empty) for rows in found]) for name in dict.fromkeys(names)]


def layout(reports: Sequence[QualityReport], names: Sequence[str] | None = None, colours: bool = False) -> str:
    """Lay out reports of the same texts."""
    heads = letters(len(reports))
    parts = [] if names is None else ["\n".join(f"{head}  {visible(os.fsencode(name))}".lstrip() for head, name in zip(heads, names, strict=True))]
    if reports[0].tokens:
        parts.append(corpus_of(reports[0]))
    figures = figures_of(reports)
    best = {(row, column) for row, figure in enumerate(figures) for column in figure.best(reports)}
    parts.append(grid(["", *heads], [[f.title, *(f.text(f.of(report)) for report in reports)] for f in figures], best if colours else set()))
    parts.append(scripts_table(reports, heads))
    parts += [tokens_of(report, head, colours) for report, head in zip(reports, heads, strict=True)]
    return "\n\n".join(parts)


def grid(header: list[str], rows: list[list[str]], best: set[tuple[int, int]]) -> str:
    """Lay out a table, the first column to the left, and paint the best cells."""
    wide = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    lines = ["  ".join([header[0].ljust(wide[0]), *(cell.rjust(width) for cell, width in zip(header[1:], wide[1:], strict=True))])]
    for r, row in enumerate(rows):
        cells = [cell.rjust(width) for cell, width in zip(row[1:], wide[1:], strict=True)]
        cells = [f"{BEST}{cell}{RESET}" if (r, c) in best else cell for c, cell in enumerate(cells)]
        lines.append("  ".join([row[0].ljust(wide[0]), *cells]))
    return "\n".join(line.rstrip() for line in lines if line.strip())


def scripts_table(reports: Sequence[QualityReport], heads: list[str]) -> str:
    """Lay out the scripts: their share of the texts and of each vocabulary, and what they cost."""
    rows = scripts_of(reports)
    of_texts = bool(reports[0].tokens)
    units = ("tok/char", "tok/word") if of_texts else ()
    header = ["script", *(["texts"] if of_texts else []), *(f"{column} {head}".rstrip() for column in ("vocab", *units) for head in heads)]
    cells = []
    for name, found in rows[:SCRIPTS]:
        row = [name, *([f"{found[0].characters / reports[0].characters:.1%}"] if of_texts else [])]
        row += [f"{one.vocabulary / report.vocabulary:.1%}" for one, report in zip(found, reports, strict=True)]
        if of_texts:
            row += ["-" if one.tokens_per_character is None else f"{one.tokens_per_character:.2f}" for one in found]
            row += ["-" if one.tokens_per_word is None else f"{one.tokens_per_word:.2f}" for one in found]
        cells.append(row)
    more = f"\nand {len(rows) - SCRIPTS} more scripts" if len(rows) > SCRIPTS else ""
    return grid(header, cells, set()) + more


def tokens_of(report: QualityReport, head: str, colours: bool) -> str:
    """List the longest tokens, and say which ones no text reaches."""
    of = f" of {head}" if head else ""
    lines = [f"longest tokens{of}: " + " ".join(shown(token, i, colours) for i, (_, token) in enumerate(report.longest))]
    if report.unreachable:
        ids = ", ".join(map(str, report.unreachable[:10])) + (" …" if len(report.unreachable) > 10 else "")
        lines.append(f"ids{of} that no text reaches: {ids}")
    return "\n".join(lines)


def shown(token: bytes, number: int, colours: bool) -> str:
    """Show a token, not more than its beginning."""
    text = visible(token)
    text = text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
    return painted(text, number) if colours else f"|{text}|"
