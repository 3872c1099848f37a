"""`toklet prompt`: templates and examples from files."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from .test_prompt import tokenizer

ROWS = [{"q": "1 + 1?", "a": "2", "id": 7, "worth": 1}, {"q": "2 + 2?", "a": 4, "worth": 3}, {"q": "3 + 3?", "a": "6", "worth": 2}]
TEMPLATE = "Q: {{ q }}\nA:{{ a }}"


@pytest.fixture
def command(command: Any) -> Any:
    return partial(command, "prompt")


@pytest.fixture
def files(toklet: Any, tmp_path: Path) -> tuple[Path, Path, Path]:
    """A template, data and a tokenizer."""
    (tmp_path / "qa.txt").write_text(TEMPLATE, "utf-8")
    (tmp_path / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS), "utf-8")
    tokenizer(toklet, ["<|im_start|>", "<|im_end|>"]).save(tmp_path / "tok.json")
    return tmp_path / "qa.txt", tmp_path / "data.jsonl", tmp_path / "tok.json"


def few(toklet: Any, rows: list[dict[str, Any]], query: dict[str, str] | None = None) -> Any:
    examples = [{"q": row["q"], "a": str(row["a"])} for row in rows]
    return toklet.FewShot(toklet.Template(TEMPLATE), examples, query=query, stop_before="a" if query else None)


def test_text_needs_no_tokenizer(toklet: Any, command: Any, files: Any) -> None:
    template, data, _ = files
    assert command(template, "-d", data) == (0, few(toklet, ROWS).text + "\n", "")
    assert command(TEMPLATE, "-d", data, "--stop-before", "a") == (0, few(toklet, ROWS[:2], {"q": "3 + 3?"}).text + "\n", "")
    assert command(TEMPLATE, "-d", data, "--stop-before", "a", "--query", '{"q": "x"}')[1] == few(toklet, ROWS, {"q": "x"}).text + "\n"
    assert command("{{ q }}", "-d", data, "--separator", r"\n")[1] == "1 + 1?\n2 + 2?\n3 + 3?\n"
    data.write_text(json.dumps(ROWS), "utf-8")
    assert command(template, "-d", data)[1] == few(toklet, ROWS).text + "\n"


def test_what_tokens_show(toklet: Any, command: Any, files: Any) -> None:
    template, data, tok = files
    prompt = few(toklet, ROWS).render(toklet.load(tok))
    status, out, err = command(template, "-d", data, "-t", tok, "--ids")
    assert (status, out.split(), err) == (0, [str(id) for id in prompt.ids], f"{len(prompt)} tokens, {len(prompt.text)} bytes\n")
    assert command(template, "-d", data, "-t", tok, "--show")[1].replace("|", "").replace("↵", "").startswith("Q: 1 + 1?")
    assert "[4]" in command(template, "-d", data, "-t", tok, "--mask", "a")[1]
    found = json.loads(command(template, "-d", data, "-t", tok, "--mask", "q", "--json")[1])
    assert (found["text"], found["ids"], found["mask"]) == (prompt.text, prompt.ids.tolist(), prompt.mask(slot="q").astype(int).tolist())


def test_a_budget_is_kept(toklet: Any, command: Any, files: Any) -> None:
    template, data, tok = files
    whole = len(few(toklet, ROWS, {"q": "x"}).render(toklet.load(tok)))
    asked = (template, "-d", data, "-t", tok, "--stop-before", "a", "--query", '{"q": "x"}', "--budget", whole - 1 + 5, "--reserve", 5, "--value", "worth")
    status, out, _ = command(*asked)
    assert (status, out) == (0, few(toklet, ROWS[1:], {"q": "x"}).text + "\n")
    assert "dropped" in command(*asked, "--receipt")[1]
    assert len(json.loads(command(*asked, "--json")[1])["ids"]) < whole
    status, out, err = command(template, "-d", data, "-t", tok, "--stop-before", "a", "--budget", 3)
    assert (status, out) == (1, "")
    assert "budget" in err


def test_turns_of_a_chat(toklet: Any, command: Any, files: Any) -> None:
    template, data, tok = files
    asked = (template, "-d", data, "-t", tok, "--stop-before", "a", "--chat", "chatml")
    if toklet.backend == "reference":
        assert "the native one" in command(*asked)[2]
        return
    assert command(*asked)[1] == toklet.ChatTemplate.chatml().format(few(toklet, ROWS[:2], {"q": "3 + 3?"}).messages()) + "\n"
    assert "[4]" in command(*asked, "--mask", "assistant")[1]


def test_what_is_refused(command: Any, files: Any, tmp_path: Path) -> None:
    template, data, tok = files
    (tmp_path / "bad").write_bytes(b"\xff")
    for arguments, status, words in (
        (("{{ a", "-d", data), 1, "without its end"),
        (("{{ b }}", "-d", data), 1, "the slot 'b' is not filled"),
        ((template, "-d", data, "--budget", 9), 2, "--budget is given without a tokenizer"),
        ((template, "-d", data, "-t", tok, "--value", "id"), 1, "'id' of example 2 is None; it must be a number"),
        ((template, "-d", tmp_path / "none"), 1, "No such file"),
        ((template, "-d", tmp_path / "bad"), 1, "no UTF-8"),
        ((template, "--query", "[1]"), 1, "row 1 of --query is 1; it must be a JSON object"),
        ((template, "-d", data, "--query", "{"), 1, "no JSON"),
        ((template, "-d", data, "-t", tok, "--mask", "zz"), 1, "the mask of slot 'zz' is empty"),
    ):
        found = command(*arguments)
        assert (found[0], found[1]) == (status, ""), found
        assert words in found[2]
