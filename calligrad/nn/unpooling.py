"""Back from a max pool: each maximum where it was, zeros elsewhere."""

from __future__ import annotations

import math
from typing import Any

from calligrad.nn.maxima import whole
from calligrad.nn.module import Module
from calligrad.nn.refusals import refuse_beyond
from calligrad.nn.windows import per_axis, settings, sizes
from calligrad.ops.index import spread
from calligrad.value import as_array, as_arraylike

# ---------------------------------------------------------------- functions


def _max_unpool(n: int, x: Any, indices: Any, kernel_size: Any, stride: Any, padding: Any, output_size: Any) -> Any:
    name = f"max_unpool{n}d"
    x, indices = as_arraylike(x), as_array(indices)
    shape = sizes(name, x, n)
    if indices.shape != x.shape or indices.dtype.kind not in "iu":
        raise ValueError(
            f"{name}: indices are integers of the shape of x, {x.shape}, not {indices.dtype} of shape {indices.shape}"
        )
    kernels = per_axis(name, "kernel_size", kernel_size, n)
    strides = kernels if stride is None else per_axis(name, "stride", stride, n)
    paddings = per_axis(name, "padding", padding, n, least=0)
    usual = tuple((size - 1) * s - 2 * p + k for size, k, s, p in zip(shape, kernels, strides, paddings))
    wanted = usual if output_size is None else tuple(output_size)[-n:]
    if len(wanted) != n or not all(abs(w - u) < s for w, u, s in zip(wanted, usual, strides)):
        raise ValueError(f"{name}: output_size is less than a stride {strides} from {usual}, not {output_size!r}")
    y = (*x.shape[:-n], *wanted)
    refuse_beyond(indices, math.prod(wanted), f"{name}: the index {{}} is not within {wanted}")
    return spread(x, whole(indices, y, n), y, distinct=True)


def max_unpool1d(
    x: Any, indices: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
) -> Any:
    """Zeros with the numbers of ``x`` at ``indices``, which ``max_pool1d`` gave with ``return_indices=True``.

    Shapes: (N, C, L) to (N, C, (L - 1) stride - 2 padding + kernel_size), or both without N; ``output_size`` chooses
    among the lengths that are pooled to L. Where a place is named twice the last number stands.

    >>> import numpy as np
    >>> from calligrad.nn.functional import max_pool1d, max_unpool1d
    >>> y, indices = max_pool1d(np.array([[1.0, 3.0, 2.0, 5.0]]), 2, return_indices=True)
    >>> max_unpool1d(y, indices, 2)
    array([[0., 3., 0., 5.]])
    """
    return _max_unpool(1, x, indices, kernel_size, stride, padding, output_size)


def max_unpool2d(
    x: Any, indices: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
) -> Any:
    """``max_unpool1d`` of (N, C, H, W) or (C, H, W); the indices are those of the flattened H and W."""
    return _max_unpool(2, x, indices, kernel_size, stride, padding, output_size)


def max_unpool3d(
    x: Any, indices: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
) -> Any:
    """``max_unpool1d`` of (N, C, D, H, W) or (C, D, H, W); the indices are those of the flattened D, H and W."""
    return _max_unpool(3, x, indices, kernel_size, stride, padding, output_size)


# ---------------------------------------------------------------- modules


class _MaxUnpool(Module):
    """What the ways back of 1, 2 and 3 axes share."""

    axes: int

    def __init__(self, kernel_size: Any, stride: Any = None, padding: Any = 0) -> None:
        self.kernel_size, self.stride = kernel_size, kernel_size if stride is None else stride
        self.padding = padding

    def forward(self, x, indices, output_size=None):
        """``x`` at ``indices``, among zeros."""
        return _max_unpool(self.axes, x, indices, self.kernel_size, self.stride, self.padding, output_size)

    def extra_repr(self) -> str:
        """The settings."""
        return settings(self)


class MaxUnpool1d(_MaxUnpool):
    """``max_unpool1d`` as a module: (N, C, L) or (C, L)."""

    axes = 1


class MaxUnpool2d(_MaxUnpool):
    """``max_unpool2d`` as a module: (N, C, H, W) or (C, H, W).

    >>> import numpy as np
    >>> from calligrad.nn import MaxPool2d, MaxUnpool2d
    >>> y, indices = MaxPool2d(2, return_indices=True)(np.ones((1, 3, 4, 4)))
    >>> MaxUnpool2d(2)(y, indices).shape
    (1, 3, 4, 4)
    """

    axes = 2


class MaxUnpool3d(_MaxUnpool):
    """``max_unpool3d`` as a module: (N, C, D, H, W) or (C, D, H, W)."""

    axes = 3
