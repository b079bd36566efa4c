"""The precision that parameters get when nobody says otherwise."""

from __future__ import annotations

from typing import Any

import numpy as np

_default = np.dtype(np.float32)


def default_dtype() -> np.dtype:
    """The dtype of new parameters; float32 until ``set_default_dtype``."""
    return _default


def set_default_dtype(dtype: Any) -> None:
    """Make ``dtype`` (a floating one) the dtype of parameters made from now on.

    >>> import numpy as np, calligrad
    >>> calligrad.set_default_dtype(np.float64)
    >>> calligrad.nn.Linear(2, 3).weight.dtype
    dtype('float64')
    >>> calligrad.set_default_dtype(np.float32)
    """
    global _default
    if dtype is None:
        raise TypeError("set_default_dtype takes a floating dtype such as np.float64, not None")
    _default = parameter_dtype(dtype)


def parameter_dtype(dtype: Any) -> np.dtype:
    """``dtype``, which must be floating, or the default where it is None."""
    if dtype is None:
        return _default
    if np.dtype(dtype).kind != "f":
        raise TypeError(f"parameters have a floating dtype, not {np.dtype(dtype)}")
    return np.dtype(dtype)
