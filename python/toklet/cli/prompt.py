"""prompt: a template and examples -> a few-shot prompt: its text, its tokens, what a model would learn from it, or what a budget did to it."""

import argparse
import json
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..colours import in_colour, line_of, painted, visible
from .arguments import called, command, print_json, read, say, takes_json

if TYPE_CHECKING:
    from ..prompt import Prompt
    from ..template import Template
    from .arguments import Commands


def add(commands: "Commands") -> None:
    """Add the command."""
    parser = command(
        commands,
        "prompt",
        run,
        "fill a template with examples",
        "Prints the text of a few-shot prompt. With --stop-before the last line of the data is the question, unless --query gives one.",
    )
    parser.add_argument("template", metavar="TEMPLATE|FILE", help="text with {{ slots }}, or the name of a file that holds it; '-' is standard input")
    parser.add_argument("-d", "--data", metavar="FILE", help="examples: a JSON object a line, or one JSON array; fields that aren't slots are left out")
    parser.add_argument("-t", "--tokenizer", metavar="PATH", help="a tokenizer.json, or a .tiktoken file: needed for whatever is counted in tokens")
    parser.add_argument("--pattern", help="for a .tiktoken file that isn't a published one: the name of its pattern, or a regular expression")
    parser.add_argument("--query", metavar="JSON", help="the values of the question")
    parser.add_argument("--stop-before", metavar="SLOT", help="the slot that the model is to fill: the prompt ends before it")
    parser.add_argument("--separator", default="\\n\\n", help=r"what stands between examples; \n and \t are a line break and a tab (default: %(default)s)")
    parser.add_argument("--chat", metavar="FILE", help="make the examples turns of a chat by this template: .jinja, tokenizer_config.json, or 'chatml'")
    budget = parser.add_argument_group("budget")
    budget.add_argument("--budget", type=int, metavar="N", help="at most so many tokens")
    budget.add_argument("--reserve", type=int, default=0, metavar="N", help="of which so many are left for the answer (default: %(default)s)")
    budget.add_argument("--value", metavar="FIELD", help="the field of the data that says what an example is worth (default: all the same)")
    budget.add_argument("--order", default="given", choices=("given", "best-last", "edges"), help="where the best examples stand (default: %(default)s)")
    shown = parser.add_argument_group("what is printed").add_mutually_exclusive_group()
    shown.add_argument("--show", action="store_true", help="the tokens, in colours where there are colours")
    shown.add_argument("--ids", action="store_true", help="the ids")
    shown.add_argument("--mask", metavar="NAME", help="the tokens of a role or a slot, set off from the others")
    shown.add_argument("--receipt", action="store_true", help="what was kept and dropped, and what it costs")
    takes_json(parser)


def run(args: argparse.Namespace) -> None:
    """Fill and print."""
    from ..chat import ChatTemplate
    from ..fewshot import FewShot
    from ..reference.error import ArgumentError
    from ..template import Template
    from ..tokenizer import load

    template = Template(text_in(args.template) if args.template == "-" or os.path.isfile(args.template) else args.template)
    rows = [] if args.data is None else rows_in(text_in(args.data), called(args.data))
    query = rows_in(args.query, "--query")[0] if args.query is not None else rows.pop() if args.stop_before is not None and rows else None
    given: dict[str, Any] = {"query": None if query is None else slots_of(template, query, "--query"), "stop_before": args.stop_before}
    examples = [slots_of(template, row, f"line {number} of {args.data}") for number, row in enumerate(rows, 1)]
    few = FewShot(template, examples, separator=args.separator.replace("\\n", "\n").replace("\\t", "\t"), **given)
    if args.tokenizer is None:
        for flag in ("budget", "show", "ids", "mask", "receipt", "json", "chat", "value"):
            if getattr(args, flag):
                raise ArgumentError(f"--{flag}", "given without a tokenizer", "given together with -t")
        print(few.text)
        return
    tok = load(args.tokenizer, pattern=args.pattern)
    chat = None if args.chat is None else ChatTemplate.chatml() if args.chat == "chatml" else ChatTemplate.load(args.chat)
    values = None if args.value is None else [value_of(row, args.value, number) for number, row in enumerate(rows, 1)]
    prompt = few.render(tok, chat=chat, budget=args.budget, reserve=args.reserve, value=values, order=args.order)
    for warning in prompt.warnings:
        say(f"warning: {warning}")
    printed(prompt, args)
    say(f"{len(prompt)} tokens, {len(prompt.text.encode())} bytes")


def printed(prompt: "Prompt", args: argparse.Namespace) -> None:
    """Print what was asked for."""
    colours = in_colour()
    mask = None if args.mask is None else mask_of(prompt, args.mask)
    if args.json:
        found = {"text": prompt.text, "ids": prompt.ids.tolist(), "spans": [span._asdict() for span in prompt.spans], "warnings": prompt.warnings}
        found |= {} if mask is None else {"mask": [int(one) for one in mask]}
        print_json(found | ({} if prompt.receipt is None else {"receipt": prompt.receipt.to_dict()}))
    elif args.ids:
        print(*prompt.ids.tolist())
    elif args.show:
        print(line_of([prompt.tok.token(id) for id in prompt.ids.tolist()], colours))
    elif mask is not None:
        shown = [(visible(prompt.tok.token(id)), one) for id, one in zip(prompt.ids.tolist(), mask, strict=True)]
        print("".join(painted(text, 0) if one and colours else f"[{text}]" if one else text for text, one in shown))
    elif args.receipt and prompt.receipt is not None:
        print(prompt.receipt)
    else:
        print(prompt.text)


def mask_of(prompt: "Prompt", name: str) -> list[bool]:
    """Give the mask of a role, or else of a slot."""
    has_role = any(part.role == name for part in prompt.parts)
    found: list[bool] = (prompt.mask(name) if has_role else prompt.mask(slot=name)).tolist()
    return found


def text_in(name: str) -> str:
    """Read a file, or standard input."""
    from ..reference.error import TextError

    try:
        return read(name).decode()
    except UnicodeDecodeError as error:
        raise TextError(f"byte {error.start} of {called(name)}", "no UTF-8", "UTF-8") from None


def rows_in(text: str, place: str) -> list[Mapping[str, Any]]:
    """Give the objects of a JSON array, or of JSON lines."""
    from ..reference.error import FormatError

    rows: list[Any] = []
    lines = [(1, text)] if text.lstrip().startswith("[") else [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    for number, line in lines:
        try:
            found = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise FormatError(f"line {number} of {place}", f"no JSON ({error})", "a JSON object") from None
        rows += found if isinstance(found, list) else [found]
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            raise FormatError(f"row {number} of {place}", repr(row)[:80], "a JSON object")
    if not rows:
        raise FormatError(place, "empty", "JSON objects, one a line")
    return rows


def slots_of(template: "Template", row: Mapping[str, Any], place: str) -> dict[str, str]:
    """Give the values of a template's slots as texts."""
    from ..reference.error import FormatError

    found = {}
    for name in template.slots:
        if name in row:
            if not isinstance(row[name], str | int | float):
                raise FormatError(f"{name!r} in {place}", repr(row[name])[:80], "a text or a number")
            found[name] = str(row[name])
    return found


def value_of(row: Mapping[str, Any], field: str, number: int) -> float:
    """Give what an example is worth."""
    from ..reference.error import FormatError

    value = row.get(field)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise FormatError(f"{field!r} of example {number}", repr(value)[:80], "a number")
    return float(value)
