"""Sentencepiece models, tekken.json, GGUF and the published ranks: the ids are the owner's; and tokenizers of other libraries, taken over and given out."""

import base64
import copy
import io
import json
import pickle
import re
import struct
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import sentencepiece
import tiktoken
import tokenizers
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from . import pipelines
from .peers import CORPORA, corpus, published
from .strategies import texts

SENTENCES = [
    "the cat sat; the cat ate  12 mice",
    "a rose is a rose ﬁne",
    "Größe № ½ 中文 カタカナ ｶﾀｶﾅ",
    "the dog ran <sep> the log",
    "  deep   spaces ",
] * 30


def trained(**options: Any) -> bytes:
    """Train a sentencepiece model as its owner does."""
    model = io.BytesIO()
    settings = {"vocab_size": 400, "byte_fallback": True, "character_coverage": 0.995, "hard_vocab_limit": False} | options
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(SENTENCES), model_writer=model, model_type="bpe", minloglevel=2, **settings)
    return model.getvalue()


MODELS: dict[str, dict[str, Any]] = {
    "nmt_nfkc": {},
    "nfkc": {"normalization_rule_name": "nfkc", "remove_extra_whitespaces": False},
    "case folded": {"normalization_rule_name": "nmt_nfkc_cf"},
    "identity": {"normalization_rule_name": "identity", "remove_extra_whitespaces": False},
    "without a prefix": {"add_dummy_prefix": False},
    "without bytes": {"byte_fallback": False, "vocab_size": 100},
    "user-defined symbols": {"user_defined_symbols": ["<sep>", "the", "  ", "№"]},
    "over words": {"split_by_whitespace": False, "split_by_number": False, "split_by_unicode_script": False},
}


@cache
def model_of(name: str) -> bytes:
    return trained(**MODELS[name])


PIECES = (
    "the",
    " ",
    "  ",
    "cat",
    "<sep>",
    "№",
    "½",
    "ﬁ",
    "ｶﾞ",
    "中",
    "\u2581",
    "\u0301",
    "Größe",
    "\n",
    "\t",
    "12",
    "<s>",
    "<0x41>",
    "\u3000",
    "THE",
    "\u00ad",
    "\u200b",
)


@pytest.mark.parametrize("name", MODELS)
@settings(suppress_health_check=list(HealthCheck))
@given(parts=st.lists(st.sampled_from(PIECES) | texts(2), max_size=10))
def test_ids_of_a_model_are_sentencepieces(toklet: Any, tmp_path: Path, name: str, parts: list[str]) -> None:
    path = tmp_path / "tok.model"
    path.write_bytes(model_of(name))
    tok, owner = toklet.load(path), sentencepiece.SentencePieceProcessor(model_proto=model_of(name))
    text = "".join(parts).replace("\0", "")
    assert tok.encode(text).tolist() == owner.encode(text), text


def test_a_model_tells_what_it_is(toklet: Any, tmp_path: Path) -> None:
    path = tmp_path / "tok.model"
    path.write_bytes(model_of("identity"))
    tok = toklet.load(path)
    ids = tok.encode("the cat\n½")
    assert tok.decode(ids) == "the cat\n½"
    assert tok.token(ids[0]) == b" the"
    assert tok.id(b" the") == ids[0]
    assert tok.encode_with_offsets("the cat")[1].tolist() == [[0, 3], [3, 7]]
    assert tok.special_tokens == {"<unk>": 0, "<s>": 1, "</s>": 2}
    assert tok.decode(tok.encode(b"\xff the \xe4")) == "\ufffd the \ufffd"
    for again in (pickle.loads(pickle.dumps(tok)), copy.deepcopy(tok)):
        assert again == tok
        assert again.encode("the cat\n½").tolist() == ids.tolist()
    stream = tok.stream()
    assert "".join(stream.push(id) for id in ids) + stream.end() == "the cat\n½"


