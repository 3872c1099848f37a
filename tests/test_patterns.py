"""Built-in patterns, against their published regular expressions in the engine of their owner: on every pair of kinds of characters, on mean texts, on corpora.

tiktoken shows no pretokens. But where each of ours is a token, and each two neighbours of ours are one too, its tokens are ours only if its pretokens are: a
pretoken that is a token becomes that one, and a longer one, made of several of ours, would have had two of them merged.
"""

import base64
import json
from collections.abc import Iterable, Iterator
from itertools import pairwise, product
from pathlib import Path
from random import Random
from typing import Any

import pytest
import tiktoken
import tokenizers
from hypothesis import given

from . import strategies
from .backends import Both
from .peers import CORPORA, corpus

CASED = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
CAPITALS = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
PUBLISHED = {  # as they stand in tokenizer.json and tekken.json
    "qwen2": r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    "qwen3.5": r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    "tekken": CASED + "|" + CAPITALS + r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
}
SPELLINGS = {
    "gpt2": ("r50k", "p50k", r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"),
    "cl100k": ("llama3", PUBLISHED["qwen2"].replace(r"\p{N}|", r"\p{N}{1,3}|")),
    "qwen2": ("qwen2.5", "qwen3"),
}
# One of each class that the patterns tell apart; then of every other kind of character there is.
CLASSES = "!'/ \t\n1\u0301中AasSlLvVeEſ"
KINDS = (*CLASSES, *"\r\0\x1c\x85\xa0\u180e\u200b\u2028\u3000\ufeff²Ⅷ٣½０𝟘ǅʰªÉß𐐨𐐀한\u0903\u20dd\U000e0100€😀’_«»‿\u0378\ue000\ufffe\U0010ffff" + "tTdDmMrRK")
BORDERS = (
    *("'s", "'S", "'ſ", "'t", "'re", "'vE", "'m", "'LL", "'l", "'d", "''", "'", "’s", " 's", "!'s", "'\u0301"),
    *(" ", "  ", "   ", "\t", "\n", "\n\n", "\r\n", "\r", " \n", "\n ", "\n  ", "\n\t", "\x85", "\xa0", "\u3000", "\u2028", "\u180e"),
    *("1", "12", "1234", "²", "٣", "½", "Ⅷ", "１２"),
    *("a", "abc", "A", "ABC", "aB", "Ab", "ABc", "É", "ß", "ǅ", "ʰ", "ª", "中文", "한", "ſ", "l", "v", "re", "Ve"),
    *("\u0301", "\u0301\u0301", "e\u0301", "\u0301a", "\u0301A", "!\u0301", "क्षि", "\ufe0f", "\u200d"),
    *("!", "?!", "...", "/", "//", "!/", "/\n", "!\n", "!\n/", "-", "_", "€", "😀", "👩‍👩‍👧", "\0", "\x7f", "\u0378", "\U0010ffff"),
)
BROKEN = (b"\xff", b"\x80", b"\xc3", b"\xe2\x82", b"\xf0\x9f\x98", b"\xed\xa0\x80", b"\xc0\x80", b"\xf4\x90\x80\x80")


def split(package: Any, data: bytes, pattern: str) -> list[bytes]:
    return list(package._core.core.split(data, pattern))


def whole(data: bytes) -> str:
    """Write a control character for each byte that belongs to no character: they are of one class and of one length."""
    return "".join("\x01" if "\udc80" <= c <= "\udcff" else c for c in data.decode("utf-8", "surrogateescape"))


def check(package: Any, pattern: str, texts: Iterable[bytes]) -> None:
    """Check that texts are cut as tiktoken cuts them with the published regular expression."""
    words, spelled = [], [whole(text) for text in texts]
    for text, legible in zip(texts, spelled, strict=True):
        data, end, cut = legible.encode(), 0, []
        for word in split(package, text, pattern):
            end += len(word)
            cut.append(data[end - len(word) : end])
        assert end == len(data)
        words.append(cut)
    ranks = {bytes([b]): b for b in range(256)}
    for cut in words:
        for token in (*cut, *map(b"".join, pairwise(cut))):
            ranks.setdefault(token, len(ranks))
    owner = tiktoken.Encoding("words", pat_str=PUBLISHED[pattern], mergeable_ranks=ranks, special_tokens={})
    for cut, ids in zip(words, owner.encode_ordinary_batch(spelled, num_threads=1), strict=True):
        assert owner.decode_tokens_bytes(ids) == cut


def pieces(data: str, size: int) -> Iterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size].encode()


def edge_texts(shared: Path) -> list[str]:
    hard: list[str] = json.loads((shared / "edge" / "blns.json").read_text("utf-8"))
    hard += (shared / "edge" / "llama_cpp_cases.inp").read_text("utf-8").split("\n__ggml_vocab_test__\n")
    return [*hard, *(shared / "edge" / "emoji-test.txt").read_text("utf-8").splitlines(keepends=True)]


def generated(count: int, seed: int) -> list[bytes]:
    """Make texts of a few pieces each, of which some are bytes that are no character."""
    random = Random(seed)
    made: list[bytes] = []
    while len(made) < count:
        some = [random.choice(BORDERS).encode() if random.random() < 0.95 else random.choice(BROKEN) for _ in range(random.randrange(9))]
        made.append(b"".join(piece * random.choice((1, 1, 1, 1, 2, 5, 70)) for piece in some))
    return made


