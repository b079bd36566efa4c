"""The log-sum-exp family, exact for large and for infinite inputs."""

from __future__ import annotations

from typing import Any

import numpy as np

from calligrad.function import Function
from calligrad.ops.reduce import Reduction


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
        with np.errstate(over="ignore"):  # a difference too large for the dtype is as good as -inf
            e = np.subtract(x, np.max(x, axis=self.axis, keepdims=True, initial=-np.inf))
            e = np.exp(e, out=_reusable(e))
        return np.divide(e, np.sum(e, axis=self.axis, keepdims=True), out=_reusable(e))

    def backward(self, g, *, y):
        return y * (g - np.sum(g * y, axis=self.axis, keepdims=True))


class LogSoftmax(Function):
    """``log(softmax(x))`` along ``axis``."""

    axis: int | tuple[int, ...] | None = -1

    def forward(self, x):
        x = floating(x)
        with np.errstate(over="ignore", divide="ignore"):  # as above; and an empty row sums to 0
            shifted = x - np.max(x, axis=self.axis, keepdims=True, initial=-np.inf)
            return shifted - np.log(np.sum(np.exp(shifted), axis=self.axis, keepdims=True))

    def backward(self, g, *, y):
        return g - np.exp(y) * np.sum(g, axis=self.axis, keepdims=True)


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
