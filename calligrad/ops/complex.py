"""Complex numbers: their parts, and what is not holomorphic.

A rule here returns dL/dx - i dL/dy, the convention within the graph (docs/design/complex.md). A function
that is holomorphic needs nothing of this: its rule reads as for real numbers.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from calligrad.function import Elementwise
from calligrad.rules import implements


class Conjugate(Elementwise, of=np.conjugate):
    """``x - iy``."""

    def backward(self, g):
        return np.conjugate(g)


class Real(Elementwise):
    """The real part."""

    views = True

    def forward(self, z):
        return np.real(z)

    def backward(self, g):
        return g


class Imag(Elementwise):
    """The imaginary part."""

    views = True

    def forward(self, z):
        return np.imag(z)

    def backward(self, g):
        return g * -1j


class Angle(Elementwise):
    """The angle of a complex number; at 0, where it jumps, the gradient is 0."""

    def forward(self, z):
        return np.angle(z)

    def backward(self, g, z):
        origin = np.equal(z, 0)
        return np.where(origin, 0, g * -1j / np.where(origin, 1, z))


class Direction(Elementwise):
    """``np.sign`` of a complex number, ``z / |z|``; at 0 it is 0, and so is the gradient."""

    def forward(self, z):
        return np.sign(z)

    def backward(self, g, z, *, y):
        length = np.absolute(z)
        return (g - np.conjugate(y) * np.real(g * y)) / np.where(np.equal(length, 0), np.inf, length)


@implements(np.real)
def real(val: Any) -> Any:
    """``np.real``: the number itself where it is real."""
    return Real()(val) if val.dtype.kind == "c" else val


@implements(np.imag)
def imag(val: Any) -> Any:
    """``np.imag``: a constant 0 where the number is real."""
    return Imag()(val) if val.dtype.kind == "c" else np.zeros_like(val)


@implements(np.angle)
def angle(z: Any, deg: bool = False) -> Any:
    """``np.angle``: a constant where the number is real."""
    if z.dtype.kind != "c":
        return np.angle(z.data, deg)
    radians = Angle()(z)
    return radians * (180 / np.pi) if deg else radians


@implements(np.sign)
def sign(x: Any) -> Any:
    """``np.sign``: a constant where the number is real."""
    return Direction()(x) if x.dtype.kind == "c" else np.sign(x.data)


@implements(np.real_if_close)
def real_if_close(a: Any, tol: float = 100) -> Any:
    """``np.real_if_close``: the real part where no imaginary part is more than rounding."""
    return np.real(a) if a.dtype.kind == "c" and np.real_if_close(a.data, tol).dtype.kind != "c" else a
