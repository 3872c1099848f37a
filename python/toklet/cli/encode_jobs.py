"""What one process measures for `toklet bench encode`: one contender at one task. A job comes in as JSON on standard input, figures go out as JSON.

A process of its own for each, because caches, of the machine and of the contender, make the second look at a text another thing than the first. It is bound
to one core, and what is told is CPU time, of all its threads. Strings are made anew before they are timed: CPython keeps the UTF-8 of one that was asked for
it. A figure is (seconds, amount, digest of the result): who gives another result than toklet has no time.
"""

import gc
import hashlib
import importlib
import json
import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from itertools import chain
from statistics import median
from typing import Any

import numpy as np

from .encoders import CONTENDERS, Encoder, Files, flat

WARM, UNSEEN = 38_000_000, 28_000_000  # bytes, at most: a quarter of a corpus is kept unseen where it is smaller than both
PATIENCE = 2.0  # seconds: what has taken longer isn't repeated
SHORT = (20, 200)  # characters
CALLS = 2_000
PIECE = 1_000_000  # characters
Figures = dict[str, tuple[float, float, str]]


def timed(call: Callable[[], Any], clock: Callable[[], float] = time.process_time) -> tuple[float, Any]:
    """Give the seconds that a call takes, and its result. The garbage collector waits."""
    gc.collect()
    gc.disable()
    started = clock()
    result = call()
    seconds = clock() - started
    gc.enable()
    return seconds, result


def repeated(make: Callable[[], Callable[[], Any]], most: int = 5) -> tuple[float, Any]:
    """Give the median seconds of several calls, each on what `make` has prepared, and the last result."""
    times: list[float] = []
    while len(times) < most and sum(times) < PATIENCE:
        seconds, result = timed(make())
        times.append(seconds)
    return median(times), result


def digest(result: Any) -> str:
    """Give a hash of ids, bytes or text."""
    data = result.encode() if isinstance(result, str) else result if isinstance(result, bytes) else flat(result).tobytes()
    return hashlib.sha256(data).hexdigest()[:16]


def documents(data: bytes) -> list[bytes]:
    """Cut text into documents of 1 to 4 KB, behind line breaks where there are some, and shuffle them; always in the same way."""
    rng, start, cut = random.Random(0), 0, []
    while start < len(data):
        end = start + rng.randint(1_024, 4_096)
        end = data.rfind(b"\n", start + 1_024, end) + 1 or end
        while end < len(data) and data[end] & 0xC0 == 0x80:
            end -= 1
        cut.append(data[start:end])
        start = end
    rng.shuffle(cut)
    return cut


def load(files: Files, contender: str) -> Figures:
    """Load the vocabulary, and encode one word, because some load when they are first used."""
    seconds, made = timed(lambda: (tok := CONTENDERS[contender](files)).text(" word") and tok)
    return {"load": (seconds, 1, digest(made.text(" word")))}


def first(made: Encoder, data: bytes) -> Figures:
    """Encode the beginning of a corpus, as one text: for the first time, again, to a list; and decode its ids."""
    text, amount = data.decode(), len(data) / 1e6

    def whole() -> Callable[[], Any]:
        taken = data if made.takes is bytes else (text + " ")[:-1]
        return lambda: made.whole(taken)

    def listed() -> Callable[[], Any]:
        fresh = (text + " ")[:-1]
        return lambda: made.text(fresh)

    found: Figures = {}
    seconds, ids = timed(whole())
    found["first"] = (seconds, amount, digest(ids))
    seconds, ids = repeated(whole)
    found["again"] = (seconds, amount, digest(ids))
    array = flat(ids)
    seconds, ids = repeated(listed)
    found["list"] = (seconds, amount, digest(ids))
    numbers = array.tolist()
    for name, call, taken in (("bytes", made.to_bytes, array if made.ids is np.ndarray else numbers), ("str", made.to_str, numbers)):
        if call is not None:
            seconds, result = repeated(lambda call=call, taken=taken: lambda: call(taken))  # type: ignore[misc]
            found[name] = (seconds, amount, digest(result))
    return found


