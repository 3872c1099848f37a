"""show: where the tokens of a text begin and end, in colours where there are colours."""

import argparse
import os
import sys
from typing import TYPE_CHECKING

from .arguments import command, print_json, read, say, takes_json, takes_special, takes_tokenizer, tokenizer

if TYPE_CHECKING:
    from .arguments import Commands

BACKGROUNDS = (153, 223, 157, 218, 229)  # pale ones of the 256 colours, so that black text on them reads well on any terminal
BLACK, RESET = "\x1b[38;5;16m", "\x1b[0m"
LINE_BREAK = "↵"


def add(commands: "Commands") -> None:
    """Add the command."""
    parser = command(
        commands,
        "show",
        show,
        "show the tokens of a text",
        "In a terminal each token has a background of its own; elsewhere, or with NO_COLOR set, '|' stands between tokens.",
    )
    parser.add_argument("text", metavar="TEXT|FILE", help="the name of a file, or else the text itself; '-' is standard input")
    takes_tokenizer(parser)
    takes_special(parser)
    parser.add_argument("--ids", action="store_true", help="a token a line, with its id")
    takes_json(parser)


def show(args: argparse.Namespace) -> None:
    """Print the tokens."""
    data = read(args.text) if args.text == "-" or os.path.isfile(args.text) else args.text.encode("utf-8", "surrogateescape")
    tok = tokenizer(args)
    ids = tok.encode(data, args.special).tolist()
    tokens = [tok.token(id) for id in ids]
    colours = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    if args.json:
        starts = [0]
        for token in tokens:
            starts.append(starts[-1] + len(token))
        spans = zip(ids, tokens, starts, starts[1:], strict=False)
        print_json([{"id": id, "text": token.decode("utf-8", "replace"), "start": start, "end": end} for id, token, start, end in spans])
        return
    if args.ids:
        for i, (id, token) in enumerate(zip(ids, tokens, strict=True)):
            print(f"{id}\t{painted(visible(token), i) if colours else visible(token)}")
    elif colours:
        print("".join(painted(visible(token), i) + "\n" * token.count(b"\n") for i, token in enumerate(tokens)))
    else:
        print("|".join(visible(token) + "\n" * token.count(b"\n") for token in tokens))
    say(f"{len(ids)} tokens, {len(data)} bytes")


def visible(token: bytes) -> str:
    r"""Spell a token: what isn't printable, what isn't UTF-8, and so whatever could command the terminal, as an escape.

    >>> visible(b"a b\n"), visible(b"\x1b[31m"), visible(b"\xc3")
    ('a b↵', '\\x1b[31m', '\\xc3')
    """
    text = token.decode("utf-8", "backslashreplace").replace("\n", LINE_BREAK)
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def painted(text: str, number: int) -> str:
    """Give a text the background of the token with this number; neighbours differ."""
    return f"\x1b[48;5;{BACKGROUNDS[number % len(BACKGROUNDS)]}m{BLACK}{text}{RESET}"
