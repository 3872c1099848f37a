"""A regular expression of the caller's own that tries every way to cut a text: it gives up with an error, soon, and deep ones are refused."""

from run import holds, main, refused, seconds

import toklet

PATTERNS = [r"(?=(a+)+b)", r"(?:a|a)+(?!.)(?=b)", r"(a+)+\1(?=b)", r"(?:(?:a?){40}(?=b))", r"(?>(a*)*)(?<!a)b", r"(.*)*(?=\n)x"]


def attack() -> str:
    """Encode letters that never lead to a match."""
    worst = 0.0
    for pattern in PATTERNS:
        tok = toklet.Tokenizer.from_merges([], pattern=pattern)
        for size in (100, 1_000, 20_000):
            text = "a" * size
            took = seconds(lambda tok=tok, text=text: tok.encode(text))
            worst = max(worst, took)
            holds(took < 10, f"{pattern} took {took:.1f} s on {size} letters")
    for deep in ("(" * 100_000 + ")" * 100_000, "(?=" * 100_000 + ")" * 100_000, "[" * 100_000, "a{1000}" + "{1000}" * 9 + r"\p{L}{99999}"):
        refused(deep[:12], lambda deep=deep: toklet.Tokenizer.from_merges([], pattern=deep))
    return f"{len(PATTERNS)} patterns on up to 20,000 letters; the slowest call took {worst:.2f} s"


main(attack)
