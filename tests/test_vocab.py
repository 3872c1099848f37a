"""The vocabulary: what may be one, what its parts are, and how the bytes of one pretoken are merged."""

import itertools
from random import Random
from typing import Any

import pytest
import tiktoken
from hypothesis import given
from hypothesis import strategies as st

from . import strategies

BYTES = {bytes([byte]): byte for byte in range(256)}
WHOLE = r"[\s\S]+"  # one pretoken, whatever the text


def textbook_merge(merges: list[tuple[bytes, bytes]], word: bytes) -> list[bytes]:
    """Join the leftmost pair of the earliest merge, until no merge applies."""
    parts = [word[i : i + 1] for i in range(len(word))]
    while pairs := [(merges.index(pair), i) for i, pair in enumerate(itertools.pairwise(parts)) if pair in merges]:
        _, i = min(pairs)
        parts[i : i + 2] = [parts[i] + parts[i + 1]]
    return parts


@given(merges=strategies.merges(), words=st.lists(strategies.spelled(6), max_size=4))
def test_merging_is_done_in_the_order_in_which_the_merges_were_learnt(toklet: Any, merges: list[tuple[bytes, bytes]], words: list[str]) -> None:
    tok = toklet.Tokenizer.from_merges(merges, pattern="gpt2")
    for word in words:
        expected = [part for pretoken in toklet.reference.split(word.encode(), "gpt2") for part in textbook_merge(merges, pretoken)]
        assert [tok.token(id) for id in tok.encode(word)] == expected


@given(ranks=strategies.ranks(), text=strategies.spelled())
def test_ranks_are_merged_as_tiktoken_merges_them(toklet: Any, ranks: dict[bytes, int], text: str) -> None:
    tok = toklet.Tokenizer.from_ranks(ranks, pattern="gpt2")
    peer = tiktoken.Encoding("peer", pat_str=toklet.patterns["gpt2"], mergeable_ranks=ranks, special_tokens={})
    assert tok.encode(text).tolist() == peer.encode_ordinary(text)


@given(ranks=strategies.ranks(), pieces=st.lists(st.sampled_from([b"ab", b"a", b"l", b"low", b"\xc3", "é".encode(), b" "]), min_size=1, max_size=60))
def test_a_long_pretoken_of_ranks_is_merged_as_tiktoken_merges_it(native: Any, ranks: dict[bytes, int], pieces: list[bytes]) -> None:
    tok = native.Tokenizer.from_ranks(ranks, pattern=WHOLE)
    peer = tiktoken.Encoding("peer", pat_str=WHOLE, mergeable_ranks=ranks, special_tokens={})
    text = b"".join(pieces).decode("utf-8", "ignore")
    assert tok.encode(text).tolist() == peer.encode_ordinary(text)


@pytest.mark.parametrize("seed", range(20))
def test_a_part_may_have_a_higher_rank_than_the_token(native: Any, seed: int) -> None:
    """Some tokens are then only made by a part that is made later; and what has them for a part is made otherwise than of lower ranks."""
    random = Random(seed)
    for _ in range(20):
        tokens = [b"a", b"b"]
        while len(tokens) < 24:
            token = random.choice(tokens) + random.choice(tokens)
            tokens += [token] if token not in tokens and len(token) < 12 else []
        made = tokens[2:]
        random.shuffle(made)
        ranks = {token: rank for rank, token in enumerate([bytes([byte]) for byte in range(256)] + made)}
        tok = native.Tokenizer.from_ranks(ranks, pattern="lines")
        peer = tiktoken.Encoding("peer", pat_str=native.patterns["lines"], mergeable_ranks=ranks, special_tokens={})
        for length in (2, 5, 10, 14, 16, 17, 40, 64, 65, 130):
            text = "".join(random.choices("ab", (random.random(), 1), k=length))
            assert tok.encode(text).tolist() == peer.encode_ordinary(text), text


def test_more_ways_to_make_tokens_than_the_table_holds_are_refused(native: Any) -> None:
    tokens = [b"xyz", b"xy", *(b"a" * length for length in range(2, 2_400))]  # from the first on every way to cut a token counts
    with pytest.raises(native.VocabularyError, match="under 2097152"):
        native.Tokenizer.from_ranks({**BYTES, **{token: 256 + rank for rank, token in enumerate(tokens)}}, pattern="lines")


@given(merges=strategies.merges(), names=strategies.specials())
def test_ids_are_the_bytes_then_the_merges_then_the_special_tokens(toklet: Any, merges: list[tuple[bytes, bytes]], names: list[str]) -> None:
    tok = toklet.Tokenizer.from_merges(merges, pattern="cl100k", special_tokens=names)
    made = list(dict.fromkeys(left + right for left, right in merges))
    assert tok.tokens == BYTES | {token: 256 + i for i, token in enumerate(made)}
    assert tok.special_tokens == {name: 256 + len(made) + i for i, name in enumerate(names)}
    assert tok.merges == merges
    assert tok.vocab_size == 256 + len(made) + len(names)
    assert [tok.token(id) for id in range(tok.vocab_size)] == [*BYTES, *made, *map(str.encode, names)]


