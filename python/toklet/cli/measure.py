"""bench: the times of the cases in `bench`, as tables for a reader or as JSON, with the machine that they were taken on.

It measures every kernel a little. What is measured with more care has a benchmark of its own: `toklet bench encode` and `toklet bench train`.
"""

import argparse
import os
import sys
import time
from typing import TYPE_CHECKING, Any

from .._core import backend
from ..reference.error import Error, number
from . import bench_encode, bench_train
from .arguments import command, print_json, say, table, takes_json

if TYPE_CHECKING:
    from .arguments import Commands
    from .bench import Case

SMALL_MB, SMALL_VOCAB = 0.2, 1_024  # where the reference takes part
LARGE_MB, LARGE_VOCAB = 4.0, 8_192
PATIENCE = 5.0  # seconds: a case that has had so many isn't repeated any more
Result = dict[str, Any]


def add(commands: "Commands") -> None:
    """Add the command."""
    parser = command(
        commands,
        "bench",
        run,
        "measure each kernel on this machine",
        "Against the pure-Python reference on a little text, and beside the peers that are installed (tiktoken, tokenizers, rustbpe, gigatoken) on more. "
        "Nothing is timed before its result was found equal.",
    )
    takes_what(parser)
    benchmarks = parser.add_subparsers(title="benchmarks of their own", metavar="")
    takes_what(command(benchmarks, "all", run, "every kernel, on a little text (the default)"))
    for module in (bench_encode, bench_train):
        module.add(benchmarks)


def takes_what(parser: argparse.ArgumentParser) -> None:
    """Add what is measured, and how often."""
    parser.add_argument("-f", "--file", metavar="PATH", help="a file, folder or glob (default: the source of the standard library)")
    parser.add_argument("--mb", type=float, default=LARGE_MB, metavar="N", help="how much of it beside the peers (default: %(default)s)")
    parser.add_argument("--repeat", type=int, default=5, metavar="N", help="how often: medians are told (default: %(default)s)")
    takes_json(parser)


def run(args: argparse.Namespace) -> None:
    """Measure and tell."""
    from .bench import LOGITS, OURS, Input, installed

    number("--mb", args.mb, "above 0", 1e-6, 1e6)
    number("--repeat", args.repeat, "an integer, at least 1", 1, 1_000, whole=True)
    peers = installed()
    if backend == "reference":
        args.mb = min(args.mb, SMALL_MB)
        say(f"The native module is missing: the pure-Python reference is measured beside the peers, on {args.mb} MB.")
    small = Input.of(args.file, min(args.mb, SMALL_MB), SMALL_VOCAB)
    large = small if backend == "reference" else Input.of(args.file, args.mb, LARGE_VOCAB)
    ours = measured(small, OURS, args.repeat) if backend == "native" else []
    beside = measured(large, ("toklet", *peers), args.repeat)
    if args.json:
        print_json({"machine": machine(), "against_reference": ours, "beside_peers": beside})
        return
    for name, value in machine().items():
        print(f"{name:10}{value if isinstance(value, str) else ', '.join(f'{k} {v}' for k, v in value.items())}")
    what = args.file or "the standard library's source"
    if ours:
        print(f"\nNative against the pure-Python reference: {small.megabytes:.1f} MB of {what}, {SMALL_VOCAB:,} ids; rows of {LOGITS:,} logits\n")
        print(against_reference(ours))
    print(f"\nBeside the peers: {large.megabytes:.1f} MB of {what} in {len(large.texts):,} texts, {large.vocab_size:,} ids, one thread each\n")
    print(beside_peers(beside))
    print(
        "\ncold: the first call of a new tokenizer; warm: the second on the same texts, when caches are full.\n"
        f"Medians of {args.repeat} calls, of fewer where they are slow; each result was equal to toklet's.\n"
        "toklet: how many times as fast as this contender it is; under 1 the contender is faster."
    )


def measured(given: Any, contenders: tuple[str, ...], repeat: int) -> list[Result]:
    """Time all cases of these contenders whose results are right."""
    from ..progress import bar
    from .bench import cases

    results = []
    for case in bar(cases(given, contenders), "bench", unit=" cases"):
        if right(case):
            results.append({"kernel": case.kernel, "contender": case.contender, "amount": case.amount, "unit": case.unit, **times(case, repeat)})
    return results


def right(case: "Case") -> bool:
    """Check before timing. Where toklet and its reference differ, that is a failure; a peer that differs, or that has changed its API, is left out."""
    peer = case.contender not in ("toklet", "reference")
    try:
        if case.agrees():
            return True
        why = "its result differs"
    except Exception as error:
        if not peer:
            raise
        why = f"{type(error).__name__}: {error}"
    if not peer:
        raise Error(f"the result of {case.contender} at {case.kernel}", "another than toklet's", "the same: please report this")
    say(f"\n{case.contender} is left out at {case.kernel}: {why}")
    return False


def times(case: "Case", repeat: int) -> Result:
    """Give the median seconds of the first and of the second call of a new tokenizer."""
    from statistics import median

    cold: list[float] = []
    warm: list[float] = []
    while len(cold) < repeat and sum(cold + warm) < PATIENCE:
        made = case.make()
        for into in (cold, warm):
            started = time.perf_counter()
            case.run(made)
            into.append(time.perf_counter() - started)
    return {"cold_seconds": median(cold), "warm_seconds": median(warm)}


def speed(result: Result, when: str) -> str:
    """Say how fast: MB/s, or the time of one draw."""
    seconds = result[f"{when}_seconds"]
    return f"{result['amount'] / seconds:.1f} MB/s" if result["unit"] == "MB" else f"{seconds / result['amount'] * 1e6:,.0f} µs"


def against_reference(results: list[Result]) -> str:
    """Lay out native and reference side by side, warm."""
    found = {(result["kernel"], result["contender"]): result for result in results}
    rows = []
    for kernel in dict.fromkeys(result["kernel"] for result in results):
        native, plain = found[kernel, "toklet"], found[kernel, "reference"]
        rows.append([kernel, speed(plain, "warm"), speed(native, "warm"), f"{plain['warm_seconds'] / native['warm_seconds']:,.0f}x"])
    return table(["kernel", "reference", "native", "faster"], rows)


def beside_peers(results: list[Result]) -> str:
    """Lay out all contenders; the last columns say how many times as fast as this one toklet is."""
    rows = []
    for result in results:
        ours = next(other for other in results if other["kernel"] == result["kernel"] and other["contender"] == "toklet")
        ratios = [f"{result[f'{when}_seconds'] / ours[f'{when}_seconds']:.2f}x" for when in ("cold", "warm")]
        rows.append([result["kernel"], result["contender"], speed(result, "cold"), speed(result, "warm"), *ratios])
    return table(["kernel", "contender", "cold", "warm", "toklet, cold", "toklet, warm"], rows, left=2)


def machine() -> dict[str, Any]:
    """Describe the machine and the versions."""
    import platform
    from importlib.metadata import PackageNotFoundError, version

    from .bench import PEERS

    versions = {}
    for name in ("toklet", "numpy", *PEERS):
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = "not installed"
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {"cpu": cpu(), "cores": str(cores), "system": platform.platform(), "python": sys.version.split()[0], "backend": backend, "versions": versions}


def cpu() -> str:
    """Name the processor."""
    import platform

    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
