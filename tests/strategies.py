"""What hypothesis feeds the tests: mean texts, broken bytes, vocabularies, logits."""

import math
from typing import Any

import numpy as np
from hypothesis import strategies as st

PATTERN_NAMES = ("gpt2", "cl100k", "o200k", "qwen2", "qwen3.5", "tekken", "deepseek_v3", "cl100k_end")

CHARACTERS = {
    "upper": "AZÉΣİＡ𐐀𝐀",
    "lower": "azßñéﬁ𐐨𝐚ﬀ",
    "title": "ǅᾈ",
    "modifier": "ʰｰˇ々",
    "letter": "ªº中あก한א𠀀ʻ",
    "kana": "あアー゛゜・゠\u3040\u3098\u3099龥龦",
    "mark": "\u0301\u0e34\u20dd\ufe0f\u0903\U000e0100",
    "number": "19²٣Ⅷ½𝟘፼０",
    "space": " \t\n\r\v\f\x85\xa0\u1680\u2003\u2028\u2029\u202f\u3000",
    "not quite a space": "\u180e\u200b\ufeff\x1c\x1f\u2060",
    "punctuation": "'’!?/\\-_.,#\"«»。",
    "symbol": "€+<=>|`^~😀🦙\U0001f3fb\u200d©",
    "control": "\0\x1b\x7f\x9f",
    "unassigned": "\u0378\u2fe0\U000e0080\U0003fffd",
    "not a character": "\ufffe\uffff\U0010ffff\ufdd0",
    "private": "\ue000\U000f0000\U0010fffd",
    "contraction": "sdmtlverSDMTLVERſK",
}
PHRASES = (
    *("'s", "'S", "'t", "'re", "'RE", "'Re", "'ve", "'m", "'ll", "'LL", "'lL", "'d", "'ſ", "'ſſ", "'K", "'l", "'v", "''s", "'\u0301s", "’s", " 's", "'s's"),
    *("👩‍👩‍👧", "🏳️‍🌈", "1️⃣", "🇫🇷", "é", "ñ", "क्षि", "g̈", "ﷺ", "ΑΣ", "McDonald", "iPhone", "HTMLParser", "don't", "DON'T", "DONſ", "ÀÉ"),
    *("\r\n", "\r\n\r\n", "\n\n\n", " \n ", "\n \n", "  \n", "\t\t", "   ", " \r", "\n\r", " \u3000", "\u2028\n", "/\n", "!/\r\n/", " !", "!\n"),
    *("1234", "12 345", "3.14", "²³", "a1b2", "0x1F", "１２３４", "...", "---", "://", "<|endoftext|>", "<|end", "|>", "<|", "{{ x }}", "}}", "{%"),
)


def characters() -> st.SearchStrategy[str]:
    kinds = [st.sampled_from(found) for found in CHARACTERS.values()]
    return st.one_of(*kinds, st.characters(exclude_categories=["Cs"]))


def texts(longest: int = 12) -> st.SearchStrategy[str]:
    """Text of every kind of character, with runs, contractions, line breaks and what looks like special tokens."""
    piece = st.one_of(characters(), characters(), st.sampled_from(PHRASES), st.builds(lambda c, n: c * n, characters(), st.integers(2, 5)))
    return st.lists(piece, max_size=longest).map("".join)


BROKEN = (
    b"\xff",
    b"\x80",
    b"\xc3",
    b"\xe2\x82",
    b"\xf0\x9f\x98",
    b"\xed\xa0\x80",
    b"\xed\xb2\x80",
    b"\xc0\x80",
    b"\xf4\x90\x80\x80",
    b"\xf8\x88\x80\x80\x80",
    b"\xe2\x28\xa1",
)


def data(longest: int = 10) -> st.SearchStrategy[bytes]:
    """Bytes that are nearly UTF-8."""
    piece = st.one_of(texts(3).map(str.encode), st.sampled_from(BROKEN), st.binary(max_size=3))
    return st.lists(piece, max_size=longest).map(b"".join)


@st.composite
def merges(draw: Any, most: int = 40) -> list[tuple[bytes, bytes]]:
    """Merges in any order that makes sense; some make a token that is there already."""
    alphabet = draw(st.sampled_from([b"ab ", "aé ".encode(), b"l low'er", "中文 \n".encode(), bytes(range(256))]))
    tokens = [bytes([byte]) for byte in alphabet]
    made: list[tuple[bytes, bytes]] = []
    for left, right in draw(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), max_size=most)):
        pair = (tokens[left % len(tokens)], tokens[right % len(tokens)])
        if pair not in made and len(pair[0] + pair[1]) <= 64:
            made.append(pair)
            if pair[0] + pair[1] not in tokens:
                tokens.append(pair[0] + pair[1])
    return made


SPECIALS = ("<|endoftext|>", "<|end", "<|end|>", "|>", "<s>", "</s>", "é", "a b", "中", " ", "aa", "a")


