"""Elementwise arithmetic and the elementary functions."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from calligrad.function import Elementwise, Function
from calligrad.rules import implements
from calligrad.value import bind_operator, unwrap

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


class Power(Elementwise, of=np.power):
    """``a ** b``; the slope in ``a`` is 0 where ``b`` is 0, the slope in ``b`` is 0 where ``a`` is 0 and ``b`` > 0."""

    def backward(self, g, a, b, *, y):
        def slope_in_a():
            if isinstance(b, (int, float)):  # a Python number stays one: it must not widen float32
                return g * b * a ** (b - 1) if b else g * 0
            flat = np.equal(b, 0)
            return g * np.where(flat, 0, b * a ** np.where(flat, 1, b - 1))

        def slope_in_b():
            still = np.equal(a, 0) & np.greater_equal(b, 0)
            return g * y * np.log(np.where(still, 1, a))

        return slope_in_a, slope_in_b


class Remainder(Elementwise, of=np.remainder):
    """``a - floor(a / b) * b``, as Python's ``%``."""

    def backward(self, g, a, b):
        return g, lambda: -g * np.floor_divide(a, b)


class Maximum(Elementwise, of=np.maximum):
    """The larger of two; where they are equal each gets half the gradient, where one is NaN both get it."""

    def backward(self, g, a, b):
        return lambda: _share(g, ~np.less(a, b), np.equal(a, b)), lambda: _share(g, ~np.less(b, a), np.equal(a, b))


class Minimum(Elementwise, of=np.minimum):
    """The smaller of two; where they are equal each gets half the gradient, where one is NaN both get it."""

    def backward(self, g, a, b):
        return lambda: _share(g, ~np.less(b, a), np.equal(a, b)), lambda: _share(g, ~np.less(a, b), np.equal(a, b))


def _share(g: Any, chosen: Any, ties: Any) -> Any:
    """``g`` where ``chosen``, half of it where ``ties``, else 0."""
    whole = masked(g, chosen)
    return np.where(ties, 0.5 * whole, whole) if np.any(ties) else whole


def masked(g: Any, mask: Any) -> Any:
    """``g`` where ``mask``, else 0, also where ``g`` is infinite: np.where, which is slow on large arrays."""
    if type(g) is np.ndarray and g.size > 4096:
        with np.errstate(invalid="ignore"):
            product = g * mask
        if not np.isnan(product.max()):  # inf times 0
            return product
    return np.where(mask, g, 0)


class Where(Elementwise):
    """``a`` where ``condition``, else ``b``."""

    def forward(self, condition, a, b):
        return np.where(condition, a, b)

    def backward(self, g, condition, _a, _b):
        chosen = np.asarray(unwrap(condition), bool)
        return None, lambda: masked(g, chosen), lambda: masked(g, ~chosen)


@implements(np.where)
def where(condition: Any, *choices: Any) -> Any:
    """``np.where``; with the condition alone, the positions where it holds."""
    return Where()(condition, *choices) if choices else np.nonzero(condition)


class Clip(Elementwise):
    """``min(max(x, lo), hi)``; on a bound the slope is 1 in ``x`` and 0 in the bound."""

    def forward(self, x, lo, hi):
        return np.clip(x, lo, hi)

    def backward(self, g, x, lo, hi):
        below, above = np.less(x, lo), np.greater(x, hi) | (np.less(x, lo) & np.greater(lo, hi))
        return (
            lambda: masked(g, ~(below | above)),
            lambda: masked(g, below & ~above),
            lambda: masked(g, above),
        )


@implements(np.clip)
def clip(a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:
    """``np.clip``: a bound left out or None is no bound."""
    lo, hi = min if a_min is None else a_min, max if a_max is None else a_max
    dtype = np.result_type(unwrap(a))
    lowest, highest = (-np.inf, np.inf) if dtype.kind == "f" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    return Clip()(a, lowest if lo is None else lo, highest if hi is None else hi)


# ---------------------------------------------------------------- one input


def unary(ufunc: np.ufunc, slope: Callable, doc: str = "") -> type[Function]:
    """The Function of a one-input ufunc, from dy/dx in terms of its input ``x`` or its output ``y``."""
    if slope.__code__.co_varnames == ("y",):
        members: dict[str, Any] = {"backward": lambda self, g, *, y: g * slope(y)}
    else:
        members = {"backward": lambda self, g, x: g * slope(x)}
    members |= {"__doc__": doc or f"``np.{ufunc.__name__}``.", "__module__": __name__}
    return type(ufunc.__name__.title().replace("_", ""), (Elementwise,), members, of=ufunc)


Exp = unary(np.exp, lambda y: y)
Expm1 = unary(np.expm1, lambda x: np.exp(x))
Log = unary(np.log, lambda x: 1 / x)
Log1p = unary(np.log1p, lambda x: 1 / (1 + x))
Log2 = unary(np.log2, lambda x: 1 / (x * np.log(2).item()))
Log10 = unary(np.log10, lambda x: 1 / (x * np.log(10).item()))
Sqrt = unary(np.sqrt, lambda y: 0.5 / y)
Square = unary(np.square, lambda x: 2 * x)
Reciprocal = unary(np.reciprocal, lambda y: -y * y)
Sin = unary(np.sin, lambda x: np.cos(x))
Cos = unary(np.cos, lambda x: -np.sin(x))
Tan = unary(np.tan, lambda y: 1 + y * y)
Arctan = unary(np.arctan, lambda x: 1 / (1 + x * x))
Sinh = unary(np.sinh, lambda x: np.cosh(x))
Cosh = unary(np.cosh, lambda x: np.sinh(x))
Tanh = unary(np.tanh, lambda y: 1 - y * y)
Absolute = unary(np.absolute, lambda x: np.sign(x), "``np.absolute``; the slope at 0 is 0.")


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
