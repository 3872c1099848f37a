"""numpy as `np`, imported at its first use: a training or a command that makes no array doesn't wait for it, which is half of what `import toklet` would take.

Annotations that name numpy's types aren't evaluated where `np` comes from here.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
else:

    class Numpy:
        """Stands for the module; what has been asked for once is an attribute."""

        def __getattr__(self, name: str) -> Any:
            value = getattr(import_module("numpy"), name)
            setattr(self, name, value)
            return value

    np = Numpy()

__all__ = ["np"]
