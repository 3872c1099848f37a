"""shard: files to token files that trainers read."""

import argparse
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, BinaryIO

from ..checks import check_separator
from .arguments import command, print_json, say, standard_input, takes_json, takes_tokenizer, tokenizer

if TYPE_CHECKING:
    from .arguments import Commands

BLOCK = 1 << 20


def add(commands: "Commands") -> None:
    """Add the command."""
    told = "Tokens are uint16 where the vocabulary allows it. NAME_manifest.json, written last, says what there is."
    parser = command(commands, "shard", shard, "encode files into token files for training", told)
    parser.add_argument("corpus", metavar="CORPUS", nargs="+", help="paths, folders and globs ('**' goes into folders); '-' is standard input")
    takes_tokenizer(parser)
    parser.add_argument("-o", "--output", metavar="FOLDER", required=True, help="where to; no file is replaced")
    parser.add_argument(
        "--format", choices=("llm.c", "megatron", "raw"), default="llm.c", help="llm.c (also modded-nanogpt), megatron, or raw (nanoGPT: no header)"
    )
    parser.add_argument("--separator", metavar="S", help="what stands between two documents of a file, and isn't encoded (default: a file is a document)")
    parser.add_argument("--bos", metavar="NAME", help="the special token in front of each document")
    parser.add_argument("--eos", metavar="NAME", help="the special token behind each document")
    parser.add_argument("--shard-tokens", type=int, default=100_000_000, metavar="N", help="how many tokens a file holds (default: %(default)s)")
    parser.add_argument("--name", default="shard", help="how the files' names begin (default: %(default)s)")
    parser.add_argument("--threads", type=int, metavar="N", help="default: one a core; the result doesn't depend on it")
    parser.add_argument("-q", "--quiet", action="store_true", help="no bar and no messages")
    takes_json(parser)


def shard(args: argparse.Namespace) -> None:
    """Encode and write."""
    from ..shards import write_shards

    check_separator(args.separator)
    made = write_shards(
        documents(args.corpus, args.separator),
        tokenizer(args),
        args.output,
        format=args.format,
        shard_tokens=args.shard_tokens,
        bos=args.bos,
        eos=args.eos,
        name=args.name,
        threads=args.threads,
        progress=not args.quiet,
    )
    if args.json:
        print_json(made)
    if not args.quiet:
        say(f"{args.output}: {made['tokens']:,} tokens of {made['documents']:,} documents, {len(made['shards'])} shards")


def documents(paths: Iterable[str], separator: str | None) -> Iterator[bytes]:
    """Read the documents of files."""
    from .corpus import named

    for path in paths:
        if path == "-":
            yield from between(standard_input(), separator)
            continue
        for name in named(path):
            with open(name, "rb") as file:
                yield from between(file, separator)


def between(file: BinaryIO, separator: str | None) -> Iterator[bytes]:
    r"""Give what stands between separators; no more than a document and a block is held, and each byte is searched once.

    >>> import io
    >>> list(between(io.BytesIO(b"one--two--"), "--"))
    [b'one', b'two', b'']
    """
    if separator is None:
        yield file.read()
        return
    mark, held, searched = separator.encode(), bytearray(), 0
    while block := file.read(BLOCK):
        held += block
        start = 0
        while (end := held.find(mark, max(start, searched))) >= 0:
            yield bytes(held[start:end])
            start = end + len(mark)
        del held[:start]
        searched = max(0, len(held) - len(mark) + 1)
    yield bytes(held)
