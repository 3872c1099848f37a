"""generate: text from a model of counts, fitted on the spot; to try a tokenizer and the settings of the sampler with no weights at hand."""

import argparse
import sys
from typing import TYPE_CHECKING

from .arguments import command, print_json, read, sampler, takes_json, takes_sampler, takes_tokenizer, tokenizer

if TYPE_CHECKING:
    from .arguments import Commands


def add(commands: "Commands") -> None:
    """Add the command."""
    parser = command(
        commands,
        "generate",
        run,
        "continue a prompt by an n-gram model of a corpus",
        "The model is fitted each time: about a second for each million tokens. What comes out is the continuation, without the prompt.",
    )
    takes_tokenizer(parser)
    parser.add_argument("-f", "--corpus", metavar="CORPUS", nargs="+", required=True, help="paths and globs of the text to learn from; '-' is standard input")
    parser.add_argument("--prompt", metavar="P", required=True, help="what to continue")
    parser.add_argument("--order", type=int, default=5, help="how long the n-grams are: order - 1 tokens are looked back at (default: %(default)s)")
    takes_sampler(parser)
    parser.add_argument("-n", "--max-tokens", type=int, default=200, metavar="N", help="how many tokens at most (default: %(default)s)")
    parser.add_argument("--stop", metavar="S", action="append", default=[], help="end at this text; may be given again")
    takes_json(parser)


def run(args: argparse.Namespace) -> None:
    """Fit and generate."""
    from ..counting import files
    from ..generation import generate
    from ..ngram import NGram

    chosen = sampler(args)  # first: a setting out of range is told at once
    lm = NGram(args.order)
    tok = tokenizer(args)
    texts = [read(name) for named in args.corpus for name in (["-"] if named == "-" else files(named))]
    lm.fit(tok.encode_batch(texts), tok.vocab_size, progress=sys.stderr.isatty())
    pieces = generate(lm, args.prompt, tok, chosen, max_tokens=args.max_tokens, stop=args.stop)
    if args.json:
        print_json({"prompt": args.prompt, "text": "".join(pieces), "seed": chosen.seed})
        return
    for piece in pieces:
        print(piece, end="", flush=True)
    print()
