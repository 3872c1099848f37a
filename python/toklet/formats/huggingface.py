"""tokenizer.json, the format of the `tokenizers` library: byte-level BPE, with the pattern and the special tokens in the file.

Bytes are written as characters: a visible one stands for itself, the others for the code points from 256 on. What the file asks for and toklet doesn't do
is refused by its name, never left out. Special tokens also stand in the file's vocabulary, as in published files, so that their ids are what the
file says.
"""

import json
import math
from typing import Any

from ..reference.encode import Tokenizer
from ..reference.error import MAX_IDS, FormatError, VocabularyError
from ..reference.split import PATTERNS, named
from ..reference.train import ALPHABET, VISIBLE

CHARACTERS = {byte: chr(byte) if byte in VISIBLE else chr(256 + i - len(VISIBLE)) for i, byte in enumerate(ALPHABET)}
BYTES = {character: byte for byte, character in CHARACTERS.items()}
BYTE_LEVEL: dict[str, Any] = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}


def dumps(value: Any) -> str:
    """Write JSON without spaces."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def finite(number: str) -> float:
    """Read a number, as JSON has them."""
    if not math.isfinite(value := float(number)):
        raise ValueError(number)
    return value


def spell(token: bytes) -> str:
    """Write bytes as characters."""
    return "".join(CHARACTERS[byte] for byte in token)


def text(tokenizer: Tokenizer) -> bytes:
    """Write a tokenizer.json."""
    vocabulary = tokenizer.vocabulary
    vocab = {spell(token): id for token, id in sorted(vocabulary.tokens.items(), key=lambda item: item[1])}
    added = []
    for name, id in sorted(vocabulary.specials.items(), key=lambda item: item[1]):
        if name in vocab:
            raise FormatError(f"the special token {name!r}", "an ordinary token too", "no other token's name: tokenizer.json can't tell them apart")
        vocab[name] = id
        added.append({"id": id, "content": name, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True})
    if tokenizer.pattern == PATTERNS["gpt2"]:
        pre_tokenizer = BYTE_LEVEL
    else:
        split = {"type": "Split", "pattern": {"Regex": tokenizer.pattern}, "behavior": "Isolated", "invert": False}
        pre_tokenizer = {"type": "Sequence", "pretokenizers": [split, {**BYTE_LEVEL, "use_regex": False}]}
    model: dict[str, Any] = {
        "type": "BPE",
        "dropout": None,
        "unk_token": None,
        "continuing_subword_prefix": None,
        "end_of_word_suffix": None,
        "fuse_unk": False,
    }
    model |= {"byte_fallback": False, "ignore_merges": vocabulary.whole, "vocab": vocab}
    model["merges"] = [[spell(left), spell(right)] for left, right in tokenizer.merges()]
    file: dict[str, Any] = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": added, "normalizer": None, "pre_tokenizer": pre_tokenizer}
    file |= {"post_processor": None, "decoder": {**BYTE_LEVEL, "add_prefix_space": True}, "model": model}
    return dumps(file).encode()


SUPPORTED: dict[str, tuple[Any, ...]] = {  # what a field may say, at most; anything else asks for what toklet doesn't do
    "normalizer": (None,),
    "truncation": (None,),
    "padding": (None,),
    "post_processor.type": (None, "ByteLevel"),
    "decoder.type": (None, "ByteLevel"),
    "model.type": (None, "BPE"),
    "model.dropout": (None,),
    "model.unk_token": (None,),
    "model.continuing_subword_prefix": (None, ""),
    "model.end_of_word_suffix": (None, ""),
    "model.byte_fallback": (None, False),
    "model.ignore_merges": (None, False, True),
}


class Reader:
    """Reads one tokenizer.json; every refusal names the file and the field."""

    def __init__(self, data: bytes, name: str) -> None:
        self.name = name
        try:
            self.file = json.loads(data.decode(), object_pairs_hook=self.unique, parse_constant=finite, parse_float=finite)
            dumps(self.file).encode()  # fails for a lone surrogate
        except FormatError:
            raise
        except (RecursionError, ValueError):
            raise FormatError(name, "not JSON", "a tokenizer.json") from None

    def unique(self, items: list[tuple[str, Any]]) -> dict[str, Any]:
        """Refuse a JSON object that says something twice."""
        found: dict[str, Any] = {}
        for key, value in items:
            if key in found:
                raise FormatError(self.name, f"saying {key!r} twice", "an object whose keys are all different")
            found[key] = value
        return found

    def get(self, path: str, inside: Any = None) -> Any:
        """Look up a field; None where it is missing."""
        found = self.file if inside is None else inside
        for key in path.split("."):
            found = found.get(key) if isinstance(found, dict) else None
        return found

    def need(self, field: str, found: Any, fits: bool, allowed: str) -> Any:
        """Refuse what doesn't fit."""
        if not fits:
            raise FormatError(f"{field} of {self.name}", dumps(found)[:80], allowed)
        return found

    def one_of(self, field: str, found: Any, allowed: tuple[Any, ...]) -> Any:
        """Refuse a value that isn't among those allowed (True is not 1)."""
        fits = any(type(found) is type(value) and found == value for value in allowed)
        return self.need(field, found, fits, " or ".join(map(dumps, allowed)))

    def typed(self, field: str, found: Any, kind: type, called: str) -> Any:
        """Refuse a value of another type."""
        return self.need(field, found, type(found) is kind, called)

    def id(self, token: str, found: Any) -> int:
        """Read an id."""
        id = int(self.typed(f"the id of {token!r}", found, int, "an integer"))
        if not 0 <= id < MAX_IDS:
            raise VocabularyError(f"the id of {token!r}", str(id), f"from 0 to {MAX_IDS - 1}")
        return id

    def pattern(self) -> str:
        """Read how the file cuts text."""
        sequence = self.get("pre_tokenizer.type") == "Sequence"
        steps = self.get("pre_tokenizer.pretokenizers") if sequence else [self.get("pre_tokenizer")]
        kinds = [self.get("type", step or {}) for step in self.typed("pre_tokenizer.pretokenizers", steps, list, "a list")]
        self.one_of("the pre-tokenizers", kinds, (["ByteLevel"], ["Split", "ByteLevel"]))
        self.one_of("add_prefix_space", steps[-1].get("add_prefix_space"), (False,))
        self.one_of("use_regex", steps[-1].get("use_regex", True), (len(steps) == 1,))
        if len(steps) == 1:
            return "gpt2"
        self.one_of("behavior", steps[0].get("behavior"), ("Isolated",))
        self.one_of("invert", steps[0].get("invert", False), (False,))
        return str(self.typed("pattern.Regex", self.get("pattern.Regex", steps[0]), str, "a regular expression"))

    def specials(self) -> dict[str, int]:
        """Read the added tokens."""
        specials: dict[str, int] = {}
        added = self.get("added_tokens")
        for token in self.typed("added_tokens", [] if added is None else added, list, "a list"):
            content = self.typed("the content of an added token", self.get("content", {} if token is None else token), str, "a text")
            self.one_of(f"special of {content!r}", token.get("special"), (True,))
            for flag in ("single_word", "lstrip", "rstrip"):
                self.one_of(f"{flag} of {content!r}", token.get(flag, False), (False,))
            self.need("an added token", content, content not in specials, "one that isn't added twice")
            specials[content] = self.id(content, token.get("id"))
        return specials

    def tokenizer(self) -> Tokenizer:
        """Read the whole file."""
        self.typed("the whole", self.file, dict, "an object")
        for field, allowed in SUPPORTED.items():
            top = self.get(field.split(".")[0])  # refused in the field's place if it isn't an object
            self.one_of(field, self.get(field) if top is None or isinstance(top, dict) else top, allowed)
        specials, tokens, merges = self.specials(), {}, []
        for spelled, id in self.typed("model.vocab", self.get("model.vocab"), dict, "an object").items():
            if specials.get(spelled) != self.id(spelled, id):
                tokens[self.bytes(spelled)] = id
        for i, merge in enumerate(self.typed("model.merges", self.get("model.merges"), list, "a list")):
            pair = merge.split(" ") if isinstance(merge, str) else merge
            two = isinstance(pair, list) and len(pair) == 2 and all(isinstance(part, str) for part in pair)
            left, right = self.need(f"merge {i}", merge, two, "two tokens") and pair
            merges.append((self.bytes(left), self.bytes(right)))
        return Tokenizer(tokens, merges, specials, named(self.pattern()), bool(self.get("model.ignore_merges")))

    def bytes(self, spelled: str) -> bytes:
        """Read characters as bytes."""
        if not set(spelled) <= BYTES.keys():
            raise FormatError(f"the token {spelled!r} of {self.name}", "not byte-level", "written in the 256 characters that stand for bytes")
        return bytes(BYTES[character] for character in spelled)


def read(data: bytes, name: str) -> Tokenizer:
    """Read a tokenizer.json."""
    return Reader(data, name).tokenizer()