def specials() -> st.SearchStrategy[list[str]]:
    """Special tokens, some of which begin like others."""
    return st.lists(st.sampled_from(SPECIALS), max_size=5, unique=True)


@st.composite
def ranks(draw: Any) -> dict[bytes, int]:
    """A ranked vocabulary: the bytes in any order, tokens that merges reach, and some that they don't."""
    order = draw(st.permutations(range(256)))
    table = {bytes([byte]): rank for rank, byte in enumerate(order)}
    tokens = [left + right for left, right in draw(merges(25))] + draw(
        st.lists(st.sampled_from([b"abab", b"bab", b" low", "é中".encode(), b"aaaaa"]), max_size=3)
    )
    hole = draw(st.integers(0, 3))
    for token in draw(st.one_of(st.just(tokens), st.permutations(tokens))):  # in any order a part may have a higher rank than what it is a part of
        if token not in table:
            table[token] = len(table) + hole
    return table


@st.composite
def spelled(draw: Any, longest: int = 12) -> str:
    """Text that small vocabularies have tokens for, and special tokens."""
    piece = st.one_of(st.sampled_from([*"ab lowér中文'\n", "aa", "low", " lower", "abab"]), st.sampled_from(SPECIALS), texts(2))
    return "".join(draw(st.lists(piece, max_size=longest)))


def logits(most: int = 24, infinite: bool = False) -> st.SearchStrategy[list[float]]:
    """A row of logits with ties, zeros of both signs, -inf, very large and very small ones; never all -inf."""
    tied = st.sampled_from([0.0, -0.0, 1.0, 1.0, 2.5, -3.0, -math.inf, 1e30, -1e30, 5e-324, 700.0, -745.0])
    plain = st.floats(-30, 30, width=32)
    entry = st.one_of(tied, plain, plain, st.just(math.inf)) if infinite else st.one_of(tied, plain, plain)
    return st.lists(entry, min_size=1, max_size=most).filter(lambda row: max(row) > -math.inf)


STEPS = ("logit_bias", "penalties", "dry", "temperature", "top_k", "top_p", "min_p", "typical_p", "top_n_sigma", "xtc", "mirostat")
ORDERS = ("hf", "vllm", "llama.cpp", "mlx", "openai")


@st.composite
def calls_of_samplers(draw: st.DrawFn) -> dict[str, Any]:
    """A row in each precision, settings of all parameters of a Sampler in any order, a history and a mask."""
    row = draw(logits(infinite=True))
    ids = st.integers(0, len(row) - 1)
    part = st.sampled_from([1.0, 0.5, 1e-9, 5e-324]) | st.floats(0.01, 1)
    more = st.fixed_dictionaries(
        {"order": st.sampled_from(ORDERS) | st.permutations(STEPS)},
        optional={
            "typical_p": part,
            "top_n_sigma": st.floats(0, 4),
            "xtc_probability": part,
            "xtc_threshold": st.floats(0, 1),
            "repetition_penalty": st.floats(0.1, 3) | st.just(1e300),
            "presence_penalty": st.floats(-3, 3) | st.just(-1e300),
            "frequency_penalty": st.floats(-3, 3),
            "penalty_last_n": st.integers(0, 8),
            "dry_multiplier": st.floats(0, 3) | st.just(1e300),
            "dry_base": st.floats(1, 3),
            "dry_allowed_length": st.integers(1, 4),
            "dry_last_n": st.integers(0, 8),
            "dry_sequence_breakers": st.lists(ids, max_size=2),
            "mirostat": st.integers(0, 2),
            "mirostat_tau": st.floats(0.1, 8),
            "mirostat_mu": st.floats(-1, 12),
            "logit_bias": st.dictionaries(ids, st.floats(-9, 9) | st.just(-math.inf), max_size=3),
        },
    )
    with np.errstate(over="ignore"):
        rows = [np.array(row), np.array(row).astype(np.float32), np.array(row).astype(np.float16)]
    rows.append((rows[1].view(np.uint32) >> 16).astype(np.uint16))
    mask = draw(st.none() | st.lists(st.booleans(), min_size=len(row), max_size=len(row)).map(np.array))
    history = draw(st.none() | st.lists(ids, max_size=12))
    return {"row": row, "rows": rows, "settings": {**draw(settings_of_samplers()), **draw(more)}, "history": history, "mask": mask}


def settings_of_samplers() -> st.SearchStrategy[dict[str, Any]]:
    """Settings of a Sampler, with a seed."""
    return st.fixed_dictionaries(
        {
            "temperature": st.one_of(st.sampled_from([0, 0.0, 1, 1e-3, 5e-324, 0.7, 1e300]), st.floats(0.01, 5)),
            "top_k": st.none() | st.integers(1, 30),
            "top_p": st.none() | st.sampled_from([1.0, 0.5, 1e-9, 5e-324]) | st.floats(0.01, 1),
            "min_p": st.none() | st.sampled_from([0.0, 1.0, 0.5]) | st.floats(0, 1),
            "seed": st.integers(0, 2**64 - 1),
        }
    )
