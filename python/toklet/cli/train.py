"""train: files to a tokenizer file."""

import argparse
import errno
import os
import time
from typing import TYPE_CHECKING

from ..checks import check_separator
from .arguments import command, print_json, read, say, takes_json

if TYPE_CHECKING:
    from .arguments import Commands


def add(commands: "Commands") -> None:
    """Add the command."""
    parser = command(commands, "train", train, "train a tokenizer on files", "What is special is only what --special names: the corpus is text.")
    parser.add_argument("corpus", metavar="CORPUS", nargs="+", help="paths and globs ('**' goes into folders); '-' is standard input")
    parser.add_argument("-v", "--vocab-size", type=int, default=32_768, help="how many ids: 256 bytes, merges, special tokens (default: %(default)s)")
    parser.add_argument("-o", "--output", type=output, metavar="PATH", required=True, help="where to: NAME.json (tokenizer.json) or NAME.tiktoken")
    parser.add_argument("--pattern", default="o200k", help="what cuts text into pretokens: gpt2, cl100k, o200k or a regular expression (default: %(default)s)")
    parser.add_argument("--special", metavar="NAME", action="append", default=[], help="a special token; may be given again")
    parser.add_argument("--separator", metavar="S", help="what stands between two documents of a file; it is never trained on")
    parser.add_argument("--min-frequency", type=int, default=1, metavar="N", help="don't merge a pair that occurs less often (default: %(default)s)")
    parser.add_argument("--max-token-length", type=int, metavar="N", help="make no token longer than N bytes")
    parser.add_argument("--ties", choices=("ids", "huggingface"), default="ids", help="which of two equally frequent pairs goes first (default: %(default)s)")
    parser.add_argument("--threads", type=int, metavar="N", help="default: one a core; the result doesn't depend on it")
    parser.add_argument("-q", "--quiet", action="store_true", help="no bars and no messages")
    takes_json(parser)


def output(path: str) -> str:
    """Refuse a name that couldn't be saved to, before an hour of training and not after it."""
    if not path.endswith((".json", ".tiktoken")):
        raise argparse.ArgumentTypeError(f"{path!r} must end in .json or .tiktoken")
    folder = os.path.dirname(path) or "."
    if os.path.isdir(path):
        raise argparse.ArgumentTypeError(f"{path!r} is a folder")
    if not os.path.isdir(folder):
        raise argparse.ArgumentTypeError(f"the folder {folder!r} doesn't exist")
    return path


def train(args: argparse.Namespace) -> None:
    """Count, train, save."""
    from ..training import checked, count, count_files

    started = time.perf_counter()
    chosen = checked(args.vocab_size, args.special, args.min_frequency, args.max_token_length, args.ties)
    check_separator(args.separator)
    for path in args.corpus:
        if os.path.isdir(path):
            raise IsADirectoryError(errno.EISDIR, f"Is a directory; its files are {os.path.join(path, '**', '*')!r}", path)
    options = {"threads": args.threads, "progress": not args.quiet}
    paths = [path for path in args.corpus if path != "-"]
    counts = []
    if paths:
        counts.append(count_files(paths, args.pattern, separator=args.separator, **options))
    if len(paths) < len(args.corpus):
        data = read("-")
        counts.append(count(data.split(args.separator.encode()) if args.separator else [data], args.pattern, **options))
    tok = sum(counts[1:], counts[0]).train(progress=not args.quiet, **chosen)
    tok.save(args.output)
    seconds = time.perf_counter() - started
    if args.json:
        print_json({"path": args.output, "vocab_size": tok.vocab_size, "seconds": round(seconds, 3)})
    if not args.quiet:
        short = f" (the corpus has no more pairs to merge, so not {args.vocab_size})" if tok.vocab_size < args.vocab_size else ""
        say(f"{args.output}: {tok.vocab_size} ids{short}, {seconds:.1f} s")
