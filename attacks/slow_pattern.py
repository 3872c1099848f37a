"""A tokenizer.json whose regular expression is dear at every letter, but never so dear that it gives up: 100 KB of text take at most 5 s, one way or another.

The limit of the engine counts for one match, so a text of n letters may cost n times that limit; and what a match reads ahead the engine doesn't count at all,
so that it may read to the end of the text for each letter, in an automaton of thousands of states, all of them alive. A file may come from anyone.
"""

import json
import tempfile
from pathlib import Path

from run import Broken, holds, in_child, main

import toklet

PATTERNS = [
    r"(?:a?){16}(?!.)(?=b)|a",
    r"a(?=.*b)|a",
    r"\w+?(?!.*x)",
    r"a.*b|a",
    r"(?>a+)b|a",
    r"(?:a(?=(a+)+b))+|a",
    r"(a+)b\1|a",
    r"a(?<=^.*)|a",
    r"a(?=.{0,9000}b)|a",
    r"a(?=.{0,3000}b)|a",
    r"a(?=(?:a|aa|aaa){0,500}b)|a",  # as many states as letters, each of them come by three times
    r"a(?=((?:a|aa|aaa){0,500})b)|a",  # and what it takes is asked for
    r"a(?=[ab]*a[ab]{1000}c)|a",  # a new state for each letter
    r"(?=(?:a{0,50}){0,50}b)a|a",
    r"a(?![^b]{0,2000}b)",
    r"(?:a(?=.*))+",  # a loop that never goes back, and reads to the end each time
    r"(?:(?:a(?=.*))+c?)+b|a",
    r"(?>(?:a(?=a))+)b|a",
    r"(?:(?=.{0,60}b)a?){16}c|a",
    r"a(?<=^[ab]*a[ab]{100})|a",
    r"\w+(?=!)|.",
    r"(?~b)c|a",
    r"[ab](?=(?:[ab]{0,7}a|b[ab]{0,5}|[ab]{3}){0,30}c)|[ab]",  # never reads far, but in hundreds of states
    r"[ab](?=[ab]{0,100}(?:a[ab]{60}|b[ab]{61}|aa[ab]{59}|bb[ab]{58}|ab[ab]{70}|ba[ab]{71}|aba[ab]{90})c)|[ab]",
    r"[ab](?=(?:[ab]{0,7}a|b[ab]{0,5}|[ab]{3}){0,30}c)",
]
SECONDS = 5  # of the processor, for each text
ENCODE = """
import random, sys, time, toklet
chance = "".join(random.Random(1).choices("ab", k=100_000))
blocks = "x".join(chance[at : at + 255] for at in range(0, len(chance), 255))
tok, worst = toklet.load(sys.argv[1]), 0
for text in ("a" * 100_000, "a" * 99_999 + "b", "ab" * 50_000, chance, blocks):
    began = time.process_time()
    try:
        said = len(tok.encode(text))
    except toklet.Error as error:
        said = error
    worst = max(worst, time.process_time() - began)
print(worst, said)
"""


def attack() -> str:
    """Load it and encode innocent text."""
    worst, said = 0.0, ""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "tokenizer.json")
        toklet.Tokenizer.from_merges([], pattern="o200k").save(path)
        file = json.loads(path.read_bytes())
        for pattern in PATTERNS:
            file["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"] = pattern
            path.write_text(json.dumps(file))
            try:
                ran = in_child(ENCODE, path, timeout=60)
            except Exception:
                raise Broken(f"100 KB of letters are not encoded by {pattern} after 60 s, and nothing has given up") from None
            holds(ran.returncode == 0, f"{pattern} ended with {ran.returncode}: {ran.stderr[-80:]}")
            took, _, said = ran.stdout.strip().partition(" ")
            holds(float(took) < SECONDS, f"100 KB of letters take {pattern} {took} s of the processor")
            worst = max(worst, float(took))
    return f"{len(PATTERNS)} patterns, at most {worst:.1f} s; the last: {said[:80]}"


main(attack)
