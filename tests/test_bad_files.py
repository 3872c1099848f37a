"""Damaged and hostile files: each is refused by a sentence that names the file and the place in it, on both backends by the same one."""

import base64
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

BYTES = {bytes([byte]): byte for byte in range(256)}


def good(toklet: Any) -> Any:
    return toklet.Tokenizer.from_merges([(b"a", b"b"), (b"ab", b"c")], pattern="cl100k", special_tokens=["<s>", "</s>"])


def edited(change: Callable[[dict[str, Any]], object]) -> Callable[[dict[str, Any]], bytes]:
    """Give the file with a change to its JSON."""

    def write(file: dict[str, Any]) -> bytes:
        change(file)
        return json.dumps(file).encode()

    return write


def put(path: str, value: Any) -> Callable[[dict[str, Any]], bytes]:
    """Give the file with another value in one field."""

    def change(file: dict[str, Any]) -> None:
        *keys, last = [int(key) if key.isdigit() else key for key in path.split("/")]
        inside: Any = file
        for key in keys:
            inside = inside[key]
        inside[last] = value

    return edited(change)


def template(*items: Any) -> dict[str, Any]:
    return {"type": "TemplateProcessing", "special_tokens": {}, "single": [*items], "pair": []}


def raw(data: bytes) -> Callable[[dict[str, Any]], bytes]:
    return lambda file: data


