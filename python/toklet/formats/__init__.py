"""Files that hold a tokenizer. Reading checks everything before it believes anything; writing is whole or not at all.

The twin of the core's formats, for the reference: what runs where the native module can't.
"""

import os
from collections.abc import Mapping

from ..reference.atomic import write
from ..reference.encode import Tokenizer
from ..reference.error import MAX_FILE_BYTES, FormatError
from ..reference.fields import Fields
from . import gguf, huggingface, sentencepiece, tekken, tiktoken

KINDS = {".json": "a tokenizer.json", ".model": "a sentencepiece model", ".gguf": "a GGUF file"}


def load(path: str | os.PathLike[str], pattern: str | None = None, special_tokens: Mapping[str, int] | None = None) -> Tokenizer:
    """Load a tokenizer.json, a tekken.json, a sentencepiece model, the tokenizer of a GGUF file, or a file of ranks."""
    name = str(os.fspath(path))
    with open(name, "rb") as file:
        data = file.read(gguf.HEAD_BYTES if name.endswith(".gguf") else MAX_FILE_BYTES + 1)
    return read(data, name, pattern, special_tokens)


def read(data: bytes, name: str, pattern: str | None = None, special_tokens: Mapping[str, int] | None = None) -> Tokenizer:
    """Read the bytes of a file, whose kind its name says."""
    if len(data) > MAX_FILE_BYTES:
        raise FormatError(name, f"over {MAX_FILE_BYTES} bytes long", f"at most {MAX_FILE_BYTES}")
    if name.endswith(".tiktoken"):
        return tiktoken.read(data, name, pattern, special_tokens)
    kind = next((end for end in KINDS if name.endswith(end)), None)
    if kind is None:
        raise FormatError(name, "a file of unknown kind", "a tokenizer.json or tekken.json (.json), a .model, a .gguf, or a file of ranks (.tiktoken)")
    if pattern is not None or special_tokens is not None:
        raise FormatError(name, f"{KINDS[kind]}, which has a pattern and special tokens of its own", "loaded without pattern= and special_tokens=")
    if kind == ".model":
        return sentencepiece.read(data, name)
    if kind == ".gguf":
        return gguf.read(data, name)
    fields = Fields(name)
    file = fields.loads(data, "a tokenizer.json")
    return tekken.read(fields, file) if tekken.is_one(file) else huggingface.of_file(fields, file)


def save(tokenizer: Tokenizer, path: str | os.PathLike[str]) -> None:
    """Save as tokenizer.json or as a file of ranks, by the ending of the name."""
    name = str(os.fspath(path))
    write(name, text(tokenizer, name))


def text(tokenizer: Tokenizer, name: str) -> bytes:
    """Give what is saved, by the ending of the name."""
    if name.endswith(".tiktoken"):
        return tiktoken.text(tokenizer)
    if name.endswith(".json"):
        return huggingface.text(tokenizer)
    raise FormatError(name, "a name of unknown kind", "one that ends in .json or .tiktoken")
