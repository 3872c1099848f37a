"""tekken.json, the format of Mistral's newer models: ranks and a pattern, as tiktoken has them, behind the special tokens, which have the first ids.

Of the ranks in the file only so many count that the vocabulary has its default size. Older files don't name their special tokens; all that aren't named are
called `<SPECIAL_n>`.
"""

import base64
import binascii
from typing import Any

from ..reference.encode import Tokenizer
from ..reference.error import MAX_IDS, FormatError
from ..reference.fields import Fields

OLDER = (  # the first special tokens of a file that names none
    *("<unk>", "<s>", "</s>", "[INST]", "[/INST]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]", "[TOOL_RESULTS]", "[/TOOL_RESULTS]", "[TOOL_CALLS]"),
    *("[IMG]", "<pad>", "[IMG_BREAK]", "[IMG_END]", "[PREFIX]", "[MIDDLE]", "[SUFFIX]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "[TOOL_CONTENT]"),
)


def is_one(file: Any) -> bool:
    """Whether a file is one of these."""
    return isinstance(Fields.get(file, "vocab"), list) and isinstance(Fields.get(file, "config"), dict)


def read(fields: Fields, file: Any) -> Tokenizer:
    """Read one."""

    def number(field: str) -> int:
        found = fields.get(file, field)
        return int(fields.need(field, found, type(found) is int and 0 <= found <= MAX_IDS, f"an integer from 0 to {MAX_IDS}"))

    size, reserved = number("config.default_vocab_size"), number("config.default_num_special_tokens")
    pattern = fields.text("config.pattern", fields.get(file, "config.pattern"))
    tokens: dict[bytes, int] = {}
    for entry in fields.objects("vocab", file["vocab"]):
        rank = fields.id("a token", entry.get("rank"))
        spelled = fields.text("token_bytes", entry.get("token_bytes"))
        try:
            token = base64.b64decode(spelled, validate=True)
            if base64.b64encode(token).decode() != spelled:
                raise ValueError
        except (binascii.Error, ValueError):
            raise FormatError(f"token_bytes of {fields.name}", repr(spelled[:40]), "base64") from None
        if rank < size - reserved:
            if token in tokens:
                raise FormatError(f"the token {rank} of {fields.name}", f"{token!r} again", "a new token")
            tokens[token] = rank + reserved
    return Tokenizer(tokens, None, specials(fields, file.get("special_tokens"), reserved), pattern, whole=True)


def specials(fields: Fields, said: Any, reserved: int) -> dict[str, int]:
    """Give the special tokens: those that are named, then those that aren't."""
    named = {name: id for id, name in enumerate(OLDER)}
    if said is not None:
        named = {}
        for entry in fields.objects("special_tokens", said):
            name = fields.text("token_str", entry.get("token_str"))
            fields.need("token_str", name, name not in named, "a name of its own")
            named[name] = fields.id(name, entry.get("rank"))
    most = max(named.values(), default=-1) + 1
    fields.need("config.default_num_special_tokens", reserved, most <= reserved, f"at least {most}, as many as are named")
    taken = set(named.values())
    named |= {f"<SPECIAL_{id}>": id for id in range(reserved) if id not in taken}
    return dict(sorted(named.items(), key=lambda item: item[1]))
