"""The drop-in for tiktoken: every method gives what tiktoken's gives, errors too; published encodings by name, from files."""

import copy
import hashlib
import pickle
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiktoken
from hypothesis import given
from hypothesis import strategies as st

from . import strategies
from .backends import child
from .peers import published

SPECIALS = {"<|endoftext|>": 1_000, "<|fim|>": 1_001, "é|": 1_002}
TEXTS = st.lists(
    strategies.texts(3) | st.sampled_from([*SPECIALS, "\ud83d\udc4d", "\ud83d", "\udc4d", "abab", "low lower", " ", "\n\n", " \n ", "été"]), max_size=6
).map("".join)
KNOWN = st.sets(st.sampled_from(list(SPECIALS))) | st.just("all")
RANKS = {bytes([byte]): byte for byte in range(256)}
for merged in (b"ab", b"abab", b"lo", b"low", b" low", b"\n\n", b"  ", b"\xc3\xa9", b"t\xc3", b" \n", b"\xa9t", b"12", b"<|"):
    RANKS[merged] = len(RANKS)


def both_encodings(toklet: Any, pattern: str = "cl100k") -> tuple[Any, tiktoken.Encoding]:
    from toklet.integrations.tiktoken import Encoding

    arguments: dict[str, Any] = {"pat_str": toklet.patterns[pattern], "mergeable_ranks": RANKS, "special_tokens": SPECIALS}
    return Encoding("ours", **arguments), tiktoken.Encoding("theirs", **arguments)


def outcome(call: Any, enc: Any) -> Any:
    """Give what a call returns, or what kind of error it raises and the first line of it."""
    try:
        return call(enc)
    except (ValueError, KeyError, OverflowError, TypeError) as error:
        kind = next(kind for kind in (KeyError, UnicodeError, OverflowError, TypeError, ValueError) if isinstance(error, kind))
        return kind, str(error).splitlines()[0] if kind is ValueError else None


def same(toklet: Any, call: Any, pattern: str = "cl100k") -> Any:
    ours, theirs = both_encodings(toklet, pattern)
    found = outcome(call, ours)
    assert found == outcome(call, theirs)
    return found


@pytest.mark.parametrize("pattern", strategies.PATTERN_NAMES)
@given(text=TEXTS, allowed=KNOWN, disallowed=KNOWN | st.just(()) | st.just(["low"]))
def test_text_becomes_the_same_ids(toklet: Any, pattern: str, text: str, allowed: Any, disallowed: Any) -> None:
    same(toklet, lambda enc: enc.encode(text, allowed_special=allowed, disallowed_special=disallowed), pattern)
    same(toklet, lambda enc: enc.encode(text), pattern)
    same(toklet, lambda enc: enc.encode_ordinary(text), pattern)


@given(texts=st.lists(TEXTS, max_size=4), allowed=KNOWN, disallowed=KNOWN | st.just(()))
def test_batches_are_what_the_texts_are(toklet: Any, texts: list[str], allowed: Any, disallowed: Any) -> None:
    same(toklet, lambda enc: enc.encode_batch(texts, allowed_special=allowed, disallowed_special=disallowed, num_threads=2))
    ids = same(toklet, lambda enc: enc.encode_ordinary_batch(texts))
    same(toklet, lambda enc: enc.decode_batch(ids))
    same(toklet, lambda enc: enc.decode_bytes_batch(ids))


@given(ids=st.lists(st.integers(0, 270) | st.sampled_from([1_000, 1_001, 1_002, 999, 2**32 - 1]), max_size=8))
def test_ids_become_the_same_text(toklet: Any, ids: list[int]) -> None:
    same(toklet, lambda enc: enc.decode_bytes(ids))
    for errors in ("replace", "strict", "ignore", "backslashreplace"):
        same(toklet, lambda enc, errors=errors: enc.decode(ids, errors))
    same(toklet, lambda enc: enc.decode_tokens_bytes(ids))
    same(toklet, lambda enc: enc.decode_with_offsets(ids))
    for id in ids:
        same(toklet, lambda enc, id=id: enc.decode_single_token_bytes(id))
        same(toklet, lambda enc, id=id: enc.is_special_token(id))


