"""Special ids come from trusted text only: over very many lists of parts, each held against a search in a text whose untrusted places are walled off."""

import random
import re
from itertools import groupby
from typing import Any

import numpy as np
import pytest

NAMES = ["<|im_start|>", "<|im_end|>", "<|im_", "<s>", "</s>", "<|end|>", "é", "aa"]
WIDE = str.maketrans({code: code + 0xFEE0 for code in range(0x21, 0x7F)})
WORDS = [" ", "\n", "user\n", "x", "a", " the", "中文", "e\u0301", "👩‍👩‍👧", "1234", "\0", "\u200b", "{{ x }}", "|>", "<", "\ue000", "\U0010ffff"]


def planted(chance: random.Random) -> str:
    """A special token, whole or doubled or in pieces, or something that looks like one."""
    name, other = chance.choice(NAMES), chance.choice(NAMES)
    cut = chance.randrange(len(name) + 1)
    kinds = (name, name * 2, name[:cut], name[cut:], name[:cut] + other + name[cut:], name.translate(WIDE), name.upper(), name[:cut] + "\u200b" + name[cut:])
    return chance.choice(kinds)


def part_list(toklet: Any, chance: random.Random) -> list[Any]:
    """Parts of words and special tokens; some are cut in two, so that a special token lies over two parts, of one trust or of two."""
    parts: list[Any] = []
    for _ in range(chance.randrange(6)):
        trusted = chance.random() < 0.5
        if chance.random() < 0.1:
            parts.append(toklet.Part.special(chance.choice(NAMES)))
            continue
        text = "".join(planted(chance) if chance.random() < 0.5 else chance.choice(WORDS) for _ in range(chance.randrange(4)))
        cut = chance.randrange(len(text) + 1) if chance.random() < 0.3 else len(text)
        parts += [toklet.Part(text[:cut], trusted), toklet.Part(text[cut:], trusted if chance.random() < 0.5 else not trusted)]
    return parts


SPECIAL = re.compile("|".join(map(re.escape, sorted(NAMES, key=len, reverse=True))))
WALL = "\uffff"


def pieces(parts: list[Any]) -> list[str]:
    """Text, special token, text, …, text: what is found where all but the trusted runs is walled off."""
    numbered = [(part.trusted, number if type(part.text) is not str else -1, part.text) for number, part in enumerate(parts)]
    text = walled = ""
    for (trusted, *_), run in groupby(numbered, key=lambda part: part[:2]):
        own = "".join(part[2] for part in run)
        text += WALL + own
        walled += WALL + (own if trusted else WALL * len(own))
    found, at = [], 0
    for match in SPECIAL.finditer(walled):
        found += [text[at : match.start()].replace(WALL, ""), match[0]]
        at = match.end()
    return [*found, text[at:].replace(WALL, "")]


def check(toklet: Any, pattern: str, count: int, seed: int) -> int:
    """Hold `count` lists against it; give how many special tokens there were."""
    merges = [(b"<", b"|"), (b"|", b">"), (b"i", b"m"), (b" ", b" "), (b"a", b"a"), (b"\xc3", b"\xa9"), (b"<|", b"im"), (b"e", b"n")]
    tok, chance = toklet.Tokenizer.from_merges(merges, pattern=pattern, special_tokens=NAMES), random.Random(seed)
    lists = [part_list(toklet, chance) for _ in range(count)]
    prompts = [toklet.Prompt(parts, tok) for parts in lists]
    expected = [pieces(parts) for parts in lists]
    plain = tok.encode_batch([text for found in expected for text in found[::2]])
    row, specials = 0, 0
    whole = tok.encode_batch([prompt.text for prompt in prompts])
    for prompt, found, honest in zip(prompts, expected, whole, strict=True):
        ids: list[int] = []
        for text, name in zip(found[::2], [*found[1::2], None], strict=True):
            assert tok.decode(plain[row]) == text
            ids += plain[row].tolist() + ([] if name is None else [tok.special_tokens[name]])
            row += 1
        assert prompt.ids.tolist() == ids, prompt.parts
        assert tok.decode(prompt.ids) == prompt.text
        if not SPECIAL.search(prompt.text):
            assert ids == honest.tolist()
        specials += len(found) // 2
    return specials


@pytest.mark.parametrize("pattern", ["gpt2", "cl100k", "o200k"])
def test_special_ids_come_from_trusted_text_only(toklet: Any, pattern: str) -> None:
    assert check(toklet, pattern, 1_000, 1) > 500


@pytest.mark.slow
def test_special_ids_come_from_trusted_text_only_in_a_hundred_thousand_lists(toklet: Any) -> None:
    assert sum(check(toklet, pattern, 10_000, seed) for seed in range(4) for pattern in ("gpt2", "cl100k", "o200k")) > 50_000


def test_a_special_token_by_name_is_that_whatever_stands_beside_it(toklet: Any) -> None:
    tok = toklet.Tokenizer.from_merges([], pattern="gpt2", special_tokens=["<s>", "<s><s>", "s>"])
    one, two = toklet.Part.special("<s>"), toklet.Part("<s>", trusted=True)
    assert toklet.Prompt([one, one], tok).ids.tolist() == [tok.special_tokens["<s>"]] * 2
    assert toklet.Prompt([two, two], tok).ids.tolist() == [tok.special_tokens["<s><s>"]]
    assert toklet.Prompt([toklet.Part("<", trusted=True), toklet.Part.special("s>", role="user")], tok).ids.tolist() == [60, tok.special_tokens["s>"]]
    packed = toklet.pack([toklet.Block([one, ("text", False)]), toklet.Block([one])], tok, 9, separator="")
    assert packed.ids.tolist() == [256, *b"text", 256]
    with pytest.raises(toklet.PromptError, match="the special token is '<pad>'"):
        toklet.Prompt([toklet.Part.special("<pad>")], tok)


def test_numbers_of_ids_add_up(toklet: Any) -> None:
    tok = toklet.Tokenizer.from_merges([(b"a", b"b")], pattern="gpt2", special_tokens=NAMES)
    prompt = toklet.Prompt(part_list(toklet, random.Random(9)), tok)
    assert prompt.lengths().sum() == len(prompt)
    assert prompt.lengths().tolist() == [span.ids[1] - span.ids[0] for span in prompt.spans]
    assert isinstance(prompt.lengths(), np.ndarray)
