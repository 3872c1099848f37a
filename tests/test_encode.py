"""Text -> ids: what comes in comes out again, whatever it is; many texts at once are the same as each alone."""

import base64
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from . import strategies
from .strategies import PATTERN_NAMES

MERGES = [(b"l", b"o"), (b"lo", b"w"), (b"e", b"r"), (b" ", b"low"), ("é".encode()[:1], "é".encode()[1:]), (b" low", b"er"), (b"\n", b"\n")]


def small(toklet: Any, pattern: str = "o200k") -> Any:
    return toklet.Tokenizer.from_merges(MERGES, pattern=pattern, special_tokens=["<|endoftext|>", "<|end|>"])


@pytest.mark.parametrize("pattern", PATTERN_NAMES)
@given(text=strategies.texts(), merges=strategies.merges())
def test_decoding_gives_back_any_text(toklet: Any, pattern: str, text: str, merges: list[tuple[bytes, bytes]]) -> None:
    tok = toklet.Tokenizer.from_merges(merges, pattern=pattern)
    ids = tok.encode(text)
    assert tok.decode(ids) == text
    assert tok.decode_bytes(ids) == text.encode()


@pytest.mark.parametrize("pattern", PATTERN_NAMES)
@given(data=strategies.data(), merges=strategies.merges())
def test_decoding_gives_back_any_bytes(toklet: Any, pattern: str, data: bytes, merges: list[tuple[bytes, bytes]]) -> None:
    tok = toklet.Tokenizer.from_merges(merges, pattern=pattern)
    assert tok.decode_bytes(tok.encode(data)) == data


@given(data=st.binary(max_size=200), ranks=strategies.ranks())
def test_decoding_gives_back_any_bytes_of_ranks_too(toklet: Any, data: bytes, ranks: dict[bytes, int]) -> None:
    tok = toklet.Tokenizer.from_ranks(ranks, pattern="o200k")
    assert tok.decode_bytes(tok.encode(data)) == data


def test_every_string_of_one_or_two_bytes_comes_back(toklet: Any) -> None:
    tok = small(toklet)
    step = 1 if toklet.backend == "native" else 37
    data = [b"", *(bytes([a]) for a in range(256)), *(bytes(divmod(n, 256)) for n in range(0, 65_536, step))]
    batch = tok.encode_batch(data)
    assert [tok.decode_bytes(ids) for ids in batch] == data


@given(text=strategies.texts())
def test_a_str_and_its_bytes_give_the_same_ids(toklet: Any, text: str) -> None:
    tok = small(toklet)
    assert tok.encode(text).tolist() == tok.encode(text.encode()).tolist()


def test_ids_are_a_uint32_array_of_one_dimension(toklet: Any) -> None:
    for text in ("", "lower", b"", b"\xff"):
        ids = small(toklet).encode(text)
        assert ids.dtype == np.uint32
        assert ids.ndim == 1


def test_ids_may_be_written_to(toklet: Any) -> None:
    ids = small(toklet).encode("low lower")
    ids[:] = 0
    assert ids.tolist() == [0] * len(ids)
    assert small(toklet).encode("low").tolist() == [257]


def test_bytearray_and_memoryview_are_bytes_too(toklet: Any) -> None:
    tok = small(toklet)
    assert tok.encode(bytearray(b"lower")).tolist() == tok.encode(memoryview(b"lower")).tolist() == tok.encode("lower").tolist()


class Shout(str):
    """A str of another class, as libraries make them."""


WIDTHS = ["", "é", "ÿ", "’", "中", "\uffff", "😀", "\U0010ffff"]


def check_str(toklet: Any, other: str, size: int) -> None:
    tok, text = small(toklet), ("low " * size)[:size]
    for one in (text + other, other + text, text[:7] + other + text, f"{other} " * size):
        ids = tok.encode(one)
        assert ids.tolist() == tok.encode(one.encode()).tolist() == tok.encode_batch([one])[0].tolist()
        back = tok.decode(ids)
        assert back == one
        assert hash(back) == hash(one)
        assert back.__sizeof__() <= one.__sizeof__()
        assert tok.decode_batch([ids]) == [one]


@pytest.mark.parametrize("other", WIDTHS)
@pytest.mark.parametrize("size", [1, 31, 32, 33, 100])
def test_a_str_of_each_width_goes_in_and_comes_out(toklet: Any, other: str, size: int) -> None:
    """CPython holds a str in one, two or four bytes a character, as its widest one needs."""
    check_str(toklet, other, size)


@pytest.mark.slow
@pytest.mark.parametrize("other", WIDTHS)
def test_a_long_str_of_each_width_goes_in_and_comes_out(toklet: Any, other: str) -> None:
    check_str(toklet, other, 3_000_000)


@pytest.mark.parametrize("at", [0, 31, 32, 70, 5_000])
@pytest.mark.parametrize("other", ["", "😀"])
def test_a_lone_surrogate_is_told_by_its_place(toklet: Any, at: int, other: str) -> None:
    tok, text = small(toklet), (other + " low" * at)[:at] + "\udc80" + "low" * 30
    for call in (tok.encode, tok.count, tok.counter().append, lambda text: tok.encode_batch(["a", text])):
        with pytest.raises(toklet.TextError, match=rf"character {text.index(chr(0xDC80))} of text.*\\udc80"):
            call(text)


