"""native == reference: the same pretokens, ids, merges, draws, parts, files and errors from both, bit for bit."""

import math
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from . import strategies
from .strategies import PATTERN_NAMES

MANY = settings(max_examples=120)


def bits(values: Any) -> bytes:
    """Give float64 as bytes: native ones come as such, those of the reference as a list."""
    return bytes(values) if isinstance(values, bytearray) else np.array(values, np.float64).tobytes()


@pytest.mark.parametrize("pattern", PATTERN_NAMES)
@MANY
@given(text=strategies.texts(), data=strategies.data())
def test_split(both: Any, pattern: str, text: str, data: bytes) -> None:
    both.same_core(lambda core: core.split(text.encode(), pattern))
    both.same_core(lambda core: core.split(data, pattern))


@pytest.mark.slow
@pytest.mark.parametrize("pattern", PATTERN_NAMES)
def test_split_on_corpora(both: Any, shared: Path, pattern: str) -> None:
    for name in ("english", "code", "multilingual"):
        with open(shared / "corpora" / f"{name}.txt", "rb") as file:
            data = file.read(400_000)
        both.same_core(lambda core, data=data: core.split(data, pattern))


@pytest.mark.slow
@pytest.mark.parametrize("pattern", PATTERN_NAMES)
def test_split_on_every_three_characters_of_an_alphabet(both: Any, pattern: str) -> None:
    """Every text of three characters from 24 that stand for all that the patterns tell apart."""
    alphabet = "aAǅʰ中é1\u0301 \t\n\r'!/sStl\u00a0ſ\u2028\x00😀"
    data = [f"{a}{b}{c}".encode() for a in alphabet for b in alphabet for c in alphabet]
    both.same_core(lambda core: [core.split(text, pattern) for text in data])


@MANY
@given(merges=strategies.merges(), names=strategies.specials(), text=strategies.spelled(), data=strategies.data(6), pattern=st.sampled_from(PATTERN_NAMES))
def test_encode(both: Any, merges: list[tuple[bytes, bytes]], names: list[str], text: str, data: bytes, pattern: str) -> None:
    def all_of_it(toklet: Any) -> Any:
        tok = toklet.Tokenizer.from_merges(merges, pattern=pattern, special_tokens=names)
        found: list[Any] = [tok.vocab_size, tok.tokens, tok.merges, tok.special_tokens]
        for each in (text, data):
            for special in ("text", "allow"):
                ids = tok.encode(each, special=special)
                found += [ids.tolist(), tok.decode(ids), tok.decode_bytes(ids), tok.count(each, special)]
                found += [[part.tolist() for part in tok.encode_with_offsets(each, special, unit)] for unit in ("characters", "bytes")]
            found += [tok.truncate(each, most, keep) for most in (0, 1, 2, 5) for keep in ("head", "tail", "middle")]
        batch = tok.encode_batch([text, data, text])
        return [*found, batch.ids.tolist(), batch.offsets.tolist(), batch.ids.dtype, batch.offsets.dtype]

    both.same(all_of_it)


@MANY
@given(ranks=strategies.ranks(), text=strategies.spelled(), data=strategies.data(6))
def test_ranks(both: Any, ranks: dict[bytes, int], text: str, data: bytes) -> None:
    def all_of_it(toklet: Any) -> Any:
        tok = toklet.Tokenizer.from_ranks(ranks, pattern="o200k", special_tokens={"<|end|>": 5000})
        return [tok.encode(text).tolist(), tok.encode(data, special="allow").tolist(), tok.merges, tok.vocab_size, hash(tok)]

    both.same(all_of_it)


@MANY
@given(text=strategies.spelled(), names=strategies.specials(), special=st.one_of(st.just("error"), st.sets(st.sampled_from(strategies.SPECIALS), max_size=3)))
def test_special_policies_and_their_errors(both: Any, text: str, names: list[str], special: Any) -> None:
    chosen = special if isinstance(special, str) else sorted(special)
    both.same(lambda toklet: toklet.Tokenizer.from_merges([], pattern="gpt2", special_tokens=names).encode(text, special=chosen).tolist())


