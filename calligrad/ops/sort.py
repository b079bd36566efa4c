"""Sorting."""

from __future__ import annotations

from typing import Any

import numpy as np

from calligrad.rules import implements


@implements(np.sort)
def sort(a: Any, axis: int | None = -1, kind: str | None = None, *, stable: bool | None = None) -> Any:
    """``np.sort``: the gradient goes back to where each number stood; equal numbers keep their order."""
    if axis is None:
        a, axis = np.ravel(a), -1
    if a.ndim == 0:
        raise np.exceptions.AxisError(axis, 0)
    return np.take_along_axis(a, np.argsort(a, axis=axis, kind="stable"), axis)
