"""What runs a program: NumPy always, generated kernels where numba is installed, a GPU with CuPy."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

_EXTRAS = {"numba": "jit", "cupy": "gpu"}


def named(name: str | None) -> Any:
    """The backend of that name; None stands for numba where it is installed, and for NumPy otherwise."""
    if name is None:
        name = "numba" if importlib.util.find_spec("numba") else "numpy"
    if name not in ("numpy", *_EXTRAS):
        raise ValueError(f"there is no backend {name!r}; there are numpy, {', '.join(_EXTRAS)}")
    if name in _EXTRAS and importlib.util.find_spec(name) is None:
        raise ImportError(f"backend={name!r} needs {name}: pip install 'calligrad[{_EXTRAS[name]}]'")
    return importlib.import_module(f"calligrad.compiler.backends.{name}").Backend()
