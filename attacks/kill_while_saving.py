"""kill -9 at a random moment of a save over an old file: the old file or the new one stands there, whole, every time."""

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from run import Broken, holds, main

import toklet

MAKE = """
import random, toklet
def make(n):
    draw = random.Random(n).randbytes
    tokens = [bytes([byte]) for byte in range(256)] + [draw(24) for _ in range(60_000)]
    return toklet.Tokenizer.from_ranks({token: id for id, token in enumerate(tokens)}, pattern="gpt2")
two = [make(0), make(1)]
"""
SAVE = """
import sys
print("ready", flush=True)
while True:
    for tok in two:
        tok.save(sys.argv[1])
"""
KILLS = 20


def attack() -> str:
    """Kill, load, look at what is left."""
    made: dict[str, list[toklet.Tokenizer]] = {}
    exec(MAKE, made)
    draw, seen = random.Random(1), set()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "ranks.tiktoken")
        for turn in range(KILLS):
            child = subprocess.Popen([sys.executable, "-c", MAKE + SAVE, str(path)], stdout=subprocess.PIPE)
            assert child.stdout is not None
            child.stdout.readline()
            while not path.exists():
                time.sleep(0.001)
            time.sleep(draw.random() * 0.2)
            os.kill(child.pid, signal.SIGKILL)
            child.communicate()
            try:
                loaded = toklet.load(path, pattern="gpt2")
            except toklet.Error as error:
                raise Broken(f"after {turn + 1} kills the file can't be loaded: {error}") from None
            holds(loaded in made["two"], f"after {turn + 1} kills another tokenizer is loaded")
            seen.add(made["two"].index(loaded))
        left = len(os.listdir(folder)) - 1
    return f"{KILLS} kills: a whole file each time, {len(seen)} of the 2 seen; {left} temporary files left lying"


main(attack)
