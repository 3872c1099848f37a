"""Write tests/vectors/*.json: what the reference says, for the core's own tests (`cargo test`) and for Python's.

    PYTHONPATH=python TOKLET_BACKEND=reference python tools/vectors.py

Bytes stand as hexadecimal, floats as the 64 bits of a double in hexadecimal, most significant first; a case a line. The cases are chosen by the reference's
own random numbers, so the same files come out everywhere; a Python test checks that those in the tree are what this makes.
"""

import json
import math
import struct
from array import array
from collections.abc import Callable, Iterator, Sequence
from itertools import count, islice
from pathlib import Path
from typing import Any, TypeVar

from toklet.reference import PATTERNS, Sampler, Template, Tokenizer, WordCounts, few_shot, log_softmax, softmax, split, train
from toklet.reference.error import Error
from toklet.reference.philox import philox, uniform
from toklet.reference.prompt import Part
from toklet.reference.sample.settings import ORDERS, STEPS
from toklet.reference.sample.weight import LARGEST, single

FOLDER = Path(__file__).parents[1] / "tests" / "vectors"
Case = dict[str, Any]
T = TypeVar("T")

LETTERS = ["a", "Z", "É", "ß", "ſ", "ǅ", "ʰ", "ª", "中", "한", "K", "𐐀", "s", "ll", "RE", "t", "Aa", "iPhone", "aB"]
MARKS = ["\u0301", "\u0e34", "\ufe0f", "\u200d", "\u0378", "\ue000", "\U0010ffff", "\0", "\x7f"]
NUMBERS = ["1", "12", "1234", "²", "Ⅷ", "٣", "½"]
BLANKS = [" ", "  ", "   ", "\t", "\n", "\r\n", "\n\n", " \n ", "\u00a0", "\u3000", "\u2028", "\x85", "\x0b", "\x1c", "\u180e"]
SIGNS = ["'", "'s", "'LL", "'ſ", "''", "!", "?!", "/", "//", "!/\n", "...", "-", "€", "😀", "👩‍👩‍👧", "’s", "_", "\\"]
SPECIALS = ["<|end|>", "<|end", "|>", "<s>", "é", "aa"]
KINDS = [LETTERS, LETTERS, MARKS, NUMBERS, BLANKS, BLANKS, SIGNS, SIGNS]
BROKEN = [b"\xff", b"\x80", b"\xc3", b"\xe2\x82", b"\xf0\x9f\x98", b"\xed\xa0\x80", b"\xc0\x80", b"\xf4\x90\x80\x80"]
PURPOSE = 0xC405E  # no decision of toklet's


class Chance:
    """Random numbers that never change."""

    def __init__(self, seed: int) -> None:
        self.numbers = (uniform(seed, n, PURPOSE) for n in count())

    def below(self, n: int) -> int:
        """Give an integer from 0 to n - 1."""
        return int(next(self.numbers) * n)

    def choose(self, items: Sequence[T]) -> T:
        """Give one of the items."""
        return items[self.below(len(items))]

    def several(self, most: int, make: Callable[[], T]) -> list[T]:
        """Give up to `most` things."""
        return [make() for _ in range(self.below(most + 1))]

    def text(self, most: int = 9) -> str:
        """Give a text with everything in it that patterns tell apart."""
        return "".join(self.several(most, lambda: self.choose(self.choose(KINDS))))

    def data(self) -> bytes:
        """Give bytes that are nearly UTF-8."""
        return b"".join(self.several(6, lambda: self.choose(BROKEN) if self.below(2) else self.text(3).encode()))

    def plain(self, letters: str, most: int) -> str:
        """Give a text of few letters."""
        return "".join(self.several(most, lambda: self.choose(letters)))

    def merges(self, letters: str, most: int) -> list[tuple[bytes, bytes]]:
        """Give merges that make sense."""
        tokens = [letter.encode()[i : i + 1] for letter in letters for i in range(len(letter.encode()))]
        merges: list[tuple[bytes, bytes]] = []
        for _ in range(most):
            pair = (self.choose(tokens), self.choose(tokens))
            if pair not in merges and len(pair[0] + pair[1]) < 40:
                merges.append(pair)
                tokens += [pair[0] + pair[1]] if pair[0] + pair[1] not in tokens else []
        return merges


def bits(x: float) -> str:
    """Write a double.

    >>> bits(1.0)
    '3ff0000000000000'
    """
    return struct.pack(">d", x).hex()


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


