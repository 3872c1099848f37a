"""count-words: files to a table of word counts, which tables of other machines can be added to, and which can be trained on."""

import argparse
import errno
import os
import time
from typing import TYPE_CHECKING

from ..reference.split import PATTERNS
from .arguments import command, print_json, read, say, takes_json

if TYPE_CHECKING:
    from ..word_counts import WordCounts
    from .arguments import Commands

TABLES = (".parquet", ".arrow")


def add(commands: "Commands") -> None:
    """Add the command."""
    parser = command(
        commands,
        "count-words",
        run,
        "count the pretokens of files",
        "The table has a row for each pretoken. Tables are added up by naming them among the files, and `toklet train` takes them as well. Needs pyarrow.",
    )
    parser.add_argument("-o", "--output", type=output, metavar="PATH", required=True, help="where to: NAME.parquet or NAME.arrow")
    takes_corpus(parser)
    takes_json(parser)


def takes_corpus(parser: argparse.ArgumentParser) -> None:
    """Add the files, and how they are counted."""
    parser.add_argument(
        "corpus",
        metavar="CORPUS",
        nargs="+",
        help="paths and globs ('**' goes into folders); '-' is standard input; what count-words made counts as what it was made of",
    )
    names = ", ".join(PATTERNS)
    parser.add_argument("--pattern", help=f"what cuts text into pretokens: {names}, a regular expression, or '' for no cuts (default: o200k)")
    parser.add_argument("--separator", metavar="S", help="what stands between two documents of a file; it is never counted")
    parser.add_argument("--field", metavar="NAME", help="the files are JSON lines, and this field of each object is a text")
    parser.add_argument("--column", metavar="NAME", help="the files are parquet tables of documents, and this column holds the texts")
    parser.add_argument("--max-words", type=int, metavar="N", help="keep at most the N most frequent pretokens, with counts that may be a little too low")
    parser.add_argument("--threads", type=int, metavar="N", help="default: one a core; the result doesn't depend on it")
    parser.add_argument("-q", "--quiet", action="store_true", help="no bars and no messages")


def output(path: str) -> str:
    """Refuse a name that couldn't be saved to, before the counting and not after it."""
    if not path.endswith(TABLES):
        raise argparse.ArgumentTypeError(f"{path!r} must end in {' or '.join(TABLES)}")
    folder = os.path.dirname(path) or "."
    if not os.path.isdir(folder):
        raise argparse.ArgumentTypeError(f"the folder {folder!r} doesn't exist")
    return path


def counted(args: argparse.Namespace, pattern: str | None) -> "WordCounts":
    """Count what the arguments name, with the pattern of the tables among them unless another one is asked for."""
    from ..checks import check_separator
    from ..counting import count, count_files, files
    from ..word_counts import WordCounts

    check_separator(args.separator)
    for path in args.corpus:
        if os.path.isdir(path):
            raise IsADirectoryError(errno.EISDIR, f"Is a directory; its files are {os.path.join(path, '**', '*')!r}", path)
    options = {"max_words": args.max_words, "threads": args.threads, "progress": not args.quiet}
    named = files(path for path in args.corpus if path != "-")
    tables = [path for path in named if path.endswith(TABLES) and args.column is None]
    paths = [path for path in named if path not in tables]
    found = [WordCounts.load(path) for path in tables]
    if pattern is None:
        pattern = found[0].pattern if found else "o200k"
    if paths:
        found.append(count_files(paths, pattern, separator=args.separator, field=args.field, column=args.column, **options))
    if "-" in args.corpus:
        data = read("-")
        found.append(count(data.split(args.separator.encode()) if args.separator else [data], pattern, **options))
    return sum(found[1:], found[0])


def run(args: argparse.Namespace) -> None:
    """Count and save."""
    started = time.perf_counter()
    counts = counted(args, args.pattern)
    counts.save(args.output)
    seconds = time.perf_counter() - started
    if args.json:
        found = {"path": args.output, "words": len(counts), "total": counts.total, "error_bound": counts.error_bound, "training_bytes": counts.memory.training}
        print_json(found | {"seconds": round(seconds, 3)})
    if not args.quiet:
        bound = f", each too low by at most {counts.error_bound}" if counts.error_bound else ""
        say(f"{args.output}: {len(counts)} distinct pretokens, {counts.total} in all{bound}, {seconds:.1f} s")
        say(f"Training on them takes about {counts.memory.training / 1e6:,.0f} MB of memory.")
