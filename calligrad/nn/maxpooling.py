"""The largest number of each window, and back."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from calligrad.function import Function
from calligrad.nn.module import Module
from calligrad.nn.windows import Drawn, Sliding, add_at, at, by_planes, over_windows, settings, sliding
from calligrad.ops.index import is_plain_array, spread
from calligrad.value import as_array, unwrap

MANY = 100  # planes that are worth being moved next to each other


class MaxPool(Function):
    """The largest number of each window; the gradient goes to the first that is as large, or to the last NaN.

    It is found axis by axis, the last axis first, so that the first is the first in memory.
    """

    windows: tuple[Any, ...]  # along the last axes, Sliding, Uneven or Drawn

    def forward(self, x):
        if self.is_by_position:
            return x.reshape(-1)[self.positions(x)]
        return by_planes(lambda x: self.stages(x)[-1], tuple(w.count for w in self.windows), x)

    def backward(self, g, x):
        x = unwrap(x)  # where its maxima are does not change with it
        if is_plain_array(g) and not self.is_by_position:
            return by_planes(self.routed, x.shape[-len(self.windows) :], g, x)
        return spread(g, self.positions(x), x.shape)

    @property
    def is_by_position(self) -> bool:
        """Whether it is easiest to ask where the maxima are: for single windows, and for those that were drawn."""
        return any(isinstance(w, Drawn) for w in self.windows) or self.is_whole

    @property
    def is_whole(self) -> bool:
        """Whether there is one window alone, over everything."""
        return all(isinstance(w, Sliding) and (w.kernel, w.padding, w.dilation) == (w.size, 0, 1) for w in self.windows)

    def stages(self, x: np.ndarray, before: int = 1) -> list[np.ndarray]:
        """``x``, and what it becomes after each axis; so many axes are before those of the windows."""
        stages = [x]
        least = -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
        for i in reversed(range(len(self.windows))):
            stages.append(over_windows(np.maximum, stages[-1], self.windows[i], before + i, least))
        return stages

    def routed(self, g: np.ndarray, x: np.ndarray) -> np.ndarray:
        """The gradient of ``x``, (planes, …)."""
        if np.isnan(np.max(x)) or not np.isfinite(g).all():  # NaN equals nothing, and infinity times 0 is NaN
            return spread(g, self.positions(x), x.shape)
        if len(x) < MANY:
            return self.routed_along(g, x, 1)
        g, x = (np.ascontiguousarray(np.moveaxis(a, 0, -1)) for a in (g, x))  # planes beside each other
        return np.moveaxis(self.routed_along(g, x, 0), -1, 0)

    def routed_along(self, g: np.ndarray, x: np.ndarray, before: int) -> np.ndarray:
        """``routed`` where so many axes are before those of the windows."""
        *stages, y = self.stages(x, before)
        for axis, windows in enumerate(self.windows, before):
            x = stages.pop()
            gx, free = np.zeros(x.shape, g.dtype), np.ones(y.shape, bool)
            for outputs, inputs in windows.taps():
                hit = at(x, inputs, axis) == at(y, outputs, axis)
                hit &= at(free, outputs, axis)
                free[(*(slice(None),) * axis, outputs)] ^= hit
                add_at(gx, inputs, axis, at(g, outputs, axis) * hit)
            g, y = gx, x
        return g

    def indices(self, x: np.ndarray) -> Any:
        """Where each maximum is within its plane, flattened."""
        n = len(self.windows)
        if self.is_whole:
            planes = x.reshape(*x.shape[:-n], math.prod(x.shape[-n:]))
            indices = planes.argmax(-1, keepdims=True)
            if not np.isnan(np.take_along_axis(planes, indices, -1)).any():  # of which argmax would find the first
                return indices.reshape(*x.shape[:-n], *(1,) * n)
        indices = 0
        stride = 1
        for axis in range(-1, -n - 1, -1):
            windows = self.windows[axis]
            where = first_maxima(x, windows.rows(), axis)
            x = np.take_along_axis(x, where, axis)
            indices = np.take_along_axis(indices, where, axis) if stride > 1 else indices
            indices = indices + where * stride
            stride *= windows.size
        return indices

    def positions(self, x: np.ndarray) -> np.ndarray:
        """Where each maximum is in the whole of ``x``, flattened."""
        return whole(self.indices(x), x.shape, len(self.windows))


def first_maxima(x: np.ndarray, rows: np.ndarray, axis: int) -> np.ndarray:
    """Along the negative ``axis``, where each window has its first maximum, or its last NaN."""
    best: Any = None
    where: Any = None
    for row in rows:
        if row.ndim == 1:
            number, row = x.take(row, axis), row.reshape(-1, *(1,) * (-axis - 1))
        else:
            number = np.take_along_axis(x, row, axis)
        if best is None:
            best, where = number, np.broadcast_to(row, number.shape)
        else:
            better = (number > best) | (number != number)
            best, where = np.where(better, number, best), np.where(better, row, where)
    return where


def whole(indices: np.ndarray, shape: tuple[int, ...], n: int) -> np.ndarray:
    """Indices within planes, the last ``n`` axes of ``shape``, as indices of the whole array."""
    lead = shape[:-n]
    planes = np.arange(math.prod(lead)).reshape(*lead, *(1,) * n)
    return indices + planes * math.prod(shape[-n:])


def max_of_windows(x: Any, windows: tuple, return_indices: bool) -> Any:
    """The maxima, and where they are in their planes if that is asked for."""
    function = MaxPool(windows)
    return (function(x), function.indices(as_array(x))) if return_indices else function(x)


# ---------------------------------------------------------------- functions


def _max_pool(n: int, x: Any, *options: Any) -> Any:
    kernel_size, stride, padding, dilation, ceil_mode, return_indices = options
    windows = sliding(f"max_pool{n}d", x, n, kernel_size, stride, padding, dilation, ceil_mode)
    return max_of_windows(x, windows, return_indices)


def max_pool1d(
    x: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest of each window of ``kernel_size`` numbers, the windows ``stride`` apart, by default side by side.

    Shapes: (N, C, L) to (N, C, outputs), or both without N. ``padding`` is put on both sides and never the maximum;
    ``dilation`` is the distance between the numbers of a window; ``ceil_mode`` lets a last window reach over the
    end. With ``return_indices`` there comes an array of where the maxima were along L. Of equal numbers the first
    counts, NaN more than any number.

    >>> import numpy as np
    >>> from calligrad.nn.functional import max_pool1d
    >>> max_pool1d(np.array([[1.0, 3.0, 2.0, 5.0]]), 2)
    array([[3., 5.]])
    """
    return _max_pool(1, x, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool2d(
    x: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """``max_pool1d`` of (N, C, H, W) or (C, H, W); the indices are those of the flattened H and W."""
    return _max_pool(2, x, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool3d(
    x: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """``max_pool1d`` of (N, C, D, H, W) or (C, D, H, W); the indices are those of the flattened D, H and W."""
    return _max_pool(3, x, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


# ---------------------------------------------------------------- modules


class _MaxPool(Module):
    """What the max pools of 1, 2 and 3 axes share."""

    axes: int

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        self.kernel_size, self.stride = kernel_size, kernel_size if stride is None else stride
        self.padding, self.dilation = padding, dilation
        self.return_indices, self.ceil_mode = return_indices, ceil_mode

    def forward(self, x):
        """The pooled ``x``."""
        options = self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode, self.return_indices
        return _max_pool(self.axes, x, *options)

    def extra_repr(self) -> str:
        """The settings."""
        return settings(self)


class MaxPool1d(_MaxPool):
    """``max_pool1d`` as a module: (N, C, L) or (C, L).

    >>> import numpy as np
    >>> from calligrad.nn import MaxPool1d
    >>> MaxPool1d(3, stride=2)(np.arange(7.0).reshape(1, 7))
    array([[2., 4., 6.]])
    """

    axes = 1


class MaxPool2d(_MaxPool):
    """``max_pool2d`` as a module: (N, C, H, W) or (C, H, W).

    >>> import numpy as np
    >>> from calligrad.nn import MaxPool2d
    >>> MaxPool2d(2)(np.ones((1, 3, 8, 8))).shape
    (1, 3, 4, 4)
    """

    axes = 2


class MaxPool3d(_MaxPool):
    """``max_pool3d`` as a module: (N, C, D, H, W) or (C, D, H, W)."""

    axes = 3
