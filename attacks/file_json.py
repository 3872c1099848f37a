"""A tokenizer.json that is damaged or lies: refused by an error of toklet's own within a second, whatever is wrong with it."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

from run import changed, holds, main, refused, seconds

import toklet


def hostile(good: bytes) -> Iterator[tuple[str, bytes]]:
    """Give names and files, all of which must be refused."""
    file = json.loads(good)
    vocab, merges = file["model"]["vocab"], file["model"]["merges"]
    yield from ((f"cut at {i}/50", good[: len(good) * i // 50]) for i in range(50))
    for opened, closed in (("[", "]"), ('{"a":', "}"), ('{"model":', "}"), ("[[],", "]")):
        yield f"100,000 x {opened}", (opened * 100_000 + "0" + closed * 100_000).encode()
        yield f"100,000 x {opened}, never closed", (opened * 100_000).encode()
        yield (
            f"100,000 x {opened} inside",
            json.dumps(file).replace('"truncation": null', '"truncation": ' + opened * 100_000 + "0" + closed * 100_000).encode(),
        )
    for id in (-1, 1.5, 1e400, 2**20, 2**31, 2**32, 2**63, 2**64, 10**400, "5", True, None, [5], vocab["b"]):
        yield f"the id {str(id)[:9]}", json.dumps(changed(file, ("model", "vocab", "a"), id)).encode()
        yield f"the added id {str(id)[:9]}", json.dumps(changed(file, ("added_tokens", 0, "id"), id)).encode()
    yield "an id of 1e0", good.replace(b'"a":97', b'"a":97e0')
    yield "an id of 100,000 digits", good.replace(b'"a":97', b'"a":' + b"9" * 100_000)
    yield "a token twice", good.replace(b'"a":97', b'"a":97,"a":300')
    yield "a token twice, once escaped", good.replace(b'"a":97', b'"a":97,"\\u0061":300')
    yield "the vocabulary twice", good.replace(b'"merges"', b'"vocab":{},"merges"')
    yield "a byte missing", json.dumps(changed(file, ("model", "vocab"), {key: id for key, id in vocab.items() if key != "a"})).encode()
    for name in ("", "x" * 2**20, "\ud800", " ", "\0", "字"):
        yield f"the token {name[:5]!a}", json.dumps(changed(file, ("model", "vocab", name), 999)).encode()
    for merge in (["a", "zz"], ["", "a"], ["a"], ["a", "b", "c"], "a", "a  b", "a b c", ["a", 1], merges[0], ["ab", "q"], None, {"a": "b"}):
        yield f"the merge {merge}", json.dumps(changed(file, ("model", "merges"), [*merges, merge])).encode()
    for content in ("", "x" * 2**20, "\ud800"):
        yield f"special token {content[:5]!a}", json.dumps(changed(file, ("added_tokens", 0, "content"), content)).encode()
    yield "a special token twice", json.dumps(changed(file, ("added_tokens",), file["added_tokens"] * 2)).encode()
    yield "invalid UTF-8", good.replace(b'"a"', b'"\xff"')
    yield "UTF-16", good.decode().encode("utf-16")
    yield "a byte order mark", b"\xef\xbb\xbf" + good
    yield "something behind the end", good + b"{}"
    yield "a lone NaN", good.replace(b'"a":97', b'"a":NaN')
    yield "nothing", b""
    yield "zeros", bytes(100_000)


def attack() -> str:
    """Load them all."""
    with tempfile.TemporaryDirectory() as folder:
        path, count, slowest = Path(folder, "tokenizer.json"), 0, 0.0
        toklet.Tokenizer.from_merges([(b"a", b"b"), (b"ab", b"c")], pattern="o200k", special_tokens=["<|end|>"]).save(path)
        good = path.read_bytes()
        for name, data in hostile(good):
            path.write_bytes(data)
            refused(name, lambda: toklet.load(path))
            slowest, count = max(slowest, seconds(lambda: toklet.load(path))), count + 1
        with open(path, "wb") as sparse:
            sparse.truncate(300_000_000)
        refused("300 MB of holes", lambda: toklet.load(path))
        holds(slowest < 1, f"the slowest took {slowest:.1f} s")
    for strange in ("/dev/null", folder, "/nowhere/tokenizer.json", "a\0.json", "", "tokenizer.json" * 999, 5, b"tokenizer.json"):
        refused(f"the path {str(strange)[:20]!a}", lambda strange=strange: toklet.load(strange))
    return f"{count} files are refused; the slowest took {slowest:.2f} s"


main(attack)
