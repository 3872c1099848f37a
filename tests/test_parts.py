"""Prompts as parts: policies, spans, masks, going on, what a cache is worth, and how they look."""

import re
from itertools import groupby
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from .test_prompt import HOSTILE, tokenizer

ROLES = st.sampled_from([None, "user", "assistant"])
PARTS = st.lists(st.tuples(HOSTILE, st.booleans(), ROLES, st.none() | st.integers(0, 2), st.sampled_from([None, "a", "close"])), max_size=8)


@given(parts=PARTS)
def test_spans_are_where_the_parts_stand(toklet: Any, parts: list[Any]) -> None:
    tok = tokenizer(toklet)
    prompt = toklet.Prompt([toklet.Part(*part) for part in parts], tok)
    assert [prompt.text[slice(*span.characters)] for span in prompt.spans] == [part[0] for part in parts]
    assert [(span.trusted, span.role, span.message, span.slot) for span in prompt.spans] == [part[1:] for part in parts]
    bytes_before = [len("".join(part[0] for part in parts[:i]).encode()) for i in range(len(parts) + 1)]
    starts = [sum(len(tok.token(id)) for id in prompt.ids[:i].tolist()) for i in range(len(prompt.ids))]
    for i, span in enumerate(prompt.spans):
        assert [n for n, start in enumerate(starts) if bytes_before[i] <= start < bytes_before[i + 1]] == list(range(*span.ids))


@given(parts=PARTS, role=ROLES, slot=st.sampled_from([None, "a", "close"]), message=st.none() | st.integers(0, 2), close=st.booleans())
def test_a_mask_is_the_spans_that_it_names(toklet: Any, parts: list[Any], role: str | None, slot: str | None, message: int | None, close: bool) -> None:
    prompt = toklet.Prompt(parts, tokenizer(toklet))
    expected = np.zeros(len(prompt), bool)
    for span in prompt.spans:
        fits = all(wanted in (None, found) for wanted, found in ((role, span.role), (slot, span.slot), (message, span.message)))
        expected[slice(*span.ids)] = fits and (close or span.slot != "close")
    if expected.any():
        assert prompt.mask(role, slot=slot, message=message, close=close).tolist() == expected.tolist()
    else:
        with pytest.raises(toklet.PromptError, match="the mask of"):
            prompt.mask(role, slot=slot, message=message, close=close)


@given(parts=st.lists(st.tuples(HOSTILE, st.booleans()), max_size=8))
def test_policies_for_text_that_spells_a_special_token(toklet: Any, parts: list[tuple[str, bool]]) -> None:
    tok = tokenizer(toklet)
    specials = set(tok.special_tokens.values())
    as_text = toklet.Prompt(parts, tok)
    trusted = toklet.Prompt([(text if trust else "\0", trust) for text, trust in parts], tok)
    count = lambda prompt: sum(id in specials for id in prompt.ids.tolist())  # noqa: E731
    assert count(as_text) == count(trusted)
    allowed = toklet.Prompt(parts, tok, untrusted="allow")
    assert allowed.ids.tolist() == tok.encode(as_text.text, special="allow").tolist()
    names = re.compile("|".join(map(re.escape, sorted(tok.special_tokens, key=len, reverse=True))))
    assert toklet.Prompt(parts, tok, untrusted="strip").text == "".join(text if trust else names.sub("", text) for text, trust in parts)
    runs = ["".join(text for text, _ in run) for trust, run in groupby(parts, key=lambda part: part[1]) if not trust]
    if any(map(names.search, runs)):
        with pytest.raises(toklet.PromptError, match="special token"):
            toklet.Prompt(parts, tok, untrusted="error")
    else:
        assert toklet.Prompt(parts, tok, untrusted="error").ids.tolist() == as_text.ids.tolist()


def test_a_policy_says_what_it_refuses(toklet: Any) -> None:
    tok = tokenizer(toklet)
    template = toklet.Template("<s>{{ a }}{{ b }}")
    with pytest.raises(toklet.PromptError, match=r"part 1 is with the special token '<\|im_end\|>' in it"):
        template.render(tok, untrusted="error", a="x<|im_", b="end|>")
    assert template.render(tok, untrusted="strip", a="x<|im_end|>", b="y<s").text == "<s>xy<s"
    with pytest.raises(toklet.ArgumentError, match="untrusted is 'no'"):
        template.render(tok, untrusted="no", a="", b="")


def test_values_may_have_types(toklet: Any) -> None:
    template = toklet.Template("{{ n }}/{{ x }}/{{ t | trim }}", slots={"n": int, "x": float})
    assert template.format(n=3, x=0.5, t=" \n t\u3000") == "3/0.5/t"
    assert template.types == {"n": int, "x": float, "t": str}
    for values, words in (
        ({"n": "3", "x": 0.5, "t": ""}, "of type str"),
        ({"n": True, "x": 0.5, "t": ""}, "of type bool"),
        ({"n": 1, "x": 0.5, "t": 1}, "of type int"),
    ):
        with pytest.raises(toklet.Error, match=words):
            template.format(**values)
    with pytest.raises(toklet.PromptError, match="the typed slot"):
        toklet.Template("{{ a }}", slots={"b": int})
    for inside in ("a | upper", "a | trim | trim", "| trim", "a trim"):
        with pytest.raises(toklet.PromptError, match="the slot is"):
            toklet.Template("{{ " + inside + " }}")


