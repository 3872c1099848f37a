"""Progress of long work: a bar on standard error, a callback, or nothing."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from .reference.error import WrongTypeError

Report = Callable[[int, int], object]  # how much is done, and of how much (0 where that isn't known)


@contextmanager
def reporting(progress: bool | Report | None, what: str, unit: str) -> Iterator[Report | None]:
    """Turn the `progress` argument of a public function into the callable that the core reports to.

    `True` shows a bar by tqdm, which is imported only then.
    """
    if progress is None or progress is False:
        yield None
    elif progress is True:
        from tqdm import tqdm

        with tqdm(desc=what, unit=unit, unit_scale=True, dynamic_ncols=True) as bar:

            def report(done: int, total: int) -> None:
                if total:
                    bar.total = total
                bar.update(done - bar.n)

            yield report
    elif callable(progress):
        yield progress
    else:
        raise WrongTypeError("progress", repr(progress), "None, True or a callable that takes (done, total)")


def bar(items: Any, what: str, **options: Any) -> Any:
    """Iterate under a tqdm bar."""
    from tqdm import tqdm

    return tqdm(items, desc=what, dynamic_ncols=True, **options)
