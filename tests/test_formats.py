"""Files that hold a tokenizer: what is saved comes back, and other libraries read it as we do."""

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest
import tokenizers
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from . import strategies
from .peers import trained_by_tokenizers
from .strategies import PATTERN_NAMES

BYTES = {bytes([byte]): byte for byte in range(256)}
SAFE = ["<|endoftext|>", "<|end|>", "<s>", "</s>", "中 文", "a b"]  # special tokens that no token spells


def saved(tok: Any, path: Path) -> bytes:
    tok.save(path)
    return path.read_bytes()


@pytest.mark.parametrize("pattern", PATTERN_NAMES)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(merges=strategies.merges(), names=st.lists(st.sampled_from(SAFE), unique=True))
def test_a_saved_tokenizer_loads_as_it_was(toklet: Any, tmp_path: Path, pattern: str, merges: list[tuple[bytes, bytes]], names: list[str]) -> None:
    tok = toklet.Tokenizer.from_merges(merges, pattern=pattern, special_tokens=names)
    data = saved(tok, tmp_path / "tok.json")
    again = toklet.load(tmp_path / "tok.json")
    assert again == tok
    assert again.merges == merges
    assert saved(again, tmp_path / "again.json") == data


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(ranks=strategies.ranks(), text=strategies.spelled())
def test_saved_ranks_load_as_they_were(toklet: Any, tmp_path: Path, ranks: dict[bytes, int], text: str) -> None:
    tok = toklet.Tokenizer.from_ranks(ranks, pattern="cl100k")
    data = saved(tok, tmp_path / "tok.tiktoken")
    again = toklet.load(tmp_path / "tok.tiktoken", pattern="cl100k")
    assert again == tok
    assert saved(again, tmp_path / "again.tiktoken") == data
    lines = [line.split() for line in data.splitlines()]
    assert {base64.b64decode(token): int(rank) for token, rank in lines} == ranks
    assert [int(rank) for _, rank in lines] == sorted(ranks.values())
    assert again.encode(text).tolist() == tok.encode(text).tolist()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(merges=strategies.merges(), names=st.lists(st.sampled_from(SAFE), unique=True), texts=st.lists(strategies.spelled(8), max_size=6))
def test_tokenizers_reads_our_file_as_we_do(toklet: Any, tmp_path: Path, merges: list[tuple[bytes, bytes]], names: list[str], texts: list[str]) -> None:
    for pattern in PATTERN_NAMES:
        tok = toklet.Tokenizer.from_merges(merges, pattern=pattern, special_tokens=names)
        tok.save(tmp_path / "tok.json")
        peer = tokenizers.Tokenizer.from_file(str(tmp_path / "tok.json"))
        for text in texts:
            ids = tok.encode(text, special="allow").tolist()
            assert peer.encode(text).ids == ids
            assert peer.decode(ids, skip_special_tokens=False) == text
        assert peer.get_vocab_size() == tok.vocab_size


def test_a_saved_file_says_what_tokenizers_says(toklet: Any, tmp_path: Path) -> None:
    """`tokenizers` loads the file and writes the same fields with the same values."""
    tok = toklet.Tokenizer.from_merges([(b"l", b"o"), (b" ", b"lo")], pattern="o200k", special_tokens=["<s>"])
    tok.save(tmp_path / "ours.json")
    tokenizers.Tokenizer.from_file(str(tmp_path / "ours.json")).save(str(tmp_path / "theirs.json"))
    ours, theirs = (json.loads((tmp_path / name).read_text("utf-8")) for name in ("ours.json", "theirs.json"))
    assert ours == theirs
    assert toklet.load(tmp_path / "theirs.json") == tok


@pytest.mark.parametrize("pattern", [None, "cl100k", "o200k"])
def test_we_read_their_file_as_they_do(toklet: Any, tmp_path: Path, pattern: str | None) -> None:
    texts = ["low lower lowest, it's SLOWER é中\r\n  12345", "slow slower slowest\n\n don't <|endoftext|> 😀", "   ", "ΑΣ ñ"] * 3
    peer = trained_by_tokenizers(texts, 300, toklet.patterns[pattern] if pattern else None)
    peer.save(str(tmp_path / "theirs.json"))
    tok = toklet.load(tmp_path / "theirs.json")
    assert tok.pattern == toklet.patterns[pattern or "gpt2"]
    assert tok.special_tokens == {"<|endoftext|>": 0}
    assert tok.vocab_size == peer.get_vocab_size()
    for text in texts:
        assert tok.encode(text, special="allow").tolist() == peer.encode(text).ids


def test_gpt2s_published_file_loads(toklet: Any, shared: Path) -> None:
    tok = toklet.load(shared / "vocab" / "gpt2_tokenizer.json")
    assert tok.vocab_size == 50_257
    assert tok.special_tokens == {"<|endoftext|>": 50_256}
    assert tok.merges[0] == (b" ", b"t")
    assert tok.encode("Hello world").tolist() == [15496, 995]
    assert tok.tokens == toklet.load(shared / "vocab" / "r50k_base.tiktoken").tokens


def test_special_tokens_given_with_ranks_replace_those_that_are_known(toklet: Any, shared: Path) -> None:
    path = shared / "vocab" / "r50k_base.tiktoken"
    assert toklet.load(path).special_tokens == {"<|endoftext|>": 50_256}
    assert toklet.load(path, special_tokens={"<s>": 60_000}).special_tokens == {"<s>": 60_000}
    assert toklet.load(path, special_tokens={}).special_tokens == {}
    assert toklet.load(path, pattern="o200k").pattern == toklet.patterns["o200k"]


