"""Asking another tokenizer for its ids: every kind of the field, and what is said where they differ."""

from typing import Any

import pytest
import tiktoken
import tokenizers

RANKS = {bytes([byte]): byte for byte in range(256)} | {b"ab": 256, b"\xc3\xa9": 257}
TEXTS = ["ab cab", "", "é ab", "<|end|>"]


def peers(toklet: Any, tok: Any, path: Any) -> dict[str, Any]:
    tok.save(path)
    encoding = tiktoken.Encoding("x", pat_str=toklet.patterns["gpt2"], mergeable_ranks=RANKS, special_tokens={"<|end|>": 258})
    from toklet.integrations.tiktoken import Encoding

    return {
        "toklet": toklet.load(path),
        "tiktoken": encoding,
        "drop-in": Encoding.from_toklet(tok, "x"),
        "tokenizers": tokenizers.Tokenizer.from_file(str(path)),
        "function": lambda text: tok.encode(text).tolist(),
        "encode": type("Other", (), {"encode": lambda self, text: tok.encode(text)})(),
    }


def test_every_kind_of_tokenizer_is_asked(toklet: Any, tmp_path: Any) -> None:
    tok = toklet.Tokenizer.from_ranks(RANKS, pattern="gpt2", special_tokens={"<|end|>": 258})
    for name, other in peers(toklet, tok, tmp_path / "tokenizer.json").items():
        found = tok.equivalent(other, TEXTS[:3])
        assert found, name
        assert str(found) == "equal on 3 texts, 7 ids"
        if name not in ("function", "encode"):
            assert tok.equivalent(other, TEXTS, special="allow"), name


@pytest.mark.parametrize(
    ("text", "expected"),
    [("x ab", "id 2 (byte 2, before 'ab'): 256 b'ab' here, 97 {} there"), ("1é", "id 1 (byte 1, before 'é'): 257 b'\\xc3\\xa9' here, 195 {} there")],
)
def test_the_first_difference_is_told(toklet: Any, tmp_path: Any, text: str, expected: str) -> None:
    tok = toklet.Tokenizer.from_ranks(RANKS, pattern="gpt2", special_tokens={"<|end|>": 258})
    plain = toklet.Tokenizer.from_ranks({bytes([byte]): byte for byte in range(256)}, pattern="gpt2")
    found = tok.equivalent(plain, ["x", text, "y"])
    assert not found
    assert str(found) == f"text 1 at {expected.format(plain.token(found.difference.theirs))}"
    assert (found.texts, found.difference.text) == (2, 1)
    shorter = tok.equivalent(lambda text: tok.encode(text).tolist()[:-1], ["ab cab"])
    assert str(shorter) == "text 0 at id 3 (byte 4, before 'ab'): 256 b'ab' here, no more ids there"
    longer = tok.equivalent(lambda text: [*tok.encode(text).tolist(), 7], ["ab"])
    assert str(longer) == "text 0 at id 1 (byte 2, before ''): no more ids here, 7 None there"


def test_what_is_no_tokenizer_is_refused(toklet: Any) -> None:
    tok = toklet.Tokenizer.from_merges([], pattern="gpt2")
    for arguments in ((5, ["a"]), (tok, "text"), (tok, ["a"], "error")):
        with pytest.raises(toklet.ArgumentError):
            tok.equivalent(*arguments)
