"""Ids that no vocabulary has, and things that are no ids: each is refused, none is dropped or read as another."""

import numpy as np
from run import holds, main, refused

import toklet

RANKS = {bytes([byte]): byte for byte in range(256)} | {b"ab": 300}
NO_IDS = [-1, 256, 299, 301, 2**20, 2**31, 2**32 - 1, 2**32, 2**63, 2**64, 2**200, -(2**70), 1.0, 1.5, float("nan"), "a", b"a", None, [97], object()]
ARRAYS = {
    "floats": np.array([97.0]),
    "two dimensions": np.zeros((1, 1), np.uint32),
    "no dimension": np.array(97),
    "texts": np.array(["97"]),
    "truth values": np.array([True]),
    "objects": np.array([97], object),
    "times": np.array([97], "datetime64[s]"),
    "negative": np.array([-1], np.int8),
    "large": np.array([2**40]),
    "complex": np.array([97j]),
}


def attack() -> str:
    """Decode them, alone and among good ones."""
    tok = toklet.Tokenizer.from_ranks(RANKS, pattern="gpt2")
    for id in NO_IDS:
        for ids in ([id], [97, id, 98]):
            refused(f"decode({ids})", lambda ids=ids: tok.decode(ids))
            refused(f"decode_bytes({ids})", lambda ids=ids: tok.decode_bytes(ids))
        refused(f"token({id})", lambda id=id: tok.token(id))
    for name, array in ARRAYS.items():
        refused(f"decode of an array of {name}", lambda array=array: tok.decode(array))
    for whole in ("97", b"97", 97, None):
        refused(f"decode({whole!r})", lambda whole=whole: tok.decode(whole))
    for array in (np.array([300, 97], ">u4"), np.array([300, 0, 97], np.int64)[::2], np.array([300, 97], np.uint16), (300, 97), iter([300, 97])):
        holds(tok.decode(array) == "aba", f"decode({array!r}) is wrong")
    holds(tok.decode([]) == "" and tok.decode(np.empty(0)) == "", "no ids are not an empty text")
    stream = tok.stream()  # the native class, which may refuse a wrong type as Python does
    for id in (-1, 256, 2**32, 2**70, "a", None, 1.5):
        refused(
            f"stream.push({id!r})", lambda id=id: stream.push(id), toklet.Error, TypeError
        )  # the stream is the native class, which refuses wrong types as Python does
    holds(stream.push(97) == "a", "a stream that refused an id is of no more use")
    return f"{len(NO_IDS)} ids and {len(ARRAYS)} arrays are refused by decode, decode_bytes, token and stream"


main(attack)
