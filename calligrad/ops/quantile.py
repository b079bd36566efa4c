"""Order statistics: medians, quantiles and percentiles.

A quantile lies somewhere between two neighbours among the sorted numbers, and is their mean weighted by nearness.
So its gradient goes by the same weights to the two; of equal numbers one is chosen. Where it lies NumPy tells, for
each of its methods: there is the quantile of the positions 0, 1, 2 … themselves. Where the result is NaN, because
one of the numbers is, a NaN takes the gradient.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from inspect import signature
from typing import Any, ClassVar

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from calligrad.function import Function
from calligrad.ops.index import Scatter
from calligrad.rules import RULES, numpy_name
from calligrad.value import Value, beside, unwrap


@functools.cache
def _names(func: Callable) -> tuple[str, ...]:
    return tuple(signature(func).parameters)


def _rule_for(cls: type[Function], func: Callable) -> Callable:
    def rule(*args: Any, **kwargs: Any) -> Any:
        names = _names(func)
        settings = {name: x for name, x in (dict(zip(names, args)) | kwargs).items() if x is not np._NoValue}
        if settings.pop("out", None) is not None:
            raise TypeError(f"{numpy_name(func)} of a Value does not take out: the graph would be cut")
        settings.pop("overwrite_input", None)  # the numbers are needed
        if settings.get("weights") is not None:
            settings["weights"] = unwrap(settings["weights"])  # the result is piecewise constant in them
        a, q = settings.pop("a"), settings.get("q")
        if isinstance(q, Value):
            settings["q"] = q.data
            return cls(**settings)(a, q)
        return cls(**settings)(a)

    return rule


class OrderStatistic(Function):
    """What medians and quantiles share: the gradient of numbers at positions of the sorted rows."""

    axis: int | tuple[int, ...] | None = None
    keepdims: bool = False

    of: ClassVar[Callable]
    skips_nans: ClassVar[bool] = False

    def __init_subclass__(cls, of: Callable, **kwargs: Any) -> None:
        super().__init_subclass__(of, **kwargs)
        RULES[of] = _rule_for(cls, of)

    def positions(self, n: int) -> Any:
        """Where the results lie among ``n`` sorted numbers."""
        raise NotImplementedError

    def neighbours(self, x: Any, y: Any) -> tuple[Any, Any, Any]:
        """Of each row and quantile the places in ``x.ravel()`` below and above it, and how near it is to the upper."""
        rows, places = self.rows(x), self.rows(np.arange(x.size).reshape(x.shape))
        last = rows.shape[-1] - 1
        nan = np.isnan(y).reshape(-1, len(rows)).T
        at = np.where(nan, float(last), 0 if np.all(nan) else self.lie(rows, y))
        below = np.floor(at).astype(int)
        above = np.minimum(below + 1, np.maximum(self.numbers(rows) - 1, below))
        line = np.arange(len(rows))[:, np.newaxis]
        if hasattr(x, "storage") or hasattr(y, "storage"):  # of a capture
            order = np.argsort(rows, axis=-1)
        else:
            kth = sorted({*below.ravel().tolist(), *above.ravel().tolist(), last})  # with the last, where NaNs go
            order = np.argpartition(rows, kth, axis=-1)
        order, places = beside(y, order), beside(y, places)
        return places[line, order[line, below]], places[line, order[line, above]], at - below

    def numbers(self, rows: Any) -> Any:
        """How many numbers a row has: one for all rows, or a column where NaNs do not count."""
        return np.sum(~np.isnan(rows), -1, keepdims=True) if self.skips_nans else rows.shape[-1]

    def lie(self, rows: Any, y: Any) -> Any:
        """Where the results lie in the sorted rows: a column for each quantile, a line for each row or one for all."""
        if not self.skips_nans:
            return np.reshape(self.positions(rows.shape[-1]), (1, -1))
        if hasattr(rows, "storage"):  # of a capture
            table = np.stack([np.reshape(self.positions(n), -1) for n in range(1, rows.shape[-1] + 1)])
            return beside(rows, table)[np.reshape(np.maximum(self.numbers(rows), 1) - 1, -1)]
        every, which = np.unique(np.maximum(self.numbers(rows), 1), return_inverse=True)
        return np.stack([np.reshape(self.positions(n), -1) for n in every.tolist()])[which.reshape(-1)]

    def axes(self) -> tuple[int, ...]:
        """The axes that become one, in the order in which they were named."""
        n = len(self.shapes[0])
        return tuple(range(n)) if self.axis is None else normalize_axis_tuple(self.axis, n)

    def rows(self, x: Any) -> Any:
        """``x`` as a matrix of rows, each of the numbers that become one."""
        if self.axis is None:
            return x.reshape(1, -1)
        axes = self.axes()
        others = [axis for axis in range(x.ndim) if axis not in axes]
        count = math.prod(x.shape[axis] for axis in axes)
        return np.transpose(x, (*others, *sorted(axes))).reshape(x.size // count, count)

    def backward(self, g, x, *, y):
        if not x.size:
            return np.zeros(x.shape, g.dtype)
        return self.to_neighbours(g, *self.neighbours(unwrap(x), unwrap(y)))

    def to_neighbours(self, g: Any, lower: Any, upper: Any, nearness: Any) -> Any:
        """The gradient of the numbers: ``g`` shared between the two beside each result."""
        g = np.reshape(g, lower.T.shape).T
        into = g * nearness.astype(g.dtype)
        places = np.concatenate([lower.ravel(), upper.ravel()])
        gs = np.concatenate([np.reshape(g - into, -1), np.reshape(into, -1)])
        return np.reshape(Scatter((places,), (math.prod(self.shapes[0]),))(gs), self.shapes[0])


class Median(OrderStatistic, of=np.median):
    """``np.median``; of equal numbers in the middle one is chosen to take the gradient."""

    def positions(self, n):
        return (n - 1) / 2


class NanMedian(Median, of=np.nanmedian):
    """``np.nanmedian``."""

    skips_nans = True


class Quantile(OrderStatistic, of=np.quantile):
    """``np.quantile``; of equal numbers one is chosen to take the gradient. With ``q`` a Value, also in that."""

    q: Any = None
    method: str = "linear"
    weights: Any = None

    whole: ClassVar[int] = 1  # the q of the largest number

    def forward(self, a, q=None):
        how = {"method": self.method} | ({} if self.weights is None else {"weights": self.weights})
        return self.of(a, self.q if q is None else q, axis=self.axis, keepdims=self.keepdims, **how)

    def positions(self, n):
        return self.of(np.arange(float(n)), self.q, method=self.method)

    def lie(self, rows, y):
        if self.weights is None:
            return super().lie(rows, y)
        return np.stack([np.sum(rows < of[:, np.newaxis], -1) for of in np.reshape(y, (-1, len(rows)))], -1)

    def backward(self, g, a, q=None, *, y):
        a, x = beside(y, a), unwrap(a)
        if q is None or not x.size:
            ga = super().backward(g, a, y=y)
            return ga if q is None else (ga, np.zeros(q.shape, g.dtype))
        lower, upper, nearness = self.neighbours(x, unwrap(y))
        steps = self.steps(x, lower, unwrap(y))
        moving = nearness + np.reshape(q - unwrap(q), -1) * steps  # 0 more, but it has a slope in q

        def in_q():
            height = np.take(np.reshape(a, -1), upper) - np.take(np.reshape(a, -1), lower)
            return np.reshape(np.sum(np.reshape(g, lower.T.shape).T * height * steps, 0), self.shapes[1])

        return lambda: self.to_neighbours(g, lower, upper, moving), in_q

    def steps(self, x: Any, lower: Any, y: Any) -> Any:
        """How fast each result passes from number to number as q moves: not at all where it stays on one."""
        if self.method not in STEPS:
            return np.zeros(lower.shape)
        rows = self.rows(x)
        steps = np.broadcast_to((self.numbers(rows) + STEPS[self.method]) / self.whole, lower.shape)
        if self.method == "linear":
            return steps
        return np.where(self.lie(rows, y) <= 0, 0, steps)  # the others stay at the first number for a while


STEPS = {
    "interpolated_inverted_cdf": 0,
    "hazen": 0,
    "weibull": 1,
    "linear": -1,
    "median_unbiased": 1 / 3,
    "normal_unbiased": 1 / 4,
}
"""How many more steps than there are numbers q passes on its way from 0 to 1, for each continuous method."""


class Percentile(Quantile, of=np.percentile):
    """``np.percentile``: ``np.quantile`` in hundredths."""

    whole = 100


class NanQuantile(Quantile, of=np.nanquantile):
    """``np.nanquantile``."""

    skips_nans = True


class NanPercentile(Percentile, of=np.nanpercentile):
    """``np.nanpercentile``."""

    skips_nans = True
