"""Reports on tokenizers: each figure against plain Python that counts the same one character and one token at a time."""

import dataclasses
import importlib
import json
import math
import tracemalloc
import unicodedata
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from . import strategies
from .strategies import PATTERN_NAMES

CORPUS = ["the cat sat on the mat", " кот сидел на ковре, кот", "猫がマットに座った。", "naïve café 😀 12 34\n\n", b"\xff\xfe broken \xe7\x8c", ""]


def modules(toklet: Any) -> Any:
    return importlib.import_module(f"{toklet.__name__}.report")


def part(toklet: Any, name: str) -> Any:
    return importlib.import_module(f"{toklet.__name__}.report.{name}")


@pytest.fixture
def tok(toklet: Any) -> Any:
    return toklet.train(CORPUS * 3, 300, pattern="o200k", special_tokens=["<|end|>"])


def script_of(toklet: Any, character: str) -> str:
    codes, names = part(toklet, "script").table()
    return names[codes[ord(character)]]


def first_script(toklet: Any, text: str) -> str:
    return next((found for c in text if (found := script_of(toklet, c)) != "Common"), "Common")


def plainly(toklet: Any, tok: Any, texts: list[bytes]) -> dict[str, Any]:
    """Count everything the slow way."""
    spaces = {chr(code) for code, kind in enumerate(importlib.import_module(f"{toklet.__name__}.reference.unicode").table()) if kind == 1}
    characters, words, tokens, used = Counter[str](), Counter[str](), Counter[str](), Counter[int]()
    for data in texts:
        text = data.decode("utf-8", "surrogateescape")
        characters.update(script_of(toklet, c) for c in text)
        words.update(first_script(toklet, word) for word in "".join(" " if c in spaces else c for c in text).split(" ") if word)
        at_byte = [script_of(toklet, c) for c in text for _ in c.encode("utf-8", "surrogateescape")]
        start = 0
        for id in tok.encode(data).tolist():
            end = start + len(tok.token(id))
            tokens[next((name for name in at_byte[start:end] if name != "Common"), "Common")] += 1
            used[id] += 1
            start = end
    p = [n / used.total() for n in used.values()]
    renyi = math.log(math.fsum(x**2.5 for x in p)) / (1 - 2.5) / math.log(len(tok.tokens)) if p else None
    return {
        "texts": len(texts),
        "bytes": sum(map(len, texts)),
        "characters": characters.total(),
        "words": words.total(),
        "tokens": used.total(),
        "used": len(used),
        "renyi_efficiency": renyi if renyi is None else pytest.approx(renyi, abs=1e-12),
        "by_script": {name: (characters[name], words[name], tokens[name]) for name in characters | tokens | words},
    }


def figures(report: Any) -> dict[str, Any]:
    names = ("texts", "bytes", "characters", "words", "tokens", "used", "renyi_efficiency")
    by_script = {row.script: (row.characters, row.words, row.tokens) for row in report.scripts if row.characters or row.words or row.tokens}
    return {**{name: getattr(report, name) for name in names}, "by_script": by_script}


@given(texts=st.lists(st.one_of(strategies.texts(6).map(str.encode), strategies.data(5)), max_size=5), pattern=st.sampled_from(PATTERN_NAMES))
def test_the_figures_are_those_of_counting_one_by_one(toklet: Any, texts: list[bytes], pattern: str) -> None:
    tok = toklet.train(CORPUS, 280, pattern=pattern)
    report = modules(toklet).compare([tok], texts)[0]
    assert figures(report) == plainly(toklet, tok, texts)


