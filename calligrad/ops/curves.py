"""Elementwise functions that NumPy lacks, on arrays, as primitives."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from calligrad.ops.tiles import elementwise
from calligrad.primitive import primitive

# Rational approximations to erf and erfc with a relative error below 1e-15, coefficients from
# W. J. Cody, "Rational Chebyshev approximations for the error function", Math. Comp. 23 (1969), 631-637.
_NEAR = (
    (1.85777706184603153e-1, 3.16112374387056560e0, 1.13864154151050156e2, 3.77485237685302021e2,
     3.20937758913846947e3),
    (1.0, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3),
)  # fmt: skip
_MIDDLE = (
    (2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594e0, 6.61191906371416295e1,
     2.98635138197400131e2, 8.81952221241769090e2, 1.71204761263407058e3, 2.05107837782607147e3,
     1.23033935479799725e3),
    (1.0, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2, 1.62138957456669019e3,
     3.29079923573345963e3, 4.36261909014324716e3, 3.43936767414372164e3, 1.23033935480374942e3),
)  # fmt: skip
_FAR = (
    (1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1, 1.25781726111229246e-1,
     1.60837851487422766e-2, 6.58749161529837803e-4),
    (1.0, 2.56852019228982242e0, 1.87295284992346725e0, 5.27905102951428412e-1, 6.05183413124413191e-2,
     2.33520497626869185e-3),
)  # fmt: skip

# For float32: erf(x) = tanh(x q(x²)) with this q, constant term first, fitted for the least relative error to |x| = 4.
_SINGLE = (1.1283792743537013, 0.1027690547351824, -1.9182683381168547e-4, -6.197896269788678e-4, 8.763988110021593e-5,
           -5.6690290815418785e-6, 1.418937312034214e-7)  # fmt: skip


def _ratio(x: Any, coefficients: tuple[tuple[float, ...], tuple[float, ...]]) -> Any:
    """One polynomial over another, highest power first."""
    above, below = coefficients
    p, q = above[0], below[0]
    for a, b in zip(above[1:], below[1:], strict=True):
        p, q = p * x + a, q * x + b
    return p / q


def erf_plainly(x):
    """``erf``."""
    return np.vectorize(math.erf, otypes=[np.result_type(x, np.float16)])(x)


@primitive(erf_plainly)
def erf(x: Any) -> Any:
    """The error function, elementwise, to the last digits of x's dtype."""
    dtype = np.result_type(x, np.float16)
    if dtype.itemsize <= 4:
        return erf_single(x.astype(np.float32, copy=False)).astype(dtype, copy=False)
    size = np.minimum(np.abs(x), 6)  # beyond 6 it is 1 to the last bit
    near = x * _ratio(np.square(np.minimum(size, 0.5)), _NEAR)
    bell = np.exp(-np.square(size))
    middle = bell * _ratio(np.clip(size, 0.4, 4), _MIDDLE)
    inverse = 1 / np.square(np.maximum(size, 4))
    far = bell / np.maximum(size, 4) * (1 / math.sqrt(math.pi) - inverse * _ratio(inverse, _FAR))
    tail = np.copysign(1 - np.where(size <= 4, middle, far), x)
    return np.where(size <= 0.46875, near, tail).astype(dtype, copy=False)


def erf_single(x: Any, scale: float = 1.0) -> Any:
    """``erf(scale * x)`` to the digits of a float32."""
    with np.errstate(over="ignore"):  # far out q is as good as infinite, and tanh is 1
        square = x * x
        q = (_SINGLE[-1] * scale ** (2 * len(_SINGLE) - 1)) * square
        for k in range(len(_SINGLE) - 2, 0, -1):
            q += _SINGLE[k] * scale ** (2 * k + 1)
            q *= square
        q += _SINGLE[0] * scale
        q *= x
    return np.tanh(q)


def sigmoid_plainly(x):
    """``sigmoid``."""
    return 1 / (1 + np.exp(-x))


@primitive(sigmoid_plainly)
def sigmoid(x: Any) -> Any:
    """``1 / (1 + exp(-x))``, exact to the last digits on either side."""
    return elementwise(_sigmoid, x)


def _sigmoid(x: Any, out: Any = None) -> Any:
    with np.errstate(over="ignore"):  # an exp too large is as good as infinite
        y = np.exp(-x)
    y += 1
    return np.divide(1, y, out=out)
