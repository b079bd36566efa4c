"""Norms of vectors and matrices, and condition numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from calligrad.ops.reduce import Reduction
from calligrad.rules import implements
from calligrad.value import conj, unwrap

OF_VECTORS: dict[Any, Any] = {1: np.sum, math.inf: np.max, -math.inf: np.min}
OF_SINGULAR_VALUES: dict[Any, Any] = {"nuc": np.sum, 2: np.max, -2: np.min}


class Norm(Reduction):
    """The p-norm of vectors and the Frobenius norm of matrices; where a number is 0 its slope is 0 (a subgradient)."""

    ord: Any = None

    def forward(self, x):
        return np.linalg.norm(x, self.ord, self.axis, self.keepdims)

    def backward(self, g, x, *, y):
        if not x.size:
            return np.zeros_like(x)
        g, y = self.restore(g), self.restore(y)
        origin = np.equal(y, 0)
        if self.ord in (None, 2) or isinstance(self.ord, str):
            return g * (conj(x) / np.where(origin, math.inf, y))
        p, size = float(self.ord), np.abs(x)
        flat = np.equal(size, 0) | origin
        if not np.any(flat):
            return g * (conj(x) / size * (size / y) ** (p - 1))
        size, y = np.where(flat, 1, size), np.where(origin, 1, y)
        return g * np.where(flat, 0, conj(x) / size * (size / y) ** (p - 1))


@implements(np.linalg.norm)
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """``np.linalg.norm``, of every order.

    Where several numbers or singular values are the largest or the smallest, they share the gradient evenly; a number
    that is 0 has slope 0, and so has a singular value (both are subgradients). The 0-norm is a constant.
    """
    if ord is None or not x.size or x.dtype.kind not in "fc":
        return Norm(axis, keepdims, ord)(x)
    axes = normalize_axis_tuple(_axes(x, axis), x.ndim)
    if len(axes) == 1 and ord in OF_VECTORS:
        return OF_VECTORS[ord](np.abs(x), axis=axes[0], keepdims=keepdims)
    if len(axes) == 1 and ord == 0:
        return np.linalg.norm(unwrap(x), ord, axis, keepdims)
    if len(axes) == 2 and ord in (1, -1, math.inf, -math.inf):
        over, along = axes if abs(ord) == 1 else axes[::-1]
        sums = np.sum(np.abs(x), axis=over, keepdims=True)
        y = (np.max if ord > 0 else np.min)(sums, axis=along, keepdims=True)
        return y if keepdims else np.squeeze(y, axes)
    if len(axes) == 2 and ord in OF_SINGULAR_VALUES:
        x = x if axes == (x.ndim - 2, x.ndim - 1) else np.moveaxis(x, axes, (-2, -1))
        y = OF_SINGULAR_VALUES[ord](np.linalg.svd(x, compute_uv=False), axis=-1)
        return np.expand_dims(y, axes) if keepdims else y
    return Norm(axis, keepdims, ord)(x)


def _axes(x: Any, axis: Any) -> tuple[int, ...]:
    """The axes that a norm goes over."""
    if axis is None:
        return tuple(range(x.ndim))
    return axis if isinstance(axis, tuple) else (int(axis),)


@implements(np.linalg.matrix_norm)
def matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    """``np.linalg.matrix_norm``: the norm over the last two axes."""
    return np.linalg.norm(x, ord, (-2, -1), keepdims)


@implements(np.linalg.vector_norm)
def vector_norm(x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    """``np.linalg.vector_norm``: the norm of all numbers, or along any number of axes, as of one vector."""
    if axis is not None and not isinstance(axis, tuple):
        return np.linalg.norm(x, ord, axis, keepdims)
    axes = normalize_axis_tuple(_axes(x, axis), x.ndim)
    rest = tuple(i for i in range(x.ndim) if i not in axes)
    if axis is not None:
        x = np.transpose(x, (*axes, *rest))
    n, lengths = math.prod(x.shape[: len(axes)]), x.shape[len(axes) :]
    y = np.linalg.norm(np.reshape(x, (n, *lengths)), ord, 0)
    return np.expand_dims(y, axes) if keepdims else y


@implements(np.linalg.cond)
def cond(x: Any, p: Any = None) -> Any:
    """``np.linalg.cond``: the norm of ``x`` times that of its inverse; where it is infinite the gradient is 0."""
    y = np.linalg.cond(unwrap(x), p)
    infinite = np.isinf(y)
    if np.any(infinite):
        finite = np.where(infinite[..., None, None], np.eye(*x.shape[-2:], dtype=x.dtype), x)
        return np.where(infinite, y, _finite_cond(finite, p, y.dtype))
    return _finite_cond(x, p, y.dtype)


def _finite_cond(x: Any, p: Any, dtype: Any) -> Any:
    if p in (None, 2, -2):
        s = np.linalg.svd(x, compute_uv=False)
        return s[..., -1] / s[..., 0] if p == -2 else s[..., 0] / s[..., -1]
    inverse = np.linalg.inv(np.astype(x, np.result_type(x.dtype, np.float64)))  # in NumPy's precision
    return np.astype(np.linalg.norm(x, p, (-2, -1)) * np.linalg.norm(inverse, p, (-2, -1)), dtype)
