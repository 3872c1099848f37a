"""Who takes part in `toklet bench encode`: toklet and the encoders beside it that may be installed, each through the fastest calls that it documents.

A function makes a contender from a vocabulary, with one thread and without special tokens (texts spell them, and some peers always find them). What a call
gives may have any form: `flat` brings it into one, outside of the time that is measured.
"""

import functools
import importlib
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

TIKTOKEN = {  # the patterns of which tiktoken has another spelling, which its engine is faster with, and which other peers know
    "gpt2": r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s",
    "cl100k": r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s",
}


class Files(NamedTuple):
    """A vocabulary, as files that everybody can read."""

    name: str
    ranks: str  # the path of a .tiktoken file
    json: str  # the path of a tokenizer.json without special tokens
    pattern: str  # the name of the pattern, or its regular expression
    regex: str  # as tiktoken writes it
    specials: dict[str, int]


class Encoder(NamedTuple):
    """A contender: what it does with one thread. `None` is what it doesn't do."""

    batch: Callable[[list[str]], Any]  # texts -> ids
    whole: Callable[[Any], Any]  # one large text -> ids
    takes: type  # of which type `whole` has it
    text: Callable[[str], Any]  # one text -> a list of ids
    to_bytes: Callable[[Any], Any] | None  # ids -> bytes
    to_str: Callable[[list[int]], Any] | None  # a list of ids -> str
    ids: type = list  # what `to_bytes` takes: a list or an array


def toklet(files: Files, threads: int = 1) -> Encoder:
    """Text and bytes in, arrays out; lists by the interface of tiktoken."""
    from ..integrations.tiktoken import Encoding
    from ..tokenizer import load

    tok = load(files.ranks, pattern=files.pattern)
    batch, lists = functools.partial(tok.encode_batch, threads=threads), Encoding.from_toklet(tok, files.name)
    return Encoder(batch, tok.encode, bytes, lists.encode_ordinary, tok.decode_bytes, tok.decode, np.ndarray)


def tiktoken(files: Files) -> Encoder:
    """The owner of the vocabularies."""
    ranks = importlib.import_module("tiktoken.load").load_tiktoken_bpe(files.ranks)
    made = importlib.import_module("tiktoken").Encoding(files.name, pat_str=files.regex, mergeable_ranks=ranks, special_tokens=files.specials)
    batch = functools.partial(made.encode_ordinary_batch, num_threads=1)
    return Encoder(batch, made.encode_ordinary, str, made.encode_ordinary, made.decode_bytes, made.decode)


def tokenizers(files: Files) -> Encoder:
    """Encodings with offsets and the rest: its API has nothing plainer."""
    made = importlib.import_module("tokenizers").Tokenizer.from_file(files.json)

    def text(text: str) -> Any:
        return made.encode(text, add_special_tokens=False).ids

    def batch(texts: list[str]) -> Any:
        return [row.ids for row in made.encode_batch_fast(texts, add_special_tokens=False)]

    return Encoder(batch, text, str, text, None, functools.partial(made.decode, skip_special_tokens=False))


def gigatoken(files: Files) -> Encoder:
    """Bytes or str in, arrays out."""
    made = importlib.import_module("gigatoken").Tokenizer.from_tiktoken(files.ranks, files.pattern, {})

    def to_str(ids: list[int]) -> str:
        return str(made.decode(ids), "utf-8")

    return Encoder(
        functools.partial(made.encode_batch, parallel=False), made.encode, bytes, lambda text: made.encode(text).tolist(), made.decode, to_str, np.ndarray
    )


def fastokens(files: Files) -> Encoder:
    """Flat bytes for batches; lists of ready ints for one text. It has fast paths for published encodings, if it is told their names."""
    how = {"encoding": files.name} if files.name in ("cl100k_base", "o200k_base") else {"pattern": files.regex}
    made = importlib.import_module("fastokens").Tokenizer.from_tiktoken(files.ranks, special_tokens={}, **how)
    return Encoder(made.encode_batch_flat, lambda text: made.encode_batch_flat([text]), str, lambda text: made.encode_ordinary(text).ids, None, made.decode)


def quicktok(files: Files) -> Encoder:
    """Its own files of the published vocabularies, by their name."""
    made = importlib.import_module("quicktok").get_encoding(files.name)
    return Encoder(
        lambda texts: made.encode_batch(texts, 1), lambda text: made.encode_batch([text], 1), str, made.encode_ordinary, made.decode_bytes, made.decode
    )


def splintr(files: Files) -> Encoder:
    """Flat bytes for batches."""
    module = importlib.import_module("splintr")
    made = module.Tokenizer(files.ranks, getattr(module, f"{files.name.upper()}_PATTERN", files.regex), {})
    return Encoder(made.encode_batch_flat, made.encode_flat, str, made.encode_ordinary, made.decode_bytes, made.decode)


def rs_bpe(files: Files) -> Encoder:
    """The published vocabularies lie in its module."""
    made = getattr(importlib.import_module("rs_bpe.bpe").openai, files.name)()
    return Encoder(lambda texts: made.encode_batch(texts)[0], made.encode, str, made.encode, None, made.decode)


CONTENDERS: dict[str, Callable[[Files], Encoder]] = {
    made.__name__: made for made in (toklet, tiktoken, tokenizers, gigatoken, fastokens, quicktok, splintr, rs_bpe)
}


def installed() -> list[str]:
    """Give the names of those that can be imported."""

    def found(name: str) -> bool:
        try:
            return name == "toklet" or bool(importlib.import_module(name))
        except ImportError:
            return False

    return [name for name in CONTENDERS if found(name)]


def flat(result: Any) -> NDArray[np.uint32]:
    """Give the ids of a call, whatever its form: a list, lists, an array, a Batch, bytes of little-endian numbers (with offsets), or an awkward array.

    >>> flat([[1, 2], [3]]).tolist(), flat((b"\\1\\0\\0\\0", b"")).tolist()
    ([1, 2, 3], [1])
    """
    if isinstance(result, tuple):  # (ids, offsets)
        result = result[0]
    if isinstance(result, bytes):
        return np.frombuffer(result, np.uint32)
    if hasattr(result, "layout"):
        result = importlib.import_module("awkward").to_numpy(importlib.import_module("awkward").flatten(result))
    result = getattr(result, "ids", result)
    if isinstance(result, list) and result and isinstance(result[0], list):
        return np.concatenate([np.asarray(row, np.uint32) for row in result])
    return np.asarray(result, np.uint32)
