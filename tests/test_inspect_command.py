"""`toklet inspect` and `toklet compare`: tables, JSON, and a page in which strangers' bytes are only ever text."""

import importlib
import io
import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

TEXT = "the cat <script>alert(1)</script> & \"sat\" 'on' the mat\nкот сидел на ковре, кот\n" * 9
ALLOWED = {"html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "b", "div", "span", "br", "svg", "path", "text", "polyline", "circle"}
ALLOWED |= {"table", "tr", "th", "td", "figure"}
SAID = "the cat <script>alert(1)</script> & \"sat\" 'on' the mat"


@pytest.fixture
def files(toklet: Any, tmp_path: Path) -> tuple[Path, Path, Path]:
    """Two tokenizers, one with a name to beware of, and a corpus."""
    small, large, corpus = tmp_path / "small.json", tmp_path / "<img src=x>&.json", tmp_path / "corpus.txt"
    toklet.train([TEXT], 270, pattern="gpt2", special_tokens=["<|end|>"]).save(small)
    toklet.train([TEXT], 300, pattern="o200k").save(large)
    corpus.write_text(TEXT, encoding="utf-8")
    return small, large, corpus


class Page(HTMLParser):
    """Read a page: its tags, what they refer to, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text, self.open = "", list[str]()
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_inspect_tells_about_the_vocabulary(command: Any, files: Any) -> None:
    status, out, err = command("inspect", files[0])
    assert (status, err) == (0, "")
    assert out.startswith(f"{files[0]}\n")
    assert "vocab size" in out
    assert "bytes a token" not in out
    assert "\x1b" not in out


def test_json_is_the_report(toklet: Any, command: Any, files: Any) -> None:
    small, large, corpus = files
    status, out, err = command("compare", small, large, "-f", corpus, "--json", "-q")
    report = importlib.import_module("toklet.report")
    expected = report.compare([toklet.load(small), toklet.load(large)], [TEXT])
    found = json.loads(out)
    assert (status, err) == (0, "")
    for one, path, made in zip(found, (small, large), expected, strict=True):
        curve = one.pop("curve")
        assert one == {"tokenizer": str(path), **made.to_dict()}
        assert curve[-1] == {"tokens": made.vocabulary, "bytes_per_token": made.bytes_per_token}
    alone = json.loads(command("inspect", small, "-f", corpus, "--json", "-q")[1])
    assert alone.pop("curve")
    assert alone == found[0]


def test_the_best_figures_are_in_colour_where_there_are_colours(command: Any, files: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    small, large, corpus = files
    plain = command("compare", small, large, "-f", corpus, "-q")[1]
    monkeypatch.setattr(importlib.import_module("toklet.cli.inspect"), "in_colour", lambda: True)
    coloured = command("compare", small, large, "-f", corpus, "-q")[1]
    assert "\x1b" not in plain
    row = next(line for line in coloured.splitlines() if line.startswith("bytes a token"))
    assert row.count("\x1b[1;32m") == 1
    assert row.index("\x1b[1;32m") > row.index(".")


def test_standard_input_and_several_files_are_one_corpus(command: Any, files: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    small, _, corpus = files
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(TEXT.encode())))
    found = json.loads(command("inspect", small, "-f", "-", "-f", corpus, "--json", "-q")[1])
    assert (found["texts"], found["bytes"]) == (2, 2 * len(TEXT.encode()))


def test_the_bar_goes_to_standard_error(command: Any, files: Any) -> None:
    status, out, err = command("inspect", files[0], "-f", files[2], "--json")
    assert status == 0
    assert json.loads(out)
    assert "encode" in err


def test_the_page_loads_nothing_and_holds_strangers_bytes_as_text(command: Any, files: Any, tmp_path: Path) -> None:
    small, large, corpus = files
    target = tmp_path / "page.html"
    assert command("compare", small, large, "-f", corpus, "--html", target, "-q")[0] == 0
    page = Page(target.read_text("utf-8"))
    assert page.open == []
    assert set(page.tags) <= ALLOWED
    assert not any(name in ("src", "href", "onerror", "onload", "data") or name.startswith("on") for name, _ in page.attributes)
    assert not any(value and ("url(" in value or "//" in value) for _, value in page.attributes)
    assert "default-src 'none'" in target.read_text("utf-8")
    assert page.text.count(SAID) == 2
    assert "<img src=x>&.json" in page.text
    assert page.tags.count("polyline") == 2
    assert "Cyrillic" in page.text


def test_a_page_without_texts_has_no_curve(command: Any, files: Any, tmp_path: Path) -> None:
    assert command("inspect", files[0], "--html", tmp_path / "page.html")[0] == 0
    page = Page((tmp_path / "page.html").read_text("utf-8"))
    assert "svg" not in page.tags
    assert "ordinary tokens" in page.text


@pytest.mark.parametrize("token", [b"\x1b[31m", b"\x00\x9b", "\u202e".encode(), b"\xff\xfe"])
def test_what_could_command_a_terminal_is_spelt_out(toklet: Any, command: Any, tmp_path: Path, token: bytes) -> None:
    toklet.Tokenizer.from_merges([(token[:i], token[i : i + 1]) for i in range(1, len(token))], pattern="gpt2").save(tmp_path / "tok.json")
    out = command("inspect", tmp_path / "tok.json")[1]
    assert all(c.isprintable() or c == "\n" for c in out)


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("inspect", "missing.json"), 1, "missing.json"),
        (("inspect", "SMALL", "-f", "missing.txt"), 1, "missing.txt"),
        (("inspect", "SMALL", "--html", "no/such/folder.html"), 2, "folder"),
        (("compare", "SMALL"), 2, "--file"),
        (("inspect",), 2, "TOKENIZER"),
    ],
)
def test_what_makes_no_sense_is_told(command: Any, files: Any, arguments: tuple[str, ...], status: int, words: str) -> None:
    found, out, err = command(*(str(files[0]) if argument == "SMALL" else argument for argument in arguments))
    assert (found, out) == (status, "")
    assert words in err


@pytest.mark.parametrize("text", [b"", b"one\ntwo", b"\n" * 50, "é".encode() * 40, b"x" * 33 + b"\n" + "中".encode() * 30, b"\xff" * 99, b"\x80" * 99])
def test_a_file_is_read_in_pieces_that_join_up_to_it(toklet: Any, monkeypatch: pytest.MonkeyPatch, text: bytes) -> None:
    corpus = importlib.import_module("toklet.cli.corpus")
    monkeypatch.setattr(corpus, "PIECE", 16)
    pieces = list(corpus.texts_of(io.BytesIO(text)))
    assert b"".join(pieces) == text
    assert all(0 < len(piece) <= 32 for piece in pieces)
    if b"\xff" not in text and b"\x80" not in text:
        assert all(piece.decode() for piece in pieces)
