"""bench train: whole programs that train a vocabulary on a file, beside the trainers that are installed.

Each contender is a process of its own (`trainers`), one after the other and then all of them again, so that a machine which changes its pace does it to
all. What is told is the median of the wall time, of the processor time and of the peak memory of the whole process: starting Python, reading, counting,
merging. A contender's tokens must be toklet's, in order, for the same rule of ties; where they differ nothing is told but that. sentencepiece and YouTokenToMe
learn merges of characters, by splitting of their own: they are told for comparison.
"""

import argparse
import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

from ..reference.error import Error, number
from .arguments import command, print_json, say, table, takes_json
from .corpus import standard_library
from .trainers import BEGIN, END, OURS, TRAINERS

if TYPE_CHECKING:
    from .arguments import Commands


class Run(NamedTuple):
    """What a process cost, and what it printed: a hash of the tokens."""

    wall: float
    cpu: float
    megabytes: float
    tokens: str


def add(benchmarks: "Commands") -> None:
    """Add the benchmark."""
    parser = command(benchmarks, "train", run, "train beside the peers", "Whole processes, equal merges, medians of rounds.")
    parser.add_argument("-f", "--file", metavar="PATH", help="the corpus (default: the source of the standard library)")
    parser.add_argument("-v", "--vocab-size", type=int, default=32_768, metavar="N", help="how many ids (default: %(default)s)")
    parser.add_argument("--whole", action="store_true", help="no pattern: the file is one word")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="how often (default: %(default)s)")
    parser.add_argument("--peers", metavar="NAMES", help="which, with commas between them (default: all that are installed)")
    takes_json(parser)


def run(args: argparse.Namespace) -> None:
    """Measure and tell."""
    number("--rounds", args.rounds, "an integer, at least 1", 1, 100, whole=True)
    chosen = args.peers.split(",") if args.peers else [name for name in TRAINERS if name != "toklet"]
    peers = [name for name in chosen if importlib.util.find_spec(TRAINERS[name].package) and (TRAINERS[name].whole or not args.whole)]
    with tempfile.TemporaryDirectory() as folder:
        path = args.file
        if path is None:
            path = os.path.join(folder, "corpus.txt")
            with open(path, "wb") as file:
                file.write(b"\n".join(standard_library()))
        given = [os.path.abspath(path), str(args.vocab_size), "whole" if args.whole else "gpt2"]
        runs = measured(["toklet", *peers], given, args.rounds)
    megabytes = os.path.getsize(path) / 1e6 if args.file else 0.0
    costs = {name: [median(column) for column in zip(*(one[:3] for one in found), strict=True)] for name, found in runs.items()}
    if args.json:
        print_json({"corpus": args.file, "megabytes": megabytes, "vocab_size": args.vocab_size, "whole": args.whole, "costs": costs})
        return
    ours = costs["toklet"]
    rows = [
        [name if TRAINERS[name].ties else f"{name} (other merges)", *(f"{value:.2f}" for value in cost[:2]), f"{cost[2]:,.0f}", *ratios(cost, ours)]
        for name, cost in costs.items()
    ]
    print(table(["trainer", "wall s", "cpu s", "peak MB", "wall", "memory"], rows))


def ratios(cost: list[float], ours: list[float]) -> list[str]:
    """Say how many times toklet's time and memory this is."""
    return [f"{cost[0] / ours[0]:.1f}x", f"{cost[2] / ours[2]:.1f}x"]


def measured(contenders: list[str], given: list[str], rounds: int) -> dict[str, list[Run]]:
    """Run each contender once and check what it has learnt, then time those that were right."""
    expected: dict[str, str] = {}
    right = []
    for name in contenders:
        trainer = TRAINERS[name]
        try:
            found = process(trainer.program, given).tokens
        except subprocess.CalledProcessError as error:
            say(f"{name} is left out: {str(error.stderr).strip().splitlines()[-1]}")
            continue
        if trainer.ties and trainer.ties not in expected:
            expected[trainer.ties] = process(OURS.format(ties=trainer.ties), given).tokens
        if trainer.ties and found != expected[trainer.ties]:
            if name == "toklet":
                raise Error("what toklet learns", "another vocabulary each time", "the same: please report this")
            say(f"{name} is left out: its tokens differ ({found}, not {expected[trainer.ties]})")
            continue
        right.append(name)
    runs: dict[str, list[Run]] = {name: [] for name in right}
    for _ in range(rounds):
        for name in right:
            runs[name].append(process(TRAINERS[name].program, given))
    return runs


def process(program: str, given: list[str]) -> Run:
    """Run a program, and say what it cost."""
    command: list[Any] = [sys.executable, "-c", BEGIN + program + END, *given]
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        started = time.perf_counter()
        child = subprocess.Popen(command, stdout=out, stderr=errors)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - started
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        errors.seek(0)
        said, complaints = out.read().decode(), errors.read().decode(errors="replace")
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, command, said, complaints or "it was killed")
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1e3, said.strip().splitlines()[-1])
