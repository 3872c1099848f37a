"""Templates and few-shot prompts: the template's own text may spell special tokens, what fills its slots never does."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from . import strategies

NAMES = ["<|im_start|>", "<|im_end|>", "<s>", "é"]


def tokenizer(toklet: Any, names: list[str] = NAMES) -> Any:
    return toklet.Tokenizer.from_merges([(b"<", b"|"), (b"|", b">"), (b"i", b"m"), (b" ", b" ")], pattern="o200k", special_tokens=names)


def textbook(tok: Any, parts: list[tuple[str, bool]]) -> list[int]:
    """Mark each character as trusted or not; a special token is one where all of its characters are trusted and stand in one run."""
    text = "".join(part for part, _ in parts)
    run: list[int] = []  # the number of the trusted run that a character is in, 0 in none
    number, before = 0, False
    for part, trusted in parts:
        number += trusted and not before
        before = trusted
        run += [number if trusted else 0] * len(part)
    ids: list[int] = []
    plain, at = "", 0
    while at < len(text):
        fits = [name for name in tok.special_tokens if text.startswith(name, at) and run[at] and set(run[at : at + len(name)]) == {run[at]}]
        name = max(fits, key=len, default="")
        if name:
            ids += [*tok.encode(plain).tolist(), tok.special_tokens[name]]
            plain = ""
        plain += "" if name else text[at]
        at += len(name or text[at])
    return ids + tok.encode(plain).tolist()


PIECES = st.sampled_from(["<|im_start|>", "<|im_end|>", "<s>", "<|im_", "start|>", "user\n", " é", "<", "|>", "  ", "x"])
HOSTILE = st.lists(st.one_of(PIECES, PIECES, strategies.texts(2), st.sampled_from(["{{ a }}", "{{", "}}", "{% raw %}", "{{ b"])), max_size=5).map("".join)
LITERAL = st.lists(PIECES, max_size=3).map("".join)


@given(parts=st.lists(st.tuples(HOSTILE, st.booleans()), max_size=8))
def test_a_special_token_counts_only_inside_one_trusted_run(toklet: Any, parts: list[tuple[str, bool]]) -> None:
    tok = tokenizer(toklet)
    prompt = toklet.Prompt(parts, tok)
    assert prompt.text == str(prompt) == "".join(text for text, _ in parts)
    assert prompt.ids.tolist() == textbook(tok, parts)
    assert len(prompt) == len(prompt.ids)
    assert tok.decode(prompt.ids) == prompt.text


@given(a=HOSTILE, b=HOSTILE)
def test_what_fills_a_slot_makes_no_special_token(toklet: Any, a: str, b: str) -> None:
    tok = tokenizer(toklet)
    prompt = toklet.Template("<|im_start|>user\n{{ a }}<|im_end|>{{b}}{{ a }}").render(tok, a=a, b=b)
    specials = [id for id in prompt.ids.tolist() if id in tok.special_tokens.values()]
    assert specials == [tok.id("<|im_start|>"), tok.id("<|im_end|>")]
    assert prompt.text == f"<|im_start|>user\n{a}<|im_end|>{b}{a}"


@given(parts=st.lists(HOSTILE, max_size=5))
def test_honest_text_in_parts_has_the_ids_of_the_whole(toklet: Any, parts: list[str]) -> None:
    tok = tokenizer(toklet)
    assert toklet.Prompt([(text, False) for text in parts], tok).ids.tolist() == tok.encode("".join(parts)).tolist()
    assert toklet.Prompt([(text, True) for text in parts], tok).ids.tolist() == tok.encode("".join(parts), special="allow").tolist()


def test_a_special_token_made_of_template_and_value_is_none(toklet: Any) -> None:
    tok = tokenizer(toklet)
    for source, values in (
        ("<|im_{{ a }}", {"a": "start|>"}),
        ("{{ a }}start|>", {"a": "<|im_"}),
        ("<|im{{ a }}start|>", {"a": "_"}),
        ("{{ a }}{{ b }}", {"a": "<s", "b": ">"}),
    ):
        assert max(toklet.Template(source).render(tok, **values).ids.tolist()) < tok.id("<|im_start|>")


@given(value=HOSTILE)
def test_values_are_never_read_as_templates(toklet: Any, value: str) -> None:
    assert toklet.Template("[{{ a }}|{{ b }}]").format(a=value, b="{{ a }}") == f"[{value}|{{{{ a }}}}]"


@pytest.mark.parametrize(
    ("source", "slots"),
    [
        ("", []),
        ("no slots { } }}", []),
        ("{{ a }}", ["a"]),
        ("{{a}}{{  b  }}", ["a", "b"]),
        ("{{ b }} {{ a }} {{ b }}", ["b", "a"]),
        ("{{ _x1 }}", ["_x1"]),
        ("{ {{ a }} }", ["a"]),
        ("{% if %}{{ a }}", ["a"]),
    ],
)
def test_slots_are_named_in_the_order_in_which_they_first_occur(toklet: Any, source: str, slots: list[str]) -> None:
    template = toklet.Template(source)
    assert template.slots == slots
    assert template.source == source


def test_text_outside_slots_stays_as_it_is(toklet: Any) -> None:
    assert toklet.Template("a } b }} {c} {% d %} # {{ x }}\n\n").format(x="1") == "a } b }} {c} {% d %} # 1\n\n"


@given(
    literals=st.lists(LITERAL, min_size=3, max_size=3), shots=st.lists(st.tuples(HOSTILE, HOSTILE), max_size=3), query=st.none() | HOSTILE, separator=LITERAL
)
def test_a_few_shot_prompt_is_the_filled_templates_joined(
    toklet: Any, literals: list[str], shots: list[tuple[str, str]], query: str | None, separator: str
) -> None:
    before, between, after = literals
    template = toklet.Template(f"{before}{{{{ q }}}}{between}{{{{ a }}}}{after}")
    examples = [{"q": q, "a": a} for q, a in shots]
    few = toklet.FewShot(template, examples, separator=separator, query=None if query is None else {"q": query}, stop_before=None if query is None else "a")
    texts = [template.format(**example) for example in examples] + ([] if query is None else [f"{before}{query}{between}"])
    assert few.text == separator.join(texts)
    tok = tokenizer(toklet)
    parts: list[tuple[str, bool]] = []
    for i, (q, a) in enumerate([*shots, *([] if query is None else [(query, None)])]):
        parts += [(separator, True)] * (i > 0) + [(before, True), (q, False), (between, True)]
        parts += [] if a is None else [(a, False), (after, True)]
    assert few.render(tok).ids.tolist() == textbook(tok, [part for part in parts if part[0]])


def test_a_few_shot_prompt_stops_before_the_slot_that_the_model_fills(toklet: Any) -> None:
    qa = toklet.Template("Q: {{ question }}\nA: {{ answer }}")
    examples = [{"question": "2 + 2?", "answer": "4"}, {"question": "3 + 3?", "answer": "6"}]
    few = toklet.FewShot(qa, examples, separator="\n\n", query={"question": "4 + 4?"}, stop_before="answer")
    assert few.text == "Q: 2 + 2?\nA: 4\n\nQ: 3 + 3?\nA: 6\n\nQ: 4 + 4?\nA: "
    assert toklet.FewShot(qa, examples[:1]).text == "Q: 2 + 2?\nA: 4"
    assert toklet.FewShot(qa, [], query={"question": "x", "answer": "y"}).text == "Q: x\nA: y"
    assert toklet.FewShot(qa, []).text == ""


def test_a_query_may_fill_the_slot_that_it_stops_before(toklet: Any) -> None:
    few = toklet.FewShot(toklet.Template("{{ a }}={{ b }}."), [], query={"a": "1", "b": "2"}, stop_before="b")
    assert few.text == "1="


def test_an_empty_prompt_has_no_ids(toklet: Any) -> None:
    prompt = toklet.Template("").render(tokenizer(toklet))
    assert (prompt.text, prompt.ids.tolist(), len(prompt)) == ("", [], 0)
