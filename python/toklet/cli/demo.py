"""demo: the whole loop on real text, with nothing to download: train, save, load, encode, decode, fit a model of counts, sample.

The corpus is the source of the Python standard library, tens of MB that every machine with Python has. Bars go to standard error, and what was found out to
standard output. It fails (exit status 1) if one byte doesn't come back.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .._core import backend
from ..reference.error import Error
from .arguments import command, say, table

if TYPE_CHECKING:
    from ..batch import Batch
    from ..ngram import NGram
    from ..tokenizer import Tokenizer
    from .arguments import Commands

HELD_OUT = 20  # one text in so many is kept from the n-gram model, which is then asked about it
ORDER = 5  # 6 s for the 8 million tokens of Python 3.11; order 4 guesses the held-out texts 1 % better, but what it writes reads worse
VOCAB_SIZE = 8_192
SLOW_LIMIT, SLOW_VOCAB_SIZE = 0.2, 1_024  # MB and ids, for the pure-Python reference: so it takes seconds too
PROMPT = "def"  # without a space behind it, which is the beginning of the next token
TEMPERATURES = (0.0, 0.7, 1.5)
TOP_K = 50


def add(commands: "Commands") -> None:
    """Add the command."""
    parser = command(commands, "demo", demo, "run the whole loop on the Python standard library's source", "It takes less than a minute and keeps no file.")
    parser.add_argument("--vocab-size", type=int, metavar="N", help=f"how many ids (default: {VOCAB_SIZE}; {SLOW_VOCAB_SIZE} without the native module)")
    parser.add_argument("--limit", type=float, metavar="MB", help=f"take only so much of the corpus (default: all; {SLOW_LIMIT} without the native module)")
    parser.add_argument("--corpus", metavar="PATH", help="take this file, folder or glob instead")


class Steps:
    """What was done, and how long it took."""

    def __init__(self) -> None:
        self.rows: list[list[str]] = []
        self.started = time.perf_counter()

    @contextmanager
    def step(self, name: str, size: int = 0) -> Iterator[None]:
        """Time a step that works on `size` bytes."""
        started = time.perf_counter()
        yield
        self.add(name, time.perf_counter() - started, size)

    def add(self, name: str, seconds: float, size: int = 0) -> None:
        """Add a row of the table."""
        self.rows.append([name, f"{seconds:.2f}", f"{size / seconds / 1e6:.1f}" if size else ""])

    def table(self) -> str:
        """Give the table, with the total."""
        self.add("total", time.perf_counter() - self.started)
        return table(["step", "seconds", "MB/s"], self.rows)


def demo(args: argparse.Namespace) -> int:
    """Run all steps and tell."""
    from ..counting import count
    from .corpus import corpus

    steps = Steps()
    slow = backend == "reference"
    limit = SLOW_LIMIT if slow and args.limit is None else args.limit
    vocab_size = args.vocab_size if args.vocab_size is not None else SLOW_VOCAB_SIZE if slow else VOCAB_SIZE
    if slow and args.limit is None:
        say(f"The pure-Python reference runs, about 100 times slower: it takes {limit} MB of the corpus and not all of it. --limit MB asks for more.")
    with steps.step("read"):
        texts = corpus(args.corpus, limit)
    size = sum(map(len, texts))
    with steps.step("count the pretokens", size), shown("count", size, "B") as advance:
        counts = count(texts, progress=lambda done, _: advance(done))
    with steps.step(f"train {vocab_size:,} tokens"):
        tok = counts.train(vocab_size, progress=True)
    with steps.step("save and load"):
        tok = saved_and_loaded(tok)
    with steps.step("encode", size):
        batch = encoded(tok, texts, size)
    with steps.step("decode and compare", size):
        same = comes_back(tok, batch, texts)
    if not same:
        raise Error("what decoding gave", "other bytes than were encoded", "the same: please report this")
    with steps.step(f"fit {ORDER}-grams"):
        lm, bits = fitted(batch, texts, tok.vocab_size)
    lines = ["", f"Sampled after {PROMPT!r} from the {ORDER}-gram model, top_k={TOP_K}:"]
    with steps.step("sample"):
        lines += list(samples(lm, tok))

    what = args.corpus or f"the source of Python {sys.version.split()[0]}'s standard library"
    print(f"{what}: {len(texts):,} texts, {size / 1e6:.1f} MB; {backend} backend, {os.cpu_count()} cores\n")
    print(steps.table())
    print("\nEvery byte came back.\n")
    print(table(["", "ids", "ids a byte", "bytes an id"], [ratios("a byte an id, as GPT-2 begins", size, size), ratios("trained here", len(batch.ids), size)]))
    print(f"\nThe {ORDER}-gram model needs {bits:.2f} bits a byte for texts that it was not fitted on (1 in {HELD_OUT}); knowing nothing would need 8.")
    print("\n".join(lines))
    print("\nLook at the temperature: 0 always takes the likeliest token, so it recites; 0.7 keeps to what is likely; 1.5 dares what seldom fits.")
    print(f"top_k={TOP_K} bounds all three: whatever the temperature, only the {TOP_K} likeliest tokens can be drawn.")
    return 0


def ratios(name: str, ids: int, size: int) -> list[str]:
    """Make a row of the table of sizes."""
    return [name, f"{ids:,}", f"{ids / size:.3f}", f"{size / ids:.2f}"]


@contextmanager
def shown(what: str, total: int, unit: str) -> Iterator[Any]:
    """Show a bar; gives the function that says how much is done."""
    from ..progress import bar

    with bar(None, what, total=total, unit=unit, unit_scale=True) as made:
        yield lambda done: made.update(done - made.n)


def saved_and_loaded(tok: "Tokenizer") -> "Tokenizer":
    """Save to a folder that goes away again, load, compare."""
    from tempfile import TemporaryDirectory

    from ..tokenizer import load

    with TemporaryDirectory() as folder:
        path = os.path.join(folder, "tokenizer.json")
        tok.save(path)
        loaded = load(path)
    if loaded != tok:
        raise Error("the tokenizer that was loaded", "another than was saved", "the same: please report this")
    return loaded


def encoded(tok: "Tokenizer", texts: list[bytes], size: int) -> "Batch":
    """Encode in groups of about 1 MB, so that the bar moves."""
    import numpy as np

    from ..batch import Batch

    ids, lengths, group, done, waiting = [], [], [], 0, 0
    with shown("encode", size, "B") as advance:
        for number, text in enumerate(texts, 1):
            group.append(text)
            waiting += len(text)
            if waiting >= 1_000_000 or number == len(texts):
                batch = tok.encode_batch(group)
                ids.append(batch.ids)
                lengths.append(np.diff(batch.offsets))
                done, waiting, group = done + waiting, 0, []
                advance(done)
    return Batch(np.concatenate(ids), np.concatenate(([0], np.cumsum(np.concatenate(lengths)))).astype(np.uint64))


def comes_back(tok: "Tokenizer", batch: "Batch", texts: list[bytes]) -> bool:
    """Say whether decoding gives every byte."""
    from ..progress import bar

    return all(tok.decode_bytes(ids) == text for ids, text in zip(bar(batch, "decode", unit=" texts"), texts, strict=True))


def fitted(batch: "Batch", texts: list[bytes], vocab_size: int) -> tuple["NGram", float]:
    """Fit the model on most texts; give also the bits a byte that it needs for the others."""
    import numpy as np

    from ..batch import Batch
    from ..ngram import NGram
    from ..probabilities import bits_per_byte

    held = np.arange(len(texts)) % HELD_OUT == 0
    lengths = np.diff(batch.offsets).astype(np.int64)

    def part(wanted: Any) -> Batch:
        return Batch(batch.ids[np.repeat(wanted, lengths)], np.concatenate(([0], np.cumsum(lengths[wanted]))).astype(np.uint64))

    asked = part(held)
    lm = NGram(ORDER).fit(part(~held), vocab_size, progress=True)
    nats = lm.cross_entropy(asked) * len(asked.ids)
    return lm, bits_per_byte(nats, sum(len(text) for text, out in zip(texts, held, strict=True) if out))


def samples(lm: "NGram", tok: "Tokenizer") -> Iterator[str]:
    """Sample from the same prompt at each temperature."""
    from ..generation import generate
    from ..sampling import Sampler

    for temperature in TEMPERATURES:
        text = PROMPT + "".join(generate(lm, PROMPT, tok, Sampler(temperature, top_k=TOP_K, seed=1), max_tokens=80))
        yield f"\ntemperature {temperature:g}"
        yield from (f"  | {line[:100]}".rstrip() for line in text.splitlines()[:8])
