"""Files that hold a tokenizer. Reading checks everything before it believes anything; writing is whole or not at all.

The twin of the core's formats, for the reference: what runs where the native module can't.
"""

import os
from collections.abc import Mapping

from ..reference.encode import Tokenizer
from ..reference.error import MAX_FILE_BYTES, FormatError
from . import huggingface, sentencepiece, tiktoken
from .atomic import write


def load(path: str | os.PathLike[str], pattern: str | None = None, special_tokens: Mapping[str, int] | None = None) -> Tokenizer:
    """Load a tokenizer.json, or a file of ranks (.tiktoken)."""
    name = str(os.fspath(path))
    with open(name, "rb") as file:
        data = file.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise FormatError(name, f"over {MAX_FILE_BYTES} bytes long", f"at most {MAX_FILE_BYTES}")
    if name.endswith(".tiktoken"):
        return tiktoken.read(data, name, pattern, special_tokens)
    if name.endswith(".json"):
        if pattern is not None or special_tokens is not None:
            raise FormatError(name, "a tokenizer.json, which has a pattern and special tokens of its own", "loaded without pattern= and special_tokens=")
        return huggingface.read(data, name)
    if name.endswith(".model"):
        return sentencepiece.read(data, name)
    raise FormatError(name, "a file of unknown kind", "a tokenizer.json (.json) or a file of ranks (.tiktoken)")


def save(tokenizer: Tokenizer, path: str | os.PathLike[str]) -> None:
    """Save as tokenizer.json or as a file of ranks, by the ending of the name."""
    name = str(os.fspath(path))
    if name.endswith(".tiktoken"):
        write(name, tiktoken.text(tokenizer))
    elif name.endswith(".json"):
        write(name, huggingface.text(tokenizer))
    else:
        raise FormatError(name, "a name of unknown kind", "one that ends in .json or .tiktoken")
