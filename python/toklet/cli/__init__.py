"""The command line: `toklet COMMAND …`, or `python -m toklet COMMAND …`. A file a command or a family of them; what they share stands in `arguments`.

Results go to standard output, and nothing else does: bars and messages go to standard error. `-` is standard input. The exit status is 0, 1 if the work
failed (one line says why), 2 if the call makes no sense (an option that is out of range, too), 130 after Ctrl-C.
"""

import argparse
import os
import sys
from collections.abc import Sequence

from .._core import backend
from ..reference.error import ArgumentError, Error
from . import convert, count_words, demo, generate, inspect, measure, prompt, sample, shard, show, train


class Version(argparse.Action):
    """`--version`: looked up only when it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *rest: object) -> None:
        """Print and leave."""
        print(f"toklet {version()} ({backend})")
        parser.exit()


def version() -> str:
    """Give the installed version; a source tree that isn't installed has none."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        return installed("toklet")
    except PackageNotFoundError:
        return "(not installed)"


def parser() -> argparse.ArgumentParser:
    """Make the parser of all commands."""
    made = argparse.ArgumentParser(
        prog="toklet",
        description="Everything around a language model except the model: train BPE tokenizers, encode, decode, sample.",
        epilog="'-' is standard input. Results go to standard output, bars and messages to standard error. `toklet demo` shows the whole loop.",
    )
    made.add_argument("--version", action=Version, nargs=0, help="show the version and the backend")
    commands = made.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for module in (demo, train, count_words, convert, shard, show, inspect, prompt, sample, generate, measure):
        module.add(commands)
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and give its exit status."""
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115 - a closed stream is None; it lives as long as the process
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a pipe may have any encoding: text of any language, and any file name, must get through
            stream.reconfigure(encoding="utf-8", errors="surrogateescape")
    try:
        args = parser().parse_args(argv)
        status = args.run(args)
        sys.stdout.flush()  # here, where a pipe that is closed is still caught
        return int(status or 0)
    except SystemExit as exit:  # argparse has said what it is about
        return exit.code if isinstance(exit.code, int) else 2
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the interpreter would complain when it flushes at its end
        return 1
    except OSError as error:
        return failed(f"{error.filename}: {error.strerror}" if error.filename is not None and error.strerror else str(error))
    except ArgumentError as error:
        failed(str(error))
        return 2
    except Error as error:
        return failed(str(error))
    except KeyboardInterrupt:
        failed("interrupted")
        return 130


def failed(why: str) -> int:
    """Say why, in one line."""
    print(f"toklet: {' '.join(why.split())}", file=sys.stderr)
    return 1
