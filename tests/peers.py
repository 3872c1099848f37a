"""The libraries that toklet is held against, and the text that it is done on."""

import base64
from functools import cache
from pathlib import Path

import tiktoken
import tokenizers
from tiktoken_ext import openai_public

CORPORA = ("english", "code", "multilingual")


@cache
def corpus(folder: Path, name: str, size: int) -> str:
    with open(folder / "corpora" / f"{name}.txt", "rb") as file:
        return file.read(size).decode("utf-8", "ignore")


def documents(folder: Path, size: int) -> list[str]:
    """Give the paragraphs of all corpora, each with its line break."""
    return [line for name in CORPORA for line in corpus(folder, name, size).splitlines(keepends=True)]


@cache
def published(folder: Path, name: str) -> tiktoken.Encoding:
    """Make the encoding as tiktoken does, with the ranks from our file and not from the network."""

    def ranks(url: str, expected_hash: str | None = None) -> dict[bytes, int]:
        lines = (folder / "vocab" / url.rpartition("/")[2]).read_bytes().splitlines()
        return {base64.b64decode(token): int(rank) for token, rank in map(bytes.split, lines)}

    download, openai_public.load_tiktoken_bpe = openai_public.load_tiktoken_bpe, ranks
    try:
        return tiktoken.Encoding(**openai_public.ENCODING_CONSTRUCTORS[name]())
    finally:
        openai_public.load_tiktoken_bpe = download


def trained_by_tokenizers(texts: list[str], size: int, pattern: str | None) -> tokenizers.Tokenizer:
    """Train as their documentation does, with the byte-level alphabet; no pattern means their own ByteLevel split."""
    peer = tokenizers.Tokenizer(tokenizers.models.BPE())
    level = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=pattern is None)
    split = [] if pattern is None else [tokenizers.pre_tokenizers.Split(tokenizers.Regex(pattern), "isolated")]
    peer.pre_tokenizer = tokenizers.pre_tokenizers.Sequence([*split, level]) if split else level
    peer.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=size, special_tokens=["<|endoftext|>"], initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    peer.train_from_iterator(texts, trainer)
    return peer
