"""Word counts -> vocabulary: the most frequent pair is merged, again and again; the same corpus gives the same tokenizer, however it comes."""

import itertools
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from . import strategies

Merges = list[tuple[bytes, bytes]]
SMALL_ALPHABET = st.lists(st.sampled_from(["aaa", "ab", "b", "a", " a", "ab ", "é", "中", "\n", "aabb", "1"]), max_size=12).map("".join)
HUGGINGFACE = [*range(33, 127), *range(161, 173), *range(174, 256)]
HUGGINGFACE += [byte for byte in range(256) if byte not in HUGGINGFACE]


def textbook(counts: dict[bytes, int], size: int, *, least: int = 1, longest: int = 4096, alphabet: list[int] | None = None) -> Merges:
    """BPE as papers tell it: count all pairs of neighbours, merge the most frequent one, count again."""
    ids = {bytes([byte]): place for place, byte in enumerate(alphabet or range(256))}
    words = {word: [word[i : i + 1] for i in range(len(word))] for word in counts}
    merges: Merges = []
    while len(ids) < size:
        pairs: Counter[tuple[bytes, bytes]] = Counter()
        for word, parts in words.items():
            for pair in itertools.pairwise(parts):
                if len(pair[0] + pair[1]) <= longest:
                    pairs[pair] += counts[word]
        if not pairs or max(pairs.values()) < least:
            break
        left, right = max(pairs, key=lambda pair: (pairs[pair], -ids[pair[0]], -ids[pair[1]]))
        merges.append((left, right))
        ids.setdefault(left + right, len(ids))
        for parts in words.values():
            i = 0
            while i < len(parts) - 1:
                if (parts[i], parts[i + 1]) == (left, right):
                    parts[i : i + 2] = [left + right]
                i += 1
    return merges


@pytest.mark.parametrize("ties", ["ids", "huggingface"])
@given(texts=st.lists(SMALL_ALPHABET, min_size=1, max_size=5), size=st.integers(256, 300), least=st.integers(1, 4), longest=st.none() | st.integers(1, 6))
def test_merges_are_those_of_the_definition(toklet: Any, ties: str, texts: list[str], size: int, least: int, longest: int | None) -> None:
    texts = [*texts, "ab"]
    tok = toklet.train(texts, size, pattern="gpt2", ties=ties, min_frequency=least, max_token_length=longest)
    counts = dict(toklet.count(texts, "gpt2"))
    assert tok.merges == textbook(counts, size, least=least, longest=longest or 4096, alphabet=HUGGINGFACE if ties == "huggingface" else None)


@given(words=st.dictionaries(st.binary(min_size=1, max_size=8), st.integers(1, 2**40), min_size=1, max_size=12))
def test_any_bytes_with_any_counts_can_be_trained_on(toklet: Any, words: dict[bytes, int]) -> None:
    assert toklet.WordCounts(words).train(270).merges == textbook(words, 270)


def test_pairs_overlap_when_counted_and_not_when_merged(toklet: Any) -> None:
    """ "aaa" has two pairs, and gives "aa" + "a"."""
    tok = toklet.WordCounts({b"aaa": 2, b"bc": 3}, "gpt2").train(257)
    assert tok.merges == [(b"a", b"a")]
    assert toklet.WordCounts({b"aaaaa": 1}, "gpt2").train(300).merges == [(b"a", b"a"), (b"aa", b"a"), (b"aa", b"aaa")]


def test_among_equals_the_smaller_ids_go_first(toklet: Any) -> None:
    words = toklet.WordCounts({b"zy": 1, b"yz": 1, b"ya": 1, b"\xff\x00": 1, b"  ": 1}, "gpt2")
    assert words.train(300).merges == [(b" ", b" "), (b"y", b"a"), (b"y", b"z"), (b"z", b"y"), (b"\xff", b"\x00")]
    assert words.train(300, ties="huggingface").merges == [(b"y", b"a"), (b"y", b"z"), (b"z", b"y"), (b"\xff", b"\x00"), (b" ", b" ")]


def test_a_merged_token_comes_after_the_bytes(toklet: Any) -> None:
    """(b"b", b"b") and (b"aa", b"a") occur as often; the pair of the smaller left id is of bytes."""
    tok = toklet.WordCounts({b"aa": 5, b"aaa": 2, b"bb": 2}, "gpt2").train(259)
    assert tok.merges == [(b"a", b"a"), (b"b", b"b"), (b"aa", b"a")]