def test_it_does_not_matter_how_texts_are_grouped(toklet: Any, tok: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = tok_report(toklet, tok, CORPUS * 4)
    monkeypatch.setattr(part(toklet, "measure"), "GROUP", 1)
    assert tok_report(toklet, tok, CORPUS * 4) == whole
    assert tok_report(toklet, tok, iter(CORPUS * 4)) == whole


def tok_report(toklet: Any, tok: Any, texts: Any) -> Any:
    return modules(toklet).compare([tok], texts)[0]


def test_several_tokenizers_read_the_texts_once(toklet: Any, tok: Any) -> None:
    other = toklet.train(CORPUS, 260, pattern="gpt2")
    together = modules(toklet).compare([tok, other], iter(CORPUS))
    assert together == [tok_report(toklet, tok, CORPUS), tok_report(toklet, other, CORPUS)]
    assert together[0].bytes_per_token > together[1].bytes_per_token


def test_every_token_and_script_is_counted_once(toklet: Any, tok: Any) -> None:
    report = tok_report(toklet, tok, CORPUS)
    assert report.vocab_size == tok.vocab_size == report.vocabulary + 1
    assert sum(row.vocabulary for row in report.scripts) + report.partial == report.vocabulary
    assert sum(row.tokens for row in report.scripts) == report.tokens == len(tok.encode_batch(CORPUS).ids)
    assert sum(row.characters for row in report.scripts) == report.characters
    assert [row.characters for row in report.scripts] == sorted((row.characters for row in report.scripts), reverse=True)
    assert report.bytes_per_token == report.bytes / report.tokens
    assert report.used_share == report.used / report.vocabulary
    latin = next(row for row in report.scripts if row.script == "Latin")
    assert (latin.tokens_per_word, latin.tokens_per_character) == (latin.tokens / latin.words, latin.tokens / latin.characters)


def test_a_part_of_a_character_in_a_text_belongs_to_the_characters_script(toklet: Any) -> None:
    bytes_only = toklet.Tokenizer.from_merges([], pattern="gpt2")
    report = tok_report(toklet, bytes_only, ["中a, я"])
    assert {row.script: (row.tokens, row.characters) for row in report.scripts if row.tokens} == {
        "Han": (3, 1),
        "Latin": (1, 1),
        "Common": (2, 2),
        "Cyrillic": (2, 1),
    }
    assert report.partial == 128


def test_where_tokens_do_not_cover_the_text_their_own_characters_say_the_script(toklet: Any) -> None:
    """As of tokenizers that normalize: the bytes of the ids aren't those of the text."""
    use = part(toklet, "measure").Use(toklet.Tokenizer.from_merges([(b"a", b"b"), ("я".encode()[:1], "я".encode()[1:])], pattern="gpt2"))
    group = part(toklet, "measure").Group(["1中".encode(), b"x"])
    batch = toklet.Batch(np.array([256, 257, 49, 120], np.uint32), np.array([0, 3, 4], np.uint64))
    names = part(toklet, "script").table()[1]
    assert [names[code] for code in use.scripts_of(batch, group)] == ["Latin", "Cyrillic", "Common", "Latin"]


def test_without_texts_a_report_is_about_the_vocabulary(toklet: Any, tok: Any) -> None:
    for texts in ((), [""], [b"", ""]):
        report = tok_report(toklet, tok, texts)
        assert (report.tokens, report.bytes_per_token, report.tokens_per_word, report.used_share, report.renyi_efficiency) == (0, None, None, None, None)
        assert json.loads(json.dumps(report.to_dict(), allow_nan=False))["bytes_per_token"] is None
        assert report.longest[0][1] == max(tok.tokens, key=len)
        assert "bytes a token" not in str(report)


def test_a_report_is_frozen_and_plain_data(toklet: Any, tok: Any) -> None:
    report = tok_report(toklet, tok, CORPUS)
    with pytest.raises(dataclasses.FrozenInstanceError):
        report.bytes = 0
    data = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert data["tokens_per_word"] == report.tokens_per_word
    assert data["scripts"][0]["script"] == report.scripts[0].script
    assert f"{report.bytes_per_token:.3f}" in str(report)


def test_renyi_efficiency_at_its_ends(toklet: Any) -> None:
    efficiency = part(toklet, "measure").renyi_efficiency
    assert efficiency(np.full(256, 7), 256) == pytest.approx(1)
    assert efficiency(np.array([4, 4, 0, 0]), 4) == pytest.approx(0.5)
    assert efficiency(np.array([4, 0, 0, 0]), 4) == 0
    assert efficiency(np.array([9, 1]), 2) == pytest.approx(math.log(0.9**2.5 + 0.1**2.5) / -1.5 / math.log(2))


def test_tokens_that_the_pattern_or_the_merges_keep_apart_are_reached_by_no_text(toklet: Any) -> None:
    merges = [(b"a", b"b"), (b"ab", b" "), (b"b", b"c"), (b"a", b"bc"), (b"1", b"2"), (b"12", b"34"), (b"3", b"4")]
    merges.sort(key=lambda pair: pair == (b"12", b"34"))
    unreachable = part(toklet, "reach").unreachable
    for pattern, lost in (("gpt2", [b"ab ", b"abc"]), ("o200k", [b"ab ", b"abc", b"1234"])):
        tok = toklet.Tokenizer.from_merges(merges, pattern=pattern)
        assert [tok.token(id) for id in unreachable(tok)] == lost


def test_a_token_is_reached_where_only_its_neighbours_let_it(toklet: Any) -> None:
    merges = [(b"/", b"/"), (b"\n", b"//"), (b"\xe4", b"\xb8"), (b"\xb8", b"\xad"), (b"a", b"\xe4")]
    tok = toklet.Tokenizer.from_merges(merges, pattern="o200k")
    assert len(tok.encode(b"\n//")) > 1
    assert len(tok.encode(b"a\xe4")) > 1
    assert part(toklet, "reach").unreachable(tok) == ()


@pytest.mark.parametrize(("name", "lost"), [("r50k_base", []), ("cl100k_base", []), ("o200k_base", [b"\xd0\xbe\xd0", b" I'"])])
def test_published_vocabularies(native: Any, shared: Path, name: str, lost: list[bytes]) -> None:
    """Two tokens of o200k can't be: `I'` is split from what it begins, and every lower-case letter behind a Cyrillic o joins up first."""
    tok = native.load(shared / "vocab" / f"{name}.tiktoken")
    texts = [(shared / "corpora" / f"{corpus}.txt").read_bytes()[:2_000_000] for corpus in ("english", "code", "multilingual")]
    unreachable = part(native, "reach").unreachable(tok)
    assert [tok.token(id) for id in unreachable] == lost
    assert not set(unreachable) & set(np.unique(tok.encode_batch(texts).ids).tolist())


def test_scripts_are_those_of_the_characters_names(toklet: Any) -> None:
    """Python's own table of names says the same of every letter whose name begins with a script."""
    codes, names = part(toklet, "script").table()
    starts = {
        "LATIN SMALL LETTER": "Latin",
        "CYRILLIC CAPITAL": "Cyrillic",
        "HIRAGANA LETTER": "Hiragana",
        "CJK UNIFIED": "Han",
        "HANGUL SYLLABLE": "Hangul",
        "THAI CHAR": "Thai",
    }
    checked = 0
    for code in range(0x30000):
        name = unicodedata.name(chr(code), "")
        for start, script in starts.items():
            if name.startswith(start):
                assert names[codes[code]] == script, name
                checked += 1
    assert checked > 80_000
    assert [names[codes[ord(c)]] for c in " 1!\u0301😀\udc80\uffff"] == ["Common"] * 7


def test_a_curve_ends_where_the_report_does(toklet: Any, tok: Any) -> None:
    texts = [text.encode() if isinstance(text, str) else text for text in CORPUS]
    curve = part(toklet, "curve").curve(tok, texts)
    assert curve[0] == (256, 1.0)
    assert curve[-1] == (len(tok.tokens), tok_report(toklet, tok, texts).bytes_per_token)
    assert part(toklet, "curve").curve(tok, []) == []


@pytest.mark.parametrize("size", [256, 257, 270, 299])
def test_a_vocabulary_cut_off_is_the_smaller_one(toklet: Any, tok: Any, size: int) -> None:
    cut_off = part(toklet, "curve").cut_off
    smaller = toklet.Tokenizer.from_merges(tok.merges[: size - 256], pattern="o200k")
    assert toklet.train(CORPUS * 3, size, pattern="o200k") == smaller
    assert (cut_off(tok, size).merges, cut_off(tok, size).tokens) == (smaller.merges, smaller.tokens)
    ranks = tok.tokens
    by_ranks = toklet.Tokenizer.from_ranks(ranks, pattern="o200k", special_tokens={"<s>": 400})
    assert cut_off(by_ranks, size) == toklet.Tokenizer.from_ranks(
        {token: id for token, id in ranks.items() if id < size}, pattern="o200k", special_tokens={"<s>": 400}
    )


@pytest.mark.slow
def test_memory_does_not_grow_with_the_texts(toklet: Any) -> None:
    tok, text = toklet.train(CORPUS, 280), "the cat sat on the mat, кот сидел на ковре\n" * 1_000
    tok_report(toklet, tok, [text])
    peaks = []
    for number in (40, 400):
        tracemalloc.start()
        tok_report(toklet, tok, (text for _ in range(number)))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0]


@given(lengths=st.lists(st.integers(0, 9), max_size=40), limit=st.integers(1, 30))
def test_a_sample_is_spread_bounded_and_lets_everything_pass(toklet: Any, lengths: list[int], limit: int) -> None:
    texts = [bytes([i]) * n for i, n in enumerate(lengths)]
    sample = part(toklet, "sample").Sample(limit)
    assert list(sample.watch(texts)) == texts
    assert sum(map(len, sample.texts)) <= limit
    if sum(lengths) <= limit:
        assert sample.texts == texts


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda r, t: r.compare([t], "text"), "texts"),
        (lambda r, t: r.compare(t, ["text"]), "tokenizers"),
        (lambda r, t: r.compare(["x"], ["text"]), "str"),
        (lambda r, t: r.compare([t], [1]), r"texts\[0\]"),
    ],
)
def test_what_makes_no_sense_is_refused(toklet: Any, tok: Any, call: Any, words: str) -> None:
    with pytest.raises(toklet.WrongTypeError, match=words):
        call(modules(toklet), tok)