def test_a_model_saved_as_json_gives_the_same_ids_in_tokenizers(toklet: Any, tmp_path: Path) -> None:
    (tmp_path / "tok.model").write_bytes(model_of("identity"))
    tok = toklet.load(tmp_path / "tok.model")
    tok.save(tmp_path / "tok.json")
    peer, again = tokenizers.Tokenizer.from_file(str(tmp_path / "tok.json")), toklet.load(tmp_path / "tok.json")
    for text in [*SENTENCES[:5], "a \n ½ x", "thethe mat"]:
        ids = tok.encode(text).tolist()
        assert peer.encode(text, add_special_tokens=False).ids == ids
        assert peer.decode(ids) == text
        assert again.encode(text).tolist() == ids


def test_what_a_json_cannot_say_of_a_model_is_refused(toklet: Any, tmp_path: Path) -> None:
    (tmp_path / "tok.model").write_bytes(model_of("nmt_nfkc"))
    with pytest.raises(toklet.FormatError, match="sentencepiece"):
        toklet.load(tmp_path / "tok.model").save(tmp_path / "tok.json")
    for data in (b"", model_of("identity")[:1000], model_of("identity") + b"\xff"):
        (tmp_path / "cut.model").write_bytes(data)
        with pytest.raises(toklet.FormatError, match=r"cut\.model"):
            toklet.load(tmp_path / "cut.model")


def gguf(values: dict[str, Any]) -> bytes:
    """Write the start of a GGUF file."""

    def text(value: str) -> bytes:
        return struct.pack("<Q", len(value.encode())) + value.encode()

    def typed(value: Any) -> bytes:
        if isinstance(value, bool):
            return struct.pack("<I?", 7, value)
        if isinstance(value, int):
            return struct.pack("<II", 4, value)
        if isinstance(value, str):
            return struct.pack("<I", 8) + text(value)
        kind = 8 if isinstance(value[0], str) else 6 if isinstance(value[0], float) else 5
        items = [text(item) if kind == 8 else struct.pack("<f" if kind == 6 else "<i", item) for item in value]
        return struct.pack("<IIQ", 9, kind, len(value)) + b"".join(items)

    pairs = {"general.name": "test", **{f"tokenizer.ggml.{key}": value for key, value in values.items()}}
    return b"GGUF" + struct.pack("<IQQ", 3, 0, len(pairs)) + b"".join(text(key) + typed(value) for key, value in pairs.items()) + b"tensors"


def test_a_gguf_file_of_merges(toklet: Any, tmp_path: Path) -> None:
    tok = toklet.Tokenizer.from_merges([(b"a", b"b"), (b" ", b"ab")], pattern="gpt2", special_tokens=["<s>"])
    said = json.loads(toklet.Tokenizer.to_huggingface(tok).to_str())
    vocab = sorted(said["model"]["vocab"], key=said["model"]["vocab"].__getitem__)
    kinds = [3 if token == "<s>" else 1 for token in vocab]
    merges = [" ".join(pair) for pair in said["model"]["merges"]]
    values = {"model": "gpt2", "pre": "gpt-2", "tokens": vocab, "token_type": kinds, "merges": merges, "bos_token_id": 258, "add_bos_token": True}
    (tmp_path / "model.gguf").write_bytes(gguf(values))
    found = toklet.load(tmp_path / "model.gguf")
    assert found.encode("ab ab<s>", special="allow").tolist() == tok.encode("ab ab<s>", special="allow").tolist()
    assert found.post_process(found.encode("ab")).tolist() == [258, 256]
    assert found.post_process([256], [257]).tolist() == [258, 256, 258, 257]
    for key, value in {"pre": "unheard-of", "model": "bert", "token_type": [1]}.items():
        (tmp_path / "bad.gguf").write_bytes(gguf({**values, key: value}))
        with pytest.raises(toklet.FormatError, match=f"tokenizer.ggml.{key}"):
            toklet.load(tmp_path / "bad.gguf")


