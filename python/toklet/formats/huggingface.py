"""tokenizer.json, the format of the `tokenizers` library: BPE over bytes or over characters, with all that stands around it in the file.

Where tokens are spelled in bytes, these are written as characters: a visible one stands for itself, the others for the code points from 256 on. What the file
asks for and toklet doesn't do is refused by its name, never left out. Special tokens also stand in the file's vocabulary, as in published
files, so that their ids are what the file says.
"""

import re
from typing import Any

from ..reference.encode import Tokenizer
from ..reference.error import FormatError
from ..reference.fields import Fields, dumps
from ..reference.pipeline import SPACE_MARK, Pipeline
from ..reference.split import PATTERNS, steps_of
from ..reference.train import ALPHABET, VISIBLE
from ..reference.vocab import NEVER, Vocabulary

CHARACTERS = {byte: chr(byte) if byte in VISIBLE else chr(256 + i - len(VISIBLE)) for i, byte in enumerate(ALPHABET)}
BYTES = {character: byte for byte, character in CHARACTERS.items()}
BYTE_LEVEL: dict[str, Any] = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
BYTE_TOKEN = re.compile(r"<0x([0-9A-F]{2})>")
AROUND = ("added_tokens", "normalizer", "pre_tokenizer", "post_processor", "decoder")
SPACED_DECODER: list[dict[str, Any]] = [
    {"type": "Replace", "pattern": {"String": SPACE_MARK}, "content": " "},
    {"type": "ByteFallback"},
    {"type": "Fuse"},
]
STRIP: dict[str, Any] = {"type": "Strip", "content": " ", "start": 1, "stop": 0}


def spell(token: bytes) -> str:
    """Write bytes as characters."""
    return "".join(CHARACTERS[byte] for byte in token)


def added_token(name: str, id: int) -> dict[str, Any]:
    """Write a special token."""
    return {"id": id, "content": name, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}


def text(tokenizer: Tokenizer) -> bytes:
    """Write a tokenizer.json."""
    vocabulary, pipeline = tokenizer.vocabulary, tokenizer.pipeline
    written = pipeline.spell if pipeline and not pipeline.byte_level else spell
    vocab = {written(token): id for token, id in vocabulary.tokens.items()}
    vocab |= {f"<0x{byte:02X}>": id for byte, id in enumerate(vocabulary.kind.bytes)}
    for name, id in needed(tokenizer, len(vocab)).items():
        if name in vocab:
            raise FormatError(f"the special token {name!r}", "an ordinary token too", "no other token's name: tokenizer.json can't tell them apart")
        vocab[name] = id
    vocab = dict(sorted(vocab.items(), key=lambda item: item[1]))
    said = around(tokenizer)
    model: dict[str, Any] = {
        "type": "BPE",
        "dropout": None,
        "unk_token": said["model"].get("unk_token"),
        "continuing_subword_prefix": None,
        "end_of_word_suffix": None,
        "fuse_unk": bool(said["model"].get("fuse_unk")),
    }
    model |= {"byte_fallback": bool(vocabulary.kind.bytes), "ignore_merges": vocabulary.whole, "vocab": vocab}
    parts = tokenizer.merges() if vocabulary.kind.ranks is None else all_cuts(vocabulary)
    model["merges"] = [[written(left), written(right)] for left, right in parts]
    file: dict[str, Any] = {"version": "1.0", "truncation": None, "padding": None} | {field: said.get(field) for field in AROUND}
    return dumps(file | {"model": model}).encode()


def all_cuts(vocabulary: Vocabulary) -> list[tuple[bytes, bytes]]:
    """Give every way to make a token of two, by rank: where scores decide, each of them is a merge."""
    ids = vocabulary.tokens
    cuts = [(token[:cut], token[cut:]) for token in ids for cut in range(1, len(token)) if token[:cut] in ids and token[cut:] in ids]
    return sorted(cuts, key=lambda cut: (vocabulary.rank(cut[0] + cut[1]), ids[cut[0] + cut[1]], ids[cut[0]], ids[cut[1]]))


def needed(tokenizer: Tokenizer, size: int) -> dict[str, int]:
    """Give the added tokens that have to stand in the vocabulary for their ids: `tokenizers` numbers those that don't from its end on."""
    vocabulary, pipeline = tokenizer.vocabulary, tokenizer.pipeline
    if pipeline is None:
        return vocabulary.specials
    others = dict(sorted((vocabulary.specials | dict(vocabulary.kind.added)).items(), key=lambda item: item[1]))
    last = max((*vocabulary.tokens.values(), *vocabulary.kind.bytes))
    inside = {name: id for name, id in others.items() if id < last}
    behind = [id for id in others.values() if id > last]
    first = size + len(inside)
    return inside if behind == list(range(first, first + len(behind))) else others


def around(tokenizer: Tokenizer) -> dict[str, Any]:
    """Give what stands around the vocabulary and the merges."""
    if tokenizer.pipeline:
        return in_their_words(tokenizer.pipeline.said)
    added = [added_token(name, id) for name, id in sorted(tokenizer.vocabulary.specials.items(), key=lambda item: item[1])]
    if tokenizer.pattern == PATTERNS["gpt2"]:
        pre_tokenizer = BYTE_LEVEL
    elif not tokenizer.pattern:
        pre_tokenizer = {**BYTE_LEVEL, "use_regex": False}  # an empty regular expression would cut everywhere
    else:
        steps = [{"type": "Split", "pattern": {"Regex": regex}, "behavior": "Isolated", "invert": False} for regex in steps_of(tokenizer.pattern)]
        pre_tokenizer = {"type": "Sequence", "pretokenizers": [*steps, {**BYTE_LEVEL, "use_regex": False}]}
    return {"added_tokens": added, "pre_tokenizer": pre_tokenizer, "decoder": {**BYTE_LEVEL, "add_prefix_space": True}, "model": {}}


