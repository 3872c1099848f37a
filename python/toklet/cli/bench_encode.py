"""bench encode: how fast known vocabularies encode and decode, beside the encoders that are installed.

Each contender does each task in processes of its own (see `encode_jobs`), one contender after the other and then all of them again, so that a machine which
changes its pace does it to all. Medians of these rounds are told. A figure counts only if its result is toklet's, and toklet's must be tiktoken's, who owns
the vocabularies: where they differ nothing is told but that.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from statistics import median
from typing import TYPE_CHECKING, Any

from ..reference.error import ArgumentError, Error, number
from .arguments import command, print_json, say, takes_json

if TYPE_CHECKING:
    from .arguments import Commands
    from .encoders import Files

TASKS = {
    "unseen": "documents of 1-4 KB, shuffled, behind up to 38 MB of others of the corpus (three quarters of it where it is smaller) -> flat arrays",
    "first": "the beginning of the corpus as one text, bytes where they are taken: for the first time in a process, again, to a list; and decoded",
    "short": "one call for 20 or 200 characters -> list",
    "pieces": "16 texts of a megabyte without a border in them; the worst is told",
    "load": "the vocabulary's file, and one word",
    "threads": "a batch by one thread and by two, wall time",
}
VOCAB_SIZE = 32_768  # of the vocabulary that is trained where none is given
Times = dict[tuple[str, str, str, str], list[float]]  # (vocabulary, corpus, figure, contender) -> amount a second, of each round


def add(benchmarks: "Commands") -> None:
    """Add the benchmark."""
    parser = command(benchmarks, "encode", run, "encode and decode with known vocabularies", "One core, CPU time, processes of their own, medians of rounds.")
    parser.add_argument("-t", "--tokenizer", metavar="PATH", action="append", default=[], help="a .tiktoken file; may be repeated (default: one is trained)")
    parser.add_argument("--pattern", help="the pattern of these files, where they aren't published ones")
    parser.add_argument("-f", "--corpus", metavar="PATH", help="a file, or a folder of files, each a corpus (default: the source of the standard library)")
    parser.add_argument("--mb", type=float, default=20.0, metavar="N", help="how much of a corpus is one text (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="how often everything is measured (default: %(default)s)")
    parser.add_argument("--tasks", metavar="NAMES", default=",".join(TASKS), help="which, with commas between them (default: %(default)s)")
    parser.add_argument("--peers", metavar="NAMES", help="which, with commas between them (default: all that are installed)")
    takes_json(parser)


def run(args: argparse.Namespace) -> None:
    """Measure and tell."""
    from .encoders import installed
    from .measure import machine

    number("--mb", args.mb, "above 0", 1e-3, 1e4)
    number("--rounds", args.rounds, "an integer, at least 1", 1, 100, whole=True)
    tasks = chosen("--tasks", args.tasks, list(TASKS))
    contenders = installed() if args.peers is None else ["toklet", *chosen("--peers", args.peers, installed())]
    with tempfile.TemporaryDirectory() as folder:
        corpora = corpora_of(args.corpus, folder)
        vocabularies = vocabularies_of(args.tokenizer, args.pattern, corpora, folder)
        times = Rounds(vocabularies, corpora, int(args.mb * 1e6)).measured(tasks, contenders, args.rounds)
    if args.json:
        print_json({"machine": machine(), "figures": [{**named(key), "rounds": values} for key, values in times.items()]})
        return
    for name, value in machine().items():
        print(f"{name:10}{value if isinstance(value, str) else ', '.join(f'{k} {v}' for k, v in value.items())}")
    print(f"\n{markdown(times, contenders)}\n")
    print(*(f"{task}: {TASKS[task]}" for task in tasks), sep="\n")
    print(f"Medians of {args.rounds} rounds, CPU time unless said otherwise. x: how many times as fast as this peer toklet is; the fastest peer is in bold.")


def chosen(option: str, names: str, known: list[str]) -> list[str]:
    """Read names with commas between them."""
    found = [name for name in names.split(",") if name]
    for name in found:
        if name not in known:
            raise ArgumentError(option, repr(name), f"among {', '.join(known)}")
    return found


def corpora_of(path: str | None, folder: str) -> dict[str, str]:
    """Give the corpora: names and files."""
    if path is None:
        from .corpus import standard_library

        path = os.path.join(folder, "python.txt")
        with open(path, "wb") as file:
            file.write(b"\n".join(standard_library()))
    names = sorted(os.path.join(path, name) for name in os.listdir(path)) if os.path.isdir(path) else [path]
    return {os.path.splitext(os.path.basename(name))[0]: name for name in names}


def vocabularies_of(paths: list[str], pattern: str | None, corpora: dict[str, str], folder: str) -> list["Files"]:
    """Give the vocabularies, each also as a file without special tokens."""
    from ..reference.split import PATTERNS
    from ..tokenizer import Tokenizer, load
    from ..training import train_files
    from .encoders import TIKTOKEN, Files

    if not paths:
        paths, pattern = [os.path.join(folder, "trained.tiktoken")], "o200k"
        train_files(list(corpora.values()), VOCAB_SIZE, pattern=pattern, progress=True).save(paths[0])
    found = []
    for path in paths:
        tok, name = load(path, pattern=pattern), os.path.splitext(os.path.basename(path))[0]
        plain = os.path.join(folder, f"{name}.json")
        Tokenizer.from_ranks(tok.tokens, pattern=tok.pattern).save(plain)
        known = next((known for known, regex in PATTERNS.items() if regex == tok.pattern), tok.pattern)
        found.append(Files(name, path, plain, known, TIKTOKEN.get(known, tok.pattern), tok.special_tokens))
    return found


class Rounds:
    """The rounds of all contenders at all tasks."""

    def __init__(self, vocabularies: list["Files"], corpora: dict[str, str], size: int) -> None:
        self.vocabularies, self.corpora, self.size = vocabularies, corpora, size
        self.left_out: set[tuple[str, str]] = set()

    def measured(self, tasks: list[str], contenders: list[str], rounds: int) -> Times:
        """Give the speeds of every round whose result was right."""
        from ..progress import bar

        jobs = [(files, *job) for files in self.vocabularies for task in tasks for job in self.jobs(task)] * rounds
        times: Times = {}
        for files, task, corpus in bar(jobs, "bench encode", unit=" jobs"):
            results = {name: self.child(files, task, corpus, name) for name in contenders if task != "threads" or name == "toklet"}
            for figure, (seconds, amount, right) in results["toklet"].items():
                self.check(figure, right, results.get("tiktoken", {}))
                times.setdefault((files.name, corpus, figure, "toklet"), []).append(amount / seconds)
                for name, found in results.items():
                    if name != "toklet" and figure in found and self.same(name, figure, corpus, right == found[figure][2]):
                        times.setdefault((files.name, corpus, figure, name), []).append(found[figure][1] / found[figure][0])
        return times

    def jobs(self, task: str) -> list[tuple[str, str]]:
        """Give the jobs of a task: one for each corpus, or one where the corpus doesn't matter."""
        return [(task, corpus) for corpus in self.corpora][: None if task in ("first", "unseen", "short") else 1]

    def child(self, files: "Files", task: str, corpus: str, contender: str) -> dict[str, tuple[float, float, str]]:
        """Do a job in a process of its own; a peer that fails is left out, toklet must not."""
        job = {"files": files._asdict(), "contender": contender, "task": task, "corpus": self.corpora[corpus], "bytes": self.size}
        alone = {"RAYON_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false", "TIKTOKEN_CACHE_DIR": ""}
        command = [sys.executable, "-m", "toklet.cli.encode_jobs"]
        done = subprocess.run(command, input=json.dumps(job), capture_output=True, text=True, env={**os.environ, **alone}, check=False)
        if done.returncode == 0:
            found: dict[str, tuple[float, float, str]] = json.loads(done.stdout)
            return found
        why = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
        if contender == "toklet":
            raise Error(f"toklet at {task}", f"failed: {why}", "right: please report this")
        self.leave_out(contender, f"{task} with {files.name}", why)
        return {}

    def check(self, figure: str, right: str, owner: dict[str, tuple[float, float, str]]) -> None:
        """Refuse to tell the time of what isn't what tiktoken gives."""
        if figure in owner and owner[figure][2] != right:
            raise Error(f"the result of toklet at {figure}", "another than tiktoken's", "the same: please report this")

    def same(self, contender: str, figure: str, corpus: str, same: bool) -> bool:
        """Say whether a peer's result is right, and tell if it isn't."""
        if not same:
            self.leave_out(contender, f"{figure} of {corpus}", "its ids differ")
        return same

    def leave_out(self, contender: str, where: str, why: str) -> None:
        """Tell once that a contender has no figure."""
        if (contender, where) not in self.left_out:
            self.left_out.add((contender, where))
            say(f"\n{contender} is left out at {where}: {why}")


