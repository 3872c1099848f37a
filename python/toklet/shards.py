"""Texts -> token files that trainers read: `toklet shard`.

    llm.c      NAME_000000.bin …: 256 int32 (magic, version, number of tokens, zeros), then the tokens. Magic 20240520, version 1: uint16, which llm.c and
               modded-nanogpt read; 20240801, version 7: uint32, for vocabularies of more than 65,536 ids
    megatron   NAME_000000.bin: the tokens; NAME_000000.idx: "MMIDIDX", where each document begins and how long it is. uint16 under 65,500 ids, else int32
    raw        NAME_000000.bin: the tokens, nothing else, uint16 or uint32: numpy.memmap, as nanoGPT does

All numbers are little-endian. Documents follow one another, with the tokens around each that the caller asks for. A shard of llm.c or raw ends at exactly
`shard_tokens` tokens, inside a document if need be; one of Megatron behind the document that reaches them. Shards are written as they fill: memory holds
a group of texts and, for Megatron, four bytes a document. Each file is whole or not there, and none is ever replaced; NAME_manifest.json comes last, so
where it is, all is.
"""

import errno
import hashlib
import json
import os
import struct
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .batch import Batch
from .checks import as_path
from .encoding import Text
from .progress import Report, reporting
from .reference.atomic import replacing, write
from .reference.count import check_texts
from .reference.error import ArgumentError, CorpusError, as_bytes, check_choice, number
from .tokenizer import Tokenizer

FORMATS = ("llm.c", "megatron", "raw")
GROUP = 1 << 22  # bytes of text that are encoded together
MAX_SHARD = 2**31 - 1  # tokens: llm.c's header holds the number in an int32


def write_shards(
    texts: Iterable[Text],
    tok: Tokenizer,
    folder: str | os.PathLike[str],
    *,
    format: str = "llm.c",
    shard_tokens: int = 100_000_000,
    bos: str | None = None,
    eos: str | None = None,
    name: str = "shard",
    threads: int | None = None,
    progress: bool | Report | None = None,
) -> dict[str, Any]:
    """Encode texts into token files.

    Parameters
    ----------
    texts : iterable of str or bytes
        The documents, read once. An empty text is none. What they spell is never a special token.
    tok : Tokenizer
    folder : str or PathLike
        Made if it isn't there. It must not hold files of these names already.
    format : {"llm.c", "megatron", "raw"}
    shard_tokens : int
        The size of a shard; the last one is smaller.
    bos, eos : str, optional
        The special token in front of each document, and behind it.
    name : str
        How the files' names begin.
    threads : int, optional
        How many threads encode; the result doesn't depend on it.
    progress : True or callable, optional
        A bar on standard error, or a function of (bytes done, 0).

    Returns
    -------
    dict
        What the manifest holds: format, dtype, vocab_size, tokens, documents, and of each shard its file, tokens, documents (that begin in it) and SHA-256.

    Raises
    ------
    FileExistsError
        If a file of that name is there.
    CorpusError
        If there is no token to write.

    Examples
    --------
    >>> import tempfile
    >>> tok = Tokenizer.from_merges([(b"a", b"b")], pattern="gpt2", special_tokens=["<|end|>"])
    >>> folder = tempfile.mkdtemp()
    >>> made = write_shards(["ab", "abc"], tok, folder, format="raw", eos="<|end|>")
    >>> np.memmap(f"{folder}/shard_000000.bin", np.uint16, "r").tolist()
    [256, 257, 256, 99, 257]
    """
    check_texts(texts)
    check_choice("format", format, FORMATS)
    size = number("shard_tokens", shard_tokens, f"an integer from 1 to {MAX_SHARD}", 1, MAX_SHARD, whole=True)
    around = [ids_of(tok, "bos", bos), ids_of(tok, "eos", eos)]
    if os.path.basename(name) != name or not name:
        raise ArgumentError("name", repr(name), "the beginning of a file name, without a folder")
    folder = as_path(folder)
    os.makedirs(folder, exist_ok=True)
    manifest_path = free(folder, f"{name}_manifest.json")
    shards = Shards(folder, name, format, size, tok.vocab_size)
    with reporting(progress, "shard", "B") as report, shards:
        done = 0
        for group in groups(texts):
            shards.add(framed(tok.encode_batch(group, threads=threads), *around))
            done += sum(map(len, group))
            if report is not None:
                report(done, 0)
    if not shards.made:
        raise CorpusError("the corpus", "without a token", "texts with something in them")
    manifest = {"format": format, "dtype": shards.dtype.name, "vocab_size": tok.vocab_size, "tokens": shards.tokens, "documents": shards.documents}
    manifest["shards"] = shards.made
    write(manifest_path, json.dumps(manifest, indent=1).encode())
    return manifest


