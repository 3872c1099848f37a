"""All 65,793 byte strings of length 0 to 2, and what is nearly UTF-8: each comes back from its ids, for every pattern, and decode errs as Python does."""

import itertools
import random

from run import holds, main

import toklet

OVERLONG, SURROGATE, TOO_HIGH, FIVE = b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xf8\x88\x80\x80\x80"
PIECES = [OVERLONG, SURROGATE, TOO_HIGH, FIVE, b"\xe2\x82", b"\xf0\x9f\x98", "é".encode(), "😀".encode(), b"\xff", b"a", b" ", b"\n"]


def attack() -> str:
    """Encode them in one batch a pattern, and each alone for one pattern."""
    draw = random.Random(1)
    texts = [bytes(text) for size in range(3) for text in itertools.product(range(256), repeat=size)]
    short = len(texts)
    texts += [b"".join(two) for size in (2, 3) for two in itertools.product(PIECES, repeat=size)]
    texts += [draw.randbytes(draw.randrange(3, 40)) for _ in range(20_000)]
    for pattern in (*toklet.patterns, r"\w+|\s"):
        tok = toklet.train(["é 😀 aé\xff\xc3 the", b"\xff\xff\xfe\xe2\x82 \xe2\x82"] * 9, 290, pattern=pattern, special_tokens=["<s>"])
        batch = tok.encode_batch(texts)
        for text, ids in zip(texts, batch, strict=True):
            holds(tok.decode_bytes(ids) == text, f"{text!r} does not come back, {pattern}")
        for text, ids in zip(texts[::7], (batch[i] for i in range(0, len(texts), 7)), strict=True):
            holds(tok.encode(text).tolist() == ids.tolist(), f"{text!r} alone has other ids than in a batch, {pattern}")
            holds(tok.decode(ids) == text.decode("utf-8", "replace"), f"{text!r} is replaced in another way than by Python, {pattern}")
            stream = tok.stream()
            pieces = "".join(stream.push(int(id)) for id in ids) + stream.end()
            holds(pieces == text.decode("utf-8", "replace"), f"{text!r} streams as {pieces!r}, {pattern}")
    return f"{short} short and {len(texts) - short} longer byte strings come back, under {len(toklet.patterns) + 1} patterns"


main(attack)
