"""Token files, read as their trainers read them: by the bytes' layout, not by our own code."""

import hashlib
import importlib
import io
import json
import os
import random
import signal
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from .test_save import in_a_child, waited

DOCUMENTS = ["the cat sat", "", "on the mat, кот", b"\xff broken", "猫" * 9, "a"]


def shards_of(toklet: Any) -> Any:
    return importlib.import_module(f"{toklet.__name__}.shards")


@pytest.fixture
def tok(toklet: Any) -> Any:
    return toklet.Tokenizer.from_merges([(b"t", b"h"), (b"th", b"e")], pattern="gpt2", special_tokens=["<s>", "<|end|>"])


def expected(tok: Any, documents: list[Any], bos: str | None, eos: str | None) -> list[list[int]]:
    front, back = ([] if name is None else [tok.special_tokens[name]] for name in (bos, eos))
    return [[*front, *tok.encode(text).tolist(), *back] for text in documents if text]


def llm_c(data: bytes) -> list[int]:
    """Read as llm.c does: 256 int32, of which three mean something, and as many tokens as the third says."""
    header = struct.unpack("<256i", data[:1024])
    assert header[3:] == (0,) * 253
    code = {(20240520, 1): "H", (20240801, 7): "I"}[header[:2]]
    return list(struct.unpack(f"<{header[2]}{code}", data[1024:]))


def megatron(data: bytes, index: bytes) -> list[list[int]]:
    """Read as Megatron does: lengths, pointers and document ends of the index, then each document at its pointer."""
    assert index[:9] == b"MMIDIDX\0\0"
    version, code, sequences, ends = struct.unpack_from("<QBQQ", index, 9)
    lengths = np.frombuffer(index, "<i4", sequences, 34)
    pointers = np.frombuffer(index, "<i8", sequences, 34 + 4 * sequences)
    documents = np.frombuffer(index, "<i8", ends, 34 + 12 * sequences)
    assert (version, len(index)) == (1, 34 + 12 * sequences + 8 * ends)
    assert documents.tolist() == list(range(sequences + 1))
    dtype = {8: "<u2", 4: "<i4"}[code]
    assert int(lengths.sum()) * np.dtype(dtype).itemsize == len(data)
    return [np.frombuffer(data, dtype, length, pointer).tolist() for length, pointer in zip(lengths, pointers, strict=True)]


def flat(documents: list[list[int]]) -> list[int]:
    return [id for ids in documents for id in ids]


@pytest.mark.parametrize(("bos", "eos"), [(None, None), (None, "<|end|>"), ("<s>", "<|end|>"), ("<s>", None)])
@pytest.mark.parametrize("size", [1, 7, 13, 1_000])
def test_llm_c_and_raw_are_cut_at_exactly_so_many_tokens(toklet: Any, tok: Any, tmp_path: Path, bos: str | None, eos: str | None, size: int) -> None:
    documents = expected(tok, DOCUMENTS, bos, eos)
    for format, read in (("llm.c", llm_c), ("raw", lambda data: np.frombuffer(data, "<u2").tolist())):
        folder = tmp_path / format
        made = shards_of(toklet).write_shards(DOCUMENTS, tok, folder, format=format, bos=bos, eos=eos, shard_tokens=size)
        parts = [read((folder / shard["file"]).read_bytes()) for shard in made["shards"]]
        assert flat(parts) == flat(documents)
        assert all(len(part) == size for part in parts[:-1])
        assert 0 < len(parts[-1]) <= size
        assert [shard["tokens"] for shard in made["shards"]] == [len(part) for part in parts]
        assert sum(shard["documents"] for shard in made["shards"]) == made["documents"] == len(documents)


@pytest.mark.parametrize("size", [1, 7, 13, 1_000])
def test_megatrons_shards_end_behind_the_document_that_fills_them(toklet: Any, tok: Any, tmp_path: Path, size: int) -> None:
    made = shards_of(toklet).write_shards(DOCUMENTS, tok, tmp_path, format="megatron", eos="<|end|>", shard_tokens=size)
    parts = [megatron((tmp_path / shard["file"]).read_bytes(), (tmp_path / shard["file"]).with_suffix(".idx").read_bytes()) for shard in made["shards"]]
    assert flat(parts) == expected(tok, DOCUMENTS, None, "<|end|>")
    for part in parts[:-1]:
        assert len(flat(part)) >= size > len(flat(part[:-1]))
    assert [shard["documents"] for shard in made["shards"]] == list(map(len, parts))


