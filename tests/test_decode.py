"""ids -> bytes -> text, all at once or one id at a time."""

import importlib
from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from . import strategies


def of_bytes(toklet: Any) -> Any:
    return toklet.Tokenizer.from_merges([(b"\xc3", b"\xa9"), (b"\x82", b"\xac"), (b"\xff", b"\xf0")], pattern="gpt2", special_tokens=["<|end|>"])


@given(data=strategies.data())
def test_replacing_is_what_python_does(toklet: Any, data: bytes) -> None:
    tok = of_bytes(toklet)
    assert tok.decode(list(data)) == data.decode("utf-8", "replace")
    assert tok.decode(tok.encode(data)) == data.decode("utf-8", "replace")


@given(data=st.binary(max_size=30))
def test_replacing_is_what_python_does_for_any_bytes(toklet: Any, data: bytes) -> None:
    assert of_bytes(toklet).decode(list(data)) == data.decode("utf-8", "replace")


@given(data=strategies.data())
@example(b"a\xff")
def test_strict_refuses_what_python_refuses_and_says_where(toklet: Any, data: bytes) -> None:
    tok = of_bytes(toklet)
    try:
        expected = data.decode()
    except UnicodeDecodeError as error:
        with pytest.raises(toklet.TextError, match=f"byte {error.start} .*0x{data[error.start]:02x}"):
            tok.decode(list(data), errors="strict")
    else:
        assert tok.decode(list(data), errors="strict") == expected


@given(ids=st.lists(st.integers(0, 259), max_size=30))
def test_the_bytes_of_ids_are_those_of_each(toklet: Any, ids: list[int]) -> None:
    tok = of_bytes(toklet)
    assert tok.decode_bytes(ids) == b"".join(tok.token(id) for id in ids)


@given(ids=st.lists(st.integers(0, 259), max_size=30))
def test_a_stream_gives_what_decode_gives(toklet: Any, ids: list[int]) -> None:
    tok = of_bytes(toklet)
    stream = tok.stream()
    for _ in range(2):  # a stream that has ended can be used again
        assert "".join([*(stream.push(id) for id in ids), stream.end()]) == tok.decode(ids)


def unfinished(tail: bytes) -> bool:
    """Say whether more bytes could make a character of these."""
    for second in (b"\x80", b"\x90", b"\xa0"):
        whole = tail + (second + b"\x80\x80" if len(tail) == 1 else b"\x80\x80")
        for end in range(len(tail) + 1, 5):
            try:
                if len(whole[:end].decode()) == 1:
                    return True
            except UnicodeDecodeError:
                pass
    return False


@given(data=strategies.data())
@example(b"\xed\xa0\x80")
@example(b"\xe0\x80\xf4\x90\xf0\x80")
def test_a_stream_gives_text_as_soon_as_it_is_certain(toklet: Any, data: bytes) -> None:
    stream, given = of_bytes(toklet).stream(), ""
    for end, byte in enumerate(data, 1):
        given += stream.push(byte)
        held = next((n for n in (3, 2, 1) if n <= end and unfinished(data[end - n : end])), 0)
        assert given == data[: end - held].decode("utf-8", "replace")
    assert given + stream.end() == data.decode("utf-8", "replace")


@pytest.mark.slow
def test_every_character_streamed_a_byte_at_a_time_gives_itself(toklet: Any) -> None:
    stream = of_bytes(toklet).stream()
    for code in range(0, 0x110000, 7):
        if not 0xD800 <= code < 0xE000:
            pieces = [stream.push(byte) for byte in chr(code).encode()]
            assert pieces == [""] * (len(pieces) - 1) + [chr(code)]


def test_streams_of_one_tokenizer_do_not_know_each_other(toklet: Any) -> None:
    tok = of_bytes(toklet)
    one, other = tok.stream(), tok.stream()
    assert (one.push(0xE2), other.push(97), one.push(257), other.end()) == ("", "a", "€", "")


def test_a_stream_that_refused_an_id_goes_on(toklet: Any) -> None:
    stream = of_bytes(toklet).stream()
    assert stream.push(0xE2) == ""
    with pytest.raises(toklet.TokenError, match="5000"):
        stream.push(5000)
    assert stream.push(257) == "€"


