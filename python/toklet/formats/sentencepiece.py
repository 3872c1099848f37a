"""A sentencepiece model (`.model`): BPE over characters, whose merges are ordered by the scores of what they make.

Two neighbours are joined where the model has a piece for both together, the piece with the highest score first, the leftmost of equal ones. Bytes are the last
resort for characters that are no piece. Control symbols and the unknown piece are special tokens; user-defined symbols are found before anything is merged.
"""

import base64
import struct
from dataclasses import dataclass, field
from typing import Any

from ..reference.encode import Tokenizer
from ..reference.error import FormatError
from ..reference.fields import dumps
from ..reference.pipeline import SWAPPED
from .huggingface import BYTE_TOKEN, SPACED_DECODER, STRIP, added_token
from .protobuf import Value, fields

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = range(1, 7)
MODEL_TYPES = {1: "unigram", 2: "BPE", 3: "word", 4: "char"}


@dataclass
class Model:
    """What a file says: the pieces (text, score, type) and the settings that matter."""

    name: str
    pieces: list[tuple[str, float, int]] = field(default_factory=list)
    trainer: dict[int, Value] = field(default_factory=dict)
    normalizer: dict[int, Value] = field(default_factory=dict)
    denormalizer: dict[int, Value] = field(default_factory=dict)

    def refuse(self, place: str, found: str, allowed: str) -> FormatError:
        """Make the error that names a place in the file."""
        return FormatError(f"{place} of {self.name}", found, allowed)

    def message(self, value: Value) -> list[tuple[int, Value]]:
        """Read a message inside the file."""
        return list(fields(value, self.name)) if isinstance(value, bytes) else []

    def piece(self, value: Value) -> None:
        """Read one piece."""
        said = dict(self.message(value))
        text, score, kind = said.get(1, b""), said.get(2, bytes(4)), said.get(3, NORMAL)
        place = f"piece {len(self.pieces)}"
        if not isinstance(text, bytes) or not isinstance(score, bytes) or len(score) != 4 or not isinstance(kind, int):
            raise self.refuse(place, "of other fields", "a text, a score and a type")
        try:
            spelled = text.decode()
        except UnicodeDecodeError:
            raise self.refuse(place, repr(text), "UTF-8") from None
        self.pieces.append((spelled, struct.unpack("<f", score)[0], kind))


def parsed(data: bytes, name: str) -> Model:
    """Read the message."""
    model = Model(name)
    for number, value in fields(data, name):
        if number == 1:
            model.piece(value)
        elif number in (2, 3, 5):
            {2: model.trainer, 3: model.normalizer, 5: model.denormalizer}[number].update(model.message(value))
    return model


def checked(model: Model) -> None:
    """Refuse what toklet doesn't do."""
    kind = MODEL_TYPES.get(int(model.trainer.get(3, 1)), "another")
    if kind != "BPE":
        raise model.refuse("model_type", kind, "BPE")
    if model.trainer.get(24, 0):
        raise model.refuse("treat_whitespace_as_suffix", "true", "false")
    if not model.normalizer.get(5, 1):
        raise model.refuse("escape_whitespaces", "false", "true")
    if model.denormalizer.get(2, b""):
        raise model.refuse("denormalizer_spec", "a map of characters", "empty")
    for id, (piece, score, kind_of) in enumerate(model.pieces):
        if kind_of not in (NORMAL, UNKNOWN, CONTROL, USER_DEFINED, BYTE):
            raise model.refuse(f"the type of piece {id}", "unused" if kind_of == UNUSED else str(kind_of), "normal, unknown, control, user-defined or byte")
        if score != score:
            raise model.refuse(f"the score of piece {id}", "nan", "a number")
        if kind_of == BYTE and not BYTE_TOKEN.fullmatch(piece):
            raise model.refuse(f"the byte piece {id}", repr(piece), "like '<0x0A>'")


def read(data: bytes, name: str) -> Tokenizer:
    """Read a sentencepiece model."""
    return tokenizer(parsed(data, name))


def of_pieces(pieces: list[tuple[str, float, int]], name: str, prefix: bool, squeeze: bool, post_processor: Any) -> Tokenizer:
    """Make a tokenizer of pieces that another format has."""
    return tokenizer(Model(name, pieces, {3: 2}, {3: int(prefix), 4: int(squeeze)}), post_processor)


def tokenizer(model: Model, post_processor: Any = None) -> Tokenizer:
    """Make the tokenizer of a model."""
    checked(model)
    of = {kind: {piece: id for id, (piece, _, is_of) in enumerate(model.pieces) if is_of == kind} for kind in range(1, 7)}
    if sum(map(len, of.values())) < len(model.pieces):
        raise model.refuse("the pieces", "one text twice", "texts that are all different")
    if len(of[UNKNOWN]) != 1:
        raise model.refuse("the unknown pieces", str(list(of[UNKNOWN])), "one")
    for piece in of[NORMAL]:
        for c in piece:
            if c not in of[NORMAL]:
                raise model.refuse(f"the character {c!r} of the piece {piece!r}", "no piece", "a piece too")
    bytes_of = {int(match[1], 16): id for piece, id in of[BYTE].items() if (match := BYTE_TOKEN.fullmatch(piece))}
    if bytes_of and len(bytes_of) < 256:
        raise model.refuse("the byte pieces", str(len(bytes_of)), "256, or none")
    scores = sorted({model.pieces[id][1] for id in of[NORMAL].values()}, reverse=True)
    rank_of = {score: rank for rank, score in enumerate(scores)}
    prefix = bool(model.normalizer.get(3, 1))
    charsmap = model.normalizer.get(2, b"")
    specials = of[UNKNOWN] | of[CONTROL]
    added = [added_token(piece, id) for piece, id in specials.items()]
    added += [added_token(piece.translate(SWAPPED), id) | {"special": False, "normalized": True} for piece, id in of[USER_DEFINED].items()]
    said: dict[str, Any] = {
        "added_tokens": sorted(added, key=lambda token: int(token["id"])),
        "normalizer": {
            "type": "SentencePiece",
            "precompiled_charsmap": base64.b64encode(charsmap if isinstance(charsmap, bytes) else b"").decode(),
            "squeeze": bool(model.normalizer.get(4, 1)),
            "prefix": prefix,
            "kept": list(of[USER_DEFINED]),
        },
        "pre_tokenizer": None,
        "post_processor": post_processor,
        "decoder": {"type": "Sequence", "decoders": [*SPACED_DECODER, *([STRIP] if prefix else [])]},
        "model": {
            "unk_token": next(iter(of[UNKNOWN])),
            "fuse_unk": True,
            "bytes": [bytes_of[byte] for byte in range(256)] if bytes_of else [],
            "ranks": [rank_of[model.pieces[id][1]] for id in of[NORMAL].values()],
        },
    }
    tokens = {piece.translate(SWAPPED).encode(): id for piece, id in of[NORMAL].items()}
    return Tokenizer(tokens, None, specials, "", False, dumps(said))