JSON_FILES: list[tuple[str, Callable[[dict[str, Any]], bytes], str]] = [
    ("empty", raw(b""), "JSON"),
    ("blank", raw(b" \n"), "JSON"),
    ("text", raw(b"hello"), "JSON"),
    ("zeros", raw(bytes(1000)), "JSON"),
    ("no UTF-8", raw(b'{"model": "\xff"}'), "JSON"),
    ("UTF-16", raw('{"model": {}}'.encode("utf-16")), ""),
    ("nested deeply", raw(b"[" * 100_000 + b"]" * 100_000), ""),
    ("small objects without number", raw(b"[" + b"{}," * 80_000 + b"{}]"), "over 75536 objects"),
    ("33 steps", put("normalizer", {"type": "Sequence", "normalizers": [{"type": "NFC"}] * 33}), "at most 32 steps"),
    ("nested deeply in objects", raw(b'{"a":' * 100_000 + b"1" + b"}" * 100_000), ""),
    ("nested deeply and cut", raw(b"[" * 1_000_000), "JSON"),
    ("nested deeply inside a field", lambda file: b'{"model":' + b"[" * 50_000 + b"]" * 50_000 + b"}", ""),
    ("a list", raw(b"[]"), "the whole"),
    ("null", raw(b"null"), "the whole"),
    ("a number", raw(b"1e999"), ""),
    ("a huge number", raw(b"1" * 5_000), ""),
    ("an empty object", raw(b"{}"), ""),
    ("a key twice", raw(b'{"model": {}, "model": {}}'), "'model'"),
    ("a token twice", raw(b'{"model": {"vocab": {"a": 1, "b": 2, "a": 3}}}'), "'a'"),
    ("more behind the end", lambda file: json.dumps(file).encode() + b"{}", "JSON"),
    ("a comment", lambda file: b"// no\n" + json.dumps(file).encode(), "JSON"),
    ("NaN", lambda file: json.dumps(file).encode().replace(b'"truncation": null', b'"truncation": NaN'), ""),
    ("no model", edited(lambda file: file.pop("model")), "model"),
    ("a model that is a list", put("model", []), "model"),
    ("another model", put("model/type", "WordPiece"), "WordPiece"),
    ("a model of no type that is a str", put("model/type", 5), "model.type"),
    ("no vocabulary", edited(lambda file: file["model"].pop("vocab")), "vocab"),
    ("a vocabulary that is a list", put("model/vocab", []), "vocab"),
    ("an empty vocabulary", put("model/vocab", {}), "0x00"),
    ("an id that is a str", put("model/vocab/a", "97"), "97"),
    ("an id that is a float", put("model/vocab/a", 97.0), "97.0"),
    ("an id that is a bool", put("model/vocab/a", True), "true"),
    ("an id that is null", put("model/vocab/a", None), "null"),
    ("an id that is a list", put("model/vocab/a", []), "[]"),
    ("an id that is negative", put("model/vocab/a", -1), "-1"),
    ("an id that is huge", put("model/vocab/a", 2**40), str(2**40)),
    ("an id over 64 bits", put("model/vocab/a", 2**70), str(2**70)),
    ("an id twice", put("model/vocab/a", 98), "98"),
    ("a byte that is missing", edited(lambda file: file["model"]["vocab"].pop("a")), "a"),
    ("a token that isn't byte-level", put("model/vocab/中", 999), "中"),
    ("a token with a blank", put("model/vocab/a b", 999), "a b"),
    ("a token without characters", put("model/vocab/", 999), "999"),
    ("a token that is too long", put("model/vocab/" + "a" * 5000, 999), "5000"),
    ("a token with a surrogate", lambda file: put("model/vocab/SURROGATE", 999)(file).replace(b"SURROGATE", b"\\ud800"), ""),
    ("no merges", edited(lambda file: file["model"].pop("merges")), "merges"),
    ("merges that are an object", put("model/merges", {}), "merges"),
    ("a merge that is an int", put("model/merges/0", 5), "merge 0"),
    ("a merge of one part", put("model/merges/0", ["a"]), "merge 0"),
    ("a merge of three parts", put("model/merges/0", "a b c"), "merge 0"),
    ("a merge of ints", put("model/merges/1", [1, 2]), "merge 1"),
    ("a merge of no parts", put("model/merges/0", ""), "merge 0"),
    ("a merge whose part doesn't exist", put("model/merges/0", ["a", "zz"]), "zz"),
    ("a merge that makes no token", put("model/merges/0", ["x", "y"]), "xy"),
    ("a merge twice", edited(lambda file: file["model"]["merges"].append(["a", "b"])), "merge 2"),
    ("a merge that isn't byte-level", put("model/merges/0", ["a", "中"]), "中"),
    ("dropout", put("model/dropout", 0.1), "dropout"),
    ("an unknown token that is an int", put("model/unk_token", 5), "unk_token"),
    ("a prefix of subwords", put("model/continuing_subword_prefix", "##"), "continuing_subword_prefix"),
    ("a suffix of words", put("model/end_of_word_suffix", "</w>"), "end_of_word_suffix"),
    ("byte fallback without bytes", put("model/byte_fallback", True), "byte_fallback"),
    ("byte fallback that is an int", put("model/byte_fallback", 1), "byte_fallback"),
    ("ignore_merges that is an int", put("model/ignore_merges", 1), "ignore_merges"),
    ("a normalizer that is a str", put("normalizer", "NFC"), "normalizer"),
    ("another normalizer", put("normalizer", {"type": "Lowercase"}), "Lowercase"),
    ("toklet's own normalizer", put("normalizer", {"type": "SentencePiece", "precompiled_charsmap": ""}), "SentencePiece"),
    ("a normalizer that prepends an int", put("normalizer", {"type": "Prepend", "prepend": 5}), "normalizer.prepend"),
    ("a normalizer that replaces nothing", put("normalizer", {"type": "Replace", "pattern": {"String": ""}, "content": "a"}), "normalizer.pattern"),
    ("normalizers that are an object", put("normalizer", {"type": "Sequence", "normalizers": {}}), "normalizers"),
    ("normalizers with null", put("normalizer", {"type": "Sequence", "normalizers": [None]}), "normalizers[0]"),
    ("normalizers inside normalizers", put("normalizer", {"type": "Sequence", "normalizers": [{"type": "Sequence", "normalizers": []}]}), "Sequence"),
    ("truncation", put("truncation", {"max_length": 5}), "truncation"),
    ("padding", put("padding", {"strategy": "BatchLongest"}), "padding"),
    ("another post-processor", put("post_processor", {"type": "BertProcessing"}), "BertProcessing"),
    ("a template of nothing", put("post_processor", {"type": "TemplateProcessing"}), "special_tokens"),
    ("a template without texts", put("post_processor", {"type": "TemplateProcessing", "special_tokens": {}, "single": 5, "pair": []}), "single"),
    ("a template with a third text", put("post_processor", template({"Sequence": {"id": "C"}})), "single"),
    ("a template with a token that isn't there", put("post_processor", template({"SpecialToken": {"id": "<x>"}})), "<x>"),
    ("a post-processor that is an int", put("post_processor", 5), "post_processor"),
    ("no pre-tokenizer, and bytes", put("pre_tokenizer", None), "decoder"),
    ("a pre-tokenizer that is a str", put("pre_tokenizer", "ByteLevel"), "pre"),
    ("another pre-tokenizer", put("pre_tokenizer", {"type": "Whitespace"}), "Whitespace"),
    ("no pre-tokenizers, and bytes", put("pre_tokenizer/pretokenizers", []), "decoder"),
    ("pre-tokenizers that are an object", put("pre_tokenizer/pretokenizers", {}), "pretokenizers"),
    ("pre-tokenizers with null", put("pre_tokenizer/pretokenizers/0", None), "null"),
    ("pre-tokenizers with an int", put("pre_tokenizer/pretokenizers/0", 5), ""),
    ("a prefix space", put("pre_tokenizer/pretokenizers/1/add_prefix_space", True), "add_prefix_space"),
    ("a pattern that is no flag", put("pre_tokenizer/pretokenizers/1/use_regex", "yes"), "use_regex"),
    ("another behavior", put("pre_tokenizer/pretokenizers/0/behavior", "Doubled"), "Doubled"),
    ("a pattern that is an empty text", put("pre_tokenizer/pretokenizers/0/pattern", {"String": ""}), "pattern"),
    ("a step behind ByteLevel", edited(lambda file: file["pre_tokenizer"]["pretokenizers"].reverse()), "ByteLevel"),
    ("a Metaspace with bytes", put("pre_tokenizer/pretokenizers/0", {"type": "Metaspace", "replacement": "\u2581"}), "ByteLevel"),
    ("a Metaspace of another character", put("pre_tokenizer", {"type": "Metaspace", "replacement": "_"}), "replacement"),
    ("a decoder of characters", put("decoder", {"type": "Fuse"}), "decoder"),
    ("a pattern that is an int", put("pre_tokenizer/pretokenizers/0/pattern/Regex", 5), "pattern"),
    ("added tokens that are an object", put("added_tokens", {"a": 1}), "added_tokens"),
    ("an added token that is a str", put("added_tokens/0", "<s>"), "added token"),
    ("an added token that is null", put("added_tokens/0", None), "added token"),
    ("an added token without content", put("added_tokens/0", {"id": 5}), "added token"),
    ("an added token without an id", put("added_tokens/0", {"content": "<s>", "special": True}), "id"),
    ("an added token of no characters", put("added_tokens/0/content", ""), ""),
    ("an added token with a float", put("added_tokens/0/id", 5.5), "5.5"),
    ("an added token with the id of a byte", put("added_tokens/0/id", 97), "97"),
    ("an added token with a negative id", put("added_tokens/0/id", -1), "-1"),
    ("an added token that strips an int", put("added_tokens/0/lstrip", 1), "lstrip"),
    ("an added token of single str", put("added_tokens/1/single_word", "yes"), "single_word"),
    ("an added token twice", edited(lambda file: file["added_tokens"].append(file["added_tokens"][0])), "<s>"),
]


