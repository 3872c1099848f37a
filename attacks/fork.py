"""fork after parallel work, and while another thread does it: the child can do the same work, and its ids are the parent's."""

import os
import signal
import threading
import time

from run import holds, main

import toklet

TEXTS = ["the cat sat on the mat; é, 字, 12345 " * 2_000] * 16
FORKS = 20


def child_ends_well(tok: toklet.Tokenizer, expected: list[int]) -> bool:
    """Fork, and do the work in the child; an alarm ends it if it hangs."""
    pid = os.fork()
    if pid == 0:
        signal.alarm(20)
        os._exit(0 if tok.encode_batch(TEXTS).ids.tolist() == expected and len(toklet.count(TEXTS)) > 0 else 1)
    return os.waitpid(pid, 0)[1] == 0


def attack() -> str:
    """Fork at quiet and at busy times."""
    tok = toklet.train(TEXTS[:1], 300, pattern="cl100k")
    expected = tok.encode_batch(TEXTS).ids.tolist()
    for turn in range(FORKS):
        holds(child_ends_well(tok, expected), f"fork {turn} after a parallel call: the child hangs or errs")
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            tok.encode_batch(TEXTS)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for turn in range(FORKS):
            time.sleep(0.003 * turn)
            holds(child_ends_well(tok, expected), f"fork {turn} during a parallel call: the child hangs or errs")
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    return f"{FORKS} forks after a parallel call and {FORKS} during one: every child gives the same ids"


main(attack)
