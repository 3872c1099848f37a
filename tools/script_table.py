"""Write the table of scripts that `toklet.report` reads: which characters are Latin, which are Han, and so on.

    pip install fonttools==4.56.0 && python tools/script_table.py

The standard library doesn't know the scripts of Unicode; fontTools carries the file Scripts.txt as Python lists. The version of Unicode is that of the table of
character classes. Characters that belong to no script of their own (Common, Inherited) or to none that is known are left out.
"""

from pathlib import Path

from fontTools.unicodedata import Scripts, script, script_name

TABLE = Path(__file__).parents[1] / "python/toklet/report/unicode_scripts.txt"
VERSION = "16.0.0"
LEFT_OUT = ("Common", "Inherited", "Unknown")


def main() -> None:
    """Check the version, and write the runs of characters of one script."""
    assert f"Scripts-{VERSION}.txt" in Path(Scripts.__file__).read_text(encoding="utf-8"), f"wanted Unicode {VERSION}"
    names = [script_name(script(chr(code))) for code in range(0x110000)]
    lines, start = [f"# Unicode {VERSION}: first and last code point, script. The rest has none of its own. Made by tools/script_table.py"], 0
    for code in range(1, 0x110001):
        if code == 0x110000 or names[code] != names[start]:
            if names[start] not in LEFT_OUT:
                lines.append(f"{start:X} {code - 1:X} {names[start].replace(' ', '_')}")
            start = code
    TABLE.write_text("\n".join(lines) + "\n", encoding="ascii")


if __name__ == "__main__":
    main()