@pytest.mark.parametrize(("damage", "word"), [pytest.param(damage, word, id=name) for name, damage, word in JSON_FILES])
def test_a_tokenizer_json_that_is_damaged_is_refused(toklet: Any, tmp_path: Path, damage: Any, word: str) -> None:
    good(toklet).save(tmp_path / "tok.json")
    path = tmp_path / "bad.json"
    path.write_bytes(damage(json.loads((tmp_path / "tok.json").read_text("utf-8"))))
    with pytest.raises(toklet.Error) as refused:
        toklet.load(path)
    assert word in str(refused.value)
    assert "bad.json" in str(refused.value) or type(refused.value) is not toklet.FormatError
    assert len(str(refused.value)) < 6_000


@pytest.mark.parametrize("damage", [pytest.param(damage, id=name) for name, damage, _ in JSON_FILES])
def test_both_backends_refuse_a_damaged_file_alike(both: Any, tmp_path: Path, damage: Any) -> None:
    with both.reference.active() as toklet:
        good(toklet).save(tmp_path / "tok.json")
    path = tmp_path / "bad.json"
    path.write_bytes(damage(json.loads((tmp_path / "tok.json").read_text("utf-8"))))
    both.same(lambda toklet: toklet.load(path))


def rank_file(table: dict[bytes, int]) -> bytes:
    return b"".join(b"%s %d\n" % (base64.b64encode(token), id) for token, id in table.items())


