"""Triangular factors: Cholesky and QR."""

from __future__ import annotations

from typing import Any

import numpy as np

from calligrad.function import Function
from calligrad.ops.linalg.hermitian import adjoint, hermitian, lower, thin
from calligrad.rules import implements
from calligrad.value import conj


class Cholesky(Function, of=np.linalg.cholesky):
    """``np.linalg.cholesky``: the triangular L with ``L @ L*``, or with ``upper`` the U with ``U* @ U``.

    NumPy reads one triangle and takes the other for its mirror image. The gradient is Hermitian: that of a
    function of Hermitian matrices, whose two triangles move together.
    """

    upper: bool = False

    def backward(self, g, *, y):
        l, g = (adjoint(y), g.mT) if self.upper else (y, conj(g))
        turned = adjoint(l)
        inverse = np.linalg.inv(turned)  # of an upper triangle, which needs no pivots
        return conj(inverse @ hermitian(lower(turned @ g)) @ adjoint(inverse))


class QR(Function):
    """``np.linalg.qr`` in the modes "reduced" and "complete".

    The gradient is that of matrices whose first columns are independent, where the factors are unique; the further
    columns of Q in mode "complete" are not, and gradients are right for functions that do not depend on
    which they are, such as their projector ``q @ q.mT``.
    """

    mode: str = "reduced"

    def forward(self, a):
        return tuple(np.linalg.qr(a, self.mode))

    def backward(self, g, *, y):
        q, r = y
        gq, gr = (np.zeros_like(part) if of_part is None else conj(of_part) for of_part, part in zip(g, y))
        k = min(self.shapes[0][-2:])
        q, gq = thin(q, gq, k)
        r, beyond, gr, g_beyond = r[..., :k, :k], r[..., :k, k:], gr[..., :k, :k], gr[..., :k, k:]
        gq = gq + q @ (beyond @ adjoint(g_beyond))  # columns beyond the square ones are turned by Q alone
        turn = 2 * hermitian(lower(r @ adjoint(gr) - adjoint(gq) @ q))
        ga = adjoint(np.linalg.solve(r, adjoint(gq + q @ turn)))
        if beyond.shape[-1]:
            ga = np.concatenate([ga, q @ g_beyond], -1)
        return conj(ga)


QRResult: Any = type(np.linalg.qr(np.eye(1)))


@implements(np.linalg.qr)
def qr(a: Any, mode: str = "reduced") -> Any:
    """``np.linalg.qr``, with NumPy's own kind of namedtuple; mode "r" gives R alone."""
    if mode in ("raw", "e", "economic"):
        raise NotImplementedError(
            f'np.linalg.qr of a Value has no mode {mode!r}, which gives Householder vectors; take "reduced" or "r"'
        )
    if mode == "r":
        return QR()(a)[1]
    return QRResult(*QR(mode)(a))
