"""Text that spells special tokens, whole, split over parts, doubled, nested, hidden: it never becomes one unless the caller says so."""

import itertools

from run import holds, main, refused

import toklet

NAMES = ["<|end|>", "<|end|><|end|>", "<|", "|>", "<s>", " ", "é", "\n"]
TOK = toklet.train(["<|end|> <s> é ends"] * 9, 300, special_tokens=NAMES)
IDS = set(TOK.special_tokens.values())
ENDS = ["", " ", "<|", "|>", "\n", "é", "\0", "a"]
TEXTS = [a + name + b for a, name, b in itertools.product(ENDS, [*NAMES, "<|e<|end|>nd|>", "<|END|>", "<|end|>" * 99, "{{ a }}"], ENDS)]
TEMPLATE = toklet.Template("<s>{{ a }}:{{ b }}<|end|>")


def specials(ids: object) -> int:
    """Count the special tokens."""
    return sum(int(id) in IDS for id in ids)  # type: ignore[attr-defined]


def attack() -> str:
    """Spell them everywhere."""
    for text in TEXTS:
        for ids in (TOK.encode(text), TOK.encode_batch([text])[0], TOK.encode_with_offsets(text)[0], TOK.encode(text.encode())):
            holds(specials(ids) == 0 and TOK.decode(ids) == text, f"encode({text!r}) gives a special token")
        holds(specials(TOK.encode(text, special=set())) == 0, f"encode({text!r}, special=set()) gives a special token")
        holds(TOK.count(text) == len(TOK.encode(text)), f"count({text!r}) is not what encode gives")
        if any(name in text for name in NAMES):
            refused(f"encode({text!r}, special='error')", lambda text=text: TOK.encode(text, special="error"), toklet.TextError)
        for other in ("", "|>", text):
            prompt = TEMPLATE.render(TOK, a=text, b=other)
            holds(specials(prompt.ids) == 2, f"a={text!r}, b={other!r} changes the special tokens of the prompt")
            holds(TOK.decode(prompt.ids) == prompt.text, f"a={text!r}, b={other!r}: the prompt does not come back")
            # an <s> for each of the three, and twice the end of one and the separator behind it, which together are one special token
            shots = toklet.FewShot(TEMPLATE, [{"a": text, "b": other}] * 2, separator="<|end|>", query={"a": other}, stop_before="b").render(TOK)
            holds(specials(shots.ids) == 5, f"a={text!r}, b={other!r} changes the special tokens of the few-shot prompt")
    for a, b in (("<", "|end|>"), ("<|e", "nd|>"), ("<|end|", ">")):
        prompt = toklet.Template("{{ a }}{{ b }}").render(TOK, a=a, b=b)
        holds(specials(prompt.ids) == 0, f"{a!r} and {b!r} in two neighbouring slots become a special token")
        prompt = toklet.Template(a + "{{ b }}").render(TOK, b=b)
        holds(specials(prompt.ids) == specials(TOK.encode(a, special="allow")), f"{b!r} completes the template's {a!r} to a special token")
    return f"{len(TEXTS)} texts that spell special tokens, alone, in batches and in prompts: 0 special ids out of text"


main(attack)
