"""Run the attacks, each in a process of its own with limits on time and memory, and print what became of them.

`python attacks/run.py` runs all, `python attacks/run.py logits fork` some; `python attacks/logits.py` runs one without limits. An attack is a function that
gives one sentence on what was measured, or raises `Broken` with one on what toklet did that it must not; `main` makes a program of it.
"""

import contextlib
import copy
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import toklet

SECONDS = 300
ADDRESSES = 4 << 30  # of address space, which is more than what is used: each thread's heap and stack reserve their own
HERE = Path(__file__).parent


class Broken(Exception):
    """toklet did not withstand."""


def holds(condition: Any, sentence: str) -> None:
    """Refuse to go on unless the condition holds."""
    if not condition:
        raise Broken(sentence)


def refused(name: str, call: Callable[[], Any], *allowed: type[BaseException]) -> str:
    """Demand that a call is refused, by one of toklet's own errors unless others are named; give its words."""
    try:
        found = call()
    except BaseException as error:
        if isinstance(error, allowed or (toklet.Error, OSError)):
            return str(error)
        raise Broken(f"{name}: {type(error).__name__}: {str(error)[:80]}") from None
    raise Broken(f"{name}: accepted, and gave {repr(found)[:80]}")


def changed(file: Any, place: tuple[Any, ...], value: Any) -> Any:
    """Give the file with one field changed."""
    made = inner = copy.deepcopy(file)
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    return made


def main(attack: Callable[[], str]) -> NoReturn:
    """Run one attack as a program: print one line, end with 0 if toklet withstood it."""
    try:
        print("withstood:", attack())
    except Broken as broken:
        sys.exit(f"BROKEN: {broken}")
    sys.exit(0)


def seconds(call: Callable[[], Any]) -> float:
    """Say how long the processor works for a call, refused or not: what else the machine does counts for nothing."""
    start = time.process_time()
    with contextlib.suppress(toklet.Error):
        call()
    return time.process_time() - start


def in_child(code: str, *arguments: object, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    """Run a piece of Python in a process of its own."""
    command = [sys.executable, "-W", "ignore", "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)


def limits() -> None:
    """Limit the child that is about to begin."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESSES, ADDRESSES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def outcome(path: Path) -> tuple[bool, str]:
    """Run one attack, and give whether toklet withstood it, and its line."""
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
    try:
        ran = subprocess.run([sys.executable, path], capture_output=True, text=True, timeout=SECONDS, preexec_fn=limits, env=environment, check=False)
    except subprocess.TimeoutExpired:
        return False, f"BROKEN: not done after {SECONDS} s"
    said = (ran.stdout + ran.stderr).strip().splitlines() or [""]
    return ran.returncode == 0, said[-1] if ran.returncode in (0, 1) else f"BROKEN: ended with {ran.returncode}: {said[-1]}"


if __name__ == "__main__":
    paths = [HERE / f"{name}.py" for name in sys.argv[1:]] or [path for path in sorted(HERE.glob("*.py")) if path.name != "run.py"]
    broken = 0
    print(f"backend: {toklet.backend}")
    for path in paths:
        start = time.perf_counter()
        withstood, line = outcome(path)
        broken += not withstood
        print(f"{path.stem:<20} {time.perf_counter() - start:6.1f} s  {line}", flush=True)
    print(f"{len(paths) - broken} of {len(paths)} withstood")
    sys.exit(1 if broken else 0)
