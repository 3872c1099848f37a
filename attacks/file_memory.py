"""A small file that asks for much memory or time: at most 64 MB and 40 times the file's size, never over 256 MB, and 5 s to load or to refuse it."""

import base64
import json
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

from run import holds, in_child, main

import toklet

LOAD = """
import resource, sys, time, toklet
base, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
try:
    toklet.load(sys.argv[1], pattern="gpt2" if sys.argv[1].endswith("tiktoken") else None)
except toklet.Error:
    pass
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - base) // 1024, time.process_time() - start)
"""


def hostile(good: bytes) -> Iterator[tuple[str, str, bytes]]:
    """Give names, endings and files."""
    for item in ('{"":0}', "[]", "1", '""'):
        yield f"a list of {item}", "json", ("[" + ",".join([item] * (8_000_000 // (len(item) + 1))) + "]").encode()
    ranks = [bytes([byte]) for byte in range(256)]
    line = b"%s %d\n"
    yield "every a^n", "tiktoken", b"".join(line % (base64.b64encode(token), id) for id, token in enumerate(ranks + [b"a" * n for n in range(2, 4_097)]))
    draw = random.Random(1)
    tokens = ranks + [draw.randbytes(4_096) for _ in range(2_000)]
    yield "2,000 tokens of 4,096 bytes", "tiktoken", b"".join(line % (base64.b64encode(token), id) for id, token in enumerate(tokens))
    file = json.loads(good)
    letters = [chr(code) for code in [*range(0x20, 0x800, 3), *range(0x800, 0xD800, 99), *range(0x10000, 0x110000, 999)]]
    names = ["".join(draw.choices(letters, k=1_200)) for _ in range(100)]
    yield (
        "100 special tokens of 4 KB",
        "json",
        json.dumps(file | {"added_tokens": [{"id": 256 + i, "content": name, "special": True} for i, name in enumerate(names)]}).encode(),
    )
    looks = "|".join(rf"(?<=\p{{L}}{{{100 + i}}}\pN)" for i in range(60))
    file["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"] = looks
    yield "a pattern of 2 KB", "json", json.dumps(file).encode()


def attack() -> str:
    """Load each in a process of its own."""
    wrong, worst = [], 0.0
    with tempfile.TemporaryDirectory() as folder:
        good = Path(folder, "good.json")
        toklet.Tokenizer.from_merges([], pattern="o200k").save(good)
        for name, ending, data in hostile(good.read_bytes()):
            path = Path(folder, f"hostile.{ending}")
            path.write_bytes(data)
            ran = in_child(LOAD, path)
            if ran.returncode:
                wrong.append(f"{name} ({len(data) / 1e6:.1f} MB): ended with {ran.returncode}")
                continue
            megabytes, took = map(float, ran.stdout.split())
            worst = max(worst, megabytes)
            if megabytes > min(256, 64 + 40 * len(data) / 1e6) or took > 5:
                wrong.append(f"{name} ({len(data) / 1e6:.1f} MB): {megabytes:.0f} MB and {took:.1f} s")
    holds(not wrong, "; ".join(wrong))
    return f"the largest peak was {worst:.0f} MB"


main(attack)
