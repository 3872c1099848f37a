"""Word counts -> vocabulary: merge the most frequent pair of neighbours, again and again. This is BPE.

Each word starts as its bytes, or as the tokens of a vocabulary that is extended. The pair of ids that occurs most often, over all words and as often as each
word occurs, becomes a new id; it is put in the place of the pair in every word, and so on until the vocabulary is full. Among pairs of equal count `TIES`
says which one goes first. Pairs overlap when counted ("aaa" has two), not when merged. What is a token already is never made again.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from . import checkpoint as checkpoints
from .count import MAX_COUNT, WordCounts
from .encode import Tokenizer
from .error import MAX_IDS, MAX_TOKEN_BYTES, ArgumentError, CorpusError, VocabularyError, check_choice, number
from .merge import merge
from .split import PATTERNS
from .vocab import Pair, Vocabulary, check_specials

VISIBLE = [*range(33, 127), *range(161, 173), *range(174, 256)]  # the bytes that stand for themselves in Hugging Face's alphabet; the others follow
ALPHABET = VISIBLE + [byte for byte in range(256) if byte not in VISIBLE]
PLACES = {bytes([byte]): place for place, byte in enumerate(ALPHABET)}

# Of two pairs of equal count the one whose key is greater goes first. `tokens` has the bytes of each id.
TIES: dict[str, Callable[[Pair, dict[int, bytes]], Any]] = {
    "ids": lambda pair, tokens: (-pair[0], -pair[1]),
    "huggingface": lambda pair, tokens: tuple(-PLACES.get(tokens[id], 256 + id) for id in pair),
    "bytes": lambda pair, tokens: (tokens[pair[0]], tokens[pair[1]]),
}


def replace(ids: list[int], pair: Pair, new: int) -> list[int]:
    """Put `new` in the place of each `pair`, from the left.

    >>> replace([1, 1, 1, 2], (1, 1), 9)
    [9, 1, 2]
    """
    out: list[int] = []
    i = 0
    while i < len(ids):
        if tuple(ids[i : i + 2]) == pair:
            out.append(new)
            i += 2
        else:
            out.append(ids[i])
            i += 1
    return out


def check(
    vocab_size: int,
    specials: Sequence[str],
    min_frequency: int,
    max_token_length: int | None,
    ties: str,
    known: int = 0,
    old: Sequence[str] = (),
    superwords: int | None = None,
) -> tuple[int, int, int | None, int | None]:
    """Give the sizes as plain numbers; refuse what can't be trained, before a corpus is read. `known` and `old`: the ids and specials of what is extended."""
    check_specials(specials)
    if len(set(specials)) < len(specials):
        raise VocabularyError("special_tokens", repr(list(specials)), "names that are all different")
    check_choice("ties", ties, tuple(TIES))
    start = f"{known} ids to extend" if known else "256 bytes"
    new = sum(name not in old for name in specials)
    least = (known or 256) + new
    longest = f"from 1 to {MAX_TOKEN_BYTES} bytes, or None"
    vocab_size = number("vocab_size", vocab_size, f"from {least} ({start} and {new} special tokens) to {MAX_IDS}", least, MAX_IDS, whole=True)
    words = f"from {least - new} to {vocab_size - new}, or None"
    return (
        vocab_size,
        number("min_frequency", min_frequency, "an integer, at least 1", 1, MAX_COUNT, whole=True),
        None if max_token_length is None else number("max_token_length", max_token_length, longest, 1, MAX_TOKEN_BYTES, whole=True),
        None if superwords is None else number("superwords", superwords, words, least - new, vocab_size - new, whole=True),
    )


def check_corpus(counts: WordCounts) -> None:
    """Refuse a corpus that holds nothing, or so much that the count of a pair might not fit."""
    if not len(counts):
        raise CorpusError("the corpus", "empty", "at least one pretoken long")
    pairs = sum((len(word) - 1) * n for word, n in counts.words.items())
    if pairs >= 2**64:
        raise CorpusError("the number of pairs in the corpus", str(pairs), f"at most {2**64 - 1}")


