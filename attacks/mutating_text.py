"""A bytearray, a list and an array of logits that another thread changes while they are worked on: some state of them is taken, and nothing breaks."""

import sys
import threading
import time

import numpy as np
from run import holds, main

import toklet

SECONDS = 6


def attack() -> str:
    """Change them as fast as possible."""
    sys.setswitchinterval(1e-5)
    tok = toklet.train(["aaa bbb ab é " * 99], 270, pattern="cl100k")
    sampler, stop, calls = toklet.Sampler(seed=1), threading.Event(), 0
    text, texts, logits = bytearray(b"a" * 300_000), ["a" * 9_000] * 200, np.zeros(50_000, np.float32)

    def change() -> None:
        turn = 0
        while not stop.is_set():
            turn += 1
            try:
                text[:] = (b"b", b"\xff", "é".encode(), b"a ")[turn % 4] * (50_000 + turn * 7_919 % 100_000)
                texts[:] = ["b" * (turn % 999)] * (turn % 300)
            except BufferError:  # the text is being copied, and can't change its length
                pass
            logits[turn % 50_000] = float(turn % 9)

    thread = threading.Thread(target=change)
    thread.start()
    try:
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            ids = tok.encode(text)
            holds(set(tok.decode_bytes(ids)) <= set(b"ab \xff" + "é".encode()), "encode reads what was never in the text")
            ids, offsets = tok.encode_with_offsets(text, unit="bytes")
            holds(len(ids) == 0 or offsets[-1, 1] == len(tok.decode_bytes(ids)), "the offsets belong to another text than the ids")
            batch = tok.encode_batch(texts)
            holds(set("".join(tok.decode_batch(batch))) <= {"a", "b"}, "encode_batch reads what was never in the texts")
            holds(len(toklet.count([text], "gpt2")) < 100_000, "count reads what was never in the text")
            tok.truncate(text, 100)
            holds(0 <= sampler.sample(logits, position=calls) < 50_000, "an id outside the row is drawn")
            calls += 6
    finally:
        stop.set()
        thread.join()
    return f"{calls} calls in {SECONDS} s on texts, lists and logits that change under them"


main(attack)