def unseen(made: Encoder, data: bytes) -> Figures:
    """Encode documents that nobody has seen, after others of the same corpus."""
    cut = documents(data)
    share = max(1, len(cut) * min(UNSEEN, len(data) // 4) // len(data))
    seen, new = cut[:-share], cut[-share:]
    seen = seen[: WARM * len(seen) // max(WARM, sum(map(len, seen)))]
    made.batch([document.decode() for document in seen])
    texts = [document.decode() for document in new]
    seconds, ids = timed(lambda: made.batch(texts))
    return {"unseen": (seconds, sum(map(len, new)) / 1e6, digest(ids))}


def short(made: Encoder, data: bytes) -> Figures:
    """Encode pieces of a few characters, a call each, to lists."""
    text, found = data[: 4 * CALLS * max(SHORT)].decode("utf-8", "ignore"), {}
    for size in SHORT:

        def calls(size: int = size) -> Callable[[], Any]:
            pieces = [text[i * size : (i + 1) * size] for i in range(min(CALLS, len(text) // size))]
            return lambda: [made.text(piece) for piece in pieces]

        seconds, ids = repeated(calls, most=9)
        found[f"short {size}"] = (seconds, float(len(ids)), digest(list(chain.from_iterable(ids))))
    return found


def generators() -> Iterator[tuple[str, str]]:
    """Give texts that are one pretoken, or nearly: what is hard for some algorithm."""
    rng = random.Random(0)

    def some(letters: str, size: int = PIECE) -> str:
        return "".join(rng.choices(letters, k=size))

    yield "a", "a" * PIECE
    yield "spaces", " " * PIECE
    yield "newlines", "\n" * PIECE
    yield "white space", some(" \t\n")
    yield "one Chinese character", "中" * (PIECE // 3)
    yield "Chinese", some("".join(map(chr, range(0x4E00, 0x6E00))), PIECE // 3)
    yield "Latin letters", some("".join(map(chr, range(0xC0, 0x180))), PIECE // 2)
    yield "base64", some("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
    yield "DNA", some("acgt")
    yield "digits", some("0123456789")
    yield "punctuation", some("!#$%&()*+,-./:;<=>?@[]^_{|}~")
    yield "abab", "ab" * (PIECE // 2)
    yield "camels", "aA" * (PIECE // 2)
    yield "emoji", "\U0001f469\u200d\U0001f469\u200d\U0001f467" * (PIECE // 18)
    yield "marks", "e\u0301\u0302\u0303" * (PIECE // 7)
    yield "small letters", some("etaoinshrdlucmfwypvbgkqjxz")


def pieces(made: Encoder) -> Figures:
    """Encode a megabyte without a border in it; once, because some keep what they have seen."""
    found: Figures = {}
    for name, text in generators():
        taken = text.encode() if made.takes is bytes else text
        seconds, ids = timed(lambda taken=taken: made.whole(taken))  # type: ignore[misc]
        found[f"piece {name}"] = (seconds, 1, digest(ids))
    return found


def threads(files: Files, data: bytes) -> Figures:
    """Encode a batch by one thread and by two: wall time, the best of five, because others may have needed the cores.

    Each result is let go before the next: on a virtual machine memory that nobody has ever touched can cost nearly as much as encoding.
    """
    from .encoders import toklet

    texts, found = [document.decode() for document in documents(data)], {}
    for number in (1, 2):
        made = toklet(files, number)
        right = digest(made.batch(texts))
        times = [timed(lambda made=made: made.batch(texts), time.perf_counter)[0] for _ in range(5)]  # type: ignore[misc]
        found[f"threads {number}"] = (min(times), len(data) / 1e6, right)
    return found


def main() -> None:
    """Do the job on standard input."""
    job = json.load(sys.stdin)
    files, contender, task, size = Files(**job["files"]), job["contender"], job["task"], int(job["bytes"])
    importlib.import_module("toklet.tokenizer" if contender == "toklet" else contender)
    if task != "threads" and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    with open(job["corpus"], "rb") as file:
        data = file.read() if task == "unseen" else file.read(size)
    data = data.decode("utf-8", "ignore").encode()
    if task == "load":
        found = load(files, contender)
    elif task == "threads":
        found = threads(files, data)
    else:
        made = CONTENDERS[contender](files)
        found = pieces(made) if task == "pieces" else {"first": first, "unseen": unseen, "short": short}[task](made, data)
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
