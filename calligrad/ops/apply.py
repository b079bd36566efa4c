"""Functions that NumPy applies along axes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from calligrad.rules import implements
from calligrad.value import as_arraylike


@implements(np.apply_along_axis)
def apply_along_axis(func1d: Callable, axis: int, arr: Any, *args: Any, **kwargs: Any) -> Any:
    """``np.apply_along_axis``: as differentiable as the function is; a call for each row, as in NumPy."""
    arr = as_arraylike(arr)
    axis = normalize_axis_index(axis, arr.ndim)
    rows = np.moveaxis(arr, axis, -1)
    lead = rows.shape[:-1]
    if 0 in lead:
        raise ValueError("Cannot apply_along_axis when any iteration dimensions are 0")
    results = [func1d(rows[index], *args, **kwargs) for index in np.ndindex(lead)]
    results = list(map(as_arraylike, results))
    n = results[0].ndim
    stacked = np.reshape(np.stack([np.astype(y, results[0].dtype) for y in results]), lead + results[0].shape)
    return np.moveaxis(stacked, range(len(lead), len(lead) + n), range(axis, axis + n)) if n else stacked


@implements(np.apply_over_axes)
def apply_over_axes(func: Callable, a: Any, axes: Any) -> Any:
    """``np.apply_over_axes``: as differentiable as the function is."""
    y, n = a, a.ndim
    for axis in np.atleast_1d(axes).tolist():
        axis = axis + n if axis < 0 else axis
        result = func(y, axis)
        if result.ndim != y.ndim:
            result = np.expand_dims(result, axis)
        if result.ndim != y.ndim:
            raise ValueError(f"function is not returning an array of the correct shape: {result.shape} of {y.shape}")
        y = result
    return y
