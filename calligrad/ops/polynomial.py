"""Polynomials, as arrays of their coefficients from the highest power down."""

from __future__ import annotations

import warnings
from itertools import accumulate
from typing import Any

import numpy as np

from calligrad.function import Function
from calligrad.primitive import primitive
from calligrad.rules import implements
from calligrad.value import Value, as_arraylike, unwrap


class Polyval(Function):
    """``np.polyval``: the polynomial with coefficients ``p`` at ``x``."""

    def forward(self, p, x):
        return np.polyval(p, x)

    def backward(self, g, p, x):
        def of_p():
            if not len(p):
                return p
            powers = accumulate([x] * (len(p) - 1), np.multiply, initial=g)  # of x, times g
            return np.stack([power.sum() for power in powers][::-1])

        return of_p, lambda: g * np.polyval(np.polyder(p), x)


@implements(np.polyval)
def polyval(p: Any, x: Any) -> Any:
    """``np.polyval``, differentiable in the coefficients and in ``x``."""
    p, inner = as_arraylike(p), isinstance(x, np.poly1d)  # a polynomial of a polynomial is one as well
    x = x if inner else as_arraylike(x)
    if p.ndim == 1 and not inner:
        return Polyval()(p, x)
    y = 0 if inner else np.zeros_like(x)  # each coefficient is an array
    for coefficient in p:
        y = y * x + coefficient
    return y


class Vander(Function, of=np.vander):
    """``np.vander``: the powers of each number, falling from ``N - 1`` to 0, or ``increasing``."""

    N: int | None = None
    increasing: bool = False

    def forward(self, x):
        return np.vander(x, self.N, self.increasing)

    def backward(self, g, *, y):
        n = y.shape[1]
        if self.increasing:
            return np.sum(g[:, 1:] * y[:, :-1] * np.arange(1, n), axis=1)
        return np.sum(g[:, :-1] * y[:, 1:] * np.arange(n - 1, 0, -1), axis=1)


# ---------------------------------------------------------------- arithmetic


@implements(np.polyadd)
def polyadd(a1: Any, a2: Any) -> Any:
    """``np.polyadd``: the sum of two polynomials."""
    return _like(np.add(*_aligned(a1, a2)), a1, a2)


@implements(np.polysub)
def polysub(a1: Any, a2: Any) -> Any:
    """``np.polysub``: the difference of two polynomials."""
    return _like(np.subtract(*_aligned(a1, a2)), a1, a2)


@implements(np.polymul)
def polymul(a1: Any, a2: Any) -> Any:
    """``np.polymul``: the product of two polynomials; leading zeros are cut off."""
    return _like(np.convolve(np.poly1d(a1).coeffs, np.poly1d(a2).coeffs), a1, a2)


@implements(np.polydiv)
def polydiv(u: Any, v: Any) -> tuple[Any, Any]:
    """``np.polydiv``: the quotient and the remainder, by long division as NumPy does it."""
    rest, divisor = (np.atleast_1d(as_arraylike(p)) + 0.0 for p in (u, v))
    dtype = (unwrap(rest)[0] + unwrap(divisor)[0]).dtype
    rest, scale, n = rest.astype(dtype), 1.0 / divisor[0], len(divisor)
    quotient, done = [], []
    for _ in range(len(rest) - n + 1):
        quotient.append(scale * rest[0])
        rest = np.concatenate([rest[:n] - quotient[-1] * divisor, rest[n:]])
        done.append(rest[:1])
        rest = rest[1:]
    rest = np.concatenate([*done, rest])
    start = 0
    while start < len(rest) - 1 and np.allclose(rest[start], 0, rtol=1e-14):
        start += 1
    whole = np.stack(quotient) if quotient else np.zeros(1, dtype)
    return _like(whole, u, v), _like(rest[start:], u, v)


@implements(np.polyder)
def polyder(p: Any, m: int = 1) -> Any:
    """``np.polyder``: the ``m``-th derivative."""
    if m < 0:
        raise ValueError("Order of derivative must be positive (see polyint)")
    y = as_arraylike(p)
    for _ in range(int(m)):
        y = y[:-1] * np.arange(len(y) - 1, 0, -1)
    return _like(y, p)


@implements(np.polyint)
def polyint(p: Any, m: int = 1, k: Any = None) -> Any:
    """``np.polyint``: the ``m``-th antiderivative, with constants ``k``."""
    m = int(m)
    if m < 0:
        raise ValueError("Order of integral must be positive (see polyder)")
    k = np.zeros(m) if k is None else np.atleast_1d(as_arraylike(k))
    if len(k) == 1 and m > 1:
        k = k[0] * np.ones(m)
    if len(k) < m:
        raise ValueError("k must be a scalar or a rank-1 array of length 1 or >m.")
    y = as_arraylike(p)
    for i in range(m):
        y = np.concatenate([y / np.arange(len(y), 0, -1), k[i : i + 1]])
    return _like(y, p)


