"""The one table of character classes, held against tiktoken's engine over every code point."""

import re
from functools import cache
from typing import Any

import pytest
import tiktoken

EVERY = [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000]
REGEXES = {
    "space": r"\s",
    "number": r"\p{N}",
    "mark": r"\p{M}",
    "upper": r"[\p{Lu}\p{Lt}]",
    "lower": r"\p{Ll}",
    "letter": r"[\p{Lm}\p{Lo}]",
    "punctuation": r"[\p{P}\p{S}]",
    "other": r"[^\s\p{N}\p{M}\p{L}\p{P}\p{S}]",
}


@cache
def matched(regex: str) -> str:
    """Give the characters that tiktoken's engine matches, in the order of their code points."""
    encoding = tiktoken.Encoding("bytes", pat_str=regex, mergeable_ranks={bytes([b]): b for b in range(256)}, special_tokens={})
    return encoding.decode(encoding.encode_ordinary("".join(EVERY)))


@pytest.mark.parametrize("name", REGEXES)
def test_a_class_holds_the_characters_that_tiktokens_engine_matches(toklet: Any, name: str) -> None:
    unicode = toklet.reference.unicode
    kind = unicode.NAMES.index(name)
    ours = "".join(c for c, found in zip(EVERY, unicode.classes("".join(EVERY)), strict=True) if found == kind)
    assert ours == matched(REGEXES[name])


def test_there_are_141028_letters_and_1911_numbers(toklet: Any) -> None:
    unicode = toklet.reference.unicode
    found = unicode.classes("".join(EVERY))
    assert sum(kind in unicode.LETTERS for kind in found) == 141_028
    assert found.count(unicode.NUMBER) == 1_911


def test_both_backends_state_the_same_version(toklet: Any) -> None:
    assert toklet._core.core.UNICODE_VERSION == toklet.reference.UNICODE_VERSION == "16.0.0"


def test_a_surrogate_is_of_no_class(toklet: Any) -> None:
    assert set(toklet.reference.unicode.classes("".join(map(chr, range(0xD800, 0xE000))))) == {toklet.reference.unicode.OTHER}


@pytest.mark.slow
def test_the_core_sees_every_character_in_the_class_of_the_table(toklet: Any) -> None:
    """The pretokens of a probe show the class of the character in it. What the reference says of one character must hold for all of its class."""
    pattern = "o200k"  # the one that tells all classes apart
    unicode, reference, core = toklet.reference.unicode, toklet.reference, toklet._core.core
    examples = dict(zip(unicode.NAMES, "\u200b\u2003²\u0301Éé中§", strict=True))
    literal = re.compile(r"[\r\n '/sdmtlverſ]", re.IGNORECASE)

    def probe(c: str) -> str:
        return f"a{c}A{c}{c}a1{c} {c}! {c}{c}\n"

    expected = {unicode.NAMES.index(name): [word.decode() for word in reference.split(f"{probe(c)}a".encode(), pattern)[:-1]] for name, c in examples.items()}
    of_kind = {unicode.NAMES.index(name): c for name, c in examples.items()}
    plain = [c for c in EVERY if not literal.match(c)]
    for start in range(0, len(plain), 65_536):
        block = plain[start : start + 65_536]
        wanted = [word.replace(of_kind[kind], c) for c, kind in zip(block, unicode.classes("".join(block)), strict=True) for word in expected[kind]]
        found = [word.decode() for word in core.split(f"{''.join(map(probe, block))}a".encode(), pattern)]
        assert found == [*wanted, "a"]
    for c in EVERY:
        if literal.match(c):
            assert core.split(probe(c).encode(), pattern) == reference.split(probe(c).encode(), pattern)
