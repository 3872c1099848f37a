"""Built-in patterns, against their published expressions in the engine of their owner: on every pair of kinds of characters, on mean texts, on corpora."""

import base64
import json
import os
from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import tokenizers
from hypothesis import given

from . import borders, strategies
from .backends import Both
from .borders import BATCH, CJK, CLASSES, KINDS, PUBLISHED, TIKTOKEN, TOKENIZERS, generated
from .peers import CORPORA, corpus

SPELLINGS = {
    "gpt2": ("r50k", "p50k", r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"),
    "cl100k": ("llama3", TIKTOKEN["qwen2"].replace(r"\p{N}|", r"\p{N}{1,3}|")),
    "qwen2": ("qwen2.5", "qwen3"),
}
MANY = int(os.environ.get("TOKLET_BORDERS", "200000"))  # texts for each pattern; `python -m tests.borders` tells more


def split(package: Any, data: bytes, pattern: str) -> list[bytes]:
    return list(package._core.core.split(data, pattern))


def check(package: Any, pattern: str, texts: Iterable[bytes]) -> None:
    """Check that texts are cut as their owner cuts them."""
    texts = list(texts)
    borders.check(pattern, texts, [split(package, text, pattern) for text in texts])


def pieces(data: str, size: int) -> Iterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size].encode()


def edge_texts(shared: Path) -> list[str]:
    hard: list[str] = json.loads((shared / "edge" / "blns.json").read_text("utf-8"))
    hard += (shared / "edge" / "llama_cpp_cases.inp").read_text("utf-8").split("\n__ggml_vocab_test__\n")
    return [*hard, *(shared / "edge" / "emoji-test.txt").read_text("utf-8").splitlines(keepends=True)]


@pytest.mark.parametrize("pattern", TIKTOKEN)
def test_a_built_in_pattern_is_the_published_one(toklet: Any, pattern: str) -> None:
    assert toklet.Tokenizer.from_merges([], pattern=TIKTOKEN[pattern]).pattern == toklet.patterns[pattern]


@pytest.mark.parametrize("pattern", PUBLISHED)
def test_every_pair_of_kinds_of_characters(toklet: Any, pattern: str) -> None:
    check(toklet, pattern, ["".join(some).encode() for some in product(("", "a", " "), (*KINDS, *CJK), (*KINDS, *CJK), ("", "a"))])


@pytest.mark.parametrize("pattern", PUBLISHED)
def test_every_text_of_three_classes(toklet: Any, pattern: str) -> None:
    check(toklet, pattern, ["".join(three).encode() for three in product(CLASSES, repeat=3)])


@pytest.mark.slow
@pytest.mark.parametrize("pattern", PUBLISHED)
def test_every_text_of_four_classes(toklet: Any, pattern: str) -> None:
    check(toklet, pattern, ["".join(four).encode() for four in product(CLASSES, repeat=4)])


@pytest.mark.parametrize("pattern", PUBLISHED)
def test_the_borders_of_pretokens(both: Both, pattern: str) -> None:
    texts = generated(5_000, 1)
    for text in texts:
        both.equal(split(both.native.toklet, text, pattern), split(both.reference.toklet, text, pattern))
    check(both.native.toklet, pattern, texts)


@pytest.mark.slow
@pytest.mark.parametrize("start", range(0, MANY, BATCH))
@pytest.mark.parametrize("pattern", PUBLISHED)
def test_the_borders_of_pretokens_in_many_texts(both: Both, pattern: str, start: int) -> None:
    texts = generated(min(BATCH, MANY - start), start + 1)
    cuts = [split(both.native.toklet, text, pattern) for text in texts]
    borders.check(pattern, texts, cuts)
    assert cuts == [split(both.reference.toklet, text, pattern) for text in texts]


