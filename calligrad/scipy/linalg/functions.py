"""Functions of matrices: exponential, logarithm, square root, sine and cosine."""

from __future__ import annotations

from typing import Any

import numpy as np

from calligrad.function import Function
from calligrad.scipy.linalg.equations import solve_sylvester
from calligrad.scipy.offer import native, offer
from calligrad.scipy.originals import linalg


class MatrixFunction(Function):
    """One of scipy.linalg's functions of square matrices, by its name.

    The function of the matrix of blocks [[a, e], [0, a]] has in its upper right block the derivative at ``a`` in
    direction ``e``; the transpose of that map is the same at the transpose of ``a``.
    """

    name: str

    def forward(self, a):
        return getattr(linalg, self.name)(native(a))

    def backward(self, g, a):
        n, zero = a.shape[-1], np.zeros(a.shape, a.dtype)
        blocks = np.concatenate([np.concatenate([a.mT, g], -1), np.concatenate([zero, a.mT], -1)], -2)
        return MatrixFunction(self.name)(blocks)[..., :n, n:]


class SqrtM(Function):
    """``scipy.linalg.sqrtm``; as ``y @ y = a``, its gradient solves Sylvester's equation."""

    def forward(self, a):
        return linalg.sqrtm(native(a))

    def backward(self, g, *, y):
        return solve_sylvester(y.mT, y.mT, g)


@offer(linalg.expm)
def expm(A: Any) -> Any:
    """``scipy.linalg.expm``: the exponential of square matrices.

    >>> import numpy as np
    >>> from calligrad import grad
    >>> from calligrad.scipy.linalg import expm
    >>> turn = np.array([[0.0, -1.0], [1.0, 0.0]])
    >>> print(grad(lambda angle: expm(angle * turn)[1, 0])(0.5).round(6), np.cos(0.5).round(6))
    0.877583 0.877583
    """
    return MatrixFunction("expm")(A)


@offer(linalg.logm)
def logm(A: Any) -> Any:
    """``scipy.linalg.logm``: the principal logarithm of a square matrix."""
    return MatrixFunction("logm")(A)


@offer(linalg.sqrtm)
def sqrtm(A: Any) -> Any:
    """``scipy.linalg.sqrtm``: the principal square root of square matrices."""
    return SqrtM()(A)


@offer(linalg.sinm)
def sinm(A: Any) -> Any:
    """``scipy.linalg.sinm``: the sine of a square matrix."""
    return MatrixFunction("sinm")(A)


@offer(linalg.cosm)
def cosm(A: Any) -> Any:
    """``scipy.linalg.cosm``: the cosine of a square matrix."""
    return MatrixFunction("cosm")(A)


@offer(linalg.tanm)
def tanm(A: Any) -> Any:
    """``scipy.linalg.tanm``: the tangent of a square matrix."""
    return MatrixFunction("tanm")(A)


@offer(linalg.sinhm)
def sinhm(A: Any) -> Any:
    """``scipy.linalg.sinhm``: the hyperbolic sine of a square matrix."""
    return MatrixFunction("sinhm")(A)


@offer(linalg.coshm)
def coshm(A: Any) -> Any:
    """``scipy.linalg.coshm``: the hyperbolic cosine of a square matrix."""
    return MatrixFunction("coshm")(A)


@offer(linalg.tanhm)
def tanhm(A: Any) -> Any:
    """``scipy.linalg.tanhm``: the hyperbolic tangent of a square matrix."""
    return MatrixFunction("tanhm")(A)
