"""Elementwise arithmetic, and choosing between numbers."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from calligrad.function import Elementwise
from calligrad.ops.ufuncs import computed
from calligrad.rules import implements
from calligrad.value import bind_operator, unwrap, unwrap_all

# ---------------------------------------------------------------- arithmetic
# Operators rather than ufuncs: the same results, and six times faster on NumPy's scalars.


class Add(Elementwise, of=np.add):
    """``a + b``."""

    forward = staticmethod(operator.add)

    def backward(self, g):
        return g, g


class Subtract(Elementwise, of=np.subtract):
    """``a - b``."""

    forward = staticmethod(operator.sub)

    def backward(self, g):
        return g, lambda: -g


class Multiply(Elementwise, of=np.multiply):
    """``a * b``."""

    forward = staticmethod(operator.mul)

    def backward(self, g, a, b):
        return lambda: g * b, lambda: g * a


class Divide(Elementwise, of=np.divide):
    """``a / b``."""

    forward = staticmethod(operator.truediv)

    def backward(self, g, _a, b, *, y):
        return lambda: g / b, lambda: -g * y / b


def outside_range(x: Any) -> Any:
    """Where a number is so large or so small that it has lost its digits."""
    size, limits = np.absolute(x), np.finfo(x.dtype)
    return np.greater(size, limits.max) | np.less(size, limits.tiny)


class Power(Elementwise, of=np.power):
    """``a ** b``; the slope in ``a`` is 0 where ``b`` is 0, the slope in ``b`` is 0 where ``a`` is 0 and ``b`` > 0."""

    def backward(self, g, a, b, *, y):
        def slope_in_a():
            if isinstance(b, (int, float)):  # a Python number stays one: it must not widen float32
                return g * b * a ** (b - 1) if b else g * 0
            if not np.any(outside_range(y) | np.equal(a, 0)):  # to divide is faster than to raise to another power
                return g * b * (y / a)
            flat = np.equal(b, 0)
            return g * np.where(flat, 0, b * a ** np.where(flat, 1, b - 1))

        def slope_in_b():
            still = np.equal(a, 0) & np.greater_equal(b, 0)
            base = np.where(still, 1, a)
            return g * y * np.log(base if y.dtype.kind != "c" else base.astype(y.dtype))

        return slope_in_a, slope_in_b


class FloatPower(Power, of=np.float_power):
    """``a ** b`` in float64."""

    def forward(self, a, b):
        return np.float_power(a, b)


class Remainder(Elementwise, of=np.remainder):
    """``a - floor(a / b) * b``, as Python's ``%``."""

    def backward(self, g, a, b):
        return g, lambda: -g * np.floor_divide(a, b)


class Fmod(Elementwise, of=np.fmod):
    """``a - trunc(a / b) * b``, as C's ``fmod``: with the sign of ``a``."""

    def backward(self, g, a, b):
        return g, lambda: -g * np.trunc(np.divide(a, b))


@implements(np.divmod)
def divmod(a: Any, b: Any) -> tuple[Any, Any]:
    """``np.divmod``: the quotient is a constant, the remainder is differentiated."""
    return np.floor_divide(a, b), np.remainder(a, b)


def masked(g: Any, mask: Any, out: np.ndarray | None = None) -> Any:
    """``g`` where ``mask``, else 0, also where ``g`` is infinite: np.where, which is slow on large arrays."""
    if type(g) is np.ndarray and g.size > 4096:
        with np.errstate(invalid="ignore"):
            product = np.multiply(g, mask, out=out)
        if not np.isnan(product.max()):  # inf times 0
            return product
    y = np.where(mask, g, 0)
    if out is not None:
        out[...] = y
    return y


class Where(Elementwise):
    """``a`` where ``condition``, else ``b``."""

    def forward(self, condition, a, b):
        return np.where(condition, a, b)

    def backward(self, g, condition, _a, _b):
        chosen = np.not_equal(unwrap(condition), 0)
        return None, lambda: masked(g, chosen), lambda: masked(g, ~chosen)


@implements(np.where)
def where(condition: Any, *choices: Any) -> Any:
    """``np.where``; with the condition alone, the positions where it holds."""
    return Where()(condition, *choices) if choices else np.nonzero(condition)


# What np.clip calls, and array.clip(value) sends to the value: a ufunc without a public name.
CLIP: np.ufunc = np._core.umath.clip  # type: ignore[attr-defined]


class Clip(Elementwise, of=CLIP):
    """``min(max(x, lo), hi)``; on a bound the slope is 1 in ``x`` and 0 in the bound."""

    def forward(self, x, lo, hi):
        return np.clip(x, lo, hi)

    def backward(self, g, x, lo, hi):
        below, above, crossed = np.less(x, lo), np.greater(x, hi), np.greater(lo, hi)
        if np.any(crossed):  # then all are hi
            above = above | (below & crossed)
        return (
            lambda: masked(g, ~(below | above)),
            lambda: masked(g, below & ~above),
            lambda: masked(g, above),
        )


class ClipBelow(Elementwise):
    """``max(x, lo)``; on the bound the slope is 1 in ``x`` and 0 in the bound."""

    def forward(self, x, lo):
        return np.clip(x, lo, None)

    def backward(self, g, x, lo):
        below = np.less(x, lo)
        return lambda: masked(g, ~below), lambda: masked(g, below)


class ClipAbove(Elementwise):
    """``min(x, hi)``; on the bound the slope is 1 in ``x`` and 0 in the bound."""

    def forward(self, x, hi):
        return np.clip(x, None, hi)

    def backward(self, g, x, hi):
        above = np.greater(x, hi)
        return lambda: masked(g, ~above), lambda: masked(g, above)


_NO = np._NoValue


@implements(np.clip)
def clip(
    a: Any, a_min: Any = _NO, a_max: Any = _NO, out: Any = None, *, min: Any = _NO, max: Any = _NO, **keywords: Any
) -> Any:
    """``np.clip``: a bound left out or None is no bound."""
    if a_min is _NO and a_max is _NO:
        a_min, a_max = None if min is _NO else min, None if max is _NO else max
    elif a_min is _NO or a_max is _NO or min is not _NO or max is not _NO:
        np.clip(*unwrap_all((a, a_min, a_max)), min=unwrap(min), max=unwrap(max))  # NumPy says what is wrong
    bounds = [bound for bound in (a_min, a_max) if bound is not None]
    kind: type[Elementwise] = Clip
    if len(bounds) == 2:
        ufunc = CLIP
    elif bounds:
        kind, ufunc = (ClipBelow, np.maximum) if a_max is None else (ClipAbove, np.minimum)
    else:
        kind, ufunc = Positive, np.positive
    if out is None and not keywords:
        return kind()(a, *bounds)
    return computed(lambda *xs: kind()(*xs), ufunc, (a, *bounds), out, **keywords)


class Negative(Elementwise, of=np.negative):
    """``-x``."""

    forward = staticmethod(operator.neg)

    def backward(self, g):
        return -g


class Positive(Elementwise, of=np.positive):
    """``+x``."""

    def backward(self, g):
        return g


bind_operator("add", np.add, Add)
bind_operator("sub", np.subtract, Subtract)
bind_operator("mul", np.multiply, Multiply)
bind_operator("truediv", np.divide, Divide)
