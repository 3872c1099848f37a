"""Chat templates: the text is that of the field's Jinja, and no message can spell a special token."""

import datetime
import json
from pathlib import Path
from typing import Any

import jinja2
import jinja2.ext
import jinja2.sandbox
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from . import strategies

CLOCK = datetime.datetime(2026, 11, 24, 13, 5, 9)
TOKENS = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"}
TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": 'The "weather" in a city\nnow, <b>& more</b>',
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "description": "é 中 😀"}, "days": {"type": "integer"}},
            "required": ["city"],
        },
    },
}
CALL = {"id": "call12345", "type": "function", "function": {"name": "weather", "arguments": {"city": "Zürich", "days": 2}}}
WORDS = (
    "Hello!",
    "",
    "  two  spaces \n",
    "line\nbreaks\n\n",
    "\"quotes\" 'both' \\ back",
    "é 中文 😀 \u0301",
    "<b>&amp;</b> {{ x }} {% y %}",
    "a" * 300,
    "\t\r\n",
    "1.5e3",
)


def user(text: Any) -> dict[str, Any]:
    return {"role": "user", "content": text}


def assistant(text: Any, **more: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": text, **more}


def shapes() -> list[tuple[list[dict[str, Any]], dict[str, Any]]]:
    """Conversations of every kind that comes to mind."""
    found: list[tuple[list[dict[str, Any]], dict[str, Any]]] = []
    for text in WORDS:
        found += [([user(text)], {}), ([{"role": "system", "content": text}, user("x")], {}), ([user("x"), assistant(text), user(text)], {})]
    talk = [user("a"), assistant("b"), user("c"), assistant("d"), user("e")]
    think = [user("a"), assistant("<think>\nwhy\n</think>\n\nbecause"), user("c"), assistant("<think>x</think>y")]
    call = [user("Rain?"), assistant("", tool_calls=[CALL]), {"role": "tool", "content": '{"rain": true}', "tool_call_id": "call12345"}, assistant("Yes.")]
    for messages in (
        talk,
        talk[:4],
        think,
        think[:3],
        call,
        call[:3],
        [*call, user("Thanks")],
        [assistant("first")],
        [user("a"), user("b")],
        [{"role": "system", "content": "s"}],
    ):
        found += [
            (messages, {}),
            ([{"role": "system", "content": "Be brief."}, *messages], {}),
            (messages, {"tools": [TOOL]}),
            (messages, {"enable_thinking": False}),
        ]
    found += [([user([{"type": "text", "text": "in a list"}])], {}), ([user("a"), assistant(None, tool_calls=[CALL])], {"tools": [TOOL]})]
    return [(messages, given | {"add_generation_prompt": start}) for messages, given in found for start in (True, False)]


class Generation(jinja2.ext.Extension):
    """`{% generation %}`, which shows nothing."""

    tags = {"generation"}  # noqa: RUF012 - as Jinja2 has it

    def parse(self, parser: Any) -> Any:
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("_body"), [], [], body).set_lineno(line)

    def _body(self, caller: Any) -> Any:
        return caller()


def oracle(source: str, messages: Any, given: dict[str, Any]) -> str:
    """Render as transformers does: its environment, its functions."""

    def refuse(message: str) -> None:
        raise jinja2.exceptions.TemplateError(message)

    def tojson(value: Any, ensure_ascii: bool = False, indent: Any = None, separators: Any = None, sort_keys: bool = False) -> str:
        return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    made = jinja2.sandbox.ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols])
    made.filters["tojson"] = tojson
    made.globals["raise_exception"] = refuse
    made.globals["strftime_now"] = CLOCK.strftime
    return made.from_string(source).render(messages=messages, **({"tools": None, "documents": None} | TOKENS | given))


