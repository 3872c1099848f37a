"""Texts and tokenizers -> reports, in one pass over the texts.

Texts are taken in groups of about a megabyte: each group is looked at once for its characters and words, then encoded by each tokenizer. What is kept is a
count for each token and for each script, so memory grows with the vocabulary and the longest text, never with their number. A token of a text belongs to
the script of the characters that it covers, also where it covers a part of one; so the 3 tokens of a rare Chinese character are Han.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..checks import as_list
from ..progress import Report, reporting
from ..reference.count import check_texts
from ..reference.error import WrongTypeError, as_bytes
from ..reference.unicode import SPACE
from ..reference.unicode import table as classes
from .figures import QualityReport, ScriptFigures
from .reach import is_text, unreachable
from .script import Codes, code_points, first_scripts, scripts_of_bytes, table, widths

if TYPE_CHECKING:
    from ..batch import Batch
    from ..encoding import Text
    from ..tokenizer import Tokenizer

GROUP = 1 << 20  # bytes of text that are looked at together
ALPHA = 2.5  # the order of the Rényi entropy
LONGEST = 10
Counts = NDArray[np.int64]


def compare(tokenizers: "Sequence[Tokenizer]", texts: "Iterable[Text]" = (), *, progress: bool | Report | None = None) -> list[QualityReport]:
    """Report on several tokenizers, over the same texts.

    Parameters
    ----------
    tokenizers : sequence of Tokenizer
    texts : iterable of str or bytes
        Read once. Where there are none, the reports are about the vocabularies alone.
    progress : True or callable, optional
        A bar on standard error, or a function of (bytes done, 0).

    Returns
    -------
    list of QualityReport
        One for each tokenizer.

    Examples
    --------
    >>> import toklet
    >>> small, large = (toklet.train(["low lower lowest"], size, pattern="gpt2") for size in (256, 260))
    >>> [report.bytes_per_token for report in compare([small, large], ["lower, low"])]
    [1.0, 2.0]
    """
    check_texts(texts)
    tokenizers = as_list("tokenizers", tokenizers)
    for tok in tokenizers:
        if not hasattr(tok, "encode_batch"):
            raise WrongTypeError("tokenizers", f"a sequence with {type(tok).__name__} in it", "a sequence of Tokenizer")
    seen, uses = Texts(), [Use(tok) for tok in tokenizers]
    with reporting(progress, "encode", "B") as report:
        for group in groups(texts):
            seen.add(group)
            for use in uses:
                use.add(group)
            if report is not None:
                report(seen.bytes, 0)
    return [use.report(seen) for use in uses]


class Group:
    """Some texts, with a line break between two, so that no character and no word reaches from one into the next."""

    def __init__(self, texts: list[bytes]) -> None:
        self.texts, self.joined = texts, b"\n".join(texts)
        self.points = code_points(self.joined)
        self.scripts = table()[0][self.points]
        self.scripts_of_bytes: Codes = np.repeat(self.scripts, widths(self.points))


def groups(texts: "Iterable[Text]") -> Iterator[Group]:
    """Put texts together up to about `GROUP` bytes."""
    held: list[bytes] = []
    size = 0
    for i, text in enumerate(texts):
        held.append(as_bytes(text, f"texts[{i}]"))
        size += len(held[-1]) + 1
        if size >= GROUP:
            yield Group(held)
            held, size = [], 0
    if held:
        yield Group(held)


def tally(codes: Codes) -> Counts:
    """Count how often each script occurs."""
    return np.bincount(codes, minlength=len(table()[1]))


class Texts:
    """How much text there was, whatever the tokenizer."""

    def __init__(self) -> None:
        self.texts = self.bytes = self.characters = self.words = 0
        self.characters_by_script = self.words_by_script = tally(np.zeros(0, np.uint8))

    def add(self, group: Group) -> None:
        """Count the characters and words of a group."""
        between = len(group.texts) - 1
        self.texts += len(group.texts)
        self.bytes += len(group.joined) - between
        self.characters += len(group.points) - between
        inside = np.frombuffer(classes(), np.uint8)[group.points] != SPACE
        edges = np.flatnonzero(np.diff(inside, prepend=False, append=False))  # where a word begins, where it ends, by turns
        self.words += len(edges) // 2
        by_script = tally(group.scripts)
        by_script[0] -= between
        self.characters_by_script = self.characters_by_script + by_script
        self.words_by_script = self.words_by_script + tally(first_scripts(group.scripts, edges[::2], edges[1::2]))


class Use:
    """How often a tokenizer used each of its tokens."""

    def __init__(self, tok: "Tokenizer") -> None:
        self.tok, self.tokens = tok, tok.tokens
        self.lengths, self.scripts = np.zeros(tok.vocab_size, np.intp), np.zeros(tok.vocab_size, np.uint8)
        self.lengths[list(self.tokens.values())] = list(map(len, self.tokens))
        whole = [(token, id) for token, id in self.tokens.items() if is_text(token)]
        ends = np.cumsum([len(token) for token, _ in whole])
        codes = first_scripts(scripts_of_bytes(b"".join(token for token, _ in whole)), np.concatenate(([0], ends[:-1])), ends)
        self.scripts[[id for _, id in whole]] = codes
        self.vocabulary, self.partial = tally(codes), len(self.tokens) - len(whole)
        self.counts: Counts = np.zeros(tok.vocab_size, np.int64)
        self.by_script = tally(np.zeros(0, np.uint8))

    def add(self, group: Group) -> None:
        """Encode a group and count."""
        batch = self.tok.encode_batch(group.texts)
        self.counts += np.bincount(batch.ids, minlength=len(self.counts))
        self.by_script = self.by_script + tally(self.scripts_of(batch, group))

    def scripts_of(self, batch: "Batch", group: Group) -> Codes:
        """Give the script of each id, by where it stands; of a tokenizer that changes the text first, by what the token is."""
        ends = np.cumsum(self.lengths[batch.ids])
        of_texts = np.diff(np.concatenate(([0], ends))[batch.offsets.astype(np.intp)])
        if of_texts.tolist() != list(map(len, group.texts)):
            return self.scripts[batch.ids]
        ends += np.repeat(np.arange(len(batch)), np.diff(batch.offsets).astype(np.intp))  # the line breaks between the texts
        return first_scripts(group.scripts_of_bytes, ends - self.lengths[batch.ids], ends)

    def report(self, seen: Texts) -> QualityReport:
        """Put the figures together."""
        longest = sorted(self.tokens.items(), key=lambda item: (-len(item[0]), item[1]))[:LONGEST]
        return QualityReport(
            vocab_size=self.tok.vocab_size,
            vocabulary=len(self.tokens),
            texts=seen.texts,
            bytes=seen.bytes,
            characters=seen.characters,
            words=seen.words,
            tokens=int(self.counts.sum()),
            used=int(np.count_nonzero(self.counts[list(self.tokens.values())])),
            renyi_efficiency=renyi_efficiency(self.counts, len(self.tokens)),
            partial=self.partial,
            unreachable=unreachable(self.tok),
            longest=tuple((id, token) for token, id in longest),
            scripts=script_figures(self.vocabulary, seen, self.by_script),
        )


def script_figures(vocabulary: Counts, seen: Texts, tokens: Counts) -> tuple[ScriptFigures, ...]:
    """Give the scripts that occur at all, the most frequent ones of the texts first."""
    columns: list[Any] = [vocabulary, seen.characters_by_script, seen.words_by_script, tokens]
    rows = [ScriptFigures(name, *counts) for name, *counts in zip(table()[1], *(column.tolist() for column in columns), strict=True) if any(counts)]
    return tuple(sorted(rows, key=lambda row: (-row.characters, -row.vocabulary, row.script)))


def renyi_efficiency(counts: Counts, vocabulary: int) -> float | None:
    """Compute the Rényi efficiency of order 2.5; `QualityReport` defines it.

    >>> renyi_efficiency(np.array([5, 5, 5, 5]), 4), renyi_efficiency(np.array([9, 0, 0, 0]), 4)
    (1.0, 0.0)
    """
    if not counts.any() or vocabulary < 2:
        return None
    p = counts[counts > 0] / counts.sum()
    entropy = math.log(float((p**ALPHA).sum())) / (1 - ALPHA)
    return abs(entropy) / math.log(vocabulary)  # abs: of one token alone it is -0.0
