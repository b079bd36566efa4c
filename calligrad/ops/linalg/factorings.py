"""Factors with a shape: Cholesky and QR."""

from __future__ import annotations

from typing import Any

import numpy as np

from calligrad.function import Function
from calligrad.ops.linalg.hermitian import adjoint, conj, hermitian
from calligrad.rules import implements


class Cholesky(Function, of=np.linalg.cholesky):
    """``np.linalg.cholesky``: the triangular L with ``L @ L*``, or with ``upper`` the U with ``U* @ U``.

    NumPy reads one triangle and takes the other for its mirror image. The gradient is Hermitian: that of a
    function of Hermitian matrices, whose triangles move together.
    """

    upper: bool = False

    def forward(self, a):
        return np.linalg.cholesky(a, upper=True) if self.upper else np.linalg.cholesky(a)

    def backward(self, g, *, y):
        g, l = (g.mT, y.mT) if self.upper else (conj(g), conj(y))  # noqa: E741
        l, g = conj(l), g
        n = l.shape[-1]
        half = np.tri(n, dtype=y.dtype) - 0.5 * np.eye(n, dtype=y.dtype)
        inverse = np.linalg.inv(l)
        return conj(adjoint(inverse) @ hermitian(half * (adjoint(l) @ g)) @ inverse)
