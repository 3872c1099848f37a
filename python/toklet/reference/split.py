"""Text -> pretokens: the pieces that no merge ever crosses.

A pattern is a regular expression whose matches, one after the other, are the pretokens. Each built-in pattern is a scanner here: a function that says where
the pretoken that begins at `i` ends, in one step over its characters and at most one back. The pretokens join up to the text again: nothing is lost. A byte
that belongs to no UTF-8 character is a character of its own, of class `other`.
"""

from collections.abc import Callable, Iterator
from itertools import groupby

from .error import ArgumentError, WrongTypeError
from .unicode import LETTER, LETTERS, LOWER, MARK, NUMBER, OTHER, PUNCTUATION, SPACE, UPPER, classes

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
    "deepseek_v3": "|".join(  # three in one, for engines that take one: `[^\P{L}...]` are letters but for those
        (
            r"\p{N}{1,3}",
            r"[\u3040\u3097\u3098]?[\u3041-\u3096\u3099\u309A\u309D-\u309F\u30A1-\u30FA\u30FC-\u30FF\u4E00-\u9FA5]+",
            r"[\u309B\u309C\u30A0\u30FB]+",
            r"[\u3040\u3097\u3098]+(?![\u3041-\u3096\u3099\u309A\u309D-\u309F\u30A1-\u30FA\u30FC-\u30FF\u4E00-\u9FA5])",
            r"[!-/:-@\[-`{-~][A-Za-z]+",
            r"[^\r\n\p{L}\p{N}\p{P}\p{S}\u3040-\u30FF]?(?:[^\P{L}\u3040-\u30FF\u4E00-\u9FA5]|[^\P{M}\u3099\u309A])+",
            r" ?(?:[^\P{P}\u30A0\u30FB]|[^\P{S}\u309B\u309C])+[\r\n]*",
            r"\s*[\r\n]+|\s+(?![^\s\p{N}\u3040-\u30FF\u4E00-\u9FA5])|\s+",
            r"[^\s\p{L}\p{M}\p{N}\p{P}\p{S}\u3040\u3097\u3098]+(?![^\P{L}\u3040-\u30FF\u4E00-\u9FA5]|[^\P{M}\u3099\u309A])",
        )
    ),
    "cl100k_end": r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s+\z|\s*[\r\n]+|\s+(?!\S)|\s+",
    "lines": r"[^\r\n]*[\r\n]+|[^\r\n]+",  # of superwords
}
STEPS = {  # where a pattern is published as several expressions, each of which cuts what the one before it left
    "deepseek_v3": (
        r"\p{N}{1,3}",
        "[一-龥\u3040-ゟ゠-ヿ]+",
        r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+""",
    )
}
SPELLINGS = {  # other names, and other ways in which published tokenizers write the same pattern
    "r50k": "gpt2",
    "p50k": "gpt2",
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+": "gpt2",
    r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s": "gpt2",
    "llama3": "cl100k",
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+": "cl100k",
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s": "cl100k_end",
    "qwen2.5": "qwen2",
    "qwen3": "qwen2",
}
SIGNS = frozenset((OTHER, PUNCTUATION, MARK))
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
    return blanks(kinds, i) if kinds[start] == SPACE else run(kinds, start, SIGNS)


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
    end = punctuation(text, kinds, i, SIGNS - letters, "\r\n")
    return end if end > i else lines(text, kinds, i)


def cl100k_end(text: str, kinds: bytes, i: int) -> int:
    """The pattern of cl100k_base as tiktoken has had it of late: that of cl100k, where the white space at the end of a text is one pretoken."""
    end = run(kinds, i, frozenset((SPACE,)))
    return end if i < end == len(kinds) else cl100k(text, kinds, i)


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
    end = punctuation(text, kinds, i, SIGNS, "\r\n/")
    return end if end > i else lines(text, kinds, i)


def tekken(text: str, kinds: bytes, i: int) -> int:
    """The pattern of Mistral's tekken: that of o200k, where words have no contractions and each digit is a pretoken."""
    return i + 1 if kinds[i] == NUMBER else o200k(text, kinds, i, contractions=False)


def deepseek_v3(text: str, kinds: bytes, i: int) -> int:
    """The third step of DeepSeek V3's pattern: words, or ASCII letters behind a sign; what no expression matches ends where one does."""
    end = i + 1
    while text[i].isascii() and kinds[i] == PUNCTUATION and end < len(text) and text[end].isascii() and kinds[end] in LETTERS:
        end += 1
    if end > i + 1:
        return end
    start = i if kinds[i] in MARKED or kinds[i] == PUNCTUATION or text[i] in "\r\n" else i + 1
    end = run(kinds, start, MARKED)
    if end > start:
        return end
    end = punctuation(text, kinds, i, frozenset((PUNCTUATION,)), "\r\n")
    if end > i:
        return end
    if kinds[i] == SPACE:
        return lines(text, kinds, i)
    end = run(kinds, i, frozenset((OTHER, NUMBER)))
    return end - 1 if end < len(kinds) and kinds[end] in MARKED else end


def numbers_and_cjk(text: str, kinds: bytes) -> Iterator[tuple[int, int]]:
    """The two steps before: numbers of up to three digits, then Han and kana, and what stands between them."""

    def kind(i: int) -> str:
        cjk = "\u3040" <= text[i] <= "\u30ff" or "\u4e00" <= text[i] <= "\u9fa5"
        return "number" if kinds[i] == NUMBER else "cjk" if cjk else "other"

    for found, group in groupby(range(len(text)), kind):
        places = list(group)
        size = 3 if found == "number" else len(places)
        for start in range(places[0], places[-1] + 1, size):
            yield start, min(start + size, places[-1] + 1)


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
    "deepseek_v3": deepseek_v3,
    "cl100k_end": cl100k_end,
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


def steps_of(regex: str) -> tuple[str, ...]:
    """Give the expressions as which a pattern is published, each of which cuts what the one before it left: mostly one."""
    return next((steps for name, steps in STEPS.items() if PATTERNS[name] == regex), (regex,))


def split(data: bytes, pattern: str) -> list[bytes]:
    """Cut `data` into pretokens.

    >>> split(b"Hello world, it's 2026!", "cl100k")
    [b'Hello', b' world', b',', b' it', b"'s", b' ', b'202', b'6', b'!']
    """
    name = named(pattern)
    if name == "":
        return [data] if data else []
    scan = SCANNERS[name]
    whole = data.decode("utf-8", "surrogateescape")
    classified, pretokens = classes(whole), []
    for start, stop in numbers_and_cjk(whole, classified) if name == "deepseek_v3" else [(0, len(whole))]:
        text, kinds, i = whole[start:stop], classified[start:stop], 0
        while i < len(text):
            end = scan(text, kinds, i)
            pretokens.append(text[i:end].encode("utf-8", "surrogateescape"))
            i = end
    return pretokens
