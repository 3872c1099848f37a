"""Corpus -> word counts: a value that adds up in any order, wherever it was made."""

import pickle
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from . import strategies
from .strategies import PATTERN_NAMES

TEXTS = ["a rose is a rose", " is a rose\n\n", "it's 1234", "", "é中😀\r\n", b"\xff\xfe"]


@pytest.mark.parametrize("pattern", PATTERN_NAMES)
@given(texts=st.lists(strategies.texts(6), max_size=5), broken=st.lists(strategies.data(4), max_size=3))
def test_counts_are_the_numbers_of_pretokens(toklet: Any, pattern: str, texts: list[str], broken: list[bytes]) -> None:
    counts = toklet.count([*texts, *broken], pattern)
    expected = Counter(word for data in [*map(str.encode, texts), *broken] for word in toklet.reference.split(data, pattern))
    assert dict(counts) == expected
    assert list(counts) == sorted(expected.items())
    assert (len(counts), counts.total) == (len(expected), expected.total())
    assert counts.pattern == toklet.patterns[pattern]


@given(texts=st.lists(strategies.texts(4), max_size=6), cut=st.integers(0, 6), threads=st.sampled_from([1, 2, 3, 64]))
def test_counts_add_up_in_any_order_and_on_any_number_of_threads(toklet: Any, texts: list[str], cut: int, threads: int) -> None:
    whole = toklet.count(texts)
    head, tail = toklet.count(texts[:cut]), toklet.count(texts[cut:], threads=threads)
    assert head + tail == tail + head == whole
    assert toklet.count(reversed(texts), threads=threads) == whole


def test_adding_leaves_both_as_they_were(toklet: Any) -> None:
    one, other = toklet.count(["a b"]), toklet.count(["b c"])
    assert dict(one + other) == {b"a": 1, b" b": 1, b"b": 1, b" c": 1}
    assert dict(one) == {b"a": 1, b" b": 1}
    assert dict(other) == {b"b": 1, b" c": 1}


def test_counts_of_different_patterns_do_not_add_up(toklet: Any) -> None:
    with pytest.raises(toklet.CorpusError, match="pattern"):
        toklet.count(["a"], "gpt2") + toklet.count(["a"], "o200k")


def test_counts_are_equal_if_they_say_the_same(toklet: Any) -> None:
    assert toklet.count(["a b"]) == toklet.count(["a", " b"])
    assert toklet.count(["a b"]) != toklet.count(["a b"], "gpt2")
    assert toklet.count(["a b"]) != toklet.count(["a c"])
    assert toklet.count(["a b"]) != {b"a": 1, b" b": 1}
    assert toklet.count([]) == toklet.count([""])


def test_counts_may_be_as_large_as_63_bits(toklet: Any) -> None:
    most = 2**63 - 1
    for n in (2**31 - 1, 2**31, 2**31 + 1, 2**32 - 1, 2**32, 2**53, 2**53 + 1, most):
        assert dict(toklet.WordCounts({b"ab": n}, "gpt2")) == {b"ab": n}
    assert toklet.WordCounts({b"ab": most, b"cd": most}).total == 2 * most
    with pytest.raises(toklet.CorpusError, match=str(2**63)):
        toklet.WordCounts({b"ab": most}) + toklet.WordCounts({b"ab": 1})


def test_a_saved_table_loads_as_the_same_counts(toklet: Any, tmp_path: Path) -> None:
    counts = toklet.count(TEXTS, "cl100k") + toklet.WordCounts({b"big": 2**63 - 1}, "cl100k")
    path = tmp_path / "counts.parquet"
    counts.save(path)
    counts.save(str(path))
    assert toklet.WordCounts.load(path) == toklet.WordCounts.load(str(path)) == counts
    assert [found.name for found in tmp_path.iterdir()] == ["counts.parquet"]


def test_a_saved_table_is_sorted_and_says_its_pattern(toklet: Any, tmp_path: Path) -> None:
    toklet.count(TEXTS, "cl100k").save(tmp_path / "counts.parquet")
    table = pq.read_table(tmp_path / "counts.parquet")
    words = table["pretoken"].to_pylist()
    assert words == sorted(words)
    assert table.schema.field("pretoken").type == pa.binary()
    assert table.schema.field("count").type == pa.uint64()
    assert table.schema.metadata[b"toklet.pattern"].decode() == toklet.patterns["cl100k"]


