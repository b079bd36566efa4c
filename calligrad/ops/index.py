"""Indexing. GetItem and Scatter are adjoint to each other, so gradients of any order close."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from calligrad.function import Function, sum_to
from calligrad.rules import implements
from calligrad.value import Value, unwrap, unwrap_all


class GetItem(Function):
    """``x[key]``, for every key NumPy takes."""

    views = True

    key: Any

    def forward(self, x):
        return x[self.key]

    def backward(self, g):
        return Scatter(self.key, self.shapes[0])(g)


class Scatter(Function):
    """Zeros of ``shape`` with ``x`` added at ``key``; what is named twice adds up."""

    key: Any
    shape: tuple[int, ...]

    def forward(self, x):
        y = np.zeros_like(x, shape=self.shape)
        if names_nothing_twice(self.key):
            y[self.key] = x
        else:
            np.add.at(y, self.key, x)
        return y

    def backward(self, g):
        return g[self.key]


class SetItem(Function):
    """A copy of ``x`` with ``w`` at ``key``; where a place is named twice the last one stands, as in NumPy."""

    key: Any

    def forward(self, x, w):
        y = np.copy(x)
        y[self.key] = w
        return y

    def backward(self, g):
        return lambda: SetItem(self.key)(g, 0.0), lambda: self._gradient_of_item(g)

    def _gradient_of_item(self, g: Any) -> Any:
        gw = g[self.key]
        if not names_nothing_twice(self.key):
            turn = np.arange(gw.size).reshape(gw.shape)
            last = np.zeros(self.shapes[0], int)
            last[self.key] = turn
            gw = np.where(last[self.key] == turn, gw, 0)
        shape = self.shapes[1]
        return sum_to(gw, shape[max(0, len(shape) - gw.ndim) :]).reshape(shape)


def names_nothing_twice(key: Any) -> bool:
    """Whether ``key`` is made of slices, integers, None, Ellipsis and masks, which name each place once."""
    parts = key if isinstance(key, tuple) else (key,)
    return all(
        isinstance(k, (int, np.integer, slice)) or k is None or k is Ellipsis or getattr(k, "dtype", None) == np.bool_
        for k in parts
    )


@implements(Value.__getitem__)
def getitem(x: Any, key: Any) -> Any:
    """``x[key]``."""
    return GetItem(unwrap_all(key))(x)


@implements(Value.__setitem__)
def setitem(x: Any, key: Any, w: Any) -> Any:
    """``x[key] = w`` as a new array; ``Value.__setitem__`` rebinds to it."""
    return SetItem(unwrap_all(key))(x, w)


@implements(np.take_along_axis)
def take_along_axis(arr: Any, indices: Any, axis: int | None = -1) -> Any:
    """``np.take_along_axis``."""
    indices = np.asarray(unwrap(indices))
    arr = arr if isinstance(arr, Value) else np.asarray(arr)
    if indices.dtype.kind not in "iu":
        raise IndexError(f"indices must be integers, not {indices.dtype}")
    if axis is None:
        return np.ravel(arr)[indices]
    if indices.ndim != arr.ndim:
        raise ValueError(f"indices and arr must have as many axes, not {indices.ndim} and {arr.ndim}")
    axis = normalize_axis_index(axis, arr.ndim)
    grid = [np.arange(n).reshape(-1, *(1,) * (arr.ndim - 1 - i)) for i, n in enumerate(arr.shape)]
    return arr[(*grid[:axis], indices, *grid[axis + 1 :])]