@given(ids=st.lists(st.integers(0, 300), max_size=20), errors=st.sampled_from(["strict", "replace"]))
@example([0xED, 0xA0, 0x80], "replace")
def test_decode_and_stream(both: Any, ids: list[int], errors: str) -> None:
    def all_of_it(toklet: Any) -> Any:
        tok = toklet.Tokenizer.from_merges([(b"\xc3", b"\xa9"), (b"\xe2", b"\x82"), (b"\xff", b"a")], pattern="gpt2", special_tokens=["é<"])
        return tok.decode([id % 260 for id in ids], errors=errors)

    def streamed(toklet: Any) -> Any:
        stream = toklet.Tokenizer.from_merges([(b"\xc3", b"\xa9"), (b"\xe2", b"\x82")], pattern="gpt2").stream()
        return [stream.push(id % 258) for id in ids], stream.end()

    both.same(all_of_it)
    both.same(streamed)
    both.same(lambda toklet: toklet.Tokenizer.from_merges([], pattern="gpt2").decode_bytes(ids))


@MANY
@given(
    texts=st.lists(st.one_of(strategies.texts(8), st.text("ab é", max_size=20), strategies.data(4)), min_size=1, max_size=5),
    size=st.integers(256, 330),
    ties=st.sampled_from(["ids", "huggingface"]),
    least=st.integers(1, 3),
    longest=st.none() | st.integers(1, 9),
    names=st.lists(st.sampled_from(["<s>", "</s>", "中"]), max_size=2, unique=True),
    pattern=st.sampled_from(PATTERN_NAMES),
)
def test_train(both: Any, texts: Any, size: int, ties: str, least: int, longest: int | None, names: list[str], pattern: str) -> None:
    def merges(toklet: Any) -> Any:
        options = {"ties": ties, "min_frequency": least, "max_token_length": longest, "special_tokens": names, "pattern": pattern}
        tok = toklet.train(texts, size, **options)
        return tok.merges, tok.tokens, tok.special_tokens, list(toklet.count(texts, pattern))

    both.same(merges)


@pytest.mark.parametrize("ties", ["ids", "huggingface"])
def test_train_on_many_words_of_few_letters(both: Any, ties: str) -> None:
    """Few letters and small counts make ties and overlaps; 400 merges go deep."""
    chance = random.Random(5)
    for letters in ("ab", "aab\xff", "abcdef gh"):
        words = {"".join(chance.choices(letters, k=chance.randint(1, 14))).encode(): chance.randint(1, 4) for _ in range(300)}
        both.same(lambda toklet, words=words: toklet.WordCounts(words, "gpt2").train(656, ties=ties).merges)


@pytest.mark.slow
def test_train_on_a_corpus(both: Any, shared: Path) -> None:
    with open(shared / "corpora" / "multilingual.txt", "rb") as file:
        text = file.read(100_000)
    both.same(lambda toklet: toklet.train([text], 700).merges)


@pytest.mark.parametrize("n", [2**62, 2**63 - 1])
def test_pairs_whose_counts_add_up_over_64_bits(both: Any, n: int) -> None:
    words = {b"ab": n, b"abc": n, b"abd": n, b"abe": n, b"abf": n, b"xy": n}
    both.same(lambda toklet: toklet.WordCounts(words, "gpt2").train(260).merges)


