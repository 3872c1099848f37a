"""How the work of encoding grows with the text, in instructions: twice the text takes twice the work, whatever the text is.

    python benches/doubling.py [KILOBYTES] [PATTERN ...]

Needs valgrind. Each of 24 hostile texts is encoded at three sizes up to KILOBYTES (400), each twice the one before, under callgrind, with a vocabulary that
was learnt from all of them. What is told is instructions for each character, and the worst growth for a doubling. It ends with 1 if one is over `MOST`:
n log n is 2.12 here.
"""

import math
import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

import toklet

MOST = 2.15
PATTERNS = ("cl100k", "o200k", "deepseek_v3")
LETTERS = "abcdefghijklmnopqrstuvwxyz"
MARK = "getppid"  # a call that does nothing: callgrind writes down what it has counted, and begins again
PROGRAM = f"""
import os, sys, toklet
toklet.load(sys.argv[1]).encode("what is done at a first call is done here")
for path in sys.argv[2:]:
    tok, text = toklet.load(sys.argv[1]), open(path, 'rb').read()
    os.{MARK}()
    tok.encode(text)
    os.{MARK}()
"""


def drawn(alphabet: str, size: int) -> str:
    """Draw letters."""
    return "".join(random.Random(1).choices(alphabet, k=size))


def words(size: int) -> str:
    """Draw words of one to twelve letters, with a space before each."""
    some, text = random.Random(2), drawn(LETTERS, size)
    return "".join(" " + text[at : at + some.randint(1, 12)] for at in range(0, size, 7))


def texts(size: int) -> dict[str, str | bytes]:
    """Make the texts, of so many characters or a few less."""
    every = bytes(range(256)) * (size // 256)
    return {
        "one letter": "a" * size,
        "two letters in turn": "ab" * (size // 2),
        "random letters": drawn(LETTERS, size),
        "four random letters": drawn("ACGT", size),
        "longer and longer runs": "b".join("a" * n for n in range(1, math.isqrt(2 * size) + 1))[:size],
        "words nobody has seen": words(size),
        "alternating case": "aA" * (size // 2),
        "upper case without end": "ª" + "A" * size,
        "spaces and a letter": " " * size + "a",
        "spaces and line breaks": " \n \r\n" * (size // 5),
        "line breaks": "\n" * size,
        "line breaks and one space": "\n " * (size // 2),
        "random white space": drawn(" \t\n\r\u00a0\u3000", size),
        "digits": "1" * size,
        "quotes": "'" * size,
        "contractions": "'ll" * (size // 3),
        "slashes and line breaks": "!/\n" * (size // 3),
        "marks": "\u0301" * size,
        "Han": drawn("中文字符编码语言模型", size),
        "kana and signs": drawn("あア・゛゠\u3040", size),
        "controls": "\x01" * size + "a",
        "emoji and joiners": "👩‍👩‍👧" * (size // 5),
        "broken UTF-8": b"\xe2\x82" * (size // 2),
        "every byte": every + b"\xff",
    }


def learnt(pattern: str, path: Path) -> None:
    """Learn a vocabulary from a little of each text."""
    toklet.train(texts(2_000).values(), 2_000, pattern=pattern).save(path)


def instructions(pattern: str, made: Iterable[str | bytes]) -> list[int]:
    """Encode texts under callgrind, each with a tokenizer that has seen nothing."""
    with tempfile.TemporaryDirectory() as name:
        folder, paths = Path(name), []
        learnt(pattern, folder / "tokenizer.json")
        for number, text in enumerate(made):
            paths.append(folder / str(number))
            paths[-1].write_bytes(text if isinstance(text, bytes) else text.encode())
        valgrind = ["valgrind", "--tool=callgrind", f"--dump-before={MARK}", f"--callgrind-out-file={folder / 'counted'}"]
        subprocess.run([*valgrind, sys.executable, "-c", PROGRAM, folder / "tokenizer.json", *paths], capture_output=True, check=True)
        counted = [folder / f"counted.{2 * number + 2}" for number in range(len(paths))]
        return [int(re.findall(r"totals: (\d+)", path.read_text())[0]) for path in counted]


def main(most: int, patterns: Iterable[str]) -> int:
    """Measure and tell."""
    sizes, failed = [most // 4, most // 2, most], False
    made = [texts(size) for size in sizes]
    print(f"{'pattern':12} {'text':28}" + "".join(f"{size / 1e3:>9.0f} KB" for size in sizes) + "   a doubling")
    for pattern in patterns:
        counted = iter(instructions(pattern, [some[name] for name in made[0] for some in made]))
        for name, found in zip(made[0], zip(counted, counted, counted, strict=True), strict=True):
            growth = max(found[1] / found[0], found[2] / found[1])
            failed |= growth > MOST
            told = "".join(f"{cost / size:>12.0f}" for cost, size in zip(found, sizes, strict=True))
            print(f"{pattern:12} {name:28}{told}   {growth:.3f}{'  OVER' if growth > MOST else ''}", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main(1000 * int(sys.argv[1]) if len(sys.argv) > 1 else 400_000, sys.argv[2:] or PATTERNS))
