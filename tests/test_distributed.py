"""Counting and encoding on an engine: what it gives is, to the byte, what one machine gives.

Ray runs in a process of its own, on two cores, once for all tests of it. Where an engine isn't installed its tests are left out.
"""

import importlib
import json
import pickle
import re
import sys
import zlib
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from .backends import child

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "distributed.md"
TEXTS = [f"text {i % 7}: it's a rose, кот {'猫' * (i % 5)}\n" + "\n".join(f"word{i * j % 97}" for j in range(i % 30)) for i in range(400)]
BROKEN = [b"\xff\xfe a rose", b"", "naïve".encode()[:-2]]

SCRIPT = """
import json, pickle, sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import ray

import toklet
import toklet.distributed

folder = Path(sys.argv[1])
ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR", object_store_memory=200_000_000)
data = ray.data.from_arrow([pq.read_table(path) for path in sorted(folder.glob("block-*.parquet"))])
counts = toklet.distributed.count(data, "o200k", column="body")
(folder / "counts.pickle").write_bytes(pickle.dumps(counts))
counts.save(folder / "counts.parquet")
saved = toklet.distributed.save_counts(data, folder / "partitions", "o200k", column="body", partitions=3)
tok = counts.train(400, special_tokens=["<|end|>"])
tok.save(folder / "tok.json")
encoded = toklet.distributed.encode(data, tok, column="body", ids="tokens", special="allow", concurrency=2)
pq.write_table(pa.concat_tables(encoded.iter_batches(batch_size=None, batch_format="pyarrow")), folder / "encoded.parquet")
refused = []
for call in (
    lambda: toklet.distributed.count(data, "(", column="body"),
    lambda: toklet.distributed.count(data, column="body", partitions=0),
    lambda: toklet.distributed.count(data, column="missing"),
    lambda: toklet.distributed.encode(data, tok, column="body", ids="n").take_all(),
):
    try:
        call()
        refused.append("nothing")
    except Exception as error:
        refused.append(f"{type(error).__name__} {error}")
print(json.dumps({"saved": saved, "refused": refused}))
"""


