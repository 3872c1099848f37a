"""The kernels under pytest-benchmark: `pytest benches/bench_kernels.py`. The cases are those of `toklet bench`; equality comes before time."""

import pytest

from toklet.cli.bench import OURS, Case, Input, cases, installed

SMALL = Input.of(None, 0.2, 1_024)  # where the pure-Python reference takes part
LARGE = Input.of(None, 4.0 if len(OURS) > 1 else 0.2, 8_192 if len(OURS) > 1 else 1_024)


def all_cases() -> list:
    rounds = (("reference", SMALL, OURS), ("peers", LARGE, ("toklet", *installed())))
    return [pytest.param(case, name, id=f"{name}-{case.kernel}-{case.contender}") for name, given, who in rounds for case in cases(given, who)]


@pytest.mark.parametrize(("case", "round"), all_cases())
def test_kernel(case: Case, round: str, benchmark) -> None:
    assert case.agrees()
    benchmark.group = f"{case.kernel}, beside the {round}"
    benchmark.extra_info.update(amount=case.amount, unit=case.unit)
    slow = case.contender != "toklet" or case.kernel == "train"
    if slow:
        benchmark.pedantic(case.run, args=(case.make(),), rounds=3, warmup_rounds=1)
    else:
        benchmark(case.run, case.make())
