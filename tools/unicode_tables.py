"""Write the one table of character classes that the core and the reference both read.

    pip install unicodedata2==16.0.0 && python tools/unicode_tables.py

The version is the one of the regular expressions inside tiktoken (141,028 letters): users check toklet's ids against it, and CPython's own `unicodedata`
changes from release to release. `\\s` is the property White_Space: the separators (Z*), U+0009 to U+000D and U+0085.
"""

from pathlib import Path

import unicodedata2

TABLE = Path(__file__).parents[1] / "python/toklet/reference/unicode_classes.txt"
VERSION, LETTERS = "16.0.0", 141_028


def class_of(code: int) -> str:
    """Name the class of one code point: the coarsest partition that every built-in pattern can be written in."""
    category = unicodedata2.category(chr(code))
    if category[0] == "Z" or 0x09 <= code <= 0x0D or code == 0x85:
        return "space"
    if category[0] == "L":
        return {"Lu": "upper", "Lt": "upper", "Ll": "lower"}.get(category, "letter")
    return {"N": "number", "M": "mark", "P": "punctuation", "S": "punctuation"}.get(category[0], "other")


def main() -> None:
    """Check the version, and write the runs of characters of one class."""
    assert unicodedata2.unidata_version == VERSION, f"unicodedata2 is {unicodedata2.unidata_version}, wanted {VERSION}"
    names = [class_of(code) for code in range(0x110000)]
    assert sum(name in ("upper", "lower", "letter") for name in names) == LETTERS
    lines, start = [f"# Unicode {VERSION}: first and last code point, class. The rest is `other`. Made by tools/unicode_tables.py"], 0
    for code in range(1, 0x110001):
        if code == 0x110000 or names[code] != names[start]:
            if names[start] != "other":
                lines.append(f"{start:X} {code - 1:X} {names[start]}")
            start = code
    TABLE.write_text("\n".join(lines) + "\n", encoding="ascii")


if __name__ == "__main__":
    main()