class Framed(NamedTuple):
    """Documents one behind the other, and where each ends."""

    ids: NDArray[np.uint32]
    ends: NDArray[np.int64]


def framed(batch: Batch, bos: list[int], eos: list[int]) -> Framed:
    """Put `bos` in front of each text and `eos` behind it.

    >>> framed(Batch(np.array([7, 8, 9], np.uint32), np.array([0, 1, 3], np.uint64)), [], [0])
    Framed(ids=array([7, 0, 8, 9, 0], dtype=uint32), ends=array([2, 5]))
    """
    lengths = np.diff(batch.offsets).astype(np.int64)
    ends = np.cumsum(lengths + len(bos) + len(eos))
    starts = ends - lengths - len(bos) - len(eos)
    ids = np.empty(int(ends[-1]), np.uint32)
    for i, id in enumerate(bos):
        ids[starts + i] = id
    for i, id in enumerate(eos):
        ids[ends - len(eos) + i] = id
    inside = np.arange(len(batch.ids)) + np.repeat(starts + len(bos) - batch.offsets[:-1].astype(np.int64), lengths)
    ids[inside] = batch.ids
    return Framed(ids, ends)


def ids_of(tok: Tokenizer, place: str, name: str | None) -> list[int]:
    """Give the id of a special token, as a list of one, or of none."""
    if name is None:
        return []
    if name not in tok.special_tokens:
        raise ArgumentError(place, repr(name), f"one of the special tokens, which are {list(tok.special_tokens)}")
    return [tok.special_tokens[name]]


def groups(texts: Iterable[Text]) -> Iterator[list[bytes]]:
    """Put texts together up to about `GROUP` bytes, leaving out empty ones."""
    held: list[bytes] = []
    size = 0
    for i, text in enumerate(texts):
        data = as_bytes(text, f"texts[{i}]")
        if data:
            held.append(data)
            size += len(data)
        if size >= GROUP:
            yield held
            held, size = [], 0
    if held:
        yield held


def dtype_of(format: str, vocab_size: int) -> np.dtype[Any]:
    """Give the type of a token, by the rule of the format's readers."""
    if format == "megatron":
        return np.dtype("<u2" if vocab_size < 65_500 else "<i4")
    return np.dtype("<u2" if vocab_size <= 65_536 else "<u4")


def free(folder: str, name: str) -> str:
    """Give the path of a file that isn't there yet."""
    path = os.path.join(folder, name)
    if os.path.exists(path):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
    return path


