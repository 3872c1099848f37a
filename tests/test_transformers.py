"""The tokenizer with transformers' interface: what it gives is what transformers gives from the same file."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from . import strategies

NAMES = ["<s>", "</s>", "<pad>"]
NAMED = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>"}
MERGES = [(b"l", b"o"), (b"lo", b"w"), (b" ", b"low"), (b"\xc3", b"\xa9"), (b"a", b"b")]
TEXT = st.lists(st.sampled_from(["low", " low", "é", "中", "ab", " ", "</s>", "1", "\n"]), min_size=1, max_size=8).map("".join)
MESSAGES = [{"role": "user", "content": "low </s>"}, {"role": "assistant", "content": "ab"}]
TEMPLATE = "{% for m in messages %}<s>{{ m.role }}: {{ m.content }}</s>{% endfor %}{% if add_generation_prompt %}<s>assistant: {% endif %}"


def made(toklet: Any, **more: Any) -> Any:
    from toklet.integrations.transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast(toklet.Tokenizer.from_merges(MERGES, pattern="gpt2", special_tokens=NAMES), **{**NAMED, **more})


@pytest.fixture(scope="module")
def pair(toklet: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any]:
    return pair_of(toklet, tmp_path_factory.mktemp("saved") / "tokenizer.json")


def pair_of(toklet: Any, path: Path) -> tuple[Any, Any]:
    hf = pytest.importorskip("transformers", reason="transformers is not installed")
    ours = made(toklet)
    ours.tokenizer.save(path)
    return ours, hf.PreTrainedTokenizerFast(tokenizer_file=str(path), **NAMED)


def same(pair: tuple[Any, Any], call: Callable[[Any], Any]) -> Any:
    def plain(found: Any) -> Any:
        if hasattr(found, "data") and isinstance(found.data, dict):
            return {name: plain(column) for name, column in found.data.items()}
        return (found.dtype.name, found.tolist()) if isinstance(found, np.ndarray) else found

    ours, theirs = (plain(call(one)) for one in pair)
    assert ours == theirs
    return ours


@given(texts=st.lists(TEXT, min_size=1, max_size=4), padding=st.sampled_from([False, True, "longest", "max_length"]), side=st.sampled_from(["right", "left"]))
def test_texts_are_padded(pair: tuple[Any, Any], texts: list[str], padding: Any, side: str) -> None:
    columns = {"return_special_tokens_mask": True, "return_length": True, "return_token_type_ids": True}
    same(pair, lambda tok: tok(texts, padding=padding, padding_side=side, max_length=20, truncation=True, pad_to_multiple_of=4 if padding else None, **columns))
    same(pair, lambda tok: tok(texts, padding=True, return_tensors="np"))


@given(text=TEXT, other=TEXT, most=st.integers(2, 9), strategy=st.sampled_from([True, "longest_first"]), side=st.sampled_from(["right", "left"]))
def test_texts_and_pairs_are_cut(pair: tuple[Any, Any], text: str, other: str, most: int, strategy: Any, side: str) -> None:
    for tok in pair:
        tok.truncation_side = side
    same(pair, lambda tok: tok(text, truncation=strategy, max_length=most))
    same(pair, lambda tok: tok(text, other, truncation=strategy, max_length=most, return_token_type_ids=True))
    for tok in pair:
        tok.truncation_side = "right"


@given(texts=st.lists(TEXT, min_size=1, max_size=3), most=st.integers(3, 6), stride=st.integers(0, 2), side=st.sampled_from(["right", "left"]))
def test_what_is_cut_off_becomes_rows(pair: tuple[Any, Any], texts: list[str], most: int, stride: int, side: str) -> None:
    for tok in pair:
        tok.truncation_side = side
    same(pair, lambda tok: tok(texts, truncation=True, max_length=most, stride=stride, return_overflowing_tokens=True, padding=True))
    for tok in pair:
        tok.truncation_side = "right"


@given(text=TEXT)
def test_ids_tokens_and_text(pair: tuple[Any, Any], text: str) -> None:
    ids = same(pair, lambda tok: tok.encode(text))
    tokens = same(pair, lambda tok: tok.tokenize(text))
    same(pair, lambda tok: tok.convert_ids_to_tokens(ids))
    same(pair, lambda tok: tok.convert_tokens_to_ids(tokens))
    for skip in (False, True):
        same(pair, lambda tok, skip=skip: tok.decode(ids, skip_special_tokens=skip))
        same(pair, lambda tok, skip=skip: tok.batch_decode([ids, ids[:2]], skip_special_tokens=skip))
    same(pair, lambda tok: tok.decode(np.array(ids)))
    same(pair, lambda tok: tok.get_special_tokens_mask(ids, already_has_special_tokens=True))


@given(text=strategies.texts(6))
def test_any_text(pair: tuple[Any, Any], text: str) -> None:
    same(pair, lambda tok: tok(text))


@given(words=st.lists(st.sampled_from(["low", "é", "中", "</s>"]), min_size=1, max_size=6))
def test_offsets(pair: tuple[Any, Any], words: list[str]) -> None:
    same(pair, lambda tok: tok(["\n".join(words), "low"], return_offsets_mapping=True, padding=True))


def test_what_a_tokenizer_is(pair: tuple[Any, Any]) -> None:
    for name in (
        "vocab_size",
        "special_tokens_map",
        "all_special_tokens",
        "all_special_ids",
        "pad_token",
        "pad_token_id",
        "unk_token",
        "unk_token_id",
        "is_fast",
    ):
        same(pair, lambda tok, name=name: getattr(tok, name))
    same(pair, len)
    same(pair, lambda tok: tok.get_vocab())
    same(pair, lambda tok: tok.get_added_vocab())
    same(pair, lambda tok: (tok.model_input_names, tok.model_max_length, tok.padding_side, tok.truncation_side, tok.num_special_tokens_to_add()))
    same(pair, lambda tok: (tok.convert_tokens_to_ids("nothing"), tok.convert_tokens_to_ids("a b"), tok.convert_ids_to_tokens(97)))
    same(pair, lambda tok: tok.convert_tokens_to_string(["Ġlow", "Ã©", "</s>"]))
    same(pair, lambda tok: tok.pad([{"input_ids": [1, 2]}, {"input_ids": [3]}], return_tensors="np"))
    same(pair, lambda tok: tok.pad({"input_ids": [[1, 2], [3]]}))
    assert pair[0].eos_token_id not in pair[0]("low</s>", split_special_tokens=True)["input_ids"]


def test_conversations(native: Any, tmp_path: Path) -> None:
    pair = pair_of(native, tmp_path / "tokenizer.json")
    chat = [{"role": "user", "content": "low"}, {"role": "assistant", "content": "ab"}]
    for how in (
        {},
        {"add_generation_prompt": True},
        {"tokenize": False},
        {"return_tensors": "np"},
        {"truncation": True, "max_length": 5},
        {"return_dict": False},
    ):
        same(pair, lambda tok, how=how: tok.apply_chat_template(chat, chat_template=TEMPLATE, **how))
        same(pair, lambda tok, how=how: tok.apply_chat_template([chat, chat[:1]], chat_template=TEMPLATE, padding=True, **how))


def test_what_a_message_says_is_only_text(native: Any) -> None:
    tok = made(native, chat_template=TEMPLATE)
    encoded = tok.apply_chat_template(MESSAGES, return_assistant_tokens_mask=True)
    assert encoded.input_ids.count(tok.eos_token_id) == 2
    learnt = [id for id, mask in zip(encoded.input_ids, encoded.assistant_masks, strict=True) if mask]
    assert tok.decode(learnt) == "ab</s>"
    with pytest.raises(native.ArgumentError, match="chat_template"):
        made(native).apply_chat_template(MESSAGES)


def test_a_saved_tokenizer_is_loaded(toklet: Any, tmp_path: Path) -> None:
    from toklet.integrations.transformers import PreTrainedTokenizerFast

    tok = made(toklet, chat_template=TEMPLATE, model_max_length=7, padding_side="left")
    names = tok.save_pretrained(tmp_path / "saved")
    assert all(Path(name).exists() for name in names)
    for loaded in (PreTrainedTokenizerFast.from_pretrained(tmp_path / "saved"), pickle.loads(pickle.dumps(tok))):
        assert loaded.tokenizer == tok.tokenizer
        assert (loaded.special_tokens_map, loaded.chat_template, loaded.padding_side) == (tok.special_tokens_map, TEMPLATE, "left")
        assert loaded(["low " * 20, "a"], padding=True, truncation=True).data == tok(["low " * 20, "a"], padding=True, truncation=True).data
    (tmp_path / "saved" / "chat_template.jinja").write_text("other")
    assert PreTrainedTokenizerFast.from_pretrained(tmp_path / "saved").chat_template == "other"
    Path(names[0]).write_text("{")
    with pytest.raises(toklet.FormatError, match="no JSON"):
        PreTrainedTokenizerFast.from_pretrained(tmp_path / "saved")


def test_transformers_loads_what_is_saved(native: Any, tmp_path: Path) -> None:
    hf = pytest.importorskip("transformers", reason="transformers is not installed")
    tok = made(native)
    tok.save_pretrained(tmp_path)
    assert json.loads((tmp_path / "tokenizer_config.json").read_text())["pad_token"] == "<pad>"
    loaded = hf.PreTrainedTokenizerFast.from_pretrained(str(tmp_path))
    assert loaded("low é</s>")["input_ids"] == tok("low é</s>")["input_ids"]
    assert loaded.pad_token_id == tok.pad_token_id


def test_what_makes_no_sense_is_refused(toklet: Any) -> None:
    from toklet.integrations.transformers import PreTrainedTokenizerFast

    tok = made(toklet)
    for call in (
        lambda: tok(5),
        lambda: tok(["a", 5]),
        lambda: tok(["a", "low low"], return_tensors="np"),
        lambda: tok("a", return_tensors="tf"),
        lambda: tok("a", padding="wide"),
        lambda: tok("a", "b", truncation="shortest", max_length=1),
        lambda: tok("ab low", "b", truncation="only_second", max_length=1),
        lambda: tok("aaaaaaa", truncation=True, max_length=2, stride=2, return_overflowing_tokens=True),
        lambda: made(toklet, pad_token="<none>"),
        lambda: made(toklet, best_token="<s>"),
        lambda: PreTrainedTokenizerFast("tokenizer.json"),
    ):
        with pytest.raises(toklet.ArgumentError):
            call()
    tok.pad_token = None
    with pytest.raises(toklet.ArgumentError, match="pad_token"):
        tok(["a", "ab1"], padding=True)
    tok.pad_token = tok.eos_token
    assert tok(["a", "1ab"], padding=True).input_ids == [[97, tok.eos_token_id], [49, 260]]
    with pytest.raises(AttributeError):
        _ = tok.nothing
