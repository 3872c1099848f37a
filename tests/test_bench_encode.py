"""`toklet bench encode`: what is timed is right first; whose result is another has no figure; the table."""

import json
from pathlib import Path
from typing import Any

import pytest

from .backends import child

SCRIPT = "import sys, toklet.cli; sys.exit(toklet.cli.main(sys.argv[1:]))"
TEXT = "def f(x):\n    return 'é' * x  # it's 123\n\n" * 2_000


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "corpora"
    folder.mkdir()
    (folder / "one.txt").write_text(TEXT)
    (folder / "two.txt").write_text(TEXT[::-1])
    return folder


def test_every_task_gives_figures_of_every_corpus(native: Any, corpus: Path) -> None:
    tasks = "first,unseen,short,load,threads"
    done = child(native, SCRIPT, "bench", "encode", "-f", corpus, "--mb", "0.05", "--rounds", "2", "--tasks", tasks, "--peers", "tiktoken", "--json")
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)["figures"]
    assert {"toklet", "tiktoken"} == {figure["contender"] for figure in figures}
    for name in ("one", "two"):
        found = {figure["figure"] for figure in figures if figure["corpus"] == name and figure["contender"] == "toklet"}
        assert found >= {"first", "again", "list", "bytes", "str", "unseen", "short 20", "short 200"}
    assert all(len(figure["rounds"]) == 2 and min(figure["rounds"]) > 0 for figure in figures)


def test_who_gives_other_ids_has_no_figure(native: Any) -> None:
    from toklet.cli.bench_encode import Rounds

    rounds = Rounds([], {}, 1)
    assert rounds.same("peer", "unseen", "one", True)
    assert not rounds.same("peer", "unseen", "one", False)
    assert rounds.left_out == {("peer", "unseen of one")}
    rounds.check("unseen", "right", {"unseen": (1.0, 1.0, "right")})
    with pytest.raises(native.Error, match="the result of toklet at unseen is another than tiktoken's"):
        rounds.check("unseen", "right", {"unseen": (1.0, 1.0, "wrong")})


def test_the_table_tells_the_worst_piece_and_the_best_peer(native: Any) -> None:
    from toklet.cli.bench_encode import markdown

    times = {
        ("v", "c", "unseen", "toklet"): [200.0, 400.0, 300.0],
        ("v", "c", "unseen", "slow"): [30.0],
        ("v", "c", "unseen", "fast"): [100.0],
        ("v", "c", "piece a", "toklet"): [100.0],
        ("v", "c", "piece b", "toklet"): [50.0],
    }
    assert markdown(times, ["toklet", "slow", "fast"]).splitlines() == [
        "| one core | toklet | slow | fast |",
        "|---|---|---|---|",
        "| v: unseen documents, c | 300 MB/s | 30 MB/s, 10.00x | **100 MB/s, 3.00x** |",
        "| v: 1 MB without a border, the worst | 20.0 ms (b) | - | - |",
    ]


def test_documents_are_cut_between_characters_and_lose_nothing(native: Any) -> None:
    from toklet.cli.encode_jobs import documents

    data = (TEXT + "中" * 20_000).encode()
    cut = documents(data)
    assert sorted(b"".join(cut)) == sorted(data)
    assert all(document.decode() and len(document) <= 4_096 for document in cut)
    assert cut == documents(data)


@pytest.mark.parametrize("arguments", [["--tasks", "unseen,nothing"], ["--peers", "nobody"], ["--rounds", "0"], ["--mb", "0"]])
def test_what_makes_no_sense_is_refused(native: Any, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    from toklet.cli import main

    assert main(["bench", "encode", *arguments]) == 2
    assert arguments[0] in capsys.readouterr().err
