"""Modules at their first use: numpy as `np`, which a training or a command that makes no array doesn't wait for; it is half of what `import toklet` would take.

An import that another thread is in the middle of when a process forks would never end in the child: so a fork waits for those that are made here.
Annotations that name numpy's types aren't evaluated where `np` comes from here.
"""

import os
from importlib import import_module
from threading import RLock
from types import ModuleType
from typing import TYPE_CHECKING, Any

IMPORTING = RLock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=IMPORTING.acquire, after_in_parent=IMPORTING.release, after_in_child=IMPORTING.release)


def module(name: str) -> ModuleType:
    """Import a module; no process forks meanwhile."""
    with IMPORTING:
        return import_module(name)


if TYPE_CHECKING:
    import numpy as np
else:

    class Numpy:
        """Stands for the module; what has been asked for once is an attribute."""

        def __getattr__(self, name: str) -> Any:
            value = getattr(module("numpy"), name)
            setattr(self, name, value)
            return value

    np = Numpy()

__all__ = ["module", "np"]
