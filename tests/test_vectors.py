"""The checked-in vectors are what the tool makes of the reference today, and both backends agree with them. `cargo test` reads the same files."""

import importlib
import json
import re
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from .backends import backend

ROOT = Path(__file__).resolve().parents[1]


def cases(name: str) -> list[dict[str, Any]]:
    return json.loads((ROOT / "tests" / "vectors" / f"{name}.json").read_text("ascii"))["cases"]


def doubles(found: list[str]) -> list[float]:
    return [struct.unpack(">d", bytes.fromhex(x))[0] for x in found]


def double(found: str | None) -> float | None:
    return None if found is None else doubles([found])[0]


def pairs(found: list[list[str]]) -> list[tuple[bytes, bytes]]:
    return [(bytes.fromhex(left), bytes.fromhex(right)) for left, right in found]


def hexed(values: Any) -> list[str]:
    return [struct.pack(">d", x).hex() for x in (np.frombuffer(values) if isinstance(values, bytearray) else values)]


def test_the_vectors_in_the_tree_are_those_that_the_tool_makes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT)
    with backend("reference").active():
        made = importlib.import_module("tools.vectors").vectors()
    assert {path.name for path in (ROOT / "tests" / "vectors").iterdir()} == set(made)
    for name, text in made.items():
        assert (ROOT / "tests" / "vectors" / name).read_text("ascii") == text, f"{name} is out of date: run tools.vectors"
        assert len(text) < 200_000


def test_split(toklet: Any) -> None:
    for case in cases("split"):
        assert [bytes(word).hex() for word in toklet._core.core.split(bytes.fromhex(case["text"]), case["pattern"])] == case["pretokens"], case


def test_encode(toklet: Any) -> None:
    for group in cases("encode"):
        tok = toklet.Tokenizer.from_merges(pairs(group["merges"]), pattern=group["pattern"], special_tokens=group["special_tokens"])
        for case in group["cases"]:
            data = bytes.fromhex(case["text"])
            ids, offsets = tok.encode_with_offsets(data)
            assert (ids.tolist(), offsets.reshape(-1).tolist()) == (case["ids"], case["offsets"]), case
            assert tok.encode(data, special="allow").tolist() == case["allow"], case
            if case["error"] is None:
                assert tok.encode(data, special="error").tolist() == case["ids"], case
            else:
                with pytest.raises(toklet.TextError) as refused:
                    tok.encode(data, special="error")
                assert str(refused.value) == case["error"]


def test_ranks(toklet: Any) -> None:
    for group in cases("ranks"):
        ranks = {bytes([byte]): 255 - byte for byte in range(256)} | {bytes.fromhex(token): id for token, id in group["tokens"]}
        tok = toklet.Tokenizer.from_ranks(ranks, pattern=group["pattern"])
        assert tok.merges == pairs(group["merges"])
        for case in group["cases"]:
            assert tok.encode(bytes.fromhex(case["text"])).tolist() == case["ids"], case


def test_train(toklet: Any) -> None:
    for case in cases("train"):
        options = {name: case[name] for name in ("special_tokens", "min_frequency", "max_token_length", "ties")}
        counts = toklet.WordCounts({bytes.fromhex(word): n for word, n in case["words"]}, "gpt2")
        assert counts.train(case["vocab_size"], **options).merges == pairs(case["merges"]), case


def settings(written: dict[str, Any]) -> dict[str, Any]:
    """Read settings of a sampler: what is text, but for the order, is a double."""
    found = {name: double(value) if isinstance(value, str) and name != "order" else value for name, value in written.items()}
    return found | {"logit_bias": {int(id): double(x) for id, x in written["logit_bias"].items()} if "logit_bias" in written else None}


@pytest.mark.parametrize("name", ["sample", "streams"])
def test_sample(toklet: Any, name: str) -> None:
    for case in cases(name):
        row = np.array(doubles(case["row"]), np.float32 if case["single"] else np.float64)
        sampler = toklet.Sampler(**settings(case["settings"]))
        context = {"history": case["history"], "mask": None if case["mask"] is None else np.array(case["mask"], np.uint32)}
        assert [sampler.sample(row, position, **context) for position in case["positions"]] == case["ids"], case
        if case["distribution"] is not None:
            masks = None if case["mask"] is None else context["mask"][None]
            exact = sampler._core.distribution(row[None], case["positions"][:1], [np.array(case["history"], np.uint32)], masks)
            assert hexed(exact) == case["distribution"], case


def test_softmax(toklet: Any) -> None:
    core = toklet._core.core
    for case in cases("softmax"):
        row = np.array(doubles(case["row"]))
        assert hexed(core.softmax(row, double(case["temperature"]), 0)) == case["softmax"], case
        assert hexed(core.log_softmax(row, 0)) == case["log_softmax"], case


def test_philox(toklet: Any) -> None:
    philox = toklet.reference.philox
    for case in cases("philox"):
        if "words" in case:
            assert list(philox.philox(tuple(case["counter"]), tuple(case["key"]))) == case["words"], case
        else:
            assert philox.uniform(case["seed"], case["position"], case["purpose"]) == double(case["uniform"]), case


def parts_of(core: Any, case: dict[str, Any]) -> list[list[Any]]:
    template = core.Template(case["source"])
    if case["kind"] == "template":
        return [list(part) for part in template.parts(case["values"])]
    return [list(part) for part in core.few_shot(template, case["examples"], case["separator"], case["query"], case["stop_before"])]


def test_prompt(toklet: Any) -> None:
    core = toklet._core.core
    for case in cases("prompt"):
        if case["kind"] == "encode_parts":
            tok = toklet.Tokenizer.from_merges(pairs(case["merges"]), pattern="o200k", special_tokens=case["special_tokens"])
            assert toklet.Prompt(case["parts"], tok).ids.tolist() == case["ids"], case
        elif case["error"] is None:
            assert parts_of(core, case) == case["parts"], case
        else:
            with pytest.raises(toklet.PromptError, match=f"^{re.escape(case['error'])}$"):
                parts_of(core, case)


def test_parts(toklet: Any) -> None:
    for vocabulary in cases("parts"):
        assert toklet.patterns[vocabulary["pattern"]] == vocabulary["regex"]
        tok = toklet.Tokenizer.from_merges(pairs(vocabulary["merges"]), pattern=vocabulary["pattern"], special_tokens=vocabulary["special_tokens"])
        for case in vocabulary["cases"]:
            parts = [toklet.Part.special(text) if trusted == "special" else toklet.Part(text, trusted) for text, trusted in case["parts"]]
            assert toklet.Prompt(parts, tok).ids.tolist() == case["ids"], case
            assert toklet.Prompt(parts, tok).text == "".join(text for text, _ in case["parts"])
