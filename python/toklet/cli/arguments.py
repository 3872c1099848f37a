"""What several commands share: their arguments, and how they read and write."""

import argparse
import sys
from typing import TYPE_CHECKING, Any

from ..tokenizer import Tokenizer, load

if TYPE_CHECKING:
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


def takes_sampler(parser: argparse.ArgumentParser) -> None:
    """Add the settings of a Sampler."""
    parser.add_argument("--temperature", type=float, default=0.8, help="0 takes the most probable token, 1 samples as the model says (default: %(default)s)")
    parser.add_argument("--top-k", type=int, metavar="K", help="keep the K most probable tokens")
    parser.add_argument("--top-p", type=float, metavar="P", help="keep the smallest set of most probable tokens whose probability reaches P")
    parser.add_argument("--min-p", type=float, metavar="P", help="keep what is at least P times as probable as the best")
    parser.add_argument("--seed", type=int, help="the same seed gives the same text (default: a new one, which is told)")


def tokenizer(args: argparse.Namespace) -> Tokenizer:
    """Load what -t names."""
    return load(args.tokenizer, pattern=args.pattern)


def read(name: str) -> bytes:
    """Read a file, or standard input, byte for byte."""
    if name == "-" and sys.stdin is None:
        raise OSError("standard input is closed")
    if name == "-":
        return sys.stdin.buffer.read()
    with open(name, "rb") as file:
        return file.read()


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
