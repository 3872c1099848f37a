"""sample: the next ids from logits in a file; to see what the settings of the sampler do to them."""

import argparse
from typing import TYPE_CHECKING

from .arguments import command, print_json, sampler, takes_json, takes_sampler

if TYPE_CHECKING:
    from .arguments import Commands


def add(commands: "Commands") -> None:
    """Add the command."""
    parser = command(
        commands,
        "sample",
        run,
        "draw the next token ids from logits",
        "Prints an id a row; with --top, the most probable ids of each row as well, and with what probability they are drawn.",
    )
    parser.add_argument("logits", metavar="LOGITS.npy", help="a numpy file of floats: (vocabulary,) or (rows, vocabulary)")
    parser.add_argument("--position", type=int, default=0, metavar="N", help="the place of the id in its sequence (default: %(default)s)")
    parser.add_argument("-n", "--draws", type=int, default=1, metavar="N", help="draw at so many positions, one after the other (default: %(default)s)")
    parser.add_argument("--history", type=int, nargs="*", metavar="ID", help="the ids so far, for penalties; of every row")
    parser.add_argument("--top", type=int, default=0, metavar="N", help="show the N most probable ids")
    takes_sampler(parser)
    takes_json(parser)


def run(args: argparse.Namespace) -> None:
    """Load and draw."""
    import numpy as np

    from ..reference.error import FormatError

    chosen = sampler(args)
    try:
        rows = np.atleast_2d(np.load(args.logits, mmap_mode="r", allow_pickle=False))
    except (ValueError, EOFError):
        raise FormatError(args.logits, "not a numpy file of numbers", "one that np.save writes") from None
    history = None if args.history is None else [args.history] * len(rows)
    ids = [chosen.sample(rows, position, history=history).tolist() for position in range(args.position, args.position + args.draws)]
    found = chosen.logprobs(rows, top=args.top, processed=True, position=args.position, history=history)
    top = [
        [{"id": id, "probability": float(np.exp(logprob))} for id, logprob in zip(*pair, strict=True) if id >= 0]
        for pair in zip(found.top_ids.tolist(), found.top_logprobs.tolist(), strict=True)
    ]
    if args.json:
        print_json({"ids": ids, "seed": chosen.seed, **({"top": top} if args.top else {})})
        return
    for drawn in ids:
        print(*drawn)
    for row, best in enumerate(top):
        for item in best:
            print(f"row {row}\t{item['id']}\t{item['probability']:.6f}")
