"""show: where the tokens of a text begin and end, in colours where there are colours."""

import argparse
import os
from typing import TYPE_CHECKING

from ..colours import in_colour, line_of, painted, visible
from .arguments import command, print_json, read, say, takes_json, takes_special, takes_tokenizer, tokenizer

if TYPE_CHECKING:
    from .arguments import Commands


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
    colours = in_colour()
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
    else:
        print(line_of(tokens, colours))
    say(f"{len(ids)} tokens, {len(data)} bytes")
