"""The average of each window."""

from __future__ import annotations

import math
from functools import reduce
from typing import Any

import numpy as np

from calligrad.function import Function
from calligrad.nn.activations import relu
from calligrad.nn.module import Module
from calligrad.nn.windows import Sliding, Uneven, at, by_planes, floating, numbers_of, over_windows, settings, sliding
from calligrad.primitive import primitive


def sums_by_window(x, scale, *, windows):
    """``sums``, window by window."""
    y = x
    for axis, along in enumerate(windows, x.ndim - len(windows)):
        y = np.stack([y.take(numbers, axis).sum(axis) for numbers in numbers_of(along)], axis)
    return (y * scale).astype(x.dtype)


def spread_by_window(x, scale, *, windows):
    """``spread``, window by window."""
    y = (x * scale).astype(x.dtype)
    for axis, along in enumerate(windows, x.ndim - len(windows)):
        x = y.swapaxes(axis, 0)
        y = np.zeros((along.size, *x.shape[1:]), x.dtype)
        for i, numbers in enumerate(numbers_of(along)):
            y[numbers] += x[i]
        y = y.swapaxes(axis, 0)
    return y


@primitive(sums_by_window)
def sums(x: np.ndarray, scale: Any, *, windows: tuple[Sliding, ...]) -> np.ndarray:
    """The sum of each window along the last axes, times ``scale``, a number or one for each window."""
    if x.dtype == np.float16:  # whose sums would overflow
        return sums(x.astype(np.float32), scale, windows=windows).astype(np.float16)
    scale = np.asarray(scale, x.dtype)

    def summed(x: np.ndarray) -> np.ndarray:
        for axis, along in enumerate(windows, 1):
            x = over_windows(np.add, x, along, axis, 0)
        x *= scale
        return x

    return by_planes(summed, tuple(w.count for w in windows), x)


@primitive(spread_by_window)
def spread(x: np.ndarray, scale: Any, *, windows: tuple[Sliding, ...]) -> np.ndarray:
    """Each number, times ``scale``, added to all that its window covers."""
    scale = np.asarray(scale, x.dtype)

    def covered(x: np.ndarray) -> np.ndarray:
        x = x * scale
        for axis, along in enumerate(windows, 1):
            y = np.zeros((*x.shape[:axis], along.size, *x.shape[axis + 1 :]), x.dtype)
            for outputs, inputs in along.taps():
                at(y, inputs, axis)[...] += at(x, outputs, axis)
            x = y
        return x

    return by_planes(covered, tuple(w.size for w in windows), x)


class SumPool(Function):
    """The sum of each window, times ``scale``, a number or one for each window."""

    windows: tuple[Sliding, ...]  # along the last axes
    scale: Any

    def forward(self, x):
        return sums(x, self.scale, windows=self.windows)

    def backward(self, g):
        return SpreadPool(self.windows, self.scale)(g)


class SpreadPool(Function):
    """Each number, times ``scale``, added to all that its window covers: the adjoint of ``SumPool``."""

    windows: tuple[Sliding, ...]
    scale: Any

    def forward(self, x):
        return spread(x, self.scale, windows=self.windows)

    def backward(self, g):
        return SumPool(self.windows, self.scale)(g)


def counts(windows: tuple[Sliding | Uneven, ...], with_padding: bool = True) -> Any:
    """How many numbers each window has: one for all, or an array."""
    numbers = [w.counts(with_padding) for w in windows]
    if all(np.all(n == n[0]) for n in numbers):
        return math.prod(int(n[0]) for n in numbers)
    return reduce(np.multiply.outer, numbers)


# ---------------------------------------------------------------- functions


def _avg_pool(n: int, x: Any, *options: Any) -> Any:
    kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override = options
    name = f"avg_pool{n}d"
    windows = sliding(name, x, n, kernel_size, stride, padding, 1, ceil_mode)
    floating(name, x)
    if divisor_override is not None:
        if not divisor_override:
            raise ValueError(f"{name}: divisor_override is 0")
        return SumPool(windows, 1 / divisor_override)(x)
    return SumPool(windows, 1 / counts(windows, count_include_pad))(x)


