"""What a chat template puts into variables is bounded, and the checks that bound it change nothing else."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .test_chat import oracle, user

TWICE = "{% macro f(x, n) %}{% if n %}{{ f(%%, n - 1) }}{% else %}{{ x | length }}{% endif %}{% endmacro %}{{ f([1], 60) }}"
AGAIN = "{% for i in range(9999) %}{% for j in range(9999) %}%%{% endfor %}{% endfor %}"


@pytest.mark.parametrize(
    "source",
    [
        *(TWICE.replace("%%", growing) for growing in ("x + x", "[] + x + x", "[x, x]", "(x, x)", "{'a': x, 'b': x}", "x * 9", "x ~ x", "[x + x][0]")),
        "{%- macro f(x, n) -%}{% if n %}{{ f(n=n - 1, x=x + x) }}{% endif %}{%- endmacro -%}{{ f([1], 60) }}",
        "{% macro f(x, n) %}{% if n %}{{ caller(x + x, n - 1) }}{% endif %}{% endmacro %}"
        "{% macro g(x, n) %}{% call(y, k) f(x, n) %}{{ g(y, k) }}{% endcall %}{% endmacro %}{{ g([1], 60) }}",
        "{% for x in [[1]] recursive %}{% if loop.depth < 60 %}{{ loop([x + x]) }}{% endif %}{% endfor %}",
        "{% set x = [1] %}" + "{% for x in [x + x] %}" * 60 + "{{ x | length }}" + "{% endfor %}" * 60,
        "{% set x = [1] %}" + "{% for x in (x + x,) if x %}" * 60 + "{{ x | length }}" + "{% endfor %}" * 60,
        "{% set x = [1] %}" + "{% with y = 1, x = x + x %}" * 60 + "{{ x | length }}" + "{% endwith %}" * 60,
        "{% set x = [1] %}" + "{% with (y, x) = (1, x + x) %}" * 60 + "{{ x | length }}" + "{% endwith %}" * 60,
        "{% set ns = namespace(x=[1]) %}" + AGAIN.replace("%%", "{% set ns.x = ns.x[0:] %}"),
        "{% set ns = namespace(x=[[1]]) %}" + AGAIN.replace("%%", "{% set ns.x = [ns.x[0][0:]] %}"),
        "{% set ns = namespace(x={'a': [1]}) %}" + AGAIN.replace("%%", "{% set ns.x = {'a': ns.x.a * 1} %}"),
    ],
)
def test_what_grows_from_name_to_name_is_stopped(native: Any, source: str) -> None:
    with pytest.raises(native.PromptError, match=r"very many steps|nested too deeply|recursion limit"):
        native.ChatTemplate(source).format([user("x")])


MARKS = st.sampled_from(["", "-", "+"])
BODIES = st.sampled_from(["", " ", "\n", "  \n ", "x", " x\n", "\n\n y "])
BLOCKS = (
    ("for k in [x, 'b']", "{{ k }}{{ loop.last }}{{ loop.index }}", "endfor"),
    ("for k, (v, w) in [[1, [x, 3]]]", "{{ k }}{{ v }}{{ w }}", "endfor"),
    ("for k in [x, none, '%='] if k", "{{ k }}{{ loop.length }}", "endfor"),
    ("for k in messages", "{{ k.content }}", "endfor"),
    ("for k in (messages + messages)[1:]", "{{ k.content }}{{ loop.first }}", "endfor"),
    ("for k in [[1, [2, [3]]]] recursive", "{% if k is sequence %}({{ loop(k) }}){% else %}{{ k }}{% endif %}", "endfor"),
    ("with a = x, b = [x, '=', 'y, z'], c = (1 == 1)", "{{ a }}{{ b }}{{ c }}", "endwith"),
    ("macro f(a, b=x, c=[1, 2], d=none)", "{{ a }}{{ b }}{{ c }}{{ d is none }}{{ e is defined }}", "endmacro"),
    ("macro f(a, b=')', c={'x': (1, 2)})", "{{ a is defined }}{{ b }}{{ c }}", "endmacro"),
    ("call(a, b) g(x)", "{{ a }}{{ b }}", "endcall"),
    ("call g('y')", "z", "endcall"),
)


@settings(max_examples=600)
@given(
    block=st.sampled_from(BLOCKS),
    marks=st.tuples(MARKS, MARKS, MARKS, MARKS),
    around=st.tuples(BODIES, BODIES, BODIES, BODIES),
    x=st.sampled_from(["é", "", "{{ 1 }}"]),
)
def test_checks_of_names_change_nothing(native: Any, block: tuple[str, str, str], marks: tuple[str, ...], around: tuple[str, ...], x: str) -> None:
    """White space stands as it stood, whatever marks strip it, and each name has its value."""
    (head, body, tail), (a, b, c, d), (before, first, last, behind) = block, marks, around
    b, d = b.replace("+", ""), d.replace("+", "")  # "+%}" is minijinja's alone
    macro = "{% macro g(v) %}{{ caller(v, [v]) if v != 'y' else caller() }}{% endmacro %}"
    source = f"{macro}{before}{{%{a} {head} {b}%}}{first}{body}{last}{{%{c} {tail} {d}%}}{behind}" + "{% if f is defined %}{{ f(x) }}{{ f(1, c=x) }}{% endif %}"
    chat = [user("m"), user("n")]
    assert native.ChatTemplate(source).format(chat, x=x) == oracle(source, chat, {"x": x})


def test_a_large_conversation_is_not_stopped(native: Any) -> None:
    """What a template makes of its messages may be as large as they are."""
    source = (
        "{% macro show(all) %}{% for m in all %}{{ m.role }}:{{ m.content }};{% endfor %}{% endmacro %}"
        "{% set rest = messages[1:] %}{% set ns = namespace(all=[]) %}{% for m in rest %}{% set ns.last = m %}{% endfor %}"
        "{% set twice = messages + [ns.last] %}{{ show(twice) }}"
    )
    chat = [user("?") for _ in range(2_000)]
    assert native.ChatTemplate(source).format(chat) == "user:?;" * 2_001
