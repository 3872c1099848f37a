"""Bad input: each refusal is a `toklet.Error` whose sentence names the value and the place; it is never a panic and never a silent default."""

import contextlib
import inspect
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from . import bad_calls, bad_samplers
from .backends import backend

CASES = [pytest.param(call, words, id=name) for name, call, *words in bad_calls.ALL + bad_samplers.ALL]


@pytest.mark.parametrize(("call", "words"), CASES)
def test_a_bad_call_is_refused_by_a_sentence_that_names_the_value_and_the_place(toklet: Any, call: Any, words: list[str]) -> None:
    with pytest.raises(toklet.Error) as refused:
        call(toklet)
    message = str(refused.value)
    assert re.search(r" (is|are) ", message)
    assert "; it must be " in message
    for word in words:
        assert word in message


@pytest.mark.parametrize(("call", "words"), CASES)
def test_both_backends_refuse_a_bad_call_alike(both: Any, call: Any, words: list[str]) -> None:
    both.same(lambda toklet: (call(toklet), "nothing is refused")[1])


ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=3),
    st.binary(max_size=3),
    st.complex_numbers(),
    st.lists(st.integers(-2, 3) | st.floats() | st.text(max_size=1), max_size=3),
    st.dictionaries(st.integers(-2, 3) | st.text(max_size=1), st.floats(), max_size=2),
    st.sampled_from([np.float16(0.5), np.int8(1), np.array(1.0), np.array([0.5, 2.0]), np.array([[1.0]]), np.array(["a", "b"]), object, {1, 2}, range(3)]),
)
SETTINGS = [name for name in inspect.signature(backend("reference").toklet.Sampler.__init__).parameters if name != "self"]


@given(settings=st.dictionaries(st.sampled_from(SETTINGS), ANYTHING, max_size=3), logits=ANYTHING | st.lists(st.floats(), max_size=4), context=st.data())
def test_a_sampler_raises_only_what_it_says(toklet: Any, settings: dict[str, Any], logits: Any, context: st.DataObject) -> None:
    """Whatever it is given: an answer, or a `toklet.Error`."""
    sampler = toklet.Sampler(seed=1)
    with contextlib.suppress(toklet.Error):
        sampler = toklet.Sampler(**settings)
    place = {name: context.draw(ANYTHING) for name in ("position", "history", "mask") if context.draw(st.booleans())}
    for call in (sampler.sample, sampler.distribution, sampler.logprobs):
        with contextlib.suppress(toklet.Error):
            call(logits, **place)
    with contextlib.suppress(toklet.Error):
        sampler.logprobs(logits, context.draw(ANYTHING))
    with contextlib.suppress(toklet.Error):
        sampler.observed(logits, context.draw(ANYTHING))
    with contextlib.suppress(toklet.Error):
        toklet.accept_draft(logits, context.draw(ANYTHING), context.draw(ANYTHING), sampler)


def test_errors_have_kinds_that_python_knows(toklet: Any) -> None:
    kinds = (toklet.ArgumentError, toklet.CorpusError, toklet.FormatError, toklet.LogitsError, toklet.PromptError, toklet.TextError, toklet.TokenError)
    for kind in (*kinds, toklet.VocabularyError, toklet.WrongTypeError):
        assert issubclass(kind, toklet.Error)
    assert issubclass(toklet.Error, ValueError)
    assert issubclass(toklet.WrongTypeError, TypeError)
    assert issubclass(toklet.TokenError, LookupError)
    assert not issubclass(toklet.InternalError, toklet.Error)


def test_an_error_carries_what_its_sentence_says(toklet: Any) -> None:
    with pytest.raises(toklet.ArgumentError) as refused:
        toklet.Sampler(top_k=0)
    error = refused.value
    assert (error.place, error.found) == ("top_k", "0")
    assert str(error) == f"{error.place} is {error.found}; it must be {error.allowed}"


@pytest.mark.parametrize(
    "regex", ["(", "[", r"\p{Nothing}", "*", "(?<n", "a" * 100_000 + "(", "((((((((((a{100}){100}){100}){100}){100}){100}){100}){100}){100})"]
)
def test_a_regular_expression_that_cannot_be_read_is_refused(toklet: Any, regex: str) -> None:
    with pytest.raises(toklet.Error, match="pattern") as refused:
        toklet.Tokenizer.from_merges([], pattern=regex)
    assert len(str(refused.value)) < 250_000


def test_another_regular_expression_is_refused_by_the_reference_with_the_reason() -> None:
    with backend("reference").active() as toklet, pytest.raises(toklet.ArgumentError, match="native"):
        toklet.count(["a"], r"\w+")


@pytest.mark.parametrize("name", ["missing.json", "missing.tiktoken", "folder.json", "missing/tok.json"])
def test_a_file_that_cannot_be_read_is_an_oserror_that_names_it(toklet: Any, tmp_path: Path, name: str) -> None:
    (tmp_path / "folder.json").mkdir()
    path = tmp_path / name
    tok = bad_calls.tok(toklet)
    calls = [toklet.load, tok.encode_file]
    if name.startswith("missing"):
        calls += [toklet.count_files, lambda path: toklet.train_files([path], 300), toklet.WordCounts.load]
    for call in calls:
        with pytest.raises(OSError, match=re.escape(str(path))) as refused:
            call(path)
        assert type(refused.value) is (FileNotFoundError if name.startswith("missing") else IsADirectoryError)


