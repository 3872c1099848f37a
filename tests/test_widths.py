"""Every vector width gives the same bits: processes that are told to use narrower vectors than the processor has draw the same ids."""

from typing import Any

import pytest

from .backends import child

SCRIPT = """
import hashlib
import numpy as np
import toklet

rng, found = np.random.default_rng(5), hashlib.sha256()
samplers = [
    toklet.Sampler(0.8, seed=1),
    toklet.Sampler(0.7, 40, seed=2),
    toklet.Sampler(1.2, top_p=0.9, seed=3),
    toklet.Sampler(min_p=0.02, seed=4),
    toklet.Sampler(0, seed=5),
    toklet.Sampler(1.1, typical_p=0.8, repetition_penalty=1.3, seed=6),
    toklet.Sampler(0.9, 60, 0.95, 0.01, 7, order="llama.cpp", top_n_sigma=3.0, xtc_probability=0.5),
]
for size in (1, 5, 255, 256, 257, 1_000, 40_000):
    for kind in ("normal", "wide", "tied", "masked", "subnormal"):
        row = rng.normal(size=size) * {"wide": 30, "subnormal": 1e-40}.get(kind, 3)
        if kind == "tied":
            row = row.round()
        if kind == "masked":
            row[1:][rng.random(size - 1) < 0.9] = -np.inf
        for logits in (row.astype(np.float32), row, row.astype(np.float16), (row.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)):
            mask = rng.random(size) < 0.7
            mask[0] = True
            words = np.packbits(np.pad(mask, (0, -size % 32)), bitorder="little").view(np.int32)
            for sampler in samplers:
                ids = [sampler.sample(logits, n) for n in range(6)]
                ids += [sampler.sample(logits, n, history=[0] * 3, mask=words) for n in range(6)]
                assert ids[6:] == [sampler.sample(logits, n, history=[0] * 3, mask=mask) for n in range(6)]
                found.update(repr(ids).encode() + sampler.distribution(logits).tobytes())
            parts = samplers[0].logprobs(logits, ids=size // 2, top=10)
            found.update(b"".join(part.tobytes() for part in parts) + toklet.softmax(logits).tobytes() + toklet.top_k(logits, 9)[1].tobytes())
print(found.hexdigest())
"""


@pytest.mark.slow
def test_narrower_vectors_give_the_same_bits(toklet: Any) -> None:
    found = {width: child(toklet, SCRIPT, TOKLET_SIMD=width) for width in ("", "avx2", "plain")}
    assert all(result.returncode == 0 for result in found.values()), {width: result.stderr[-2000:] for width, result in found.items()}
    assert len({result.stdout for result in found.values()}) == 1, {width: result.stdout for width, result in found.items()}