def in_their_words(said: dict[str, Any]) -> dict[str, Any]:
    """Give what a pipeline says in words that `tokenizers` knows: sentencepiece's normalizer, where it does no more than put spaces, is two of theirs."""
    steps = said["normalizer"]
    if Fields.get(steps, "type") != "SentencePiece":
        return said
    if steps["precompiled_charsmap"] or steps["squeeze"] or (steps["kept"] and steps["prefix"]):
        raise FormatError(
            "the normalizer", "sentencepiece's", "one that tokenizer.json can say: without a map of characters, squeezed spaces or user-defined symbols"
        )
    prefix = [{"type": "Prepend", "prepend": SPACE_MARK}] if steps["prefix"] else []
    spaces = {"type": "Replace", "pattern": {"String": " "}, "content": SPACE_MARK}
    return said | {"normalizer": {"type": "Sequence", "normalizers": [*prefix, spaces]}}


SUPPORTED: dict[str, tuple[Any, ...]] = {  # what a field may say, at most; anything else asks for what toklet doesn't do
    "truncation": (None,),
    "padding": (None,),
    "model.type": (None, "BPE"),
    "model.dropout": (None,),
    "model.continuing_subword_prefix": (None, ""),
    "model.end_of_word_suffix": (None, ""),
    "model.fuse_unk": (None, False, True),
    "model.byte_fallback": (None, False, True),
    "model.ignore_merges": (None, False, True),
}


class Reader:
    """Reads one tokenizer.json; every refusal names the file and the field."""

    def __init__(self, fields: Fields, file: Any) -> None:
        self.fields = fields
        self.file = fields.typed("the whole", file, dict, "an object")
        for field, allowed in SUPPORTED.items():
            top = fields.get(self.file, field.split(".")[0])  # refused in the field's place if it isn't an object
            fields.one_of(field, fields.get(self.file, field) if top is None or isinstance(top, dict) else top, *allowed)
        fallback, whole = (bool(fields.get(self.file, f"model.{flag}")) for flag in ("byte_fallback", "ignore_merges"))
        fields.need("model.ignore_merges", whole, not (whole and fallback), "false with byte_fallback: text could spell the tokens of bytes")
        unknown = fields.get(self.file, "model.unk_token")
        self.said: dict[str, Any] = {field: self.file.get(field) for field in AROUND}
        self.said["model"] = {
            "unk_token": None if unknown is None else fields.text("model.unk_token", unknown),
            "fuse_unk": bool(fields.get(self.file, "model.fuse_unk")),
        }
        for part in fields.steps("normalizer", self.said["normalizer"], "normalizers"):
            fields.need("normalizer.type", part.get("type"), part.get("type") != "SentencePiece", "a normalizer of the format")
        self.pipeline = Pipeline(self.said, fields)
        self.ids = {token.content: token.id for token in self.pipeline.added}
        self.specials = {token.content: token.id for token in self.pipeline.added if token.special}
        self.bytes: dict[int, int] = {}
        self.fallback = fallback

    def tokenizer(self) -> Tokenizer:
        """Read the whole file."""
        tokens, merges = {}, []
        for spelled, number in self.fields.typed("model.vocab", self.fields.get(self.file, "model.vocab"), dict, "an object").items():
            id = self.fields.id(spelled, number)
            byte = BYTE_TOKEN.fullmatch(spelled) if self.fallback else None
            if byte:
                self.bytes[int(byte[1], 16)] = id
            elif self.specials.get(spelled) != id and not self.only_added(spelled, id):
                tokens[self.read(spelled)] = id
        for i, merge in enumerate(self.fields.typed("model.merges", self.fields.get(self.file, "model.merges"), list, "a list")):
            pair = merge.split(" ") if isinstance(merge, str) else merge
            two = isinstance(pair, list) and len(pair) == 2 and all(isinstance(part, str) for part in pair)
            left, right = self.fields.need(f"merge {i}", merge, two, "two tokens") and pair
            merges.append((self.read(left), self.read(right)))
        if self.fallback:
            missing = next((byte for byte in range(256) if byte not in self.bytes), None)
            self.fields.need("byte_fallback", missing, missing is None, "false where the token of a byte is missing")
            self.said["model"]["bytes"] = [self.bytes[byte] for byte in range(256)]
        whole = bool(self.fields.get(self.file, "model.ignore_merges"))
        plain = self.pipeline.plain and self.said["model"]["unk_token"] is None and all(bytes([byte]) in tokens for byte in NEVER)
        return Tokenizer(tokens, merges, self.specials, self.pipeline.pattern if plain else "", whole, None if plain else dumps(self.said))

    def only_added(self, spelled: str, id: int) -> bool:
        """Whether an entry of the vocabulary is there for an added token alone."""
        return self.pipeline.byte_level and self.ids.get(spelled) == id and not set(spelled) <= BYTES.keys()

    def read(self, spelled: str) -> bytes:
        """Read a token."""
        if not self.pipeline.byte_level:
            return self.pipeline.read(spelled)
        if not set(spelled) <= BYTES.keys():
            raise FormatError(f"the token {spelled!r} of {self.fields.name}", "not byte-level", "written in the 256 characters that stand for bytes")
        return bytes(BYTES[character] for character in spelled)


def of_file(fields: Fields, file: Any) -> Tokenizer:
    """Read what the JSON of a tokenizer.json says."""
    return Reader(fields, file).tokenizer()
