"""generate: text from a model of counts, fitted on the spot; to try a tokenizer and the settings of the sampler with no weights at hand."""

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from .arguments import called, command, print_json, read, sampler, say, takes_json, takes_sampler, takes_tokenizer, tokenizer

if TYPE_CHECKING:
    from ..generation import Generation, Token
    from ..ngram import NGram
    from ..sampling import Sampler
    from ..tokenizer import Tokenizer
    from .arguments import Commands

MOST = 10_000  # texts for one prompt

REWARDS: dict[str, Callable[[str], float]] = {
    "length": len,
    "shortness": lambda text: -len(text),
    "variety": lambda text: len(set(text.split())) / max(len(text.split()), 1),
}


class Answer(NamedTuple):
    """A text on its way, or done."""

    seed: int
    made: "Generation"
    tokens: list["Token"]  # as they come
    reward: float | None = None


def add(commands: "Commands") -> None:
    """Add the command."""
    parser = command(
        commands,
        "generate",
        run,
        "continue prompts by an n-gram model of a corpus",
        "The model is fitted each time: about a second for each million tokens. What comes out is the continuation, without the prompt, one after the other "
        "where there are several.",
    )
    takes_tokenizer(parser)
    parser.add_argument("-f", "--corpus", metavar="CORPUS", nargs="+", required=True, help="paths and globs of the text to learn from; '-' is standard input")
    parser.add_argument("--prompt", metavar="P", action="append", default=[], help="what to continue; may be given again")
    parser.add_argument("--prompts", metavar="FILE", help="a file of them, one a line; of a .jsonl file each line is a JSON text, or an object with 'prompt'")
    parser.add_argument("--order", type=int, default=5, help="how long the n-grams are: order - 1 tokens are looked back at (default: %(default)s)")
    takes_sampler(parser)
    ends = parser.add_argument_group("where a text ends")
    ends.add_argument("-n", "--max-tokens", type=int, default=200, metavar="N", help="how many tokens at most (default: %(default)s)")
    ends.add_argument("--stop", metavar="S", action="append", default=[], help="end at this text, wherever tokens end; may be given again")
    ends.add_argument("--stop-id", metavar="ID", action="append", default=[], help="end at this id, or special token by name; may be given again")
    several = parser.add_argument_group("several texts for a prompt")
    several.add_argument("--samples", "--n", type=int, default=1, metavar="K", help="how many: with the seed, the seed + 1 and so on (default: %(default)s)")
    several.add_argument("--best-of", type=int, metavar="N", help="make N of them, and give those with the highest reward")
    several.add_argument("--reward", metavar="R", help=f"of --best-of: {', '.join(REWARDS)} (the default), or 'contains:TEXT'")
    takes_json(parser)
    parser.add_argument("--logprobs", type=int, metavar="K", help="with --json: tell also the K most probable tokens at each place")


def run(args: argparse.Namespace) -> None:
    """Fit and generate."""
    from ..counting import files
    from ..ngram import NGram
    from ..reference.error import ArgumentError, number

    chosen, reward = sampler(args), reward_of(args.reward or "variety")  # first: a setting out of range is told at once
    number("--samples", args.samples, "an integer, at least 1", 1, MOST, whole=True)
    if args.best_of is not None:
        number("--best-of", args.best_of, f"an integer, at least {args.samples}, as --samples says, and at most {MOST}", args.samples, MOST, whole=True)
    if args.reward is not None and args.best_of is None:
        raise ArgumentError("--reward", repr(args.reward), "given together with --best-of")
    if args.logprobs is not None and not args.json:
        raise ArgumentError("--logprobs", str(args.logprobs), "given together with --json")
    lm = NGram(args.order)
    prompts = [*args.prompt, *([] if args.prompts is None else prompts_in(args.prompts))]
    if not prompts:
        raise ArgumentError("the prompt", "missing", "given by --prompt or --prompts")
    tok = tokenizer(args)
    options = {"max_tokens": args.max_tokens, "stop": args.stop, "stop_ids": [stop_id(tok, name) for name in args.stop_id]}
    texts = [read(name) for named in args.corpus for name in (["-"] if named == "-" else files(named))]
    lm.fit(tok.encode_batch(texts), tok.vocab_size, progress=sys.stderr.isatty())
    for prompt in prompts:
        for place, answer in enumerate(answers(lm, prompt, tok, chosen, options, args, reward), 1):
            if len(prompts) > 1 or args.samples > 1:
                say(f"prompt {prompt!r}, text {place}")
            if args.json:
                print_json(told(prompt, answer, tok, args.logprobs is not None))
                continue
            for piece in [answer.made.text] if args.best_of else answer.made:
                print(piece, end="", flush=True)
            print()


