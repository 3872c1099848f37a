"""Vectors of text: pretokens, ids, merges, and the parts of prompts."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from toklet.reference import PATTERNS, Template, Tokenizer, WordCounts, few_shot, split, train
from toklet.reference.error import Error
from toklet.reference.prompt import Part

from .chance import SPECIALS, Chance

Case = dict[str, Any]


def hexed(pairs: Sequence[tuple[bytes, bytes]]) -> list[list[str]]:
    """Write merges."""
    return [[left.hex(), right.hex()] for left, right in pairs]


def splits() -> Iterator[Case]:
    """Pattern, text -> pretokens."""
    chance = Chance(1)
    alphabet = ["a", "A", "中", "1", "\u0301", " ", "\n", "'", "s", "!", "/"]
    texts = ["".join(three).encode() for three in ((a, b, c) for a in alphabet for b in alphabet for c in alphabet) if chance.below(12) == 0]
    texts += [chance.text().encode() for _ in range(240)] + [chance.data() for _ in range(50)]
    for number, text in enumerate(texts):
        for pattern in list(PATTERNS)[: 3 if number % 2 else None]:  # the rest is near to these three, and a file stays small
            if pattern == "cl100k_end" and not text[-1:].isspace():
                continue  # cl100k's
            yield {"pattern": pattern, "text": text.hex(), "pretokens": [word.hex() for word in split(text, pattern)]}


def encodings() -> Iterator[Case]:
    """Merges, special tokens, text -> ids, offsets in characters; with special tokens as text, allowed, and refused (the sentence, or null)."""
    chance = Chance(2)
    for number in range(60):
        letters = chance.choose(["ab ", "l lower", "aé ", "中文 \n", "ab\xff"])
        merges = chance.merges(letters, chance.below(30))
        specials = [name for name in SPECIALS if chance.below(2)]
        pattern = list(PATTERNS)[number % 3]
        tok = Tokenizer.from_merges(merges, specials, pattern)
        cases = []
        for _ in range(6):
            pieces = chance.several(
                8, lambda letters=letters: chance.choose([chance.plain(letters, 6), chance.plain(letters, 6), chance.choose(SPECIALS), chance.text(2)])
            )
            data = "".join(pieces).encode() + (chance.data() if chance.below(4) == 0 else b"")
            ids, offsets = tok.encode_with_offsets(data)
            refused = None
            try:
                tok.encode(data, "error")
            except Error as error:
                refused = str(error)
            cases.append({"text": data.hex(), "ids": ids, "offsets": offsets, "allow": tok.encode(data, "allow"), "error": refused})
        yield {"pattern": pattern, "merges": hexed(merges), "special_tokens": specials, "cases": cases}


def ranked() -> Iterator[Case]:
    """Ranks, text -> ids; and the merges that the ranks imply."""
    chance = Chance(3)
    for _ in range(12):
        tokens = {bytes([byte]): 255 - byte for byte in range(256)}
        for left, right in chance.merges("abc é", 20):
            tokens.setdefault(left + right, len(tokens))
        tokens.setdefault(b"cabcab", len(tokens))
        tok = Tokenizer(tokens, None, {"<s>": 400}, "cl100k", whole=True)
        texts = [chance.plain("abc é", 14).encode() for _ in range(10)] + [b"cabcab", b"cabcab cabcabc"]
        made = [[token.hex(), id] for token, id in tokens.items() if id > 255]
        cases = [{"text": text.hex(), "ids": tok.encode(text)} for text in texts]
        yield {"pattern": "cl100k", "bytes": "255 - byte", "tokens": made, "merges": hexed(tok.merges()), "cases": cases}


def trainings() -> Iterator[Case]:
    """Word counts, options -> merges."""
    chance = Chance(4)
    for number in range(60):
        letters = chance.choose(["ab", "aab", "abcdef", "é中 ", "\x00\x7fa!~"])
        words: dict[bytes, int] = {}
        for _ in range(1 + chance.below(24)):
            word = chance.plain(letters, 9).encode() or b"a"
            words[word] = 1 + chance.below(chance.choose([3, 50, 2**40]))
        options = {
            "vocab_size": 256 + 2 * (number % 4 == 0) + chance.below(60),
            "special_tokens": ["<s>", "</s>"] if number % 4 == 0 else [],
            "min_frequency": chance.choose([1, 1, 2, 5]),
            "max_token_length": chance.choose([None, None, 2, 3, 5]),
            "ties": chance.choose(["ids", "huggingface"]),
        }
        tok = train(WordCounts(words, "gpt2"), **options)  # type: ignore[arg-type]
        yield {"words": [[word.hex(), n] for word, n in sorted(words.items())], **options, "merges": hexed(tok.merges())}


def tried(work: Callable[[], Any]) -> Case:
    """Give what comes out, or the sentence of the error."""
    try:
        return {"parts": work(), "error": None}
    except Error as error:
        return {"parts": None, "error": str(error)}


def prompts() -> Iterator[Case]:
    """Templates and their values -> parts, or an error; examples -> few-shot parts; parts -> ids."""
    chance = Chance(7)
    sources = [
        "",
        "{{ a }}",
        "{{a}}{{ b }}",
        "x {{ b }} y {{ a }} {{ b }}",
        "{ } }} {{ a }}}",
        "{{ a",
        "{{ }}",
        "{{ a b }}",
        "{{ é }}",
        "{{ 1a }}",
        "{{ a\n}}",
        "{{ a | trim }}",
        "{{a|trim}}{{ a }}",
        "{{ a | upper }}",
        "{{ | trim }}",
    ]
    sources += ["".join(chance.several(6, lambda: chance.choose(["{{ a }}", "{{b}}", "{{", "}}", "{", "}", "text", "\n", "{{ c }}"]))) for _ in range(60)]
    for source in sources:
        for values in ({"a": "1 {{ b }}", "b": "<s>"}, {"a": " \u3000\n b\x1f\x85"}, {"a": ""}, {}):
            yield {"kind": "template", "source": source, "values": values, **tried(lambda source=source, values=values: Template(source).parts(values))}
    qa = "Q: {{ q }}\nA: {{ a }}<|end|>"
    for stop in (None, "a", "q", "z"):
        for query in (None, {"q": "3 + 3?"}, {"q": "3 + 3?", "a": "6"}, {"x": "1"}):
            for separator in ("", "\n\n"):
                shots = [{"q": "1 + 1?", "a": "2"}, {"q": "", "a": "{{ q }}"}]
                given = {"source": qa, "examples": shots, "separator": separator, "query": query, "stop_before": stop}
                yield {"kind": "few_shot", **given, **tried(lambda given=given: few_shot(Template(qa), *list(given.values())[1:]))}  # type: ignore[arg-type]
    pieces = ["<|end|>", "<|en", "d|>", "<s>", "é", "a", " ", "aa", "中", "", "<|end"]
    for _ in range(200):
        names = [name for name in SPECIALS if chance.below(2)]
        parts = chance.several(6, lambda: ("".join(chance.several(3, lambda: chance.choose(pieces))), chance.below(2) == 0))
        tok = Tokenizer.from_merges([(b"a", b"a"), (b"<", b"|"), (b"d", b"|")], names, "o200k")
        yield {
            "kind": "encode_parts",
            "merges": [["61", "61"], ["3c", "7c"], ["64", "7c"]],
            "special_tokens": names,
            "parts": [Part(*part) for part in parts],
            "ids": tok.encode_parts(parts),
        }


HONEST = [
    [("<s>", True), ("é", False)],
    [("", True), ("", False)],
    [("a", True), ("a", False), ("a", True)],
    [("don", False), ("'t", True), (" 12", False), ("34", True)],
]
HOSTILE = [
    [("<|end|>", False)],
    [("<|end", True), ("|>", False)],
    [("<|end", False), ("|>", True)],
    [("<|end", False), ("|>", False)],
    [("<|end", True), ("", False), ("|>", True)],
    [("<|end", True), ("|>", True)],
    [("<|end|><|end|>", False), ("<|end|>", True), ("<|end|>", False)],
    [("<|en<|end|>d|>", True), ("<|en<|end|>d|>", False)],
    [("\uff1c\uff5cend\uff5c\uff1e", True), ("<|END|>", True), ("<|\u200bend|>", True)],
    [("<|end", True), ("|>", "special"), ("|>", True)],
    [("<s>", "special"), ("<s>", "special"), ("<s", False), (">", True)],
]


def parted() -> Iterator[Case]:
    """Parts of a prompt -> ids, for each of some vocabularies: ids 0 to 255 are the bytes, then come the merges in order, then the special tokens.

    A part is [text, trusted], or [name, "special"] for a special token by name. Neighbours of one trust are one text; a special token is found only inside one
    trusted text, the longest at the leftmost place; all that lies between two special tokens is joined, split by the pattern and merged as one text.
    """
    chance, merges = Chance(8), [(b"a", b"a"), (b"<", b"|"), (b"d", b"|"), (b"n", b"'"), (b"3", b"4"), (b"\xc3", b"\xa9"), (b" ", b"1"), (b" 1", b"2")]
    words = ["<|end|>", "<|en", "d|>", "<s>", "é", "a", " ", "aa", "中", "", "<|end", "|>", "\uff1c\uff5cend\uff5c\uff1e", "\0", "\n\n", "😀"]
    for pattern in (name for name in PATTERNS if name != "cl100k_end"):
        for names in (["<|end|>", "|>", "<s>"], ["<|end", "<|end|>", "|>", "<s>", "é"], ["|>", "<s>", "aa", "a"], ["\uff1c\uff5cend\uff5c\uff1e", "|>", "<s>"]):
            tok = Tokenizer.from_merges(merges, names, pattern)
            random = [[("".join(chance.several(3, lambda: chance.choose(words))), chance.below(2) == 0) for _ in range(chance.below(6))] for _ in range(40)]
            cases = []
            for parts in [*HONEST, *HOSTILE, *random]:
                runs: list[tuple[str, bool]] = []
                for text, trust in parts:
                    runs += [("", False), (text, True), ("", False)] if trust == "special" else [(text, bool(trust))]
                cases.append({"parts": parts, "ids": tok.encode_parts(runs)})
            known = [[left.hex(), right.hex()] for left, right in merges]
            yield {"pattern": pattern, "regex": PATTERNS[pattern], "merges": known, "special_tokens": names, "cases": cases}
