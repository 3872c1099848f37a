"""The merges learnt so far, in a file: what a long training goes on from after it was stopped or the machine went down.

The file is replaced whole or not at all. It says which training it is of, by a hash of the counts and of every option that merges depend on, and another
training refuses it. The size of the vocabulary is no such option: merges of a smaller one are the first merges of a larger one.
"""

import hashlib
import json

from . import atomic
from .count import WordCounts
from .error import FormatError
from .split import PATTERNS, named
from .vocab import Vocabulary

Merges = list[tuple[bytes, bytes]]


def load(path: str, of: str) -> Merges:
    """Give the merges of the training `of`; none if there is no such file yet."""
    allowed = "a checkpoint of this training, or a path where no file is"
    try:
        with open(path, "rb") as file:
            found = json.loads(file.read())
        merges = [(bytes.fromhex(left), bytes.fromhex(right)) for left, right in found["merges"]]
    except FileNotFoundError:
        return []
    except (ValueError, KeyError, TypeError, RecursionError):
        raise FormatError(path, "no checkpoint of toklet", allowed) from None
    if found.get("training") != of:
        raise FormatError(path, "a checkpoint of other counts or other options", allowed)
    return merges


def save(path: str, of: str, merges: Merges) -> None:
    """Replace the file."""
    pairs = [[left.hex(), right.hex()] for left, right in merges]
    atomic.write(path, json.dumps({"training": of, "merges": pairs}).encode())


def identity(
    counts: WordCounts, ties: str, min_frequency: int, max_token_length: int | None, superwords: tuple[int, str] | None, extended: Vocabulary | None
) -> str:
    """Hash all that merges depend on."""
    digest = hashlib.sha256()

    def add(part: bytes | int) -> None:
        data = part.to_bytes(8, "little") if isinstance(part, int) else part
        digest.update(len(data).to_bytes(8, "little") + data)

    for part in (counts.pattern.encode(), ties.encode(), min_frequency, max_token_length or 0):
        add(part)
    if superwords:
        add(superwords[0])
        add(PATTERNS.get(named(superwords[1]), "").encode())
    if extended:
        for token in sorted(extended.tokens, key=extended.tokens.__getitem__):
            add(token)
            add(extended.tokens[token])
        for left, right in extended.listed or []:
            add(left)
            add(right)
    for word, n in counts.items():
        add(word)
        add(n)
    return digest.hexdigest()
