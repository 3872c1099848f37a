"""Log-probabilities and ranks, and rows of logits of every kind that there is."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from . import strategies


def log_softmax(row: Any) -> np.ndarray:
    x = np.asarray(row, np.float64)
    with np.errstate(under="ignore"):
        return x - x.max() - np.log(np.exp(x - x.max()).sum())


@given(row=strategies.logits(), some=st.data(), top=st.integers(0, 30), settings=strategies.settings_of_samplers())
def test_raw_ones_are_what_the_model_says(toklet: Any, row: list[float], some: st.DataObject, top: int, settings: dict[str, Any]) -> None:
    ids = some.draw(st.lists(st.integers(0, len(row) - 1), max_size=4))
    found = toklet.Sampler(**settings).logprobs(np.array(row), ids, top)
    expected, order = log_softmax(row), np.argsort(-np.array(row), kind="stable")
    possible = int((np.array(row) > -math.inf).sum())
    n = min(top, len(row))
    assert [array.dtype for array in found] == [np.int64, np.float32, np.float32, np.int64]
    assert found.top_ids.tolist() == [*order[: min(n, possible)], *[-1] * (n - possible)]
    close = {"rtol": 1e-6, "atol": 1e-6}
    np.testing.assert_allclose(found.top_logprobs, [*expected[order[: min(n, possible)]], *[-math.inf] * (n - possible)], **close)
    np.testing.assert_allclose(found.logprobs, expected[np.array(ids, int)], **close)
    assert found.ranks.tolist() == [order.tolist().index(id) + 1 if row[id] > -math.inf else 0 for id in ids]


@given(row=strategies.logits(infinite=True), settings=strategies.settings_of_samplers())
def test_processed_ones_are_those_of_the_distribution(toklet: Any, row: list[float], settings: dict[str, Any]) -> None:
    sampler, ids = toklet.Sampler(**settings), list(range(len(row)))
    p = sampler._core.distribution(np.array([row], np.float64), [0])
    p = np.frombuffer(p) if isinstance(p, bytearray) else np.array(p)
    found = sampler.logprobs(np.array(row), ids, top=len(row), processed=True)
    assert ((found.ranks > 0) >= (p > 0)).all()
    np.testing.assert_allclose(np.exp(found.logprobs.astype(np.float64))[p > 0], p[p > 0], rtol=1e-4, atol=1e-30)
    order = found.top_ids[found.top_ids >= 0].tolist()
    assert sorted(order) == sorted(np.flatnonzero(found.ranks).tolist())
    assert found.ranks[order].tolist() == list(range(1, len(order) + 1))


def test_a_matrix_is_its_rows(toklet: Any) -> None:
    rows = np.random.default_rng(1).normal(size=(5, 40))
    sampler = toklet.Sampler(0.7, top_k=9)
    for options in ({"ids": np.arange(5), "top": 3}, {"ids": np.arange(10).reshape(5, 2)}, {"processed": True, "top": 12}, {"top": 0}):
        found = sampler.logprobs(rows, **options)
        for i, row in enumerate(rows):
            alone = sampler.logprobs(row, **{name: value[i] if name == "ids" else value for name, value in options.items()})
            for whole, part in zip(found, alone, strict=True):
                assert whole[i].tolist() == part.tolist()
    assert sampler.logprobs(rows, np.arange(5)).logprobs.shape == (5, 1)
    assert sampler.logprobs(rows[:0]).top_ids.shape == (0, 0)
    with pytest.raises(toklet.ArgumentError, match=r"shape of ids"):
        sampler.logprobs(rows, np.arange(4))
    with pytest.raises(toklet.ArgumentError, match=r"ids\[0, 1\] is 40"):
        sampler.logprobs(rows[0], [0, 40])


def test_the_sampled_id_is_among_them(toklet: Any) -> None:
    row = np.random.default_rng(2).normal(size=300) * 4
    sampler = toklet.Sampler(0.8, seed=3)
    id = sampler.sample(row)
    found = sampler.logprobs(row, id, top=300)
    assert found.top_ids[found.ranks[0] - 1] == id
    assert found.logprobs[0] == found.top_logprobs[found.ranks[0] - 1]


ROW = np.random.default_rng(3).normal(size=(6, 70)).astype(np.float16).astype(np.float32) * 3


def everything(toklet: Any, logits: Any) -> list[Any]:
    sampler = toklet.Sampler(0.8, 30, seed=1)
    found = [sampler.sample(logits, 2), sampler.distribution(logits), *sampler.logprobs(logits), *toklet.top_k(logits, 5), toklet.softmax(logits)]
    return [np.asarray(part).tolist() for part in found]


def test_16_bit_floats_are_read_as_they_are(toklet: Any) -> None:
    half = ROW.astype(np.float16)
    assert everything(toklet, half) == everything(toklet, half.astype(np.float32))
    brain = (ROW.view(np.uint32) >> 16).astype(np.uint16)
    assert everything(toklet, brain) == everything(toklet, (brain.astype(np.uint32) << 16).view(np.float32))
    edges = np.array([0x0000, 0x8000, 0x7C00, 0xFC00, 0x0001, 0x83FF, 0x7BFF, 0x3C00], np.uint16).view(np.float16)
    for mask in (None, np.ones(8, bool)):
        for row in (edges[3:], edges[::-1][:5], np.tile(edges[4:], 200)):
            assert toklet.Sampler(seed=1).sample(row, mask=None if mask is None else np.ones(len(row), bool)) == toklet.Sampler(seed=1).sample(
                row.astype(np.float32)
            )


def test_every_16_bit_float_has_its_value(toklet: Any) -> None:
    bits = np.arange(2**16, dtype=np.uint16)
    for row in (bits.view(np.float16), bits):
        values = row.astype(np.float32) if row.dtype == np.float16 else (row.astype(np.uint32) << 16).view(np.float32)
        numbers = ~np.isnan(values)
        expected = np.argsort(-values[numbers], kind="stable")[: 300 if toklet.backend == "native" else 50]
        assert toklet.top_k(row[numbers], len(expected))[1].tolist() == expected.tolist()
        for id in np.flatnonzero(~numbers)[:: 97 if toklet.backend == "native" else 1_999]:
            with pytest.raises(toklet.LogitsError, match="logit 1 of row 0 is NaN"):
                toklet.Sampler().sample(row[[0, id, 0]])


def test_bfloat16_of_ml_dtypes(toklet: Any) -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")
    brain = ROW.astype(ml_dtypes.bfloat16)
    assert everything(toklet, brain) == everything(toklet, brain.astype(np.float32))
    assert everything(toklet, brain[0]) == everything(toklet, brain[0].astype(np.float32))


def test_tensors_of_torch(toklet: Any) -> None:
    torch = pytest.importorskip("torch")
    rows = torch.from_numpy(ROW.copy())
    for tensor in (rows, rows.double(), rows.half(), rows.bfloat16(), rows[::2], rows.T[:6, :6], rows[0], rows.clone().requires_grad_()):
        plain = tensor.detach()
        plain = plain.float() if plain.dtype == torch.bfloat16 else plain
        assert everything(toklet, tensor) == everything(toklet, plain.numpy().copy())
    sampler = toklet.Sampler(repetition_penalty=1.5, seed=1)
    history, mask = torch.arange(12).reshape(6, 2), rows > 0
    assert sampler.sample(rows, 0, history, mask).tolist() == sampler.sample(ROW, 0, history.tolist(), mask.numpy()).tolist()
    with pytest.raises(toklet.WrongTypeError, match="processor"):
        sampler.sample(torch.zeros(3, device="meta"))


def test_arrays_of_other_libraries(toklet: Any) -> None:
    class Foreign:
        def __dlpack__(self, **options: Any) -> Any:
            return ROW.__dlpack__(**options)

        def __dlpack_device__(self) -> Any:
            return ROW.__dlpack_device__()

    assert everything(toklet, Foreign()) == everything(toklet, ROW)
    assert everything(toklet, memoryview(ROW)) == everything(toklet, ROW)


def test_views_and_unaligned_memory(toklet: Any) -> None:
    for kind in (np.float16, np.float32, np.float64):
        rows = ROW.astype(kind)
        odd = np.frombuffer(b"\0" + rows.tobytes(), np.uint8)[1:].view(kind).reshape(rows.shape)
        wide = np.zeros((6, 99), kind)
        wide[:, :70] = rows
        for view in (odd, wide[:, :70], rows[::-1][::-1], rows.astype(rows.dtype.newbyteorder()), np.asfortranarray(rows)):
            assert everything(toklet, view) == everything(toklet, rows)
        assert (
            toklet.Sampler(seed=1).sample(odd[2], 5)
            == toklet.Sampler(seed=1).sample(np.repeat(rows[2], 2)[::2], 5)
            == toklet.Sampler(seed=1).sample(rows[2], 5)
        )


@pytest.mark.parametrize("settings", [{}, {"top_k": 50}, {"top_p": 0.9}], ids=repr)
def test_many_ids_have_the_ranks_that_each_has_alone(toklet: Any, settings: dict[str, Any]) -> None:
    row = np.random.default_rng(2).normal(size=900).round(1)
    sampler, ids = toklet.Sampler(**settings, seed=1), np.arange(900)
    many = sampler.logprobs(row, ids, top=0, processed=True)
    for some in range(0, 900, 100):
        few = sampler.logprobs(row, ids[some : some + 100], top=0, processed=True)
        assert few.ranks.tolist() == many.ranks[some : some + 100].tolist()
        assert few.logprobs.tolist() == many.logprobs[some : some + 100].tolist()
