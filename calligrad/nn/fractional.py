"""Max pools whose windows begin at random, so that an image shrinks by any fraction."""

from __future__ import annotations

from typing import Any

import numpy as np

from calligrad import random
from calligrad.nn.maxpooling import max_of_windows
from calligrad.nn.module import Module
from calligrad.nn.windows import Drawn, per_axis, settings, sizes
from calligrad.value import as_array, as_arraylike


def _fractional_max_pool(
    n: int,
    x: Any,
    kernel_size: Any,
    output_size: Any,
    output_ratio: Any,
    return_indices: bool,
    samples: Any,
    rng: np.random.Generator | None,
) -> Any:
    name, x = f"fractional_max_pool{n}d", as_arraylike(x)
    shape = sizes(name, x, n)
    kernels = per_axis(name, "kernel_size", kernel_size, n)
    _check_outputs(name, n, output_size, output_ratio)
    if output_size is None:
        ratios = output_ratio if isinstance(output_ratio, (tuple, list)) else (output_ratio,) * n
        output_size = tuple(int(size * ratio) for size, ratio in zip(shape, ratios))
    counts = per_axis(name, "output_size", output_size, n)
    for size, kernel, count in zip(shape, kernels, counts):
        if count + kernel - 1 > size:
            raise ValueError(f"{name}: {count} windows of {kernel} are too many for an axis of {size}; x is {x.shape}")
    lead = x.shape[:-n]
    batch = lead if len(lead) == 2 else (1, *lead)
    if samples is None:
        samples = random.generator(rng).random((*batch, n))
    samples = as_array(samples)
    if samples.shape != (*batch, n):
        raise ValueError(
            f"{name}: the random samples for x {x.shape} have the shape {(*batch, n)}, not {samples.shape}"
        )
    windows = []
    for axis in range(n):
        of_axis = 1 - axis if n == 2 else axis  # of two axes the last is drawn first, of three the first
        starts = _starts(samples[..., of_axis].astype(x.dtype), shape[axis], kernels[axis], counts[axis])
        others = (1,) * axis, (1,) * (n - 1 - axis)
        windows.append(Drawn(shape[axis], kernels[axis], starts.reshape(*lead, *others[0], counts[axis], *others[1])))
    return max_of_windows(x, tuple(windows), return_indices)


def _check_outputs(name: str, n: int, output_size: Any, output_ratio: Any) -> None:
    if (output_size is None) == (output_ratio is None):
        raise ValueError(f"{name}: give either an output_size or an output_ratio")
    if output_ratio is not None:
        ratios = output_ratio if isinstance(output_ratio, (tuple, list)) else (output_ratio,) * n
        if len(ratios) != n or not all(0 < ratio < 1 for ratio in ratios):
            raise ValueError(f"{name}: output_ratio is between 0 and 1, or {n} such numbers, not {output_ratio!r}")


def _starts(u: np.ndarray, size: int, kernel: int, count: int) -> np.ndarray:
    """Where the windows begin, for each sample ``u``: floor(α (i + u)) - floor(α u), the last at the end."""
    if count == 1:
        return np.full((*u.shape, 1), size - kernel)
    alpha = u.dtype.type((size - kernel) / (count - 1))
    u = u[..., None]
    starts = np.floor((np.arange(count).astype(u.dtype) + u) * alpha) - np.floor(u * alpha)
    starts[..., -1] = size - kernel
    return starts.astype(np.intp)


def fractional_max_pool2d(
    x: Any,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Any = None,
    *,
    rng: np.random.Generator | None = None,
) -> Any:
    """The largest of windows that begin at random, so that ``output_size`` of them cover each axis.

    Shapes: (N, C, H, W) to (N, C, *output_size), or both without N; ``output_ratio`` gives the size as a part, below
    1, of H and W. The windows of an axis begin at floor(α (i + u)) - floor(α u), where u is drawn for each image,
    channel and axis, or given as ``_random_samples`` (N, C, 2), that of the last axis first. With ``return_indices``
    there comes an array of where the maxima were in the flattened H and W.

    Graham, "Fractional max-pooling", arXiv:1412.6071.

    >>> import numpy as np
    >>> from calligrad.nn.functional import fractional_max_pool2d
    >>> fractional_max_pool2d(np.ones((1, 3, 10, 10)), 2, output_ratio=0.7).shape
    (1, 3, 7, 7)
    """
    return _fractional_max_pool(2, x, kernel_size, output_size, output_ratio, return_indices, _random_samples, rng)


def fractional_max_pool3d(
    x: Any,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Any = None,
    *,
    rng: np.random.Generator | None = None,
) -> Any:
    """``fractional_max_pool2d`` of (N, C, D, H, W) or (C, D, H, W); ``_random_samples`` go from D to W."""
    return _fractional_max_pool(3, x, kernel_size, output_size, output_ratio, return_indices, _random_samples, rng)


class _FractionalMaxPool(Module):
    """What the fractional max pools of 2 and 3 axes share."""

    axes: int

    def __init__(
        self,
        kernel_size: Any,
        output_size: Any = None,
        output_ratio: Any = None,
        return_indices: bool = False,
        _random_samples: Any = None,
        *,
        rng: np.random.Generator | None = None,
    ) -> None:
        _check_outputs(type(self).__name__, self.axes, output_size, output_ratio)
        self.kernel_size, self.output_size, self.output_ratio = kernel_size, output_size, output_ratio
        self.return_indices = return_indices
        self._random_samples, self._rng = _random_samples, rng

    def forward(self, x):
        """The pooled ``x``."""
        options = self.kernel_size, self.output_size, self.output_ratio, self.return_indices, self._random_samples
        return _fractional_max_pool(self.axes, x, *options, self._rng)

    def extra_repr(self) -> str:
        """The settings."""
        return settings(self)


class FractionalMaxPool2d(_FractionalMaxPool):
    """``fractional_max_pool2d`` as a module: (N, C, H, W) or (C, H, W); drawn from ``rng`` or calligrad's own.

    >>> import numpy as np
    >>> from calligrad.nn import FractionalMaxPool2d
    >>> FractionalMaxPool2d(3, output_size=(5, 4))(np.ones((1, 3, 10, 10))).shape
    (1, 3, 5, 4)
    """

    axes = 2


class FractionalMaxPool3d(_FractionalMaxPool):
    """``fractional_max_pool3d`` as a module: (N, C, D, H, W) or (C, D, H, W); drawn from ``rng`` or calligrad's own."""

    axes = 3
