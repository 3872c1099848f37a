"""Other libraries with toklet's sampling in them: what `generate` of transformers and llama-cpp-python give is what a loop of toklet's own gives, id by id.

The models are tiny and random, made here. A library that isn't installed is skipped; what its processors compute is tested without it where that needs none.
"""

import importlib
import math
import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

V, PAD, EOS = 64, 0, 2
PROMPTS, WIDTH = [[5, 6, 8], [11], [9, 3, 3, 20, 31, 9]], 6
SETTINGS: dict[str, Any] = {"temperature": 0.9, "top_k": 20, "top_p": 0.95, "repetition_penalty": 1.3, "seed": np.array([3, 4, 5])}


@pytest.fixture(scope="module")
def torch() -> Any:
    return pytest.importorskip("torch", reason="torch is not installed")


@pytest.fixture
def ours(toklet: Any) -> Any:
    return importlib.import_module("toklet.integrations.transformers")


@pytest.fixture(scope="module", params=["gpt2", "llama"])
def model(request: pytest.FixtureRequest, torch: Any) -> Any:
    """A few thousand random weights; in double precision, so that a cache and padding change nothing that a draw could see."""
    hf = pytest.importorskip("transformers", reason="transformers is not installed")
    torch.manual_seed(1)
    ids = {"vocab_size": V, "pad_token_id": PAD, "eos_token_id": EOS, "bos_token_id": 1}
    if request.param == "gpt2":
        made = hf.GPT2LMHeadModel(hf.GPT2Config(n_embd=16, n_layer=2, n_head=2, n_positions=64, initializer_range=0.6, **ids))
    else:
        shape = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2}
        made = hf.LlamaForCausalLM(hf.LlamaConfig(**shape, initializer_range=0.6, max_position_embeddings=64, **ids))
    return made.double().eval()


@pytest.fixture(scope="module")
def batch(torch: Any) -> dict[str, Any]:
    mask = [[0] * (WIDTH - len(p)) + [1] * len(p) for p in PROMPTS]
    return {"input_ids": torch.tensor([[PAD] * (WIDTH - len(p)) + p for p in PROMPTS]), "attention_mask": torch.tensor(mask)}


def by_hand(toklet: Any, torch: Any, model: Any, prompt: list[int], n: int, settings: dict[str, Any]) -> list[int]:
    """The loop without `generate`: one row, no padding, no cache; its text ends at the first end."""
    sampler, ids = toklet.Sampler(**settings), list(prompt)
    while len(ids) < len(prompt) + n and EOS not in ids[len(prompt) :]:
        with torch.no_grad():
            logits = model(torch.tensor([ids])).logits[0, -1].float()
        ids.append(sampler.sample(logits, position=len(ids), history=ids))
    return ids[len(prompt) :]


def row_of(settings: dict[str, Any], row: int) -> dict[str, Any]:
    return {name: value[row] if isinstance(value, np.ndarray) else value for name, value in settings.items()}


def answers(found: Any) -> list[list[int]]:
    """What comes after the prompts, each up to its end."""
    return [ids[: [*ids, EOS].index(EOS) + 1] for ids in found[:, WIDTH:].tolist()]


def test_greedy_is_theirs(toklet: Any, ours: Any, model: Any, batch: Any) -> None:
    expected = model.generate(**batch, max_new_tokens=12, do_sample=False)
    for kind in (ours.SamplerProcessor, ours.DrawProcessor):
        found = model.generate(**batch, max_new_tokens=12, do_sample=False, logits_processor=[kind(toklet.Sampler(temperature=0))])
        assert found.tolist() == expected.tolist()


@pytest.mark.parametrize("padding", ["pad_id", "attention_mask"])
@pytest.mark.parametrize("use_cache", [True, False])
def test_what_is_drawn_is_what_a_loop_by_hand_draws(toklet: Any, ours: Any, torch: Any, model: Any, batch: Any, padding: str, use_cache: bool) -> None:
    draw = ours.DrawProcessor(toklet.Sampler(**SETTINGS), **{padding: PAD if padding == "pad_id" else batch["attention_mask"]})
    found = model.generate(**batch, max_new_tokens=24, do_sample=False, use_cache=use_cache, logits_processor=[draw])
    expected = [by_hand(toklet, torch, model, prompt, 24, row_of(SETTINGS, i)) for i, prompt in enumerate(PROMPTS)]
    assert answers(found) == expected
    assert len({len(ids) for ids in expected}) > 1  # some rows end before others