def edge_rows(chance: Chance) -> Iterator[list[float]]:
    """Give rows of logits with everything in them that arithmetic tells apart."""
    edges = [0.0, -0.0, 1.0, 1.0, -math.inf, 5e-324, 1e30, -1e30, 700.0, -745.2, 1.7e308]
    yield from ([0.0], [-1e30], [-0.0, 0.0], [0.0, -math.inf], [math.inf, 1.0], [1.0, math.inf, math.inf], [1e30, 1e30, 0.0], [0.0] * 40, [5e-324, 0.0])
    while True:
        row = [chance.choose(edges) if chance.below(3) == 0 else (next(chance.numbers) - 0.5) * chance.choose([2, 10, 60]) for _ in range(1 + chance.below(20))]
        if max(row) > -math.inf:
            yield [round(x, 1) if chance.below(2) else x for x in row]


def settings(chance: Chance, size: int) -> dict[str, Any]:
    """Give some settings of a sampler of `size` ids."""

    def part() -> float:
        return chance.choose([0.5, 0.9, 1.0, 5e-324, next(chance.numbers)])

    may_be: dict[str, Callable[[], Any]] = {
        "temperature": lambda: chance.choose([1.0, 0.0, 0.5, 2.0, 1e-3, 5e-324, 1e300, next(chance.numbers) * 3]),
        "top_k": lambda: chance.choose([1, 2, 5, 1000]),
        "top_p": part,
        "min_p": lambda: chance.choose([0.0, 0.1, 1.0, next(chance.numbers)]),
        "typical_p": part,
        "top_n_sigma": lambda: next(chance.numbers) * 3,
        "xtc_probability": part,
        "xtc_threshold": lambda: next(chance.numbers) / 3,
        "repetition_penalty": lambda: next(chance.numbers) * 2 + 0.1,
        "presence_penalty": lambda: next(chance.numbers) * 4 - 2,
        "frequency_penalty": lambda: next(chance.numbers) * 4 - 2,
        "penalty_last_n": lambda: chance.below(6),
        "dry_multiplier": lambda: next(chance.numbers) * 3,
        "dry_allowed_length": lambda: 1 + chance.below(3),
        "dry_sequence_breakers": lambda: sorted(set(chance.several(2, lambda: chance.below(size)))),
        "mirostat": lambda: 1 + chance.below(2),
        "mirostat_tau": lambda: next(chance.numbers) * 4 + 0.1,
        "logit_bias": lambda: {chance.below(size): chance.choose([-math.inf, 3.5, -2.0]) for _ in range(2)} if size > 2 else {},
    }
    found = {name: make() for name, make in may_be.items() if chance.below(4) == 0}
    order = chance.choose(list(ORDERS))
    shuffled = sorted(STEPS, key=lambda _: next(chance.numbers))
    return {**found, "order": shuffled if chance.below(3) == 0 else order, "seed": chance.choose([0, 1, 2**64 - 1, int(next(chance.numbers) * 2**64)])}


def written(value: Any) -> Any:
    """Write settings as JSON that keeps every bit."""
    if isinstance(value, dict):
        return {str(key): written(item) for key, item in value.items()}
    return bits(value) if isinstance(value, float) else value


def samplings() -> Iterator[Case]:
    """A row of logits, what belongs to it, settings -> the ids at some positions, and the distribution."""
    chance = Chance(5)
    for row in islice(edge_rows(chance), 220):
        single = chance.below(2) == 1
        if single:
            row = [clamped(x) for x in row]
        given = settings(chance, len(row))
        history = [] if chance.below(3) == 0 else [chance.below(min(len(row), 4)) for _ in range(chance.below(13))]
        words = [sum((chance.below(3) > 0) << bit for bit in range(32)) for _ in range(0, len(row), 32)] if chance.below(4) == 0 else None
        positions = [0, 1, 2**32, 2**64 - 1, *(int(next(chance.numbers) * 2**64) for _ in range(4))]
        yield from sampled(row, single, given, history, words, positions, True)