RANK_FILES = [
    ("empty", b"", "0x00"),
    ("blank", b"\n\n \n", "0x00"),
    ("text", b"hello\n", "line 1"),
    ("zeros", bytes(100), "line 1"),
    ("a byte that is missing", rank_file({token: id for token, id in BYTES.items() if token != b"A"}), "0x41"),
    ("a token twice", rank_file(BYTES) + b"QQ== 300\n", "line 257"),
    ("an id twice", rank_file(BYTES) + b"QUI= 65\n", "65"),
    ("base64 that is cut", rank_file(BYTES) + b"QUI 300\n", "line 257"),
    ("base64 of another alphabet", rank_file(BYTES) + b"QU_= 300\n", "line 257"),
    ("base64 with more behind it", rank_file(BYTES) + b"QUI=QQ== 300\n", "line 257"),
    ("base64 with bits left over", rank_file(BYTES) + b"QUJ= 300\n", "line 257"),
    ("no rank", rank_file(BYTES) + b"QUI=\n", "line 257"),
    ("three words", rank_file(BYTES) + b"QUI= 300 1\n", "line 257"),
    ("a negative rank", rank_file(BYTES) + b"QUI= -1\n", "line 257"),
    ("a rank with a sign", rank_file(BYTES) + b"QUI= +300\n", "line 257"),
    ("a rank with an underscore", rank_file(BYTES) + b"QUI= 3_00\n", "line 257"),
    ("a rank in hexadecimal", rank_file(BYTES) + b"QUI= 0x300\n", "line 257"),
    ("a rank that isn't ASCII", rank_file(BYTES) + "QUI= ٣\n".encode(), "line 257"),
    ("a rank of superscripts", rank_file(BYTES) + "QUI= ²\n".encode(), "line 257"),
    ("a huge rank", rank_file(BYTES) + b"QUI= 1048576\n", "1048576"),
    ("a rank over 64 bits", rank_file(BYTES) + b"QUI= " + b"9" * 30 + b"\n", "line 257"),
    ("a rank of 5000 digits", rank_file(BYTES) + b"QUI= " + b"9" * 5000 + b"\n", "line 257"),
    ("a token that is too long", rank_file(BYTES | {b"a" * 5000: 300}), "5000"),
    ("no UTF-8", rank_file(BYTES) + b"\xff\xfe 300\n", "line 257"),
    ("a line of a megabyte", rank_file(BYTES) + b"A" * 10**6 + b"\n", "line 257"),
]


@pytest.mark.parametrize(("data", "word"), [pytest.param(data, word, id=name) for name, data, word in RANK_FILES])
def test_a_file_of_ranks_that_is_damaged_is_refused(toklet: Any, tmp_path: Path, data: bytes, word: str) -> None:
    path = tmp_path / "bad.tiktoken"
    path.write_bytes(data)
    with pytest.raises(toklet.Error) as refused:
        toklet.load(path, pattern="gpt2")
    assert word in str(refused.value)
    assert "bad.tiktoken" in str(refused.value) or type(refused.value) is not toklet.FormatError
    assert len(str(refused.value)) < 6_000