def test_their_own_steps_and_generator_change_nothing_of_a_draw(toklet: Any, ours: Any, torch: Any, model: Any, batch: Any) -> None:
    draw = ours.DrawProcessor(toklet.Sampler(seed=9), pad_id=PAD)
    expected = model.generate(**batch, max_new_tokens=8, do_sample=False, logits_processor=[draw])
    for settings in ({}, {"temperature": 3.0, "top_k": 2, "top_p": 0.5, "min_p": 0.9, "typical_p": 0.5}, {"top_h": 0.4, "renormalize_logits": True}):
        torch.manual_seed(5)
        assert model.generate(**batch, max_new_tokens=8, do_sample=True, logits_processor=[draw], **settings).tolist() == expected.tolist()


def test_copies_of_a_row_differ_by_their_seeds(toklet: Any, ours: Any, torch: Any, model: Any, batch: Any) -> None:
    settings = {"temperature": 1.5, "seed": np.arange(6)}
    draw = ours.DrawProcessor(toklet.Sampler(**settings), attention_mask=batch["attention_mask"])
    found = answers(model.generate(**batch, max_new_tokens=8, do_sample=True, num_return_sequences=2, logits_processor=[draw]))
    assert found == [by_hand(toklet, torch, model, PROMPTS[i // 2], 8, row_of(settings, i)) for i in range(6)]
    assert found[0] != found[1]


def test_streams_and_an_assistant_give_the_same_ids(toklet: Any, ours: Any, torch: Any, model: Any) -> None:
    settings: dict[str, Any] = {"temperature": 0.8, "seed": 21}
    streamed: list[int] = []
    streamer = SimpleNamespace(put=lambda ids: streamed.extend(ids.flatten().tolist()), end=lambda: streamed.append(-1))
    draw, ids = ours.DrawProcessor(toklet.Sampler(**settings)), torch.tensor([PROMPTS[2]])
    expected = PROMPTS[2] + by_hand(toklet, torch, model, PROMPTS[2], 16, settings)
    for more in ({"streamer": streamer}, {"assistant_model": model}, {"prompt_lookup_num_tokens": 3}):
        found = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=16, do_sample=False, logits_processor=[draw], **more)
        assert found[0].tolist() == expected
    assert streamed == [*expected, -1]


def test_their_own_steps_cut_what_they_draw_from(toklet: Any, ours: Any, model: Any, batch: Any) -> None:
    """By default the best 50 alone; as the docstring says, nothing."""
    flat, kept = ours.SamplerProcessor(toklet.Sampler(temperature=100)), []
    for settings in ({}, {"temperature": 1.0, "top_k": 0, "top_p": 1.0}):
        asked = {"max_new_tokens": 1, "do_sample": True, "return_dict_in_generate": True, "output_scores": True, **settings}
        kept.append((model.generate(**batch, **asked, logits_processor=[flat]).scores[0] > -math.inf).sum(1).tolist())
    assert kept == [[50] * 3, [V] * 3]


@pytest.mark.parametrize(("dtype", "near"), [("float32", 1e-6), ("float64", 1e-6), ("float16", 1e-2), ("bfloat16", 3e-2)])
def test_scores_are_the_distribution(toklet: Any, ours: Any, torch: Any, dtype: str, near: float) -> None:
    sampler = toklet.Sampler(**SETTINGS | {"xtc_probability": 0.5, "frequency_penalty": 0.5})
    ids = torch.tensor([[PAD, PAD, 4, 4], [3, PAD, 4, 5], [PAD, 9, 9, 99]])  # 99 has no logit: a placeholder
    scores = torch.tensor(np.random.default_rng(2).normal(0, 2, (3, V))).to(getattr(torch, dtype))
    before, found = scores.clone(), ours.SamplerProcessor(sampler, pad_id=PAD)(ids, scores)
    context = {"position": [2, 4, 3], "history": [[4, 4], [3, PAD, 4, 5], [9, 9]]}
    expected = sampler.distribution(scores, **context)
    assert (found > -math.inf).tolist() == (expected > 0).tolist()
    np.testing.assert_allclose(found.double().softmax(-1), expected, rtol=near, atol=near / 100)
    drawn = ours.DrawProcessor(sampler, pad_id=PAD)(ids, scores)
    assert (drawn > -math.inf).nonzero()[:, 1].tolist() == sampler.sample(scores, **context).tolist()
    assert found.dtype == drawn.dtype == scores.dtype
    assert torch.equal(scores, before)


ALONE = [{"temperature": 0.7, "top_k": 9}, {"temperature": 1.7, "top_p": 0.8}, {"temperature": 0.6, "min_p": 0.05}, {"temperature": 1.2, "typical_p": 0.7}]


@pytest.mark.parametrize("settings", [*ALONE, {"repetition_penalty": 1.4, "temperature": 0.8, "top_k": 15, "top_p": 0.9, "min_p": 0.02}])
def test_the_order_hf_keeps_what_their_warpers_keep(toklet: Any, ours: Any, torch: Any, settings: dict[str, Any]) -> None:
    hf = pytest.importorskip("transformers", reason="transformers is not installed")
    n, rng = (1000 if toklet.backend == "reference" else 4000), np.random.default_rng(3)
    any_model = hf.GPT2LMHeadModel(hf.GPT2Config(n_embd=4, n_layer=1, n_head=1, vocab_size=32))
    theirs = any_model._get_logits_processor(hf.GenerationConfig(do_sample=True, **{"top_k": 0, **settings}), 6)
    ids, scores = torch.tensor(rng.integers(0, 32, (n, 6))), torch.tensor(rng.normal(0, 3, (n, 32)), dtype=torch.float32)
    expected, found = theirs(ids, scores), ours.SamplerProcessor(toklet.Sampler(**settings))(ids, scores)
    assert torch.equal(expected > -math.inf, found > -math.inf)
    np.testing.assert_allclose(found.softmax(-1), expected.softmax(-1), rtol=1e-4, atol=1e-7)


def test_refusals_say_what_to_do(toklet: Any, ours: Any, torch: Any) -> None:
    llama = importlib.import_module("toklet.integrations.llama_cpp")
    sampler, ids, scores = toklet.Sampler(), torch.tensor([[1], [2]]), torch.zeros(2, V)
    for kind in (ours.SamplerProcessor, ours.DrawProcessor, llama.SamplerProcessor, llama.DrawProcessor):
        with pytest.raises(toklet.ArgumentError, match=r"mirostat is on; .* sampler\.observed"):
            kind(toklet.Sampler(mirostat=2))
        with pytest.raises(toklet.WrongTypeError, match=r"sampler is of type float; it must be a toklet\.Sampler"):
            kind(0.8)
    with pytest.raises(toklet.ArgumentError, match="beside an attention_mask"):
        ours.DrawProcessor(sampler, pad_id=0, attention_mask=[[1]])
    with pytest.raises(toklet.ArgumentError, match=r"shape of attention_mask is \(2,\)"):
        ours.DrawProcessor(sampler, attention_mask=[1, 1])
    with pytest.raises(toklet.ArgumentError, match=r"number of rows is 2; .* a multiple of 3, .* a processor for each call"):
        ours.DrawProcessor(sampler, attention_mask=np.ones((3, 1)))(ids, scores)
    scores[1, 4] = math.nan
    with pytest.raises(toklet.LogitsError, match="logit 4 of row 1 is NaN"):
        ours.DrawProcessor(sampler)(ids, scores)


def test_processors_for_llama_cpp_take_and_give_arrays(toklet: Any) -> None:
    """As llama-cpp-python calls them: the logits are a field of records."""
    ours = importlib.import_module("toklet.integrations.llama_cpp")
    records = np.zeros(V, [("id", np.intc), ("logit", np.single), ("p", np.single)])
    records["logit"] = np.random.default_rng(4).normal(0, 2, V)
    sampler, ids, logits = toklet.Sampler(0.8, 12, repetition_penalty=1.5, seed=5), np.array([3, -1, 4, V, 9], np.intc), records["logit"].copy()
    found = ours.SamplerProcessor(sampler)(ids, records["logit"])
    np.testing.assert_allclose(np.exp(found), sampler.distribution(logits, history=[3, 4, 9]), rtol=1e-6, strict=True)
    drawn = ours.DrawProcessor(sampler)(ids, records["logit"])
    assert np.flatnonzero(drawn > -math.inf).tolist() == [sampler.sample(logits, position=5, history=[3, 4, 9])]


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A random model of one layer, in a file of a few dozen kilobytes."""
    llama_cpp = pytest.importorskip("llama_cpp", reason="llama-cpp-python is not installed")
    gguf = pytest.importorskip("gguf", reason="gguf, which writes the model, is not installed")
    path, rng = str(tmp_path_factory.mktemp("llama") / "tiny.gguf"), np.random.default_rng(6)
    width, inner = 32, 48
    said: dict[str, Any] = {"context_length": 256, "embedding_length": width, "block_count": 1, "feed_forward_length": inner, "head_count": 2}
    said |= {"layer_norm_rms_eps": 1e-5, "tokenizer_model": "llama", "token_scores": [0.0] * V, "token_types": [2, 3, 3] + [1] * (V - 3)}
    said["token_list"] = [b"<unk>", b"<s>", b"</s>", *(f"<{id}>".encode() for id in range(3, V))]
    file = gguf.GGUFWriter(path, "llama")
    for name, value in said.items():
        getattr(file, f"add_{name}")(value)
    shapes = {"token_embd": (V, width), "output": (V, width), "output_norm": (width,), "blk.0.attn_norm": (width,), "blk.0.ffn_norm": (width,)}
    shapes |= {f"blk.0.attn_{part}": (width, width) for part in ("q", "k", "v", "output")}
    shapes |= {f"blk.0.ffn_{part}": (width, inner)[:: 1 if part == "down" else -1] for part in ("gate", "up", "down")}
    for name, shape in shapes.items():
        file.add_tensor(f"{name}.weight", rng.normal(0, 0.5, shape).astype(np.float32) if len(shape) == 2 else np.ones(shape, np.float32))
    for step in (file.write_header_to_file, file.write_kv_data_to_file, file.write_tensors_to_file, file.close):
        step()
    return llama_cpp.Llama(path, n_ctx=256, n_threads=1, verbose=False)


def test_llama_cpp_draws_what_a_loop_draws(toklet: Any, llama: Any) -> None:
    ours, prompt = importlib.import_module("toklet.integrations.llama_cpp"), [1, 5, 6, 9]
    sampler, ids = toklet.Sampler(0.9, top_p=0.95, repetition_penalty=1.2, seed=8), list(prompt)
    llama.reset()
    with pytest.raises(toklet.ArgumentError, match=r"without logits; it must be one that follows llama\.eval"):
        ours.sample(llama, sampler)
    llama.eval(prompt)
    for _ in range(30):
        logits = ours.last_logits(llama)
        assert not logits.flags.owndata
        expected = sampler.sample(logits.copy(), position=len(ids), history=ids)
        assert ours.sample(llama, sampler) == expected
        assert sampler.distribution(logits, history=ids)[ours.sample(llama, sampler, position=7)] > 0
        assert ours.sample(llama, sampler, mask=np.arange(V) == 40) == 40
        ids.append(expected)
        llama.eval([expected])
    draw = ours.DrawProcessor(sampler)
    for settings in ({"temp": 0.0}, {"temp": 2.0, "top_k": 3}):
        theirs = llama.generate(prompt, logits_processor=[draw], stopping_criteria=draw.check, **settings)
        assert [next(theirs) for _ in range(30)] == ids[len(prompt) :]


def test_llama_cpp_greedy_is_theirs_and_scores_hold(toklet: Any, llama: Any) -> None:
    ours, prompt = importlib.import_module("toklet.integrations.llama_cpp"), [1, 30, 31]
    theirs = llama.generate(prompt, temp=0.0)
    expected = [next(theirs) for _ in range(20)]
    for kind in (ours.SamplerProcessor, ours.DrawProcessor):
        found = llama.generate(prompt, temp=0.0, logits_processor=[kind(toklet.Sampler(temperature=0))])
        assert [next(found) for _ in range(20)] == expected
    two = ours.SamplerProcessor(toklet.Sampler(top_k=2))
    drawn = {next(llama.generate(prompt, temp=1.0, top_k=0, top_p=1.0, min_p=0.0, logits_processor=[two])) for _ in range(20)}
    assert drawn <= set(toklet.top_k(ours.last_logits(llama), 2)[1].tolist())


def test_llama_cpp_loses_errors_and_check_finds_them(toklet: Any, llama: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, lost = importlib.import_module("toklet.integrations.llama_cpp"), []
    monkeypatch.setattr(sys, "unraisablehook", lambda found: lost.append(found.exc_value))
    draw = ours.DrawProcessor(toklet.Sampler(logit_bias={V: 1.0}))
    assert next(llama.generate([1, 5], temp=0.0, logits_processor=[draw])) < V
    with pytest.raises(toklet.ArgumentError, match=f"an id of logit_bias is {V}"):
        next(llama.generate([1, 5], temp=0.0, logits_processor=[draw], stopping_criteria=draw.check))
    assert len(lost) == 2
