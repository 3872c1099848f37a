"""Encoding files and iterables: what comes out is what the texts give one by one; memory stays bounded."""

import json
import re
import sys
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from . import strategies
from .backends import child

MERGES = [(b"l", b"o"), (b"lo", b"w"), (b" ", b"low"), (b"\n", b"\n"), (b"a", b"b")]


@pytest.fixture
def small_runs(toklet: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Read runs of a few bytes, so that everything lies over their borders."""
    from toklet import reading

    monkeypatch.setattr(reading, "RUN", 7)
    monkeypatch.setattr(reading, "PART", 5)
    return toklet.Tokenizer.from_merges(MERGES, pattern="o200k", special_tokens=["<|end|>"])


def rows(batch: Any) -> list[list[int]]:
    return [row.tolist() for row in batch]


TEXTS = ["low lower\nab", "", "中文 é", "<|end|>", "a\n\nb\nlow\n", "x" * 30, "\r\n"]


@pytest.mark.parametrize("separator", ["<|end|>", "\n", "aba", "é", "\n\n"])
def test_texts_between_separators(small_runs: Any, tmp_path: Path, separator: str) -> None:
    path = tmp_path / "corpus.txt"
    for data in (separator.join(TEXTS), "", separator, "ababababa" * 5, separator * 5 + "x"):
        path.write_bytes(data.encode())
        batch = small_runs.encode_file(path, separator)
        assert rows(batch) == [small_runs.encode(text).tolist() for text in data.encode().split(separator.encode())]


@pytest.mark.parametrize("special", ["text", "allow", "error", ["<|end|>"]])
def test_one_text(small_runs: Any, tmp_path: Path, special: Any) -> None:
    path = tmp_path / "corpus.txt"
    for data in ("low lower\nab low\nab\n/x\n\n low", "", "one line", "a\nb\nc\nd\ne\nf", "a\nlow" * 50 + ("<|end|>" if special != "error" else "")):
        path.write_bytes(data.encode())
        assert rows(small_runs.encode_file(path, special=special)) == [small_runs.encode(data, special).tolist()]


@given(data=strategies.data())
def test_a_text_that_is_cut_has_the_ids_of_the_whole(native: Any, tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    from toklet import reading

    tok, path, before = native.Tokenizer.from_merges(MERGES, pattern="cl100k"), tmp_path_factory.getbasetemp() / "cut.txt", (reading.RUN, reading.PART)
    data = (data + b"ab\nlow\n") * 4
    path.write_bytes(data)
    reading.RUN, reading.PART = 9, 5
    try:
        assert rows(tok.encode_file(path)) == [tok.encode(data).tolist()]
    finally:
        reading.RUN, reading.PART = before


def test_json_lines(small_runs: Any, tmp_path: Path) -> None:
    path = tmp_path / "corpus.jsonl"
    path.write_text("\n".join(json.dumps({"n": i, "text": text}) for i, text in enumerate(TEXTS)) + "\n\n")
    assert rows(small_runs.encode_file(path, field="text")) == [small_runs.encode(text).tolist() for text in TEXTS]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "no JSON"),
        ("[1]", "an object with a text in its field 'text'"),
        ('{"text": 5}', "line 2 of"),
        ('{"other": "a"}', "line 2 of"),
        ("[" * 100_000, "no JSON"),
    ],
)
def test_a_line_that_is_no_text_is_named(toklet: Any, tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "corpus.jsonl"
    path.write_text('{"text": "a"}\n' + line)
    with pytest.raises(toklet.FormatError, match="line 2 of") as raised:
        toklet.Tokenizer.from_merges([], pattern="gpt2").encode_file(path, field="text")
    assert message in str(raised.value)


def test_parquet(small_runs: Any, tmp_path: Path) -> None:
    path = tmp_path / "corpus.parquet"
    for kind in (pyarrow.string(), pyarrow.large_string(), pyarrow.binary()):
        data = [text.encode() for text in TEXTS] if kind == pyarrow.binary() else TEXTS
        pyarrow.parquet.write_table(pyarrow.table({"n": range(len(TEXTS)), "text": pyarrow.array(data, kind)}), path, row_group_size=2)
        assert rows(small_runs.encode_file(path, column="text")) == [small_runs.encode(text).tolist() for text in TEXTS]


def test_parquet_files_that_hold_no_texts(toklet: Any, tmp_path: Path) -> None:
    tok, path = toklet.Tokenizer.from_merges([], pattern="gpt2"), tmp_path / "corpus.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"text": ["a", None], "n": [1, 2]}), path)
    for column, message in (("text", "row 1 of"), ("n", "of type int64"), ("other", "it has text, n")):
        with pytest.raises(toklet.FormatError, match=message):
            tok.encode_file(path, column=column)
    path.write_bytes(b"PAR1 and nothing more")
    with pytest.raises(toklet.FormatError, match="no Parquet file"):
        tok.encode_file(path, column="text")


def test_without_pyarrow_the_message_says_what_to_install(toklet: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match="toklet\\[parquet\\]"):
        toklet.Tokenizer.from_merges([], pattern="gpt2").encode_file(tmp_path / "x.parquet", column="text")


def test_progress_is_told_in_bytes(small_runs: Any, tmp_path: Path) -> None:
    path = tmp_path / "corpus.txt"
    path.write_text("low\n" * 20)
    for arguments in ({"separator": "\n"}, {}):
        told: list[tuple[int, int]] = []
        small_runs.encode_file(path, progress=lambda *place, told=told: told.append(place), **arguments)
        assert told[-1] == (80, 80)
        assert told == sorted(told)


@pytest.mark.parametrize("arguments", [{"separator": "x", "field": "y"}, {"field": "x", "column": "y"}, {"field": 5}, {"column": b"x"}, {"separator": ""}])
def test_what_makes_no_sense_is_refused(toklet: Any, tmp_path: Path, arguments: dict[str, Any]) -> None:
    with pytest.raises(toklet.ArgumentError):
        toklet.Tokenizer.from_merges([], pattern="gpt2").encode_file(tmp_path / "x", **arguments)


def test_any_iterable_is_a_batch(small_runs: Any) -> None:
    for texts in (iter(TEXTS), (text.encode() for text in TEXTS), dict.fromkeys(TEXTS), tuple(TEXTS)):
        assert rows(small_runs.encode_batch(texts)) == [small_runs.encode(text).tolist() for text in TEXTS]
    assert rows(small_runs.encode_batch(iter([]))) == []


def test_an_error_in_an_iterable_names_the_text(small_runs: Any, toklet: Any) -> None:
    for bad, message in ((5, r"texts\[20\] is of type int"), ("\ud800", r"character 0 of texts\[20\]")):
        with pytest.raises(toklet.Error, match=message):
            small_runs.encode_batch(text for text in [*("low",) * 20, bad])


MEMORY = """
import resource, sys, toklet
tok = toklet.Tokenizer.from_merges([(b"a", b"b"), (b"ab", b"ab"), (b"abab", b"abab")], pattern="gpt2")
text = "abababab " * 110_000
tok.encode_batch(iter([text]), threads=2)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
tok.encode_batch(("abababab " * 110_000 for _ in range(100)), threads=2)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs the module resource, which Windows doesn't have")
def test_a_stream_of_texts_is_never_held_whole(native: Any) -> None:
    grown = int(child(native, MEMORY).stdout)
    assert grown < 350, "MiB: the ids of 100 MB of text twice, and a run of 8 MB"


@given(batch=st.lists(st.lists(st.integers(0, 260), max_size=5), max_size=5), errors=st.sampled_from(["replace", "strict"]))
def test_a_batch_is_decoded_row_by_row(toklet: Any, batch: list[list[int]], errors: str) -> None:
    tok = toklet.Tokenizer.from_merges(MERGES, pattern="gpt2", special_tokens=["<|end|>"])
    one = []
    for row, ids in enumerate(batch):
        try:
            one.append(tok.decode(ids, errors))
        except toklet.TextError as error:
            with pytest.raises(toklet.TextError, match=re.escape(f"row {row}: {error}")):
                tok.decode_batch(batch, errors)
            return
    assert tok.decode_batch(batch, errors) == one
    assert tok.decode_batch(toklet.Batch.of(batch), errors) == one
    assert tok.decode_batch(iter(batch), errors) == one


def test_an_id_of_a_batch_that_does_not_exist_is_named(toklet: Any) -> None:
    tok = toklet.Tokenizer.from_merges([], pattern="gpt2")
    for batch in ([[97], [98, 5_000]], toklet.Batch.of([[97], [98, 5_000]])):
        with pytest.raises(toklet.TokenError, match="row 1: the id at position 1 is 5000"):
            tok.decode_batch(batch)
    for bad in (5, [5], ["text"], [[1.5]], [[-1]], [[2**32]]):
        with pytest.raises(toklet.Error):
            tok.decode_batch(bad)
