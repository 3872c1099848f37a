"""How the work of counting and training grows with the corpus, in instructions: n log n at most, whatever the corpus is.

    python benches/growth.py [MEGABYTES]

Needs valgrind. Each corpus is made in three sizes, each four times the one before, up to MEGABYTES (10); for each, a process counts and trains on one
thread under callgrind. What is told is instructions for each byte, without those of a corpus of one word, and the exponent of growth between the last two
sizes: 1 is linear, and n log n is about 1.07 here. It ends with 1 if one is over `MOST`.
"""

import math
import os
import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from itertools import count

MOST = 1.15
VOCAB_SIZE = 512
LETTERS = "abcdefghijklmnopqrstuvwxyz"
PROGRAM = """
import sys, toklet
toklet.train(open(sys.argv[1]).read().split("\\n"), VOCAB_SIZE, pattern=sys.argv[2], threads=1)
""".replace("VOCAB_SIZE", str(VOCAB_SIZE))

Corpus = tuple[list[str], str]


def letters(size: int) -> str:
    """Make one word of random letters."""
    return "".join(random.Random(1).choices(LETTERS, k=size))


def longer_and_longer(size: int) -> list[str]:
    """Make words of one character more each, all beginnings of one text."""
    text = letters(math.isqrt(2 * size))
    return [text[:length] for length in range(1, len(text) + 1)]


def distinct(size: int) -> list[str]:
    """Make words of nine letters or so that are all different: a million in 9 MB."""
    words, room = [], size
    for number in count(26**6, 26**3 + 7):
        words.append(letters_of(number))
        room -= len(words[-1])
        if room < 0:
            return words
    return words


def letters_of(number: int) -> str:
    """Write a number in letters."""
    return (letters_of(number // 26) if number >= 26 else "") + LETTERS[number % 26]


CORPORA: dict[str, Callable[[int], Corpus]] = {
    "one word of random letters": lambda size: ([letters(size)], ""),
    "one word of four letters": lambda size: (["".join(random.Random(1).choices("ACGT", k=size))], ""),
    "all-equal bytes": lambda size: (["a" * size], ""),
    "words that are all different": lambda size: (distinct(size), "gpt2"),
    "words of one character more each": lambda size: (longer_and_longer(size), "gpt2"),
    "lines of spaces": lambda size: ([" " * size], "gpt2"),
}


def instructions(corpus: Corpus) -> int:
    """Count and train under callgrind; starting Python and reading is in it."""
    texts, pattern = corpus
    with tempfile.NamedTemporaryFile("w") as file:
        file.write("\n".join(texts))
        file.flush()
        command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", sys.executable, "-c", PROGRAM, file.name, pattern]
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | {"PYTHONHASHSEED": "0"})
    return int(re.findall(r"Collected : (\d+)", done.stderr)[0])


def main() -> int:
    """Measure and tell."""
    most = round(float(sys.argv[1]) * 1e6) if len(sys.argv) > 1 else 10_000_000
    sizes = [most // 16, most // 4, most]
    print(f"{'corpus':36}" + "".join(f"{size / 1e6:>9.2f} MB" for size in sizes) + "   growth")
    failed = False
    for name, make in CORPORA.items():
        nothing = instructions((["a"], make(1)[1]))
        found = [instructions(make(size)) - nothing for size in sizes]
        growth = math.log(found[2] / found[1], sizes[2] / sizes[1])
        failed |= growth > MOST
        print(f"{name:36}" + "".join(f"{cost / size:>12.0f}" for cost, size in zip(found, sizes, strict=True)) + f"   n^{growth:.2f}", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