@pytest.mark.parametrize("pattern", PUBLISHED)
def test_a_built_in_pattern_is_the_published_one(toklet: Any, pattern: str) -> None:
    assert toklet.patterns[pattern] == PUBLISHED[pattern]


@pytest.mark.parametrize("pattern", PUBLISHED)
def test_every_pair_of_kinds_of_characters(toklet: Any, pattern: str) -> None:
    check(toklet, pattern, ["".join(some).encode() for some in product(("", "a", " "), KINDS, KINDS, ("", "a"))])


@pytest.mark.parametrize("pattern", PUBLISHED)
def test_every_text_of_three_classes(toklet: Any, pattern: str) -> None:
    check(toklet, pattern, ["".join(three).encode() for three in product(CLASSES, repeat=3)])


@pytest.mark.slow
@pytest.mark.parametrize("pattern", PUBLISHED)
def test_every_text_of_four_classes(toklet: Any, pattern: str) -> None:
    check(toklet, pattern, ["".join(four).encode() for four in product(CLASSES, repeat=4)])


@pytest.mark.parametrize("pattern", PUBLISHED)
def test_the_borders_of_pretokens(both: Both, pattern: str) -> None:
    texts = generated(5_000, 1)
    for text in texts:
        both.equal(split(both.native.toklet, text, pattern), split(both.reference.toklet, text, pattern))
    check(both.native.toklet, pattern, texts)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 12))
@pytest.mark.parametrize("pattern", PUBLISHED)
def test_the_borders_of_pretokens_in_many_texts(both: Both, pattern: str, seed: int) -> None:
    texts = generated(20_000, seed)
    check(both.native.toklet, pattern, texts)
    check(both.reference.toklet, pattern, texts)


@pytest.mark.parametrize("pattern", PUBLISHED)
def test_the_hard_texts_of_others(toklet: Any, shared: Path, pattern: str) -> None:
    check(toklet, pattern, [text.encode() for text in edge_texts(shared)])


@pytest.mark.parametrize("corpus_name", CORPORA)
@pytest.mark.parametrize("pattern", PUBLISHED)
def test_a_corpus(both: Both, shared: Path, pattern: str, corpus_name: str) -> None:
    text = corpus(shared, corpus_name, 1_000_000).encode()
    both.equal(split(both.native.toklet, text, pattern), split(both.reference.toklet, text, pattern))
    check(both.native.toklet, pattern, [text])


@pytest.mark.slow
@pytest.mark.parametrize("corpus_name", CORPORA)
@pytest.mark.parametrize("pattern", PUBLISHED)
def test_a_whole_corpus(toklet: Any, shared: Path, pattern: str, corpus_name: str) -> None:
    for piece in pieces((shared / "corpora" / f"{corpus_name}.txt").read_text("utf-8"), 1 << 20):
        check(toklet, pattern, [piece])


@pytest.mark.parametrize("pattern", PUBLISHED)
def test_split_of_tokenizers_cuts_alike(toklet: Any, shared: Path, pattern: str) -> None:
    """The engine that reads a tokenizer.json; its Unicode is another version, so only where it is of one mind with ours about each character."""
    owner = tokenizers.pre_tokenizers.Split(tokenizers.Regex(PUBLISHED[pattern]), "isolated")
    texts = ["".join(two) for two in product(("", "a", " "), KINDS, KINDS)]
    for text in (*texts, *edge_texts(shared), corpus(shared, "multilingual", 100_000)):
        assert [word.decode() for word in split(toklet, text.encode(), pattern)] == [word for word, _ in owner.pre_tokenize_str(text)]


@pytest.mark.parametrize("pattern", strategies.PATTERN_NAMES)
@given(data=strategies.data())
def test_a_pattern_goes_by_all_its_names(toklet: Any, pattern: str, data: bytes) -> None:
    for other in (toklet.patterns[pattern], *SPELLINGS.get(pattern, ())):
        assert split(toklet, data, other) == split(toklet, data, pattern)
        assert toklet.Tokenizer.from_merges([], pattern=other).pattern == toklet.patterns[pattern]


def test_files_that_say_the_pattern_in_its_regular_expression(toklet: Any, tmp_path: Path) -> None:
    config = {"pattern": PUBLISHED["tekken"], "default_vocab_size": 276, "default_num_special_tokens": 20}
    vocab = [{"rank": byte, "token_bytes": base64.b64encode(bytes([byte])).decode()} for byte in range(256)]
    (tmp_path / "tekken.json").write_text(json.dumps({"config": config, "vocab": vocab}), "utf-8")
    assert "pattern='tekken'" in repr(toklet.load(tmp_path / "tekken.json"))
    for pattern, regex in PUBLISHED.items():
        toklet.Tokenizer.from_merges([(b"1", b"2"), (b"a", b"b")], pattern=regex).save(tmp_path / "tokenizer.json")
        tok = toklet.load(tmp_path / "tokenizer.json")
        assert f"pattern={pattern!r}" in repr(tok)
        assert tok.encode("12ab").tolist() == [49, 50, 257]


def test_ranks_of_qwen_have_their_pattern(toklet: Any, shared: Path) -> None:
    assert "pattern='qwen2'" in repr(toklet.load(shared / "vocab" / "voyage3_base.tiktoken"))
