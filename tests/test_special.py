"""Text is only ever text: what it spells becomes a special token only where the caller says so."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from . import strategies

NAMES = ["<|end|>", "<|end", "<|endoftext|>", "é", "aa"]


def made(toklet: Any, names: list[str] = NAMES) -> Any:
    return toklet.Tokenizer.from_merges([(b"a", b"a"), (b"<", b"|"), (b"|", b">")], pattern="cl100k", special_tokens=names)


def textbook(toklet: Any, tok: Any, text: str, names: list[str]) -> list[int]:
    """At the leftmost place where a special token begins, the longest one is taken; what stands between two is encoded alone."""
    ids: list[int] = []
    plain = ""
    while text:
        name = max((name for name in names if text.startswith(name)), key=len, default="")
        if name:
            ids += [*tok.encode(plain).tolist(), tok.special_tokens[name]]
            plain = ""
        plain += "" if name else text[0]
        text = text[len(name or text[0]) :]
    return ids + tok.encode(plain).tolist()


@given(text=strategies.spelled())
def test_by_default_no_text_makes_a_special_token(toklet: Any, text: str) -> None:
    tok = made(toklet)
    specials = set(tok.special_tokens.values())
    assert not specials & set(tok.encode(text).tolist())
    assert not specials & set(tok.encode_batch([text]).ids.tolist())
    assert not specials & set(tok.encode_with_offsets(text)[0].tolist())


@given(text=strategies.spelled(), names=strategies.specials())
def test_text_is_encoded_as_if_there_were_no_special_tokens(toklet: Any, text: str, names: list[str]) -> None:
    assert made(toklet, names).encode(text).tolist() == made(toklet, []).encode(text).tolist()


@given(text=strategies.spelled(), names=strategies.specials())
def test_what_is_allowed_is_taken_at_the_leftmost_place_the_longest_first(toklet: Any, text: str, names: list[str]) -> None:
    tok = made(toklet, names)
    assert tok.encode(text, special="allow").tolist() == textbook(toklet, tok, text, names)


@given(text=strategies.spelled(), names=strategies.specials(), some=st.data())
def test_a_set_of_names_allows_those_alone(toklet: Any, text: str, names: list[str], some: Any) -> None:
    tok = made(toklet, names)
    chosen = some.draw(st.lists(st.sampled_from(names), unique=True)) if names else []
    for kind in (set, frozenset, list, tuple):
        assert tok.encode(text, special=kind(chosen)).tolist() == textbook(toklet, tok, text, chosen)


@given(text=strategies.spelled(), names=strategies.specials())
def test_error_refuses_exactly_the_texts_that_spell_one(toklet: Any, text: str, names: list[str]) -> None:
    tok = made(toklet, names)
    if any(name in text for name in names):
        first = min(text.encode().find(name.encode()) for name in names if name in text)
        with pytest.raises(toklet.TextError, match=f"byte {first} "):
            tok.encode(text, special="error")
    else:
        assert tok.encode(text, special="error").tolist() == tok.encode(text).tolist()


@given(text=strategies.spelled(), names=strategies.specials())
def test_special_tokens_decode_to_their_names(toklet: Any, text: str, names: list[str]) -> None:
    tok = made(toklet, names)
    assert tok.decode(tok.encode(text, special="allow")) == text


def test_bytes_that_are_no_text_may_hold_special_tokens(toklet: Any) -> None:
    tok = made(toklet)
    ids = tok.encode(b"\xff<|end|>\xc3<|end|>", special="allow").tolist()
    assert ids == [255, tok.special_tokens["<|end|>"], 0xC3, tok.special_tokens["<|end|>"]]


@pytest.mark.parametrize("spelling", ["<|END|>", "<|end|\u200b>", "<\u200c|end|>", "＜|end|＞", "<|end|", "|end|>", "<|e", "< |end|>", "<|endo"])
def test_what_only_looks_like_one_is_none(toklet: Any, spelling: str) -> None:
    tok = toklet.Tokenizer.from_merges([], pattern="o200k", special_tokens=["<|end|>"])
    assert max(tok.encode(f"{spelling}", special="allow").tolist()) < 256


@pytest.mark.parametrize("policy", ["text", "allow", "error"])
def test_without_special_tokens_every_policy_is_the_same(toklet: Any, policy: str) -> None:
    assert made(toklet, []).encode("aa <|end|>", special=policy).tolist() == made(toklet, []).encode("aa <|end|>").tolist()


@pytest.mark.slow
def test_no_text_of_ten_thousand_makes_a_special_token(toklet: Any) -> None:
    name = "<|endoftext|>"
    tok = made(toklet, [name])
    texts = [f"{'x' * (n % 7)}{name[: n % 14]}{name}{name[n % 13 :]}{' ' * (n % 3)}{name * (n % 4)}" for n in range(10_000)]
    assert tok.encode_batch(texts).ids.max() < tok.special_tokens[name]
    spelled = sum(text.count(name) for text in texts)
    assert (tok.encode_batch(texts, special="allow").ids == tok.special_tokens[name]).sum() == spelled
