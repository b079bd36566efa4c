"""Taking floating-point numbers apart: signs, fractions, exponents, neighbours, what is no number."""

from __future__ import annotations

from typing import Any

import numpy as np

from calligrad.function import Elementwise
from calligrad.rules import implements
from calligrad.value import Value, unwrap


class Copysign(Elementwise, of=np.copysign):
    """The size of ``a`` with the sign of ``b``; the slope in ``b`` is 0."""

    def backward(self, g, a, b):
        return lambda: g * (np.sign(a) * np.copysign(1.0, unwrap(b))), lambda: np.zeros_like(g)


class Nextafter(Elementwise, of=np.nextafter):
    """The neighbour of ``a`` in the direction of ``b``: ``a`` but for the last bit."""

    def backward(self, g, _a, _b):
        return g, lambda: np.zeros_like(g)


class Ldexp(Elementwise, of=np.ldexp):
    """``x * 2**i`` for whole numbers ``i``."""

    def backward(self, g, _x, i):
        return np.ldexp(g, unwrap(i)), None


class Mantissa(Elementwise):
    """The first of ``np.frexp``'s results: ``x / 2**exponent``, at least 1/2 and less than 1 in size."""

    def forward(self, x):
        return np.frexp(x)[0]

    def backward(self, g, x):
        return np.ldexp(g, -np.frexp(unwrap(x))[1])


@implements(np.frexp)
def frexp(x: Any) -> tuple[Any, Any]:
    """``np.frexp``: the mantissa is differentiated, the exponent a constant."""
    return Mantissa()(x), np.frexp(x.data)[1]


class Fraction(Elementwise):
    """The first of ``np.modf``'s results: ``x - trunc(x)``."""

    def forward(self, x):
        return np.modf(x)[0]

    def backward(self, g):
        return g


@implements(np.modf)
def modf(x: Any) -> tuple[Any, Any]:
    """``np.modf``: the fraction is differentiated, the whole part a constant."""
    return Fraction()(x), np.modf(x.data)[1]


class NanToNum(Elementwise):
    """``np.nan_to_num``: where a number was replaced the slope is 0."""

    nan: Any = 0.0
    posinf: Any = None
    neginf: Any = None

    def forward(self, x):
        return np.nan_to_num(x, nan=self.nan, posinf=self.posinf, neginf=self.neginf)

    def backward(self, g, x):
        if x.dtype.kind != "c":
            return np.where(np.isfinite(x), g, 0)
        kept = np.isfinite(np.real(x)), np.isfinite(np.imag(x))
        return np.where(kept[0], np.real(g), 0) + np.where(kept[1], np.imag(g), 0) * 1j


@implements(np.nan_to_num)
def nan_to_num(x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    """``np.nan_to_num``; with ``copy=False`` the Value itself is written into, as by ``x[...] = …``."""
    y = NanToNum(nan, posinf, neginf)(x)
    if copy:
        return y
    x[...] = y
    return x


class Heaviside(Elementwise):
    """0 below 0, 1 above, ``h`` at 0: differentiable in ``h``."""

    def forward(self, x, h):
        return np.heaviside(x, h)

    def backward(self, g, x, _h):
        return None, lambda: np.where(np.equal(x, 0), g, 0)


@implements(np.heaviside)
def heaviside(x: Any, h: Any) -> Any:
    """``np.heaviside``: a step, so a constant unless ``h``, its value at 0, is a Value."""
    return Heaviside()(x, h) if isinstance(h, Value) else np.heaviside(unwrap(x), h)
