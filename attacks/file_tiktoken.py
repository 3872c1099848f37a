"""A .tiktoken file that is damaged or lies: refused by an error of toklet's own within a second, and cut anywhere it never loads as another tokenizer."""

import base64
import tempfile
from collections.abc import Iterator
from pathlib import Path

from run import holds, main, refused, seconds

import toklet

GOOD = b"".join(base64.b64encode(bytes([byte])) + b" %d\n" % byte for byte in range(256)) + b"YWI= 256\n"


def hostile() -> Iterator[tuple[str, bytes]]:
    """Give names and files."""
    yield from ((f"cut at {i}/50", GOOD[: len(GOOD) * i // 50]) for i in range(50))
    for rank in (b"-1", b"+1", b"1.0", b"1e2", b"0x1", b"", b"99999999999999999999", b"1048576", b"4294967296", b"1_0", "٣".encode(), b"257 257", b"256"):
        yield f"the rank {rank!r}", GOOD + b"YWJj " + rank + b"\n"
    for token in (b"", b"=", b"YW", b"YWJj=", b"Y W", b"YWJj\0", b"!!!!", b"YW=j", b"\xff\xff\xff\xff", "ＹＷＪｊ".encode(), b"YWI=", b"YWJ-", b"YWJ="):
        yield f"the token {token!r}", GOOD + token + b" 257\n"
    yield "a token of a megabyte", GOOD + base64.b64encode(b"x" * 2**20) + b" 257\n"
    yield "a line of ten megabytes", GOOD + b"x" * 10_000_000
    yield "a byte missing", GOOD.replace(b"YQ== 97\n", b"")
    yield "nothing", b""
    yield "line breaks", b"\n" * 1_000_000
    yield "zeros", bytes(1_000_000)
    yield "ends of carriages", GOOD.replace(b"\n", b"\r")
    yield "commas", GOOD.replace(b" ", b",")


def attack() -> str:
    """Load them all."""
    with tempfile.TemporaryDirectory() as folder:
        path, count, slowest = Path(folder, "ranks.tiktoken"), 0, 0.0
        path.write_bytes(GOOD)
        refused("without a pattern", lambda: toklet.load(path))
        holds(toklet.load(path, pattern="gpt2").encode("ab").tolist() == [256], "the good file does not load")
        for special in ({"": 300}, {"<a>": 5}, {"<a>": -1}, {"<a>": 2**200}, {"<a>": "x"}, {5: 300}):
            refused(f"special tokens {special}", lambda special=special: toklet.load(path, pattern="gpt2", special_tokens=special))
        for pattern in ("(", "a\\", 5, b"gpt2", "(?<n>a)(?<n>b)(", r"\k<x>"):
            refused(f"the pattern {pattern!a}", lambda pattern=pattern: toklet.load(path, pattern=pattern))
        for name, data in hostile():
            path.write_bytes(data)
            refused(name, lambda: toklet.load(path, pattern="gpt2"))
            slowest, count = max(slowest, seconds(lambda: toklet.load(path, pattern="gpt2"))), count + 1
        holds(slowest < 1, f"the slowest took {slowest:.1f} s")
    return f"{count} files are refused; the slowest took {slowest:.2f} s"


main(attack)
