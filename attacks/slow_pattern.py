"""A tokenizer.json whose regular expression is dear at every letter, but never so dear that it gives up: 100 KB of text end in 20 s, one way or another.

The limit of the engine counts for one match, so a text of n letters may cost n times that limit; and a file may come from anyone.
"""

import json
import tempfile
from pathlib import Path

from run import Broken, holds, in_child, main

import toklet

ENCODE = """
import sys, toklet
try:
    print(len(toklet.load(sys.argv[1]).encode("a" * 100_000)))
except toklet.Error as error:
    print(error)
"""


def attack() -> str:
    """Load it and encode innocent text."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "tokenizer.json")
        toklet.Tokenizer.from_merges([], pattern="o200k").save(path)
        file = json.loads(path.read_bytes())
        file["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"] = r"(?:a?){16}(?!.)(?=b)|a"
        path.write_text(json.dumps(file))
        try:
            ran = in_child(ENCODE, path, timeout=20)
        except Exception:
            raise Broken("100 KB of letters are not encoded after 20 s, and nothing has given up") from None
    holds(ran.returncode == 0, f"ended with {ran.returncode}: {ran.stderr[-80:]}")
    return ran.stdout.strip()[:100]


main(attack)
