"""What stands around the model in a tokenizer.json: the ids are those of `tokenizers`, whatever the file asks for."""

import json
from pathlib import Path
from typing import Any

import pytest
import tokenizers
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from . import pipelines


def loaded(toklet: Any, folder: Path, said: dict[str, Any]) -> Any:
    (folder / "tok.json").write_text(json.dumps(said), "utf-8")
    return toklet.load(folder / "tok.json")


@pytest.mark.parametrize("files", [pipelines.of_bytes, pipelines.of_characters])
@settings(suppress_health_check=list(HealthCheck), max_examples=300)
@given(data=st.data())
def test_ids_are_those_of_tokenizers(toklet: Any, tmp_path: Path, files: Any, data: st.DataObject) -> None:
    said = data.draw(files())
    try:
        tok = loaded(toklet, tmp_path, said)
    except toklet.FormatError:
        assume(False)
    texts = data.draw(st.lists(pipelines.texts(), min_size=1, max_size=8))
    for special in (False, True):
        peer = pipelines.peer(said, special)
        for text in texts:
            ids, theirs = tok.encode(text, special="allow" if special else "text").tolist(), pipelines.ids_of(peer, text)
            assert theirs is None or ids == theirs, (text, special)


def test_normal_forms_are_those_of_tokenizers_for_every_character(native: Any, tmp_path: Path) -> None:
    """Each character by itself, behind a letter, and among marks of other classes: what is newer than Unicode 9 is left alone."""
    every = [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000]
    texts = [c for start in range(0, len(every), 4_096) for c in ("|".join(f"{c}a\u0301{c}\u0323a{c}\u0301\u0334" for c in every[start : start + 4_096]),)]
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        vocab = {pipelines.spelled(bytes([byte])): byte for byte in range(256)}
        level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
        tok = loaded(native, tmp_path, pipelines.file({"normalizer": {"type": form}, "pre_tokenizer": level, "model": pipelines.model(vocab, [])}))
        owner = getattr(tokenizers.normalizers, form)()
        for text in texts:
            assert bytes(tok.encode(text).astype("uint8")).decode() == owner.normalize_str(text)


def test_both_backends_normalize_and_locate_alike(both: Any, tmp_path: Path) -> None:
    vocab = {pipelines.spelled(bytes([byte])): byte for byte in range(256)}
    level = {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True}
    text = "e\u0301x ｶﾞ \u1112\u1161\u11ab\u0345a\u0323\u0307 ﬁ\u2126 \u0f73\u0fb7 \u16d67\U00016d67\U00016d67 1½\xa0\u0958"
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        said = pipelines.file({"normalizer": {"type": form}, "pre_tokenizer": level, "model": pipelines.model(vocab, [])})
        for unit in ("characters", "bytes"):
            for data in (text, text.encode()[1:], text.encode() + b"\xe4\xb8"):
                both.same(lambda toklet, said=said, data=data, unit=unit: located(loaded(toklet, tmp_path, said), data, unit))


def located(tok: Any, data: Any, unit: str) -> Any:
    ids, offsets = tok.encode_with_offsets(data, unit=unit)
    return ids.tolist(), offsets.tolist()


def test_a_token_of_which_normalizing_leaves_nothing_takes_no_white_space_along(toklet: Any, tmp_path: Path) -> None:
    """`tokenizers` finds it at every white space then."""
    vocab = {pipelines.spelled(bytes([byte])): byte for byte in range(256)}
    token = {"id": 256, "content": "é", "special": False, "rstrip": True, "lstrip": False, "single_word": False, "normalized": True}
    gone = {"type": "Replace", "pattern": {"String": "é"}, "content": ""}
    said = pipelines.file({"added_tokens": [token], "normalizer": gone, "model": pipelines.model(vocab, [])})
    with pytest.raises(toklet.FormatError, match="normalizing leaves something"):
        loaded(toklet, tmp_path, said)


@pytest.mark.parametrize("special", [True, False])
def test_parts_give_the_ids_of_the_joined_text(toklet: Any, tmp_path: Path, special: bool) -> None:
    """What a template says itself may become a special token, with the white space that it takes along; what others say doesn't."""
    vocab = {"<unk>": 0, "a": 1, "b": 2, pipelines.MARK: 3, "<": 4, "s": 5, ">": 6}
    added = [{"id": 7, "content": "<s>", "special": special, "rstrip": True, "lstrip": True, "single_word": False, "normalized": False}]
    before = [{"type": "Prepend", "prepend": pipelines.MARK}, {"type": "Replace", "pattern": {"String": " "}, "content": pipelines.MARK}]
    steps, model = {"type": "Sequence", "normalizers": before}, pipelines.model(vocab, [], unk_token="<unk>")
    said = pipelines.file({"added_tokens": added, "normalizer": steps, "model": model})
    tok = loaded(toklet, tmp_path, said)
    owner = pipelines.peer(said, True)
    parts = [("a ", False), (" <s>", True), ("  b<s>", not special)]
    ids = tok._core.encode_parts(parts)
    ids = list(ids) if isinstance(ids, list) else memoryview(ids).cast("I").tolist()
    if special:
        assert ids == [3, 1, 7, 3, 2, 4, 5, 6]
    else:
        assert ids == list(owner.encode("a  <s>  b<s>", add_special_tokens=False).ids)
