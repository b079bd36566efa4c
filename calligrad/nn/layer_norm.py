"""LayerNorm and RMSNorm: each example by itself, over its last axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from calligrad.dtypes import parameter_dtype
from calligrad.nn.init import ones_, zeros_
from calligrad.nn.module import Module
from calligrad.nn.standardize import Standardize
from calligrad.value import Value, as_arraylike


def layer_norm(x: Any, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    """``(x - mean) / sqrt(var + eps) * weight + bias``, mean and variance over the last axes.

    Shapes: ``x`` (…, *normalized_shape), ``weight`` and ``bias`` normalized_shape or None.

    Ba, Kiros and Hinton, "Layer normalization", arXiv:1607.06450.

    >>> import numpy as np
    >>> from calligrad.nn.functional import layer_norm
    >>> layer_norm(np.array([[1.0, 3.0], [10.0, 30.0]]), (2,), eps=0.0)
    array([[-1.,  1.],
           [-1.,  1.]])
    """
    return _over_last_axes("layer_norm", x, normalized_shape, weight, bias, eps, True)


def rms_norm(x: Any, normalized_shape: Any, weight: Any = None, eps: float | None = None) -> Any:
    """``x / sqrt(mean(x²) + eps) * weight``, the mean over the last axes, which are ``normalized_shape``.

    Shapes: ``x`` (…, *normalized_shape), ``weight`` normalized_shape or None. Without ``eps`` it is the machine's
    precision in the dtype of ``x``.

    Zhang and Sennrich, "Root mean square layer normalization", arXiv:1910.07467.

    >>> import numpy as np
    >>> from calligrad.nn.functional import rms_norm
    >>> rms_norm(np.array([3.0, -3.0]), (2,))
    array([ 1., -1.])
    """
    x = as_arraylike(x)
    if eps is None and x.dtype.kind == "f":
        eps = float(np.finfo(x.dtype).eps)
    return _over_last_axes("rms_norm", x, normalized_shape, weight, None, eps, False)


def _over_last_axes(name: str, x: Any, normalized_shape: Any, weight: Any, bias: Any, eps: Any, centre: bool) -> Any:
    x, shape = as_arraylike(x), as_shape(normalized_shape)
    if x.dtype.kind != "f":
        raise TypeError(f"{name}: x is floating, not {x.dtype}")
    if x.shape[max(0, x.ndim - len(shape)) :] != shape:
        raise ValueError(f"{name}: x of shape {x.shape} does not end in normalized_shape, {shape}")
    for what, p in (("weight", weight), ("bias", bias)):
        if p is not None and as_arraylike(p).shape != shape:
            raise ValueError(f"{name}: {what} has shape {np.shape(p)}, not normalized_shape, {shape}")
    if weight is None and bias is not None:
        weight = np.ones(shape, x.dtype)
    n = math.prod(shape)
    view = math.prod(x.shape[: x.ndim - len(shape)]), 1, n, 1
    return Standardize(view, eps, centre=centre)(x, *(p for p in (weight, bias) if p is not None))


def as_shape(shape: int | Sequence[int]) -> tuple[int, ...]:
    """A number or a sequence of numbers as a shape with at least one axis."""
    sizes = (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape)
    if not sizes or any(isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 0 for n in sizes):
        raise ValueError(f"normalized_shape is a size or a tuple of sizes, not {shape!r}")
    return tuple(map(int, sizes))


class LayerNorm(Module):
    """``layer_norm`` over the last axes, with a ``weight`` that starts at 1 and a ``bias`` that starts at 0.

    >>> import numpy as np
    >>> from calligrad.nn import LayerNorm
    >>> LayerNorm(4)(np.ones((2, 3, 4), np.float32)).shape
    (2, 3, 4)
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        *,
        dtype: Any = None,
    ) -> None:
        self.normalized_shape, self.eps, self.elementwise_affine = as_shape(normalized_shape), eps, elementwise_affine
        dtype = parameter_dtype(dtype)
        empty = np.empty(self.normalized_shape, dtype)
        self.weight = ones_(Value(empty, "weight")) if elementwise_affine else None
        self.bias = zeros_(Value(empty.copy(), "bias")) if elementwise_affine and bias else None

    def forward(self, x: Any) -> Any:
        """(…, *normalized_shape) to the same shape."""
        return layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """The settings."""
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class RMSNorm(Module):
    """``rms_norm`` over the last axes, with a ``weight`` that starts at 1.

    >>> import numpy as np
    >>> from calligrad.nn import RMSNorm
    >>> RMSNorm(4)(np.ones((2, 3, 4), np.float32)).shape
    (2, 3, 4)
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float | None = None,
        elementwise_affine: bool = True,
        *,
        dtype: Any = None,
    ) -> None:
        self.normalized_shape, self.eps, self.elementwise_affine = as_shape(normalized_shape), eps, elementwise_affine
        empty = np.empty(self.normalized_shape, parameter_dtype(dtype))
        self.weight = ones_(Value(empty, "weight")) if elementwise_affine else None

    def forward(self, x: Any) -> Any:
        """(…, *normalized_shape) to the same shape."""
        return rms_norm(x, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        """The settings."""
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"
