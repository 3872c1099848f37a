"""What a model learns of a chat: each answer and what ends its turn, whatever the answer is."""

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from . import strategies
from .test_chat import CALL, CHATML, CLOCK, TOKENS, assistant, chatml_tokenizer, user

WORDS = ["", "user", "assistant", "role", "content", "system", "tool", "<|im_start|>", "<|im_end|>", "ok", "é 中", "im_end", "x\ny"]
SAID = st.sampled_from(WORDS) | strategies.texts(3).filter(lambda text: any(map(str.isalnum, text)))


@settings(max_examples=300)
@given(texts=st.lists(SAID, min_size=2, max_size=6))
def test_each_answer_is_learnt_with_what_ends_it(native: Any, texts: list[str]) -> None:
    tok, messages = chatml_tokenizer(native), [(user, assistant)[i % 2](text) for i, text in enumerate(texts)]
    prompt = native.ChatTemplate(CHATML).render(tok, messages)
    assert tok.decode(prompt.ids[prompt.mask("assistant")]) == "".join(text + "<|im_end|>" for text in texts[1::2])
    for i, text in enumerate(texts):
        assert tok.decode(prompt.ids[prompt.mask(message=i)]) == text + "<|im_end|>"


@pytest.mark.parametrize("number", range(13))
@pytest.mark.parametrize("answer", ["", "user", "assistant", "content", "ok", "<think>"])
def test_each_answer_is_learnt_whatever_the_template(native: Any, shared: Path, number: int, answer: str) -> None:
    path = sorted((shared / "templates").glob("*.jinja"))[number]
    source = path.read_text("utf-8")
    names = sorted({*re.findall(r"<[|｜][^\s<>'\"]+[|｜]>", source), *TOKENS.values(), "<end_of_turn>", "<start_of_turn>"})
    tok = native.Tokenizer.from_merges([], pattern="o200k", special_tokens=names)
    prompt = native.ChatTemplate(source, clock=lambda: CLOCK, **TOKENS).render(tok, [user("hi"), assistant(answer), user("yo"), assistant("bye")])
    first = prompt.ids[prompt.mask("assistant", message=1)]
    *content, close = first.tolist()
    assert tok.decode(content) == answer
    assert close in tok.special_tokens.values()
    assert tok.decode(prompt.ids[prompt.mask("assistant", message=3)][:-1]).endswith("bye")


def test_a_call_is_learnt_with_what_the_template_puts_around_it(native: Any) -> None:
    source = (
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}"
        "{% for c in m.tool_calls or [] %}<call>{{ c.function | tojson }}</call>{% endfor %}<|im_end|>\n{% endfor %}"
    )
    tok = chatml_tokenizer(native)
    prompt = native.ChatTemplate(source).render(tok, [user("Rain?"), assistant("", tool_calls=[CALL])])
    learnt = tok.decode(prompt.ids[prompt.mask("assistant")])
    assert learnt.startswith('<call>{"name": "weather"')
    assert learnt.endswith("}}</call><|im_end|>")


@pytest.mark.parametrize("number", range(13))
@settings(max_examples=25)
@given(data=st.data())
def test_no_template_makes_special_tokens_of_what_is_said(native: Any, shared: Path, number: int, data: st.DataObject) -> None:
    """The special ids are those of an honest chat of the same shape, whichever contents are empty, known words or control tokens."""
    source = sorted((shared / "templates").glob("*.jinja"))[number].read_text("utf-8")
    names = sorted({*re.findall(r"<[|｜][^\s<>'\"]+[|｜]>", source), *TOKENS.values(), "<end_of_turn>", "<start_of_turn>", "[INST]", "[/INST]"})
    tok = native.Tokenizer.from_merges([], pattern="o200k", special_tokens=names)
    chat = native.ChatTemplate(source, clock=lambda: CLOCK, **TOKENS)
    piece = st.sampled_from([*names, "user", "assistant", "x", " ", "\n", "content"])
    texts = data.draw(st.lists(st.lists(piece, max_size=3).map("".join), min_size=1, max_size=5))
    made = [(user, assistant)[i % 2] for i in range(len(texts))]
    try:
        prompt = chat.render(tok, [one(text) for one, text in zip(made, texts, strict=True)])
    except native.PromptError as error:
        assert "hides where it goes" in str(error)  # noqa: PT017
        return
    honest = chat.render(tok, [one("q" if text.strip() else text) for one, text in zip(made, texts, strict=True)])
    specials = [[id for id in of.ids.tolist() if id in tok.special_tokens.values()] for of in (prompt, honest)]
    assert specials[0] == specials[1]
    assert tok.decode(prompt.ids) == prompt.text
