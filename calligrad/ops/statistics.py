"""Averages, covariances and ranges."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from calligrad.function import Function
from calligrad.ops.reduce import without_gradient
from calligrad.primitive import primitive
from calligrad.rules import implements
from calligrad.value import Value, as_arraylike, unwrap


@implements(np.ptp)
def ptp(a: Any, axis: Any = None, out: Any = None, keepdims: Any = np._NoValue) -> Any:
    """``np.ptp``: from the smallest to the largest."""
    return np.max(a, axis, out, keepdims) - np.min(a, axis, None, keepdims)


@implements(np.average)
def average(a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: Any = False) -> Any:
    """``np.average``, differentiable in the weights as well."""
    a = a if isinstance(a, Value) else np.asarray(a)
    keepdims = keepdims is not np._NoValue and keepdims
    axes = range(a.ndim) if axis is None else normalize_axis_tuple(axis, a.ndim, argname="axis")
    if weights is None:
        y = np.mean(a, axis=axis, keepdims=keepdims)
        count = a.size / y.size
        return (y, np.full_like(y, count)) if returned else y

    weights = weights if isinstance(weights, Value) else np.asarray(weights)
    if weights.shape != a.shape:
        if axis is None:
            raise TypeError(f"weights of shape {weights.shape} for numbers of shape {a.shape} need axis=")
        if weights.shape != tuple(a.shape[i] for i in axes):
            raise ValueError(f"weights of shape {weights.shape} do not fit axis {axis} of shape {a.shape}")
        weights = np.transpose(weights, np.argsort(axes))
        weights = np.reshape(weights, [n if i in axes else 1 for i, n in enumerate(a.shape)])
    dtype = np.result_type(a.dtype, weights.dtype, *(["f8"] if a.dtype.kind in "iub" else []))
    total = np.sum(weights, axis=axis, dtype=dtype, keepdims=keepdims)
    _refuse_zero(unwrap(total))
    y = np.sum(np.multiply(a, weights, dtype=dtype), axis=axis, keepdims=keepdims) / total
    return (y, np.copy(np.broadcast_to(total, y.shape))) if returned else y


@primitive(checks=True)
def _refuse_zero(total: Any) -> None:
    if np.any(np.equal(total, 0)):
        raise ZeroDivisionError("the weights sum to zero")


class Cov(Function):
    """The covariances of the rows of a matrix, by ``np.cov``; differentiable in ``aweights`` as well."""

    ddof: int
    fweights: Any
    dtype: Any

    def forward(self, m, aweights=None):
        return np.cov(m, ddof=self.ddof, fweights=self.fweights, aweights=aweights, dtype=self.dtype)

    def backward(self, g, m, aweights=None, *, y):
        rows, columns = m.shape
        g, y = np.reshape(g, (rows, rows)), np.reshape(y, (rows, rows))
        f = np.ones(columns) if self.fweights is None else as_arraylike(self.fweights) * 1.0
        w = f if aweights is None else f * aweights
        total = np.sum(w)
        freedom = total - self.ddof * (1 if aweights is None else np.sum(w * aweights) / total)
        freedom = np.where(freedom > 0, freedom, np.nan)
        centred = m - np.sum(m * w, 1, keepdims=True) / total  # moving the mean itself changes nothing
        conjugate = np.conjugate(centred) if centred.dtype.kind == "c" else centred
        gm = (g + (np.conjugate(g.T) if g.dtype.kind == "c" else g.T)) @ conjugate * (w / freedom)
        if aweights is None:
            return gm

        def in_weights():
            each = f * np.sum(centred * (g @ conjugate), 0)
            more_freedom = f * (1 - self.ddof * (2 * aweights * total - np.sum(w * aweights)) / total**2)
            return np.real(each - more_freedom * np.sum(g * y)) / freedom

        return gm, in_weights


_TURNS_ROWS = np.ndim(np.cov(np.eye(1, 2), rowvar=False, bias=True)) == 2
"""Whether rowvar=False turns a matrix of one row, as NumPy does from 2.2."""


@implements(np.cov)
def cov(
    m: Any,
    y: Any = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: int | None = None,
    fweights: Any = None,
    aweights: Any = None,
    *,
    dtype: Any = None,
) -> Any:
    """``np.cov``, differentiable in the numbers and in ``aweights``; of complex numbers too."""
    given = [as_arraylike(x) for x in (m, y) if x is not None]
    m = given[0]
    if any(x.ndim > 2 for x in given):
        raise ValueError("np.cov takes vectors and matrices, not more than 2 axes")
    dtype = np.result_type(*(x.dtype for x in given), np.float64) if dtype is None else np.dtype(dtype)
    rows = [np.astype(np.atleast_2d(x), dtype) for x in given]
    if not rowvar:
        rows = [x.T if x.shape[0] != 1 or (i == 0 and _TURNS_ROWS and m.ndim == 2) else x for i, x in enumerate(rows)]
    x = rows[0] if len(rows) == 1 or not rows[0].shape[0] else np.concatenate(rows)
    ddof = int(not bias) if ddof is None else ddof
    function = Cov(ddof, without_gradient(fweights, "fweights= of np.cov"), dtype)
    return function(x) if aweights is None else function(x, aweights)


@implements(np.corrcoef)
def corrcoef(x: Any, y: Any = None, rowvar: bool = True, *, dtype: Any = None) -> Any:
    """``np.corrcoef``: covariances over standard deviations."""
    c = np.cov(x, y, rowvar, dtype=dtype)
    if c.ndim == 0:
        return c / c
    deviations = np.sqrt(np.real(np.diagonal(c)))
    return WithoutExcess()(c / deviations[:, np.newaxis] / deviations)


class WithoutExcess(Function):
    """Correlations without what rounding put beyond 1. They never reach beyond, so that nothing is flat there."""

    def forward(self, c):
        y = np.clip(np.real(c), -1, 1)
        return y if c.dtype.kind != "c" else y + 1j * np.clip(np.imag(c), -1, 1)

    def backward(self, g):
        return g
