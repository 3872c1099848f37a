"""Reports as one HTML page: tables, the curve of bytes a token against vocabulary size, examples in colours.

The page loads nothing, runs nothing (its own content policy forbids it) and holds no text that isn't escaped: tokens, file names and examples are
strangers' bytes.
"""

import html
import math
import os
from collections.abc import Sequence

from ..colours import page_of, visible
from ..tokenizer import Tokenizer
from .curve import Curve
from .figures import QualityReport
from .layout import corpus_of, figures_of, letters, scripts_of

WIDTH, HEIGHT, MARGIN = 720, 340, 48
LINES = ("#1f6fb4", "#d2691e", "#2e8b57", "#b03060", "#6a5acd", "#8b7500")
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 64rem; margin: 2rem auto; padding: 0 1rem; color: #1a1a1a; background: #fff }
h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin-top: 2.2rem }
table { border-collapse: collapse; font-variant-numeric: tabular-nums } td, th { padding: .2rem .8rem; text-align: right; border-bottom: 1px solid #ddd }
td:first-child, th:first-child { text-align: left; padding-left: 0 } td.best { font-weight: 700; color: #17692f }
.key { display: inline-block; width: .8rem; height: .8rem; margin-right: .5rem } .note { color: #555; font-size: .9rem }
.wide { overflow-x: auto } figure { margin: 0 } svg { max-width: 100%; height: auto } svg text { font: 12px system-ui, sans-serif; fill: #444 }
.tokens { margin: .3rem 0 1rem; overflow-wrap: anywhere }
"""


def page(names: Sequence[str], tokenizers: Sequence[Tokenizer], reports: Sequence[QualityReport], curves: Sequence[Curve], examples: Sequence[bytes]) -> str:
    """Make the page; `names` says what each tokenizer is called."""
    heads = letters(len(reports))
    title = "Tokenizers compared" if len(reports) > 1 else "A tokenizer inspected"
    body = [f"<h1>{title}</h1>", legend(heads, names)]
    if reports[0].tokens:
        body.append(f'<p class="note">{corpus_of(reports[0])}. A word is what stands between white space.</p>')
    body += ["<h2>Figures</h2>", figures_table(heads, reports), "<h2>Scripts</h2>", scripts_table(heads, reports)]
    if any(curves):
        body += ["<h2>Bytes a token, by vocabulary size</h2>", plot(heads, curves), CURVE_NOTE]
    if examples:
        body += ["<h2>Examples</h2>", *(example(text, heads, tokenizers) for text in examples)]
    body += ["<h2>Longest tokens</h2>", *(longest(head, report) for head, report in zip(heads, reports, strict=True))]
    body += ["<h2>Tokens that no text reaches</h2>", *(unreachable(head, tok, r) for head, tok, r in zip(heads, tokenizers, reports, strict=True))]
    policy = "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
    head = f'<meta charset="utf-8">{policy}<meta name="viewport" content="width=device-width"><title>{title}</title><style>{STYLE}</style>'
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>\n' + "\n".join(body) + "\n</body></html>\n"


CURVE_NOTE = (
    '<p class="note">On a sample of the texts. A vocabulary that was trained by merging holds all smaller ones, so each curve is its tokenizer, cut off after '
    "its first tokens.</p>"
)


def colour(number: int) -> str:
    """Give the colour of a tokenizer."""
    return LINES[number % len(LINES)]


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Make a table of cells that are HTML already."""
    top = "".join(f"<th>{cell}</th>" for cell in header)
    return f'<div class="wide"><table><tr>{top}</tr>' + "".join(f"<tr>{''.join(row)}</tr>" for row in rows) + "</table></div>"


def cell(text: str, best: bool = False) -> str:
    """Make a cell."""
    return f'<td class="best">{html.escape(text)}</td>' if best else f"<td>{html.escape(text)}</td>"


def cells(costs: Sequence[float | None]) -> list[str]:
    """Make the cells of what a script costs each tokenizer; the least is the best, where they differ."""
    known = [cost for cost in costs if cost is not None]
    return [cell("-" if cost is None else f"{cost:.2f}", cost is not None and cost == min(known) < max(known)) for cost in costs]


def legend(heads: Sequence[str], names: Sequence[str]) -> str:
    """Say which letter is which tokenizer."""
    items = (
        f'<div><span class="key" style="background:{colour(i)}"></span><b>{head}</b> {html.escape(visible(os.fsencode(name)))}</div>'
        for i, (head, name) in enumerate(zip(heads, names, strict=True))
    )
    return "".join(items)


def figures_table(heads: Sequence[str], reports: Sequence[QualityReport]) -> str:
    """Lay out the figures, the best ones marked."""
    rows = []
    for figure in figures_of(reports):
        best = figure.best(reports)
        rows.append([cell(figure.title.strip()), *(cell(figure.text(figure.of(report)), i in best) for i, report in enumerate(reports))])
    return table(["", *heads], rows)


def scripts_table(heads: Sequence[str], reports: Sequence[QualityReport]) -> str:
    """Lay out all scripts."""
    of_texts = bool(reports[0].tokens)
    columns = ("share of vocabulary", *(("tokens a character", "tokens a word") if of_texts else ()))
    header = ["script", *(["share of texts"] if of_texts else []), *(f"{column} {head}" for column in columns for head in heads)]
    rows = []
    for name, found in scripts_of(reports):
        row = [cell(name), *([cell(f"{found[0].characters / reports[0].characters:.2%}")] if of_texts else [])]
        row += [cell(f"{one.vocabulary / report.vocabulary:.2%}") for one, report in zip(found, reports, strict=True)]
        row += cells([one.tokens_per_character for one in found]) if of_texts else []
        row += cells([one.tokens_per_word for one in found]) if of_texts else []
        rows.append(row)
    return table(header, rows)


def plot(heads: Sequence[str], curves: Sequence[Curve]) -> str:
    """Draw the curves as SVG: sizes in powers of two to the right, bytes a token upwards."""
    points = [point for line in curves for point in line]
    right, top = math.log2(max(size for size, _ in points)), max(1.0, *(value for _, value in points)) * 1.05

    def at(size: int, value: float) -> tuple[str, str]:
        x = MARGIN + (math.log2(size) - 8) / max(right - 8, 1e-9) * (WIDTH - 2 * MARGIN)
        return f"{x:.1f}", f"{HEIGHT - MARGIN - value / top * (HEIGHT - 2 * MARGIN):.1f}"

    parts = []
    for value in range(math.floor(top) + 1):
        x, y = at(256, value)
        parts.append(f'<path d="M{x} {y}H{WIDTH - MARGIN}" stroke="#e2e2e2"/><text x="{MARGIN - 8}" y="{y}" dy="4" text-anchor="end">{value}</text>')
    for power in range(8, math.floor(right) + 1):
        parts.append(f'<text x="{at(2**power, 0)[0]}" y="{HEIGHT - MARGIN + 18}" text-anchor="middle">{2**power:,}</text>')
    for i, (head, line) in enumerate(zip(heads, curves, strict=True)):
        places = [(*at(size, value), f"{head} {size:,} tokens, {value:.3f} bytes a token".lstrip()) for size, value in line]
        path = " ".join(f"{x},{y}" for x, y, _ in places)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour(i)}" stroke-width="2"/>')
        parts += [f'<circle cx="{x}" cy="{y}" r="3.5" fill="{colour(i)}"><title>{said}</title></circle>' for x, y, said in places]
    return (
        f'<figure><svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" role="img" aria-label="bytes a token by vocabulary size">{"".join(parts)}</svg></figure>'
    )


def example(text: bytes, heads: Sequence[str], tokenizers: Sequence[Tokenizer]) -> str:
    """Show a text as each tokenizer cuts it."""
    rows = []
    for head, tok in zip(heads, tokenizers, strict=True):
        ids = tok.encode(text).tolist()
        rows.append(f'<div><b>{head}</b> <span class="note">{len(ids)} tokens</span></div>{coloured(tok, ids)}')
    return "".join(rows)


def coloured(tok: Tokenizer, ids: Sequence[int]) -> str:
    """Show tokens in colours; the pointer brings up their ids."""
    return f'<div class="tokens">{page_of([tok.token(id) for id in ids], [str(id) for id in ids])}</div>'


def longest(head: str, report: QualityReport) -> str:
    """List the longest tokens."""
    rows = [[cell(str(id)), cell(f"{len(token):,}"), cell(visible(token))] for id, token in report.longest]
    return f"<p><b>{head}</b></p>" + table(["id", "bytes", "token"], rows)


def unreachable(head: str, tok: Tokenizer, report: QualityReport) -> str:
    """Show the tokens that no text reaches, up to a thousand."""
    ids = report.unreachable[:1_000]
    more = f" (the first {len(ids):,})" if len(ids) < len(report.unreachable) else ""
    return f"<p><b>{head}</b> {len(report.unreachable):,}{more}</p>" + (coloured(tok, ids) if ids else "")
