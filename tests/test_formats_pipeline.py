"""What stands around the model in a tokenizer.json: the ids are those of `tokenizers`, whatever the file asks for."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from . import pipelines


def loaded(toklet: Any, folder: Path, said: dict[str, Any]) -> Any:
    (folder / "tok.json").write_text(json.dumps(said), "utf-8")
    return toklet.load(folder / "tok.json")


@pytest.mark.parametrize("files", [pipelines.of_bytes, pipelines.of_characters])
@settings(suppress_health_check=list(HealthCheck), max_examples=300)
@given(data=st.data())
def test_ids_are_those_of_tokenizers(toklet: Any, tmp_path: Path, files: Any, data: st.DataObject) -> None:
    said = data.draw(files())
    try:
        tok = loaded(toklet, tmp_path, said)
    except toklet.FormatError:
        assume(False)
    texts = data.draw(st.lists(pipelines.texts(), min_size=1, max_size=8))
    for special in (False, True):
        peer = pipelines.peer(said, special)
        for text in texts:
            ids, theirs = tok.encode(text, special="allow" if special else "text").tolist(), pipelines.ids_of(peer, text)
            assert theirs is None or ids == theirs, (text, special)
