"""What the documentation shows is what happens: every example of every docstring, and of the README, runs."""

import doctest
import importlib
import pkgutil
import re
from pathlib import Path
from typing import Any

import pytest

README = Path(__file__).resolve().parents[1] / "README.md"


def modules(toklet: Any) -> list[str]:
    return ["toklet", *(found.name for found in pkgutil.walk_packages(toklet.__path__, "toklet.") if not found.name.endswith(("__main__", "_native")))]


def test_the_examples_of_docstrings_print_what_they_say(toklet: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    attempted = 0
    for name in modules(toklet):
        if name == "toklet.chat" and toklet.backend == "reference":
            continue  # chat templates are rendered by the core alone
        found = doctest.testmod(importlib.import_module(name))
        assert found.failed == 0, name
        attempted += found.attempted
    assert attempted > 50


def test_the_readmes_examples_print_what_they_say(toklet: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what stands in a block of Python is an example; the end of a block isn't output."""
    blocks = re.findall(r"^```(?:python|pycon)\n(.*?)^```", README.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    if toklet.backend == "reference":  # chat templates are rendered by the core alone
        blocks = [block for block in blocks if "ChatTemplate" not in block]
    monkeypatch.chdir(tmp_path)
    test = doctest.DocTestParser().get_doctest("\n\n".join(blocks), {}, "README.md", str(README), 0)
    runner = doctest.DocTestRunner()
    runner.run(test)
    assert runner.summarize(verbose=False).failed == 0
    assert len(test.examples) > 5


def test_every_public_name_has_a_docstring(toklet: Any) -> None:
    for name in toklet.__all__:
        if name.startswith("__"):
            continue
        value = getattr(toklet, name)
        if isinstance(value, type) or callable(value):
            assert value.__doc__, name


@pytest.mark.parametrize("name", ["Tokenizer", "WordCounts", "Sampler", "Batch", "Template", "FewShot", "Prompt", "NGram"])
def test_every_public_method_has_a_docstring(toklet: Any, name: str) -> None:
    for method, value in vars(getattr(toklet, name)).items():
        if not method.startswith("_") and (callable(value) or isinstance(value, property | classmethod | staticmethod)):
            assert getattr(toklet, name).__dict__[method].__doc__, f"{name}.{method}"
