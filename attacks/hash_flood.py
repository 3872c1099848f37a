"""Words that an unkeyed hash can't tell apart are counted about as fast as random ones, and twice as many take about twice as long."""

import random
import struct

from run import holds, main, seconds

import toklet

SEED = struct.pack("<Q", 0x243F6A8885A308D3)  # see file_flood.py
PATTERN = r"[\s\S]+"  # the whole text is one word


def words(count: int, beginning: bytes) -> list[bytes]:
    """Give distinct words of 16 bytes with one beginning."""
    draw = random.Random(1).randbytes
    return [beginning + draw(16 - len(beginning)) for _ in range(count)]


def attack() -> str:
    """Count both kinds."""
    took = {}
    for name, beginning in (("random", b""), ("colliding", SEED)):
        for count in (100_000, 200_000):
            # as a ready table, since the pattern of a text would cut words that are not UTF-8
            table = dict.fromkeys(words(count, beginning), 1)
            took[name, count] = min(seconds(lambda table=table: toklet.WordCounts(table, PATTERN)) for _ in range(3))
    texts = [f"w{i:x} " for i in range(200_000)]
    growth = seconds(lambda: toklet.count(texts)) / max(seconds(lambda: toklet.count(texts[::2])), 1e-3)
    ratio, doubled = took["colliding", 200_000] / took["random", 200_000], took["colliding", 200_000] / took["colliding", 100_000]
    holds(
        ratio < 3 and doubled < 4 and growth < 6, f"colliding words take {ratio:.1f} times as long; twice as many {doubled:.1f} and {growth:.1f} times as long"
    )
    return f"200,000 colliding words take {ratio:.1f} times as long as random ones; twice as many words {doubled:.1f} and {growth:.1f} times as long"


main(attack)
