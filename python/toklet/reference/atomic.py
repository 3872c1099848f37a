"""Write a file whole or not at all: a new file beside the target, flushed to the disk, then renamed over it.

Whoever reads the target sees the old file or the new one, whatever happens in between. The mode of a file that is replaced is kept; a symbolic link
keeps pointing where it points.
"""

import contextlib
import os
import stat
from collections.abc import Iterator
from typing import BinaryIO


def write(path: str, data: bytes) -> None:
    """Replace the file at `path` by one that holds `data`."""
    with replacing(path) as file:
        file.write(data)


@contextlib.contextmanager
def replacing(path: str) -> Iterator[BinaryIO]:
    """Give a file to write to. It takes the place of that at `path` when the block ends, and is gone if the block fails."""
    try:
        with beside(os.path.realpath(path)) as file:
            yield file
    except OSError as error:
        raise OSError(error.errno, error.strerror, path) from None


@contextlib.contextmanager
def beside(target: str) -> Iterator[BinaryIO]:
    """Open a file beside the target, then rename it."""
    name = f"{target}.{os.getpid()}-{os.urandom(4).hex()}.tmp"
    descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileNotFoundError):
            os.chmod(name, stat.S_IMODE(os.stat(target).st_mode))
        os.replace(name, target)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)
        raise
