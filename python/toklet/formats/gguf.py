"""The tokenizer inside a GGUF file, from the metadata at its start: the tensors are never read.

`tokenizer.ggml.model` says which kind it is: `gpt2` is byte-level BPE, with tokens and merges as in a tokenizer.json and the pattern by a name; `llama` is
sentencepiece's, with scores. Both are read as those files are.
"""

import struct
from typing import Any

from ..reference.encode import Tokenizer
from ..reference.error import FormatError
from ..reference.fields import Fields
from ..reference.split import PATTERNS
from . import huggingface, sentencepiece
from .huggingface import BYTE_LEVEL, added_token

HEAD_BYTES = 2**26  # metadata is a few megabytes; what is longer is refused before it is read
PRE = {  # the patterns that `tokenizer.ggml.pre` names, and whether a pretoken that is a token is taken whole; that of Llama 3 cuts as cl100k's does
    **dict.fromkeys(("gpt-2", "phi-2", "mpt", "olmo"), (PATTERNS["gpt2"], False)),
    **dict.fromkeys(("llama-bpe", "dbrx", "smaug-bpe"), (PATTERNS["cl100k"], True)),
    "qwen2": (PATTERNS["qwen2"], False),
    "qwen35": (PATTERNS["qwen3.5"], False),
    "gpt-4o": (PATTERNS["o200k"], True),
    "tekken": (PATTERNS["tekken"], True),
    "deepseek-v3": (PATTERNS["deepseek_v3"], False),
}
WIDTHS = {0: 1, 1: 1, 7: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 10: 8, 11: 8, 12: 8}


class Head:
    """Reads the start of a file."""

    def __init__(self, data: bytes, name: str) -> None:
        self.data, self.at, self.name = data, 0, name

    def refused(self, found: str) -> FormatError:
        """Make the error of a file that is none."""
        return FormatError(self.name, found, "a GGUF file of version 2 or 3 whose metadata is whole")

    def take(self, length: int) -> bytes:
        """Take some bytes."""
        if length > len(self.data) - self.at:
            raise self.refused("cut off")
        self.at += length
        return self.data[self.at - length : self.at]

    def number(self, width: int) -> int:
        """Read a number."""
        return int.from_bytes(self.take(width), "little")

    def text(self) -> bytes:
        """Read a text."""
        return self.take(self.number(8))

    def width(self, kind: int) -> int:
        """Give how many bytes a number of a type has."""
        if kind not in WIDTHS:
            raise self.refused(f"a value of type {kind}")
        return WIDTHS[kind]

    def value(self) -> Any:
        """Read a value that a tokenizer may need; None for any other."""
        kind = self.number(4)
        if kind == 8:
            return self.text()
        if kind == 9:
            return self.array()
        number = self.number(self.width(kind))
        return None if kind in (6, 12) else number

    def array(self) -> list[Any] | None:
        """Read an array."""
        kind, length = self.number(4), self.number(8)
        if kind == 8:
            texts = []
            for _ in range(length):
                texts.append(self.text())
            return texts
        width = self.width(kind)
        data = self.take(width * length)
        return list(struct.unpack(f"<{length}I", data)) if width == 4 else None


