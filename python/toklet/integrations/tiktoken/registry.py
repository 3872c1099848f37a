"""Encodings by their names, and by the names of models: made when they are first asked for, one for each name."""

import os
import threading

from ...reference.error import ArgumentError, WrongTypeError
from .encoding import Encoding
from .load import published

END, PROMPT = "<|endoftext|>", "<|endofprompt|>"
FIM = ("<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>")
HARMONY = {
    **{"<|startoftext|>": 199_998, END: 199_999, "<|return|>": 200_002, "<|constrain|>": 200_003, "<|channel|>": 200_005, "<|start|>": 200_006},
    **{"<|end|>": 200_007, "<|message|>": 200_008, "<|call|>": 200_012, PROMPT: 200_018},
}
RESERVED = {f"<|reserved_{id}|>": id for id in range(200_000, 201_088) if id not in HARMONY.values()}  # tiktoken gives 200018 this name as well
ENCODINGS: dict[str, tuple[str, str, dict[str, int]]] = {  # name -> file, pattern, special tokens
    "gpt2": ("vocab.bpe", "gpt2", {END: 50_256}),
    "r50k_base": ("r50k_base.tiktoken", "gpt2", {END: 50_256}),
    "p50k_base": ("p50k_base.tiktoken", "gpt2", {END: 50_256}),
    "p50k_edit": ("p50k_base.tiktoken", "gpt2", {END: 50_256, **dict(zip(FIM, range(50_281, 50_284), strict=True))}),
    "cl100k_base": ("cl100k_base.tiktoken", "cl100k", {END: 100_257, **dict(zip(FIM, range(100_258, 100_261), strict=True)), PROMPT: 100_276}),
    "o200k_base": ("o200k_base.tiktoken", "o200k", {END: 199_999, PROMPT: 200_018}),
    "o200k_harmony": ("o200k_base.tiktoken", "o200k", HARMONY | RESERVED),
}
MODELS = {  # encoding -> models
    "o200k_base": ("o1", "o3", "o4-mini", "gpt-5", "gpt-4.1", "gpt-4o"),
    "cl100k_base": (
        *("gpt-4", "gpt-3.5-turbo", "gpt-3.5", "gpt-35-turbo", "davinci-002", "babbage-002"),
        *("text-embedding-ada-002", "text-embedding-3-small", "text-embedding-3-large"),
    ),
    "p50k_base": (
        *("text-davinci-003", "text-davinci-002", "code-davinci-002", "code-davinci-001", "code-cushman-002", "code-cushman-001"),
        *("davinci-codex", "cushman-codex"),
    ),
    "p50k_edit": ("text-davinci-edit-001", "code-davinci-edit-001"),
    "r50k_base": (
        *("text-davinci-001", "text-curie-001", "text-babbage-001", "text-ada-001", "davinci", "curie", "babbage", "ada"),
        *(f"text-similarity-{size}-001" for size in ("davinci", "curie", "babbage", "ada")),
        *(f"text-search-{size}-doc-001" for size in ("davinci", "curie", "babbage", "ada")),
        *(f"code-search-{size}-code-001" for size in ("babbage", "ada")),
    ),
    "gpt2": ("gpt2", "gpt-2"),
}
PREFIXES = {  # how the names of dated and fine-tuned models begin; the first that fits counts
    **dict.fromkeys(("o1-", "o3-", "o4-mini-", "gpt-5", "gpt-4.5-", "gpt-4.1-", "chatgpt-4o-", "gpt-4o-"), "o200k_base"),
    **dict.fromkeys(("gpt-4-", "gpt-3.5-turbo-", "gpt-35-turbo-"), "cl100k_base"),
    "gpt-oss-": "o200k_harmony",
    "ft:gpt-4o": "o200k_base",
    **dict.fromkeys(("ft:gpt-4", "ft:gpt-3.5-turbo", "ft:davinci-002", "ft:babbage-002"), "cl100k_base"),
}
made: dict[str, Encoding] = {}
lock = threading.Lock()


def get_encoding(encoding_name: str, path: str | os.PathLike[str] | None = None) -> Encoding:
    """Give a published encoding.

    Parameters
    ----------
    encoding_name : str
        One of `list_encoding_names()`.
    path : str or PathLike, optional
        Its `.tiktoken` file, or a folder with it. Default: where tiktoken keeps what it has downloaded (`TIKTOKEN_CACHE_DIR`, `DATA_GYM_CACHE_DIR`, or
        `data-gym-cache` in the folder for temporary files), under its name or tiktoken's. Only the first call for a name reads a file.

    Raises
    ------
    ValueError
        If there is no encoding of this name, or the file isn't the published one.
    FileNotFoundError
        If the file isn't there: it is never downloaded.
    """
    if not isinstance(encoding_name, str):
        raise WrongTypeError("encoding_name", f"of type {type(encoding_name).__name__}", "a str")
    if encoding_name not in ENCODINGS:
        raise ArgumentError("encoding_name", repr(encoding_name), f"among {', '.join(ENCODINGS)}")
    with lock:
        if encoding_name not in made:
            file, pattern, specials = ENCODINGS[encoding_name]
            made[encoding_name] = Encoding(encoding_name, pat_str=pattern, mergeable_ranks=published(file, path), special_tokens=specials)
        return made[encoding_name]


def list_encoding_names() -> list[str]:
    """Give the names of the published encodings, whether their files are here or not."""
    return list(ENCODINGS)


def encoding_name_for_model(model_name: str) -> str:
    """Give the name of the encoding that a model uses; `KeyError` if the model isn't known.

    >>> encoding_name_for_model("gpt-4o-2024-05-13"), encoding_name_for_model("gpt-4-32k")
    ('o200k_base', 'cl100k_base')
    """
    for name, models in MODELS.items():
        if model_name in models:
            return name
    for prefix, name in PREFIXES.items():
        if model_name.startswith(prefix):
            return name
    raise KeyError(f"Could not automatically map {model_name} to a tokeniser: name its encoding and call get_encoding, with one of {', '.join(ENCODINGS)}")


def encoding_for_model(model_name: str) -> Encoding:
    """Give the encoding that a model uses; `KeyError` if the model isn't known."""
    return get_encoding(encoding_name_for_model(model_name))
