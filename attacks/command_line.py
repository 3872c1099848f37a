"""Hostile arguments and input for the command line: it ends with 1 or 2 and says why in one line, or does its work; never a traceback, never a hang."""

import io
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from run import Broken, holds, main

import toklet
from toklet.cli import main as command_line

BYTES = bytes(range(256)) * 50
WORDS = ["", "-", "-1", "0", "nan", "inf", "1e999", "9" * 400, "\udcff", "[", "{{", "<s>", "(a+)+$", "\n", "\x1b[2J", "/nowhere", "**", "x" * 100_000]
OPTIONS = {
    "train": ["-v", "--pattern", "--special", "--separator", "--min-frequency", "--max-token-length", "--ties", "--threads"],
    "generate": [
        "--order",
        "--temperature",
        "--top-k",
        "--top-p",
        "--min-p",
        "--seed",
        "-n",
        "--stop",
        "--prompt",
        "--prompts",
        "--stop-id",
        "--samples",
        "--best-of",
    ],
    "encode": ["--pattern", "--special"],
}


def calls(good: str, text: str, out: str) -> Iterator[list[str]]:
    """Give command lines."""
    for command in ("encode", "decode", "count", "show"):
        yield from ([command, "-t", tokenizer, text] for tokenizer in (*WORDS, good))
        yield from ([command, "-t", good, name] for name in WORDS)
    train, generate = ["train", text, "-o", out, "-q"], ["generate", "-t", good, "-f", text, "--prompt", "a"]
    base = {"train": train, "generate": generate, "encode": ["encode", "-t", good, text]}
    for command, options in OPTIONS.items():
        yield from ([*base[command], f"{option}={word}" if option.startswith("--") else option + word] for option in options for word in WORDS)
    yield from ([word] for word in WORDS)


def ended(call: list[str], folder: str) -> tuple[int, str]:
    """Give the exit status of a call, and what it said on standard error."""
    before = sys.stdin, sys.stdout, sys.stderr, os.getcwd()
    os.chdir(folder)
    sys.stdin, sys.stdout, sys.stderr = (io.TextIOWrapper(io.BytesIO(data), "utf-8", "surrogateescape") for data in (BYTES, b"", b""))
    try:
        status = command_line(call)
        sys.stderr.seek(0)
        return status, sys.stderr.read()
    except BaseException as error:
        raise Broken(f"{[part[:20] for part in call]!a}: {type(error).__name__}: {str(error)[:80]}") from error
    finally:
        sys.stdin, sys.stdout, sys.stderr, place = before
        os.chdir(place)


def attack() -> str:
    """Call it."""
    count = 0
    with tempfile.TemporaryDirectory() as folder:
        good, text, out = (os.path.join(folder, name) for name in ("good.json", "text.bin", "out.json"))
        toklet.Tokenizer.from_merges([(b"a", b"b")], pattern="o200k", special_tokens=["<s>"]).save(good)
        Path(text).write_bytes(BYTES)
        wrong = []
        for call in calls(good, text, out):
            try:
                status, said = ended(call, folder)
                shown = [part[:20] for part in call]
                holds(status in (0, 1, 2), f"{shown!a} ends with {status}: {said[-80:]!a}")
                holds(status != 1 or said.splitlines()[-1].startswith("toklet: "), f"{shown!a} says {said[-120:]!a}")
            except Broken as broken:
                wrong.append(str(broken))
            count += 1
    holds(not wrong, f"{len(wrong)} of {count}, such as {'; '.join(wrong[:3])}")
    return f"{count} calls end with 0, 1 or 2, and those that fail say why in their last line"


main(attack)
