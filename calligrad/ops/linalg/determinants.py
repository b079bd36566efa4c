"""Determinants, exact also where a matrix is singular."""

from __future__ import annotations

from typing import Any

import numpy as np

from calligrad.function import Function
from calligrad.ops.linalg.hermitian import conj
from calligrad.rules import implements
from calligrad.value import unwrap


class Det(Function, of=np.linalg.det):
    """``np.linalg.det``; its gradient is the matrix of cofactors, which a singular matrix has as well."""

    def backward(self, g, a, *, y):
        return g[..., None, None] * cofactors(a, y)


def cofactors(a: Any, det: Any) -> Any:
    """The cofactors of ``a``: det(a) times its inverse, transposed, unless it is close to having none."""
    try:
        inverse = np.linalg.inv(a)
    except np.linalg.LinAlgError:
        return Cofactors()(a)
    if np.max(size(a) * size(inverse), initial=0) > 1e6:  # the condition, up to a factor of n
        return Cofactors()(a)
    return det[..., None, None] * inverse.mT


def size(a: Any) -> Any:
    """The Frobenius norms of matrices, as plain numbers."""
    return np.linalg.norm(unwrap(a), axis=(-2, -1))


class Cofactors(Function):
    """The matrix of cofactors, from the singular values: a sum of products without a division."""

    def forward(self, a):
        u, s, vh = np.linalg.svd(a)
        turn = (np.linalg.det(u) * np.linalg.det(vh))[..., None, None]
        return turn * (conj(u) * products_of_others(s)[..., None, :]) @ conj(vh)

    def backward(self, g, a):
        return SecondCofactors()(g, a)


class SecondCofactors(Function):
    """How the cofactors of ``a`` change as ``a`` moves along ``g``: symmetric in g and the gradient that comes back."""

    def forward(self, g, a):
        u, s, vh = np.linalg.svd(a)
        turn = (np.linalg.det(u) * np.linalg.det(vh))[..., None, None]
        same = np.eye(s.shape[-1], dtype=bool)
        pairs = products_of_others(np.where(same, 1, s[..., None, :]))  # of all but the i-th and the j-th
        pairs = np.where(same, 0, pairs)
        g = conj(u).mT @ g @ conj(vh).mT
        on_diagonal = np.matmul(pairs, np.diagonal(g, 0, -2, -1)[..., None])
        return turn * (conj(u) @ (np.where(same, on_diagonal, -pairs * g.mT)) @ conj(vh))

    def backward(self, h, _g, a):
        def third():
            raise NotImplementedError("np.linalg.det has derivatives up to the second at (nearly) singular matrices")

        return lambda: SecondCofactors()(h, a), third


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
        slope = 0 if of_log is None else of_log
        if of_sign is not None and sign.dtype.kind == "c":
            slope = slope + 1j * np.imag(of_sign * sign)
        elif of_log is None:
            slope = 0 * log
        return slope[..., None, None] * np.linalg.inv(a).mT


SlogdetResult = type(np.linalg.slogdet(np.eye(1)))


@implements(np.linalg.slogdet)
def slogdet(a: Any) -> Any:
    """``np.linalg.slogdet``, with NumPy's own kind of namedtuple."""
    return SlogdetResult(*Slogdet()(a))