def test_a_table_that_another_engine_wrote_loads(toklet: Any, tmp_path: Path) -> None:
    schema = pa.schema([("pretoken", pa.binary()), ("count", pa.int64())], metadata={"toklet.pattern": "o200k"})
    pq.write_table(pa.table({"pretoken": [b"b", b"a"], "count": [2, 1]}, schema=schema), tmp_path / "theirs.parquet")
    assert toklet.WordCounts.load(tmp_path / "theirs.parquet") == toklet.WordCounts({b"a": 1, b"b": 2})


def test_counts_pickle(toklet: Any) -> None:
    counts = toklet.count(TEXTS, "gpt2")
    again = pickle.loads(pickle.dumps(counts))
    assert again == counts
    assert again.pattern == counts.pattern


def test_files_are_counted_as_their_texts(toklet: Any, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"one two\r\nthree")
    (tmp_path / "b.txt").write_bytes("zwei\n\ndrei é".encode())
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "c.txt").write_bytes(b"\xff")
    texts = [b"one two\r\nthree", "zwei\n\ndrei é".encode()]
    assert toklet.count_files([tmp_path / "a.txt", str(tmp_path / "b.txt")]) == toklet.count(texts)
    assert toklet.count_files(str(tmp_path / "*.txt")) == toklet.count(texts)
    assert toklet.count_files(str(tmp_path / "**" / "*")) == toklet.count([*texts, b"\xff"])
    assert toklet.count_files(tmp_path / "a.txt") == toklet.count(texts[:1])
    assert len(toklet.count_files([])) == 0


def test_a_separator_belongs_to_no_pretoken(toklet: Any, tmp_path: Path) -> None:
    path = tmp_path / "corpus.txt"
    path.write_text("low<|endoftext|>low <|endoftext|><|endoftext|>er", "utf-8")
    assert toklet.count_files(path, separator="<|endoftext|>") == toklet.count(["low", "low ", "", "er"])
    assert toklet.count_files(path) == toklet.count([path.read_bytes()])
    path.write_text("a\n\n\nb\n\nc", "utf-8")
    assert toklet.count_files(path, separator="\n\n") == toklet.count(["a", "\nb", "c"])


def test_a_file_whose_name_looks_like_a_glob_is_a_file(toklet: Any, tmp_path: Path) -> None:
    (tmp_path / "a[1].txt").write_text("one", "utf-8")
    (tmp_path / "a1.txt").write_text("two", "utf-8")
    assert toklet.count_files(tmp_path / "a[1].txt") == toklet.count(["one"])


@pytest.mark.slow
@pytest.mark.parametrize(("pattern", "separator"), [("gpt2", None), ("o200k", None), ("cl100k", "\n\n"), ("o200k", "x")])
def test_a_large_file_read_in_pieces_is_counted_as_one_text(toklet: Any, tmp_path: Path, pattern: str, separator: str | None) -> None:
    """No line in the middle holds a safe place to cut, and separators lie across the borders of pieces."""
    chance = random.Random(3)
    words = ["a", " b", "\n", "\r\n", "  ", "é", "中", "!", "'s", "1", "x", "A", "\t\n", "\u2028", "\xa0", ".\n", "}\nfn"]
    text = "".join(chance.choices(words, k=3_000_000)) + "\n " * 2_000_000 + "".join(chance.choices(words[:-1], k=3_000_000))
    path = tmp_path / "corpus.txt"
    path.write_text(text, "utf-8", newline="")
    texts = [text] if separator is None else text.split(separator)
    assert toklet.count_files(path, pattern, separator=separator) == toklet.count(texts, pattern)


@pytest.mark.slow
def test_counting_streams_its_texts_and_holds_none_of_them(toklet: Any) -> None:
    texts = (f"text number {n} " * 1000 for n in range(2_000))
    assert toklet.count(texts, "gpt2").total == 2_000 * 1000 * 3 + 2_000


@pytest.mark.parametrize("size", [0, 1, 3])
def test_progress_is_reported_in_bytes(toklet: Any, tmp_path: Path, size: int) -> None:
    (tmp_path / "corpus.txt").write_text("word " * size, "utf-8")
    calls: list[tuple[int, int]] = []
    toklet.count(["word "] * size, progress=lambda done, total: calls.append((done, total)))
    toklet.count_files(tmp_path / "corpus.txt", progress=lambda done, total: calls.append((done, total)))
    assert calls[-1][0] == 5 * size
    assert all(done >= 0 and total >= 0 for done, total in calls)


def test_a_bar_goes_to_standard_error(toklet: Any, capfd: pytest.CaptureFixture[str]) -> None:
    toklet.count(["word "] * 3, progress=True).train(260, progress=True)
    out, error = capfd.readouterr()
    assert out == ""
    assert "count" in error
    assert "merge" in error