def test_a_token_that_two_merges_make_has_one_id(toklet: Any) -> None:
    words = {b"abx": 9, b"ab": 3, b"bcy": 8, b"abc": 4, b"zbc": 4}
    tok = toklet.WordCounts(words, "gpt2").train(400)
    assert tok.merges == textbook(words, 400)
    assert tok.vocab_size == 256 + len({left + right for left, right in tok.merges})


@pytest.mark.parametrize("ties", ["ids", "huggingface", "bytes"])
@given(texts=st.lists(SMALL_ALPHABET, min_size=1, max_size=8), least=st.integers(1, 3), longest=st.none() | st.integers(1, 6))
def test_merging_leads_to_each_token_that_was_learnt(both: Any, ties: str, texts: list[str], least: int, longest: int | None) -> None:
    """The core takes this for granted of what it has trained, and looks its tokens up without having merged them."""

    def ids_of_tokens(toklet: Any) -> list[list[int]]:
        tok = toklet.WordCounts(Counter(text.encode() for text in texts if text), "").train(330, ties=ties, min_frequency=least, max_token_length=longest)
        return [tok.encode(left + right).tolist() for left, right in tok.merges]

    assume(any(texts))
    found = both.same(ids_of_tokens)
    assert found == [[256 + number] for number in range(len(found))]


@pytest.mark.parametrize("size", [256, 257, 300])
def test_a_vocabulary_is_as_large_as_was_asked_or_as_the_corpus_allows(toklet: Any, size: int) -> None:
    tok = toklet.train(["abcdef"], size, pattern="gpt2")
    assert tok.vocab_size == min(size, 256 + 5)


def test_special_tokens_take_the_last_ids_and_count_in_the_size(toklet: Any) -> None:
    tok = toklet.train(["low lower lowest"] * 3, 262, special_tokens=["<|b|>", "<|a|>"])
    assert tok.vocab_size == 262
    assert tok.special_tokens == {"<|b|>": 260, "<|a|>": 261}
    assert toklet.train(["ab"], 258, special_tokens=("<|b|>", "<|a|>")).merges == []


def test_a_corpus_is_text_whatever_special_tokens_it_spells(toklet: Any) -> None:
    texts = ["<|end|>", "a<|end|>b<|end|>"]
    assert toklet.train(texts, 270, special_tokens=["<|end|>"]).merges == toklet.train(texts, 269).merges


@pytest.mark.parametrize(("least", "merges"), [(1, [(b"a", b"b"), (b"c", b"d")]), (2, [(b"a", b"b")]), (3, [(b"a", b"b")]), (4, [])])
def test_a_pair_under_the_least_frequency_is_not_merged(toklet: Any, least: int, merges: Merges) -> None:
    assert toklet.WordCounts({b"ab": 3, b"cd": 1}, "gpt2").train(300, min_frequency=least).merges == merges


def test_a_token_over_the_longest_length_is_not_made(toklet: Any) -> None:
    for longest in range(1, 7):
        tok = toklet.train(["abcabcabc abcdef"], 300, max_token_length=longest)
        assert max(map(len, tok.tokens)) <= longest
    assert max(map(len, toklet.train(["abcabcabc abcdef"], 300).tokens)) > 6


@given(texts=st.lists(strategies.texts(6), min_size=1, max_size=5), order=st.randoms(use_true_random=False), threads=st.sampled_from([1, 2, 5, 64]))
def test_the_order_of_texts_and_the_number_of_threads_change_nothing(toklet: Any, texts: list[str], order: random.Random, threads: int) -> None:
    texts = [*texts, "low lower"]
    shuffled = order.sample(texts, len(texts))
    assert toklet.train(shuffled, 290, threads=threads) == toklet.train(iter(texts), 290)
    assert toklet.count(texts).train(290) == toklet.train(texts, 290)


def test_a_text_that_comes_twice_counts_twice(toklet: Any) -> None:
    assert toklet.train(["ab cd", "cd cd"], 257, pattern="gpt2").merges == toklet.WordCounts({b"ab": 1, b" cd": 2, b"cd": 1}, "gpt2").train(257).merges


