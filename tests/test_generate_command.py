"""`toklet generate`: texts of a model that is fitted on the spot."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest

CORPUS = ["the cat sat on the mat; the cat ate.\n", "the dog sat on the log; the dog ran.\n"] * 20


@pytest.fixture
def command(toklet: Any, command: Any, tmp_path: Path) -> Any:
    tok = toklet.train(CORPUS, 275, special_tokens=["<|end|>"])
    tok.save(tmp_path / "tok.json")
    (tmp_path / "corpus.txt").write_text("".join(CORPUS), "utf-8")
    return partial(command, "generate", "-t", tmp_path / "tok.json", "-f", tmp_path / "corpus.txt", "--order", 4)


def parts(toklet: Any) -> tuple[Any, Any]:
    tok = toklet.train(CORPUS, 275, special_tokens=["<|end|>"])
    return tok, toklet.NGram(4).fit(tok.encode("".join(CORPUS)), tok.vocab_size)


def test_a_text_is_that_of_generate(toklet: Any, command: Any) -> None:
    tok, lm = parts(toklet)
    expected = toklet.generate(lm, "the cat", tok, toklet.Sampler(0.7, seed=3), max_tokens=9)
    assert command("--prompt", "the cat", "--temperature", 0.7, "--seed", 3, "-n", 9) == (0, expected.text + "\n", "")


def test_texts_end_where_they_shall(command: Any) -> None:
    greedy = ["--prompt", "the cat", "--temperature", 0]
    assert command(*greedy, "--stop", "n the l")[1] == command(*greedy, "--stop", "zzz", "--stop", "n the ")[1] == " sat o\n"
    found = json.loads(command(*greedy, "--stop", "n the ", "--json")[1])
    assert (found["text"], found["finish_reason"]) == (" sat o", "stop")
    assert found["cut"] < len(found["ids"])
    assert json.loads(command(*greedy, "--stop-id", found["ids"][1], "--json")[1])["finish_reason"] == "stop_id"
    assert json.loads(command(*greedy, "--stop-id", "<|end|>", "-n", 2, "--json")[1])["finish_reason"] == "length"


def test_json_tells_what_the_model_thought(toklet: Any, command: Any) -> None:
    tok, lm = parts(toklet)
    found = json.loads(command("--prompt", "the", "--seed", 5, "-n", 6, "--json", "--logprobs", 2)[1])
    made = toklet.generate(lm, "the", tok, toklet.Sampler(0.8, seed=5), max_tokens=6, logprobs=2)
    assert (found["text"], found["ids"], found["seed"], found["prompt"]) == (made.text, made.ids.tolist(), 5, "the")
    assert found["logprobs"] == made.logprobs.tolist()
    assert [len(row) for row in found["top_logprobs"]] == [2] * 6
    best = found["top_logprobs"][0][0]
    assert best["token"] == tok.decode([best["id"]])
    assert best["logprob"] >= found["logprobs"][0]


def test_several_prompts_and_texts(toklet: Any, command: Any, tmp_path: Path) -> None:
    tok, lm = parts(toklet)
    (tmp_path / "prompts.txt").write_text("the cat\r\n\nthe dog\n", "utf-8")
    (tmp_path / "prompts.jsonl").write_text('"the\\ncat"\n{"prompt": "the dog", "id": 7}\n', "utf-8")
    status, out, err = command("--prompts", tmp_path / "prompts.txt", "--seed", 2, "--n", 2, "-n", 5, "--json")
    found = [json.loads(line) for line in out.splitlines()]
    assert (status, [(one["prompt"], one["seed"]) for one in found]) == (0, [("the cat", 2), ("the cat", 3), ("the dog", 2), ("the dog", 3)])
    for one in found:
        assert one["text"] == toklet.generate(lm, one["prompt"], tok, toklet.Sampler(0.8, seed=one["seed"]), max_tokens=5).text
    assert err.splitlines()[1] == "prompt 'the cat', text 2"
    out = command("--prompt", "a", "--prompts", tmp_path / "prompts.jsonl", "--seed", 2, "-n", 1, "--json")[1]
    assert [json.loads(line)["prompt"] for line in out.splitlines()] == ["a", "the\ncat", "the dog"]


def test_the_best_of_many(toklet: Any, command: Any) -> None:
    tok, lm = parts(toklet)
    best = toklet.best_of(6, lm, "the", tok, toklet.Sampler(1.5, seed=1), reward=lambda text: text.count("o"), max_tokens=12)
    how = ["--prompt", "the", "--temperature", 1.5, "--seed", 1, "-n", 12, "--best-of", 6, "--reward", "contains:o"]
    assert command(*how)[1] == best.kept.text + "\n"
    found = [json.loads(line) for line in command(*how, "--samples", 3, "--json")[1].splitlines()]
    assert [one["text"] for one in found] == [best.kept.text, *(made.text for made in best.dropped[:2])]
    assert [one["reward"] for one in found] == best.rewards[:3].tolist()
    lengths = [len(json.loads(command(*how[:-1], name, "--json")[1])["text"]) for name in ("length", "shortness")]
    assert lengths[0] >= lengths[1]


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        ([], 2, "--prompt or --prompts"),
        (["--prompt", "a", "--samples", "0"], 2, "--samples is 0"),
        (["--prompt", "a", "--samples", "3", "--best-of", "2"], 2, "--best-of is 2"),
        (["--prompt", "a", "--reward", "length"], 2, "together with --best-of"),
        (["--prompt", "a", "--best-of", "2", "--reward", "beauty"], 2, "--reward is 'beauty'"),
        (["--prompt", "a", "--logprobs", "2"], 2, "together with --json"),
        (["--prompt", "a", "--stop-id", "999"], 2, "--stop-id is '999'"),
        (["--prompts", "/nowhere"], 1, "/nowhere"),
    ],
)
def test_what_makes_no_sense_is_told(command: Any, arguments: list[str], status: int, words: str) -> None:
    found, out, err = command("--temperature", 0, *arguments)
    assert (found, out) == (status, "")
    assert words in err


def test_prompts_that_cannot_be_read_are_told(command: Any, tmp_path: Path) -> None:
    for content, words in (("{", "no JSON"), ('{"text": "a"}', "None"), ("[1]", r"\[1\]")):
        (tmp_path / "bad.jsonl").write_text(content, "utf-8")
        status, _, err = command("--prompts", tmp_path / "bad.jsonl", "--temperature", 0)
        assert status == 1
        assert "line 1" in err
        assert words.replace("\\", "") in err
    (tmp_path / "bad.txt").write_bytes(b"\xff")
    assert command("--prompts", tmp_path / "bad.txt", "--temperature", 0)[0] == 1