def avg_pool1d(
    x: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Any:
    """The average of each window of ``kernel_size`` numbers, the windows ``stride`` apart, by default side by side.

    Shapes: (N, C, L) to (N, C, outputs), or both without N. ``padding`` zeros are put on both sides, and counted
    unless ``count_include_pad`` is False; ``ceil_mode`` lets a last window reach over the end.

    >>> import numpy as np
    >>> from calligrad.nn.functional import avg_pool1d
    >>> avg_pool1d(np.array([[1.0, 3.0, 2.0, 5.0]]), 2)
    array([[2. , 3.5]])
    """
    return _avg_pool(1, x, kernel_size, stride, padding, ceil_mode, count_include_pad, None)


def avg_pool2d(
    x: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Any:
    """``avg_pool1d`` of (N, C, H, W) or (C, H, W); the sums are divided by ``divisor_override`` where it is given."""
    return _avg_pool(2, x, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


def avg_pool3d(
    x: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Any:
    """``avg_pool2d`` of (N, C, D, H, W) or (C, D, H, W)."""
    return _avg_pool(3, x, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


def _lp_pool(n: int, x: Any, norm_type: float, kernel_size: Any, stride: Any, ceil_mode: bool) -> Any:
    windows = sliding(f"lp_pool{n}d", x, n, kernel_size, stride, 0, 1, ceil_mode)
    floating(f"lp_pool{n}d", x)
    if not norm_type:
        raise ValueError(f"lp_pool{n}d: norm_type is 0")
    whole = math.prod(w.kernel for w in windows)
    sums = SumPool(windows, whole / counts(windows))(
        x**norm_type
    )  # a window that reaches over the end counts as if whole
    return (np.sign(sums) * relu(np.abs(sums))) ** (1 / norm_type)  # relu: no slope where all of a window is 0


def lp_pool1d(x: Any, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Any:
    """``sum(x**p) ** (1 / p)`` of each window, p being ``norm_type``.

    Shapes: (N, C, L) to (N, C, outputs), or both without N. The gradient is 0 where a window sums to 0.

    >>> import numpy as np
    >>> from calligrad.nn.functional import lp_pool1d
    >>> lp_pool1d(np.array([[3.0, 4.0, 0.0, 2.0]]), 2, 2)
    array([[5., 2.]])
    """
    return _lp_pool(1, x, norm_type, kernel_size, stride, ceil_mode)


def lp_pool2d(x: Any, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Any:
    """``lp_pool1d`` of (N, C, H, W) or (C, H, W)."""
    return _lp_pool(2, x, norm_type, kernel_size, stride, ceil_mode)


def lp_pool3d(x: Any, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Any:
    """``lp_pool1d`` of (N, C, D, H, W) or (C, D, H, W)."""
    return _lp_pool(3, x, norm_type, kernel_size, stride, ceil_mode)


# ---------------------------------------------------------------- modules


class _AvgPool(Module):
    """What the average pools of 2 and 3 axes share."""

    axes: int

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        self.kernel_size, self.stride = kernel_size, kernel_size if stride is None else stride
        self.padding, self.ceil_mode = padding, ceil_mode
        self.count_include_pad, self.divisor_override = count_include_pad, divisor_override

    def forward(self, x):
        """The pooled ``x``."""
        options = self.padding, self.ceil_mode, self.count_include_pad, self.divisor_override
        return _avg_pool(self.axes, x, self.kernel_size, self.stride, *options)

    def extra_repr(self) -> str:
        """The settings."""
        return settings(self)


class AvgPool1d(_AvgPool):
    """``avg_pool1d`` as a module: (N, C, L) or (C, L)."""

    axes = 1

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__(kernel_size, stride, padding, ceil_mode, count_include_pad)


class AvgPool2d(_AvgPool):
    """``avg_pool2d`` as a module: (N, C, H, W) or (C, H, W).

    >>> import numpy as np
    >>> from calligrad.nn import AvgPool2d
    >>> AvgPool2d(3, stride=2, padding=1)(np.ones((1, 3, 8, 8))).shape
    (1, 3, 4, 4)
    """

    axes = 2


class AvgPool3d(_AvgPool):
    """``avg_pool3d`` as a module: (N, C, D, H, W) or (C, D, H, W)."""

    axes = 3


class _LPPool(Module):
    """What the power-average pools of 1, 2 and 3 axes share."""

    axes: int

    def __init__(self, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> None:
        self.norm_type, self.kernel_size, self.stride, self.ceil_mode = norm_type, kernel_size, stride, ceil_mode

    def forward(self, x):
        """The pooled ``x``."""
        return _lp_pool(self.axes, x, self.norm_type, self.kernel_size, self.stride, self.ceil_mode)

    def extra_repr(self) -> str:
        """The settings."""
        return settings(self)


class LPPool1d(_LPPool):
    """``lp_pool1d`` as a module: (N, C, L) or (C, L)."""

    axes = 1


class LPPool2d(_LPPool):
    """``lp_pool2d`` as a module: (N, C, H, W) or (C, H, W)."""

    axes = 2


class LPPool3d(_LPPool):
    """``lp_pool3d`` as a module: (N, C, D, H, W) or (C, D, H, W)."""

    axes = 3