def answers(
    lm: "NGram", prompt: str, tok: "Tokenizer", chosen: "Sampler", options: dict[str, Any], args: argparse.Namespace, reward: Callable[[str], float]
) -> Iterator[Answer]:
    """Give the texts for one prompt, the best first if there is a choice; without one they are made as they are asked for."""
    from ..generation import generate

    def one(number: int) -> Answer:
        seed, tokens = (chosen.seed + number) % 2**64, list["Token"]()
        how = {**options, "logprobs": args.logprobs or 0, "on_token": tokens.append} if args.json else options
        return Answer(seed, generate(lm, prompt, tok, chosen.seeded(seed), **how), tokens)

    if args.best_of is None:
        yield from map(one, range(args.samples))
        return
    made = [answer._replace(reward=float(reward(answer.made.text))) for answer in map(one, range(args.best_of))]
    yield from sorted(made, key=lambda answer: -(answer.reward or 0))[: args.samples]


def told(prompt: str, answer: Answer, tok: "Tokenizer", top: bool) -> dict[str, Any]:
    """Give an answer as JSON has it."""
    made = answer.made
    found: dict[str, Any] = {"prompt": prompt, "text": made.text, "seed": answer.seed, "finish_reason": made.finish_reason, "ids": made.ids.tolist()}
    found |= {"cut": made.cut, "logprobs": [token.logprobs.logprobs.item() for token in answer.tokens if token.logprobs is not None]}
    if top:
        kept = [token.logprobs for token in answer.tokens if token.logprobs is not None]
        rows = [zip(row.top_ids.tolist(), row.top_logprobs.tolist(), strict=True) for row in kept]
        found["top_logprobs"] = [[{"id": id, "token": tok.decode([id]), "logprob": value} for id, value in row if id >= 0] for row in rows]
    return found | ({} if answer.reward is None else {"reward": answer.reward})


def reward_of(name: str) -> Callable[[str], float]:
    """Give the reward of a name."""
    from ..reference.error import check_choice

    kind, colon, text = name.partition(":")
    if kind == "contains" and colon and text:
        return lambda answer: answer.count(text)
    check_choice("--reward", name, (*REWARDS, "contains:TEXT"))
    return REWARDS.get(name, len)


def stop_id(tok: "Tokenizer", name: str) -> int:
    """Give an id that is said as a number, or as the name of a special token."""
    from ..reference.error import ArgumentError

    if name in tok.special_tokens:
        return tok.special_tokens[name]
    if not (name.isascii() and name.isdigit() and int(name) < tok.vocab_size):
        raise ArgumentError("--stop-id", repr(name[:80]), f"an id under {tok.vocab_size}, or one of the special tokens, {list(tok.special_tokens)}")
    return int(name)


def prompts_in(name: str) -> list[str]:
    """Read prompts, one a line."""
    from ..reference.error import FormatError, TextError

    try:
        lines = [line for line in read(name).decode().split("\n") if line.strip()]
    except UnicodeDecodeError as error:
        raise TextError(f"byte {error.start} of {called(name)}", "no UTF-8", "UTF-8") from None
    if not name.endswith(".jsonl"):
        return [line.removesuffix("\r") for line in lines]
    found = []
    for number, line in enumerate(lines, 1):
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise FormatError(f"line {number} of {name}", f"no JSON ({error})", "a JSON text, or an object with 'prompt'") from None
        value = value.get("prompt") if isinstance(value, dict) else value
        if not isinstance(value, str):
            raise FormatError(f"line {number} of {name}", repr(value)[:80], "a JSON text, or an object with 'prompt'")
        found.append(value)
    return found