@given(text=strategies.texts().filter(str.isprintable))
def test_offsets_of_text(toklet: Any, text: str) -> None:
    same(toklet, lambda enc: enc.decode_with_offsets(enc.encode_ordinary(text)))


@given(data=strategies.data())
def test_bytes_and_single_pieces(toklet: Any, data: bytes) -> None:
    same(toklet, lambda enc: enc._encode_bytes(data))
    if data:
        same(toklet, lambda enc: enc._encode_single_piece(data))
    same(toklet, lambda enc: enc.encode_single_token(data))


@pytest.mark.parametrize("pattern", strategies.PATTERN_NAMES)
@given(text=TEXTS.filter(lambda text: text.isascii() or ("\ud83d" not in text and "\udc4d" not in text)))
def test_text_of_which_more_may_come(toklet: Any, pattern: str, text: str) -> None:
    def call(enc: Any) -> Any:
        stable, completions = enc.encode_with_unstable(text, allowed_special="all")
        return stable, {tuple(ids) for ids in completions}

    same(toklet, call, pattern)


def test_what_is_known_of_the_vocabulary(toklet: Any) -> None:
    for call in (
        lambda enc: (enc.n_vocab, enc.max_token_value, enc.eot_token, enc.special_tokens_set),
        lambda enc: enc.token_byte_values(),
        lambda enc: (enc._mergeable_ranks, enc._special_tokens),
        lambda enc: [enc.encode_single_token(token) for token in ("ab", b"low", "<|fim|>", "é")],
        lambda enc: enc.encode_single_token("nothing"),
        lambda enc: enc.encode(b"text"),
        lambda enc: enc.decode([-1]) if toklet.backend == "native" else None,
        lambda enc: enc.decode(np.array([256, 257], np.uint32)),
    ):
        same(toklet, call)
    ours, theirs = both_encodings(toklet)
    assert repr(ours) == "<Encoding 'ours'>"
    array = ours.encode_to_numpy("low ab<|fim|>", allowed_special="all")
    assert array.dtype == np.uint32
    assert array.tolist() == theirs.encode_to_numpy("low ab<|fim|>", allowed_special="all").tolist()
    with pytest.raises(ValueError, match=r"disallowed special token '<\|fim\|>'"):
        ours.encode_to_numpy("<|fim|>")


def test_without_an_end_of_text_there_is_no_id_of_it(toklet: Any) -> None:
    from toklet.integrations.tiktoken import Encoding

    enc = Encoding("plain", pat_str="gpt2", mergeable_ranks=RANKS, special_tokens={}, explicit_n_vocab=len(RANKS))
    with pytest.raises(KeyError):
        _ = enc.eot_token
    with pytest.raises(toklet.ArgumentError, match="explicit_n_vocab"):
        Encoding("plain", pat_str="gpt2", mergeable_ranks=RANKS, special_tokens={}, explicit_n_vocab=300)
    with pytest.raises(toklet.WrongTypeError):
        enc.is_special_token("256")


def test_an_encoding_is_pickled_and_copied(toklet: Any) -> None:
    from toklet.integrations.tiktoken import Encoding

    ours, _ = both_encodings(toklet)
    for made in (pickle.loads(pickle.dumps(ours)), copy.copy(ours), copy.deepcopy(ours)):
        assert made.encode("low<|fim|>", allowed_special="all") == [259, 1_001]
        assert made.name == "ours"
    tok = toklet.Tokenizer.from_merges([(b"a", b"b")], pattern="o200k")
    assert Encoding.from_toklet(tok, "merges").encode("abc") == [256, 99]


