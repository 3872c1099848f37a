"""What several commands share: their arguments, and how they read and write."""

import argparse
import sys
from typing import TYPE_CHECKING, Any, BinaryIO

from ..tokenizer import Tokenizer, load

if TYPE_CHECKING:
    from ..sampling import Sampler

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def command(commands: "Commands", name: str, run: Any, help: str, description: str = "") -> argparse.ArgumentParser:
    """Begin a command: `run(args)` does its work and gives the exit status, or None for 0."""
    made = commands.add_parser(name, help=help, description=f"{help[0].upper()}{help[1:]}. {description}")
    made.set_defaults(run=run)
    return made


def takes_tokenizer(parser: argparse.ArgumentParser) -> None:
    """Add -t and --pattern."""
    parser.add_argument("-t", "--tokenizer", metavar="PATH", required=True, help="a tokenizer.json, or a .tiktoken file")
    parser.add_argument("--pattern", help="for a .tiktoken file that isn't a published one: the name of its pattern, or a regular expression")


def takes_special(parser: argparse.ArgumentParser) -> None:
    """Add --special."""
    parser.add_argument(
        "--special",
        choices=("text", "allow", "error"),
        default="text",
        help="what a special token that the text spells becomes: ordinary text (the default), the special token, or an error",
    )


def takes_json(parser: argparse.ArgumentParser) -> None:
    """Add --json."""
    parser.add_argument("--json", action="store_true", help="print JSON")


SETTINGS: dict[str, tuple[Any, str, str]] = {  # of a Sampler, as options: type, metavar, help
    "top_k": (int, "K", "keep the K most probable tokens"),
    "top_p": (float, "P", "keep the smallest set of most probable tokens whose probability reaches P"),
    "min_p": (float, "P", "keep what is at least P times as probable as the best"),
    "typical_p": (float, "P", "keep what is nearest to the mean surprise, until its probability reaches P"),
    "top_n_sigma": (float, "N", "keep what is at most N standard deviations of the logits under the best"),
    "xtc_probability": (float, "P", "how often to leave out all top choices but the last one"),
    "xtc_threshold": (float, "P", "how probable a top choice is, at least (default: 0.1)"),
    "repetition_penalty": (float, "R", "divide the logits of tokens that came before by R"),
    "presence_penalty": (float, "X", "subtract X from the logits of tokens that came before"),
    "frequency_penalty": (float, "X", "subtract X for each time that they came"),
    "penalty_last_n": (int, "N", "how far back these penalties look (default: all)"),
    "dry_multiplier": (float, "M", "how much a token loses that would continue a repetition"),
    "dry_base": (float, "B", "by what this grows with each token of the repetition (default: 1.75)"),
    "dry_allowed_length": (int, "N", "up to which length repetitions are free (default: 2)"),
    "mirostat": (int, "{0,1,2}", "keep the surprise of the text near a target, by this version of mirostat"),
    "mirostat_tau": (float, "BITS", "that target (default: 5)"),
    "mirostat_eta": (float, "E", "how fast it is approached (default: 0.1)"),
    "order": (str, "NAME", "the order of these steps: hf (the default), vllm, llama.cpp, mlx or openai"),
}


def takes_sampler(parser: argparse.ArgumentParser) -> None:
    """Add the settings of a Sampler."""
    group = parser.add_argument_group("sampling")
    group.add_argument("--temperature", type=float, default=0.8, help="0 takes the most probable token, 1 samples as the model says (default: %(default)s)")
    group.add_argument("--seed", type=int, help="the same seed gives the same text (default: a new one, which is told)")
    for name, (kind, metavar, help) in SETTINGS.items():
        flag = "--sampling-order" if name == "order" else f"--{name.replace('_', '-')}"  # an n-gram model has an order as well
        group.add_argument(flag, dest=f"sampler_{name}", type=kind, metavar=metavar, help=help)


def sampler(args: argparse.Namespace) -> "Sampler":
    """Make the Sampler that the options ask for."""
    from ..sampling import Sampler

    given = {name: value for name in SETTINGS if (value := getattr(args, f"sampler_{name}")) is not None}
    made = Sampler(temperature=args.temperature, seed=args.seed, **given)
    if args.seed is None and args.temperature > 0:
        say(f"seed {made.seed}")
    return made


def tokenizer(args: argparse.Namespace) -> Tokenizer:
    """Load what -t names."""
    return load(args.tokenizer, pattern=args.pattern)


def read(name: str) -> bytes:
    """Read a file, or standard input, byte for byte."""
    if name == "-":
        return standard_input().read()
    with open(name, "rb") as file:
        return file.read()


def standard_input() -> BinaryIO:
    """Give standard input as bytes."""
    if sys.stdin is None:
        raise OSError("standard input is closed")
    return sys.stdin.buffer


def called(name: str) -> str:
    """Say what a message calls an input."""
    return "standard input" if name == "-" else name


def say(message: str) -> None:
    """Tell the user something that isn't the result."""
    print(message, file=sys.stderr)


def print_json(value: Any) -> None:
    """Print a result for a program."""
    import json

    print(json.dumps(value, ensure_ascii=False))


def table(header: list[str], rows: list[list[str]], left: int = 1) -> str:
    """Lay out a plain table: the first columns to the left, the others to the right.

    >>> print(table(["step", "s"], [["train", "1.25"], ["encode", "10.00"]]))
    step        s
    train    1.25
    encode  10.00
    """
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]

    def line(row: list[str]) -> str:
        cells = [cell.ljust(width) if i < left else cell.rjust(width) for i, (cell, width) in enumerate(zip(row, widths, strict=True))]
        return "  ".join(cells).rstrip()

    return "\n".join(map(line, [header, *rows]))
