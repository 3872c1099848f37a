"""The trainer of the core against the definition: the reference, a naive trainer, and the trainers of others; with every option, in any order."""

import hashlib
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .backends import Both
from .peers import CORPORA, corpus

WORDS = st.dictionaries(
    st.text("ab", min_size=1, max_size=9).map(str.encode) | st.binary(min_size=1, max_size=6) | st.sampled_from([b"a" * 40, b"ab" * 30, "中中中".encode()]),
    st.integers(1, 4) | st.integers(1, 2**40),
    min_size=1,
    max_size=14,
)
TIES = ["ids", "huggingface", "bytes"]


@st.composite
def trainings(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """Options of a training; and those of the tokenizer that it extends, if it does."""
    options = {
        "ties": draw(st.sampled_from(TIES)),
        "min_frequency": draw(st.integers(1, 3)),
        "max_token_length": draw(st.none() | st.integers(1, 12)),
        "special_tokens": draw(st.lists(st.sampled_from(["<|a|>", "<|b|>", "ab"]), unique=True, max_size=2)),
        "threads": draw(st.integers(1, 3)),
    }
    base = draw(
        st.none() | st.fixed_dictionaries({"words": WORDS, "size": st.integers(258, 280), "special_tokens": st.just(["<|a|>"]), "ranked": st.booleans()})
    )
    return options, base


def extended(toklet: Any, base: dict[str, Any] | None) -> Any:
    if base is None:
        return None
    tok = toklet.WordCounts(base["words"], "gpt2").train(base["size"], special_tokens=base["special_tokens"], ties="bytes")
    return toklet.Tokenizer.from_ranks(tok.tokens, pattern="gpt2", special_tokens=tok.special_tokens) if base["ranked"] else tok


@settings(max_examples=300)
@given(words=WORDS, more=st.integers(0, 60), training=trainings())
def test_the_core_trains_as_the_reference_does(both: Both, words: dict[bytes, int], more: int, training: Any) -> None:
    options, base = training

    def call(toklet: Any) -> Any:
        extend = extended(toklet, base)
        size = (256 if extend is None else extend.vocab_size) + more
        tok = toklet.WordCounts(words, "gpt2").train(size, extend=extend, **options)
        return tok.merges, tok.tokens, tok.special_tokens

    both.same(call)


@pytest.mark.parametrize("n", [2**31 - 1, 2**31 + 1, 2**32 - 1, 2**32 + 1, 2**53, 2**53 + 1, 2**62, 2**63 - 1])
def test_counts_of_any_size_give_the_merges_that_python_integers_give(both: Both, n: int) -> None:
    words = {b"abab": n // 3, b"ab": n // 3 - 1, b"abc": 7, b"xy": n, b"zz": n - 1, b"aaa": n // 4}
    for ties in TIES:
        both.same(lambda toklet, ties=ties: toklet.WordCounts(words, "gpt2").train(300, ties=ties).merges)


@pytest.mark.slow
def test_five_megabytes_train_as_in_the_reference(both: Both, shared: Path) -> None:
    with both.native.active() as toklet:
        counts = toklet.count([corpus(shared, "english", 3 << 20), corpus(shared, "multilingual", 2 << 20)], "gpt2")
        merges = counts.train(500).merges
    with both.reference.active() as toklet:
        assert toklet.WordCounts(dict(counts), "gpt2").train(500).merges == merges


def naive(counts: dict[bytes, int], size: int, ties: str) -> list[tuple[bytes, bytes]]:
    """Count all pairs of neighbours, merge the most frequent one, count again; in numpy, for a corpus of a megabyte."""
    words = [(word, n) for word, n in counts.items() if len(word) > 1]
    ids = np.concatenate([np.frombuffer(word + b"\0", np.uint8).astype(np.int64) for word, _ in words])
    edge = np.zeros(len(ids), bool)
    edge[np.cumsum([len(word) + 1 for word, _ in words]) - 1] = True
    ids[edge] = -1
    weights = np.repeat([n for _, n in words], [len(word) + 1 for word, _ in words])
    tokens = [bytes([byte]) for byte in range(256)]
    visible = [*range(33, 127), *range(161, 173), *range(174, 256)]
    place = {byte: i for i, byte in enumerate(visible + [byte for byte in range(256) if byte not in visible])}
    keys = {
        "ids": lambda left, right: (-left, -right),
        "huggingface": lambda left, right: (-place.get(left, left), -place.get(right, right)),
        "bytes": lambda left, right: (tokens[left], tokens[right]),
    }
    merges = []
    while len(tokens) < size:
        inside = (ids[:-1] >= 0) & (ids[1:] >= 0)
        pairs, at = np.unique(ids[:-1][inside] << 32 | ids[1:][inside], return_inverse=True)
        totals = np.zeros(len(pairs), np.int64)
        np.add.at(totals, at, weights[:-1][inside])
        left, right = max(((int(pair) >> 32, int(pair) & (2**32 - 1)) for pair in pairs[totals == totals.max()]), key=lambda pair: keys[ties](*pair))
        places = np.flatnonzero((ids[:-1] == left) & (ids[1:] == right))
        if left == right:  # in a run of equal ids every other pair is merged
            starts = np.flatnonzero(np.diff(places, prepend=-2) > 1)
            nth = np.arange(len(places)) - np.repeat(starts, np.diff(starts, append=len(places)))
            places = places[nth % 2 == 0]
        ids[places] = len(tokens)
        keep = np.ones(len(ids), bool)
        keep[places + 1] = False
        ids, weights = ids[keep], weights[keep]
        merges.append((tokens[left], tokens[right]))
        tokens.append(tokens[left] + tokens[right])
    return merges


@pytest.mark.slow
@pytest.mark.parametrize("ties", TIES)
def test_a_thousand_ids_of_a_megabyte_are_those_of_a_naive_trainer(toklet: Any, shared: Path, ties: str) -> None:
    counts = toklet.count([corpus(shared, name, 350_000) for name in CORPORA], "gpt2")
    assert counts.train(1_000, ties=ties).merges == naive(dict(counts), 1_000, ties)


def in_order(tokens: dict[bytes, int]) -> list[bytes]:
    return sorted((token for token in tokens if len(token) > 1), key=tokens.__getitem__)


@pytest.mark.slow
@pytest.mark.parametrize("name", CORPORA)
def test_eight_thousand_ids_are_those_of_rustbpe(toklet: Any, shared: Path, name: str) -> None:
    rustbpe = pytest.importorskip("rustbpe")
    texts = corpus(shared, name, 6 << 20).splitlines(keepends=True)
    peer = rustbpe.Tokenizer()
    peer.train_from_iterator(iter(texts), 8_192, pattern=toklet.patterns["gpt2"])
    theirs = {bytes(token): id for token, id in peer.get_mergeable_ranks()}
    assert in_order(toklet.train(texts, 8_192, pattern="gpt2").tokens) == in_order(theirs)


@pytest.mark.slow
@pytest.mark.parametrize("name", CORPORA)
def test_eight_thousand_ids_are_those_of_tokenizers(toklet: Any, shared: Path, name: str) -> None:
    from toklet.formats.huggingface import BYTES

    tokenizers = pytest.importorskip("tokenizers")
    texts = corpus(shared, name, 6 << 20).splitlines(keepends=True)
    peer = tokenizers.Tokenizer(tokenizers.models.BPE())
    peer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = tokenizers.pre_tokenizers.ByteLevel.alphabet()
    peer.train_from_iterator(texts, tokenizers.trainers.BpeTrainer(vocab_size=8_192, show_progress=False, initial_alphabet=alphabet))
    theirs = {bytes(BYTES[c] for c in spelled): id for spelled, id in peer.get_vocab().items()}
    assert in_order(toklet.train(texts, 8_192, pattern="gpt2", ties="huggingface").tokens) == in_order(theirs)


@pytest.mark.slow
def test_sixty_four_ways_to_train_on_one_corpus_give_one_hash(toklet: Any, tmp_path: Path) -> None:
    """Threads, orders of files, and sizes of pieces; each table hashes with secrets of its own."""
    chance = random.Random(5)
    words = ["".join(chance.choices("abcdeé中 '\n", k=chance.randint(1, 9))) for _ in range(4_000)]
    texts = [" ".join(chance.choices(words, k=20_000)) for _ in range(4)]
    paths = [tmp_path / f"{i}.txt" for i in range(4)]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text, "utf-8", newline="")
    hashes = set()
    for threads in (1, 2, 5, 64):
        for _ in range(4):
            chance.shuffle(paths)
            chance.shuffle(texts)
            parts = [toklet.count_files(path, threads=threads) for path in paths]
            for counts in (
                toklet.count_files(paths, threads=threads),
                toklet.count(texts, threads=threads),
                toklet.count((text.encode() for text in texts), threads=threads),
                (parts[0] + parts[1]) + (parts[2] + parts[3]),
            ):
                merges = counts.train(1_500, threads=threads).merges
                hashes.add(hashlib.sha256(repr(merges).encode()).hexdigest())
    assert len(hashes) == 1


def test_a_word_of_any_length_is_a_word(toklet: Any) -> None:
    assert toklet.WordCounts({b"ab" * 50_000: 1}, "gpt2").train(258, max_token_length=4).merges == [(b"a", b"b"), (b"ab", b"ab")]
    merges = toklet.WordCounts({b"a" * 10_000: 1}, "gpt2").train(300).merges
    assert merges[:3] == [(b"a", b"a"), (b"aa", b"aa"), (b"aaaa", b"aaaa")]
    assert max(len(left + right) for left, right in merges) <= 4_096


def test_counts_that_are_lent_stay_and_those_that_are_spent_are_gone(native: Any) -> None:
    counts = native.count(["low low lower lowest"], "gpt2")
    before, expected = dict(counts), counts.train(262).merges
    assert dict(counts) == before
    assert native.word_counts.core.train(counts._core, 262, spend=True).merges() == expected
    assert (len(counts), counts.total) == (0, 0)
    with pytest.raises(native.CorpusError, match="empty"):
        counts.train(262)