def test_the_names_of_models_are_those_of_tiktoken(native: Any) -> None:
    from tiktoken.model import MODEL_PREFIX_TO_ENCODING, MODEL_TO_ENCODING

    from toklet.integrations.tiktoken import encoding_name_for_model, list_encoding_names

    names = [*MODEL_TO_ENCODING, *(f"{prefix}x" for prefix in MODEL_PREFIX_TO_ENCODING)]
    assert [encoding_name_for_model(name) for name in names] == [tiktoken.encoding_name_for_model(name) for name in names]
    with pytest.raises(KeyError, match="Could not automatically map llama"):
        encoding_name_for_model("llama")
    assert list_encoding_names() == tiktoken.list_encoding_names()


SCRIPT = """
import pickle, sys, toklet.integrations.tiktoken as tiktoken
for name in tiktoken.list_encoding_names():
    enc = tiktoken.get_encoding(name)
    assert pickle.loads(pickle.dumps(enc)) is enc is tiktoken.get_encoding(name)
    ids = enc.encode("hello world<|endoftext|>", allowed_special="all")
    print(name, enc.n_vocab, len(enc.special_tokens_set), *ids)
"""
EXPECTED = """\
gpt2 50257 1 31373 995 50256
r50k_base 50257 1 31373 995 50256
p50k_base 50281 1 31373 995 50256
p50k_edit 50284 4 31373 995 50256
cl100k_base 100277 5 15339 1917 100257
o200k_base 200019 2 24912 2375 199999
o200k_harmony 201088 1090 24912 2375 199999
"""


def test_published_encodings_are_found_where_tiktoken_keeps_them(native: Any, shared: Path, tmp_path: Path) -> None:
    files = {"gpt2_vocab.bpe": "gpt-2/encodings/main/vocab.bpe"}
    files |= {f"{name}.tiktoken": f"encodings/{name}.tiktoken" for name in ("r50k_base", "p50k_base", "cl100k_base", "o200k_base")}
    for file, address in files.items():
        cached = hashlib.sha1(f"https://openaipublic.blob.core.windows.net/{address}".encode()).hexdigest()
        shutil.copy(shared / "vocab" / file, tmp_path / cached)
    for folder in (tmp_path, shared / "vocab"):  # under tiktoken's names, and under their own
        done = child(native, SCRIPT, TIKTOKEN_CACHE_DIR=str(folder))
        assert done.stdout == EXPECTED, done.stderr


def test_a_file_or_a_folder_may_be_named(native: Any, shared: Path, tmp_path: Path) -> None:
    script = "import sys, toklet.integrations.tiktoken as t; print(t.get_encoding('cl100k_base', path=sys.argv[1]).encode('hello world'))"
    for path in (shared / "vocab", shared / "vocab" / "cl100k_base.tiktoken"):
        assert child(native, script, path, TIKTOKEN_CACHE_DIR="").stdout == "[15339, 1917]\n"
    wrong = child(native, script, shared / "vocab" / "r50k_base.tiktoken")
    assert "FormatError: the SHA-256 of" in wrong.stderr
    missing = child(native, script, tmp_path)
    assert "FileNotFoundError" in missing.stderr
    assert "toklet downloads nothing" in missing.stderr


def test_an_unknown_encoding_is_refused(native: Any) -> None:
    from toklet.integrations.tiktoken import get_encoding

    for name in ("cl200k", 7):
        with pytest.raises(ValueError, match="encoding_name is"):
            get_encoding(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["cl100k_base", "o200k_base"])
def test_published_encodings_go_on_as_tiktoken_says(toklet: Any, shared: Path, name: str) -> None:
    from toklet.integrations.tiktoken import get_encoding

    ours, theirs = get_encoding(name, path=shared / "vocab"), published(shared, name)
    for text in ("hello fanta", "low ", "\n\n", "def f(x):\n    ", "中文", "été ", "a1", "x\n \n"):
        stable, completions = ours.encode_with_unstable(text)
        expected = theirs.encode_with_unstable(text)
        assert (stable, {tuple(ids) for ids in completions}) == (expected[0], {tuple(ids) for ids in expected[1]})
