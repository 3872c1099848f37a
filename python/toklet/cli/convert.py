"""encode, decode, count: text to ids, ids to text, text to the number of its ids. Text is bytes here, as they stand in the file, line breaks included."""

import argparse
import sys
from typing import TYPE_CHECKING

from ..reference.error import FormatError
from .arguments import called, command, print_json, read, takes_json, takes_special, takes_tokenizer, tokenizer

if TYPE_CHECKING:
    from .arguments import Commands


def add(commands: "Commands") -> None:
    """Add the three commands."""
    encode_ = command(commands, "encode", encode, "turn text into ids", "The input is one text, every byte of it: a line break at its end counts too.")
    decode_ = command(commands, "decode", decode, "turn ids into text", "The ids stand between white space; the bytes that they stand for come out exactly.")
    count_ = command(commands, "count", count, "count the tokens of text", "One number a file; if there are several, also their names and the total.")
    for parser in (encode_, decode_, count_):
        takes_tokenizer(parser)
        takes_json(parser)
    for parser in (encode_, decode_):
        parser.add_argument("file", metavar="FILE", nargs="?", default="-", help="'-', the default, is standard input")
    count_.add_argument("files", metavar="FILE", nargs="*", default=["-"], help="'-', the default, is standard input")
    for parser in (encode_, count_):
        takes_special(parser)


def encode(args: argparse.Namespace) -> None:
    """Print the ids of one text."""
    ids = tokenizer(args).encode(read(args.file), args.special).tolist()
    if args.json:
        print_json({"ids": ids})
    else:
        print(*ids)


def decode(args: argparse.Namespace) -> None:
    """Write the bytes that ids stand for."""
    tok = tokenizer(args)
    data = tok.decode_bytes(parsed(read(args.file), called(args.file)))
    if args.json:
        text = data.decode("utf-8", "replace")
        print_json({"text": text, "bytes": len(data), "utf8": text.encode() == data})
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)


def parsed(data: bytes, name: str) -> list[int]:
    """Read ids that stand between white space.

    >>> parsed(b"1 22 333", "ids.txt")
    [1, 22, 333]
    """
    ids = []
    for number, word in enumerate(data.split(), 1):
        if not word.isdigit() or len(word) > 10 or int(word) >= 2**32:
            raise FormatError(f"word {number} of {name}", repr(word[:40].decode("utf-8", "replace")), "an id: an integer from 0 to 2**32 - 1")
        ids.append(int(word))
    return ids


def count(args: argparse.Namespace) -> None:
    """Print the number of tokens of each file."""
    tok = tokenizer(args)
    counts = [(name, tok.count(read(name), args.special)) for name in args.files]
    total = sum(n for _, n in counts)
    if args.json:
        print_json({"files": [{"file": name, "tokens": n} for name, n in counts], "total": total})
    elif len(counts) == 1:
        print(total)
    else:
        for name, n in [*counts, ("total", total)]:
            print(f"{n}\t{name}")