def streams() -> Iterator[Case]:
    """64 ids of each named order, and of settings in wide use."""
    chance = Chance(6)
    usual: list[dict[str, Any]] = [
        *({"temperature": 0.8, "top_k": 40, "top_p": 0.95, "min_p": 0.05, "repetition_penalty": 1.1, "order": name} for name in ORDERS),
        {},
        {"temperature": 0.7},
        {"top_k": 50},
        {"top_p": 0.9},
        {"min_p": 0.05},
        {"typical_p": 0.9},
        {"top_n_sigma": 1.0},
        {"xtc_probability": 0.5},
        {"mirostat": 1, "mirostat_tau": 3.0},
        {"mirostat": 2, "mirostat_tau": 3.0},
        {"frequency_penalty": 0.5, "presence_penalty": 0.2},
        {"dry_multiplier": 0.8},
    ]
    for given in usual:
        row = [clamped(round((next(chance.numbers) + next(chance.numbers) - 1) * 12, 2)) for _ in range(300)]
        history = chance.several(40, lambda: chance.below(30))
        yield from sampled(row, True, {**given, "seed": 7}, history, None, list(range(64)), False)


def clamped(x: float) -> float:
    """Give a number as a single holds it, one that is finite if it is."""
    return x if math.isinf(x) else single(max(-LARGEST, min(LARGEST, x)))


def sampled(
    row: list[float], is_single: bool, given: dict[str, Any], history: list[int], words: list[int] | None, positions: list[int], whole: bool
) -> Iterator[Case]:
    """Give the case, unless the settings leave nothing to draw from."""
    sampler = Sampler([given])
    logits = array("f" if is_single else "d", row)
    mask = None if words is None else [array("I", words)]
    try:
        ids = [sampler.sample([logits], [position], [history], mask)[0] for position in positions]
        distribution = [bits(p) for p in sampler.distribution([logits], positions[:1], [history], mask)] if whole else None
    except Error:
        return
    yield {
        "row": [bits(x) for x in row],
        "single": is_single,
        "settings": written(given),
        "history": history,
        "mask": words,
        "positions": positions,
        "ids": ids,
        "distribution": distribution,
    }


def softmaxes() -> Iterator[Case]:
    """A row of logits, a temperature -> the probabilities and their logarithms."""
    chance = Chance(7)
    for row in islice(edge_rows(chance), 130):
        temperature = chance.choose([1.0, 1.0, 0.0, 0.5, 2.0, 1e-3, 5e-324, 1e300, next(chance.numbers) * 3])
        yield {
            "row": [bits(x) for x in row],
            "temperature": bits(temperature),
            "softmax": [bits(p) for p in softmax(row, temperature)],
            "log_softmax": [bits(p) for p in log_softmax(row)],
        }


def random_numbers() -> Iterator[Case]:
    """Counter, key -> words of the generator; seed, position, purpose -> the uniform number."""
    chance = Chance(6)
    known = [((0,) * 4, (0,) * 2), ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2), ((0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344), (0xA4093822, 0x299F31D0))]
    for counter, key in known + [(tuple(chance.below(2**32) for _ in range(4)), tuple(chance.below(2**32) for _ in range(2))) for _ in range(200)]:
        yield {"counter": counter, "key": key, "words": philox(counter, key)}  # type: ignore[arg-type]
    for seed in (0, 1, 2**32, 2**64 - 1, *(int(next(chance.numbers) * 2**64) for _ in range(60))):
        for position in (0, 1, 2**32 - 1, 2**64 - 1):
            yield {"seed": seed, "position": position, "purpose": 0, "uniform": bits(uniform(seed, position, 0))}


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
    for pattern in PATTERNS:
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


FILES: dict[str, tuple[Callable[[], Iterator[Case]], ...]] = {
    "split": (splits,),
    "encode": (encodings,),
    "ranks": (ranked,),
    "train": (trainings,),
    "sample": (samplings,),
    "streams": (streams,),
    "softmax": (softmaxes,),
    "philox": (random_numbers,),
    "prompt": (prompts,),
    "parts": (parted,),
}


def vectors() -> dict[str, str]:
    """Give the text of each file."""
    made = {}
    for name, sources in FILES.items():
        cases = ",\n".join(json.dumps(case, ensure_ascii=True, separators=(",", ":")) for source in sources for case in source())
        made[f"{name}.json"] = f'{{"about":{json.dumps("; ".join(str(source.__doc__) for source in sources))},"cases":[\n{cases}\n]}}\n'
    return made


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, text in vectors().items():
        (FOLDER / name).write_text(text, "ascii", newline="\n")
        print(f"{FOLDER / name}: {len(text)} bytes")