@pytest.mark.parametrize("name", ["missing/tok.json", "folder.json", "file/tok.json", "x" * 300 + ".json"])
def test_a_file_that_cannot_be_written_is_an_oserror(toklet: Any, tmp_path: Path, name: str) -> None:
    (tmp_path / "folder.json").mkdir()
    (tmp_path / "file").write_bytes(b"")
    before = sorted(os.listdir(tmp_path))
    with pytest.raises(OSError, match=re.escape(name)):
        bad_calls.tok(toklet).save(tmp_path / name)
    assert sorted(os.listdir(tmp_path)) == before


@pytest.mark.parametrize("path", [987_654, None, 1.5, ["a.json"], object()])
def test_a_path_of_another_type_is_refused(toklet: Any, path: Any) -> None:
    tok = bad_calls.tok(toklet)
    for call in (toklet.load, tok.save, tok.encode_file, toklet.WordCounts.load, toklet.count(["a"]).save):
        with pytest.raises(toklet.Error, match="path"):
            call(path)


def test_a_path_with_a_null_in_it_is_refused(toklet: Any) -> None:
    tok = bad_calls.tok(toklet)
    for call in (toklet.load, tok.save, tok.encode_file, toklet.count_files, toklet.WordCounts.load):
        with pytest.raises((toklet.Error, OSError)):
            call("a\0.json")


def test_a_folder_named_as_a_file_of_a_corpus_is_an_oserror(toklet: Any, tmp_path: Path) -> None:
    """Behind a glob folders are left out; one that is named is a mistake, which must not make an empty corpus."""
    with pytest.raises(IsADirectoryError, match=re.escape(str(tmp_path))):
        toklet.count_files([tmp_path])


@pytest.mark.parametrize("name", ["tok.txt", "tok", "tok.JSON", "tok.model", "tok.json.gz"])
def test_a_name_of_unknown_kind_is_refused(toklet: Any, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with pytest.raises(toklet.FormatError, match=re.escape(str(path))):
        bad_calls.tok(toklet).save(path)
    assert not path.exists()
    path.write_bytes(b"{}")
    with pytest.raises(toklet.FormatError, match=re.escape(str(path))):
        toklet.load(path)


def test_a_tokenizer_json_has_a_pattern_of_its_own(toklet: Any, tmp_path: Path) -> None:
    bad_calls.tok(toklet).save(tmp_path / "tok.json")
    for options in ({"pattern": "gpt2"}, {"special_tokens": {"<s>": 5}}):
        with pytest.raises(toklet.FormatError, match=r"tok\.json"):
            toklet.load(tmp_path / "tok.json", **options)


def test_a_refused_call_leaves_everything_as_it_was(toklet: Any) -> None:
    tok, counts, sampler, stream = bad_calls.tok(toklet), toklet.count(["ab ab"], "gpt2"), toklet.Sampler(seed=3), bad_calls.tok(toklet).stream()
    before = (tok.encode("ab").tolist(), list(counts), sampler.sample([0.0] * 9))
    for call in (lambda: tok.encode("\ud800"), lambda: counts.train(5), lambda: sampler.sample([bad_calls.NAN]), lambda: stream.push(5000)):
        with pytest.raises(toklet.Error):
            call()
    assert (tok.encode("ab").tolist(), list(counts), sampler.sample([0.0] * 9)) == before
    assert stream.push(97) == "a"


def test_hostile_objects_do_no_harm(toklet: Any) -> None:
    """Objects that lie about their length, raise from their methods or change while they are read: any documented exception, never a crash."""

    class Liar(list):
        def __len__(self) -> int:
            return 10**9

    class Raises:
        def __iter__(self) -> Any:
            raise RuntimeError("no")

        __len__ = __getitem__ = __index__ = __float__ = __array__ = __buffer__ = __fspath__ = __iter__

    class Changing(list):
        def __iter__(self) -> Any:
            for item in list.__iter__(self):
                self.clear()
                yield item

    tok, sampler = bad_calls.tok(toklet), toklet.Sampler(seed=1)
    for hostile in (Liar(["a"]), Raises(), Changing(["a", "b"]), Liar([1]), Changing([1, 2]), np.ma.masked_array([1], [True]), memoryview(b"abcd").cast("I")):
        for call in (
            *(tok.encode, tok.encode_batch, tok.decode, tok.count, tok.decode_batch, tok.token, tok.id, tok.stream().push, sampler.sample, toklet.softmax),
            *(toklet.count, toklet.load, tok.save, toklet.Template, toklet.WordCounts, toklet.count_files),
            *(lambda x: tok.encode("a", special=x), lambda x: sampler.sample([0.0], x), lambda x: toklet.Tokenizer.from_merges(x, pattern="gpt2")),
        ):
            with contextlib.suppress(toklet.Error, TypeError, RuntimeError, OSError, BufferError):
                call(hostile)
    assert tok.encode("ab").tolist() == [256]