def test_a_gguf_file_of_scores(toklet: Any, tmp_path: Path) -> None:
    owner = sentencepiece.SentencePieceProcessor(model_proto=model_of("identity"))
    ids = range(owner.get_piece_size())
    kinds = [2 if owner.is_unknown(id) else 3 if owner.is_control(id) else 6 if owner.is_byte(id) else 1 for id in ids]
    values = {"model": "llama", "tokens": [owner.id_to_piece(id) for id in ids], "scores": [owner.get_score(id) for id in ids], "token_type": kinds}
    (tmp_path / "model.gguf").write_bytes(gguf(values))
    tok = toklet.load(tmp_path / "model.gguf")
    for text in SENTENCES[:5]:
        assert tok.encode(text).tolist() == owner.encode(text)


def test_a_tekken_file(toklet: Any, tmp_path: Path) -> None:
    ranks = [bytes([byte]) for byte in range(256)] + [b"ab", b"abab", b"beyond"]
    vocab = [{"rank": rank, "token_bytes": base64.b64encode(token).decode(), "token_str": None} for rank, token in enumerate(ranks)]
    config = {"pattern": toklet.patterns["o200k"], "num_vocab_tokens": 259, "default_vocab_size": 283, "default_num_special_tokens": 25, "version": "v3"}
    (tmp_path / "tekken.json").write_text(json.dumps({"config": config, "vocab": vocab}), "utf-8")
    tok = toklet.load(tmp_path / "tekken.json")
    assert tok.encode("ababab</s>").tolist()[:2] == [282, 281]
    assert tok.encode("</s><SPECIAL_24>", special="allow").tolist() == [2, 24]
    assert tok.vocab_size == 283
    named = [{"rank": 3, "token_str": "<a>", "is_control": True}]
    (tmp_path / "tekken.json").write_text(json.dumps({"config": config, "vocab": vocab, "special_tokens": named}), "utf-8")
    assert toklet.load(tmp_path / "tekken.json").special_tokens["<a>"] == 3


@settings(suppress_health_check=list(HealthCheck))
@given(said=pipelines.of_characters(), found=st.lists(pipelines.texts(), max_size=6))
def test_a_loaded_file_saved_again_gives_the_same_ids_in_tokenizers(toklet: Any, tmp_path: Path, said: dict[str, Any], found: list[str]) -> None:
    try:
        tok = toklet.Tokenizer.from_huggingface(tokenizers.Tokenizer.from_str(json.dumps(said)))
    except toklet.Error:
        return
    peer = tok.to_huggingface()
    peer.encode_special_tokens = True
    again = pickle.loads(pickle.dumps(tok))
    assert again == tok
    for text in found:
        ids, theirs = tok.encode(text).tolist(), pipelines.ids_of(peer, text)
        assert theirs is None or theirs == ids
        assert again.encode(text).tolist() == ids
        located, offsets = tok.encode_with_offsets(text, unit="bytes")
        assert located.tolist() == ids
        assert all(start <= end <= len(text.encode()) for start, end in offsets.tolist())
        assert tok.count(text) == len(ids)
        assert tok.count(tok.truncate(text, 2)) <= 2


def test_an_encoding_of_tiktoken_is_taken_over_and_given_out(toklet: Any) -> None:
    ranks = {bytes([byte]): byte for byte in range(256)} | {b"ab": 256}
    theirs = tiktoken.Encoding("mine", pat_str=toklet.patterns["gpt2"], mergeable_ranks=ranks, special_tokens={"<s>": 257})
    tok = toklet.Tokenizer.from_tiktoken(theirs)
    assert tok.encode("ab<s>ba", special="allow").tolist() == theirs.encode("ab<s>ba", allowed_special="all")
    assert tok.to_tiktoken("again").encode("ab<s>ba", allowed_special="all") == theirs.encode("ab<s>ba", allowed_special="all")
    for wrong in (5, None, object()):
        with pytest.raises(toklet.ArgumentError):
            toklet.Tokenizer.from_tiktoken(wrong)
        with pytest.raises(toklet.ArgumentError):
            toklet.Tokenizer.from_huggingface(wrong)


@pytest.mark.slow
@pytest.mark.parametrize("corpus_name", CORPORA)
@pytest.mark.parametrize("name", ["mistral_v1", "mistral_v3"])
def test_ids_are_sentencepieces_on_corpora(toklet: Any, shared: Path, name: str, corpus_name: str) -> None:
    path = shared / "vocab" / f"{name}.model"
    tok, owner, text = toklet.load(path), sentencepiece.SentencePieceProcessor(model_file=str(path)), corpus(shared, corpus_name, 5_000_000)
    ids = tok.encode(text)
    assert ids.tolist() == owner.encode(text)
    assert tok.decode(ids) == text


