"""Signals: convolution, and the functions that windows and filters are made of."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from calligrad.function import Elementwise, Function
from calligrad.ops.index import Scatter, is_plain_array
from calligrad.value import conj

# ---------------------------------------------------------------- convolution


class Convolve(Function, of=np.convolve):
    """``np.convolve``: the products of all numbers of two sequences, summed where their places have the same sum."""

    mode: Any = "full"

    def forward(self, a, v):
        return np.convolve(a, v, self.mode)

    def backward(self, g, a, v):
        g = whole(g, a.size, v.size)
        return lambda: _of_factor(g, v, a.shape), lambda: _of_factor(g, a, v.shape)


class Correlate(Function, of=np.correlate):
    """``np.correlate``: the convolution with ``conj(v)`` turned around."""

    mode: Any = "valid"

    def forward(self, a, v):
        return np.correlate(a, v, self.mode)

    def backward(self, g, a, v):
        g = whole(g, a.size, v.size, late=v.size > a.size)
        return lambda: _of_factor(g, conj(v)[::-1], a.shape), lambda: conj(_of_factor(g, a, v.shape)[::-1])


def whole(g: Any, n: int, m: int, late: bool = False) -> Any:
    """The gradient of mode "same" as that of mode "full", which is cut at both ends; of other modes as it is."""
    cut = n + m - 1 - g.size
    if cut == 0 or cut == 2 * min(n, m) - 2:
        return g
    start = (cut + late) // 2
    return Scatter(slice(start, start + g.size), (n + m - 1,))(g)


def _of_factor(g: Any, other: Any, shape: tuple[int, ...]) -> Any:
    """The gradient of one factor of a full or a valid convolution, which is such a convolution itself."""
    other = np.reshape(other, -1)[::-1]
    mode = "full" if g.size + other.size - 1 == math.prod(shape) else "valid"
    return np.reshape(np.convolve(g, other, mode), shape)


# ---------------------------------------------------------------- sin(x)/x


class Sinc(Elementwise, of=np.sinc):
    """``np.sinc``: ``sin(pi x) / (pi x)``, and 1 at 0."""

    def backward(self, g, x, *, y):
        slope = SincSlope(1)
        return g * (slope.forward(x, y) if is_plain_array(x) and is_plain_array(y) else slope(x, y))


class SincSlope(Elementwise):
    """The derivative of ``np.sinc`` of any ``order``, from that of the order below, to the last digits also near 0.

    With s⁽ⁿ⁾ the derivative of s = sin(z)/z, it follows from z s = sin z that z s⁽ⁿ⁾ = sin⁽ⁿ⁾ z - n s⁽ⁿ⁻¹⁾. Near 0,
    where that cancels, the series of s is summed instead.
    """

    order: int

    def forward(self, x, below):
        n, z = self.order, math.pi * x
        wave = (-1) ** (n // 2) * math.pi ** (n - 1) * (np.cos(z) if n % 2 else np.sin(z))
        near = np.abs(z) < (n + 1) / 2
        if not np.any(near):
            return (wave - n * below) / x
        if np.all(near):
            return self._series(z)
        return np.where(near, self._series(np.where(near, z, 0)), (wave - n * below) / np.where(near, 1, x))

    def _series(self, z: Any) -> Any:
        """πⁿ times the sum of (-1)ᵏ zᵐ / m! / (2k + 1) over all m = 2k - n from 0."""
        n, square, y = self.order, z * z, 0 * z
        for k in range(7 + 2 * n, (n - 1) // 2, -1):
            y *= square
            y += math.pi**n * (-1) ** k / (math.factorial(2 * k - n) * (2 * k + 1))
        return y * z if n % 2 else y

    def backward(self, g, x, _below, *, y):
        return g * SincSlope(self.order + 1)(x, y), None  # the order below is a function of x, and all is said


# ---------------------------------------------------------------- Bessel functions


class I0(Elementwise, of=np.i0):
    """``np.i0``: the modified Bessel function of order 0, of which Kaiser's window is made."""

    def backward(self, g, x):
        return g * BesselI(1)(x)


class BesselI(Elementwise):
    """The modified Bessel function of the first kind, of an integer ``order`` from 0, to the last digits.

    The power series, whose terms all have one sign, for numbers up to 20, and the asymptotic series beyond
    (Abramowitz and Stegun, 9.6.10 and 9.7.1).
    """

    order: int

    def forward(self, x):
        n, dtype = self.order, x.dtype
        x = x.astype(np.float32) if dtype == np.float16 else x
        near, far = np.clip(x, -20, 20), np.maximum(np.abs(x), 20)
        series, asymptotic = 0 * near + 1, 0 * far + 1
        for k in range(40, 0, -1):
            series = 1 + series * (near * near) / (4 * k * (k + n))
            asymptotic = 1 + asymptotic * ((2 * k - 1) ** 2 - 4 * n * n) / (8 * k * far)
        series = series * (near / 2) ** n / math.factorial(n)
        asymptotic = np.sign(x) ** n * (np.exp(far) / np.sqrt(2 * math.pi * far) * asymptotic)
        return np.where(np.abs(x) <= 20, series, asymptotic).astype(dtype)

    def backward(self, g, x):
        return g * ((BesselI(abs(self.order - 1))(x) + BesselI(self.order + 1)(x)) / 2)