@MANY
@given(call=strategies.calls_of_samplers(), positions=st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=4), some=st.data())
def test_sample(both: Any, call: dict[str, Any], positions: list[int], some: st.DataObject) -> None:
    """Ids, the distribution in float64 bits from the engines, and in float32 bits from the public API; log-probabilities and mirostat's state."""
    given, context = call["settings"], {"history": call["history"], "mask": call["mask"]}
    ids = some.draw(st.lists(st.integers(0, len(call["row"]) - 1), min_size=2, max_size=2))
    for array in call["rows"]:
        both.same(lambda toklet, array=array: [toklet.Sampler(**given).sample(array, position, **context) for position in positions])
        both.same(lambda toklet, array=array: toklet.Sampler(**given).distribution(array, positions[0], **context).tobytes())
        both.same(lambda toklet, array=array: bits(toklet.Sampler(**given)._core.distribution(array[None], positions[:1])))
        for processed in (False, True):
            asked = {"processed": processed, "position": positions[0], **context}
            both.same(lambda toklet, array=array, asked=asked: [part.tobytes() for part in toklet.Sampler(**given).logprobs(array, ids, 7, **asked)])
        both.same(lambda toklet, array=array: repr(toklet.Sampler(**given).observed(array, ids[0], positions[0], **context)))
        both.same(lambda toklet, array=array: toklet.accept_draft([array, array], [array[::-1].copy()], ids[:1], toklet.Sampler(**given)).tolist())


def random_row(rng: np.random.Generator, size: int) -> np.ndarray:
    """A row of any precision: smooth, tied, flat, sorted or of edges; sometimes with much of it forbidden."""
    kind = rng.integers(6)
    if kind == 0:
        edges = [0.0, -0.0, 1.0, -math.inf, 3e38, -3e38, 1e-45, -1e-40, 5e-324, 88.0, -745.0, *([math.inf] if rng.random() < 0.1 else [])]
        row = rng.choice(edges, size)
    else:
        row = [rng.normal(size=size), rng.normal(size=size) * 4, rng.normal(size=size).round(), np.zeros(size), np.sort(rng.normal(size=size) * 3)][kind - 1]
    if rng.random() < 0.3:
        row[rng.random(size) < rng.choice([0.3, 0.99])] = -math.inf
    with np.errstate(over="ignore"):
        single = row.astype(np.float32)
        return [single, single, single, row, row.astype(np.float16), (single.view(np.uint32) >> 16).astype(np.uint16)][rng.integers(6)]


def random_settings(rng: np.random.Generator) -> dict[str, Any]:
    """Settings of a sampler: a few of all, in any order."""
    may_be: dict[str, Any] = {
        "temperature": lambda: rng.choice([0, 0.01, 0.5, 0.8, 1, 1.7, 1e300, 5e-324]),
        "top_k": lambda: rng.integers(1, 80),
        "top_p": lambda: rng.choice([1e-9, 0.3, 0.9, 0.95, 0.999, 1.0]),
        "min_p": lambda: rng.choice([0, 1e-12, 0.01, 0.1, 1]),
        "typical_p": lambda: rng.choice([0.2, 0.9]),
        "top_n_sigma": lambda: rng.choice([0, 0.7, 2]),
        "xtc_probability": lambda: rng.choice([0.5, 1]),
        "xtc_threshold": lambda: rng.choice([0, 0.001, 0.1]),
        "repetition_penalty": lambda: rng.choice([0.7, 1.3]),
        "presence_penalty": lambda: rng.normal(),
        "frequency_penalty": lambda: rng.normal(),
        "penalty_last_n": lambda: rng.integers(0, 9),
        "dry_multiplier": lambda: rng.choice([0.8, 1e300]),
        "mirostat": lambda: rng.integers(1, 3),
        "mirostat_tau": lambda: rng.choice([0.5, 3, 5]),
    }
    chosen = {name: make().item() if hasattr(make(), "item") else make() for name, make in may_be.items() if rng.random() < 0.2}
    order = list(rng.permutation(strategies.STEPS)) if rng.random() < 0.2 else str(rng.choice(strategies.ORDERS))
    return {**chosen, "order": order, "seed": int(rng.integers(2**63))}


SIZES = ((40, 0.9), (600, 0.995), (5_000, 1.0))  # most rows are short, because the reference is slow


