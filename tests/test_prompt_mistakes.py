"""What a user gets wrong while writing prompts, and what is said: the place, and what to do."""

from pathlib import Path
from typing import Any

import pytest

from .test_chat import chatml_tokenizer, user
from .test_prompt import tokenizer

QA = "Q: {{ question }}\nA: {{ answer }}"
SHOT = {"question": "2 + 2?", "answer": "4"}


def test_a_query_that_lacks_what_the_model_fills(toklet: Any) -> None:
    words = r"the query is without 'answer'; it must be all slots filled, or stop_before='answer'"
    with pytest.raises(toklet.PromptError, match=words):
        toklet.FewShot(toklet.Template(QA), [SHOT], query={"question": "3 + 3?"})


def test_a_value_that_is_no_text(toklet: Any) -> None:
    with pytest.raises(toklet.WrongTypeError, match=r"the slot 'answer' is of type int; it must be a str; Template\(…, slots={'answer': int}\) takes it"):
        toklet.Template(QA).format(question="2 + 2?", answer=4)
    with pytest.raises(toklet.WrongTypeError, match=r"the slot 'answer' is of type str; it must be an int$"):
        toklet.Template(QA, slots={"answer": int}).format(question="2 + 2?", answer="4")


def test_a_mask_of_what_is_not_there(toklet: Any) -> None:
    prompt = toklet.Template(QA).render(tokenizer(toklet), **SHOT)
    words = r"the mask of role 'assistant' is empty; it must be that of something in the prompt: roles \[\], slots \['question', 'answer'\], messages \[\]"
    with pytest.raises(toklet.PromptError, match=words):
        prompt.mask("assistant")


def test_a_tokenizer_that_does_not_have_the_templates_tokens(native: Any) -> None:
    chat, honest = native.ChatTemplate.chatml(), [user("<|x|> hi")]
    assert chat.render(chatml_tokenizer(native), honest).warnings == []
    (warning,) = chat.render(tokenizer(native, ["<s>", "<|im_end|>"]), honest).warnings
    assert warning == "the template writes '<|im_start|>', no special token of this tokenizer, so it is text: use the model's own tokenizer"
    ended = native.ChatTemplate("{{ messages[0].content }}{{ eos_token }}", eos_token="</s>")
    assert "'</s>'" in ended.render(tokenizer(native, []), honest).warnings[0]
    few = native.FewShot(native.Template(QA), [SHOT], query={"question": "?"}, stop_before="answer")
    assert "'<|im_start|>'" in few.render(tokenizer(native, ["<|im_end|>"]), chat=chat).warnings[0]


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (
            "{% for m in messages %}\n{{ '<' + m.name }}{% endfor %}",
            r"in line 2, at \"'<' \+ m.name\": .*; it must be given all that it reads: a message without",
        ),
        ("{{ messages[0].tool_calls[0].name }}", r"at '.tool_calls\[0\]': undefined value"),
        ("{{ messages | nofilter }}", "at 'nofilter': filter nofilter is unknown; it must be one that Jinja can render"),
        ("{% for m in messages %}", "in line 1"),
        ("{% set x = 1 + none %}", r"in line 1, at '1 \+ none': "),
    ],
)
def test_a_template_that_fails_shows_where(native: Any, source: str, words: str) -> None:
    with pytest.raises(native.PromptError, match=words) as found:
        native.ChatTemplate(source).format([user("x")])
    assert "_checked" not in str(found.value)


def test_a_file_that_is_no_template(native: Any, tmp_path: Path) -> None:
    (tmp_path / "vocab.txt").write_text("IQ== 0\n", "utf-8")
    with pytest.raises(native.FormatError, match=r"without '{{' and '{%'; it must be a template in Jinja, or a .json file with a 'chat_template'"):
        native.ChatTemplate.load(tmp_path / "vocab.txt")
