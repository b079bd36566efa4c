"""Unfold and Fold: what each position of a window sees as columns, and its adjoint, columns added up to an image."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from calligrad.function import Function
from calligrad.nn.conv import each
from calligrad.nn.grid import Windows, windows_of
from calligrad.nn.module import Module
from calligrad.nn.taps import seen
from calligrad.primitive import primitive

# ---------------------------------------------------------------- Functions


def columns_by_taps(x, *, windows):
    """``columns``."""
    x = np.pad(x, ((0, 0), (0, 0), *windows.padding))
    seen_by_all = np.stack([seen(x, tap, windows) for tap in np.ndindex(*windows.kernel)], axis=2)
    return seen_by_all.reshape(*x.shape[:2], *windows.kernel, *seen_by_all.shape[3:])


def overlaid_by_taps(y, *, windows):
    """``overlaid``."""
    size = [n + before + behind for n, (before, behind) in zip(windows.size, windows.padding)]
    x = np.zeros((*y.shape[:2], *size), y.dtype)
    for tap in np.ndindex(*windows.kernel):
        part = seen(x, tap, windows)
        part += y[:, :, *tap]
    return np.ascontiguousarray(x[:, :, *(slice(p, p + n) for n, (p, _) in zip(windows.size, windows.padding))])


@primitive(columns_by_taps)
def columns(x: np.ndarray, *, windows: Windows) -> np.ndarray:
    """Images (n, channels, *size) as (n, channels, *kernel, *windows.out)."""
    x = np.pad(x, ((0, 0), (0, 0), *windows.padding))
    y = np.empty((*x.shape[:2], *windows.kernel, *windows.out), x.dtype)
    for tap in np.ndindex(*windows.kernel):
        y[:, :, *tap] = seen(x, tap, windows)
    return y


@primitive(overlaid_by_taps)
def overlaid(y: np.ndarray, *, windows: Windows) -> np.ndarray:
    """The adjoint of ``columns``: numbers that come from the same place are added."""
    return overlaid_by_taps(y, windows=windows)


class Columns(Function):
    """``columns``."""

    windows: Windows

    def forward(self, x):
        return columns(x, windows=self.windows)

    def backward(self, g):
        return Overlaid(self.windows)(g)


class Overlaid(Function):
    """``overlaid``."""

    windows: Windows

    def forward(self, y):
        return overlaid(y, windows=self.windows)

    def backward(self, g):
        return Columns(self.windows)(g)


# ---------------------------------------------------------------- functions


def unfold(x: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Any:
    """What each position of a kernel sees, one after the other in columns.

    Shapes: ``x`` (n, channels, height, width) gives (n, channels · taps, positions); or both without n.

    >>> import numpy as np
    >>> from calligrad.nn.functional import unfold
    >>> unfold(np.arange(9.0).reshape(1, 3, 3), 2)
    array([[0., 1., 3., 4.],
           [1., 2., 4., 5.],
           [3., 4., 6., 7.],
           [4., 5., 7., 8.]])
    """
    x = x if hasattr(x, "dtype") else np.asarray(x)
    if x.ndim not in (3, 4):
        raise ValueError(f"unfold takes x (n, channels, height, width), or without n; got shape {x.shape}")
    windows = _windows("unfold", x.shape[-2:], kernel_size, dilation, padding, stride)
    images = x if x.ndim == 4 else x[np.newaxis]
    y = Columns(windows)(images)
    y = np.reshape(y, (len(images), images.shape[1] * math.prod(windows.kernel), math.prod(windows.out)))
    return y if x.ndim == 4 else y[0]


def fold(x: Any, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Any:
    """Columns put back where ``unfold`` took them from an image of ``output_size``; what overlaps is added.

    Shapes: ``x`` (n, channels · taps, positions) gives (n, channels, *output_size); or both without n.

    >>> import numpy as np
    >>> from calligrad.nn.functional import fold
    >>> fold(np.ones((4, 4)), (3, 3), 2)
    array([[[1., 2., 1.],
            [2., 4., 2.],
            [1., 2., 1.]]])
    """
    x = x if hasattr(x, "dtype") else np.asarray(x)
    if x.ndim not in (2, 3):
        raise ValueError(f"fold takes x (n, channels · taps, positions), or without n; got shape {x.shape}")
    windows = _windows("fold", each("fold", "output_size", output_size, 2, 1), kernel_size, dilation, padding, stride)
    taps, positions = math.prod(windows.kernel), math.prod(windows.out)
    if x.shape[-2] % taps or x.shape[-1] != positions:
        raise ValueError(
            f"fold: x of shape {x.shape} is not (n, channels · {taps}, {positions}), as a kernel of {windows.kernel}"
            f" over an image of {windows.size} has {positions} positions"
        )
    columns = x if x.ndim == 3 else x[np.newaxis]
    shape = (len(columns), x.shape[-2] // taps, *windows.kernel, *windows.out)
    y = Overlaid(windows)(np.reshape(columns, shape))
    return y if x.ndim == 3 else y[0]


def _windows(name: str, size: Any, kernel_size: Any, dilation: Any, padding: Any, stride: Any) -> Windows:
    kernel = each(name, "kernel_size", kernel_size, 2, 1)
    margins = tuple((n, n) for n in each(name, "padding", padding, 2, 0))
    stride, dilation = each(name, "stride", stride, 2, 1), each(name, "dilation", dilation, 2, 1)
    windows = windows_of(tuple(size), kernel, stride, margins, dilation)
    if min(windows.out) < 1:
        raise ValueError(f"{name}: a kernel of {kernel}, dilation {dilation}, is larger than {size} with its padding")
    return windows


# ---------------------------------------------------------------- modules


class Unfold(Module):
    """``unfold`` as a module."""

    def __init__(self, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> None:
        self.kernel_size, self.dilation, self.padding, self.stride = kernel_size, dilation, padding, stride

    def forward(self, x: Any) -> Any:
        """(n, channels, height, width) to (n, channels · taps, positions), or both without n."""
        return unfold(x, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        """The settings."""
        return ", ".join(f"{word}={x}" for word, x in vars(self).items() if word != "training")


class Fold(Module):
    """``fold`` as a module."""

    def __init__(
        self, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
    ) -> None:
        self.output_size, self.kernel_size = output_size, kernel_size
        self.dilation, self.padding, self.stride = dilation, padding, stride

    def forward(self, x: Any) -> Any:
        """(n, channels · taps, positions) to (n, channels, *output_size), or both without n."""
        return fold(x, self.output_size, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        """The settings."""
        return ", ".join(f"{word}={x}" for word, x in vars(self).items() if word != "training")
