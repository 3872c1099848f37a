"""Texts at the borders of pretokens, and what their owners make of them: tiktoken and tokenizers with the regular expressions that they publish.

    python -m tests.borders 2000000                       # texts for each pattern: about half an hour
    python -m tests.borders 100000 o200k deepseek_v3      # of some

For each pattern the core cuts every text as its owner does and as the reference does; and the core cuts them, one by one and joined to long ones, alike with
every width of vectors that the processor has.

tiktoken shows no pretokens. But where each of ours is a token, and each two neighbours of ours are one too, its tokens are ours only if its pretokens are: a
pretoken that is a token becomes that one, and a longer one, made of several of ours, would have had two of them merged.
"""

import hashlib
import sys
import time
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import tiktoken
import tokenizers
from tiktoken_ext import openai_public

from .backends import child

BATCH = 10_000
WIDTHS = ("plain", "avx2", "avx512", "")
CASED = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
CAPITALS = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
CONTRACTION = "(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
SIGNS = r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~]"""
TIKTOKEN = {  # as tiktoken has them, or had before it took white space at the end of a text whole, or as they stand in tekken.json and tokenizer.json
    "gpt2": openai_public.r50k_pat_str,
    "cl100k": r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    "cl100k_end": r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s",
    "o200k": CASED + CONTRACTION + "|" + CAPITALS + CONTRACTION + r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    "qwen2": r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    "qwen3.5": r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    "tekken": CASED + "|" + CAPITALS + r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
}
TOKENIZERS = {  # what tokenizers owns: expressions each of which cuts what the one before it left
    "qwen2": (TIKTOKEN["qwen2"],),
    "qwen3.5": (TIKTOKEN["qwen3.5"],),
    "deepseek_v3": (
        r"\p{N}{1,3}",
        "[一-龥\u3040-ゟ゠-ヿ]+",
        SIGNS + r"[A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    ),
}
PUBLISHED = (*TIKTOKEN, "deepseek_v3")
# One of each class that the patterns tell apart; then of every other kind of character there is.
CLASSES = "!'/ \t\n1\u0301中AasSlLvVeEſ"
KINDS = (*CLASSES, *"\r\0\x1c\x85\xa0\u180e\u200b\u2028\u3000\ufeff²Ⅷ٣½０𝟘ǅʰªÉß𐐨𐐀한\u0903\u20dd\U000e0100€😀’_«»‿\u0378\ue000\ufffe\U0010ffff" + "tTdDmMrRK")
CJK = "あー\u3099・゛゠\u3040龥龦々"
BORDERS = (
    *("'s", "'S", "'ſ", "'t", "'re", "'vE", "'m", "'LL", "'l", "'d", "''", "'", "’s", " 's", "!'s", "'\u0301"),
    *(" ", "  ", "   ", "\t", "\n", "\n\n", "\r\n", "\r", " \n", "\n ", "\n  ", "\n\t", "\x85", "\xa0", "\u3000", "\u2028", "\u180e"),
    *("1", "12", "1234", "²", "٣", "½", "Ⅷ", "１２"),
    *("a", "abc", "A", "ABC", "aB", "Ab", "ABc", "É", "ß", "ǅ", "ʰ", "ª", "中文", "한", "ſ", "l", "v", "re", "Ve"),
    *("\u0301", "\u0301\u0301", "e\u0301", "\u0301a", "\u0301A", "!\u0301", "क्षि", "\ufe0f", "\u200d"),
    *("!", "?!", "...", "/", "//", "!/", "/\n", "!\n", "!\n/", "-", "_", "€", "😀", "👩‍👩‍👧", "\0", "\x7f", "\u0378", "\U0010ffff"),
    *("あ", "ア\u3099", "・", "゛", "゠", "\u3040", "\u3098あ", "龥", "龦", "ー", "!a", ".É", "。", "、a"),
)
BROKEN = (b"\xff", b"\x80", b"\xc3", b"\xe2\x82", b"\xf0\x9f\x98", b"\xed\xa0\x80", b"\xc0\x80", b"\xf4\x90\x80\x80")


def generated(count: int, seed: int) -> list[bytes]:
    """Make texts of a few pieces each, of which some are bytes that are no character."""
    random = Random(seed)
    made: list[bytes] = []
    while len(made) < count:
        some = [random.choice(BORDERS).encode() if random.random() < 0.95 else random.choice(BROKEN) for _ in range(random.randrange(9))]
        made.append(b"".join(piece * random.choice((1, 1, 1, 1, 2, 5, 70)) for piece in some))
    return made


def whole(data: bytes) -> str:
    """Write a control character for each byte that belongs to no character: they are of one class and of one length."""
    return "".join("\x01" if "\udc80" <= c <= "\udcff" else c for c in data.decode("utf-8", "surrogateescape"))


def by_tokenizers(regexes: Iterable[str]) -> Any:
    """Give what cuts a text in tokenizers, by one regular expression after the other."""
    return tokenizers.pre_tokenizers.Sequence([tokenizers.pre_tokenizers.Split(tokenizers.Regex(regex), "isolated") for regex in regexes])


def check(pattern: str, texts: Iterable[bytes], cuts: Iterable[list[bytes]]) -> None:
    """Check that texts are cut as their owners cut them with the published regular expressions."""
    words, spelled = [], [whole(text) for text in texts]
    for legible, cut in zip(spelled, cuts, strict=True):
        data, end = legible.encode(), 0
        words.append([data[end : (end := end + len(word))] for word in cut])
        assert end == len(data), legible
    if pattern in TOKENIZERS:
        owner = by_tokenizers(TOKENIZERS[pattern])
        for text, cut in zip(spelled, words, strict=True):
            assert [word.encode() for word, _ in owner.pre_tokenize_str(text)] == cut, text
    if pattern in TIKTOKEN:
        ranks = {bytes([b]): b for b in range(256)}
        for cut in words:
            for token in (*cut, *map(b"".join, pairwise(cut))):
                ranks.setdefault(token, len(ranks))
        encoding = tiktoken.Encoding("words", pat_str=TIKTOKEN[pattern], mergeable_ranks=ranks, special_tokens={})
        for cut, ids in zip(words, encoding.encode_ordinary_batch(spelled, num_threads=1), strict=True):
            assert encoding.decode_tokens_bytes(ids) == cut, cut


def batches(count: int) -> Iterator[list[bytes]]:
    """Make so many texts, some thousand at a time."""
    for start in range(0, count, BATCH):
        yield generated(min(BATCH, count - start), start + 1)


def digest(toklet: Any, count: int, patterns: Iterable[str]) -> str:
    """Sum up what the core makes of these texts, one by one and joined, with the vectors that it may use."""
    split, found = toklet._core.core.split, hashlib.sha256()
    for texts in batches(count):
        for pattern in patterns:
            cuts = [*map(len, split(b"".join(texts), pattern))]
            found.update(repr((cuts, [[*map(len, split(text, pattern))] for text in texts])).encode())
    return found.hexdigest()


SCRIPT = """
import sys, toklet
sys.path.insert(0, sys.argv[1])
from tests.borders import digest
print(digest(toklet, int(sys.argv[2]), sys.argv[3:]))
"""


def widths(toklet: Any, count: int, patterns: Iterable[str]) -> None:
    """Check that the core makes the same of these texts with every width of vectors."""
    found = {width: child(toklet, SCRIPT, Path(__file__).parents[1], count, *patterns, timeout=1e6, TOKLET_SIMD=width) for width in WIDTHS}
    assert all(result.returncode == 0 for result in found.values()), {width: result.stderr[-2000:] for width, result in found.items()}
    assert len({result.stdout for result in found.values()}) == 1, {width: result.stdout for width, result in found.items()}


def main(count: int, patterns: list[str]) -> None:
    """Check them all, and tell."""
    import toklet
    from toklet.reference.split import split

    assert toklet.backend == "native"
    for pattern in patterns:
        start, pretokens = time.monotonic(), 0
        for texts in batches(count):
            cuts = [toklet._core.core.split(text, pattern) for text in texts]
            check(pattern, texts, cuts)
            for text, cut in zip(texts, cuts, strict=True):
                assert split(text, pattern) == cut, text
            pretokens += sum(map(len, cuts))
        print(f"{pattern:12} {count:,} texts, {pretokens:,} pretokens: as its owner and the reference cut them ({time.monotonic() - start:.0f} s)", flush=True)
    widths(toklet, count, patterns)
    print(f"{'all':12} the same with vectors of every width")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:] or list(PUBLISHED))
