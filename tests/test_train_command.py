"""`toklet count-words` and `toklet train`: files to tables of counts, and either to a tokenizer."""

import json
from pathlib import Path
from typing import Any

import pytest

TEXT = "the cat sat on the mat; the dog sat on the log, 中文 too\n" * 40


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    path = tmp_path / "corpus.txt"
    path.write_text(TEXT, "utf-8", newline="")
    return path


def test_a_table_trains_as_the_files_that_it_counts(toklet: Any, command: Any, corpus: Path, tmp_path: Path) -> None:
    counts, direct, later = tmp_path / "counts.parquet", tmp_path / "direct.json", tmp_path / "later.json"
    assert command("train", corpus, "-v", 280, "-o", direct, "--pattern", "gpt2", "--special", "<|end|>", "-q") == (0, "", "")
    assert command("count-words", corpus, "-o", counts, "--pattern", "gpt2", "-q") == (0, "", "")
    assert command("train", counts, "-v", 280, "-o", later, "--special", "<|end|>", "-q") == (0, "", "")
    assert toklet.load(direct) == toklet.load(later) == toklet.train([TEXT], 280, pattern="gpt2", special_tokens=["<|end|>"])
    assert toklet.WordCounts.load(counts) == toklet.count([TEXT], "gpt2")


def test_a_table_of_another_pattern_is_refused(command: Any, corpus: Path, tmp_path: Path) -> None:
    command("count-words", corpus, "-o", tmp_path / "counts.arrow", "-q")
    status, _, said = command("train", tmp_path / "counts.arrow", "-v", 280, "-o", tmp_path / "tok.json", "--pattern", "gpt2", "-q")
    assert status == 2
    assert "it must be that of the counts" in said
    assert not (tmp_path / "tok.json").exists()


def test_what_is_told(command: Any, corpus: Path, tmp_path: Path) -> None:
    status, out, said = command("count-words", corpus, "-o", tmp_path / "counts.parquet", "--max-words", 5, "--json")
    told = json.loads(out)
    assert (status, told["words"] <= 5, told["error_bound"] > 0) == (0, True, True)
    assert f"each too low by at most {told['error_bound']}" in said
    assert "Training on them takes about" in said
    status, out, said = command("train", corpus, "-v", 270, "-o", tmp_path / "tok.json", "--json")
    assert (status, json.loads(out)["vocab_size"]) == (0, 270)
    assert "count" in said
    assert "merge in about" in said  # so many MB


def test_a_training_goes_on_and_an_extended_one_keeps_its_ids(toklet: Any, command: Any, corpus: Path, tmp_path: Path) -> None:
    first, whole, more = tmp_path / "first.json", tmp_path / "whole.json", tmp_path / "more.json"
    command("train", corpus, "-v", 262, "-o", first, "--checkpoint", tmp_path / "kept.json", "-q")
    command("train", corpus, "-v", 272, "-o", whole, "--checkpoint", tmp_path / "kept.json", "-q")
    command("train", corpus, "-v", 272, "-o", more, "--extend", first, "-q")
    assert toklet.load(whole).merges == toklet.load(more).merges == toklet.train([TEXT], 272).merges
    assert toklet.load(more).merges[:6] == toklet.load(first).merges


@pytest.mark.parametrize("output", ["tok.txt", "no_such_folder/tok.json"])
def test_a_name_that_could_not_be_saved_to_is_refused_first(command: Any, corpus: Path, tmp_path: Path, output: str) -> None:
    status, _, said = command("train", corpus, "-o", tmp_path / output)
    assert status == 2
    assert str(tmp_path / output).removesuffix("/tok.json") in said