@given(merges=strategies.merges())
def test_every_token_that_has_an_id_is_found_by_it(toklet: Any, merges: list[tuple[bytes, bytes]]) -> None:
    tok = toklet.Tokenizer.from_merges(merges, pattern="gpt2", special_tokens=["<|a|>", "<|b|>"])
    for token, id in tok.tokens.items():
        assert tok.id(token) == id
        assert tok.token(id) == token
    for name, id in tok.special_tokens.items():
        assert tok.id(name) == tok.id(name.encode()) == id


@given(merges=strategies.merges())
def test_ranks_that_say_what_merges_say_give_the_merges_back(toklet: Any, merges: list[tuple[bytes, bytes]]) -> None:
    """A token that two merges make, or that its own merges don't reach, can't be said in ranks: those merges are left out."""
    tokens: list[bytes] = list(BYTES)
    told: list[tuple[bytes, bytes]] = []
    for pair in merges:
        token = pair[0] + pair[1]
        if set(pair) <= set(tokens) and token not in tokens and textbook_merge(told, token) == list(pair):
            tokens.append(token)
            told.append(pair)
    ranks = toklet.Tokenizer.from_ranks({token: id for id, token in enumerate(tokens)}, pattern="gpt2")
    assert ranks.merges == told


def test_two_merges_may_make_one_token(toklet: Any) -> None:
    tok = toklet.Tokenizer.from_merges([(b"b", b"c"), (b"a", b"b"), (b"a", b"bc"), (b"ab", b"c")], pattern="gpt2")
    assert tok.tokens[b"abc"] == 258
    assert tok.vocab_size == 259
    assert tok.encode("abc").tolist() == [258]


def test_a_word_that_its_merges_do_not_reach_is_whole_in_ranks_alone(toklet: Any) -> None:
    assert toklet.Tokenizer.from_ranks(BYTES | {b"abcd": 256}, pattern="gpt2").encode("abcd abcd").tolist() == [256, 32, 97, 98, 99, 100]
    tok = toklet.Tokenizer.from_merges([(b"b", b"c"), (b"a", b"b"), (b"ab", b"c")], pattern="gpt2")
    assert tok.encode("abc").tolist() == [97, 256]


def test_ids_may_have_holes_and_the_size_is_the_highest_plus_one(toklet: Any) -> None:
    tok = toklet.Tokenizer.from_ranks(BYTES | {b"ab": 300}, pattern="gpt2", special_tokens={"<s>": 1000})
    assert tok.vocab_size == 1001
    assert tok.encode("ab<s>", special="allow").tolist() == [300, 1000]
    with pytest.raises(toklet.TokenError, match="999"):
        tok.token(999)


def test_bytes_may_have_any_ids(toklet: Any) -> None:
    tok = toklet.Tokenizer.from_ranks({token: 255 - id for token, id in BYTES.items()} | {b"ab": 256}, pattern="gpt2")
    assert tok.encode("cab").tolist() == [255 - 99, 256]


@pytest.mark.parametrize("name", ["é", "a b", " ", "中文", "x" * 256, "\0", "{{ x }}"])
def test_a_special_token_may_be_any_text(toklet: Any, name: str) -> None:
    tok = toklet.Tokenizer.from_merges([], pattern="o200k", special_tokens=[name])
    assert tok.encode(f"-{name}-", special="allow").tolist() == [45, 256, 45]
    assert tok.decode([256]) == name
    assert tok.token(256) == name.encode()


def test_a_token_of_4096_bytes_is_the_longest(toklet: Any) -> None:
    tok = toklet.Tokenizer.from_ranks(BYTES | {b"a" * 4096: 256}, pattern="gpt2")
    assert tok.encode("a" * 4096).tolist() == [256]
    with pytest.raises(toklet.VocabularyError, match="4097"):
        toklet.Tokenizer.from_ranks(BYTES | {b"a" * 4097: 256}, pattern="gpt2")


def test_an_id_of_2_to_the_20_is_too_high(toklet: Any) -> None:
    assert toklet.Tokenizer.from_ranks(BYTES | {b"ab": 2**20 - 1}, pattern="gpt2").vocab_size == 2**20
    with pytest.raises(toklet.VocabularyError, match="1048576"):
        toklet.Tokenizer.from_ranks(BYTES | {b"ab": 2**20}, pattern="gpt2")


@pytest.mark.slow
@pytest.mark.parametrize(("unit", "ids"), [("a", 125_000), ("ab", 250_000), ("abc", 166_668), ("aab", 666_667)])
def test_a_pretoken_of_a_million_bytes_takes_no_more_than_n_log_n(toklet: Any, unit: str, ids: int) -> None:
    """A quadratic merge would take hours here."""
    merges = [(b"a", b"a"), (b"aa", b"aa"), (b"a", b"b"), (b"ab", b"ab"), (b"ab", b"c"), (b"aaaa", b"aaaa"), (b"abc", b"abc")]
    tok = toklet.Tokenizer.from_merges(merges, pattern="gpt2")
    text = (unit * 10**6)[: 10**6]
    found = tok.encode(text)
    assert tok.decode(found) == text
    assert len(found) == ids
