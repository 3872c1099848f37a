"""Chat prompts beside the field's own: the ids of tokenizers for what a template gives, the text and ids of transformers, and nothing of it at import."""

import json
from pathlib import Path
from typing import Any

import pytest
import tokenizers

from .backends import child
from .test_chat import CLOCK, TOKENS, shapes

NAMES = [
    "<s>",
    "</s>",
    "<|im_start|>",
    "<|im_end|>",
    "<|eot_id|>",
    "<|start_header_id|>",
    "<|end_header_id|>",
    "<think>",
    "</think>",
    "<end_of_turn>",
    "<|end|>",
]


@pytest.mark.parametrize("number", range(13))
def test_honest_chats_have_the_ids_of_tokenizers(native: Any, shared: Path, tmp_path: Path, number: int) -> None:
    path = sorted((shared / "templates").glob("*.jinja"))[number]
    chat = native.ChatTemplate(path.read_text("utf-8"), clock=lambda: CLOCK, **TOKENS)
    tok = native.train([path.read_text("utf-8"), *(json.dumps(messages, ensure_ascii=False) for messages, _ in shapes())], 700, special_tokens=NAMES)
    tok.save(tmp_path / "tokenizer.json")
    peer, compared = tokenizers.Tokenizer.from_file(str(tmp_path / "tokenizer.json")), 0
    for messages, given in shapes():
        if any(name in json.dumps([messages, given], ensure_ascii=False) for name in NAMES):
            continue  # not honest: tokenizers would make special tokens of it
        try:
            prompt = chat.render(tok, messages, **given)
        except native.PromptError:
            continue
        assert prompt.ids.tolist() == peer.encode(prompt.text, add_special_tokens=False).ids, (path.name, messages, given)
        compared += 1
    assert compared > 20, path.name


def test_chats_are_those_of_transformers(native: Any, tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    chat = native.ChatTemplate.chatml()
    tok = native.train([json.dumps(messages) for messages, _ in shapes()], 500, special_tokens=NAMES)
    tok.save(tmp_path / "tokenizer.json")
    peer = transformers.PreTrainedTokenizerFast(tokenizer_file=str(tmp_path / "tokenizer.json"))
    peer.chat_template = chat.source
    for messages in ([{"role": "user", "content": "Hi"}], [{"role": ("user", "assistant")[i % 2], "content": f"é {i}\n"} for i in range(9)]):
        prompt = chat.render(tok, messages)
        assert peer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True) == prompt.text
        given = peer.apply_chat_template(messages, add_generation_prompt=True)
        assert list(given["input_ids"] if hasattr(given, "keys") else given) == prompt.ids.tolist()


def test_nothing_of_jinja_is_loaded(native: Any) -> None:
    code = (
        "import sys, toklet; toklet.ChatTemplate.chatml().format([]); print([name for name in sys.modules if name.split('.')[0] in ('jinja2', 'markupsafe')])"
    )
    assert child(native, code).stdout == "[]\n"