@pytest.mark.slow
def test_every_width_of_vectors_cuts_alike(native: Any) -> None:
    borders.widths(native, MANY // 10, native.patterns)


@pytest.mark.parametrize("pattern", PUBLISHED)
def test_the_hard_texts_of_others(toklet: Any, shared: Path, pattern: str) -> None:
    check(toklet, pattern, [text.encode() for text in edge_texts(shared)])


@pytest.mark.parametrize("corpus_name", CORPORA)
@pytest.mark.parametrize("pattern", PUBLISHED)
def test_a_corpus(both: Both, shared: Path, pattern: str, corpus_name: str) -> None:
    text = corpus(shared, corpus_name, 1_000_000).encode()
    both.equal(split(both.native.toklet, text, pattern), split(both.reference.toklet, text, pattern))
    check(both.native.toklet, pattern, [text])


@pytest.mark.slow
@pytest.mark.parametrize("corpus_name", CORPORA)
@pytest.mark.parametrize("pattern", PUBLISHED)
def test_a_whole_corpus(toklet: Any, shared: Path, pattern: str, corpus_name: str) -> None:
    for piece in pieces((shared / "corpora" / f"{corpus_name}.txt").read_text("utf-8"), 1 << 20):
        check(toklet, pattern, [piece])


@pytest.mark.parametrize("pattern", ["cl100k", "cl100k_end", "o200k", "qwen2", "qwen3.5", "tekken", "deepseek_v3"])
def test_tokenizers_cuts_alike_by_our_regular_expression(toklet: Any, shared: Path, pattern: str) -> None:
    """The engine that reads a tokenizer.json; its Unicode is another version, so only where it is of one mind with ours about each character."""
    owner = borders.by_tokenizers((toklet.patterns[pattern],))
    texts = ["".join(two) for two in product(("", "a", " "), (*KINDS, *CJK), KINDS)]
    for text in (*texts, *edge_texts(shared), corpus(shared, "multilingual", 100_000)):
        assert [word.decode() for word in split(toklet, text.encode(), pattern)] == [word for word, _ in owner.pre_tokenize_str(text)]


@pytest.mark.parametrize("start", range(0, 0x110000, 0x11000))
def test_steps_in_one_expression_cut_every_character_alike(native: Any, start: int) -> None:
    """DeepSeek's pattern is published as three expressions, ours is one: in tokenizers, which runs both, and in the core."""
    steps, one = borders.by_tokenizers(TOKENIZERS["deepseek_v3"]), borders.by_tokenizers((native.patterns["deepseek_v3"],))
    for c in (chr(code) for code in range(start, start + 0x11000) if not 0xD800 <= code < 0xE000):
        for text in (f"{c}{c}é", f"a{c}é.", f"あ{c}{c}ア", f"  {c}b", f"!{c}\n{c}1"):
            found = [word for word, _ in steps.pre_tokenize_str(text)]
            assert found == [word for word, _ in one.pre_tokenize_str(text)] == [word.decode() for word in split(native, text.encode(), "deepseek_v3")], text


@pytest.mark.parametrize("pattern", strategies.PATTERN_NAMES)
@given(data=strategies.data())
def test_a_pattern_goes_by_all_its_names(toklet: Any, pattern: str, data: bytes) -> None:
    for other in (toklet.patterns[pattern], *SPELLINGS.get(pattern, ())):
        assert split(toklet, data, other) == split(toklet, data, pattern)
        assert toklet.Tokenizer.from_merges([], pattern=other).pattern == toklet.patterns[pattern]


def test_files_that_say_the_pattern_in_its_regular_expression(toklet: Any, tmp_path: Path) -> None:
    config = {"pattern": TIKTOKEN["tekken"], "default_vocab_size": 276, "default_num_special_tokens": 20}
    vocab = [{"rank": byte, "token_bytes": base64.b64encode(bytes([byte])).decode()} for byte in range(256)]
    (tmp_path / "tekken.json").write_text(json.dumps({"config": config, "vocab": vocab}), "utf-8")
    assert "pattern='tekken'" in repr(toklet.load(tmp_path / "tekken.json"))
    for pattern in PUBLISHED:
        toklet.Tokenizer.from_merges([(b"1", b"2"), (b"a", b"b")], pattern=pattern).save(tmp_path / "tokenizer.json")
        tok = toklet.load(tmp_path / "tokenizer.json")
        assert f"pattern={pattern!r}" in repr(tok)
        assert tok.encode("12ab").tolist() == ([49, 50, 257] if pattern in ("qwen2", "qwen3.5", "tekken") else [256, 257])


BYTES = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True}
SPLIT = {"type": "Split", "behavior": "Isolated", "invert": False}


def written(toklet: Any, path: Path, steps: list[dict[str, Any]]) -> Any:
    """Write a file whose pre-tokenizer is of these steps, and read it; its merges join any two letters of `ab1中`."""
    letters = [bytes([byte]) for byte in "ab1 .中あ".encode()]
    toklet.Tokenizer.from_merges([(one, two) for one in letters for two in letters if one != two], pattern="gpt2").save(path)
    said = json.loads(path.read_text("utf-8"))
    said["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": [*steps, {**BYTES, "use_regex": False}]}
    path.write_text(json.dumps(said), "utf-8")
    return toklet.load(path)


def test_steps_as_which_a_pattern_is_published_are_that_pattern(toklet: Any, tmp_path: Path) -> None:
    steps = [{**SPLIT, "pattern": {"Regex": regex}} for regex in TOKENIZERS["deepseek_v3"]]
    tok = written(toklet, tmp_path / "tokenizer.json", steps)
    assert "pattern='deepseek_v3'" in repr(tok)
    bare = json.loads(json.dumps(steps).replace(r"[^\\r\\n", r"[^\r\n").replace(r"[\\r\\n]", r"[\r\n]"))  # as the file has them
    assert bare != steps
    again = written(toklet, tmp_path / "again.json", bare)
    assert "pattern='deepseek_v3'" in repr(again)
    peer = tokenizers.Tokenizer.from_file(str(tmp_path / "again.json"))
    again.save(tmp_path / "saved.json")
    assert json.loads((tmp_path / "saved.json").read_text("utf-8"))["pre_tokenizer"]["pretokenizers"][:3] == steps
    saved = tokenizers.Tokenizer.from_file(str(tmp_path / "saved.json"))
    for text in ("ab1 1111", "a.b .ab", "  1", "あ中あ ab中", "a\n\n  b", "中.ab"):
        assert tok.encode(text).tolist() == again.encode(text).tolist() == peer.encode(text).ids == saved.encode(text).ids, text


@pytest.mark.parametrize("change", [{"behavior": "Removed"}, {"invert": True}, {"pattern": {"Regex": r"\p{N}{1,4}"}}])
def test_steps_that_differ_are_not(native: Any, tmp_path: Path, change: dict[str, Any]) -> None:
    steps = [{**SPLIT, "pattern": {"Regex": regex}} for regex in TOKENIZERS["deepseek_v3"]]
    assert "pattern='deepseek_v3'" not in repr(written(native, tmp_path / "tokenizer.json", [{**steps[0], **change}, *steps[1:]]))
    assert "pattern='deepseek_v3'" not in repr(written(native, tmp_path / "tokenizer.json", steps[::-1]))


def test_ranks_of_qwen_have_their_pattern(toklet: Any, shared: Path) -> None:
    assert "pattern='qwen2'" in repr(toklet.load(shared / "vocab" / "voyage3_base.tiktoken"))