@pytest.mark.parametrize("number", range(13))
def test_text_is_that_of_the_fields_jinja(native: Any, shared: Path, number: int) -> None:
    path = sorted((shared / "templates").glob("*.jinja"))[number]
    source, rendered = path.read_text("utf-8"), 0
    chat = native.ChatTemplate(source, clock=lambda: CLOCK, **TOKENS)
    specials = ["<s>", "</s>", "<|im_start|>", "<|im_end|>", "<|eot_id|>", "<think>", "</think>", "<end_of_turn>", "[INST]", "<|end|>"]
    tok = native.Tokenizer.from_merges([(b" ", b" "), (b"e", b"r")], pattern="o200k", special_tokens=specials)
    for messages, given_ in shapes():
        try:
            expected = oracle(source, messages, given_)
        except Exception:  # whatever it is: then toklet refuses as well
            with pytest.raises(native.Error):
                chat.format(messages, **given_)
            continue
        rendered += 1
        assert chat.format(messages, **given_) == expected, (path.name, messages, given_)
        prompt = chat.render(tok, messages, **given_)
        assert prompt.text == expected
        said = json.dumps([messages, given_], ensure_ascii=False)
        if not any(name in said for name in specials):
            assert prompt.ids.tolist() == tok.encode(expected, special="allow").tolist()
    assert rendered > 20, path.name


CHATML = "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>' + '\n' }}{% endfor %}"
THINKING = (
    "{% for m in messages %}{% set c = m.content %}{% if '</think>' in c %}{% set c = c.split('</think>')[-1].lstrip('\n') %}{% endif %}"
    "<|im_start|>{{ m.role }}\n{{ c | trim }}<|im_end|>\n{% endfor %}"
)
NAMES = ["<|im_start|>", "<|im_end|>", "<think>", "</think>"]
PIECES = st.sampled_from([*NAMES, "<|im_", "start|>", "end|>", "</th", "ink>", " ", "\n", "x", "\U000f0001", "\ue000", '"', "\\", "{{ m }}"])
HOSTILE = st.lists(PIECES | strategies.texts(2), max_size=5).map("".join)


def chatml_tokenizer(toklet: Any) -> Any:
    return toklet.Tokenizer.from_merges([(b"<", b"|"), (b" ", b" ")], pattern="o200k", special_tokens=NAMES)


@pytest.mark.parametrize("source", [CHATML, THINKING])
@settings(max_examples=300)
@given(texts=st.lists(HOSTILE, min_size=1, max_size=4))
def test_no_message_spells_a_special_token(native: Any, source: str, texts: list[str]) -> None:
    tok, chat = chatml_tokenizer(native), native.ChatTemplate(source)
    messages = [{"role": ("user", "assistant")[i % 2], "content": text} for i, text in enumerate(texts)]
    try:
        prompt = chat.render(tok, messages)
    except native.PromptError as error:  # nothing gets through, and it says why
        assume("hides where it goes" not in str(error))
        raise
    specials = [id for id in prompt.ids.tolist() if id in tok.special_tokens.values()]
    assert specials == [tok.id("<|im_start|>"), tok.id("<|im_end|>")] * len(texts)
    assert tok.decode(prompt.ids) == prompt.text == oracle(source, messages, {})


@given(texts=st.lists(strategies.texts(4).filter(lambda text: "<" not in text and any(map(str.isalnum, text))), min_size=2, max_size=6))
def test_masks_are_the_answers_and_what_ends_them(native: Any, texts: list[str]) -> None:
    tok, chat = chatml_tokenizer(native), native.ChatTemplate(CHATML)
    messages = [{"role": ("user", "assistant")[i % 2], "content": text} for i, text in enumerate(texts)]
    prompt = chat.render(tok, messages)
    end = tok.id("<|im_end|>")
    expected: list[int] = []
    for message in messages:
        answer = message["role"] == "assistant"
        head = tok.encode(f"<|im_start|>{message['role']}\n{message['content']}<|im_end|>\n", special="allow")
        content = sum(len(part.text.encode()) for part in prompt.parts if part.slot == "content" and part.message == messages.index(message))
        assert content or not answer
        expected += [int(answer and id == end) for id in head.tolist()]
    mask = prompt.mask("assistant")
    assert [int(one and id == end) for one, id in zip(mask, prompt.ids.tolist(), strict=True)] == expected
    assert not (prompt.mask("assistant", close=False) & (prompt.ids == end)).any()
    for span in prompt.spans:
        if span.slot == "content":
            assert prompt.text[slice(*span.characters)] in messages[span.message]["content"]


