"""What a corpus may be: JSON lines, parquet columns, weighted sources, more words than memory holds, and iterators that misbehave."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from .backends import child

TEXTS = ["a rose is a rose", "", "it's 1234", "é中😀\r\n"]
SMALL = st.lists(st.text("abc ", max_size=12), max_size=9)


def test_a_field_of_json_lines_is_a_text(toklet: Any, tmp_path: Path) -> None:
    path = tmp_path / "corpus.jsonl"
    lines = [json.dumps({"id": i, "text": text}, ensure_ascii=i % 2 == 0) for i, text in enumerate(TEXTS)]
    path.write_text("\n".join([*lines, "", '{"text": null}', " "]), "utf-8")
    assert toklet.count_files(path, field="text") == toklet.count(TEXTS)
    assert toklet.train_files([path, str(path)], 270, field="text") == toklet.train(TEXTS * 2, 270)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "line 2 of .* is no JSON"),
        ("[1]", "line 2 of .*an object with a text in its field 'text'"),
        ('{"txt": "a"}', "line 2 of .*an object with a text in its field 'text'"),
        ('{"text": 1}', "'text' in line 2 of .* is 1"),
        ("[" * 100_000, "line 2"),
    ],
)
def test_a_line_without_that_field_is_refused_by_its_number(toklet: Any, tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "corpus.jsonl"
    path.write_text(json.dumps({"text": "a"}) + "\n" + line + "\n", "utf-8")
    with pytest.raises(toklet.FormatError, match=message):
        toklet.count_files(path, field="text")


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.binary(), pa.large_binary()])
def test_a_column_of_a_parquet_table_holds_texts(toklet: Any, tmp_path: Path, kind: pa.DataType) -> None:
    path = tmp_path / "corpus.parquet"
    pq.write_table(pa.table({"n": range(5), "text": pa.array([*TEXTS, None], kind)}), path)
    assert toklet.count_files(path, column="text") == toklet.count(TEXTS)
    for column in ("txt", "n"):
        with pytest.raises(toklet.FormatError, match=column):
            toklet.count_files(path, column=column)
    path.write_bytes(b"no table")
    with pytest.raises(toklet.FormatError, match="no Parquet file"):
        toklet.count_files(path, column="text")


def test_a_corpus_is_told_in_one_way(toklet: Any) -> None:
    with pytest.raises(toklet.ArgumentError, match="separator='x' and field='y'"):
        toklet.count_files([], separator="x", field="y")
    with pytest.raises(toklet.WrongTypeError, match="column"):
        toklet.count_files([], column=1)


def test_a_source_has_a_weight(toklet: Any) -> None:
    one, other = toklet.count(["a b"]), toklet.count(["b c"])
    assert 3 * one + other == toklet.count(["a b"] * 3 + ["b c"])
    assert one * 1 == one
    for weight in (0, -1, 2**63):
        with pytest.raises(toklet.ArgumentError, match="weight"):
            one * weight
    with pytest.raises(TypeError):
        one * 1.5
    with pytest.raises(toklet.CorpusError, match=str(2**63)):
        toklet.WordCounts({b"a": 2**62}) * 2


@given(texts=SMALL, more=SMALL, most=st.integers(1, 6))
def test_a_bound_on_words_is_kept_and_so_is_the_error_that_is_told(toklet: Any, texts: list[str], more: list[str], most: int) -> None:
    exact, bounded = toklet.count([*texts, *more]), toklet.count(texts, max_words=most) + toklet.count(more, max_words=most)
    assert len(toklet.count(texts, max_words=most)) <= most
    assert bounded.error_bound <= exact.total / (most + 1)
    told = dict(bounded)
    for word, n in exact:
        assert told.get(word, 0) <= n <= told.get(word, 0) + bounded.error_bound
    assert set(told) <= set(dict(exact))
    assert toklet.count(texts, max_words=1_000) == toklet.count(texts)
    assert (2 * bounded).error_bound == 2 * bounded.error_bound


def test_a_bound_is_saved_with_the_counts(toklet: Any, tmp_path: Path) -> None:
    counts = toklet.count(["a b c d a"], max_words=2)
    assert counts.error_bound > 0
    for name in ("counts.parquet", "counts.arrow"):
        counts.save(tmp_path / name)
        assert toklet.WordCounts.load(tmp_path / name) == counts
    with pytest.raises(toklet.ArgumentError, match="max_words"):
        toklet.count([], max_words=0)


@pytest.mark.slow
def test_bounded_counting_of_many_words_on_many_threads(toklet: Any) -> None:
    texts = ["".join(f" w{i}" for i in range(n, n + 50_000)) + " often" * 10_000 for n in range(0, 2_000_000, 50_000)]
    expected = toklet.count(texts, "gpt2", max_words=1_000, threads=1)
    assert expected == toklet.count(texts, "gpt2", max_words=1_000, threads=5)
    assert len(expected) <= 1_000
    assert 400_000 - expected.error_bound <= dict(expected)[b" often"] <= 400_000


@given(words=st.dictionaries(st.binary(min_size=1, max_size=40), st.integers(1, 2**63 - 1), max_size=20))
def test_tables_of_any_words_come_back(toklet: Any, tmp_path_factory: pytest.TempPathFactory, words: dict[bytes, int]) -> None:
    path = tmp_path_factory.mktemp("counts") / "counts.arrow"
    counts = toklet.WordCounts(words)
    counts.save(path)
    assert dict(toklet.WordCounts.load(path)) == words
    with pa.OSFile(str(path)) as file:
        table = pa.ipc.open_file(file).read_all()
    assert table["pretoken"].to_pylist() == sorted(words)
    assert (table.schema.field("pretoken").type, table.schema.field("count").type) == (pa.binary(), pa.uint64())


def test_slices_and_chunks_of_other_engines_load(toklet: Any, tmp_path: Path) -> None:
    table = pa.table({"pretoken": pa.array([b"x", b"b", b"a", b"y"]).slice(1, 2), "count": pa.array([9, 2, 1, 9], pa.int64()).slice(1, 2)})
    table = pa.concat_tables([table, pa.table({"pretoken": [b"c" * 30], "count": [3]})]).replace_schema_metadata({"toklet.pattern": "o200k"})
    with pa.OSFile(str(tmp_path / "theirs.arrow"), "wb") as sink, pa.ipc.new_file(sink, table.schema) as file:
        file.write_table(table)
    assert dict(toklet.WordCounts.load(tmp_path / "theirs.arrow")) == {b"a": 1, b"b": 2, b"c" * 30: 3}


def test_memory_is_told_beforehand(toklet: Any) -> None:
    small, large = (toklet.count([" ".join(map(str, range(n)))]).memory for n in (10, 100_000))
    assert 0 < small.counts <= large.counts
    assert 0 < small.training < large.training


class Halt(Exception):
    """Raised by an iterator."""


def test_iterators_that_raise_or_give_the_wrong_things_end_cleanly(toklet: Any) -> None:
    def texts(last: Any) -> Any:
        yield from TEXTS
        if last is Halt:
            raise Halt
        yield last

    for last, error in ((Halt, Halt), (1, toklet.WrongTypeError), (None, toklet.WrongTypeError), ("\ud800", toklet.TextError), (["a"], toklet.WrongTypeError)):
        with pytest.raises(error):
            toklet.count(texts(last))
        with pytest.raises(error):
            toklet.train(texts(last), 300)
    counts = toklet.count(TEXTS)
    assert Counter(dict(counts)).total() == counts.total


ENDLESS = """
import itertools, os, signal, threading, toklet
signal.signal(signal.SIGINT, signal.default_int_handler)
threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
try:
    toklet.train(("text %d" % n for n in itertools.count()), 300)
except KeyboardInterrupt:
    print("interrupted")
"""


def test_an_iterator_that_never_ends_is_interrupted(toklet: Any) -> None:
    assert child(toklet, ENDLESS).stdout == "interrupted\n"
