"""No pattern: a text is one pretoken, whatever its bytes are, and it takes time and memory as any other text does."""

from pathlib import Path
from typing import Any

import pytest
import tokenizers
from hypothesis import given
from hypothesis import strategies as st

from . import strategies
from .backends import Both
from .test_train import textbook

WHOLE = st.lists(st.sampled_from(["ab", "b", " a", "é", "\n", "ab ab"]).map(str.encode) | st.binary(max_size=3), max_size=12).map(b"".join)


@given(texts=st.lists(WHOLE, min_size=1, max_size=4), size=st.integers(256, 280))
def test_merges_cross_everything_but_the_border_of_a_text(toklet: Any, texts: list[bytes], size: int) -> None:
    texts = [*texts, b"ab"]
    counts = dict(toklet.count(texts, ""))
    assert counts == {text: texts.count(text) for text in texts if text}
    assert toklet.train(texts, size, pattern="").merges == textbook(counts, size)


@given(data=strategies.data(6))
def test_both_backends_encode_alike_and_bytes_come_back(both: Both, data: bytes) -> None:
    merges = [(b"a", b" "), (b" ", b"a"), (b"\n", b"\n"), (b"\xc3", b"\xa9")]
    ids = both.same(lambda toklet: toklet.Tokenizer.from_merges(merges, pattern="").encode(data).tolist())
    assert both.same(lambda toklet: toklet.Tokenizer.from_merges(merges, pattern="").decode_bytes(ids)) == data


def test_files_say_that_nothing_cuts(toklet: Any, tmp_path: Path) -> None:
    tok = toklet.train(["to be or not to be\nto be"], 270, pattern="", special_tokens=["<s>"])
    assert tok.pattern == ""
    tok.save(tmp_path / "tok.json")
    assert toklet.load(tmp_path / "tok.json") == tok
    for text in ("to be or not", "to be\nor", "not to\u00a0be", ""):
        ids = tok.encode(text).tolist()
        assert tokenizers.Tokenizer.from_file(str(tmp_path / "tok.json")).encode(text).ids == ids
        assert tok.to_tiktoken().encode(text) == ids


def test_a_file_whose_empty_pattern_cuts_everywhere_is_refused(toklet: Any, tmp_path: Path) -> None:
    path = tmp_path / "tok.json"
    toklet.train(["ab ab"], 258, pattern="gpt2").save(path)
    byte_level = '{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":true}'
    text = path.read_text().replace(" ", "").replace("\n", "")
    assert byte_level in text
    split = '{"type":"Split","pattern":{"Regex":""},"behavior":"Isolated","invert":false}'
    path.write_text(text.replace(byte_level, '{"type":"Sequence","pretokenizers":[' + split + "," + byte_level.replace("true}", "false}") + "]}", 1))
    with pytest.raises(toklet.FormatError, match=r"pattern\.Regex"):
        toklet.load(path)
