"""Models, GGUF and tekken files and pipelines that are damaged or lie: refused by an error of toklet's own, or they work; within a second each."""

import json
import random
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from run import holds, main, seconds

import toklet

PIECES = [("<unk>", 0.0, 2), ("<s>", 0.0, 3), *((f"<0x{byte:02X}>", 0.0, 6) for byte in range(256))]
PIECES += [(piece, -float(rank), 1) for rank, piece in enumerate(("ab", "\u2581a", "a", "b", "\u2581", "é"))]


def field(number: int, value: bytes | int) -> bytes:
    """Write one field of a message."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def varint(value: int) -> bytes:
    """Write a number."""
    return bytes([value & 0x7F | 0x80]) + varint(value >> 7) if value > 0x7F else bytes([value])


def model(pieces: list[tuple[str, float, int]], kind: int = 2, normalizer: bytes = b"") -> bytes:
    """Write a sentencepiece model."""
    written = b"".join(field(1, field(1, text.encode()) + b"\x15" + struct.pack("<f", score) + field(3, of)) for text, score, of in pieces)
    return written + field(2, field(3, kind)) + field(3, normalizer)


def charsmap(units: list[int], texts: bytes) -> bytes:
    """Write a normalizer with a map of characters."""
    return field(2, struct.pack("<I", 4 * len(units)) + struct.pack(f"<{len(units)}I", *units) + texts)


def models() -> Iterator[tuple[str, bytes]]:
    """Give hostile sentencepiece models."""
    good, draw = model(PIECES), random.Random(1)
    yield from ((f"a model cut at {at}", good[:at]) for at in range(0, len(good), 97))
    yield "a length of 2^60", field(1, b"x")[:1] + varint(2**60)
    yield "a number without an end", b"\x08" + b"\xff" * 100
    yield "a million empty pieces", b"\x0a\x00" * 1_000_000
    yield "messages inside messages", b"\x0a\x7f" * 500_000
    yield "unigram", model(PIECES, kind=1)
    yield "a piece twice", model([*PIECES, ("ab", -9.0, 1)])
    yield "two unknown pieces", model([*PIECES, ("<u>", 0.0, 2)])
    yield "no unknown piece", model(PIECES[1:])
    yield "a byte missing", model([piece for piece in PIECES if piece[0] != "<0x41>"])
    yield "a byte that is none", model([*PIECES, ("<0xZZ>", 0.0, 6)])
    yield "a piece of unknown characters", model([*PIECES, ("xyz", -9.0, 1)])
    yield "an empty piece", model([*PIECES, ("", -9.0, 1)])
    yield "a piece of 5,000 bytes", model([*PIECES, ("a" * 5_000, -9.0, 1)])
    yield "scores of nan and infinity", model([*PIECES, ("aa", float("nan"), 1), ("bb", float("inf"), 1)])
    yield "unused pieces", model([*PIECES, ("bb", -9.0, 5)])
    yield "a map that says 4 GB", model(PIECES, normalizer=field(2, b"\xff\xff\xff\xfc"))
    yield "a map that points behind itself", model(PIECES, normalizer=charsmap([0xFFFFFFFF] * 64, b""))
    yield "a map of a cycle", model(PIECES, normalizer=charsmap([0x361] * 256, b"a\0"))
    for n in range(100):
        changed = bytearray(good)
        for _ in range(3):
            changed[draw.randrange(len(good))] = draw.randrange(256)
        yield f"a model changed, {n}", bytes(changed)


def head(*pairs: tuple[str, bytes], count: int | None = None) -> bytes:
    """Write the head of a GGUF file."""
    body = b"".join(struct.pack("<Q", len(key)) + key.encode() + value for key, value in pairs)
    return b"GGUF" + struct.pack("<IQQ", 3, 0, len(pairs) if count is None else count) + body


def ggufs() -> Iterator[tuple[str, bytes]]:
    """Give hostile GGUF files."""
    key = "tokenizer.ggml.tokens"
    yield "a GGUF of nothing", b"GGUF"
    yield "a GGUF of version 9", b"GGUF" + struct.pack("<IQQ", 9, 0, 0)
    yield "2^60 keys", head(count=2**60)
    yield "a text of 2^60 bytes", head((key, struct.pack("<IQ", 8, 2**60)))
    yield "2^60 texts", head((key, struct.pack("<IIQ", 9, 8, 2**60)))
    yield "2^62 numbers", head((key, struct.pack("<IIQ", 9, 4, 2**62)))
    yield "arrays in arrays", head((key, struct.pack("<IIQ", 9, 9, 5) * 1_000))
    yield "an unknown type", head((key, struct.pack("<I", 99)))
    yield "8,000,000 empty texts", head((key, struct.pack("<IIQ", 9, 8, 8_000_000) + bytes(64_000_000)))
    yield "no tokens", head(("tokenizer.ggml.model", struct.pack("<IQ", 8, 4) + b"gpt2"))
    yield "another model", head(("tokenizer.ggml.model", struct.pack("<IQ", 8, 4) + b"bert"))


def said(**more: Any) -> dict[str, Any]:
    """Give what a small tokenizer.json says."""
    vocab = {"<unk>": 0, "a": 1, "b": 2, "\u2581": 3, "ab": 4}
    file = {"added_tokens": [], "normalizer": None, "pre_tokenizer": None, "post_processor": None, "decoder": None}
    return file | {"model": {"type": "BPE", "unk_token": "<unk>", "vocab": vocab, "merges": [["a", "b"]]}} | more


def jsons() -> Iterator[tuple[str, bytes]]:
    """Give hostile pipelines."""
    replace = {"type": "Replace", "pattern": {"String": "a"}, "content": "aaaaaaaaaa"}
    yield "a normalizer that multiplies", json.dumps(said(normalizer={"type": "Sequence", "normalizers": [replace] * 6})).encode()
    yield "normalizers in normalizers", json.dumps(said(normalizer={"type": "Sequence", "normalizers": [{"type": "Sequence"}]})).encode()
    yield "a regex of normalizers", json.dumps(said(normalizer={"type": "Replace", "pattern": {"Regex": "(a+)+$"}, "content": ""})).encode()
    yield "a regex that matches nothing", json.dumps(said(normalizer={"type": "Replace", "pattern": {"Regex": "x*"}, "content": ""})).encode()
    split = {"type": "Split", "pattern": {"Regex": "(a|aa)+$"}, "behavior": "Removed", "invert": False}
    yield "a split that tries every way", json.dumps(said(pre_tokenizer=split)).encode()
    yield "a thousand steps", json.dumps(said(pre_tokenizer={"type": "Sequence", "pretokenizers": [{"type": "Digits"}] * 1_000})).encode()
    added = [{"id": 5 + i, "content": "a" * (i + 1), "lstrip": True, "rstrip": True, "single_word": True, "normalized": bool(i % 2)} for i in range(300)]
    yield "300 added tokens of a", json.dumps(said(added_tokens=added)).encode()
    yield "an unknown token that isn't there", json.dumps(said(model=said()["model"] | {"unk_token": "<u>"})).encode()
    yield "no unknown token", json.dumps(said(model=said()["model"] | {"unk_token": None})).encode()
    config = {"pattern": "a", "default_vocab_size": 2**20, "default_num_special_tokens": 2**20}
    yield "a tekken of specials", json.dumps({"config": config, "vocab": []}).encode()
    yield "a tekken of no sizes", json.dumps({"config": {"pattern": "a"}, "vocab": []}).encode()
    yield "a tekken of negative ranks", json.dumps({"config": config, "vocab": [{"rank": -1, "token_bytes": "AA=="}]}).encode()


def use(path: Path) -> None:
    """Load a file, and encode with what it gives."""
    tok = toklet.load(path)
    for text in ("ab a ab\xe9", "a" * 200, "<s> \u2581 <0x41>\n", b"\xff\x00ab"):
        ids = tok.encode(text)
        tok.decode(ids)
        tok.encode_with_offsets(text)


def attack() -> str:
    """Load them all."""
    with tempfile.TemporaryDirectory() as folder:
        count, slowest = 0, (0.0, "")
        for ending, files in (("model", models()), ("gguf", ggufs()), ("json", jsons())):
            path = Path(folder, f"hostile.{ending}")
            for name, data in files:
                path.write_bytes(data)
                took = seconds(lambda path=path: use(path))
                slowest, count = max(slowest, (took, name)), count + 1
        path = Path(folder, "good.model")
        path.write_bytes(model(PIECES))
        holds(toklet.load(path).decode(toklet.load(path).encode("ab a é x")) == "ab a é x", "the good model does not work")
    holds(slowest[0] < 1, f"{slowest[1]} took {slowest[0]:.1f} s")
    return f"{count} files are refused or work; the slowest ({slowest[1]}) took {slowest[0]:.2f} s"


main(attack)
