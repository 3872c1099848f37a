"""Word counts -> vocabulary: merge the most frequent pair of neighbours, again and again. This is BPE.

Each word starts as its bytes. The pair of ids that occurs most often, over all words and as often as each word occurs, becomes a new id; it is put in the
place of the pair in every word, and so on until the vocabulary is full. Among pairs of equal count the one with the smaller left id wins, then the smaller
right id (`ties="huggingface"` takes the ids of the 256 bytes in the order of that library's alphabet). If what a merge makes exists already, it keeps its
id. Pairs overlap when counted ("aaa" has two), not when merged.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import pairwise

from .count import MAX_COUNT, WordCounts
from .encode import Tokenizer
from .error import MAX_IDS, MAX_TOKEN_BYTES, CorpusError, VocabularyError, check_choice, number
from .vocab import Pair, check_specials

VISIBLE = [*range(33, 127), *range(161, 173), *range(174, 256)]  # the bytes that stand for themselves in Hugging Face's alphabet; the others follow
TIES = {"ids": list(range(256)), "huggingface": VISIBLE + [b for b in range(256) if b not in VISIBLE]}


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


def check(vocab_size: int, specials: Sequence[str], min_frequency: int, max_token_length: int | None, ties: str) -> tuple[int, int, int | None]:
    """Give the sizes as plain numbers; refuse what can't be trained, before a corpus is read."""
    check_specials(specials)
    if len(set(specials)) < len(specials):
        raise VocabularyError("special_tokens", repr(list(specials)), "names that are all different")
    check_choice("ties", ties, tuple(TIES))
    least = 256 + len(specials)
    longest = f"from 1 to {MAX_TOKEN_BYTES} bytes, or None"
    return (
        number("vocab_size", vocab_size, f"from {least} (256 bytes and {len(specials)} special tokens) to {MAX_IDS}", least, MAX_IDS, whole=True),
        number("min_frequency", min_frequency, "an integer, at least 1", 1, MAX_COUNT, whole=True),
        None if max_token_length is None else number("max_token_length", max_token_length, longest, 1, MAX_TOKEN_BYTES, whole=True),
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
    progress: object = None,
) -> Tokenizer:
    """Learn a vocabulary of at most `vocab_size` ids.

    >>> train(WordCounts({b"low": 5, b"lower": 2}, "gpt2"), 258).merges()
    [(b'l', b'o'), (b'lo', b'w')]
    """
    vocab_size, min_frequency, max_token_length = check(vocab_size, special_tokens, min_frequency, max_token_length, ties)
    check_corpus(counts)
    longest = max_token_length or MAX_TOKEN_BYTES
    order = {byte: place for place, byte in enumerate(TIES[ties])}
    tokens = {bytes([b]): b for b in range(256)}
    spelled = list(tokens)
    words = [(list(word), n) for word, n in counts.items()]
    merges: list[tuple[bytes, bytes]] = []
    pairs: Counter[Pair] = Counter()
    where: defaultdict[Pair, set[int]] = defaultdict(set)

    def tally(w: int, sign: int) -> None:
        ids, n = words[w]
        for pair in pairwise(ids):
            if len(spelled[pair[0]]) + len(spelled[pair[1]]) <= longest:
                pairs[pair] += sign * n
                where[pair].add(w)

    for w in range(len(words)):
        tally(w, +1)
    while pairs and len(tokens) + len(special_tokens) < vocab_size:
        best = max(pairs, key=lambda pair: (pairs[pair], -order.get(pair[0], pair[0]), -order.get(pair[1], pair[1])))
        if pairs[best] < min_frequency:
            break
        left, right = spelled[best[0]], spelled[best[1]]
        new = tokens.setdefault(left + right, len(tokens))
        spelled[new:] = [left + right] if new == len(spelled) else spelled[new:]
        merges.append((left, right))
        for w in sorted(where.pop(best)):
            tally(w, -1)
            words[w] = (replace(words[w][0], best, new), words[w][1])
            tally(w, +1)
        pairs = +pairs  # drops the pairs that are used up
        if callable(progress):
            progress(len(tokens) - 256, vocab_size - len(special_tokens) - 256)
    return Tokenizer.from_merges(merges, list(special_tokens), counts.pattern)
