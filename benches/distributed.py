"""What counting and encoding a terabyte on a cluster costs, extrapolated from files of this machine.

    python benches/distributed.py FILE...

For each file, on one core: CPU seconds to count a block (with the tables for the shuffle), to add the blocks' tables up, and to encode. Distinct pretokens
grow as a power of the text's size (Heaps' law): the power is that between a quarter of the file and the whole of it, and it is applied from the file to a
block of `BLOCK` and to `CORPUS`. The power falls as texts grow, so rows, shuffle and memory are upper bounds; reading and the network's own work aren't in it.
"""

import math
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa

import toklet
from toklet.cli.corpus import corpus
from toklet.distributed import add_up, count_block

BLOCK, CORPUS = 128e6, 1e12  # Ray's own target for a block; the terabyte
PATTERN, VOCAB_SIZE, PARTITIONS = "o200k", 100_000, 4


def table(texts: list[bytes]) -> pa.Table:
    """Make a block of a dataset."""
    return pa.table({"text": pa.array(texts, pa.binary())})


def counted(texts: list[bytes]) -> pa.Table:
    """Count texts as one block."""
    return count_block(table(texts), PATTERN, "text", PARTITIONS)


def timed(call: Callable[[], Any]) -> tuple[Any, float]:
    """Give what a call gives, and the CPU seconds that it takes: the median of three."""
    seconds = []
    for _ in range(3):
        started = time.process_time()
        result = call()
        seconds.append(time.process_time() - started)
    return result, sorted(seconds)[1]


def measure(path: str) -> dict[str, float]:
    """Measure one file, and extrapolate."""
    texts = corpus(path, None)
    size = sum(map(len, texts))
    quarter = texts[: len(texts) // 4]
    part = sum(map(len, quarter))
    small = counted(quarter)
    whole, seconds = timed(lambda: counted(texts))
    power = math.log(whole.num_rows / small.num_rows) / math.log(size / part)
    parts = pa.concat_tables([counted(texts[i::4]) for i in range(4)])
    _, adding = timed(lambda: add_up(parts))
    tok = toklet.count(texts, PATTERN).train(VOCAB_SIZE)
    batch, encoding = timed(lambda: tok.encode_batch(texts, threads=1))
    rows = whole.num_rows * (BLOCK / size) ** power
    row_bytes = whole.nbytes / whole.num_rows
    blocks, memory = CORPUS / BLOCK, peak(path)
    return {
        "MB": size / 1e6,
        "count MB/s": size / seconds / 1e6,
        "rows": whole.num_rows,
        "power": power,
        "bytes a row": row_bytes,
        "add up Mrows/s": parts.num_rows / adding / 1e6,
        "encode MB/s": size / encoding / 1e6,
        "peak MB over the text": memory,
        "128 MB block: Mrows": rows / 1e6,
        "128 MB block: task, MB": (BLOCK * 2 + (memory * 1e6 - size) * rows / whole.num_rows) / 1e6,
        "1 TB: count, core hours": CORPUS / (size / seconds) / 3600,
        "1 TB: add up, core hours": blocks * rows / (parts.num_rows / adding) / 3600,
        "1 TB: shuffle, GB": blocks * rows * row_bytes / 1e9,
        "1 TB: distinct, millions": whole.num_rows * (CORPUS / size) ** power / 1e6,
        "1 TB: encode, core hours": CORPUS / (size / encoding) / 3600,
        "1 TB: ids, billions": CORPUS / size * len(batch.ids) / 1e9,
    }


def peak(path: str) -> float:
    """Give by how many MB counting a file as one block raises a process's memory above that of its table: a copy of the texts, and the counts."""
    script = f"import sys; sys.path.insert(0, {sys.path[0]!r}); import distributed; print(distributed.alone({path!r}))"
    return float(subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout)


def alone(path: str) -> float:
    """Count a file as one block; Linux tells the peak since it was told to forget the last one."""
    made = table(corpus(path, None))
    Path("/proc/self/clear_refs").write_text("5")
    before = resident("VmRSS")
    count_block(made, PATTERN, "text", PARTITIONS)
    return (resident("VmHWM") - before) / 1e3


def resident(line: str) -> float:
    """Read a line of the process's own status, in KB."""
    return float(re.search(rf"{line}:\s+(\d+)", Path("/proc/self/status").read_text())[1])


def main() -> None:
    """Measure the files and print the figures side by side."""
    found = {path: measure(path) for path in sys.argv[1:]}
    print(" " * 30 + "".join(f"{path.rpartition('/')[2]:>20}" for path in found))
    for name in next(iter(found.values())):
        print(f"{name:30}" + "".join(f"{figures[name]:>20,.2f}" for figures in found.values()))


if __name__ == "__main__":
    main()
