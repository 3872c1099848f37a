"""Write tests/vectors/*.json: what the reference says, for the core's own tests (`cargo test`) and for Python's.

    PYTHONPATH=python TOKLET_BACKEND=reference python -m tools.vectors

Bytes stand as hexadecimal, floats as the 64 bits of a double in hexadecimal, most significant first; a case a line. The cases are chosen by the reference's
own random numbers, so the same files come out everywhere; a Python test checks that those in the tree are what this makes.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

from . import numbers, texts

FILES: dict[str, Callable[[], Iterator[dict[str, Any]]]] = {
    "split": texts.splits,
    "encode": texts.encodings,
    "ranks": texts.ranked,
    "train": texts.trainings,
    "sample": numbers.samplings,
    "streams": numbers.streams,
    "softmax": numbers.softmaxes,
    "philox": numbers.random_numbers,
    "prompt": texts.prompts,
    "parts": texts.parted,
}


def vectors() -> dict[str, str]:
    """Give the text of each file."""
    made = {}
    for name, source in FILES.items():
        cases = ",\n".join(json.dumps(case, ensure_ascii=True, separators=(",", ":")) for case in source())
        made[f"{name}.json"] = f'{{"about":{json.dumps(source.__doc__)},"cases":[\n{cases}\n]}}\n'
    return made
