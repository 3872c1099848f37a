"""inspect, compare: reports on tokenizers, as a table, as JSON, and as a page.

The texts are the lines of the files, put together to pieces of 64 KB; a line is never cut unless it is longer than that.
"""

import argparse
import os
from typing import TYPE_CHECKING, Any

from .._core import backend
from ..colours import in_colour
from .arguments import command, print_json, takes_json

if TYPE_CHECKING:
    from ..report import QualityReport
    from ..report.curve import Curve
    from .arguments import Commands

SAMPLE = 1 << 20 if backend == "native" else 1 << 14  # bytes that the curve is computed on, and examples are taken from


def add(commands: "Commands") -> None:
    """Add both commands."""
    inspect_ = command(commands, "inspect", run, "say what is in a tokenizer, and how well it fits a corpus", "Without -f it is about the vocabulary alone.")
    compare_ = command(commands, "compare", run, "compare tokenizers on a corpus", "The best figure of a row is in colour.")
    inspect_.add_argument("tokenizers", metavar="TOKENIZER", nargs=1, help="a tokenizer.json, or a .tiktoken file")
    compare_.add_argument("tokenizers", metavar="TOKENIZER", nargs="+", help="tokenizer.json or .tiktoken files")
    for parser in (inspect_, compare_):
        parser.set_defaults(several=parser is compare_)
        parser.add_argument("--pattern", help="for a .tiktoken file that isn't a published one: the name of its pattern, or a regular expression")
        files = "a file, folder or glob; '-' is standard input; may be given again"
        parser.add_argument("-f", "--file", metavar="PATH", action="append", default=[], required=parser is compare_, help=files)
        parser.add_argument(
            "--html", metavar="PATH", type=page_path, help="write a page, too, with the curve of bytes a token by vocabulary size and examples in colours"
        )
        parser.add_argument("-q", "--quiet", action="store_true", help="no bar")
        takes_json(parser)


def page_path(path: str) -> str:
    """Refuse a place where no file can be written, before the work and not after it."""
    if os.path.isdir(path) or not os.path.isdir(os.path.dirname(path) or "."):
        raise argparse.ArgumentTypeError(f"{path!r} is a folder, or in one that doesn't exist")
    return path


def run(args: argparse.Namespace) -> None:
    """Report."""
    from ..report import compare
    from ..report.curve import curve
    from ..report.layout import layout
    from ..report.sample import Sample
    from ..tokenizer import load
    from .corpus import streamed

    names, sample = args.tokenizers, Sample(SAMPLE)
    tokenizers = [load(path, pattern=args.pattern if path.endswith(".tiktoken") else None) for path in names]
    reports = compare(tokenizers, sample.watch(streamed(args.file)), progress=bool(args.file) and not args.quiet)
    curves = [curve(tok, sample.texts) for tok in tokenizers] if args.html or args.json else []
    if args.html:
        from ..reference.atomic import write
        from ..report.page import page
        from ..report.sample import examples

        write(args.html, page(names, tokenizers, reports, curves, examples(sample.texts)).encode())
    if args.json:
        made = [as_data(*parts) for parts in zip(names, reports, curves, strict=True)]
        print_json(made if args.several else made[0])
    else:
        print(layout(reports, names, in_colour()))


def as_data(name: str, report: "QualityReport", points: "Curve") -> dict[str, Any]:
    """Give a report and its curve as plain data."""
    return {"tokenizer": name, **report.to_dict(), "curve": [{"tokens": size, "bytes_per_token": value} for size, value in points]}
