"""The package on each backend. Both live in one process: the package is imported once for each, with modules of its own, and a test has those of its
backend in `sys.modules`, so that imports, pickles and the classes of errors are the right ones.
"""

import importlib
import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from types import ModuleType
from typing import Any


def taken() -> dict[str, ModuleType]:
    """Take the modules of toklet out of `sys.modules`."""
    return {name: sys.modules.pop(name) for name in list(sys.modules) if name.partition(".")[0] == "toklet"}


class Backend:
    """The package on one backend: `toklet` is the package, `core` its engine, `files` what reads and writes its files."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.modules: dict[str, ModuleType] = {}
        before = os.environ.get("TOKLET_BACKEND")
        os.environ["TOKLET_BACKEND"] = name
        try:
            with self.active():
                package = importlib.import_module("toklet")
                for public in package.__all__:  # what is imported when it is first asked for is asked for now, while this backend's modules are there
                    getattr(package, public)
        finally:
            del os.environ["TOKLET_BACKEND"]
            if before is not None:
                os.environ["TOKLET_BACKEND"] = before
        self.toklet: Any = self.modules["toklet"]
        self.core: Any = vars(self.modules["toklet._core"])["core"]
        self.files: Any = vars(self.modules["toklet._core"])["files"]

    @contextmanager
    def active(self) -> Iterator[Any]:
        """Have the modules of this backend, and no others of toklet, in `sys.modules`."""
        before = taken()
        sys.modules.update(self.modules)
        try:
            yield self.modules.get("toklet")
        finally:
            self.modules = taken()
            sys.modules.update(before)

    def outcome(self, call: Callable[[Any], Any], on: Any = None) -> Any:
        """Give what a call on this backend's package (or on `on`) returns, or the names of its exception's classes and its message."""
        with self.active() as toklet:
            try:
                return call(toklet if on is None else on)
            except Exception as error:
                return [kind.__name__ for kind in type(error).__mro__], str(error)


class Both:
    """The two backends, for the tests that hold them equal."""

    def __init__(self) -> None:
        self.native, self.reference = backend("native"), backend("reference")

    def same(self, call: Callable[[Any], Any]) -> Any:
        """Check that a call on the package gives the same on both, the same error too; and give it."""
        return self.equal(self.native.outcome(call), self.reference.outcome(call))

    def same_core(self, call: Callable[[Any], Any]) -> Any:
        """Check that a call on the engine gives the same on both; and give it."""
        return self.equal(self.native.outcome(call, self.native.core), self.reference.outcome(call, self.reference.core))

    @staticmethod
    def equal(native: Any, reference: Any) -> Any:
        assert native == reference, f"native gives {native!r:.600}\nreference gives {reference!r:.600}"
        return reference


@cache
def backend(name: str) -> Backend:
    return Backend(name)


@cache
def backends() -> tuple[str, ...]:
    """Say which backends there are. The native module may be missing, but where it lies it must work."""
    found = importlib.util.find_spec("toklet")
    assert found is not None, "toklet is not installed: `pip install '.[test]'`, or set PYTHONPATH=python"
    folder = Path(str(found.origin)).parent
    return ("native", "reference") if any((folder / f"_native{suffix}").exists() for suffix in EXTENSION_SUFFIXES) else ("reference",)


def child(toklet: Any, script: str, *arguments: object, timeout: float = 120, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a Python script in a process of its own, on the same package and backend."""
    folder = str(Path(toklet.__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": folder, "TOKLET_BACKEND": toklet.backend, **variables}
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=timeout, check=False)
