"""Reductions: many numbers to one, along ``axis``."""

from __future__ import annotations

import math
from collections.abc import Callable
from inspect import signature
from typing import Any, ClassVar

import numpy as np

from calligrad.function import Function, sum_to
from calligrad.ops.elementwise import masked
from calligrad.rules import RULES, numpy_name
from calligrad.value import Value, unwrap


class Reduction(Function):
    """What every reduction shares: ``axis``, ``keepdims``, and putting the reduced axes back."""

    axis: int | tuple[int, ...] | None = None
    keepdims: bool = False

    def restore(self, y: Any) -> Any:
        """``y`` with the reduced axes back at length 1, so that it broadcasts against the input."""
        if self.axis is None or self.keepdims:
            return y
        shape = list(self.shapes[0])
        for axis in self.axes():
            shape[axis] = 1
        return y.reshape(tuple(shape))

    def axes(self) -> tuple[int, ...]:
        """The axes that are reduced; of a 0-d array NumPy takes axis 0 for none."""
        if self.axis is None or not self.shapes[0]:
            return tuple(range(len(self.shapes[0])))
        return self.axis if isinstance(self.axis, tuple) else (self.axis,)

    def count(self) -> int:
        """How many numbers became one."""
        shape = self.shapes[0]
        return math.prod(shape) if self.axis is None else math.prod(shape[axis] for axis in self.axes())


class Selective(Reduction):
    """A reduction with NumPy's keywords: ``where`` says which numbers take part, ``dtype`` what to compute in.

    ``of=`` names the NumPy functions and ``ufunc.reduce`` that it stands for.
    """

    of: ClassVar[Callable]

    dtype: Any = None
    where: Any = True

    def __init_subclass__(cls, of: Callable | tuple[Callable, ...] = (), **kwargs: Any) -> None:
        super().__init_subclass__(of, **kwargs)
        for func in of if isinstance(of, tuple) else (of,):
            RULES[func] = _rule_for(cls, func)

    def forward(self, a):
        return self.of(a, **self.given())

    def given(self) -> dict[str, Any]:
        """The settings that the caller made."""
        return {name: x for name, x in vars(self).items() if name in self.settings}

    def part(self, x: Any = None) -> Any:
        """Which of the numbers ``x`` take part: True for all of them, or a mask."""
        if self.where is True or np.shape(self.where) == self.shapes[0]:
            return self.where
        return np.broadcast_to(self.where, self.shapes[0])

    def counts(self, part: Any) -> Any:
        """How many numbers took part in each result, in the shape of ``restore``."""
        return self.count() if part is True else np.sum(part, axis=self.axis, keepdims=True)

    def spread(self, g: Any, part: Any = True) -> Any:
        """``g``, a number for each result, to each of the numbers that took part in it."""
        g, shape = self.restore(g), self.shapes[0]
        if g.shape != shape:
            if math.prod(shape) < 4096 and isinstance(g, (np.ndarray, np.generic)):
                y = np.empty(shape, g.dtype)  # np.broadcast_to costs more than a few numbers do
                y[...] = g
                g = y
            else:
                g = np.broadcast_to(g, shape)
        return g if part is True else masked(g, part)

    def shared(self, g: Any, part: Any) -> Any:
        """To each number that took part an equal share of ``g``."""
        counts = self.counts(part)
        if part is True:
            return self.spread(g * (1 / max(counts, 1)))
        return self.spread(self.restore(g) * (1 / np.maximum(counts, 1)).astype(g.dtype), part)


def _rule_for(cls: type[Selective], func: Any) -> Callable:
    """What to call for the NumPy function: ``cls``, with the keywords that were given as settings."""
    is_ufunc = isinstance(getattr(func, "__self__", None), np.ufunc)

    def rule(a: Any, *args: Any, **kwargs: Any) -> Any:
        if args:
            names = _OF_UFUNCS if is_ufunc else tuple(signature(func).parameters)[1:]
            kwargs |= dict(zip(names, args))
        if is_ufunc:
            kwargs.setdefault("axis", 0)
        settings = {name: x for name, x in kwargs.items() if x is not np._NoValue} if kwargs else kwargs
        if settings.pop("out", None) is not None:
            raise TypeError(f"{numpy_name(func)} of a Value does not take out: the graph would be cut")
        mean = settings.pop("mean", None)
        if isinstance(where := settings.get("where"), np.ndarray):
            settings["where"] = where.copy()  # the caller may write into it
        for name, x in settings.items():
            if isinstance(x, Value):
                settings[name] = without_gradient(x, f"{name}= of {numpy_name(func)}")
        return cls(**settings)(a) if mean is None else cls(**settings)(a, mean)

    return rule


_OF_UFUNCS = ("axis", "dtype", "out", "keepdims", "initial", "where")


def without_gradient(x: Any, name: str) -> Any:
    """The array inside a Value that is to be a constant; raise TypeError for one that requires a gradient."""
    if isinstance(x, Value) and x.requires_grad:
        raise TypeError(f"{name} is a constant: no gradient flows back to it. Pass value.data if that is meant")
    return unwrap(x)


# ---------------------------------------------------------------- of ufuncs


class Fold(Selective):
    """The ``reduce`` of a ufunc, which may start from ``initial``."""

    ufunc: ClassVar[Any]

    initial: Any = np._NoValue

    def forward(self, a):
        return self.ufunc.reduce(a, self.axis, self.dtype, None, self.keepdims, self.initial, self.where)


