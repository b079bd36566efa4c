"""Reductions: many numbers to one, along ``axis``."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from calligrad.declaration import known_settings
from calligrad.function import Function
from calligrad.ops.elementwise import masked
from calligrad.rules import implements
from calligrad.value import Value


class Reduction(Function):
    """What every reduction shares: ``axis``, ``keepdims``, and putting the reduced axes back."""

    axis: int | tuple[int, ...] | None = None
    keepdims: bool = False

    def restore(self, y: Any) -> Any:
        """``y`` with the reduced axes back at length 1, so that it broadcasts against the input."""
        if self.axis is None or self.keepdims:
            return y
        return np.expand_dims(y, self.axis)

    def count(self) -> int:
        """How many numbers became one."""
        shape = self.shapes[0]
        return math.prod(shape if self.axis is None else (shape[axis] for axis in np.atleast_1d(self.axis)))


class Sum(Reduction, of=np.sum):
    """``np.sum``."""

    dtype: Any = None
    keepdims: bool = False

    def forward(self, a):
        return np.add.reduce(a, self.axis, self.dtype, None, self.keepdims)

    def backward(self, g):
        return np.broadcast_to(self.restore(g), self.shapes[0])


class Mean(Reduction, of=np.mean):
    """``np.mean``."""

    dtype: Any = None
    keepdims: bool = False

    def forward(self, a):
        return np.mean(a, axis=self.axis, dtype=self.dtype, keepdims=self.keepdims)

    def backward(self, g):
        return np.broadcast_to(self.restore(g) * (1 / max(self.count(), 1)), self.shapes[0])


class Var(Reduction, of=np.var):
    """``np.var``: the mean squared distance from the mean, in two passes."""

    dtype: Any = None
    ddof: float = 0
    keepdims: bool = False

    def forward(self, a):
        return np.var(a, axis=self.axis, dtype=self.dtype, ddof=self.ddof, keepdims=self.keepdims)

    def backward(self, g, x):
        centred = x - np.mean(x, axis=self.axis, keepdims=True)
        freedom = self.count() - self.ddof
        return self.restore(g) * centred * (2 / freedom if freedom > 0 else math.nan)


@implements(np.std)
def std(a: Any, axis: Any = None, dtype: Any = None, *, ddof: float = 0, keepdims: bool = False) -> Any:
    """``np.std``: the root of the variance; at zero variance it has no derivative and the gradient is NaN or inf."""
    return np.sqrt(np.var(a, axis=axis, dtype=dtype, ddof=ddof, keepdims=keepdims))


class Max(Reduction, of=(np.max, np.amax)):
    """``np.max``; equal maxima, or NaNs, share the gradient evenly (a subgradient)."""

    def forward(self, a):
        return np.max(a, axis=self.axis, keepdims=self.keepdims)

    def backward(self, g, x, *, y):
        hit = np.equal(x, self.restore(y)) | np.isnan(x)
        winners = np.maximum(np.sum(hit, axis=self.axis, keepdims=True), 1)
        return masked(np.broadcast_to(self.restore(g) / winners.astype(g.dtype), x.shape), hit)


class Min(Max, of=(np.min, np.amin)):
    """``np.min``; equal minima, or NaNs, share the gradient evenly (a subgradient)."""

    def forward(self, a):
        return np.min(a, axis=self.axis, keepdims=self.keepdims)


class Prod(Reduction, of=np.prod):
    """``np.prod``; exact at zeros, where the gradient is the product of the others."""

    dtype: Any = None
    keepdims: bool = False

    def forward(self, a):
        return np.prod(a, axis=self.axis, dtype=self.dtype, keepdims=self.keepdims)

    def backward(self, g, x, *, y):
        zeros = np.equal(x, 0)
        if not np.any(zeros):
            return self.restore(g * y) / x
        if isinstance(x, Value):
            return self.restore(g) * self._products_of_others(x)
        count = np.sum(zeros, axis=self.axis, keepdims=True)
        product = np.prod(np.where(zeros, 1, x), axis=self.axis, keepdims=True)  # of all that are not 0
        others = np.where(zeros, product * (count == 1), product / np.where(zeros, 1, x) * (count == 0))
        return self.restore(g) * others

    def _products_of_others(self, x: Any) -> Any:
        """For each number the product of all but itself, to be differentiated again: n² numbers for n."""
        axes = tuple(range(x.ndim)) if self.axis is None else tuple(np.atleast_1d(self.axis).tolist())
        last = tuple(range(-len(axes), 0))
        rows = np.moveaxis(x, axes, last)
        flat = np.reshape(rows, (*rows.shape[: rows.ndim - len(axes)], 1, self.count()))
        others = np.prod(np.where(np.eye(self.count(), dtype=bool), 1, flat), axis=-1)
        return np.moveaxis(np.reshape(others, rows.shape), last, axes)


class Norm(Reduction):
    """The 2-norm of vectors and the Frobenius norm of matrices; at the origin the gradient is 0 (a subgradient)."""

    ord: Any = None

    def forward(self, x):
        return np.linalg.norm(x, self.ord, self.axis, self.keepdims)

    def backward(self, g, x, *, y):
        length = self.restore(y)
        origin = np.equal(length, 0)
        return self.restore(g) * np.where(origin, 0, x / np.where(origin, 1, length))


@implements(np.linalg.norm)
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """``np.linalg.norm`` for the 2-norm of vectors and the Frobenius norm of matrices."""
    axes = x.ndim if axis is None else np.size(axis)
    if not (ord is None or (ord == 2 and axes != 2) or (ord in ("fro", "f") and axes != 1)):
        raise NotImplementedError(
            f"np.linalg.norm of a Value takes ord=None, 2 of vectors and 'fro' of matrices, not {ord!r}"
        )
    return Norm(axis, keepdims, ord)(x)


def _reduce_rule(cls: type[Reduction], reduce: Any) -> Any:
    """The ``reduce`` of a ufunc, which goes along axis 0 unless told otherwise."""

    def rule(array: Any, axis: Any = 0, **kwargs: Any) -> Any:
        return cls(axis=axis, **known_settings(cls, reduce, kwargs))(array)

    return rule


for _ufunc, _cls in {np.add: Sum, np.multiply: Prod, np.maximum: Max, np.minimum: Min}.items():
    implements(_ufunc.reduce)(_reduce_rule(_cls, _ufunc.reduce))