def test_ranks_hold_merges_only_if_they_can_say_them(toklet: Any, tmp_path: Path) -> None:
    good = toklet.Tokenizer.from_merges([(b"a", b"b"), (b"ab", b"c")], pattern="gpt2")
    good.save(tmp_path / "good.tiktoken")
    again = toklet.load(tmp_path / "good.tiktoken", pattern="gpt2")
    assert again.encode("abcab").tolist() == good.encode("abcab").tolist()
    twice = toklet.Tokenizer.from_merges([(b"b", b"c"), (b"a", b"bc"), (b"a", b"b"), (b"ab", b"c")], pattern="gpt2")
    with pytest.raises(toklet.FormatError, match=r"tokenizer\.json"):
        twice.save(tmp_path / "bad.tiktoken")
    assert not (tmp_path / "bad.tiktoken").exists()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(merges=strategies.merges(), texts=st.lists(st.text("ab clower'é中", max_size=9), max_size=9))
@example(merges=[(b"b", b"c"), (b"a", b"b"), (b"ab", b"c")], texts=["abc"])
def test_merges_saved_as_ranks_encode_the_same_or_are_refused(toklet: Any, tmp_path: Path, merges: list[tuple[bytes, bytes]], texts: list[str]) -> None:
    tok = toklet.Tokenizer.from_merges(merges, pattern="gpt2")
    try:
        tok.save(tmp_path / "tok.tiktoken")
    except toklet.FormatError:
        return
    again = toklet.load(tmp_path / "tok.tiktoken", pattern="gpt2")
    for data in [*map(str.encode, texts), *tok.tokens]:
        assert again.encode(data).tolist() == tok.encode(data).tolist()


def test_ranks_saved_as_json_keep_their_ids(toklet: Any, tmp_path: Path) -> None:
    ranks = {token: 255 - id for token, id in BYTES.items()} | {b"ab": 256, b"abab": 300}
    tok = toklet.Tokenizer.from_ranks(ranks, pattern="cl100k", special_tokens={"<s>": 280})
    tok.save(tmp_path / "tok.json")
    again = toklet.load(tmp_path / "tok.json")
    assert again.tokens == ranks
    assert again.special_tokens == {"<s>": 280}
    assert again.encode("ab<s>abab", special="allow").tolist() == [256, 280, 300]
    assert tokenizers.Tokenizer.from_file(str(tmp_path / "tok.json")).encode("ab<s>abab").ids == [256, 280, 300]


@pytest.mark.parametrize("name", ["tok.json", "tök 中.json", "a b.tiktoken", ".json"])
def test_a_path_may_be_any_str_or_pathlike(toklet: Any, tmp_path: Path, name: str) -> None:
    tok = toklet.Tokenizer.from_merges([(b"a", b"b")], pattern="gpt2")
    for path in (tmp_path / name, str(tmp_path / name)):
        tok.save(path)
        loaded = toklet.load(path, **({"pattern": "gpt2"} if name.endswith(".tiktoken") else {}))
        assert loaded.encode("ab").tolist() == [256]


@pytest.mark.parametrize("name", [b"tok\xff.json", b"\xc3.json"])
def test_the_name_of_a_file_may_be_any_bytes(toklet: Any, tmp_path: Path, name: bytes) -> None:
    """File names needn't be UTF-8: Python spells the other bytes as surrogates."""
    tok, path = toklet.Tokenizer.from_merges([(b"a", b"b")], pattern="gpt2"), tmp_path / os.fsdecode(name)
    tok.save(path)
    assert toklet.load(path) == tok
    assert os.listdir(os.fsencode(tmp_path)) == [name]
    assert toklet.count_files([path]) == toklet.count([path.read_bytes()])


def test_older_spellings_of_merges_and_of_the_file_load(toklet: Any, tmp_path: Path) -> None:
    """Merges as "a b", no decoder, no version, vocabulary in any order, special tokens only among the added ones."""
    tok = toklet.Tokenizer.from_merges([(b"l", b"o"), (b" ", b"lo")], pattern="gpt2", special_tokens=["<s>"])
    tok.save(tmp_path / "tok.json")
    file = json.loads((tmp_path / "tok.json").read_text("utf-8"))
    file["model"]["merges"] = [" ".join(pair) for pair in file["model"]["merges"]]
    file["model"]["vocab"] = dict(reversed(file["model"]["vocab"].items()))
    del file["version"], file["decoder"], file["truncation"], file["padding"], file["post_processor"], file["model"]["dropout"], file["model"]["vocab"]["<s>"]
    (tmp_path / "old.json").write_text(json.dumps(file, indent=2), "utf-8")
    assert toklet.load(tmp_path / "old.json") == tok


def test_a_rank_file_may_have_blank_lines_and_either_line_end(toklet: Any, tmp_path: Path) -> None:
    lines = [f"{base64.b64encode(token).decode()} {id}" for token, id in (BYTES | {b"ab": 256}).items()]
    tok = toklet.Tokenizer.from_ranks(BYTES | {b"ab": 256}, pattern="gpt2")
    for text in ("\n".join(lines), "\r\n".join(lines) + "\r\n", "\n\n".join(lines), "\n".join(reversed(lines))):
        (tmp_path / "ranks.tiktoken").write_text(text, "ascii", newline="")
        assert toklet.load(tmp_path / "ranks.tiktoken", pattern="gpt2") == tok
