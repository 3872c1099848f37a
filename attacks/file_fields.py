"""A tokenizer.json with a wrong value in one field, each field and each value in turn: refused, or it loads and obeys the laws."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from run import changed, holds, main

import toklet

WRONG: list[Any] = [None, True, -1, 2**20, 2**32, 2**64, 1.5, 1e300, "x", "\0", [], [[]], [None], {}, {"": 0}, {"type": 7}]
NEVER_READ = {"version", "decoder", "trim_offsets", "special", "normalized", "fuse_unk"}  # by toklet: what decoding does follows from the rest


def fields(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Give the place of each field of a file, but of the vocabulary only some."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in list(inside)[:40]:
        if key not in NEVER_READ:
            yield (*place, key)
            yield from fields(item, (*place, key))


def attack() -> str:
    """Load them all."""
    with tempfile.TemporaryDirectory() as folder:
        path, count = Path(folder, "tokenizer.json"), 0
        toklet.Tokenizer.from_merges([(b"a", b"b"), (b"ab", b"c")], pattern="o200k", special_tokens=["<|end|>"]).save(path)
        file = json.loads(path.read_bytes())
        for place in fields(file):
            for value in WRONG:
                path.write_text(json.dumps(changed(file, place, value)))
                try:
                    tok = toklet.load(path)
                except toklet.Error:
                    pass
                else:
                    holds(tok.decode(tok.encode("abc abd é")) == "abc abd é", f"{place} = {value!r} loads, and its text does not come back")
                count += 1
    return f"{count} files are refused, or load and obey the laws"


main(attack)