@pytest.fixture(scope="module")
def ray(native: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """What Ray made of texts in five blocks, one of them empty, and the folder that it is in."""
    pytest.importorskip("ray.data", reason="needs Ray Data: pip install 'toklet[ray]'")
    folder = tmp_path_factory.mktemp("ray")
    texts = [*map(str.encode, TEXTS), *BROKEN, b"<|end|> a rose"]
    for block in range(5):
        chosen = list(range(block, len(texts), 4)) if block < 4 else []
        columns = {"n": pa.array(chosen, pa.int64()), "body": pa.array([texts[i] for i in chosen], pa.binary())}
        pq.write_table(pa.table(columns), folder / f"block-{block}.parquet")
    done = child(native, SCRIPT, folder, timeout=500, RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO="0", RAY_DATA_DISABLE_PROGRESS_BARS="1")
    assert done.returncode == 0, done.stderr[-4000:]
    return folder, {**json.loads(done.stdout.splitlines()[-1]), "texts": texts}


def test_counts_of_ray_are_those_of_one_machine(native: Any, ray: Any, tmp_path: Path) -> None:
    folder, told = ray
    here = native.count(told["texts"], "o200k")
    assert pickle.loads((folder / "counts.pickle").read_bytes()) == here
    here.save(tmp_path / "here.parquet")
    assert (folder / "counts.parquet").read_bytes() == (tmp_path / "here.parquet").read_bytes()


def test_a_tokenizer_of_rays_counts_is_that_of_one_machine(native: Any, ray: Any, tmp_path: Path) -> None:
    folder, told = ray
    native.train(told["texts"], 400, pattern="o200k", special_tokens=["<|end|>"]).save(tmp_path / "tok.json")
    assert (folder / "tok.json").read_bytes() == (tmp_path / "tok.json").read_bytes()


def test_partitions_are_files_that_share_no_pretoken_and_add_up(native: Any, ray: Any) -> None:
    folder, told = ray
    assert told["saved"] == [str(folder / "partitions" / f"part-{i:05}.parquet") for i in range(3)]
    parts = [native.WordCounts.load(path) for path in told["saved"]]
    here = native.count(told["texts"], "o200k")
    assert sum(map(len, parts)) == len(here)
    assert min(map(len, parts)) > len(here) / 6
    assert sum(parts[1:], parts[0]) == here


def test_encoding_on_ray_appends_the_ids_of_each_text(native: Any, ray: Any) -> None:
    folder, told = ray
    tok = native.load(folder / "tok.json")
    table = pq.read_table(folder / "encoded.parquet").sort_by("n")
    assert table.schema.field("tokens").type == pa.list_(pa.uint32())
    assert table.column_names == ["n", "body", "tokens"]
    assert table["body"].to_pylist() == told["texts"]
    assert table["tokens"].to_pylist() == [ids.tolist() for ids in tok.encode_batch(told["texts"], special="allow")]
    assert table["tokens"][len(told["texts"]) - 1].as_py()[0] == tok.special_tokens["<|end|>"]


def test_what_ray_cannot_do_is_told(ray: Any) -> None:
    pattern, partitions, column, ids = ray[1]["refused"]
    assert pattern.startswith("ArgumentError")
    assert "regular expression" in pattern
    assert partitions.startswith("ArgumentError")
    assert "missing" in column
    assert "new column" in ids


def test_what_is_no_dataset_or_no_tokenizer_is_refused(native: Any) -> None:
    distributed = importlib.import_module("toklet.distributed")
    for call in (lambda: distributed.count(["text"]), lambda: distributed.save_counts(["text"], "folder"), lambda: distributed.encode([], "tok")):
        with pytest.raises(native.WrongTypeError):
            call()


@pytest.mark.parametrize("type", [pa.string(), pa.large_string(), pa.binary(), pa.large_binary()])
def test_batches_of_an_engine_are_counted_as_one_corpus(toklet: Any, type: pa.DataType) -> None:
    count_batches = importlib.import_module("toklet.distributed").count_batches
    table = pa.table({"n": range(len(TEXTS)), "text": pa.array([text.encode() for text in TEXTS], pa.binary()).cast(type)})
    (made,) = count_batches(table.to_batches(max_chunksize=37), "gpt2")
    assert made.schema == pa.schema([("pretoken", pa.binary()), ("count", pa.uint64())])
    assert list(zip(*made.to_pydict().values(), strict=True)) == list(toklet.count(TEXTS, "gpt2"))
    (none,) = count_batches([], "gpt2")
    assert (none.num_rows, none.schema) == (0, made.schema)


def test_null_is_no_text(toklet: Any) -> None:
    distributed = importlib.import_module("toklet.distributed")
    table = pa.table({"text": ["a b", None, "b", ""]})
    (made,) = distributed.count_batches(table.to_batches(), "gpt2")
    assert dict(zip(*made.to_pydict().values(), strict=True)) == {b" b": 1, b"a": 1, b"b": 1}
    encoder = distributed.Encoder(toklet.Tokenizer.from_merges([], pattern="gpt2"), "text", "ids", "text")
    for part in (table, table[1:3], table[:0], pa.concat_tables([table, table])):
        ids = [None if text is None else list(text.encode()) for text in part["text"].to_pylist()]
        assert encoder(part)["ids"].to_pylist() == ids
    assert encoder(table[:0]).schema.field("ids").type == pa.list_(pa.uint32())


def test_what_is_no_text_is_an_error(toklet: Any) -> None:
    with pytest.raises(toklet.WrongTypeError, match=r"texts\[0\]"):
        list(importlib.import_module("toklet.distributed").count_batches(pa.table({"text": [1]}).to_batches(), "gpt2"))


def test_every_pretoken_has_one_partition_on_every_machine(toklet: Any) -> None:
    count_block = importlib.import_module("toklet.distributed").count_block
    one, other = (count_block(pa.table({"text": texts}), "gpt2", "text", 5) for texts in (TEXTS, [*TEXTS[::-1], "more"]))
    belongs = [dict(zip(block["pretoken"].to_pylist(), block["partition"].to_pylist(), strict=True)) for block in (one, other)]
    assert all(belongs[1][word] == partition for word, partition in belongs[0].items())
    assert set(belongs[0].values()) == set(range(5))
    assert belongs[0][b" a"] == zlib.crc32(b" a") % 5


@pytest.fixture
def shards(native: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A folder with the counts of three parts of the texts."""
    (tmp_path / "shards").mkdir()
    for i in range(3):
        native.count(TEXTS[i::3], "o200k").save(tmp_path / "shards" / f"{i}.parquet")
    monkeypatch.chdir(tmp_path)
    return native


def statements() -> str:
    (found,) = re.findall(r"^```sql\n(.*?)^```", DOCUMENT.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    return found


def test_the_documents_merge_on_duckdb_gives_the_counts_of_the_whole(shards: Any, tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb", reason="needs DuckDB")
    duckdb.connect().execute(statements())
    assert shards.WordCounts.load(tmp_path / "counts.parquet") == shards.count(TEXTS, "o200k")
    assert pq.read_schema(tmp_path / "counts.parquet").types == [pa.binary(), pa.uint64()]


def test_the_documents_merge_on_duckdb_refuses_different_patterns(shards: Any, tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb", reason="needs DuckDB")
    shards.count(TEXTS, "gpt2").save(tmp_path / "shards" / "other.parquet")
    with pytest.raises(duckdb.Error, match="different patterns"):
        duckdb.connect().execute(statements())
    assert not (tmp_path / "counts.parquet").exists()


SPARK = """
import sys
from pathlib import Path

from pyspark.sql import SparkSession

import toklet

spark = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()
spark.sparkContext.setLogLevel("ERROR")
code, corpus, folder = sys.argv[1:]
names = {"spark": spark}
exec(code.replace('"corpus/"', repr(corpus)).replace("100_000", "400"), names)
toklet.WordCounts(names["words"], "o200k").save(f"{folder}/counts.parquet")
names["tok"].save(f"{folder}/tok.json")
"""


def test_the_documents_recipe_for_spark_gives_the_counts_of_one_machine(native: Any, tmp_path: Path) -> None:
    pytest.importorskip("pyspark", reason="needs PySpark and Java")
    (tmp_path / "corpus").mkdir()
    for i in range(3):
        pq.write_table(pa.table({"text": TEXTS[i::3]}), tmp_path / "corpus" / f"{i}.parquet")
    (code,) = (block for block in re.findall(r"^```python\n(.*?)^```", DOCUMENT.read_text("utf-8"), re.DOTALL | re.MULTILINE) if "spark.read" in block)
    done = child(native, SPARK, code, tmp_path / "corpus", tmp_path, timeout=500, PYSPARK_PYTHON=sys.executable)
    assert done.returncode == 0, done.stderr[-4000:]
    assert native.WordCounts.load(tmp_path / "counts.parquet") == native.count(TEXTS, "o200k")
    assert native.load(tmp_path / "tok.json") == native.train(TEXTS, 400, pattern="o200k")