@pytest.mark.parametrize(("n", "seed"), [(2_000, 0), pytest.param(200_000, 1, marks=pytest.mark.slow)])
def test_sample_at_random(both: Any, n: int, seed: int) -> None:
    """Both draw the same from random rows with random settings; a part of the cases compares what is drawn from, too."""
    rng = np.random.default_rng(seed)
    engines = {backend.name: backend.core.Sampler for backend in (both.native, both.reference)}
    check, refused = both.reference.toklet.reference.sample.settings.check, 0
    for _ in range(n):
        u = rng.random()
        size = int(rng.integers(1, next(most for most, part in SIZES if u <= part)))
        row, given, positions = random_row(rng, size)[None], [check(random_settings(rng))], [int(rng.integers(2**63))]
        history = [rng.integers(0, min(size, 6), rng.integers(0, 16)).astype(np.uint32)]
        masks = [None, None, rng.random((1, size)) < 0.6][rng.integers(3)]
        found = {}
        for name, engine in engines.items():
            try:
                sampler = engine(given)
                drawn = sampler.sample(row, positions, history, masks)
                found[name] = [np.frombuffer(drawn, np.int64).tolist() if isinstance(drawn, bytearray) else drawn]
                if u < 0.2:
                    found[name].append(bits(sampler.distribution(row, positions, history, masks)))
            except ValueError as error:
                found[name] = [type(error).__name__, str(error)]
        refused += isinstance(found["native"][0], str)
        assert found["native"] == found["reference"], (row.tolist(), given, history, masks)
    assert refused < n / 5  # short rows of which a mask leaves nothing


@MANY
@given(row=st.lists(st.one_of(st.floats(allow_nan=False), st.floats(-50, 50), st.just(float("nan"))), min_size=1, max_size=30), k=st.integers(1, 40))
def test_softmax_and_its_like(both: Any, row: list[float], k: int) -> None:
    array = np.array(row, np.float64)
    for temperature in (1.0, 0.0, 0.3, 1e300, 5e-324):
        both.same_core(lambda core, temperature=temperature: bits(core.softmax(array, temperature, 3)))
    both.same_core(lambda core: bits(core.log_softmax(array, 3)))
    both.same(lambda toklet: [part.tobytes() for part in toklet.top_k(array, k)])
    both.same(lambda toklet: toklet.cross_entropy(array, 0))


