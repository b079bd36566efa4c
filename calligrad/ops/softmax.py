"""The log-sum-exp family, exact for large and for infinite inputs."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from calligrad.formula import formula, is_open
from calligrad.function import Function
from calligrad.ops.reduce import Reduction
from calligrad.ops.tiles import over_rows


class LogSumExp(Reduction):
    """``log(sum(exp(x)))`` along ``axis``."""

    def forward(self, x):
        x = floating(x)
        top = np.max(x, axis=self.axis, keepdims=True, initial=-np.inf)
        top = np.where(np.isfinite(top), top, 0)  # all -inf gives -inf, an inf gives inf, not NaN
        with np.errstate(divide="ignore", over="ignore"):
            y = np.log(np.sum(np.exp(x - top), axis=self.axis, keepdims=True)) + top
        return y if self.keepdims else np.squeeze(y, self.axis)

    def backward(self, g, x, *, y):
        y = self.restore(y)
        infinite = np.isinf(y)
        if not np.any(infinite):
            return self.restore(g) * Softmax(self.axis)(x)
        # The limit: of a sum that is inf, all of the slope is at the infinite inputs; of -inf there is none.
        hits = np.isposinf(x)
        share = (hits / np.maximum(np.sum(hits, axis=self.axis, keepdims=True), 1)).astype(g.dtype)
        return self.restore(g) * np.where(infinite, share, Softmax(self.axis)(np.where(infinite, 0, x)))


class Softmax(Function):
    """``exp(x) / sum(exp(x))`` along ``axis``."""

    axis: int | tuple[int, ...] | None = -1

    def forward(self, x):
        x = floating(x)
        if is_rows(x, self.axis) and not is_open(x):
            return by_rows(_softmax_rows, x)
        return softmax_formula(x, axis=self.axis)

    def backward(self, g, *, y):
        if is_rows(y, self.axis) and is_rows(g, self.axis) and not is_open(g, y):
            return by_rows(_slope_of_softmax_rows, g, y)
        return slope_of_softmax(g, y, axis=self.axis)


class LogSoftmax(Function):
    """``log(softmax(x))`` along ``axis``."""

    axis: int | tuple[int, ...] | None = -1

    def forward(self, x):
        x = floating(x)
        if is_rows(x, self.axis) and not is_open(x):
            return by_rows(_log_softmax_rows, x)
        return log_softmax_formula(x, axis=self.axis)

    def backward(self, g, *, y):
        if is_rows(y, self.axis) and is_rows(g, self.axis) and not is_open(g, y):
            return by_rows(_slope_of_log_softmax_rows, g, y)
        return slope_of_log_softmax(g, y, axis=self.axis)


# ---------------------------------------------------------------- the formulas


@formula
def softmax_formula(x, *, axis):
    """``softmax``."""
    with np.errstate(over="ignore"):  # a difference too large for the dtype is as good as -inf
        e = np.subtract(x, np.max(x, axis=axis, keepdims=True, initial=-np.inf))
        e = np.exp(e, out=_reusable(e))
    return np.divide(e, np.sum(e, axis=axis, keepdims=True), out=_reusable(e))


@formula
def slope_of_softmax(g, y, *, axis):
    """The gradient of ``x``."""
    return y * (g - np.sum(g * y, axis=axis, keepdims=True))


@formula
def log_softmax_formula(x, *, axis):
    """``log_softmax``."""
    with np.errstate(over="ignore", divide="ignore"):  # as above; and an empty row sums to 0
        shifted = x - np.max(x, axis=axis, keepdims=True, initial=-np.inf)
        return shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))


@formula
def slope_of_log_softmax(g, y, *, axis):
    """The gradient of ``x``."""
    return g - np.exp(y) * np.sum(g, axis=axis, keepdims=True)


# ---------------------------------------------------------------- rows of plain arrays

LARGE = 40.0  # a number whose exponential is far from what single precision cannot hold


def is_rows(x: Any, axis: Any) -> bool:
    """Whether ``x`` is an array of which ``axis`` is the last axis, as it lies in memory."""
    return (
        type(x) is np.ndarray
        and x.ndim > 0
        and axis in (-1, x.ndim - 1)
        and x.dtype.char in "fd"
        and x.size > 0
        and x.flags.c_contiguous
    )


def by_rows(work: Callable[..., None], *xs: np.ndarray) -> np.ndarray:
    """What ``work(*xs, y)`` writes into ``y``, some of the rows at a time."""
    y = np.empty_like(xs[0])
    arrays = [a.reshape(-1, y.shape[-1]) for a in (*xs, y)]
    over_rows(lambda tile: work(*(a[tile] for a in arrays)), arrays[0])
    return y


def _row_sums(x: np.ndarray) -> np.ndarray:
    """As a column."""
    return (x @ np.ones(x.shape[-1], x.dtype))[:, np.newaxis]


def _maxima(x: np.ndarray) -> np.ndarray:
    """As a column."""
    return (np.max(x, axis=-1) if x.shape[-1] > 256 else np.max(x.T.copy(), axis=0))[:, np.newaxis]  # which is faster


def _softmax_rows(x: np.ndarray, y: np.ndarray) -> None:
    # To find the maximum of each row takes longer than all the rest. It serves to keep the exponentials from being too
    # large, and those of a row from being all too small. If they are not, the digits are the same without it.
    sums = _row_sums(np.exp(x, out=y)) if x.max() <= LARGE else 0.0
    if np.min(sums) < math.exp(-LARGE):
        with np.errstate(over="ignore"):
            sums = _row_sums(np.exp(np.subtract(x, _maxima(x), out=y), out=y))
    y *= 1 / sums


def _slope_of_softmax_rows(g: np.ndarray, y: np.ndarray, gx: np.ndarray) -> None:
    np.multiply(g, y, out=gx)
    gx -= y * _row_sums(gx)


def _log_softmax_rows(x: np.ndarray, y: np.ndarray) -> None:
    with np.errstate(over="ignore"):
        np.subtract(x, _maxima(x), out=y)
    y -= np.log(_row_sums(np.exp(y)))


def _slope_of_log_softmax_rows(g: np.ndarray, y: np.ndarray, gx: np.ndarray) -> None:
    np.exp(y, out=gx)
    gx *= _row_sums(g)
    np.subtract(g, gx, out=gx)


def _reusable(x: Any) -> Any:
    """``x`` if it is an array that a result may be written into."""
    return x if type(x) is np.ndarray else None


def floating(x: Any) -> Any:
    """``x``, integers as float64."""
    return x if x.dtype.kind == "f" else x.astype(np.float64)


def logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """``log(sum(exp(x)))`` along ``axis``, without overflow.

    >>> import numpy as np
    >>> from calligrad import logsumexp
    >>> float(logsumexp(np.array([1000.0, 1000.0])))
    1000.6931471805599
    """
    return LogSumExp(axis, keepdims)(x)


def softmax(x: Any, axis: Any = -1) -> Any:
    """``exp(x) / sum(exp(x))`` along ``axis``: positive numbers that sum to 1.

    >>> import numpy as np
    >>> from calligrad import softmax
    >>> softmax(np.array([0.0, 0.0]))
    array([0.5, 0.5])
    """
    return Softmax(axis)(x)


def log_softmax(x: Any, axis: Any = -1) -> Any:
    """The logarithm of ``softmax``, without cancellation.

    >>> import numpy as np
    >>> from calligrad import log_softmax
    >>> log_softmax(np.array([0.0, 1000.0]))
    array([-1000.,     0.])
    """
    return LogSoftmax(axis)(x)
