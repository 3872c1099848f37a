"""`toklet sample`: ids and probabilities from a file of logits."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest


@pytest.fixture
def command(command: Any) -> Any:
    return partial(command, "sample")


@pytest.fixture
def logits(tmp_path: Path) -> tuple[Path, np.ndarray]:
    rows = np.random.default_rng(1).normal(size=(2, 60)).astype(np.float32) * 3
    np.save(tmp_path / "logits.npy", rows)
    return tmp_path / "logits.npy", rows


def test_ids_are_those_of_the_sampler(toklet: Any, command: Any, logits: Any) -> None:
    path, rows = logits
    status, out, err = command(path, "--top-k", 9, "--seed", 4, "-n", 3, "--position", 5, "--repetition-penalty", 1.5, "--history", 3, 4)
    sampler = toklet.Sampler(0.8, top_k=9, seed=4, repetition_penalty=1.5)
    expected = [sampler.sample(rows, position, [[3, 4]] * 2).tolist() for position in (5, 6, 7)]
    assert (status, out, err) == (0, "".join(f"{one} {other}\n" for one, other in expected), "")


def test_json_tells_the_seed_and_what_is_probable(toklet: Any, command: Any, logits: Any) -> None:
    path, rows = logits
    status, out, err = command(path, "--json", "--top", 2, "--min-p", 0.9)
    found = json.loads(out)
    assert status == 0
    assert err == f"seed {found['seed']}\n"
    assert found["ids"] == [toklet.Sampler(0.8, min_p=0.9, seed=found["seed"]).sample(rows).tolist()]
    p = toklet.Sampler(0.8, min_p=0.9).distribution(rows)
    for row, best in enumerate(found["top"]):
        assert [item["id"] for item in best] == np.argsort(-p[row], kind="stable")[: len(best)].tolist()
        assert [item["probability"] for item in best] == pytest.approx([p[row][item["id"]] for item in best], rel=1e-5)
    assert "row 1\t" in command(path, "--top", 1, "--seed", 1)[1]


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [(("--top-p", 2), 2, "top_p is 2.0"), (("--sampling-order", "llama"), 2, "'llama'"), (("--history", 99), 2, "99"), (("--position", -1), 2, "-1")],
)
def test_what_makes_no_sense_is_told_in_a_line(command: Any, logits: Any, arguments: tuple[Any, ...], status: int, words: str) -> None:
    found, out, err = command(logits[0], *arguments, "--seed", 1)
    assert (found, out) == (status, "")
    assert words in err
    assert err.count("\n") == 1


def test_a_file_that_holds_no_logits_is_refused(command: Any, tmp_path: Path) -> None:
    (tmp_path / "text.npy").write_text("hello")
    assert command(tmp_path / "missing.npy", "--seed", 1)[0] == 1
    status, _, err = command(tmp_path / "text.npy", "--seed", 1)
    assert (status, "not a numpy file" in err) == (1, True)