class Shard:
    """One file that is being written, with its index."""

    def __init__(self, base: str, format: str, dtype: np.dtype[Any]) -> None:
        folder, name = os.path.split(base)
        self.path, self.format, self.dtype = free(folder, f"{name}.bin"), format, dtype
        self.index = free(folder, f"{name}.idx") if format == "megatron" else None
        self.tokens, self.documents, self.lengths = 0, 0, list[NDArray[np.int32]]()
        self.files = ExitStack()
        self.file = self.files.enter_context(replacing(self.path))
        self.file.write(self.header())

    def header(self) -> bytes:
        """Give what stands in front of the tokens; of llm.c's the number of tokens is right only at the end."""
        if self.format != "llm.c":
            return b""
        magic, version = (20240520, 1) if self.dtype.itemsize == 2 else (20240801, 7)
        return struct.pack("<3i", magic, version, self.tokens).ljust(1024, b"\0")

    def add(self, ids: NDArray[np.uint32], ends: NDArray[np.int64], begun: int) -> None:
        """Write tokens: those of documents that end at `ends`, of which `begun` begin here."""
        self.file.write(ids.astype(self.dtype).tobytes())
        self.tokens += len(ids)
        self.documents += begun
        if self.index is not None:
            lengths = np.diff(ends, prepend=0)
            if lengths.max(initial=0) > MAX_SHARD:
                raise ArgumentError("the length of a document", f"{lengths.max()} tokens", f"at most {MAX_SHARD} for Megatron's index")
            self.lengths.append(lengths.astype(np.int32))

    def close(self) -> dict[str, Any]:
        """Finish the file, then its index, and say what they hold."""
        with self.files:
            self.file.seek(0)
            self.file.write(self.header())
        if self.index is not None:
            write(self.index, self.index_of(np.concatenate(self.lengths)))
        with open(self.path, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return {"file": os.path.basename(self.path), "tokens": self.tokens, "documents": self.documents, "sha256": digest}

    def index_of(self, lengths: NDArray[np.int32]) -> bytes:
        """Lay out Megatron's index: each document is one sequence."""
        code = {"uint16": 8, "int32": 4}[self.dtype.name]
        pointers = (np.cumsum(lengths, dtype=np.int64) - lengths) * self.dtype.itemsize
        head = b"MMIDIDX\0\0" + struct.pack("<QBQQ", 1, code, len(lengths), len(lengths) + 1)
        return head + b"".join(part.tobytes() for part in (lengths.astype("<i4"), pointers.astype("<i8"), np.arange(len(lengths) + 1, dtype="<i8")))


class Shards:
    """The files of one call, each opened when the last one is full. What fails leaves no unfinished file."""

    def __init__(self, folder: str, name: str, format: str, size: int, vocab_size: int) -> None:
        self.base, self.format, self.size, self.dtype = os.path.join(folder, name), format, size, dtype_of(format, vocab_size)
        self.made: list[dict[str, Any]] = []
        self.tokens = self.documents = 0
        self.shard: Shard | None = None

    def __enter__(self) -> "Shards":
        return self

    def __exit__(self, *error: Any) -> None:
        if self.shard is not None and error[0] is not None:
            self.shard.files.__exit__(*error)
        elif self.shard is not None:
            self.close()

    def add(self, documents: Framed) -> None:
        """Write documents, over as many shards as they fill."""
        ids, ends = documents
        starts, at = np.concatenate(([0], ends[:-1])), 0
        while at < len(ids):
            if self.shard is None:
                self.shard = Shard(f"{self.base}_{len(self.made):06}", self.format, self.dtype)
            until = self.until(ends, at + self.size - self.shard.tokens)
            first, last = np.searchsorted(ends, (at, until), "right")
            begun = int(np.subtract(*np.searchsorted(starts, (until, at))))
            self.shard.add(ids[at:until], ends[first:last] - at, begun)
            self.tokens, self.documents, at = self.tokens + until - at, self.documents + begun, until
            if self.shard.tokens >= self.size:
                self.close()

    def until(self, ends: NDArray[np.int64], full: int) -> int:
        """Say where a shard that is full at `full` is cut: there, or (Megatron) behind the document that reaches it."""
        if self.format == "megatron":
            full = int(ends[min(int(np.searchsorted(ends, full)), len(ends) - 1)])
        return min(full, int(ends[-1]))

    def close(self) -> None:
        """Finish the shard."""
        if self.shard is not None:
            self.made.append(self.shard.close())
            self.shard = None