@pytest.mark.slow
@pytest.mark.parametrize("corpus_name", CORPORA)
def test_ids_are_those_of_tokenizers_for_gpt_neox(toklet: Any, shared: Path, corpus_name: str) -> None:
    path = shared / "vocab" / "gpt_neox_tokenizer.json"
    tok, peer = toklet.load(path), tokenizers.Tokenizer.from_file(str(path))
    peer.encode_special_tokens = True
    lines = corpus(shared, corpus_name, 5_000_000).splitlines(keepends=True)
    for ids, theirs in zip(tok.encode_batch(lines), peer.encode_batch_fast(lines, add_special_tokens=False), strict=True):
        assert ids.tolist() == theirs.ids


@pytest.mark.slow
@pytest.mark.parametrize("corpus_name", CORPORA)
@pytest.mark.parametrize("name", ["whisper_multilingual", "voyage3_base"])
def test_ids_are_tiktokens_for_whisper_and_qwen(toklet: Any, shared: Path, name: str, corpus_name: str) -> None:
    path, text = shared / "vocab" / f"{name}.tiktoken", corpus(shared, corpus_name, 5_000_000)
    tok = toklet.load(path)
    owner = tiktoken.Encoding(name, pat_str=tok.pattern, mergeable_ranks=tok.tokens, special_tokens=tok.special_tokens)
    assert tok.encode(text).tolist() == owner.encode_ordinary(text)


@pytest.mark.parametrize(("file", "answers"), [("r50k_base", "gpt2"), ("voyage3_base", "qwen2")])
def test_llama_cpps_cases(native: Any, shared: Path, file: str, answers: str) -> None:
    tok = native.load(shared / "vocab" / f"{file}.tiktoken")
    cases = (shared / "edge" / "llama_cpp_cases.inp").read_text("utf-8").removesuffix("\n__ggml_vocab_test__\n").split("\n__ggml_vocab_test__\n")
    expected = (shared / "edge" / f"llama_cpp_{answers}.out").read_text("utf-8").splitlines()
    assert [tok.encode(case).tolist() for case in cases] == [[int(id) for id in line.split()] for line in expected]


@pytest.mark.slow
def test_published_encodings_taken_over_are_themselves(toklet: Any, shared: Path) -> None:
    for name in ("r50k_base", "p50k_edit", "cl100k_base", "o200k_harmony"):
        owner, text = published(shared, name), corpus(shared, "multilingual", 200_000)
        tok = toklet.Tokenizer.from_tiktoken(owner)
        assert tok.pattern in toklet.patterns.values()
        assert tok.encode(text).tolist() == owner.encode_ordinary(text)
        assert set(tok.special_tokens.values()) == set(owner._special_tokens.values())
        assert tok.special_tokens.items() <= owner._special_tokens.items()  # harmony has two names for one id


def test_the_two_forms_of_cl100k_give_the_same_ids(toklet: Any, shared: Path) -> None:
    """They cut white space at the end of a text differently; but no token of the vocabulary lies over such a cut, not with a part of a character either."""
    owner, tok = published(shared, "cl100k_base"), toklet.load(shared / "vocab" / "cl100k_base.tiktoken")
    assert not [token for token in tok.tokens if re.fullmatch(r"[\s\ufffd]*[\r\n](?:[^\S\r\n]|\ufffd)+", token.decode("utf-8", "replace"))]
    taken = toklet.Tokenizer.from_tiktoken(owner)
    assert (tok.pattern, taken.pattern) == (toklet.patterns["cl100k"], toklet.patterns["cl100k_end"])
    for text in ("a\n  ", "\n \t", "a \r\n\u3000", " \n \n ", "!\n\n  ", "a\n \n"):
        assert tok.encode(text).tolist() == taken.encode(text).tolist() == owner.encode_ordinary(text)
