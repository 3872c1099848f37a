"""What a report says: plain numbers, and those that follow from them. A ratio of nothing is None, never a NaN."""

from dataclasses import dataclass, field
from typing import Any

from .script import COMMON

Token = tuple[int, bytes]  # an id and what it stands for


def ratio(top: float, bottom: float) -> float | None:
    """Divide, where there is something to divide by."""
    return top / bottom if bottom else None


@dataclass(frozen=True, slots=True)
class ScriptFigures:
    """One script, in the vocabulary and in the texts.

    Attributes
    ----------
    script : str
        Its name in Unicode; `Common` is what belongs to none: digits, punctuation, spaces.
    vocabulary : int
        How many tokens of the vocabulary belong to it.
    characters, words, tokens : int
        How many of the texts do. A word is what stands between white space, so words mean nothing for scripts that are written without spaces.
    tokens_per_character, tokens_per_word : float or None
        The fertility.
    """

    script: str
    vocabulary: int
    characters: int
    words: int
    tokens: int

    @property
    def tokens_per_character(self) -> float | None:
        """How many tokens a character costs."""
        return ratio(self.tokens, self.characters)

    @property
    def tokens_per_word(self) -> float | None:
        """How many tokens a word costs; of Common, whose tokens stand in and between the words of all scripts, there is no such number."""
        return None if self.script == COMMON else ratio(self.tokens, self.words)

    def to_dict(self) -> dict[str, Any]:
        """Give it as plain data."""
        counts = {name: getattr(self, name) for name in ("script", "vocabulary", "characters", "words", "tokens")}
        return {**counts, "tokens_per_character": self.tokens_per_character, "tokens_per_word": self.tokens_per_word}


@dataclass(frozen=True, slots=True)
class QualityReport:
    """How well a tokenizer fits texts, and what is in its vocabulary.

    Attributes
    ----------
    vocab_size : int
        The highest id plus one.
    vocabulary : int
        The number of ordinary tokens.
    texts, bytes, characters, words, tokens : int
        How much there was, and how many tokens it became. A word is what stands between white space.
    used : int
        How many of the ordinary tokens occur in the texts.
    renyi_efficiency : float or None
        The Rényi entropy of order 2.5 of the tokens' frequencies, over the largest that it could be: ``log(sum(p**2.5)) / (1 - 2.5) / log(vocabulary)``. It is
        low where a few tokens are nearly everything or many occur almost never. Defined, and found to go with the quality of translations (r = 0.78), by Zouhar
        and others, "Tokenization and the Noiseless Channel", ACL 2023, arXiv 2306.16842; arXiv 2402.14614 shows how it can be cheated, so compare tokenizers of
        one kind by it. The papers' own program divides by the tokens that occur; this divides by those that there are.
    unreachable : tuple of int
        The ids of tokens that no text was found for; see `toklet.report.reach`.
    partial : int
        How many tokens of the vocabulary hold a part of a character. They belong to no script.
    longest : tuple of (int, bytes)
        The longest tokens of the vocabulary, and their ids.
    scripts : tuple of ScriptFigures
        Those that occur in the texts or the vocabulary; the most frequent in the texts first.
    bytes_per_token, tokens_per_word, used_share : float or None
        Ratios of these.
    """

    vocab_size: int
    vocabulary: int
    texts: int
    bytes: int
    characters: int
    words: int
    tokens: int
    used: int
    renyi_efficiency: float | None
    partial: int
    unreachable: tuple[int, ...] = field(repr=False)
    longest: tuple[Token, ...] = field(repr=False)
    scripts: tuple[ScriptFigures, ...] = field(repr=False)

    @property
    def bytes_per_token(self) -> float | None:
        """How much text a token stands for: the compression."""
        return ratio(self.bytes, self.tokens)

    @property
    def tokens_per_word(self) -> float | None:
        """How many tokens a word costs: the fertility."""
        return ratio(self.tokens, self.words)

    @property
    def used_share(self) -> float | None:
        """Which share of the ordinary tokens occurs in the texts."""
        return ratio(self.used, self.vocabulary) if self.tokens else None

    def to_dict(self) -> dict[str, Any]:
        """Give it as plain data, for JSON."""
        numbers = ("vocab_size", "vocabulary", "texts", "bytes", "characters", "words", "tokens", "used", "renyi_efficiency", "partial")
        ratios = ("bytes_per_token", "tokens_per_word", "used_share")
        return {
            **{name: getattr(self, name) for name in (*numbers, *ratios)},
            "unreachable": list(self.unreachable),
            "longest": [{"id": id, "text": token.decode("utf-8", "replace"), "bytes": len(token)} for id, token in self.longest],
            "scripts": [script.to_dict() for script in self.scripts],
        }

    def __str__(self) -> str:
        from .layout import layout

        return layout([self])