def named(key: tuple[str, str, str, str]) -> dict[str, str]:
    """Give a figure's place as a dict."""
    return dict(zip(("vocabulary", "corpus", "figure", "contender"), key, strict=True))


LABELS = {
    "unseen": "unseen documents",
    "short 20": "20 characters a call",
    "short 200": "200 characters a call",
    "first": "first time",
    "again": "the same again",
    "list": "one str -> list",
    "bytes": "ids -> bytes",
    "str": "list -> str",
}


def shown(figure: str, speed: float) -> str:
    """Write a speed in the unit of its figure."""
    if figure.startswith("short"):
        return f"{1e6 / speed:.2f} µs"
    if figure.startswith("piece") or figure == "load":
        return f"{1e3 / speed:.1f} ms"
    return f"{speed:.0f} MB/s"


def rows(times: Times) -> dict[tuple[str, str], dict[str, tuple[float, str]]]:
    """Give what stands in the table: (vocabulary, label) -> contender -> (speed, how it is shown); of the pieces the worst one."""
    found: dict[tuple[str, str], dict[str, tuple[float, str]]] = {}
    for (vocabulary, corpus, figure, contender), speeds in times.items():
        speed = median(speeds)
        label = f"{LABELS.get(figure, figure)}, {corpus}" if not figure.startswith(("piece", "load", "threads")) else figure
        label = "1 MB without a border, the worst" if figure.startswith("piece") else label
        row = found.setdefault((vocabulary, label), {})
        if contender not in row or speed < row[contender][0]:
            row[contender] = (speed, shown(figure, speed) + (f" ({figure[6:]})" if figure.startswith("piece") else ""))
    return found


def markdown(times: Times, contenders: list[str]) -> str:
    """Lay out a table; behind a peer's figure stands how many times as fast toklet is, and the fastest peer is in bold."""
    lines = [f"| one core | {' | '.join(contenders)} |", "|---" * (1 + len(contenders)) + "|"]
    for (vocabulary, label), row in rows(times).items():
        ours = row["toklet"][0]
        best = max((speed for name, (speed, _) in row.items() if name != "toklet"), default=0.0)
        cells: list[Any] = [row["toklet"][1]]
        for name in contenders[1:]:
            speed, text = row.get(name, (0.0, "-"))
            cell = f"{text}, {ours / speed:.2f}x" if speed else text
            cells.append(f"**{cell}**" if speed and speed == best else cell)
        lines.append(f"| {vocabulary}: {label} | {' | '.join(cells)} |")
    return "\n".join(lines)
