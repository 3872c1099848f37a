"""An iterator that raises, a callback that raises, things that are no texts: the caller's own error comes out, no thread is left, and the next call works."""

import threading
from collections.abc import Iterator
from pathlib import Path

from run import Broken, holds, main, refused

import toklet

TEXTS = [f"the cat {i} sat on the mat {i * 7} " * 2_000 for i in range(300)]


class Ours(Exception):
    """What the caller raises."""


def raising(after: int, error: BaseException) -> Iterator[str]:
    """Give some texts, then raise."""
    yield from TEXTS[:after]
    raise error


def report(after: int) -> object:
    """Make a callback that raises at a call."""
    calls = []

    def told(done: int, total: int) -> None:
        calls.append(done)
        if len(calls) > after:
            raise Ours

    return told


def attack() -> str:
    """Raise at the beginning, in the middle, at the end."""
    tok = toklet.train(TEXTS[:20], 300)
    threads = len(list(Path("/proc/self/task").iterdir()))
    count = 0
    for after in (0, 1, 2, 299):
        for error in (Ours(), KeyboardInterrupt(), SystemExit(), MemoryError(), StopAsyncIteration(), GeneratorExit()):
            calls = [
                lambda after=after, error=error: toklet.train(raising(after, error), 300),
                lambda after=after, error=error: toklet.count(raising(after, error)),
                lambda after=after, error=error: tok.encode_batch(raising(after, error)),
                lambda after=after, error=error: tok.decode_batch([1] if text else [] for text in raising(after, error)),
            ]
            for call in calls:
                refused("an iterator that raises", call, type(error))
                count += 1
    for after in range(3):
        refused("a callback of count that raises", lambda after=after: toklet.count(TEXTS, progress=report(after)), Ours)
        refused("a callback of train that raises", lambda after=after: toklet.count(TEXTS).train(400, progress=report(0)), Ours)
        refused("a callback of files that raises", lambda: toklet.count_files([__file__] * 50, progress=report(0)), Ours)
        count += 3
    for item in (None, 5, ["a"], object(), "a\ud800", [[]]):
        refused(f"a text that is {item!r}", lambda item=item: toklet.train(["a", item], 300))
        refused(f"a text that is {item!r}", lambda item=item: tok.encode_batch(["a", item]))
        count += 2
    for texts in ("one text", b"one text", 5, None):
        refused(f"texts that are {texts!r}", lambda texts=texts: toklet.train(texts, 300))
        refused(f"texts that are {texts!r}", lambda texts=texts: tok.encode_batch(texts))
        count += 2

    def model(ids: object) -> object:
        raise Ours

    refused("a model that raises", lambda: list(toklet.generate(model, "a", tok, toklet.Sampler(seed=1))), Ours)
    left = len(list(Path("/proc/self/task").iterdir()))
    holds(left == threads and threading.active_count() == 1, f"{left - threads} threads are left")
    if toklet.train(TEXTS[:20], 300) != tok:
        raise Broken("the next call gives another tokenizer")
    return f"{count + 1} calls raise the caller's own error or a toklet.Error; no thread is left"


main(attack)
