"""Write a file whole or not at all: a new file beside the target, flushed to the disk, then renamed over it.

Whoever reads the target sees the old file or the new one, whatever happens in between. The mode of a file that is replaced is kept; a symbolic link
keeps pointing where it points.
"""

import contextlib
import os
import stat


def write(path: str, data: bytes) -> None:
    """Replace the file at `path` by one that holds `data`."""
    try:
        replace(os.path.realpath(path), data)
    except OSError as error:
        raise OSError(error.errno, error.strerror, path) from None


def replace(target: str, data: bytes) -> None:
    """Write beside the target, then rename."""
    beside = f"{target}.{os.getpid()}-{os.urandom(4).hex()}.tmp"
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileNotFoundError):
            os.chmod(beside, stat.S_IMODE(os.stat(target).st_mode))
        os.replace(beside, target)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(beside)
        raise
