"""Fixtures. A test that takes `toklet` runs on each backend, on the native one alone if it is `slow`; one that takes `native` needs that; one that takes
`both` holds them equal. Where there is no native module, what needs it is left out, and the rest runs on the reference. `shared` is the only reason to skip.
"""

import importlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from .backends import Both, backend, backends

settings.register_profile("toklet", deadline=None, max_examples=50, derandomize="CI" in os.environ, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("toklet")


def pytest_report_header() -> str:
    return f"toklet on {' and '.join(backends())}; data in {data_folder()}{'' if data_folder().is_dir() else ', which is absent'}"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "toklet" in metafunc.fixturenames:
        slow = metafunc.definition.get_closest_marker("slow") is not None
        metafunc.parametrize("toklet", ["native"] if slow else backends(), indirect=True, scope="module")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "native" in backends():
        return
    out = {item for item in items if item.get_closest_marker("slow") or {"native", "both"} & set(getattr(item, "fixturenames", ()))}
    config.hook.pytest_deselected(items=[item for item in items if item in out])
    items[:] = [item for item in items if item not in out]


@pytest.fixture(scope="module")
def toklet(request: pytest.FixtureRequest) -> Iterator[Any]:
    """The public package, on the backend that the test is run on."""
    with backend(request.param).active() as package:
        yield package


@pytest.fixture(scope="module")
def native() -> Iterator[Any]:
    """The public package on the native backend, for what the reference doesn't do."""
    with backend("native").active() as package:
        yield package


@pytest.fixture
def command(toklet: Any, capsys: pytest.CaptureFixture[str]) -> Any:
    """The command `toklet`: arguments -> exit status, what it printed, and what it said beside."""

    def run(*arguments: object) -> tuple[int, str, str]:
        status = importlib.import_module("toklet.cli").main([*map(str, arguments)])
        told = capsys.readouterr()
        return status, told.out, told.err

    return run


@pytest.fixture(scope="session")
def both() -> Both:
    """The package on both backends."""
    return Both()


def data_folder() -> Path:
    return Path(os.environ.get("TOKLET_TEST_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The corpora and published vocabularies that lie beside the checkout; they aren't part of the project."""
    folder = data_folder()
    if not folder.is_dir():
        pytest.skip(f"needs the corpora and published vocabularies of {folder}, which isn't there (TOKLET_TEST_DATA may name another folder)")
    return folder
