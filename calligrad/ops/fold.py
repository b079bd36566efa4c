"""The ``reduce`` of ufuncs for which NumPy has no function of its own."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from calligrad.function import constant
from calligrad.ops.elementwise import masked
from calligrad.ops.reduce import Fold, Max, Min

constant(np.logical_and.reduce, np.logical_or.reduce, np.logical_xor.reduce)
constant(np.logical_and.accumulate, np.logical_or.accumulate, np.logical_xor.accumulate)
constant(np.bitwise_and.reduce, np.bitwise_or.reduce, np.bitwise_xor.reduce)
constant(np.bitwise_and.accumulate, np.bitwise_or.accumulate, np.bitwise_xor.accumulate)


class FmaxReduce(Max, of=np.fmax.reduce):
    """``np.fmax.reduce``: the maximum of what is not NaN, otherwise as ``np.max``."""

    ufunc: ClassVar[Any] = np.fmax


class FminReduce(Min, of=np.fmin.reduce):
    """``np.fmin.reduce``: the minimum of what is not NaN, otherwise as ``np.min``."""

    ufunc: ClassVar[Any] = np.fmin


class LogaddexpReduce(Fold, of=np.logaddexp.reduce):
    """``np.logaddexp.reduce``: log(sum(exp(x))); a result that is infinite leaves the slope to infinite inputs."""

    ufunc: ClassVar[Any] = np.logaddexp
    power: ClassVar[Any] = staticmethod(np.exp)

    def backward(self, g, x, *, y):
        part, y = self.part(x), self.restore(y)
        x = x if part is True else np.where(part, x, -np.inf)
        infinite = np.isinf(y)

        def parts_of(x: Any) -> Any:
            finite = self.power(np.where(infinite, -np.inf, x) - np.where(infinite, 0, y))
            return np.where(infinite, np.isposinf(x), finite)

        parts = parts_of(x)
        total = np.sum(parts, axis=self.axis, keepdims=True)  # 1 but for the rounding of y, which counts if y is large
        if (initial := vars(self).get("initial")) is not None:
            total = total + parts_of(initial)
        shares = (parts / np.where(np.equal(total, 0), 1, total)).astype(g.dtype)
        return self.spread(g, part) * shares


class Logaddexp2Reduce(LogaddexpReduce, of=np.logaddexp2.reduce):
    """``np.logaddexp2.reduce``: log2(sum(2**x))."""

    ufunc: ClassVar[Any] = np.logaddexp2
    power = staticmethod(np.exp2)


class HypotReduce(Fold, of=np.hypot.reduce):
    """``np.hypot.reduce``: the length of a vector; at the origin the gradient is 0 (a subgradient)."""

    ufunc: ClassVar[Any] = np.hypot

    def backward(self, g, x, *, y):
        y = self.restore(y)
        return self.spread(g, self.part(x)) * (x / np.where(np.equal(y, 0), np.inf, y))


class SubtractReduce(Fold, of=np.subtract.reduce):
    """``np.subtract.reduce``: the first number, or ``initial``, less all the others."""

    ufunc: ClassVar[Any] = np.subtract

    def backward(self, g):
        g = self.spread(g, self.part())
        return np.where(_starts(self), g, -g)


class DivideReduce(Fold, of=np.divide.reduce):
    """``np.divide.reduce``: the first number, or ``initial``, divided by all the others."""

    ufunc: ClassVar[Any] = np.divide

    def backward(self, g, x, *, y):
        starts = _starts(self)
        divisors = np.where(starts, 1, x)
        by_first = 1 / np.prod(divisors, axis=self.axis, keepdims=True)  # exact also where the first is 0
        g = self.restore(g)
        return masked(np.where(starts, g * by_first, -g * self.restore(y) / divisors), self.part(x))


def _starts(fold: Fold) -> Any:
    """Where the first number of a row stands, which all others are subtracted from, unless ``initial`` does."""
    shape = fold.shapes[0]
    starts = np.zeros(shape, bool)
    if fold.initial in (None, np._NoValue):
        axes = [axis % len(shape) for axis in fold.axes()]
        starts[tuple(slice(0, 1) if i in axes else slice(None) for i, _ in enumerate(shape))] = True
    return starts
