"""50 MB of hostile text: the most memory that encoding takes over the text itself, as a multiple of the text, stays under a stated one.

Measured: 4 times the text where every byte is an id (4 bytes each: the array itself), 1 to 2 where fewer are. A single pretoken of 50 MB takes no more
than many do: it is looked up and merged in parts, or in pieces.
"""

from run import holds, in_child, main

ENCODE = """
import os, resource, sys, toklet
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
tok = toklet.Tokenizer.from_merges([(b"a", b"a"), (b"aa", b"aa"), (b"x", b"y"), (b"y", b"x")], pattern="cl100k", special_tokens=["<s>"])
unit = eval(sys.argv[1])
text = unit * (50_000_000 // len(unit))
tok.encode("warm é")
base = peak()
ids = tok.encode(text, special=sys.argv[2])
print((peak() - base) / len(text))
"""
CASES = {
    "many pretokens, one id a byte": (b"a b ", "text", 4.5),
    "many pretokens, 4 bytes an id": (b"a" * 100 + b" ", "text", 1.5),
    "one pretoken, one id a byte": (b"qwzk", "text", 4.5),
    "one pretoken of spaces": (b" ", "text", 4.5),
    "one pretoken of combining marks": ("\u0301".encode(), "text", 4.5),
    "one pretoken, 4 bytes an id": (b"a", "text", 2.5),
    "one pretoken, every pair merges": (b"xy", "text", 4.5),
    "nothing but special tokens": (b"<s>", "allow", 2.5),
}


def attack() -> str:
    """Encode each in a process of its own."""
    found = {}
    for name, (unit, special, limit) in CASES.items():
        ran = in_child(ENCODE, repr(unit), special, timeout=120)
        holds(ran.returncode == 0, f"{name}: ended with {ran.returncode}: {ran.stderr[-80:]}")
        found[name] = float(ran.stdout)
        holds(found[name] <= limit, f"{name}: {found[name]:.1f} times the text, over {limit}")
    return "peak over the text, as a multiple of it: " + ", ".join(f"{name} {multiple:.1f}" for name, multiple in found.items())


main(attack)