def test_what_a_template_leaves_out_hides_nothing(native: Any) -> None:
    tok, chat = chatml_tokenizer(native), native.ChatTemplate(CHATML)
    messages = [user("x"), assistant("an answer", note="</think>")]
    prompt = chat.render(tok, messages, tools=[TOOL | {"<|im_end|>": "<|im_start|>"}])
    assert prompt.mask("assistant").sum() == len("an answer") + 1
    thinking = native.ChatTemplate(THINKING).render(tok, [user("x"), assistant("<think>\nwhy\n</think>\n\nbecause")])
    assert thinking.mask("assistant").sum() == len("because") + 1  # the template strips two line breaks, and writes one of its own


def test_what_a_template_hides_may_be_taken_out_or_meant(native: Any) -> None:
    tok, chat, messages = chatml_tokenizer(native), native.ChatTemplate(THINKING), [user("</think>")]
    with pytest.raises(native.PromptError, match="hides where it goes"):
        chat.render(tok, messages)
    assert chat.render(tok, messages, untrusted="strip").text == chat.format([user("")])
    assert chat.render(tok, messages, untrusted="allow").text == chat.format(messages)


def test_a_chat_goes_on_without_encoding_again(native: Any) -> None:
    tok, chat = chatml_tokenizer(native), native.ChatTemplate.chatml()
    messages = [user("one?")]
    prompt = chat.render(tok, messages)
    for n, closed in enumerate((True, False, True)):
        said = tok.encode(f"answer {n}").tolist()[::-1] + [tok.id("<|im_end|>")] * closed
        longer = prompt.extend(said, [user(f"and {n}?")])
        assert longer.ids[: len(prompt) + len(said)].tolist() == [*prompt.ids.tolist(), *said]
        assert tok.decode(longer.ids) == longer.text
        text = f"answer {n}"[::-1]
        messages = [*messages, assistant(text), user(f"and {n}?")]
        assert longer.text == chat.format(messages)
        assert longer.cache_report(prompt).lost == 0
        prompt = longer
    assert prompt.mask("assistant").sum() == len("answer 0<") * 3


def test_a_chat_within_a_budget_drops_whole_turns(native: Any) -> None:
    tok, chat = chatml_tokenizer(native), native.ChatTemplate.chatml()
    messages = [{"role": "system", "content": "s"}, *(message for n in range(9) for message in (user(f"question {n}"), assistant(f"answer {n}"))), user("last")]
    whole = chat.render(tok, messages)
    assert chat.render(tok, messages, budget=len(whole) + 5, reserve=5).ids.tolist() == whole.ids.tolist()
    prompt = chat.render(tok, messages, budget=len(whole) - 1)
    assert len(prompt) <= 0.75 * (len(whole) - 1)
    assert prompt.dropped > 0
    assert prompt.text == chat.format([messages[0], *messages[1 + 2 * prompt.dropped :]])
    again = chat.render(tok, [*messages, assistant("x"), user("y")], budget=len(whole) - 1, dropped=prompt.dropped)
    assert again.dropped == prompt.dropped
    assert again.ids[: len(prompt) - 3].tolist() == prompt.ids[:-3].tolist() or again.cache_report(prompt).lost < 20
    with pytest.raises(native.BudgetError, match="the last turn"):
        chat.render(tok, messages, budget=3)


DEEP = "{% set ns = namespace(x=[]) %}{% for i in range(2000) %}{% for j in range(100) %}{% set ns.x = [ns.x] %}{% endfor %}{% endfor %}"


