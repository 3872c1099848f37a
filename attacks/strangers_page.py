"""A corpus, a vocabulary and file names made of markup and of commands to a terminal: in a report's page and table they are only ever text."""

import itertools
from html.parser import HTMLParser

from run import holds, main

import toklet
from toklet.report import compare
from toklet.report.curve import curve
from toklet.report.layout import layout
from toklet.report.page import page
from toklet.report.sample import examples

PAYLOADS = [
    *(
        "<script>alert(1)</script>",
        "</style><script>",
        "--><script>",
        "<!--",
        "]]>",
        "<img src=x onerror=alert(1)>",
        '" onmouseover="alert(1)',
        "' onmouseover='alert(1)",
    ),
    *(
        "&lt;script&gt;",
        "&#60;b&#62;",
        "</title><b>",
        "</svg></td></table>",
        "javascript:alert(1)",
        "<a href=//example.org>",
        "\x1b[2J",
        "\x1b]8;;x\x1b\\",
        "\x9b31m",
    ),
    *("\u202e", "\u2066", "\0", "\x7f", "\r", "\ufeff", "<\0script>", "＜script＞", "<svg/onload=alert(1)>", "%3Cscript%3E", "\\u003cscript\\u003e"),
]
BROKEN = [b"\xff<script>", b"\xc0\xbcscript\xc0\xbe", b"\xe0\x80\xbc", b"<\xc3script>", b"\xed\xa0\x80"]
HONEST = {"html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "b", "div", "span", "br", "svg", "path", "text", "polyline", "circle"}
HONEST |= {"table", "tr", "th", "td", "figure"}


class Page(HTMLParser):
    """The tags and attributes of a page, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.names: set[str] = set()
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        self.tags.add(tag)
        self.names.update(name for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        """Note text."""
        self.text += data

    def handle_comment(self, data: str) -> None:
        """Refuse a comment: no page of ours has one."""
        holds(False, f"a stranger's bytes begin a comment: {data[:40]!r}")


def attack() -> str:
    """Make pages of each payload, alone and between others."""
    payloads = [*map(str.encode, PAYLOADS), *BROKEN]
    pages = 0
    for payload, other in itertools.product(payloads, (b"", b"a", b"<")):
        text = other + payload + b" word " + payload + other
        tokens = {bytes([byte]): byte for byte in range(256)} | {payload[:n]: 254 + n for n in range(2, len(payload) + 1)}
        tok = toklet.Tokenizer.from_ranks(tokens, pattern="gpt2", special_tokens={"<b>": 1000})
        name = payload.decode("utf-8", "surrogateescape")
        reports = compare([tok, tok], [text] * 3)
        made = page([name, name], [tok, tok], reports, [curve(tok, [text])] * 2, examples([text]))
        made.encode()
        found = Page(made)
        holds(found.tags <= HONEST, f"{payload!r} makes the tags {found.tags - HONEST}")
        holds(not any(attribute.startswith("on") or attribute in ("src", "href") for attribute in found.names), f"{payload!r} makes an attribute")
        shown = layout(reports, [name, name])
        holds(all(c.isprintable() or c == "\n" for c in found.text + shown), f"{payload!r} reaches a terminal or a page as it is")
        pages += 1
    return f"{pages} pages and tables of {len(payloads)} payloads in texts, tokens and names: no tag, no attribute, no control character of theirs"


main(attack)