# ---------------------------------------------------------------- roots


@implements(np.poly)
def poly(seq_of_zeros: Any) -> Any:
    """``np.poly``: the coefficients of the polynomial with these roots, or with a matrix's eigenvalues."""
    zeros = seq_of_zeros if isinstance(seq_of_zeros, Value) else np.stack(seq_of_zeros)  # a list of Values
    if zeros.ndim == 2 and zeros.shape[0] == zeros.shape[1] != 0:
        zeros = np.linalg.eigvals(zeros)
    elif zeros.ndim == 1:
        zeros = zeros.astype(np.mintypecode(zeros.dtype.char))
    else:
        raise ValueError("input must be 1d or non-empty square 2d array.")
    if len(zeros) == 0:
        return 1.0
    one = np.ones(1, zeros.dtype)
    y: Any = one
    for i in range(len(zeros)):
        y = np.convolve(y, np.concatenate([one, -zeros[i : i + 1]]))
    roots = np.sort(unwrap(zeros))
    if roots.dtype.kind == "c" and np.all(roots == np.sort(roots.conjugate())):
        return np.real(y)  # the roots come in conjugate pairs
    return y


class Roots(Function, of=np.roots):
    """``np.roots``; at a root that stands twice the derivative is infinite.

    From p(z) = 0 it follows that p'(z) dz = -(dp)(z).
    """

    def forward(self, p):
        return np.roots(p)

    def backward(self, g, p, *, y):
        p_flat = np.reshape(p, -1)
        return np.reshape(-(g / np.polyval(np.polyder(p_flat), y)) @ np.vander(y, p.size), p.shape)


# ---------------------------------------------------------------- fitting


@primitive(checks=True)
def _warn_of(rank: Any, *, order: int) -> None:
    if rank != order:
        warnings.warn("Polyfit may be poorly conditioned", np.exceptions.RankWarning, stacklevel=5)


@implements(np.polyfit)
def polyfit(
    x: Any, y: Any, deg: int, rcond: float | None = None, full: bool = False, w: Any = None, cov: Any = False
) -> Any:
    """``np.polyfit``, step by step as NumPy does it: differentiable in places, heights and weights."""
    order = int(deg) + 1
    x, y = as_arraylike(x) + 0.0, as_arraylike(y) + 0.0
    _check_fit(x, y, deg)
    rcond = len(x) * np.finfo(x.dtype).eps if rcond is None else rcond
    powers = np.vander(x, order)
    if w is not None:
        w = as_arraylike(w) + 0.0
        if w.ndim != 1:
            raise TypeError("expected a 1-d array for weights")
        if len(w) != len(y):
            raise TypeError("expected w and y to have the same length")
        powers = (powers * w[:, None]).astype(powers.dtype)
        y = (y * (w[:, None] if y.ndim == 2 else w)).astype(y.dtype)
    scale = np.sqrt(np.sum(powers * powers, axis=0))
    powers = powers / scale
    c, residuals, rank, s = np.linalg.lstsq(powers, y, rcond)
    c = (c.T / scale).T
    if full:
        return c, residuals, rank, s, rcond
    _warn_of(unwrap(rank), order=order)
    if not cov:
        return c
    covariance = np.linalg.inv(np.dot(powers.T, powers)) / np.outer(scale, scale)
    if cov == "unscaled":
        factor: Any = 1
    elif len(x) <= order:
        raise ValueError("the number of data points must exceed order to scale the covariance matrix")
    else:
        factor = residuals / (len(x) - order)
    return c, (covariance if y.ndim == 1 else covariance[:, :, None]) * factor


def _check_fit(x: Any, y: Any, deg: int) -> None:
    if deg < 0:
        raise ValueError("expected deg >= 0")
    if x.ndim != 1:
        raise TypeError("expected 1D vector for x")
    if x.size == 0:
        raise TypeError("expected non-empty vector for x")
    if not 1 <= y.ndim <= 2:
        raise TypeError("expected 1D or 2D array for y")
    if len(x) != len(y):
        raise TypeError("expected x and y to have same length")


# ---------------------------------------------------------------- what they share


def _aligned(*polynomials: Any) -> list[Any]:
    """The coefficients of both, with zeros in front of the shorter."""
    a, b = (np.atleast_1d(as_arraylike(p)) for p in polynomials)
    n = max(len(a), len(b))
    return [p if len(p) == n else np.concatenate([np.zeros(n - len(p), p.dtype), p]) for p in (a, b)]


def _like(y: Any, *given: Any) -> Any:
    """As a ``poly1d`` where one was given."""
    return np.poly1d(y) if any(isinstance(p, np.poly1d) for p in given) else y
