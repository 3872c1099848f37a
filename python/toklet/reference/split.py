"""Text -> pretokens: the pieces that no merge ever crosses.

A pattern is a regular expression whose matches, one after the other, are the pretokens. Each built-in pattern is a scanner here: a function that says where
the pretoken that begins at `i` ends, in one step over its characters and at most one back. The pretokens join up to the text again: nothing is lost. A byte
that belongs to no UTF-8 character is a character of its own, of class `other`.
"""

from collections.abc import Callable

from .error import ArgumentError, WrongTypeError
from .unicode import LETTER, LETTERS, LOWER, MARK, NUMBER, OTHER, SPACE, UPPER, classes

PATTERNS = {
    "gpt2": r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    "cl100k": r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    "o200k": "|".join(
        (
            r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
            r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
            r"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        )
    ),
    "qwen2": r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    "qwen3.5": r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    "tekken": "|".join(
        (
            r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+",
            r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*",
            r"\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        )
    ),
    "lines": r"[^\r\n]*[\r\n]+|[^\r\n]+",  # of superwords
}
SPELLINGS = {  # other names, and other ways in which published tokenizers write the same pattern
    "r50k": "gpt2",
    "p50k": "gpt2",
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+": "gpt2",
    r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s": "gpt2",
    "llama3": "cl100k",
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+": "cl100k",
    "qwen2.5": "qwen2",
    "qwen3": "qwen2",
}
PUNCTUATION = frozenset((OTHER, MARK))
MARKED = LETTERS | {MARK}
UPPERLIKE = frozenset((UPPER, LETTER, MARK))
LOWERLIKE = frozenset((LOWER, LETTER, MARK))
Scanner = Callable[[str, bytes, int], int]


def run(kinds: bytes, i: int, wanted: frozenset[int]) -> int:
    """Skip the characters from `i` on whose class is wanted."""
    while i < len(kinds) and kinds[i] in wanted:
        i += 1
    return i


def digits(kinds: bytes, i: int) -> int:
    r"""`\p{N}{1,3}`, or `i`."""
    return i + run(kinds[i : i + 3], 0, frozenset((NUMBER,)))


def contraction(text: str, i: int, fold: bool) -> int:
    """Skip 's 't 'd 'm 'll 've 're at `i`, in any case if `fold`; Unicode folds the long s (U+017F) to s."""
    letters = text[i + 1 : i + 3] if text[i : i + 1] == "'" else ""
    if fold:
        letters = "".join(c.lower() if c.isascii() else "s" if c == "ſ" else c for c in letters)
    if letters[:1] in ("s", "t", "d", "m"):
        return i + 2
    return i + 3 if letters in ("ll", "ve", "re") else i


def blanks(kinds: bytes, i: int) -> int:
    r"""`\s+(?!\S)|\s+`: a run of white space leaves its last character to the word behind it."""
    end = run(kinds, i, frozenset((SPACE,)))
    return end - 1 if end < len(kinds) and end - i > 1 else end


def lines(text: str, kinds: bytes, i: int) -> int:
    r"""`\s*[\r\n]+|\s+(?!\S)|\s+`: a run of white space ends behind its last line break, if it has one."""
    end = run(kinds, i, frozenset((SPACE,)))
    last = max(text.rfind("\n", i, end), text.rfind("\r", i, end))
    return last + 1 if last >= 0 else blanks(kinds, i)


def punctuation(text: str, kinds: bytes, i: int, wanted: frozenset[int], tail: str) -> int:
    r"""` ?[wanted]+[tail]*`, or `i` if there is none."""
    start = i + 1 if text[i] == " " else i
    end = run(kinds, start, wanted)
    if end == start:
        return i
    while end < len(text) and text[end] in tail:
        end += 1
    return end


def gpt2(text: str, kinds: bytes, i: int) -> int:
    """The pattern of GPT-2, r50k and p50k."""
    end = contraction(text, i, fold=False)
    if end > i:
        return end
    start = i + 1 if text[i] == " " and i + 1 < len(text) else i
    if kinds[start] in LETTERS:
        return run(kinds, start, LETTERS)
    if kinds[start] == NUMBER:
        return run(kinds, start, frozenset((NUMBER,)))
    return blanks(kinds, i) if kinds[start] == SPACE else run(kinds, start, PUNCTUATION)


def cl100k(text: str, kinds: bytes, i: int, letters: frozenset[int] = LETTERS) -> int:
    """The pattern of cl100k_base (GPT-3.5 and GPT-4) and of Llama 3."""
    end = contraction(text, i, fold=True)
    if end > i:
        return end
    if kinds[i] == NUMBER:
        return digits(kinds, i)
    start = i if kinds[i] in letters or text[i] in "\r\n" else i + 1
    end = run(kinds, start, letters)
    if end > start:
        return end
    end = punctuation(text, kinds, i, PUNCTUATION - letters, "\r\n")
    return end if end > i else lines(text, kinds, i)


def qwen2(text: str, kinds: bytes, i: int, letters: frozenset[int] = LETTERS) -> int:
    """The pattern of Qwen from the first to 3: that of cl100k, where each digit is a pretoken."""
    return i + 1 if kinds[i] == NUMBER else cl100k(text, kinds, i, letters)


def qwen3_5(text: str, kinds: bytes, i: int) -> int:
    """The pattern of Qwen 3.5: that of Qwen 2, where a mark is a letter."""
    return qwen2(text, kinds, i, MARKED)


def word(kinds: bytes, i: int) -> int:
    r"""`[upper-like]*[lower-like]+`, or `i`: with no lower-case letter behind, the last character that is both gives itself up to the second half."""
    upper = run(kinds, i, UPPERLIKE)
    end = run(kinds, upper, LOWERLIKE)
    if end == upper:
        while end > i and kinds[end - 1] not in LOWERLIKE:
            end -= 1
    return end


def capitals(kinds: bytes, i: int) -> int:
    r"""`[upper-like]+[lower-like]*`, or `i`."""
    upper = run(kinds, i, UPPERLIKE)
    return run(kinds, upper, LOWERLIKE) if upper > i else i


def o200k(text: str, kinds: bytes, i: int, contractions: bool = True) -> int:
    """The pattern of o200k_base (GPT-4o and later)."""
    if kinds[i] == NUMBER:
        return digits(kinds, i)
    prefixed = kinds[i] not in LETTERS and text[i] not in "\r\n"
    for form in (word, capitals):
        for start in (i + 1, i) if prefixed else (i,):
            end = form(kinds, start)
            if end > start:
                return contraction(text, end, fold=True) if contractions else end
    end = punctuation(text, kinds, i, PUNCTUATION, "\r\n/")
    return end if end > i else lines(text, kinds, i)


def tekken(text: str, kinds: bytes, i: int) -> int:
    """The pattern of Mistral's tekken: that of o200k, where words have no contractions and each digit is a pretoken."""
    return i + 1 if kinds[i] == NUMBER else o200k(text, kinds, i, contractions=False)


def whole_line(text: str, kinds: bytes, i: int) -> int:
    """A line with the line breaks behind it: the pattern of superwords."""
    while i < len(text) and text[i] not in "\r\n":
        i += 1
    while i < len(text) and text[i] in "\r\n":
        i += 1
    return i


SCANNERS: dict[str, Scanner] = {
    "gpt2": gpt2,
    "cl100k": cl100k,
    "o200k": o200k,
    "qwen2": qwen2,
    "qwen3.5": qwen3_5,
    "tekken": tekken,
    "lines": whole_line,
}


def named(pattern: str) -> str:
    """Give the name of a built-in pattern, whether `pattern` is its name, an alias or its regular expression; "" cuts nothing and is its own name."""
    if not isinstance(pattern, str):
        raise WrongTypeError("pattern", repr(pattern), f"one of {', '.join(PATTERNS)}, or a regular expression")
    if pattern == "":
        return ""
    for name, regex in PATTERNS.items():
        if pattern in (name, regex) or SPELLINGS.get(pattern) == name:
            return name
    raise ArgumentError("pattern", repr(pattern), f"one of {', '.join(PATTERNS)}: any other regular expression needs the native backend")


def split(data: bytes, pattern: str) -> list[bytes]:
    """Cut `data` into pretokens.

    >>> split(b"Hello world, it's 2026!", "cl100k")
    [b'Hello', b' world', b',', b' it', b"'s", b' ', b'202', b'6', b'!']
    """
    name = named(pattern)
    if name == "":
        return [data] if data else []
    scan = SCANNERS[name]
    text = data.decode("utf-8", "surrogateescape")
    kinds, i, pretokens = classes(text), 0, []
    while i < len(text):
        end = scan(text, kinds, i)
        pretokens.append(text[i:end].encode("utf-8", "surrogateescape"))
        i = end
    return pretokens
