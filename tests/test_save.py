"""A save is whole or not at all: whoever reads the file sees the old one or the new one, whatever happens in between."""

import itertools
import os
import random
import resource
import signal
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

KILLS = 30


def tokenizers(toklet: Any) -> tuple[Any, Any]:
    """Two tokenizers whose files are large enough to be caught half written."""
    merges = [(bytes([a]), bytes([b])) for a in range(97, 123) for b in range(256)]
    return toklet.Tokenizer.from_merges(merges, pattern="o200k"), toklet.Tokenizer.from_merges(merges[:3_000], pattern="gpt2", special_tokens=["<s>"])


def in_a_child(work: Callable[[], object]) -> int:
    """Run work in a forked process, which ends with 0 if it returns."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    return pid


def waited(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("ending", [".json", ".tiktoken"])
def test_a_process_killed_while_it_saves_leaves_the_old_file_or_the_new_one(toklet: Any, tmp_path: Path, ending: str) -> None:
    pair, path, chance = tokenizers(toklet), tmp_path / f"tok{ending}", random.Random(1)
    allowed, began = [], time.perf_counter()
    for tok in pair:
        tok.save(path)
        allowed.append(path.read_bytes())
    both = time.perf_counter() - began

    def save_for_ever(first: int) -> None:
        for n in itertools.count(first):
            pair[n % 2].save(path)

    seen = {path.read_bytes()}
    for number in range(KILLS):
        before = path.read_bytes()
        pid = in_a_child(lambda first=number: save_for_ever(first))
        while number == 0 and path.read_bytes() == before:
            time.sleep(0.001)  # one save at least is seen to end, however busy the machine is
        seen.add(path.read_bytes())
        time.sleep(chance.uniform(0, 2 * both))
        os.kill(pid, signal.SIGKILL)
        assert waited(pid) == -signal.SIGKILL
        found = path.read_bytes()
        assert found in allowed
        seen.add(found)
        left = [name for name in os.listdir(tmp_path) if name != path.name]
        assert len(left) <= 1
        for name in left:
            assert name.startswith(path.name)
            (tmp_path / name).unlink()
    assert len(seen) == 2


def test_a_save_replaces_the_file_and_leaves_nothing_beside_it(toklet: Any, tmp_path: Path) -> None:
    one, other = tokenizers(toklet)
    path = tmp_path / "tok.json"
    for tok in (one, other, one):
        tok.save(path)
        assert toklet.load(path) == tok
        assert os.listdir(tmp_path) == ["tok.json"]


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o444])
def test_the_mode_of_a_file_that_is_replaced_is_kept(toklet: Any, tmp_path: Path, mode: int) -> None:
    one, other = tokenizers(toklet)
    path = tmp_path / "tok.json"
    one.save(path)
    path.chmod(mode)
    other.save(path)
    assert stat.S_IMODE(path.stat().st_mode) == mode
    assert toklet.load(path) == other


@pytest.mark.parametrize("mask", [0o022, 0o077])
def test_a_new_file_has_the_mode_of_any_new_file(toklet: Any, tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        tokenizers(toklet)[0].save(tmp_path / "tok.json")
        (tmp_path / "any").write_bytes(b"")
    finally:
        os.umask(before)
    assert (tmp_path / "tok.json").stat().st_mode == (tmp_path / "any").stat().st_mode


def test_a_symbolic_link_keeps_pointing_where_it_points(toklet: Any, tmp_path: Path) -> None:
    one, other = tokenizers(toklet)
    (tmp_path / "deep").mkdir()
    target, link, far = tmp_path / "deep" / "target.json", tmp_path / "link.json", tmp_path / "far.json"
    one.save(target)
    link.symlink_to(Path("deep") / "target.json")
    far.symlink_to(link)
    other.save(far)
    assert link.is_symlink()
    assert far.is_symlink()
    assert not target.is_symlink()
    assert toklet.load(target) == toklet.load(far) == other
    assert sorted(os.listdir(tmp_path / "deep")) == ["target.json"]


def test_a_link_to_a_file_that_is_not_there_makes_it(toklet: Any, tmp_path: Path) -> None:
    (tmp_path / "link.json").symlink_to(tmp_path / "target.json")
    tokenizers(toklet)[0].save(tmp_path / "link.json")
    assert (tmp_path / "link.json").is_symlink()
    assert not (tmp_path / "target.json").is_symlink()


def test_a_relative_path_is_relative_to_where_one_is(toklet: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    tok = tokenizers(toklet)[0]
    tok.save("tok.json")
    tok.save("./tok.json")
    assert toklet.load("tok.json") == tok
    assert os.listdir(tmp_path) == ["tok.json"]


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other users may look into, unlike those of pytest."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        yield Path(name)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_folder_that_cannot_be_written_to_is_an_oserror_and_keeps_the_old_file(toklet: Any, open_folder: Path) -> None:
    one, other = tokenizers(toklet)
    path = open_folder / "tok.json"
    one.save(path)
    before = path.read_bytes()
    open_folder.chmod(0o555)

    def refused() -> None:
        if os.geteuid() == 0:  # root may write anywhere
            os.setgid(65_534)
            os.setuid(65_534)
        assert path.read_bytes() == before
        with pytest.raises(OSError, match=r"tok\.json"):
            other.save(path)

    assert waited(in_a_child(refused)) == 0
    open_folder.chmod(0o755)
    assert path.read_bytes() == before
    assert os.listdir(open_folder) == ["tok.json"]


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_disk_that_is_full_is_an_oserror_and_keeps_the_old_file(toklet: Any, tmp_path: Path) -> None:
    one, other = tokenizers(toklet)
    path = tmp_path / "tok.json"
    other.save(path)
    before = path.read_bytes()

    def refused() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
        with pytest.raises(OSError, match=r"tok\.json"):
            one.save(path)

    assert waited(in_a_child(refused)) == 0
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["tok.json"]


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_processes_that_save_and_load_one_path_never_see_half_a_file(toklet: Any, tmp_path: Path) -> None:
    pair, path = tokenizers(toklet), tmp_path / "tok.json"
    pair[0].save(path)

    def save() -> None:
        for n in range(40):
            pair[n % 2].save(path)

    savers = [in_a_child(save) for _ in range(3)]
    sizes = set()
    for _ in range(30 if toklet.backend == "native" else 6):
        sizes.add(toklet.load(path).vocab_size)
    assert [waited(pid) for pid in savers] == [0, 0, 0]
    assert sizes <= {tok.vocab_size for tok in pair}
    assert os.listdir(tmp_path) == ["tok.json"]


def test_counts_are_saved_whole_or_not_at_all(toklet: Any, tmp_path: Path) -> None:
    counts = toklet.count(["a b c"])
    path = tmp_path / "counts.parquet"
    counts.save(path)
    path.chmod(0o640)
    (counts + counts).save(path)
    assert toklet.WordCounts.load(path) == counts + counts
    with pytest.raises(OSError, match="missing"):
        counts.save(tmp_path / "missing" / "counts.parquet")
    assert os.listdir(tmp_path) == ["counts.parquet"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
