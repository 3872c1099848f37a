"""Text -> pretokens. The pattern is a regular expression: Python's own `re`, over a letter for each character's class, says what it must match."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import tiktoken
from hypothesis import given
from tiktoken_ext import openai_public

from . import strategies
from .strategies import PATTERN_NAMES

TESTED = [pytest.param(name, id=name) for name in (*PATTERN_NAMES, "lines")]
# A character stands for itself if it is of ASCII, Han, kana or the long s, and else for its class.
LITERAL = re.compile("[\t-\r -~ſ\u3040-\u30ff\u4e00-\u9fa5]")
CHARACTER_OF_CLASS = {"other": "\u0378", "space": "\xa0", "number": "²", "mark": "\u0301", "upper": "É", "lower": "é", "letter": "ª", "punctuation": "€"}
CJK = r"\u3041-\u3096\u309D-\u309F\u30A1-\u30FA\u30FC-\u30FF\u4E00-\u9FA5"
CLASSES = {
    "N": "0-9²",
    "M": r"\u0301\u3099\u309A",
    "Lu": "A-ZÉ",
    "Lt": "",
    "Ll": "a-zéſ",
    "Lm": "",
    "Lo": "ª" + CJK,
    "L": "A-ZÉa-zéſª" + CJK,
    "P": r"!-/:-@\[-`{-~\u30A0\u30FB",
    "S": r"€\u309B\u309C",
}


@cache
def textbook(regex: str) -> re.Pattern[str]:
    """Write a pattern for `re`: its Unicode classes as the characters that stand for them."""
    but_for = re.sub(r"\[\^\\P\{(\w)\}([^\]]*)\]", r"(?:(?![\2])[\\p{\1}])", regex)
    pieces = re.split(r"(\[[^\]]*\])", but_for)
    for name, characters in CLASSES.items():
        pieces = [piece.replace(rf"\p{{{name}}}", characters if piece.startswith("[") else f"[{characters}]") for piece in pieces]
    return re.compile("".join(pieces).replace(r"\z", r"\Z"))  # the end of a text, as `re` writes it


def witness(toklet: Any, data: bytes, pattern: str) -> list[bytes]:
    text = data.decode("utf-8", "surrogateescape")
    unicode = toklet.reference.unicode
    spelled = "".join(c if LITERAL.match(c) else CHARACTER_OF_CLASS[unicode.NAMES[kind]] for c, kind in zip(text, unicode.classes(text), strict=True))
    matches = textbook(toklet.patterns[pattern]).finditer(spelled)
    return [text[match.start() : match.end()].encode("utf-8", "surrogateescape") for match in matches]


def split(toklet: Any, data: bytes, pattern: str) -> list[bytes]:
    return list(toklet._core.core.split(data, pattern))


@pytest.mark.parametrize("pattern", TESTED)
@given(text=strategies.texts())
def test_pretokens_are_what_the_regular_expression_matches(toklet: Any, pattern: str, text: str) -> None:
    assert split(toklet, text.encode(), pattern) == witness(toklet, text.encode(), pattern)


@pytest.mark.parametrize("pattern", TESTED)
@given(data=strategies.data())
def test_a_byte_that_belongs_to_no_character_is_a_character_of_no_class(toklet: Any, pattern: str, data: bytes) -> None:
    assert split(toklet, data, pattern) == witness(toklet, data, pattern)


@pytest.mark.parametrize("pattern", TESTED)
@given(data=strategies.data())
def test_pretokens_join_up_to_the_text_and_none_is_empty(toklet: Any, pattern: str, data: bytes) -> None:
    found = split(toklet, data, pattern)
    assert b"".join(found) == data
    assert all(found)


@pytest.mark.parametrize("pattern", TESTED)
@given(text=strategies.texts())
def test_no_merge_of_tiktokens_crosses_our_pretokens(toklet: Any, pattern: str, text: str) -> None:
    """tiktoken shows its pretokens where every one of them is a token: the lengths of the tokens are then those of the pretokens."""
    ours = split(toklet, text.encode(), pattern)
    ranks = {bytes([b]): b for b in range(256)}
    for word in ours:
        ranks.setdefault(word, len(ranks))
    encoding = tiktoken.Encoding("words", pat_str=toklet.patterns[pattern], mergeable_ranks=ranks, special_tokens={})
    assert encoding.decode_tokens_bytes(encoding.encode_ordinary(text)) == ours


@pytest.mark.parametrize(
    ("pattern", "text", "words"),
    [
        ("gpt2", "Hello world, it's 2026!", ["Hello", " world", ",", " it", "'s", " 2026", "!"]),
        ("cl100k", "Hello world, it's 2026!", ["Hello", " world", ",", " it", "'s", " ", "202", "6", "!"]),
        ("o200k", "Hello world, it's 2026!", ["Hello", " world", ",", " it's", " ", "202", "6", "!"]),
        ("gpt2", "a   b", ["a", "  ", " b"]),
        ("gpt2", "a  \n", ["a", "  \n"]),
        ("cl100k", "a  \n\n  b", ["a", "  \n\n", " ", " b"]),
        ("o200k", "see: http://x\n", ["see", ":", " http", "://", "x", "\n"]),
        ("cl100k", "see: http://x\n", ["see", ":", " http", "://", "x", "\n"]),
        ("o200k", "!/\r\n/a", ["!/\r\n/", "a"]),
        ("o200k", "HTMLParser", ["HTMLParser"]),
        ("o200k", "aHTMLParser", ["a", "HTMLParser"]),
        ("cl100k", "I'LL DON'ſ", ["I", "'LL", " DON", "'ſ"]),
        ("o200k", "DON'ſ", ["DON'ſ"]),
        ("gpt2", "I'LL", ["I", "'", "LL"]),
        ("gpt2", "e\u0301", ["e", "\u0301"]),
        ("o200k", "e\u0301a", ["e\u0301a"]),
        ("gpt2", "", []),
        ("o200k", " ", [" "]),
    ],
)
def test_known_texts_are_cut_as_known(toklet: Any, pattern: str, text: str, words: list[str]) -> None:
    assert [word.decode() for word in split(toklet, text.encode(), pattern)] == words


def test_a_pattern_goes_by_its_name_an_alias_or_its_regular_expression(toklet: Any) -> None:
    text = b"It's 12345 o'clock\r\n\r\n"
    for name, others in {"gpt2": ("r50k", "p50k"), "cl100k": (), "o200k": ()}.items():
        for other in (*others, toklet.patterns[name]):
            assert split(toklet, text, other) == split(toklet, text, name)
            assert toklet.Tokenizer.from_merges([], pattern=other).pattern == toklet.patterns[name]


def test_the_published_spelling_of_a_pattern_is_known(toklet: Any) -> None:
    assert toklet.Tokenizer.from_merges([], pattern=openai_public.r50k_pat_str).pattern == toklet.patterns["gpt2"]


@pytest.mark.parametrize("pattern", TESTED)
def test_the_hard_texts_of_others_are_cut_as_by_the_regular_expression(toklet: Any, shared: Path, pattern: str) -> None:
    hard = json.loads((shared / "edge" / "blns.json").read_text("utf-8"))
    hard += (shared / "edge" / "llama_cpp_cases.inp").read_text("utf-8").split("\n__ggml_vocab_test__\n")
    hard += (shared / "edge" / "emoji-test.txt").read_text("utf-8").splitlines(keepends=True)[:400]
    for text in hard:
        assert split(toklet, text.encode(), pattern) == witness(toklet, text.encode(), pattern)


@pytest.mark.slow
@pytest.mark.parametrize("pattern", TESTED)
@pytest.mark.parametrize("text", [" " * 10**6 + "a", "a" * 10**6, "\n " * 10**6, "'" * 10**6, "\u0301" * 10**6, "Aa" * 10**6, "中" * 10**6, "9" * 10**6])
def test_a_long_run_of_anything_is_cut_in_time_and_loses_nothing(toklet: Any, pattern: str, text: str) -> None:
    assert b"".join(split(toklet, text.encode(), pattern)) == text.encode()


def test_any_other_regular_expression_is_the_native_cores(native: Any) -> None:
    assert split(native, b"a1 b22", r"\d+|\D+") == [b"a", b"1", b" b", b"22"]
    tok = native.Tokenizer.from_merges([(b"a", b"b")], pattern=r"\w+|\W+")
    assert tok.encode("ab-ab").tolist() == [256, 45, 256]


@given(text=strategies.texts())
def test_what_another_regular_expression_does_not_match_is_kept(native: Any, text: str) -> None:
    """tiktoken drops what the pattern doesn't match; text must never be lost."""
    tok = native.Tokenizer.from_merges([], pattern=r"\w+")
    assert tok.decode(tok.encode(text)) == text


@given(text=strategies.texts())
def test_a_built_in_pattern_that_is_spelled_otherwise_gives_the_same_pretokens(native: Any, text: str) -> None:
    for name in PATTERN_NAMES:
        assert split(native, text.encode(), f"(?:{native.patterns[name]})") == split(native, text.encode(), name)