@given(
    texts=st.lists(st.text(max_size=9), min_size=1, max_size=9),
    size=st.integers(1, 30),
    group=st.integers(1, 30),
    format=st.sampled_from(["llm.c", "megatron", "raw"]),
)
def test_how_texts_are_grouped_changes_no_byte(
    toklet: Any, tmp_path_factory: pytest.TempPathFactory, texts: list[str], size: int, group: int, format: str
) -> None:
    shards, tok = shards_of(toklet), toklet.Tokenizer.from_merges([], pattern="gpt2", special_tokens=["<|end|>"])
    texts = [*texts, "end"]
    folders = [tmp_path_factory.mktemp("shards") for _ in range(2)]
    before = shards.GROUP
    try:
        for folder, shards.GROUP in zip(folders, (before, group), strict=True):
            shards.write_shards(texts, tok, folder, format=format, eos="<|end|>", shard_tokens=size)
    finally:
        shards.GROUP = before
    one, other = ({path.name: path.read_bytes() for path in folder.iterdir()} for folder in folders)
    assert one == other


@pytest.mark.parametrize(
    ("ids", "format", "dtype"),
    [(65_536, "llm.c", "uint16"), (65_537, "llm.c", "uint32"), (65_537, "raw", "uint32"), (65_499, "megatron", "uint16"), (65_500, "megatron", "int32")],
)
def test_a_token_has_the_width_that_readers_expect(toklet: Any, tmp_path: Path, ids: int, format: str, dtype: str) -> None:
    tok = toklet.Tokenizer.from_ranks({bytes([b]): b for b in range(256)}, pattern="gpt2", special_tokens={"<|end|>": ids - 1})
    made = shards_of(toklet).write_shards(["ab"], tok, tmp_path, format=format, eos="<|end|>")
    data = (tmp_path / "shard_000000.bin").read_bytes()
    assert made["dtype"] == dtype
    if format == "megatron":
        assert megatron(data, (tmp_path / "shard_000000.idx").read_bytes()) == [[97, 98, ids - 1]]
    else:
        assert (llm_c(data) if format == "llm.c" else np.frombuffer(data, dtype).tolist()) == [97, 98, ids - 1]


def test_the_manifest_says_what_is_there(toklet: Any, tok: Any, tmp_path: Path) -> None:
    made = shards_of(toklet).write_shards(DOCUMENTS, tok, tmp_path / "new" / "folder", name="train", shard_tokens=20)
    folder = tmp_path / "new" / "folder"
    assert json.loads((folder / "train_manifest.json").read_text()) == made
    for shard in made["shards"]:
        assert hashlib.sha256((folder / shard["file"]).read_bytes()).hexdigest() == shard["sha256"]
    assert sorted(os.listdir(folder)) == [*sorted(shard["file"] for shard in made["shards"]), "train_manifest.json"]
    assert (made["vocab_size"], made["format"]) == (tok.vocab_size, "llm.c")


