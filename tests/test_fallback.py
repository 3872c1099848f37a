"""Without the native module: the reference takes over, says so once, and passes the tests."""

import os
import shutil
import subprocess
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the package without its native module."""
    from .backends import backend

    source = Path(backend("reference").toklet.__file__).parent
    folder = tmp_path_factory.mktemp("fallback")
    shutil.copytree(source, folder / "toklet", ignore=shutil.ignore_patterns("__pycache__", *(f"_native{suffix}" for suffix in EXTENSION_SUFFIXES)))
    return folder


def python(folder: Path, *arguments: str, backend: str = "") -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name not in ("TOKLET_BACKEND", "PYTHONWARNINGS")}
    environment |= {"PYTHONPATH": str(folder)} | ({"TOKLET_BACKEND": backend} if backend else {})
    return subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, text=True, timeout=1200, check=False)


SCRIPT = """
import warnings
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    import toklet
    import toklet.cli
tok = toklet.train(["low lower"], 260, pattern="gpt2")
print([(w.category.__name__, w.filename) for w in told])
print(toklet.backend, tok.decode(tok.encode("lower é")))
print(*(str(w.message) for w in told))
"""


def test_importing_without_the_native_module_warns_once_and_works(copy: Path) -> None:
    done = python(copy, "-c", SCRIPT)
    assert done.returncode == 0, done.stderr
    told, works, message = done.stdout.splitlines()
    assert told == "[('RuntimeWarning', '<string>')]"  # it points to the line that imports
    assert works == "reference lower é"
    assert "pip install toklet" in message
    assert "TOKLET_BACKEND=reference" in message
    assert "slower" in message


def test_a_user_sees_the_warning_with_python_as_it_is(copy: Path) -> None:
    done = python(copy, "-c", "import toklet; print(toklet.backend)")
    assert done.stdout == "reference\n"
    assert done.stderr.count("RuntimeWarning") == 1


def test_asking_for_the_reference_gives_no_warning(copy: Path) -> None:
    done = python(copy, "-W", "error", "-c", "import toklet; print(toklet.backend, toklet.train(['ab'], 257).merges)", backend="reference")
    assert (done.stdout, done.stderr) == ("reference [(b'a', b'b')]\n", "")


def test_asking_for_the_native_module_refuses_to_go_without(copy: Path) -> None:
    done = python(copy, "-c", "import toklet", backend="native")
    assert done.returncode == 1
    assert "ImportError" in done.stderr


def test_asking_for_another_backend_is_refused(copy: Path) -> None:
    done = python(copy, "-c", "import toklet", backend="cuda")
    assert done.returncode == 1
    assert "TOKLET_BACKEND is 'cuda'; it must be" in done.stderr


def test_the_reference_is_there_on_both_backends(toklet: Any) -> None:
    assert toklet.reference.split(b"a b", "gpt2") == [b"a", b" b"]
    assert toklet.reference.Tokenizer.from_merges([], [], "gpt2").encode("a") == [97]


def test_the_reference_needs_the_standard_library_alone(copy: Path) -> None:
    script = (
        "import sys\n"
        "sys.modules['toklet'] = type(sys)('toklet'); sys.modules['toklet'].__path__ = [sys.argv[1]]\n"
        "before = set(sys.modules)\n"
        "import toklet.reference, toklet.formats\n"
        "new = {name.partition('.')[0] for name in set(sys.modules) - before} - {'toklet'} - set(sys.stdlib_module_names)\n"
        "print(sorted(new), 'unicodedata' in sys.modules)\n"
    )
    done = python(copy, "-S", "-c", script, str(copy / "toklet"))
    assert done.stdout == "[] False\n", done.stderr


@pytest.mark.usefixtures("native")  # where the suite itself runs on the reference, this would be the same once more
def test_the_whole_suite_passes_on_the_reference(copy: Path, tmp_path: Path) -> None:
    folder = Path(__file__).parent
    options = ["-m", "not slow", "-p", "no:cacheprovider", f"--rootdir={folder.parent}", f"--basetemp={tmp_path / 'run'}"]
    done = python(copy, "-m", "pytest", str(folder), *options)
    assert done.returncode == 0, done.stdout[-6_000:]
    assert "toklet on reference;" in done.stdout
    assert "native" not in done.stdout.partition("toklet on reference")[2].partition("data in")[0]