@pytest.mark.slow
@pytest.mark.parametrize("size", [257, 32_000])
def test_sample_on_vocabularies_of_real_size(both: Any, size: int) -> None:
    rng = np.random.default_rng(size)
    all_at_once = {"top_k": 40, "top_p": 0.9, "min_p": 0.01}
    for scale, chosen in ((1, {}), (8, {"top_k": 50}), (4, {"top_p": 0.95, "temperature": 0.8}), (6, {"min_p": 0.05}), (3, all_at_once)):
        row = (rng.normal(size=size) * scale).round(2).astype(np.float32)  # rounded, so that there are ties
        row[rng.integers(0, size, size // 50)] = -np.inf
        both.same(lambda toklet, row=row, chosen=chosen: [toklet.Sampler(seed=7, **chosen).sample(row, n) for n in range(3)])
        both.same(lambda toklet, row=row, chosen=chosen: toklet.Sampler(seed=7, **chosen).distribution(row).tobytes())


@pytest.mark.slow
@pytest.mark.parametrize(
    "chosen", [{}, {"top_k": 50}, {"top_p": 0.9}, {"min_p": 0.01}, {"top_p": 0.9, "temperature": 2.0}, {"typical_p": 0.5}, {"top_k": 3_000}]
)
def test_sample_on_the_largest_vocabularies(both: Any, chosen: dict[str, Any]) -> None:
    row = (np.random.default_rng(3).normal(size=262_144) * 2).astype(np.float32)
    both.same(lambda toklet: toklet.Sampler(seed=7, **chosen).sample(row, 1))


@MANY
@given(
    source=st.one_of(
        strategies.texts(6),
        st.lists(st.sampled_from(["{{ a }}", "{{b}}", "{{", "}}", "{", "x", "{{ é }}", "{{  a  }}", "{{\na }}"]), max_size=5).map("".join),
    ),
    a=strategies.texts(3),
)
def test_templates_and_their_errors(both: Any, source: str, a: str) -> None:
    both.same(lambda toklet: toklet.Template(source).slots)
    both.same(lambda toklet: toklet.Template(source).format(a=a, b="1"))
    both.same(lambda toklet: toklet.Template(source).format(a=a))
    both.same(lambda toklet: toklet.Template(source).format())
    both.same_core(lambda core: core.Template(source).parts({"a": a}))


@given(
    values=st.lists(st.tuples(strategies.texts(3), strategies.texts(3)), max_size=3), separator=strategies.texts(2), stop=st.sampled_from([None, "q", "a", "z"])
)
def test_few_shot_parts(both: Any, values: list[tuple[str, str]], separator: str, stop: str | None) -> None:
    examples = [{"q": q, "a": a} for q, a in values]

    def parts(core: Any) -> Any:
        template = core.Template("Q{{ q }}: {{ a }}<|end|>")
        return [tuple(part) for part in core.few_shot(template, examples, separator, {"q": "1", "a": "2"}, stop)]

    both.same_core(parts)


@MANY
@given(parts=st.lists(st.tuples(strategies.spelled(4), st.booleans()), max_size=6), names=strategies.specials())
def test_prompts(both: Any, parts: list[tuple[str, bool]], names: list[str]) -> None:
    both.same(lambda toklet: toklet.Prompt(parts, toklet.Tokenizer.from_merges([(b"a", b"a")], pattern="o200k", special_tokens=names)).ids.tolist())


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(merges=strategies.merges(), ranks=strategies.ranks(), names=strategies.specials(), pattern=st.sampled_from(PATTERN_NAMES))
def test_saved_files(both: Any, tmp_path: Path, merges: Any, ranks: dict[bytes, int], names: list[str], pattern: str) -> None:
    """Byte for byte, and the same refusals: of special tokens that a token spells, and of merges that ranks can't say."""
    path = tmp_path / "tok"

    def saved(toklet: Any, tok: Any, ending: str) -> bytes:
        tok.save(f"{path}{ending}")
        return Path(f"{path}{ending}").read_bytes()

    for ending in (".json", ".tiktoken"):
        both.same(lambda t, ending=ending: saved(t, t.Tokenizer.from_merges(merges, pattern=pattern, special_tokens=names), ending))
        both.same(lambda t, ending=ending: saved(t, t.Tokenizer.from_ranks(ranks, pattern=pattern), ending))


def test_a_trained_file(both: Any, tmp_path: Path) -> None:
    def saved(toklet: Any) -> bytes:
        tok = toklet.train(["low lower lowest \t\0 é中😀\x7f\u00ad" * 3, '"quoted" \\back'], 330, special_tokens=["<|end|>", 'quo"te\\', "\u2028"])
        tok.save(tmp_path / "tok.json")
        return (tmp_path / "tok.json").read_bytes()

    both.same(saved)


def test_names_and_constants(both: Any) -> None:
    assert dict(both.native.core.PATTERNS) == both.reference.core.PATTERNS
    assert both.native.core.UNICODE_VERSION == both.reference.core.UNICODE_VERSION
    names = {name for name in vars(both.native.core) if not name.startswith("_")}
    assert names == {*both.reference.core.__all__, "load", "read", "save", "text", "Stream"}
    assert both.native.toklet.__all__ == both.reference.toklet.__all__


@given(merges=strategies.merges(), names=strategies.specials())
def test_reprs_and_hashes(both: Any, merges: list[tuple[bytes, bytes]], names: list[str]) -> None:
    both.same(lambda toklet: repr(toklet.Tokenizer.from_merges(merges, pattern="o200k", special_tokens=names)))
    both.same(lambda toklet: hash(toklet.Tokenizer.from_merges(merges, pattern="o200k", special_tokens=names)))
    both.same(lambda toklet: repr(toklet.count(["a b a"])))