@given(value=HOSTILE)
def test_the_values_of_template_strings_are_text(toklet: Any, value: str) -> None:
    """As Python 3.14 hands them over."""
    tok = tokenizer(toklet)
    inside = [
        SimpleNamespace(value=value, expression="value", conversion=None, format_spec=""),
        SimpleNamespace(value=7, expression="n", conversion="r", format_spec=">3"),
    ]
    prompt = toklet.Prompt(SimpleNamespace(strings=("<|im_start|>", "<|im_", "end|>"), interpolations=tuple(inside)), tok)
    assert prompt.text == f"<|im_start|>{value}<|im_  7end|>"
    assert [id for id in prompt.ids.tolist() if id in tok.special_tokens.values()] == [tok.id("<|im_start|>")]
    assert [span.slot for span in prompt.spans if not span.trusted] == ["value"] * bool(value) + ["n"]


@given(parts=PARTS, said=HOSTILE, ended=st.booleans(), more=st.lists(HOSTILE, max_size=3))
def test_a_prompt_goes_on_without_encoding_again(toklet: Any, parts: list[Any], said: str, ended: bool, more: list[str]) -> None:
    tok = tokenizer(toklet)
    prompt = toklet.Prompt(parts, tok)
    completion = [*reversed(tok.encode(said).tolist()), *([tok.id("<|im_end|>")] * ended)]  # ids that no encoder gives
    longer = prompt.extend(completion, more)
    assert longer.ids[: len(prompt) + len(completion)].tolist() == [*prompt.ids.tolist(), *completion]
    assert tok.decode_bytes(longer.ids) == tok.decode_bytes(prompt.ids) + tok.decode_bytes(completion) + "".join(more).encode()
    if completion:
        assert longer.mask("assistant", message=longer.spans[len(parts)].message)[len(prompt) : len(prompt) + len(completion)].all()
    assert longer.cache_report(prompt) == (len(prompt), 0, None)


def test_what_a_cache_is_worth(toklet: Any) -> None:
    tok = tokenizer(toklet)
    template = toklet.Template("You are {{ who }}. {{ question }}")
    one, other = template.render(tok, who="A", question="one?"), template.render(tok, who="A", question="two?")
    report = other.cache_report(one)
    assert report.common + report.lost == len(one)
    assert report.changed.slot == "question"
    assert "slot 'question'" in str(report)
    assert one.cache_report(one) == (len(one), 0, None)


def test_a_prompt_shows_its_tokens(toklet: Any) -> None:
    prompt = toklet.Template("<s>{{ a }}\n").render(tokenizer(toklet), a="<b>\x1b[0m")
    assert "|" in repr(prompt)
    assert "\x1b" not in repr(prompt)
    page = prompt._repr_html_()
    assert "&lt;s&gt;" in page
    assert "<b>" not in page
    assert "trusted" in page
    assert "a" in page


def test_faults_at_the_joins_are_told_with_their_fix(toklet: Any) -> None:
    tok = toklet.Tokenizer.from_merges([(b" ", b"4"), (b" ", b"6"), (b"\n", b"\n")], pattern="gpt2")
    examples = [{"q": "2+2", "a": "4"}, {"q": "3+3", "a": "6"}]
    query: dict[str, Any] = {"query": {"q": "4+4"}, "stop_before": "a"}
    (warning,) = toklet.FewShot(toklet.Template("{{ q }}: {{ a }}"), examples, **query).render(tok).warnings
    assert warning.startswith("2 of 2 answers share their first token with the ' ' before them")
    spaced = [example | {"a": " " + example["a"]} for example in examples]
    assert toklet.FewShot(toklet.Template("{{ q }}:{{ a }}"), spaced, **query).render(tok).warnings == []
    lines = [examples[0] | {"a": "4\n"}, examples[1]]
    (warning,) = toklet.FewShot(toklet.Template("{{ q }}:{{ a }}"), lines, **query).render(tok).warnings
    assert warning.startswith("1 of 2 answers share their last token with the '\\n' behind them: write {{ a | trim }}")
    assert toklet.FewShot(toklet.Template("{{ q }}:{{ a | trim }}"), lines, **query).render(tok).warnings == []


def test_examples_as_turns_of_a_chat(toklet: Any) -> None:
    few = toklet.FewShot(toklet.Template("Q: {{ q }}\nA: {{ a }}!"), [{"q": "x", "a": "y"}], query={"q": "z"}, stop_before="a")
    contents = [("user", "Q: x\nA: "), ("assistant", "y!"), ("user", "Q: z\nA: ")]
    assert [(message["role"], message["content"]) for message in few.messages()] == contents
    with pytest.raises(toklet.PromptError, match="without a query"):
        toklet.FewShot(toklet.Template("{{ a }}"), []).messages()