def train(
    counts: WordCounts,
    vocab_size: int,
    special_tokens: Sequence[str] = (),
    min_frequency: int = 1,
    max_token_length: int | None = None,
    ties: str = "ids",
    extend: Tokenizer | None = None,
    checkpoint: str | None = None,
    superwords: tuple[int, str] | None = None,
    threads: int | None = None,
    progress: object = None,
    spend: bool = False,
) -> Tokenizer:
    """Learn a vocabulary of at most `vocab_size` ids, those of `extend` included. `spend`: the counts aren't needed afterwards.

    With `superwords`, a size and a pattern, the counts are of lines: until the vocabulary has that size their words are learnt, cut by the pattern, and
    from there on whole lines are, in which merges may join words.

    >>> train(WordCounts({b"low": 5, b"lower": 2}, "gpt2"), 258).merges()
    [(b'l', b'o'), (b'lo', b'w')]
    """
    base = extend.vocabulary if extend else Vocabulary.from_merges([], [])
    known = base.size if extend else 0
    size, pattern = superwords or (None, "")
    vocab_size, min_frequency, max_token_length, size = check(
        vocab_size, special_tokens, min_frequency, max_token_length, ties, known, list(base.specials), size
    )
    check_corpus(counts)
    if size is not None and counts.pattern != PATTERNS["lines"]:
        raise ArgumentError("the pattern of the counts", repr(counts.pattern), '"lines", where merges may join words')
    specials = [name for name in special_tokens if name not in base.specials]
    most = vocab_size - len(specials) - base.size
    of = checkpoints.identity(counts, ties, min_frequency, max_token_length, superwords, base if extend else None) if checkpoint else ""
    merges = checkpoints.load(checkpoint, of)[:most] if checkpoint else []
    loaded = len(merges)
    stages = [(counts, most)] if size is None else [(counts.cut(pattern), size - base.size), (counts, most)]
    try:
        for stage, until in stages:
            learn(stage, base.extended(merges, []), merges, until, min_frequency, max_token_length or MAX_TOKEN_BYTES, ties, progress)
    finally:
        if checkpoint and len(merges) > loaded:
            checkpoints.save(checkpoint, of, merges)
    return Tokenizer.of(base.extended(merges, specials), counts.pattern)


def learn(counts: WordCounts, start: Vocabulary, merges: list[tuple[bytes, bytes]], most: int, least: int, longest: int, ties: str, progress: object) -> None:
    """Learn merges on top of `start`, until there are `most`."""
    tokens = {id: token for token, id in start.tokens.items()}
    words = [(merge(start, word), n) for word, n in counts.items()]
    pairs: Counter[Pair] = Counter()
    where: defaultdict[Pair, set[int]] = defaultdict(set)

    def tally(w: int, sign: int) -> None:
        ids, n = words[w]
        for left, right in pairwise(ids):
            token = tokens[left] + tokens[right]
            if len(token) <= longest and token not in start.tokens:
                pairs[left, right] += sign * n
                where[left, right].add(w)

    for w in range(len(words)):
        tally(w, +1)
    while pairs and len(merges) < most:
        best = max(pairs, key=lambda pair: (pairs[pair], TIES[ties](pair, tokens)))
        if pairs[best] < least:
            break
        new = start.size + len(tokens) - len(start.tokens)
        tokens[new] = tokens[best[0]] + tokens[best[1]]
        for w in sorted(where.pop(best)):
            tally(w, -1)
            words[w] = (replace(words[w][0], best, new), words[w][1])
            tally(w, +1)
        merges.append((tokens[best[0]], tokens[best[1]]))
        pairs = +pairs  # drops the pairs that are used up
        if callable(progress):
            progress(len(merges), most)
