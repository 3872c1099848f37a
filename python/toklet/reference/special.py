"""What of a text is an added token, and what is only text.

Added tokens are found before anything else is done, the longest one at the leftmost place. A special one (`special`) only where the caller allows it: text is
only ever text. Others are ordinary entries of the vocabulary that are looked for first, as `tokenizers` has it, and what text spells does become them.
One that isn't wanted hides what stands inside it. `lstrip` and `rstrip` take white space beside a token along; a `single_word` isn't taken
out of a longer word; a `normalized` one is looked for, normalized itself, in what normalization leaves.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from .error import TextError
from .normalize import Char, joined
from .unicode import SPACE, classes


@dataclass(frozen=True)
class AddedToken:
    """A token that is found as a whole."""

    content: str
    id: int
    special: bool = True
    lstrip: bool = False
    rstrip: bool = False
    single_word: bool = False
    normalized: bool = False


Cut = tuple[AddedToken | None, list[Char]]


CIRCLED = ((0x24B6, 0x24E9), (0x1F130, 0x1F149), (0x1F150, 0x1F169), (0x1F170, 0x1F189))  # symbols that are alphabetic


def in_word(c: str) -> bool:
    r"""Whether a character is one of a word: what regular expressions call `\w`."""
    import unicodedata  # for files that ask for single words alone: letters that are newer than this Python's tables count as none

    kind = unicodedata.category(c)
    return kind[0] in "LM" or kind in ("Nd", "Nl", "Pc") or c in "\u200c\u200d" or any(first <= ord(c) <= last for first, last in CIRCLED)


def blanks(chars: Sequence[Char], step: int, marked: bool = False) -> int:
    """Count the white space at the start of some characters, or at their end where `step` is -1. A space that is written as ▁ isn't any."""
    text = joined(chars)[::step]
    return next((i for i, kind in enumerate(classes(text)) if kind != SPACE or (marked and text[i] == " ")), len(text))


def cut(chars: list[Char], tokens: Mapping[str, AddedToken], allowed: Collection[str], refuse: bool, marked: bool = False) -> Iterator[Cut]:
    """Cut a text at added tokens, which stand under what is looked for: what is between them, and them. Special ones count if they are allowed."""
    text, done = joined(chars), 0
    names = sorted(filter(None, tokens), key=lambda name: len(name.encode()), reverse=True)
    for found in re.finditer("|".join(map(re.escape, names)), text) if names else ():
        token, start, end = tokens[found[0]], found.start(), found.end()
        if start < done:
            continue  # the token before has taken it along
        if token.special and refuse:
            raise TextError(f"byte {chars[start][1]} of text", f"the start of {token.content!r}", "no special token: say special='text' or special='allow'")
        if token.special and token.content not in allowed:
            continue
        if token.single_word and ((start and in_word(text[start - 1])) or (end < len(text) and in_word(text[end]))):
            continue
        if token.lstrip:
            start = max(start - blanks(chars[:start], -1, marked), done)
        if token.rstrip:
            end += blanks(chars[end:], 1, marked)
        if done < start:
            yield None, chars[done:start]
        yield token, chars[start:end]
        done = end
    if done < len(chars):
        yield None, chars[done:]