class Keys:
    """The keys of a tokenizer, without what all of them begin with."""

    def __init__(self, values: dict[str, Any], name: str) -> None:
        self.values, self.fields = values, Fields(name)

    def refused(self, key: str, found: str, allowed: str) -> FormatError:
        """Make the error that names a key."""
        return FormatError(f"tokenizer.ggml.{key} of {self.fields.name}", found, allowed)

    def utf8(self, key: str, text: bytes) -> str:
        """Read a text."""
        try:
            return text.decode()
        except UnicodeDecodeError:
            raise self.refused(key, repr(text), "UTF-8") from None

    def text(self, key: str) -> str:
        """Give a text."""
        if not isinstance(self.values.get(key), bytes):
            raise self.refused(key, "missing", "a text")
        return self.utf8(key, self.values[key])

    def texts(self, key: str) -> list[str]:
        """Give a list of texts."""
        found = self.values.get(key)
        if not isinstance(found, list) or not all(isinstance(text, bytes) for text in found):
            raise self.refused(key, "missing", "a list of texts")
        return [self.utf8(key, text) for text in found]

    def numbers(self, key: str, length: int) -> list[int]:
        """Give a list of numbers."""
        found = self.values.get(key)
        if not isinstance(found, list) or len(found) != length or not all(isinstance(number, int) for number in found):
            raise self.refused(key, "missing or of another length", f"a list of {length} numbers")
        return found

    def number(self, key: str, default: int | None = None) -> int | None:
        """Give a number."""
        found = self.values.get(key)
        return found if isinstance(found, int) else default

    def gpt2(self) -> Tokenizer:
        """Byte-level BPE, as a tokenizer.json would say it."""
        tokens, pre = self.texts("tokens"), ""
        kinds = self.numbers("token_type", len(tokens))
        pre = self.text("pre")
        if pre not in PRE:
            raise self.refused("pre", repr(pre), f"one of {', '.join(PRE)}")
        pattern, whole = PRE[pre]
        vocab: dict[str, int] = {}
        added = []
        for id, (token, kind) in enumerate(zip(tokens, kinds, strict=True)):
            if kind in (2, 3, 4):
                added.append(added_token(token, id) | {"special": kind != 4})
            elif kind == 1:
                if token in vocab:
                    raise self.refused("tokens", f"{token!r} twice", "texts that are all different")
                vocab[token] = id
        split = {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}
        pre_tokenizer = {"type": "Sequence", "pretokenizers": [split, BYTE_LEVEL | {"use_regex": False}]}
        model = {"type": "BPE", "ignore_merges": whole, "vocab": vocab, "merges": self.texts("merges")}
        file = {"added_tokens": added, "pre_tokenizer": pre_tokenizer, "post_processor": self.template(tokens), "model": model}
        return huggingface.of_file(self.fields, file)

    def template(self, tokens: list[str]) -> dict[str, Any] | None:
        """Give the template of a file that asks for a token at the start or at the end."""

        def token(flag: str, key: str) -> list[int]:
            id = self.number(key)
            return [id] if id is not None and id < len(tokens) and self.number(flag) == 1 else []

        def text(name: str) -> list[dict[str, Any]]:
            return [*map(piece, first), {"Sequence": {"id": name, "type_id": 0}}, *map(piece, last)]

        def piece(id: int) -> dict[str, Any]:
            return {"SpecialToken": {"id": tokens[id], "type_id": 0}}

        first, last = token("add_bos_token", "bos_token_id"), token("add_eos_token", "eos_token_id")
        ids = {tokens[id]: {"id": tokens[id], "ids": [id], "tokens": [tokens[id]]} for id in (*first, *last)}
        return {"type": "TemplateProcessing", "single": text("A"), "pair": text("A") + text("B"), "special_tokens": ids} if ids else None

    def llama(self) -> Tokenizer:
        """BPE as sentencepiece has it."""
        tokens = self.texts("tokens")
        kinds, scores = self.numbers("token_type", len(tokens)), self.numbers("scores", len(tokens))
        floats = struct.unpack(f"<{len(scores)}f", struct.pack(f"<{len(scores)}I", *scores))
        prefix, squeeze = self.number("add_space_prefix", 1) != 0, self.number("remove_extra_whitespaces", 0) != 0
        pieces = list(zip(tokens, floats, kinds, strict=True))
        return sentencepiece.of_pieces(pieces, self.fields.name, prefix, squeeze, self.template(tokens))


def read(data: bytes, name: str) -> Tokenizer:
    """Read the tokenizer of a GGUF file, of which the start is given."""
    head = Head(data, name)
    if data[:4] != b"GGUF" or head.take(4) != b"GGUF" or head.number(4) not in (2, 3):
        raise head.refused("another file")
    head.number(8)
    values = {}
    for _ in range(head.number(8)):
        key = head.text().decode("utf-8", "replace")
        value = head.value()
        if key.startswith("tokenizer.ggml."):
            values[key.removeprefix("tokenizer.ggml.")] = value
    keys = Keys(values, name)
    kind = keys.text("model")
    if kind not in ("gpt2", "llama"):
        raise keys.refused("model", repr(kind), "'gpt2' or 'llama'")
    return keys.gpt2() if kind == "gpt2" else keys.llama()
