"""tokenizer.json, the format of the `tokenizers` library: byte-level BPE, with the pattern and the special tokens in the file.

Bytes are written as characters: a visible one stands for itself, the others for the code points from 256 on. What the file asks for and toklet doesn't do
is refused by its name, never left out. Special tokens also stand in the file's vocabulary, as in published files, so that their ids are what the
file says.
"""

import json
from typing import Any

from ..encode import Tokenizer
from ..error import FormatError
from ..split import PATTERNS, named
from ..train import TIES, VISIBLE

CHARACTERS = {byte: chr(byte) if byte in VISIBLE else chr(256 + i - len(VISIBLE)) for i, byte in enumerate(TIES["huggingface"])}
BYTES = {character: byte for byte, character in CHARACTERS.items()}
BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}


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
        pre_tokenizer: dict[str, Any] = BYTE_LEVEL
    else:
        split = {"type": "Split", "pattern": {"Regex": tokenizer.pattern}, "behavior": "Isolated", "invert": False}
        pre_tokenizer = {"type": "Sequence", "pretokenizers": [split, {**BYTE_LEVEL, "use_regex": False}]}
    model = {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None, "end_of_word_suffix": None, "fuse_unk": False}
    model |= {"byte_fallback": False, "ignore_merges": vocabulary.whole, "vocab": vocab}
    model["merges"] = [[spell(left), spell(right)] for left, right in tokenizer.merges()]
    file = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": added, "normalizer": None, "pre_tokenizer": pre_tokenizer}
    file |= {"post_processor": None, "decoder": {**BYTE_LEVEL, "add_prefix_space": True}, "model": model}
    return json.dumps(file, ensure_ascii=False, separators=(",", ":")).encode()


class Reader:
    """Reads one tokenizer.json; every refusal names the file and the field."""

    def __init__(self, data: bytes, name: str) -> None:
        self.name = name
        try:
            self.file = json.loads(data, object_pairs_hook=self.unique)
        except (ValueError, RecursionError) as error:
            if isinstance(error, FormatError):
                raise
            raise FormatError(name, f"not JSON ({type(error).__name__})", "a tokenizer.json") from None
        if not isinstance(self.file, dict):
            raise FormatError(name, f"a JSON {type(self.file).__name__}", "a tokenizer.json")

    def unique(self, items: list[tuple[str, Any]]) -> dict[str, Any]:
        """Refuse a JSON object that says something twice."""
        if len(dict(items)) < len(items):
            keys = [key for key, _ in items]
            raise FormatError(self.name, f"saying {next(key for key in keys if keys.count(key) > 1)!r} twice", "an object whose keys are all different")
        return dict(items)

    def need(self, field: str, found: Any, allowed: tuple[Any, ...]) -> None:
        """Refuse a field that asks for what toklet doesn't do."""
        if not any(found is value or (found == value and type(found) is type(value)) for value in allowed):
            raise FormatError(f"{field} of {self.name}", json.dumps(found)[:80], " or ".join(json.dumps(value) for value in allowed))

    def typed(self, field: str, found: Any, kind: type, called: str) -> Any:
        """Refuse a field of another type."""
        if not isinstance(found, kind) or isinstance(found, bool):
            raise FormatError(f"{field} of {self.name}", json.dumps(found)[:80], called)
        return found

    def pattern(self) -> str:
        """Read how the file cuts text."""
        step = self.typed("pre_tokenizer", self.file.get("pre_tokenizer"), dict, "an object")
        steps = self.typed("pre_tokenizer.pretokenizers", step.get("pretokenizers"), list, "a list") if step.get("type") == "Sequence" else [step]
        kinds = [step.get("type") if isinstance(step, dict) else None for step in steps]
        self.need("the pre-tokenizers", kinds, (["ByteLevel"], ["Split", "ByteLevel"]))
        self.need("add_prefix_space", steps[-1].get("add_prefix_space"), (False,))
        self.need("use_regex", steps[-1].get("use_regex", True), (len(steps) == 1,))
        if len(steps) == 1:
            return "gpt2"
        self.need("behavior", steps[0].get("behavior"), ("Isolated",))
        self.need("invert", steps[0].get("invert", False), (False,))
        regex = steps[0].get("pattern")
        return str(self.typed("pattern", regex.get("Regex") if isinstance(regex, dict) else regex, str, 'a {"Regex": …}'))

    def tokenizer(self) -> Tokenizer:
        """Read the whole file."""
        for field in ("normalizer", "truncation", "padding"):
            self.need(field, self.file.get(field), (None,))
        post = self.file.get("post_processor")
        self.need("post_processor", post.get("type") if isinstance(post, dict) else post, (None, "ByteLevel"))
        model = self.typed("model", self.file.get("model"), dict, "an object")
        self.need("model.type", model.get("type", "BPE"), ("BPE",))
        for field, allowed in (("dropout", (None,)), ("unk_token", (None,)), ("byte_fallback", (None, False))):
            self.need(f"model.{field}", model.get(field), allowed)
        for field in ("continuing_subword_prefix", "end_of_word_suffix"):
            self.need(f"model.{field}", model.get(field), (None, ""))
        specials = {}
        for token in self.typed("added_tokens", self.file.get("added_tokens", []), list, "a list"):
            content = self.typed("an added token", token.get("content") if isinstance(token, dict) else None, str, "an object with its content")
            for flag in ("single_word", "lstrip", "rstrip"):
                self.need(f"{flag} of {content!r}", token.get(flag, False), (False,))
            if content in specials:
                raise FormatError(f"an added token of {self.name}", json.dumps(content), "one that isn't added twice")
            specials[content] = self.typed(f"the id of {content!r}", token.get("id"), int, "an integer")
        tokens = {}
        for spelled, id in self.typed("model.vocab", model.get("vocab"), dict, "an object").items():
            if specials.get(spelled) != id:
                tokens[self.bytes(spelled)] = self.typed(f"the id of {spelled!r}", id, int, "an integer")
        merges = []
        for i, merge in enumerate(self.typed("model.merges", model.get("merges"), list, "a list")):
            pair = merge.split(" ") if isinstance(merge, str) else merge
            if not isinstance(pair, list) or len(pair) != 2 or not all(isinstance(part, str) for part in pair):
                raise FormatError(f"merge {i} of {self.name}", json.dumps(merge)[:80], "two tokens")
            merges.append((self.bytes(pair[0]), self.bytes(pair[1])))
        whole = model.get("ignore_merges", False)
        self.need("model.ignore_merges", whole, (False, True))
        return Tokenizer(tokens, merges, specials, named(self.pattern()), whole)

    def bytes(self, spelled: str) -> bytes:
        """Read characters as bytes."""
        try:
            return bytes(BYTES[character] for character in spelled)
        except KeyError:
            raise FormatError(f"the token {spelled!r} of {self.name}", "not byte-level", "written in the 256 characters that stand for bytes") from None


def read(data: bytes, name: str) -> Tokenizer:
    """Read a tokenizer.json."""
    return Reader(data, name).tokenizer()
