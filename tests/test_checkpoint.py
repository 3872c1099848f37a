"""Checkpoints: a training that was stopped goes on, to the same result; the file is whole at any moment."""

import json
from pathlib import Path
from typing import Any

import pytest

from .backends import Both, child

TEXTS = ["low lower lowest slow slower " * 5, "new newer newest wide wider widest", "aaaa aaa abab ababab"] * 3


class Halt(Exception):
    """Raised by a callback."""


def halting(after: int) -> Any:
    def report(done: int, total: int) -> None:
        if done >= after:
            raise Halt

    return report


def test_a_training_that_was_stopped_goes_on_to_the_same_result(toklet: Any, tmp_path: Path) -> None:
    path = tmp_path / "training.json"
    counts = toklet.count(TEXTS, "gpt2")
    for size in (260, 270, 265, 300):
        assert counts.train(size, checkpoint=path) == counts.train(size)
    assert len(json.loads(path.read_text())["merges"]) == len(counts.train(300).merges)
    assert counts.train(300, checkpoint=path, special_tokens=["<|end|>"]) == counts.train(300, special_tokens=["<|end|>"])


def test_what_was_learnt_before_an_exception_is_kept(toklet: Any, tmp_path: Path) -> None:
    path = tmp_path / "training.json"
    counts = toklet.WordCounts({f"{a}{b}{c}{a}".encode(): a + b + c for a in range(10, 30) for b in range(10, 20) for c in range(10, 20)}, "gpt2")
    expected = counts.train(600)
    with pytest.raises(Halt):
        counts.train(600, checkpoint=path, progress=halting(1))
    assert 0 < len(json.loads(path.read_text())["merges"]) <= len(expected.merges)
    assert counts.train(600, checkpoint=path) == expected


def test_both_backends_go_on_from_the_file_of_the_other(both: Both, tmp_path: Path) -> None:
    path = tmp_path / "training.json"
    with both.reference.active() as toklet:
        base = toklet.train(["abc abd"], 260, pattern="gpt2")
        expected = toklet.count(TEXTS, "gpt2").train(300, extend=base, ties="bytes", max_token_length=9).merges
    for backend, size in ((both.reference, 266), (both.native, 270), (both.reference, 280), (both.native, 300)):
        with backend.active() as toklet:
            base = toklet.train(["abc abd"], 260, pattern="gpt2")
            merges = toklet.count(TEXTS, "gpt2").train(size, extend=base, ties="bytes", max_token_length=9, checkpoint=path).merges
            assert merges == expected[: size - 256]


@pytest.mark.parametrize(
    "options", [{"ties": "bytes"}, {"min_frequency": 2}, {"max_token_length": 8}, {"texts": [*TEXTS, "x"]}, {"pattern": "cl100k"}], ids=lambda o: next(iter(o))
)
def test_a_checkpoint_of_another_training_is_refused(toklet: Any, tmp_path: Path, options: dict[str, Any]) -> None:
    path = tmp_path / "training.json"
    toklet.train(TEXTS, 270, pattern="gpt2", checkpoint=path)
    before = path.read_bytes()
    with pytest.raises(toklet.FormatError, match="other counts or other options"):
        toklet.train(**{"texts": TEXTS, "vocab_size": 280, "pattern": "gpt2", "checkpoint": path, **options})
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b"[1]", b'{"merges": [["6", "61"]], "training": ""}', b'{"merges": [["61"]]}', b"[" * 100_000])
def test_a_file_that_is_no_checkpoint_is_refused_and_left_alone(toklet: Any, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "training.json"
    path.write_bytes(content)
    with pytest.raises(toklet.FormatError, match="no checkpoint of toklet"):
        toklet.train(TEXTS, 270, checkpoint=path)
    assert path.read_bytes() == content
    with pytest.raises(OSError, match="no_such"):
        toklet.train(TEXTS, 270, checkpoint=tmp_path / "no_such" / "training.json")


KILLED = """
import os, random, signal, sys, time
import toklet
folder, rounds = sys.argv[1], int(sys.argv[2])
chance = random.Random(9)
words = {bytes(chance.choices(b"abcde", k=chance.randint(2, 9))): chance.randint(1, 99) for _ in range(20_000)}
tables = [toklet.WordCounts(dict(list(words.items())[:n]), "gpt2") for n in (5_000, 20_000)]
expected = tables[0].train(700)
counts, training = os.path.join(folder, "counts.arrow"), os.path.join(folder, "training.json")
tables[0].save(counts)
seen = set()
for _ in range(rounds):
    process = os.fork()
    if not process:
        for size in range(300, 700, 5):
            tables[0].train(size, checkpoint=training)
            tables[size // 5 % 2].save(counts)
        os._exit(0)
    time.sleep(chance.uniform(0.001, 0.15))
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    seen.add(len(toklet.WordCounts.load(counts)))
    assert tables[0].train(290, checkpoint=training).merges == expected.merges[:34]
    if os.path.exists(training) and os.path.getsize(training) > 5_000:
        os.unlink(training)
assert tables[0].train(700, checkpoint=training) == expected
print(seen == {len(table) for table in tables})
"""


@pytest.mark.slow
def test_kill_9_leaves_the_old_file_or_the_new_one(toklet: Any, tmp_path: Path) -> None:
    done = child(toklet, KILLED, tmp_path, 100, timeout=600)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "True"
