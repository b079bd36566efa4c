"""The largest number of each window, and back."""

from __future__ import annotations

from typing import Any

from calligrad.function import Function
from calligrad.nn.maxima import indices, indices_of_any, maxima, routed, whole
from calligrad.nn.module import Module
from calligrad.nn.windows import Drawn, settings, sliding
from calligrad.ops.index import spread
from calligrad.primitive import is_concrete
from calligrad.value import as_array, unwrap


class MaxPool(Function):
    """The largest number of each window; the gradient goes to the first that is as large, or to the last NaN."""

    windows: tuple[Any, ...]  # along the last axes, Sliding, Uneven or Drawn

    def forward(self, x):
        if self.is_drawn:
            return x.reshape(-1)[self.positions(x)]
        return maxima(x, windows=self.windows)

    def backward(self, g, x):
        x = unwrap(x)  # where its maxima are does not change with it
        if is_concrete(g) and not self.is_drawn:
            return routed(g, x, windows=self.windows)
        return spread(g, self.positions(x), x.shape)

    @property
    def is_drawn(self) -> bool:
        """Whether the windows are elsewhere in each plane."""
        return any(isinstance(w, Drawn) for w in self.windows)

    def indices(self, x: Any) -> Any:
        """Where each maximum is within its plane, flattened."""
        return indices_of_any(x, self.windows) if self.is_drawn else indices(x, windows=self.windows)

    def positions(self, x: Any) -> Any:
        """Where each maximum is in the whole of ``x``, flattened."""
        return whole(self.indices(x), x.shape, len(self.windows))


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
