"""Which engine runs: the Rust core, or the pure-Python reference where the core can't be imported.

`TOKLET_BACKEND=reference` asks for the reference, `TOKLET_BACKEND=native` refuses to go without the core.
"""

import os
import warnings
from types import ModuleType

from . import reference
from .reference.error import ArgumentError


def choose(wanted: str) -> tuple[ModuleType, ModuleType, str]:
    """Give the engine, what reads and writes its files, and its name."""
    if wanted not in ("", "native", "reference"):
        raise ArgumentError("TOKLET_BACKEND", repr(wanted), "'native', 'reference' or unset")
    if wanted == "reference":
        return fallback()
    try:
        from . import _native
    except ImportError as error:
        if wanted == "native":
            raise
        warnings.warn(
            f"toklet runs on its pure-Python reference, about 100 times slower: the native module can't be imported ({error}). "
            "`pip install toklet` from a wheel, or with a Rust toolchain, brings it; TOKLET_BACKEND=reference says that this is meant.",
            RuntimeWarning,
            stacklevel=4,
        )
        return fallback()
    return _native, _native, "native"


def fallback() -> tuple[ModuleType, ModuleType, str]:
    """Give the reference, and what reads and writes its files."""
    from . import formats

    return reference, formats, "reference"


core, files, backend = choose(os.environ.get("TOKLET_BACKEND", ""))
