"""Ctrl-C ends any long call, other threads go on meanwhile, and no thread outlives a call.

Times are of a machine that may be busy with other things. So each bound is held by the median of several tries, and no single one of them; the bounds are
those that are promised, with no slack.
"""

import json
import statistics
from typing import Any

import pytest

from .backends import child

PROLOGUE = """
import base64, itertools, json, os, random, signal, sys, tempfile, threading, time
import toklet
from pathlib import Path
from toklet.integrations.tiktoken import Encoding
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell starts what it runs in the background with SIGINT ignored
chance = random.Random(1)
words = ["".join(chance.choices("abcdefghijklmnopqrstuvwxyzé中", k=chance.randint(1, 12))) for _ in range(100_000)]
text = " ".join(chance.choices(words, k=800_000))
texts = [text[n : n + 2_000] for n in range(0, len(text), 2_000)]
small = toklet.train(texts[:100], 600)
counts, lines = toklet.count(texts), toklet.count(texts, "lines")
long = "".join(chance.choices("ab", k=2_000_000))
one_word = toklet.count([long * 2], "")
ids = small.encode(text)
twice, fourfold = text * 2, text * 4
listed = Encoding.from_toklet(small, "small")
folder = tempfile.TemporaryDirectory()
corpus, ranks, again = (Path(folder.name, name) for name in ("corpus.txt", "ranks.tiktoken", "again.tiktoken"))
corpus.write_text(fourfold, "utf-8")
tokens = [bytes([byte]) for byte in range(256)] + [chance.randbytes(60) for _ in range(200_000)]
lines_of_ranks = [base64.b64encode(token) + b" %d\\n" % rank for rank, token in enumerate(tokens)]
ranks.write_bytes(b"".join(lines_of_ranks))
again.write_bytes(b"".join(lines_of_ranks + lines_of_ranks[-1:]))
words_of_ours = toklet.Tokenizer.from_merges([], pattern="[a-zé中]{1,20}|[^a-zé中]")
far = toklet.Tokenizer.from_merges([], pattern=r"(?:(?=.{0,60}b)a?){16}c|a")  # no longer than what is otherwise not watched, and slow all the same

def refused(path):
    try:
        toklet.load(path, pattern="gpt2")
    except toklet.Error:
        pass

CALLS = {
    "train": lambda: counts.train(10_000),
    "train superwords": lambda: lines.train(6_000, superwords=4_000),
    "train on one word": lambda: one_word.train(4_000),
    "encode": lambda: small.encode(text),
    "encode_batch": lambda: small.encode_batch(texts),
    "encode of one pretoken": lambda: small.encode(long),
    "encode to a list": lambda: listed.encode_ordinary(twice),
    "encode to lists": lambda: listed.encode_ordinary_batch(texts * 2),
    "encode by a pattern of one's own": lambda: words_of_ours.encode(twice),
    "encode by a pattern that reads ahead": lambda: far.encode("ab" * 20_000),
    "encode_with_offsets": lambda: small.encode_with_offsets(twice),
    "truncate": lambda: small.truncate(twice, 10**6),
    "count": lambda: toklet.count(texts * 2),
    "count of one text": lambda: toklet.count([fourfold]),
    "count_files": lambda: toklet.count_files([corpus]),
    "load": lambda: toklet.load(ranks, pattern="gpt2"),
    "load what is refused": lambda: refused(again),
    "decode": lambda: small.decode(ids),
}
"""

INTERRUPTED = """
def interrupted(call):
    "Say how long after a SIGINT at a random moment of the call it ended, five times."
    began = time.perf_counter()
    call()
    whole = time.perf_counter() - began
    delays = []
    while len(delays) < 5:
        sent = []
        def send(after):
            time.sleep(after)
            sent.append(time.perf_counter())
            os.kill(os.getpid(), signal.SIGINT)
        sender = threading.Thread(target=send, args=(whole * chance.uniform(0.05, 0.6),))
        try:
            try:
                sender.start()
                call()
                sender.join()
            except KeyboardInterrupt:
                delays.append(time.perf_counter() - sent[0])
                sender.join()
        except KeyboardInterrupt:
            pass  # the call was over sooner than last time
    return delays

def state():
    return small.encode(texts[0]).tolist(), small.decode(ids[:99]), len(counts), counts.total, counts.train(270).merges

expected = state()
found = {name: interrupted(call) for name, call in CALLS.items() if name != "decode"}  # decoding is over too soon
assert state() == expected
print(json.dumps(found))
"""

SHARED = """
def shared(call):
    "Say how often another thread got its turn during the call, three times."
    turns = []
    for _ in range(3):
        taken, stop = [], threading.Event()
        def beat():
            while not stop.is_set():
                time.sleep(0.001)
                taken.append(1)
        watcher = threading.Thread(target=beat)
        watcher.start()
        before = len(taken)
        call()
        turns.append(len(taken) - before)
        stop.set()
        watcher.join()
    return turns

print(json.dumps({name: shared(call) for name, call in CALLS.items()}))
"""

THREADS = """
def tasks():
    return len(os.listdir("/proc/self/task"))

def watch():
    while not stop.is_set():
        most[0] = max(most[0], tasks())
        time.sleep(0.002)

before, most, after, stop = tasks(), [0], {}, threading.Event()
watcher = threading.Thread(target=watch)
watcher.start()
for name, call in CALLS.items():
    call()
    for _ in range(50):  # the system takes a moment to take a thread off its list
        after[name] = tasks() - 1
        if after[name] <= before:
            break
        time.sleep(0.001)
stop.set()
watcher.join()
print(json.dumps({"before": before, "most": most[0], "after": after}))
"""

LOOP = """
import os, signal, threading, toklet
signal.signal(signal.SIGINT, signal.default_int_handler)
tok = toklet.Tokenizer.from_merges([], pattern="gpt2")
threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
try:
    while True:
        tok.encode("short")
except KeyboardInterrupt:
    print("interrupted", tok.encode("ab").tolist())
"""


def run(toklet: Any, script: str) -> Any:
    done = child(toklet, PROLOGUE + script, timeout=300)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def medians(found: dict[str, list[float]]) -> dict[str, float]:
    return {name: statistics.median(seconds) for name, seconds in found.items()}


@pytest.mark.slow
def test_ctrl_c_ends_a_long_call_within_250_ms_and_leaves_objects_as_they_were(toklet: Any) -> None:
    found = medians(run(toklet, INTERRUPTED))
    assert {name: seconds for name, seconds in found.items() if seconds > 0.25} == {}


@pytest.mark.slow
def test_other_threads_run_during_a_call(toklet: Any) -> None:
    found = medians(run(toklet, SHARED))
    assert {name: turns for name, turns in found.items() if turns < 3} == {}  # a call that kept the interpreter would let none run


@pytest.mark.slow
def test_no_thread_outlives_a_call(toklet: Any) -> None:
    found = run(toklet, THREADS)
    assert set(found["after"].values()) == {found["before"]}, found
    assert found["most"] > found["before"] + 1, "the watcher saw no worker, so it would see none that stays"


@pytest.mark.slow
def test_ctrl_c_reaches_a_loop_of_short_calls(toklet: Any) -> None:
    assert child(toklet, LOOP).stdout == "interrupted [97, 98]\n"
