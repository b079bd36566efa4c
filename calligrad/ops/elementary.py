"""The elementary functions, of one number and of two."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from calligrad.function import Elementwise, Function
from calligrad.ops.elementwise import outside_range


def unary(ufunc: np.ufunc, slope: Callable | float, doc: str = "") -> type[Function]:
    """The Function of a one-input ufunc, from dy/dx: a number, or in terms of its input ``x`` or its output ``y``."""
    if not callable(slope):
        members: dict[str, Any] = {"backward": lambda self, g: g * slope}
    elif slope.__code__.co_varnames == ("y",):
        members = {"backward": lambda self, g, *, y: g * slope(y)}
    else:
        members = {"backward": lambda self, g, x: g * slope(x)}
    members |= {"__doc__": doc or f"``np.{ufunc.__name__}``.", "__module__": __name__}
    return type(ufunc.__name__.title().replace("_", ""), (Elementwise,), members, of=ufunc)


def root_of_1_minus_square(x: Any) -> Any:
    """``sqrt(1 - x²)``, on the branch of the arc sine also where x lies on its cut.

    There the sign of an imaginary part of 0 decides, which ``1 - x`` and ``x + 1`` would lose: 0 - -0 is 0.
    """
    if x.dtype.kind != "c":
        return np.sqrt((1 - x) * (1 + x))
    return np.sqrt(-(x - 1)) * np.sqrt(x - -1)


def root_of_1_plus_square(x: Any) -> Any:
    """``sqrt(1 + x²)``, also where the square overflows, and on the cuts of the inverse hyperbolic sine."""
    if x.dtype.kind == "c":
        return np.cosh(np.arcsinh(x))
    with np.errstate(over="ignore"):
        square = 1 + x * x
    return np.hypot(1, x) if np.any(np.isinf(square)) else np.sqrt(square)


Exp = unary(np.exp, lambda y: y)
Exp2 = unary(np.exp2, lambda y: y * math.log(2))
Expm1 = unary(np.expm1, lambda x: np.exp(x))
Log1p = unary(np.log1p, lambda x: 1 / (1 + x))
Log2 = unary(np.log2, lambda x: 1 / (x * math.log(2)))
Log10 = unary(np.log10, lambda x: 1 / (x * math.log(10)))
Sqrt = unary(np.sqrt, lambda y: 0.5 / y)
Cbrt = unary(np.cbrt, lambda y: 1 / (3 * y * y))
Square = unary(np.square, lambda x: 2 * x)
Reciprocal = unary(np.reciprocal, lambda y: -y * y)
Sin = unary(np.sin, lambda x: np.cos(x))
Cos = unary(np.cos, lambda x: -np.sin(x))
Tan = unary(np.tan, lambda y: 1 + y * y)
Arcsin = unary(np.arcsin, lambda x: 1 / root_of_1_minus_square(x))
Arccos = unary(np.arccos, lambda x: -1 / root_of_1_minus_square(x))
Arctan = unary(np.arctan, lambda x: 1 / (1 + x * x))
Sinh = unary(np.sinh, lambda x: np.cosh(x))
Cosh = unary(np.cosh, lambda x: np.sinh(x))
Tanh = unary(np.tanh, lambda y: 1 - np.square(y))
Arcsinh = unary(np.arcsinh, lambda x: 1 / root_of_1_plus_square(x))
Arccosh = unary(np.arccosh, lambda x: 1 / (np.sqrt(x - 1) * np.sqrt(x - -1)))  # - -1: see root_of_1_minus_square
Arctanh = unary(np.arctanh, lambda x: 1 / ((1 - x) * (1 + x)))
Deg2rad = unary(np.deg2rad, math.pi / 180)
Radians = unary(np.radians, math.pi / 180)
Rad2deg = unary(np.rad2deg, 180 / math.pi)
Degrees = unary(np.degrees, 180 / math.pi)
Fabs = unary(np.fabs, lambda x: np.sign(x), "``np.fabs``; the slope at 0 is 0.")


class Absolute(Elementwise, of=np.absolute):
    """``np.absolute``; the slope at 0 is 0."""

    def backward(self, g, x, *, y):
        if x.dtype.kind != "c":
            return g * np.sign(x)
        return np.conjugate(x) * (g / np.where(np.equal(y, 0), math.inf, y))


class Hypot(Elementwise, of=np.hypot):
    """``sqrt(a² + b²)``; at the origin the gradient is 0 (a subgradient)."""

    def backward(self, g, a, b, *, y):
        length = np.where(np.equal(y, 0), math.inf, y)
        return lambda: g * (a / length), lambda: g * (b / length)


class Arctan2(Elementwise, of=np.arctan2):
    """The angle of the point ``(x, y)``; at the origin, where it jumps, the gradient is 0."""

    def backward(self, g, y, x):
        with np.errstate(over="ignore", under="ignore"):
            r2 = x * x + y * y
        if np.any(outside_range(r2)):
            r = np.hypot(x, y)
            r = np.where(np.equal(r, 0), math.inf, r)
            return lambda: g * (x / r / r), lambda: -g * (y / r / r)
        return lambda: g * (x / r2), lambda: -g * (y / r2)


class Log(Elementwise, of=np.log):
    """``np.log``."""

    def backward(self, g, x):
        return g / x


class Logaddexp(Elementwise, of=np.logaddexp):
    """``log(exp(a) + exp(b))``, without overflow."""

    def backward(self, g, a, b):
        return lambda: g * share(np.exp, a, b), lambda: g * share(np.exp, b, a)


class Logaddexp2(Elementwise, of=np.logaddexp2):
    """``log2(2**a + 2**b)``, without overflow."""

    def backward(self, g, a, b):
        return lambda: g * share(np.exp2, a, b), lambda: g * share(np.exp2, b, a)


def share(exp: Callable, a: Any, b: Any) -> Any:
    """The part of ``exp(a) + exp(b)`` that is ``exp(a)``: half of it if they are equal, if infinite too."""
    with np.errstate(over="ignore", invalid="ignore"):  # exp(inf) is right, and inf - inf is seen to
        part = _logistic(exp, b - a)
        if not np.any(np.isnan(np.max(part, initial=0))):
            return part
        part = _logistic(exp, np.where(np.equal(a, b), 0, b - a))
    return np.where(np.equal(a, -np.inf), 0, part)


def _logistic(exp: Callable, x: Any) -> Any:
    """``1 / (1 + exp(x))`` of a fresh ``x``, which is overwritten if it is a plain array: new memory takes as long."""
    if type(x) is not np.ndarray:
        return 1 / (1 + exp(x))
    exp(x, out=x)
    x += 1
    return np.divide(1, x, out=x)
