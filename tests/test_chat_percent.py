"""`'a text with %s' % values` in chat templates, as Python formats it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from .test_chat import oracle, user

VALUES = {"n": -7, "x": 2.5, "t": "é %s", "d": {"a": 1, "b": "c"}}


@pytest.mark.parametrize(
    "source",
    [
        "{{ '%s' % t }}",
        '{{ "%d: %s" % (n, t) }}',
        "{{ '%05.1f|%x|%5s|%-5s|%%' % (x, 255, 'a', d.b) }}",
        "{{ '%(a)s and %(b)s' % d }}",
        "{{ '%s' % d.b | upper }}",
        "{{ '%s' % d['b'] ~ '!' }}",
        "{{ 'a' ~ '%s' % t.upper() + 'b' }}",
        "{{ '%s-%s'%(t, [1, '%)']) }}",
        "{% if '%s' % n == '-7' %}yes{% endif %}",
        "{% set y = '%s' % t -%} {{ y }}",
        "{{ n % 4 }}{{ 'a' if n % 2 else 'b' }} {{ '50%' }} {% set z = '%' %}{{ z }}",
        "{{ '%s' % 'x' ~ '%s' % (n,) }}",
        "{% raw %}{{ '%s' % t }}{% endraw %} '%s' % t",
    ],
)
def test_texts_are_formatted_as_python_does(native: Any, source: str) -> None:
    assert native.ChatTemplate(source).format([user("m")], **VALUES) == oracle(source, [user("m")], VALUES)


@given(pieces=st.lists(st.sampled_from(["'%s'", '"%"', " % ", "(", ")", "n", ".", "|", "upper", "[", "]", ",", "~", "'", "%s", " "]), max_size=12))
def test_any_source_is_formatted_or_refused(native: Any, pieces: list[str]) -> None:
    source = "{{ " + "".join(pieces) + " }}"
    try:
        found = native.ChatTemplate(source).format([user("m")], **VALUES)
    except native.PromptError:
        return
    try:
        expected = oracle(source, [user("m")], VALUES)
    except Exception:  # the engine takes more than Jinja does
        return
    assert found == expected


def test_what_would_be_huge_or_wrong_is_refused(native: Any) -> None:
    for source in (
        "{{ '%1000000000d' % 1 }}",
        "{{ '%.1000000000f' % 1.5 }}",
        "{{ " + "'%s' % (" * 100_000 + "1" + ")" * 100_000 + " }}",
        "{{ '%s %s' % 1 }}",
        "{{ '%5s' % 'é' }}",
    ):
        with pytest.raises(native.PromptError):
            native.ChatTemplate(source).format([user("x")])
