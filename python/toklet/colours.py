"""Tokens to look at: each with a background of its own, in a terminal or on a page."""

import html
import os
import sys

BACKGROUNDS = (153, 223, 157, 218, 229)  # pale ones of the 256 colours, so that black text on them reads well on any terminal
HEX = ("#afd7ff", "#ffd7af", "#afffaf", "#ffafd7", "#ffffaf")  # the same for pages
BLACK, RESET = "\x1b[38;5;16m", "\x1b[0m"
LINE_BREAK = "↵"


def in_colour() -> bool:
    """Say whether standard output is a terminal that shows colours, and nobody asked for none."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def visible(token: bytes) -> str:
    r"""Spell a token: what isn't printable, what isn't UTF-8, and so whatever could command the terminal, as an escape.

    >>> visible(b"a b\n"), visible(b"\x1b[31m"), visible(b"\xc3")
    ('a b↵', '\\x1b[31m', '\\xc3')
    """
    text = token.decode("utf-8", "backslashreplace").replace("\n", LINE_BREAK)
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def painted(text: str, number: int) -> str:
    """Give a text the background of the token with this number; neighbours differ."""
    return f"\x1b[48;5;{BACKGROUNDS[number % len(BACKGROUNDS)]}m{BLACK}{text}{RESET}"


def line_of(tokens: list[bytes], colours: bool) -> str:
    """Show tokens side by side: in colours, or with '|' between them."""
    shown = [(visible(token), "\n" * token.count(b"\n")) for token in tokens]
    if colours:
        return "".join(painted(text, i) + breaks for i, (text, breaks) in enumerate(shown))
    return "|".join(text + breaks for text, breaks in shown)


def page_of(tokens: list[bytes], titles: list[str]) -> str:
    """Show tokens as HTML, each with a title that the pointer brings up."""
    style = "color:#000;white-space:pre-wrap;background:"
    spans = (
        f'<span style="{style}{HEX[i % len(HEX)]}" title="{html.escape(title)}">{html.escape(visible(token))}</span>' + "<br>" * token.count(b"\n")
        for i, (token, title) in enumerate(zip(tokens, titles, strict=True))
    )
    return f'<div style="font-family:monospace">{"".join(spans)}</div>'