@pytest.mark.parametrize("data", [pytest.param(data, id=name) for name, data, _ in RANK_FILES])
def test_both_backends_refuse_damaged_ranks_alike(both: Any, tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "bad.tiktoken"
    path.write_bytes(data)
    both.same(lambda toklet: toklet.load(path, pattern="gpt2"))


def test_ranks_that_nobody_published_need_a_pattern(toklet: Any, tmp_path: Path) -> None:
    path = tmp_path / "mine.tiktoken"
    path.write_bytes(rank_file(BYTES))
    with pytest.raises(toklet.FormatError, match="pattern="):
        toklet.load(path)


def test_a_file_cut_anywhere_is_refused(toklet: Any, tmp_path: Path) -> None:
    good(toklet).save(tmp_path / "tok.json")
    data = (tmp_path / "tok.json").read_bytes()
    path = tmp_path / "cut.json"
    for end in range(0, len(data), 7):
        path.write_bytes(data[:end])
        with pytest.raises(toklet.FormatError, match=r"cut\.json"):
            toklet.load(path)


def test_a_file_with_other_bytes_is_refused_or_is_a_tokenizer_that_works(both: Any, tmp_path: Path) -> None:
    """A changed byte may say something else that makes sense. Then both backends load the same, and it obeys the laws; else both refuse it."""
    with both.reference.active() as toklet:
        toklet.Tokenizer.from_merges([(b"a", b"b"), (b"ab", b"c")], pattern="gpt2", special_tokens=["<s>", "</s>"]).save(tmp_path / "tok.json")
    data, path, chance = (tmp_path / "tok.json").read_bytes(), tmp_path / "changed.json", random.Random(7)

    def load(toklet: Any) -> Any:
        try:
            tok = toklet.load(path)
        except toklet.Error:
            return "refused"
        ids = tok.encode("abc <s> ab\xff", special="allow")
        assert tok.decode(ids) == "abc <s> ab\xff"
        return ids.tolist(), tok.tokens, tok.merges, tok.special_tokens

    loaded = 0
    for _ in range(600):
        changed = bytearray(data)
        for _ in range(chance.randint(1, 3)):
            changed[chance.randrange(len(data))] = chance.choice(b'"{}[]:,0159ab\\ \xff\x00')
        path.write_bytes(changed)
        loaded += both.same(load) != "refused"
    assert loaded


def test_a_file_over_the_limit_is_refused_before_it_is_read(toklet: Any, tmp_path: Path) -> None:
    for name in ("huge.json", "huge.tiktoken"):
        with open(tmp_path / name, "wb") as file:
            file.truncate(2**28 + 1)
        with pytest.raises(toklet.FormatError, match=str(2**28)):
            toklet.load(tmp_path / name, **({"pattern": "gpt2"} if name == "huge.tiktoken" else {}))


PARQUET: list[tuple[str, Any]] = [
    ("no counts", lambda: pa.table({"pretoken": [b"a"]})),
    ("other names", lambda: pa.table({"word": [b"a"], "count": [1]})),
    ("no pattern", lambda: pa.table({"pretoken": pa.array([b"a"], pa.binary()), "count": [1]})),
    ("another pattern", lambda: table([b"a"], [1], b"no pattern (")),
    ("a pattern that isn't text", lambda: table([b"a"], [1], b"\xff")),
    ("a count of 0", lambda: table([b"a"], [0])),
    ("a negative count", lambda: table([b"a"], [-1])),
    ("a count over 63 bits", lambda: table([b"a"], pa.array([2**63], pa.uint64()))),
    ("a count that is null", lambda: table([b"a"], [None])),
    ("a pretoken that is null", lambda: table([None], [1])),
    ("a pretoken of no bytes", lambda: table([b""], [1])),
    ("a pretoken twice", lambda: table([b"a", b"a"], [1, 2])),
    ("pretokens that are texts", lambda: table(["a"], [1])),
    ("counts that are floats", lambda: table([b"a"], [1.5])),
]


def table(words: Any, counts: Any, pattern: bytes = b"gpt2") -> pa.Table:
    return pa.table({"pretoken": words, "count": counts}).replace_schema_metadata({b"toklet.pattern": pattern})


@pytest.mark.parametrize("make", [pytest.param(make, id=name) for name, make in PARQUET])
def test_a_table_that_holds_no_counts_is_refused(toklet: Any, tmp_path: Path, make: Any) -> None:
    path = tmp_path / "bad.parquet"
    pq.write_table(make(), path)
    with pytest.raises(toklet.Error):
        toklet.WordCounts.load(path)


@pytest.mark.parametrize("data", [b"", b"PAR1", b"hello" * 100, b"PAR1" + bytes(100) + b"PAR1"])
def test_a_file_that_is_no_table_is_refused(toklet: Any, tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "bad.parquet"
    path.write_bytes(data)
    with pytest.raises((toklet.FormatError, OSError), match=r"bad\.parquet"):
        toklet.WordCounts.load(path)