def test_a_subclass_of_str_is_a_str(toklet: Any) -> None:
    assert small(toklet).encode(Shout("lower")).tolist() == small(toklet).encode("lower").tolist()


@given(texts=st.lists(strategies.spelled(5), max_size=6), threads=st.sampled_from([None, 1, 2, 3, 64]), special=st.sampled_from(["text", "allow"]))
def test_a_batch_is_each_text_alone_on_any_number_of_threads(toklet: Any, texts: list[str], threads: int | None, special: str) -> None:
    tok = small(toklet)
    batch = tok.encode_batch(texts, special, threads)
    assert len(batch) == len(texts)
    assert [ids.tolist() for ids in batch] == [tok.encode(text, special).tolist() for text in texts]
    assert batch.offsets.tolist() == [0, *np.cumsum([len(tok.encode(text, special)) for text in texts]).tolist()]


def test_a_batch_takes_any_iterable_of_str_and_bytes(toklet: Any) -> None:
    tok = small(toklet)
    assert [ids.tolist() for ids in tok.encode_batch(iter(["low", b"low", "é"]))] == [[257], [257], [260]]
    assert tok.encode_batch(text for text in ("low", "é")).ids.tolist() == [257, 260]
    assert len(tok.encode_batch([])) == 0
    assert tok.encode_batch([]).offsets.tolist() == [0]


@given(texts=st.lists(strategies.spelled(5), max_size=6), special=st.sampled_from(["text", "allow"]))
def test_counting_is_the_length_of_encoding(toklet: Any, texts: list[str], special: str) -> None:
    tok = small(toklet)
    lengths = [len(tok.encode(text, special)) for text in texts]
    assert [tok.count(text, special) for text in texts] == lengths
    counts = tok.count_batch(texts, special)
    assert counts.tolist() == lengths
    assert counts.dtype == np.int64
    assert [tok.count(text.encode(), special) for text in texts] == lengths


def test_what_is_remembered_changes_no_id(toklet: Any) -> None:
    rnd = np.random.default_rng(5)
    alphabets = ["abcdefghij", "абвгдеёжз", "क़खगघङचछ", "日本語中文字", "αβγδ'’ -—", "ab  \n1234"]
    words = ["".join(rnd.choice(list(alphabets[i % 6]), 1 + i % 29)) for i in range(3_000)]
    text = " ".join(words[i] for i in rnd.zipf(1.3, 12_000) % len(words))
    for pattern in PATTERN_NAMES:
        tok = toklet.train([text], 700, pattern=pattern)
        plain = toklet.reference.Tokenizer.from_merges(tok.merges, [], pattern)
        expected = plain.encode(text)
        for memory in (1 << 12, 1 << 15, 1 << 24):
            other = tok.with_memory(memory)
            assert other == tok
            for _ in range(2):
                assert other.encode(text).tolist() == expected
        with pytest.raises(toklet.ArgumentError, match="4096"):
            tok.with_memory(5)


def test_a_file_is_one_text_or_those_between_separators(toklet: Any, tmp_path: Path) -> None:
    tok = small(toklet)
    path = tmp_path / "corpus.txt"
    path.write_bytes(b"low<|endoftext|>lower\xff\r\n<|endoftext|>")
    parts = path.read_bytes().split(b"<|endoftext|>")
    assert [ids.tolist() for ids in tok.encode_file(path, separator="<|endoftext|>")] == [tok.encode(part).tolist() for part in parts]
    assert tok.encode_file(str(path)).ids.tolist() == tok.encode(path.read_bytes()).tolist()
    path.write_bytes(b"")
    assert [ids.tolist() for ids in tok.encode_file(path)] == [[]]


def test_gpt2_encodes_the_texts_of_llama_cpp_as_llama_cpp_does(toklet: Any, shared: Path) -> None:
    tok = toklet.load(shared / "vocab" / "r50k_base.tiktoken")
    texts = (shared / "edge" / "llama_cpp_cases.inp").read_text("utf-8").split("\n__ggml_vocab_test__\n")
    lines = (shared / "edge" / "llama_cpp_gpt2.out").read_text("ascii").splitlines()
    assert len(texts) >= len(lines) > 40
    for text, line in zip(texts, lines, strict=False):
        assert tok.encode(text).tolist() == [int(id) for id in line.split()], text


def test_the_published_files_are_known_by_their_hash(toklet: Any, shared: Path) -> None:
    tok = toklet.load(shared / "vocab" / "cl100k_base.tiktoken")
    assert tok.pattern == toklet.patterns["cl100k"]
    assert tok.special_tokens["<|endofprompt|>"] == 100_276
    lines = (shared / "vocab" / "cl100k_base.tiktoken").read_bytes().splitlines()
    assert tok.tokens == {base64.b64decode(line.split()[0]): int(line.split()[1]) for line in lines}
    assert tok.encode("Hello, world!").tolist() == [9906, 11, 1917, 0]