@pytest.mark.parametrize("kind", [list, tuple, iter, np.array, lambda ids: np.array(ids, np.int64), lambda ids: np.array(ids, np.uint16)])
def test_ids_may_be_any_sequence_of_integers(toklet: Any, kind: Any) -> None:
    assert of_bytes(toklet).decode(kind([97, 256, 259])) == "aé<|end|>"


def test_ids_may_be_any_view_of_an_array(toklet: Any) -> None:
    tok = of_bytes(toklet)
    ids = np.array([97, 0, 98, 0, 99, 0], np.uint32)
    assert tok.decode(ids[::2]) == "abc"
    assert tok.decode(ids[::-2][::-1]) == "\0\0\0"
    assert tok.decode(np.array([], np.uint32)) == tok.decode([]) == ""
    assert tok.decode_bytes(iter([])) == b""
    frozen = ids[:1].copy()
    frozen.flags.writeable = False
    assert tok.decode(frozen) == "a"
    assert tok.decode(ids.astype(">u4")[::2]) == "abc"


@given(texts=st.lists(strategies.texts(5), max_size=5))
def test_decoding_a_batch_is_decoding_each_text(toklet: Any, texts: list[str]) -> None:
    tok = of_bytes(toklet)
    assert tok.decode_batch(tok.encode_batch(texts)) == texts
    assert tok.decode_batch([list(text.encode()) for text in texts]) == texts


@given(ids=st.lists(st.one_of(st.integers(0, 300), st.integers(-(2**70), 2**70), st.booleans(), st.floats(), st.text(max_size=2), st.none()), max_size=9))
def test_a_long_list_of_ids_is_taken_as_a_short_one_is(toklet: Any, ids: list[Any]) -> None:
    """numpy takes a long one in slices, so that other threads go on."""
    arrays = importlib.import_module("toklet.arrays")

    def outcome(size: int) -> Any:
        with mock.patch.object(arrays, "SLICE", size):
            try:
                return arrays.as_ids(ids).tolist()
            except toklet.Error:
                return None

    assert outcome(2) == outcome(1 << 18)


class Large(int):
    """An int of a kind of its own."""


class Shortening:
    """Makes the list that it stands in shorter when it is asked for its number."""

    def __init__(self, ids: list[Any]) -> None:
        self.ids = ids

    def __index__(self) -> int:
        del self.ids[3:]
        return 97


@pytest.mark.parametrize("wrong", [-1, -256, 2**30 - 1, 2**30, 2**32 + 97, 2**63, -(2**64), True, "a", None, 97.5])
@pytest.mark.parametrize("before", [0, 31, 32, 33, 1000])
def test_a_list_is_taken_as_a_tuple_is(toklet: Any, wrong: Any, before: int) -> None:
    tok = of_bytes(toklet)
    ids = ([0, 97, 256, Large(98), np.uint32(257)] * before)[:before]
    assert tok.decode_bytes(ids) == tok.decode_bytes(tuple(ids)) == b"".join(tok.token(int(id)) for id in ids)

    def outcome(ids: Any) -> Any:
        try:
            return tok.decode(ids)
        except toklet.Error as error:
            return type(error), str(error)

    assert outcome([*ids, wrong, *ids]) == outcome((*ids, wrong, *ids))


def test_a_list_may_get_shorter_while_it_is_read(toklet: Any) -> None:
    ids: list[Any] = [97] * 100
    ids[2] = Shortening(ids)
    with pytest.raises((toklet.Error, IndexError)):
        of_bytes(toklet).decode_bytes(ids)


@pytest.mark.parametrize("widest", ["a", "é", "中", "🙂"])
def test_a_long_text_of_each_width_comes_back_from_tokens_that_cut_characters(toklet: Any, widest: str) -> None:
    tok = of_bytes(toklet)
    text = "".join("aé中🙂"[: 1 + "aé中🙂".index(widest)][i * i % 7 % 4 : i * i % 7 % 4 + 1] + widest * (i % 3) for i in range(9000))
    ids = tok.encode(text)
    assert tok.decode(ids, errors="strict") == tok.decode(ids.tolist(), errors="strict") == text
    for wrong in (0xFF, 0x80, 0xE4):
        assert tok.decode([*ids, wrong]) == text + "\ufffd"
        assert tok.decode([wrong, *ids]) == "\ufffd" + text