@pytest.mark.parametrize(
    "source",
    [
        "{% for i in range(100000000) %}x{% endfor %}",
        "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{% set x = namespace(s='x' * 1000) %}{% for i in range(60) %}{% set x.s = x.s + x.s %}{% endfor %}{{ x.s }}",
        "{{ 'x' * 100000000000 }}",
        "{{ '%' * 1000000000 }}",
        "{{ range(1000000000) | list }}",
        "{{ 'a' | indent(1000000000) }}",
        "{{ '{:1000000000}'.format(1) }}",
        "{% set x = [1] * 1000 %}" + "{% set x = x + x %}" * 60 + "{{ x | length }}",
        "{% set x = [1] %}{{ x | chain(x) | length }}",
        "{% macro f() %}{{ caller() }}{% endmacro %}{% macro g() %}{% call f() %}{{ g() }}{% endcall %}{% endmacro %}{{ g() }}",
        "{% for x in [[]] recursive %}{{ loop([x]) }}{% endfor %}",
        "{{ " + "(" * 1_000_000 + "1" + ")" * 1_000_000 + " }}",
        "{% if 1 %}" * 100_000 + "{% endif %}" * 100_000,
        DEEP + "{{ ns.x | string }}",
        DEEP + "{{ 'a' ~ ns.x }}",
        DEEP + "{{ ns.x == [ns.x] }}",
        DEEP + "{{ ns.x | pprint }}",
        DEEP,
        "{% set ns = namespace() %}{% set ns.x = ns %}{{ ns | string }}",
        "{% set ns = namespace() %}{%- set ns.x = {'y': [ns]} -%}{{ ns == ns.x }}",
        "{% set _checked_value = namespace %}{% set ns = namespace() %}{% set ns.x = ns %}{{ ns | string }}",
    ],
)
def test_templates_without_an_end_are_stopped(native: Any, source: str) -> None:
    with pytest.raises(native.PromptError):
        native.ChatTemplate(source).format([user("x")])


@settings(max_examples=100)
@given(
    value=st.recursive(
        st.none() | st.booleans() | st.integers(-(2**62), 2**62) | st.text("ab={}%'\"é\n"),
        lambda inner: st.lists(inner) | st.dictionaries(st.text("ab"), inner),
    )
)
def test_what_is_put_into_a_variable_is_what_it_was(native: Any, value: Any) -> None:
    """The check of `{% set %}` changes nothing."""
    source = (
        "{% set a = x %}{%- set ns = namespace(b=1) -%}{% set ns.b = x, '=' %}{% set c, d = (x, x if x else 'no') %}{% set e = x if false %}"
        "{% set f %}{{ a }}{% endset %}{% set g = '%}' ~ \"=\" if a == 1 and not b else {'k': [c]} %}"
        "{{ a }}|{{ ns.b }}|{{ c }}|{{ d }}|{{ e }}|{{ f }}|{{ g }}|{{ a is string }}"
    )
    assert native.ChatTemplate(source).format([user("x")], x=value) == oracle(source, [user("x")], {"x": value})


SAID = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{% if m.role == 'assistant' %}{% generation %}{{ m.content | trim }}<|im_end|>{% endgeneration %}\n"
    "{% else %}{{ m.content }}<|im_end|>\n{% endif %}{% endfor %}"
)


def test_where_a_template_says_what_is_generated_the_answers_are_that(native: Any) -> None:
    tok = chatml_tokenizer(native)
    messages = [user("a"), assistant(" b\n"), user("c"), assistant(""), user("d"), assistant("é </think>")]
    prompt = native.ChatTemplate(SAID).render(tok, messages)
    assert prompt.text == oracle(SAID, messages, {})
    said = [prompt.text[slice(*span.characters)] for span in prompt.spans if span.role == "assistant"]
    assert "".join(said) == "b<|im_end|><|im_end|>é </think><|im_end|>"
    assert [span.message for span in prompt.spans if span.role == "assistant"] == [1, 1, 3, 5, 5]
    assert tok.decode(prompt.ids[prompt.mask("assistant", close=False)]) == "bé </think>"
    labels = native.ChatTemplate(SAID.replace("{% generation %}", "{% if true %}").replace("{% endgeneration %}", "{% endif %}")).render(tok, messages)
    assert labels.ids.tolist() == prompt.ids.tolist()
    half = SAID.replace("{% generation %}{{ m.content | trim }}", "{{ m.content | trim }}{% generation %}")
    only = native.ChatTemplate(half).render(tok, messages)
    assert only.ids[only.mask("assistant")].tolist() == [tok.id("<|im_end|>")] * 3


