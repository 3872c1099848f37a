"""Exactness against the libraries that people use: the same ids from tiktoken and tokenizers, the same merges from rustbpe and tokenizers."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import rustbpe
import tokenizers

from .peers import CORPORA, corpus, documents, published, trained_by_tokenizers

PUBLISHED = ("r50k_base", "p50k_base", "cl100k_base", "o200k_base")


@cache
def loaded(toklet: Any, path: Path) -> Any:
    return toklet.load(path)


def ours(toklet: Any, folder: Path, name: str) -> Any:
    return loaded(toklet, folder / "vocab" / f"{name}.tiktoken")


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_file_makes_the_tokenizer_that_tiktoken_makes(toklet: Any, shared: Path, name: str) -> None:
    tok, peer = ours(toklet, shared, name), published(shared, name)
    assert tok.special_tokens == peer._special_tokens
    assert tok.tokens == peer._mergeable_ranks
    assert tok.vocab_size == peer.n_vocab


@pytest.mark.parametrize("corpus_name", CORPORA)
@pytest.mark.parametrize("name", PUBLISHED)
def test_ids_are_tiktokens_on_corpora(toklet: Any, shared: Path, name: str, corpus_name: str) -> None:
    text = corpus(shared, corpus_name, 5_000_000 if toklet.backend == "native" else 20_000)
    tok, peer = ours(toklet, shared, name), published(shared, name)
    ids = tok.encode(text)
    assert ids.tolist() == peer.encode_ordinary(text)
    assert tok.decode(ids) == text


def edge_texts(folder: Path) -> list[str]:
    edge = folder / "edge"
    texts = json.loads((edge / "blns.json").read_text("utf-8"))
    texts += (edge / "llama_cpp_cases.inp").read_text("utf-8").split("\n__ggml_vocab_test__\n")
    return [*texts, "".join(texts), "\n".join(texts), " ".join(texts)]


@pytest.mark.parametrize("name", PUBLISHED)
def test_ids_are_tiktokens_on_hard_texts(toklet: Any, shared: Path, name: str) -> None:
    tok, peer = ours(toklet, shared, name), published(shared, name)
    for text in edge_texts(shared):
        assert tok.encode(text).tolist() == peer.encode_ordinary(text), text


@pytest.mark.slow
@pytest.mark.parametrize("name", PUBLISHED)
def test_ids_are_tiktokens_on_every_emoji(toklet: Any, shared: Path, name: str) -> None:
    tok, peer = ours(toklet, shared, name), published(shared, name)
    text = (shared / "edge" / "emoji-test.txt").read_text("utf-8")
    assert tok.encode(text).tolist() == peer.encode_ordinary(text)
    for line in text.splitlines():
        assert tok.encode(line).tolist() == peer.encode_ordinary(line), line


@pytest.mark.slow
@pytest.mark.parametrize("name", PUBLISHED)
def test_ids_are_tiktokens_on_every_character(toklet: Any, shared: Path, name: str) -> None:
    tok, peer = ours(toklet, shared, name), published(shared, name)
    every = "".join(chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000)
    for text in (every, "".join(f"a{c}" for c in every), "".join(f" {c}\n" for c in every[:70_000])):
        assert tok.encode(text).tolist() == peer.encode_ordinary(text)


@pytest.mark.parametrize("name", PUBLISHED)
def test_special_tokens_are_tiktokens(toklet: Any, shared: Path, name: str) -> None:
    tok, peer = ours(toklet, shared, name), published(shared, name)
    text = "".join(f"a {special}\n{special[:-1]} {special}{special}" for special in peer.special_tokens_set)
    assert tok.encode(text, special="allow").tolist() == peer.encode(text, allowed_special="all")
    assert tok.encode(text).tolist() == peer.encode(text, disallowed_special=())
    assert tok.encode(text, special={"<|endoftext|>"}).tolist() == peer.encode(text, allowed_special={"<|endoftext|>"}, disallowed_special=())


def test_ids_are_those_of_tokenizers_for_gpt2(toklet: Any, shared: Path) -> None:
    path = shared / "vocab" / "gpt2_tokenizer.json"
    tok, peer = loaded(toklet, path), tokenizers.Tokenizer.from_file(str(path))
    texts = documents(shared, 5_000_000 if toklet.backend == "native" else 10_000) + edge_texts(shared)
    for text, encoding in zip(texts, peer.encode_batch_fast(texts), strict=True):
        assert tok.encode(text).tolist() == encoding.ids, text


@pytest.mark.slow
@pytest.mark.parametrize(("name", "pattern"), [("english", "gpt2"), ("code", "cl100k"), ("multilingual", "gpt2")])
def test_merges_are_rustbpes(toklet: Any, shared: Path, name: str, pattern: str) -> None:
    texts = corpus(shared, name, 5_000_000).splitlines(keepends=True)
    peer = rustbpe.Tokenizer()
    peer.train_from_iterator(iter(texts), 4_096, pattern=toklet.patterns[pattern])
    theirs = [bytes(token) for token, _ in sorted(peer.get_mergeable_ranks(), key=lambda entry: entry[1])]
    tok = toklet.train(texts, 4_096, pattern=pattern)
    assert [token for token, _ in sorted(tok.tokens.items(), key=lambda entry: entry[1])] == theirs
    assert len(tok.merges) == 4_096 - 256


def unspell(spelled: str) -> bytes:
    visible = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in visible]
    alphabet = {chr(byte): byte for byte in visible} | {chr(256 + i): byte for i, byte in enumerate(others)}
    return bytes(alphabet[c] for c in spelled)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "pattern"), [("english", "gpt2"), ("code", "cl100k"), ("multilingual", "gpt2"), ("multilingual", "o200k")])
def test_merges_are_those_of_tokenizers(toklet: Any, shared: Path, name: str, pattern: str) -> None:
    texts = corpus(shared, name, 2_000_000).splitlines(keepends=True)
    peer = json.loads(trained_by_tokenizers(texts, 4_096, None if pattern == "gpt2" else toklet.patterns[pattern]).to_str())
    theirs = [(unspell(left), unspell(right)) for left, right in peer["model"]["merges"]]
    tok = toklet.train(texts, 4_096, pattern=pattern, ties="huggingface", special_tokens=["<|endoftext|>"])
    assert tok.merges == theirs


@pytest.mark.slow
@pytest.mark.parametrize("pattern", ["gpt2", "cl100k", "o200k"])
def test_tokenizers_gives_our_ids_from_our_file_on_ten_thousand_documents(toklet: Any, shared: Path, tmp_path: Path, pattern: str) -> None:
    texts = documents(shared, 1_500_000)
    texts = texts[:: len(texts) // 10_000][:10_000]
    tok = toklet.train(texts, 8_192, pattern=pattern, special_tokens=["<|endoftext|>"])
    tok.save(tmp_path / "tok.json")
    peer = tokenizers.Tokenizer.from_file(str(tmp_path / "tok.json"))
    assert len(texts) == 10_000
    for text, encoding in zip(texts, peer.encode_batch_fast(texts), strict=True):
        assert tok.encode(text, special="allow").tolist() == encoding.ids, text


@pytest.mark.slow
@pytest.mark.parametrize("pattern", [None, "o200k"])
def test_we_give_the_ids_of_tokenizers_from_its_file_on_ten_thousand_documents(toklet: Any, shared: Path, tmp_path: Path, pattern: str | None) -> None:
    texts = documents(shared, 1_500_000)
    texts = texts[:: len(texts) // 10_000][:10_000]
    peer = trained_by_tokenizers(texts, 8_192, toklet.patterns[pattern] if pattern else None)
    peer.save(str(tmp_path / "theirs.json"))
    tok = toklet.load(tmp_path / "theirs.json")
    for text, encoding in zip(texts, peer.encode_batch_fast(texts), strict=True):
        assert tok.encode(text, special="allow").tolist() == encoding.ids, text


@pytest.mark.slow
def test_published_ranks_saved_as_json_load_everywhere_with_the_same_ids(toklet: Any, shared: Path, tmp_path: Path) -> None:
    tok = ours(toklet, shared, "cl100k_base")
    tok.save(tmp_path / "cl100k.json")
    again, peer = toklet.load(tmp_path / "cl100k.json"), tokenizers.Tokenizer.from_file(str(tmp_path / "cl100k.json"))
    texts = documents(shared, 300_000) + edge_texts(shared)
    for text, encoding in zip(texts, peer.encode_batch_fast(texts), strict=True):
        ids = tok.encode(text, special="allow").tolist()
        assert again.encode(text, special="allow").tolist() == ids
        assert encoding.ids == ids, text
