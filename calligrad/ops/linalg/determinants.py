"""Determinants, exact also where a matrix is singular."""

from __future__ import annotations

from typing import Any

import numpy as np

from calligrad.function import Function
from calligrad.rules import implements
from calligrad.value import conj, unwrap


class Det(Function, of=np.linalg.det):
    """``np.linalg.det``; its gradient is the matrix of cofactors, which a singular matrix has as well."""

    def backward(self, g, a, *, y):
        inverse = accurate_inverse(a)
        if inverse is None:
            return g[..., None, None] * Cofactors()(a)
        return (g * y)[..., None, None] * inverse.mT


def accurate_inverse(a: Any) -> Any:
    """The inverse, or None where a matrix is so close to having none that digits would be lost."""
    try:
        inverse = np.linalg.inv(a)
    except np.linalg.LinAlgError:
        return None
    for axes in (None, (-2, -1)):  # bounded for the whole stack at once, which is quick, or matrix by matrix
        condition = np.linalg.norm(unwrap(a), axis=axes) * np.linalg.norm(unwrap(inverse), axis=axes)
        if not np.any((condition > 1e6) & np.isfinite(condition)):
            return inverse
    return None


class Cofactors(Function):
    """The matrix of cofactors, from the singular values: sums of products, without a division."""

    def forward(self, a):
        u, s, vh = svd_beside_nan(a)
        return turn(u, vh) * (conj(u) * products_of_others(s)[..., None, :]) @ conj(vh)

    def backward(self, g, a, *, y):
        inverse = accurate_inverse(a)
        if inverse is None:
            return SecondCofactors()(g, a)
        return y * np.sum(g * inverse.mT, axis=(-2, -1), keepdims=True) - inverse.mT @ g.mT @ y


class SecondCofactors(Function):
    """How the cofactors of ``a`` change as ``a`` moves along ``g``; the same map pulls a gradient back."""

    def forward(self, g, a):
        u, s, vh = svd_beside_nan(a)
        same = np.eye(s.shape[-1], dtype=bool)
        others = products_of_others(np.where(same, 1, s[..., None, :]))  # of all but the i-th and the j-th
        others = np.where(same, 0, others)
        g = conj(u).mT @ g @ conj(vh).mT
        on_diagonal = others @ np.diagonal(g, 0, -2, -1)[..., None]
        return turn(u, vh) * conj(u) @ np.where(same, on_diagonal, -others * g.mT) @ conj(vh)

    def backward(self, h, _g, a):
        def of_a():
            raise NotImplementedError("np.linalg.det of a (nearly) singular matrix has no third derivative here")

        return lambda: SecondCofactors()(h, a), of_a


def svd_beside_nan(a: Any) -> tuple[Any, Any, Any]:
    """The singular value decomposition of a stack; a matrix that is not finite, which has none, gets NaN as values."""
    bad = ~np.all(np.isfinite(a), axis=(-2, -1), keepdims=True)
    u, s, vh = np.linalg.svd(np.where(bad, 0, a))
    return u, np.where(bad[..., 0], np.nan, s), vh


def turn(u: Any, vh: Any) -> Any:
    """The determinant of two unitary matrices together: a sign or a phase."""
    return (np.linalg.det(u) * np.linalg.det(vh))[..., None, None]


def products_of_others(x: Any) -> Any:
    """Along the last axis, the product of all numbers but each one."""
    one = np.ones_like(x[..., :1])
    before = np.cumprod(np.concatenate([one, x[..., :-1]], -1), -1)
    after = np.cumprod(np.concatenate([one, x[..., :0:-1]], -1), -1)
    return before * after[..., ::-1]


class Slogdet(Function):
    """The sign and the logarithm of the absolute value of the determinant; the sign of a complex one is a phase.

    At a singular matrix, where the logarithm is -inf, the gradient is NaN.
    """

    def forward(self, a):
        return tuple(np.linalg.slogdet(a))

    def backward(self, g, a, *, y):
        of_sign, of_log = g
        sign, log = y
        singular = np.isneginf(log)
        if np.any(singular):
            a = np.where(singular[..., None, None], np.nan, a)
        slope = np.zeros_like(log) if of_log is None else of_log
        if of_sign is not None and sign.dtype.kind == "c":
            slope = slope + 1j * np.imag(of_sign * sign)
        return slope[..., None, None] * np.linalg.inv(a).mT


SlogdetResult: Any = type(np.linalg.slogdet(np.eye(1)))


@implements(np.linalg.slogdet)
def slogdet(a: Any) -> Any:
    """``np.linalg.slogdet``, with NumPy's own kind of namedtuple."""
    return SlogdetResult(*Slogdet()(a))
