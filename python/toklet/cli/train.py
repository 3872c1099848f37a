"""train: files to a tokenizer file."""

import argparse
import os
import time
from typing import TYPE_CHECKING

from .arguments import command, print_json, say, takes_json
from .count_words import counted, takes_corpus

if TYPE_CHECKING:
    from .arguments import Commands


def add(commands: "Commands") -> None:
    """Add the command."""
    parser = command(commands, "train", train, "train a tokenizer on files", "What is special is only what --special names: the corpus is text.")
    parser.add_argument("-v", "--vocab-size", type=int, default=32_768, help="how many ids: 256 bytes, merges, special tokens (default: %(default)s)")
    parser.add_argument("-o", "--output", type=output, metavar="PATH", required=True, help="where to: NAME.json (tokenizer.json) or NAME.tiktoken")
    parser.add_argument("--special", metavar="NAME", action="append", default=[], help="a special token; may be given again")
    takes_corpus(parser)
    parser.add_argument("--min-frequency", type=int, default=1, metavar="N", help="don't merge a pair that occurs less often (default: %(default)s)")
    parser.add_argument("--max-token-length", type=int, metavar="N", help="make no token longer than N bytes")
    parser.add_argument(
        "--ties", choices=("ids", "huggingface", "bytes"), default="ids", help="which of two equally frequent pairs goes first (default: %(default)s)"
    )
    parser.add_argument("--extend", metavar="TOK", help="a tokenizer file whose ids and merges stay; new ones are learnt on top, up to the vocabulary size")
    parser.add_argument("--superwords", type=int, metavar="N", help="from this vocabulary size on merges may join the words of a line")
    parser.add_argument("--checkpoint", metavar="PATH", help="keep the merges learnt so far in this file, and go on from it")
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
    from ..tokenizer import load
    from ..training_options import checked

    started = time.perf_counter()
    extend = load(args.extend) if args.extend else None
    words = args.pattern if args.superwords is not None else None
    pattern = "lines" if args.superwords is not None else extend.pattern if extend and args.pattern is None else args.pattern
    options = {"special_tokens": args.special, "min_frequency": args.min_frequency, "max_token_length": args.max_token_length, "ties": args.ties}
    options |= {"extend": extend, "checkpoint": args.checkpoint, "threads": args.threads, "superwords": args.superwords}
    checked("o200k" if pattern is None else pattern, args.vocab_size, words=words, **options)
    counts = counted(args, pattern)
    tok = counts._train(checked(counts.pattern, args.vocab_size, words=args.pattern, **options), not args.quiet, spend=True)
    tok.save(args.output)
    seconds = time.perf_counter() - started
    if args.json:
        print_json({"path": args.output, "vocab_size": tok.vocab_size, "seconds": round(seconds, 3)})
    if not args.quiet:
        short = f" (the corpus has no more pairs to merge, so not {args.vocab_size})" if tok.vocab_size < args.vocab_size else ""
        say(f"{args.output}: {tok.vocab_size} ids{short}, {seconds:.1f} s")
