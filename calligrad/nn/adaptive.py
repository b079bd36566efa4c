"""Pooling to a given number of windows, however large the image is."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np

from calligrad.formula import formula
from calligrad.function import Function
from calligrad.nn.maxpooling import max_of_windows
from calligrad.nn.module import Module
from calligrad.nn.pooling import SumPool, counts
from calligrad.nn.resample import Resample, Weights
from calligrad.nn.windows import Sliding, Uneven, adaptive, floating, settings

# ---------------------------------------------------------------- functions


class Average(Function):
    """The mean along some axes, which stay."""

    axes: tuple[int, ...]

    def forward(self, x):
        return averaged(x, axes=self.axes)

    def backward(self, g):
        return shared(g, shape=self.shapes[0])


@formula
def averaged(x, *, axes):
    """``Average``."""
    return np.mean(x, axis=axes, keepdims=True)


@formula
def shared(g, *, shape):
    """Of each number an equal share to all that it is the mean of."""
    return np.broadcast_to(g * (g.size / max(1, math.prod(shape))), shape).copy()


def _adaptive_avg_pool(n: int, x: Any, output_size: Any) -> Any:
    name = f"adaptive_avg_pool{n}d"
    windows = adaptive(name, x, n, output_size)
    floating(name, x)
    if all(w.count == 1 for w in windows):
        return Average(tuple(range(-n, 0)))(x)
    even = tuple(w for w in windows if isinstance(w, Sliding))
    if len(even) == n:
        return SumPool(even, 1 / counts(even))(x)
    sums = Resample(tuple(map(summing, windows)))(x)
    return sums * np.asarray(1 / counts(windows), sums.dtype)


@lru_cache(maxsize=64)
def summing(windows: Sliding | Uneven) -> Weights:
    """The sum of each window, as weights."""
    rows = windows.rows()
    return Weights(windows.size, rows, 1.0 * (np.arange(len(rows))[:, None] < windows.counts(True)))


def adaptive_avg_pool1d(x: Any, output_size: Any) -> Any:
    """The average of each of ``output_size`` windows, which cover the axis and are as equal in length as can be.

    Window i of n goes from floor(i L / n) to ceil((i + 1) L / n). Shapes: (N, C, L) to (N, C, output_size), or both
    without N; None keeps L.

    >>> import numpy as np
    >>> from calligrad.nn.functional import adaptive_avg_pool1d
    >>> adaptive_avg_pool1d(np.array([[1.0, 3.0, 2.0]]), 2)
    array([[2. , 2.5]])
    """
    return _adaptive_avg_pool(1, x, output_size)


def adaptive_avg_pool2d(x: Any, output_size: Any) -> Any:
    """``adaptive_avg_pool1d`` of (N, C, H, W) or (C, H, W); ``output_size`` is one number or a pair."""
    return _adaptive_avg_pool(2, x, output_size)


def adaptive_avg_pool3d(x: Any, output_size: Any) -> Any:
    """``adaptive_avg_pool1d`` of (N, C, D, H, W) or (C, D, H, W); ``output_size`` is one number or three."""
    return _adaptive_avg_pool(3, x, output_size)


def _adaptive_max_pool(n: int, x: Any, output_size: Any, return_indices: bool) -> Any:
    return max_of_windows(x, adaptive(f"adaptive_max_pool{n}d", x, n, output_size), return_indices)


def adaptive_max_pool1d(x: Any, output_size: Any, return_indices: bool = False) -> Any:
    """The largest of each of ``output_size`` windows, which cover the axis and are as equal in length as can be.

    Shapes: (N, C, L) to (N, C, output_size), or both without N; None keeps L.

    >>> import numpy as np
    >>> from calligrad.nn.functional import adaptive_max_pool1d
    >>> adaptive_max_pool1d(np.array([[1.0, 3.0, 2.0, 5.0, 4.0]]), 2)
    array([[3., 5.]])
    """
    return _adaptive_max_pool(1, x, output_size, return_indices)


def adaptive_max_pool2d(x: Any, output_size: Any, return_indices: bool = False) -> Any:
    """``adaptive_max_pool1d`` of (N, C, H, W) or (C, H, W); ``output_size`` is one number or a pair."""
    return _adaptive_max_pool(2, x, output_size, return_indices)


def adaptive_max_pool3d(x: Any, output_size: Any, return_indices: bool = False) -> Any:
    """``adaptive_max_pool1d`` of (N, C, D, H, W) or (C, D, H, W); ``output_size`` is one number or three."""
    return _adaptive_max_pool(3, x, output_size, return_indices)


# ---------------------------------------------------------------- modules


class _AdaptiveAvgPool(Module):
    """What the adaptive average pools of 1, 2 and 3 axes share."""

    axes: int

    def __init__(self, output_size: Any) -> None:
        self.output_size = output_size

    def forward(self, x):
        """The pooled ``x``."""
        return _adaptive_avg_pool(self.axes, x, self.output_size)

    def extra_repr(self) -> str:
        """The size."""
        return settings(self)


class AdaptiveAvgPool1d(_AdaptiveAvgPool):
    """``adaptive_avg_pool1d`` as a module: (N, C, L) or (C, L)."""

    axes = 1


class AdaptiveAvgPool2d(_AdaptiveAvgPool):
    """``adaptive_avg_pool2d`` as a module: (N, C, H, W) or (C, H, W).

    >>> import numpy as np
    >>> from calligrad.nn import AdaptiveAvgPool2d
    >>> AdaptiveAvgPool2d((1, None))(np.ones((2, 3, 8, 9))).shape
    (2, 3, 1, 9)
    """

    axes = 2


class AdaptiveAvgPool3d(_AdaptiveAvgPool):
    """``adaptive_avg_pool3d`` as a module: (N, C, D, H, W) or (C, D, H, W)."""

    axes = 3


class _AdaptiveMaxPool(Module):
    """What the adaptive max pools of 1, 2 and 3 axes share."""

    axes: int

    def __init__(self, output_size: Any, return_indices: bool = False) -> None:
        self.output_size, self.return_indices = output_size, return_indices

    def forward(self, x):
        """The pooled ``x``."""
        return _adaptive_max_pool(self.axes, x, self.output_size, self.return_indices)

    def extra_repr(self) -> str:
        """The settings."""
        return settings(self)


class AdaptiveMaxPool1d(_AdaptiveMaxPool):
    """``adaptive_max_pool1d`` as a module: (N, C, L) or (C, L)."""

    axes = 1


class AdaptiveMaxPool2d(_AdaptiveMaxPool):
    """``adaptive_max_pool2d`` as a module: (N, C, H, W) or (C, H, W).

    >>> import numpy as np
    >>> from calligrad.nn import AdaptiveMaxPool2d
    >>> AdaptiveMaxPool2d((5, None))(np.ones((1, 3, 8, 9))).shape
    (1, 3, 5, 9)
    """

    axes = 2


class AdaptiveMaxPool3d(_AdaptiveMaxPool):
    """``adaptive_max_pool3d`` as a module: (N, C, D, H, W) or (C, D, H, W)."""

    axes = 3