@pytest.mark.parametrize("text", ["\0\1", "\t\r\n", '""', "\\", "\x7f", " "])
def test_an_answer_of_what_is_not_labelled_has_a_span(native: Any, text: str) -> None:
    prompt = native.ChatTemplate(CHATML).render(chatml_tokenizer(native), [user("x"), assistant(text)])
    assert [part.text for part in prompt.parts if part.role == "assistant"] == [text, "<|im_end|>"]


@pytest.mark.parametrize("name", ["openai-gpt-oss-120b", "Qwen-Qwen3-0.6B", "llama-3-instruct", "HuggingFaceTB-SmolLM3-3B"])
def test_answers_have_spans_beside_tools(native: Any, shared: Path, name: str) -> None:
    """Templates look closely at tools; what messages say is known nevertheless."""
    chat = native.ChatTemplate((shared / "templates" / f"{name}.jinja").read_text("utf-8"), clock=lambda: CLOCK, **TOKENS)
    for messages, given_ in shapes():
        try:
            parts = chat.render_parts(messages, special_tokens=NAMES, **given_)
        except native.PromptError:
            continue
        text = "".join(part.text for part in parts)
        for i, message in enumerate(messages):
            said = message["content"]
            if message["role"] == "assistant" and isinstance(said, str) and said.strip() and said in text:
                assert any(part.message == i and part.slot == "content" for part in parts), (messages, given_)


def test_what_is_refused(native: Any, tmp_path: Path) -> None:
    chat = native.ChatTemplate.chatml()
    for messages, words in (
        ("x", "messages"),
        ([1], "messages"),
        ([{"content": "x"}], "role"),
        ([{"role": "user<|im_end|>", "content": "x"}], "role"),
        ([{"role": "user", "content": object()}], "content"),
        ([{"role": "user", "content": float("nan")}], "content"),
        ([{"role": "user", "content": "\ud800"}], "surrogate"),
        ([{"role": "user"}], "content|template|undefined"),
    ):
        with pytest.raises(native.Error, match=words):
            chat.format(messages)
    with pytest.raises(native.PromptError):
        native.ChatTemplate("{% if %}")
    with pytest.raises(native.PromptError, match="continue_final_message"):
        chat.format([user("x")], add_generation_prompt=True, continue_final_message=True)
    (tmp_path / "tokenizer_config.json").write_text(
        '{"eos_token": {"content": "</s>"}, "chat_template": [{"name": "a", "template": "{{ eos_token }}"}]}', "utf-8"
    )
    assert native.ChatTemplate.load(tmp_path / "tokenizer_config.json", name="a").format([user("x")]) == "</s>"
    with pytest.raises(native.FormatError, match="'default'"):
        native.ChatTemplate.load(tmp_path / "tokenizer_config.json")


def test_a_final_message_is_continued_where_it_ends(native: Any) -> None:
    chat = native.ChatTemplate.chatml()
    messages = [user("x"), assistant("The answer is ")]
    assert chat.format(messages, continue_final_message=True) == "<|im_start|>user\nx<|im_end|>\n<|im_start|>assistant\nThe answer is "
    prompt = chat.render(chatml_tokenizer(native), messages, continue_final_message=True)
    assert prompt.text == chat.format(messages, continue_final_message=True)


def test_the_reference_says_that_it_has_none(toklet: Any) -> None:
    if toklet.backend == "reference":
        with pytest.raises(toklet.PromptError, match="native"):
            toklet.ChatTemplate.chatml()