def test_counts_decide_and_not_how_they_were_split_up(toklet: Any) -> None:
    one = toklet.WordCounts({b"ab": 7, b"bc": 6}, "gpt2")
    parts = toklet.WordCounts({b"ab": 3, b"bc": 6}, "gpt2") + toklet.WordCounts({b"ab": 4}, "gpt2")
    assert one.train(300) == parts.train(300)


@pytest.mark.parametrize("n", [2**31 - 1, 2**31, 2**31 + 1, 2**32 - 1, 2**32, 2**32 + 1, 2**53 + 1, 2**60])
def test_counts_over_32_bits_do_not_wrap(toklet: Any, n: int) -> None:
    tok = toklet.WordCounts({b"ab": n, b"xy": n - 1, b"zz": 1000}, "gpt2").train(259)
    assert tok.merges == [(b"a", b"b"), (b"x", b"y"), (b"z", b"z")]


def test_a_corpus_whose_pairs_might_not_be_counted_in_64_bits_is_refused(toklet: Any) -> None:
    most = 2**63 - 1
    with pytest.raises(toklet.CorpusError, match=str(3 * most)):
        toklet.WordCounts({b"abc": most, b"de": most}, "gpt2").train(260)


def test_what_was_trained_encodes_what_it_was_trained_on(toklet: Any) -> None:
    tok = toklet.train(["low lower lowest slow"] * 9, 270, pattern="gpt2")
    assert [tok.token(id) for id in tok.encode("lower, slower").tolist()] == [b"low", b"e", b"r", b",", b" slow", b"e", b"r"]


def test_files_train_as_their_texts(toklet: Any, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("low lower<|end|>lowest", "utf-8")
    (tmp_path / "b.txt").write_text("slow slower", "utf-8")
    texts = ["low lower", "lowest", "slow slower"]
    assert toklet.train_files(str(tmp_path / "*.txt"), 270, separator="<|end|>", special_tokens=["<|end|>"]) == toklet.train(
        texts, 270, special_tokens=["<|end|>"]
    )


def test_progress_is_reported_and_ends_at_what_was_done(toklet: Any) -> None:
    calls: list[tuple[int, int]] = []
    toklet.count(["low lower lowest slow"] * 9).train(265, progress=lambda done, total: calls.append((done, total)))
    assert calls[-1][0] == 9


class Halt(Exception):
    """Raised by a callback."""


def test_an_exception_of_a_callback_comes_through(toklet: Any) -> None:
    def report(done: int, total: int) -> None:
        raise Halt(f"at {done} of {total}")

    with pytest.raises(Halt, match="at "):
        toklet.count(["low lower"] * 5, progress=report)
    with pytest.raises(Halt, match="at "):
        toklet.count(["low lower"] * 5).train(260, progress=report)


@pytest.mark.parametrize("name", ["o200", "GPT2", "cl100"])
def test_a_name_that_is_nearly_one_is_not_taken_as_a_regular_expression(toklet: Any, name: str) -> None:
    with pytest.raises(toklet.ArgumentError, match=f"pattern is '{name}'; it must be one of gpt2, cl100k, o200k"):
        toklet.train(["a b"], 300, pattern=name)


def test_an_exception_of_an_iterator_comes_through(toklet: Any) -> None:
    def texts() -> Any:
        yield "low"
        raise Halt("no more")

    for call in (toklet.count, lambda texts: toklet.train(texts, 300), toklet.Tokenizer.from_merges([], pattern="gpt2").encode_batch):
        with pytest.raises(Halt, match="no more"):
            call(texts())


@pytest.mark.slow
def test_one_corpus_gives_one_tokenizer_whatever_the_threads_and_the_order(toklet: Any) -> None:
    chance = random.Random(11)
    words = ["".join(chance.choices("abcdefé中 '", k=chance.randint(1, 9))) for _ in range(3_000)]
    texts = [" ".join(chance.choices(words, k=40)) for _ in range(5_000)]
    expected = toklet.train(texts, 2_000, threads=1)
    for threads in (1, 2, 3, 4, 8, 64):
        chance.shuffle(texts)
        assert toklet.train(texts, 2_000, threads=threads) == expected
