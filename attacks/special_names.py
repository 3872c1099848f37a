"""Special tokens without a name, with a name of a megabyte, twice the same, by the hundred thousand: refused, or searched for in linear time."""

from run import holds, main, refused, seconds

import toklet


def attack() -> str:
    """Try such names on every way to make a tokenizer."""
    ranks = {bytes([byte]): byte for byte in range(256)}
    for names in ([""], ["x" * 2**20], ["<a>", "<a>"], [b"<a>"], [None], ["x" * 4_097]):
        shown = repr(names)[:20]
        refused(f"from_merges {shown}", lambda names=names: toklet.Tokenizer.from_merges([], pattern="gpt2", special_tokens=names))
        refused(f"train {shown}", lambda names=names: toklet.train(["ab"], 300, special_tokens=names))
        table = {name: 256 + i for i, name in enumerate(names)} if len(set(names)) == len(names) else {"<a>": 0}
        refused(f"from_ranks {shown}", lambda table=table: toklet.Tokenizer.from_ranks(ranks, pattern="gpt2", special_tokens=table))
    for id in (-1, 0, 2**20, 2**32, 2**64, 2**200, 1.0, "1", None, True):
        refused(f"the id {id!r}", lambda id=id: toklet.Tokenizer.from_ranks(ranks, pattern="gpt2", special_tokens={"<a>": id}))
    many = [f"<{i}>" for i in range(100_000)]
    took = seconds(lambda: toklet.Tokenizer.from_merges([], pattern="gpt2", special_tokens=many))
    tok = toklet.Tokenizer.from_merges([], pattern="gpt2", special_tokens=[*many, "<" * 4_096])
    search = seconds(lambda: tok.encode("<" * 100_000 + "<99999>", special="allow"))
    holds(took < 10 and search < 10, f"100,000 special tokens take {took:.1f} s to make and {search:.1f} s to search for")
    return f"bad names and ids are refused; 100,000 special tokens take {took:.2f} s to make, {search:.2f} s to search for"


main(attack)