def test_nothing_is_replaced_and_what_fails_leaves_only_whole_shards(toklet: Any, tok: Any, tmp_path: Path) -> None:
    write = shards_of(toklet).write_shards
    write(DOCUMENTS, tok, tmp_path, shard_tokens=20)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(FileExistsError, match="shard_manifest"):
        write(DOCUMENTS, tok, tmp_path)
    (tmp_path / "shard_manifest.json").unlink()
    with pytest.raises(FileExistsError, match="shard_000000"):
        write(DOCUMENTS, tok, tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == {path: data for path, data in before.items() if path.suffix == ".bin"}

    def raising() -> Iterator[str]:
        yield "a" * 30
        raise RuntimeError("no more")

    shards_of(toklet).GROUP, group = 8, shards_of(toklet).GROUP
    try:
        with pytest.raises(RuntimeError, match="no more"):
            write(raising(), tok, tmp_path / "failed", shard_tokens=20)
    finally:
        shards_of(toklet).GROUP = group
    assert [(path.name, len(llm_c(path.read_bytes()))) for path in (tmp_path / "failed").iterdir()] == [("shard_000000.bin", 20)]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_process_killed_while_it_writes_leaves_whole_shards_and_no_manifest(toklet: Any, tok: Any, tmp_path: Path) -> None:
    chance, seen = random.Random(1), 0
    for number in range(20):
        folder = tmp_path / str(number)
        texts = (f"text {i}" for i in range(10**9))
        pid = in_a_child(lambda folder=folder, texts=texts: shards_of(toklet).write_shards(texts, tok, folder, shard_tokens=50_000))
        while number < 5 and not list(folder.glob("*.bin")):
            pass
        time.sleep(chance.uniform(0, 0.3))
        os.kill(pid, signal.SIGKILL)
        assert waited(pid) == -signal.SIGKILL
        for path in folder.glob("*") if folder.exists() else ():
            assert path.name.endswith((".bin", ".tmp"))
            if path.suffix == ".bin":
                assert len(llm_c(path.read_bytes())) == 50_000
                seen += 1
    assert seen > 0


@pytest.mark.parametrize(
    ("arguments", "kind", "words"),
    [
        ({"format": "npy"}, "ArgumentError", "'npy'"),
        ({"shard_tokens": 0}, "ArgumentError", "shard_tokens"),
        ({"shard_tokens": 2**31}, "ArgumentError", "shard_tokens"),
        ({"eos": "<|eot|>"}, "ArgumentError", "special tokens"),
        ({"name": "../x"}, "ArgumentError", "name"),
        ({"texts": "text"}, "WrongTypeError", "texts"),
        ({"texts": ["a", 1]}, "WrongTypeError", r"texts\[1\]"),
        ({"texts": ["", b""]}, "CorpusError", "token"),
    ],
)
def test_what_makes_no_sense_is_refused(toklet: Any, tok: Any, tmp_path: Path, arguments: dict[str, Any], kind: str, words: str) -> None:
    given = {"texts": DOCUMENTS, **arguments}
    with pytest.raises(getattr(toklet, kind), match=words):
        shards_of(toklet).write_shards(given.pop("texts"), tok, tmp_path / "made", **given)
    assert not list((tmp_path / "made").glob("*"))


def test_the_command_splits_files_into_documents(toklet: Any, tok: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tok.save(tmp_path / "tok.json")
    (tmp_path / "corpus.txt").write_bytes("<|end|>".join(["one", "два", "three"]).encode() + b"<|end|>")
    arguments = [
        "shard",
        tmp_path / "corpus.txt",
        "-t",
        tmp_path / "tok.json",
        "-o",
        tmp_path / "out",
        "--format",
        "megatron",
        "--separator",
        "<|end|>",
        "--eos",
        "<|end|>",
        "--json",
    ]
    main = importlib.import_module("toklet.cli").main
    assert main([*map(str, arguments), "-q"]) == 0
    told = capsys.readouterr()
    made = json.loads(told.out)
    found = megatron((tmp_path / "out" / "shard_000000.bin").read_bytes(), (tmp_path / "out" / "shard_000000.idx").read_bytes())
    assert found == expected(tok, ["one", "два", "three"], None, "<|end|>")
    assert (made["documents"], told.err) == (3, "")
    assert main([*map(str, arguments)]) == 1
    assert "exists" in capsys.readouterr().err
    assert main([*map(str, arguments), "--eos", "<|eot|>"]) == 2


@given(parts=st.lists(st.binary(max_size=12), min_size=1, max_size=6), mark=st.text(min_size=1, max_size=3), block=st.integers(1, 9))
def test_documents_of_a_stream_are_those_of_the_whole_file(toklet: Any, parts: list[bytes], mark: str, block: int) -> None:
    command = importlib.import_module("toklet.cli.shard")
    data = mark.encode().join(parts)
    before, command.BLOCK = command.BLOCK, block
    try:
        assert list(command.between(io.BytesIO(data), mark)) == data.split(mark.encode())
    finally:
        command.BLOCK = before
