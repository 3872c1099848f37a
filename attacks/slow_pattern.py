"""A tokenizer.json whose regular expression is dear at every letter, but never so dear that it gives up: 100 KB of text end in 20 s, one way or another.

The limit of the engine counts for one match, so a text of n letters may cost n times that limit; and what a match reads ahead the engine doesn't count at all,
so that it may read to the end of the text for each letter. A file may come from anyone.
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
]
ENCODE = """
import sys, toklet
try:
    print(len(toklet.load(sys.argv[1]).encode("a" * 100_000)))
except toklet.Error as error:
    print(error)
"""


def attack() -> str:
    """Load it and encode innocent text."""
    said = ""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "tokenizer.json")
        toklet.Tokenizer.from_merges([], pattern="o200k").save(path)
        file = json.loads(path.read_bytes())
        for pattern in PATTERNS:
            file["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"] = pattern
            path.write_text(json.dumps(file))
            try:
                ran = in_child(ENCODE, path, timeout=20)
            except Exception:
                raise Broken(f"100 KB of letters are not encoded by {pattern} after 20 s, and nothing has given up") from None
            holds(ran.returncode == 0, f"{pattern} ended with {ran.returncode}: {ran.stderr[-80:]}")
            said = ran.stdout.strip()
    return f"{len(PATTERNS)} patterns; the last: {said[:100]}"


main(attack)