class Sum(Fold, of=(np.sum, np.add.reduce)):
    """``np.sum``."""

    ufunc: ClassVar[Any] = np.add

    def backward(self, g):
        return self.spread(g, self.part())


class Prod(Fold, of=(np.prod, np.multiply.reduce)):
    """``np.prod``; exact at zeros, where the gradient is the product of the others."""

    ufunc: ClassVar[Any] = np.multiply

    def backward(self, g, x, *, y):
        part = self.part(x)
        x = x if part is True else np.where(part, x, 1)
        if divides(y):
            return self.spread(g * y, part) / x
        start = 1 if self.initial in (None, np._NoValue) else self.initial
        return self.spread(g * start, part) * self._products_of_others(x)

    def _products_of_others(self, x: Any) -> Any:
        """For each number the product of those before it, times the product of those behind it."""
        axes = self.axes()
        last = tuple(range(-len(axes), 0))
        rows = np.moveaxis(x, axes, last)
        flat = np.reshape(rows, (*rows.shape[: rows.ndim - len(axes)], self.count()))
        others = _before(flat) * np.flip(_before(np.flip(flat, -1)), -1)
        return np.moveaxis(np.reshape(others, rows.shape), last, axes)


def divides(y: Any) -> bool:
    """Whether all of ``y`` are numbers that a factor can be divided out of: not 0, nearly 0 or infinite."""
    y = unwrap(y)
    return bool((np.isfinite(y) & (np.abs(y) >= np.finfo(y.dtype).tiny)).all())


def _before(x: Any) -> Any:
    """For each number of a row the product of those that stand before it."""
    return np.cumprod(np.concatenate([np.ones(x[..., :1].shape, x.dtype), x[..., :-1]], -1), -1)


class Max(Fold, of=(np.max, np.amax, np.maximum.reduce)):
    """``np.max``; equal maxima, or NaNs, share the gradient evenly (a subgradient), ``initial`` among them."""

    ufunc: ClassVar[Any] = np.maximum

    def backward(self, g, x, *, y):
        y = self.restore(y)
        hits = np.equal(x, y)
        if (nan := np.isnan(y)).any():
            hits = hits | (np.isnan(x) & nan)
        if (part := self.part(x)) is not True:
            hits = hits & part
        winners = np.sum(hits, axis=self.axis, keepdims=True)
        if self.initial not in (None, np._NoValue):
            winners = np.maximum(winners + np.equal(y, self.initial), 1)
        return self.spread(self.restore(g) * (1 / winners).astype(g.dtype), hits)


class Min(Max, of=(np.min, np.amin, np.minimum.reduce)):
    """``np.min``; equal minima, or NaNs, share the gradient evenly (a subgradient), ``initial`` among them."""

    ufunc: ClassVar[Any] = np.minimum


# ---------------------------------------------------------------- moments


class Mean(Selective, of=np.mean):
    """``np.mean``."""

    def backward(self, g):
        return self.shared(g, self.part())


class Deviations(Selective):
    """What variance and standard deviation share: the distances from the mean."""

    ddof: float = 0
    correction: float = 0

    def forward(self, x, mean=None):
        return self.of(x, **self.given()) if mean is None else self.of(x, **self.given(), mean=mean)

    def to_each(self, g: Any, x: Any, mean: Any) -> Any:
        """The gradient of the numbers, and of the mean where it was given, from that of the variance."""
        part = self.part(x)
        counts = self.counts(part)
        if (wide := self.dtype or (np.float32 if x.dtype == np.float16 else None)) is not None:
            x = x.astype(np.result_type(x.dtype, wide))  # in which the mean keeps its digits
        x = x if part is True else np.where(part, x, 0)
        centred = x - (self._mean(x, part, counts) if mean is None else mean)
        if centred.dtype.kind == "c":
            centred = np.conjugate(centred)
        freedom = counts - (self.ddof or self.correction)
        if part is True:
            gx = _scaled(centred, self.restore(g) * (2 / freedom if freedom > 0 else math.nan))
        else:
            slope = (2 / np.where(freedom > 0, freedom, math.nan)).astype(g.dtype)
            gx = masked(centred * (self.restore(g) * slope), part)
        return gx if mean is None else (gx, lambda: sum_to(-gx, self.shapes[1]))

    def _mean(self, x: Any, part: Any, counts: Any) -> Any:
        if part is True:
            return np.mean(x, axis=self.axis, keepdims=True)
        return np.mean(x, axis=self.axis, keepdims=True, where=part | (counts == 0))  # of nothing, say nothing


def _scaled(x: Any, factor: Any) -> Any:
    """``x * factor``, written into ``x``, which nobody else holds, where both are plain arrays."""
    if type(x) is np.ndarray and isinstance(factor, (np.ndarray, np.generic)):
        return np.multiply(x, factor, out=x)
    return x * factor


class Var(Deviations, of=np.var):
    """``np.var``: the mean squared distance from the mean, in two passes; of complex numbers a real number."""

    def backward(self, g, x, mean=None):
        return self.to_each(g, x, mean)


class Std(Deviations, of=np.std):
    """``np.std``: the root of the variance; at zero variance it has no derivative and the gradient is NaN or inf."""

    def backward(self, g, x, mean=None, *, y):
        return self.to_each(g * (0.5 / y), x, mean)
