"""Functions that only move numbers: what goes where is asked of NumPy itself."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from calligrad.function import Function
from calligrad.ops.index import spread
from calligrad.rules import implements
from calligrad.value import unwrap, unwrap_all


class Rearrange(Function):
    """A NumPy function that moves, repeats and drops numbers, and computes none.

    Applied to the positions of the numbers in place of the numbers, it says where each of them went. The
    gradient goes back the same way; ``distinct`` promises that no number is repeated, which is faster.
    """

    func: Callable
    keywords: dict[str, Any]
    distinct: bool = False

    def forward(self, *arrays):
        return self.func(*arrays, **self.keywords)

    def backward(self, g):
        bounds = list(accumulate(map(math.prod, self.shapes), initial=0))
        if bounds[-1] == 0:
            return tuple(map(np.zeros, self.shapes))
        positions = [np.arange(*ends).reshape(shape) for ends, shape in zip(pairwise(bounds), self.shapes)]
        came_from = self.func(*positions, **self.keywords)
        gx = spread(g, came_from, (bounds[-1],), self.distinct)
        return tuple(np.reshape(gx[lo:hi], shape) for (lo, hi), shape in zip(pairwise(bounds), self.shapes))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.func.__name__.strip('_')}, {self.keywords})"


class SlidingWindowView(Function, of=sliding_window_view):
    """``np.lib.stride_tricks.sliding_window_view``."""

    views = True

    window_shape: Any
    axis: Any = None
    subok: bool = False
    writeable: bool = False

    def backward(self, g):
        return OverlapAdd(self.window_shape, self.axis, self.shapes[0])(g)


class OverlapAdd(Function):
    """Windows laid where they came from in an array of ``shape``, and added up where they overlap."""

    window_shape: Any
    axis: Any
    shape: tuple[int, ...]

    def forward(self, x):
        y = np.zeros_like(x, shape=self.shape, order="C")
        windows = sliding_window_view(y, self.window_shape, self.axis, writeable=True)
        for offset in np.ndindex(x.shape[y.ndim :]):  # one number of every window: these do not overlap
            windows[(..., *offset)] += x[(..., *offset)]
        return y

    def backward(self, g):
        return sliding_window_view(g, self.window_shape, self.axis)


@implements(np.insert)
def insert(arr: Any, obj: Any, values: Any, axis: int | None = None) -> Any:
    """``np.insert``: differentiable in the array and in what is inserted, which takes the array's dtype."""
    return Rearrange(_insert, {"obj": unwrap_all(obj), "axis": axis})(arr, values)


def _insert(arr: Any, values: Any, obj: Any, axis: int | None) -> Any:
    return np.insert(arr, obj, values, axis)


@implements(np.delete)
def delete(arr: Any, obj: Any, axis: int | None = None) -> Any:
    """``np.delete``."""
    return Rearrange(np.delete, {"obj": unwrap_all(obj), "axis": axis}, distinct=True)(arr)


@implements(np.resize)
def resize(a: Any, new_shape: Any) -> Any:
    """``np.resize``: the numbers again and again until the new shape is full."""
    return Rearrange(np.resize, {"new_shape": new_shape})(a)


@implements(np.trim_zeros)
def trim_zeros(filt: Any, trim: Any = "fb", **axis: Any) -> Any:
    """``np.trim_zeros``: the part between the outermost numbers that are not 0."""
    x = unwrap(filt)
    lengths = np.trim_zeros(x, trim, **axis).shape
    stops = np.trim_zeros(x, "b", **axis).shape if "b" in trim.lower() else x.shape
    return filt[tuple(slice(stop - length, stop) for stop, length in zip(stops, lengths))]
