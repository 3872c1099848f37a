"""Tokens that no text reaches: rows of the embedding that a model never sees in training, and can be led astray by.

A token is reached if some text encodes to ids with it among them. The first text that is tried is what the token decodes to. Where that alone gives other ids,
either its merges don't lead to it, or the pattern cuts it apart and might not do so beside other characters (o200k takes `\n//` as one piece behind a full
stop only), or it begins or ends inside a character, which the pattern then takes for punctuation. So such a token is tried again between characters of
nine kinds, its broken ones completed, in 81 to 256 ways. What is listed was reached by none of these texts: strong evidence, not a proof.
"""

import random
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ..tokenizer import Tokenizer

WAYS = 256  # surroundings that are drawn for a token with a broken character
TOGETHER = 256  # tokens that are tried in one call
BESIDE = tuple(text.encode() for text in ("", " ", "\n", "a", "A", "1", ".", "⁂", "中"))  # of each kind that patterns tell apart; ⁂ has hardly any merges


def unreachable(tok: "Tokenizer") -> tuple[int, ...]:
    """Give the ids of the ordinary tokens that no text was found for, in order.

    Examples
    --------
    >>> from toklet import Tokenizer
    >>> tok = Tokenizer.from_merges([(b"a", b"b"), (b"ab", b" "), (b"c", b"d")], pattern="gpt2")
    >>> [tok.token(id) for id in unreachable(tok)]
    [b'ab ']
    """
    tokens = [(tok.decode_bytes([id]), id) for id in tok.tokens.values()]
    batch = tok.encode_batch([text for text, _ in tokens])
    own = np.array([id for _, id in tokens], np.uint32)
    alone = np.diff(batch.offsets) == 1
    alone[alone] = batch.ids[batch.offsets[:-1][alone].astype(np.intp)] == own[alone]
    left = [item for item, found in zip(tokens, alone.tolist(), strict=True) if not found]
    found = {id for start in range(0, len(left), TOGETHER) for id in reached(tok, left[start : start + TOGETHER])}
    return tuple(sorted(id for _, id in left if id not in found))


def reached(tok: "Tokenizer", tokens: list[tuple[bytes, int]]) -> Iterator[int]:
    """Give the ids of those tokens that a text around them leads to."""
    texts = [(text, id) for token, id in tokens for text in surrounded(token)]
    for (_, id), ids in zip(texts, tok.encode_batch([text for text, _ in texts]), strict=True):
        if id in ids:
            yield id


def surrounded(token: bytes) -> list[bytes]:
    r"""Make texts with a token in them, its broken characters completed: different ones, the same in each run.

    >>> b".\n//a" in surrounded(b"\n//"), len(surrounded(b"\xb8\xad")) > 64, surrounded(b"a\xffa")
    (True, True, [])
    """
    if is_text(token):
        return [front + token + back for front in BESIDE for back in BESIDE]
    chance = random.Random(0)
    drawn = [before(token, chance) + token + behind(token, chance) for _ in range(WAYS)]
    return [text for text in dict.fromkeys(drawn) if is_text(text)]


def before(token: bytes, chance: random.Random) -> bytes:
    """Draw what stands in front of a token: a character, or the first bytes of the one that it begins inside of."""
    have = next((i for i, byte in enumerate(token) if byte & 0xC0 != 0x80), len(token))
    if not have:
        return chance.choice(BESIDE)
    length = chance.randint(min(have + 1, 4), 4)
    return bytes([lead(length, chance), *continuation(length - 1 - have, chance)])


def behind(token: bytes, chance: random.Random) -> bytes:
    """Draw what stands behind a token: a character, or the last bytes of the one that it ends inside of."""
    for have, byte in enumerate(token[:-4:-1], 1):
        if byte >= 0xC0:
            length = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return bytes(continuation(length - have, chance)) or chance.choice(BESIDE)
    return chance.choice(BESIDE)


def lead(length: int, chance: random.Random) -> int:
    """Draw the first byte of a character of so many bytes."""
    return chance.randint(*{2: (0xC2, 0xDF), 3: (0xE0, 0xEF), 4: (0xF0, 0xF4)}[length])


def continuation(n: int, chance: random.Random) -> list[int]:
    """Draw `n` bytes that may stand behind the first one of a character."""
    return [chance.randint(0x80, 0xBF) for _ in range(n)]


def is_text(data: bytes) -> bool:
    """Say whether bytes are whole characters of UTF-8."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
