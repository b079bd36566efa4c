"""Linear equations and inverses."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from calligrad.function import Function
from calligrad.ops.linalg.hermitian import EPSILON, adjoint, hermitian
from calligrad.rules import implements
from calligrad.value import as_arraylike, conj


class Inv(Function, of=np.linalg.inv):
    """``np.linalg.inv``: the inverse of square matrices."""

    def backward(self, g, *, y):
        return -y.mT @ g @ y.mT


class Solve(Function, of=np.linalg.solve):
    """``np.linalg.solve``: the x with ``a @ x = b``; ``b`` is a vector if it has one axis, else a stack of matrices."""

    broadcasts = True

    def backward(self, g, a, _b, *, y):
        vector = len(self.shapes[1]) == 1
        if vector:
            g, y = g[..., None], y[..., None]
        gb = np.linalg.solve(a.mT, g)
        return lambda: -gb @ y.mT, lambda: gb[..., 0] if vector else gb


class Pinv(Function, of=np.linalg.pinv):
    """``np.linalg.pinv``: the Moore-Penrose inverse.

    It has a derivative where the rank does not change; what the cutoff takes for zero is taken for constant. With
    ``hermitian=True`` the lower triangle is read, and the gradient is Hermitian.
    """

    rcond: Any = None
    hermitian: bool = False
    rtol: Any = np._NoValue

    def backward(self, g, a, *, y):
        if self.hermitian:
            a = from_lower(a)
        g, yh = conj(g), adjoint(y)
        gh = adjoint(g)
        off_range = gh - a @ (y @ gh)  # (I - A Y) G*
        off_rows = gh - (gh @ y) @ a  # G* (I - Y A)
        ga = off_range @ (y @ yh) + (yh @ y) @ off_rows - yh @ g @ yh
        return conj(hermitian(ga) if self.hermitian else ga)


def from_lower(a: Any) -> Any:
    """The Hermitian matrices whose lower triangles ``a`` holds."""
    return np.where(np.tri(a.shape[-1], k=-1, dtype=bool).T, adjoint(a), a)


class Lstsq(Function):
    """``np.linalg.lstsq`` without the rank: solution, squared residuals and singular values.

    The solution of smallest norm has a derivative where the rank does not change.
    """

    rcond: float | None = None

    def forward(self, a, b):
        x, residuals, self.rank, s = np.linalg.lstsq(a, b, self.rcond)
        return x, residuals, s

    def backward(self, g, a, b, *, y):
        of_x, of_residuals, of_s = map(conj, g)
        x = y[0]
        vector = b.ndim == 1
        if vector:
            b, x, of_x = b[:, None], x[:, None], None if of_x is None else of_x[:, None]
        rest, ga, gb = b - a @ x, np.zeros_like(a), np.zeros_like(b)
        if of_x is not None:  # x is the pseudo-inverse times b
            inverse = np.linalg.pinv(a, self.cutoff())
            gb = adjoint(inverse) @ of_x
            ga = rest @ adjoint(inverse @ gb) - gb @ adjoint(x)
            ga = ga + adjoint(inverse) @ x @ adjoint(of_x - inverse @ (a @ of_x))
        if of_residuals is not None and of_residuals.size:
            slope = 2 * rest * of_residuals
            ga, gb = ga - slope @ adjoint(x), gb + slope
        if of_s is not None:
            u, _, vh = np.linalg.svd(a, full_matrices=False)
            ga = ga + (u * of_s) @ vh
        return conj(ga), conj(gb[:, 0] if vector else gb)

    def cutoff(self) -> float:
        """What is taken for zero, relative to the largest singular value: LAPACK's choice if it is negative."""
        if self.rcond is None:
            return EPSILON * max(self.shapes[0])
        return self.rcond if self.rcond >= 0 else EPSILON


@implements(np.linalg.lstsq)
def lstsq(a: Any, b: Any, rcond: float | None = None) -> tuple[Any, Any, Any, Any]:
    """``np.linalg.lstsq``; the rank is a constant."""
    function = Lstsq(rcond)
    x, residuals, s = function(a, b)
    return x, residuals, function.rank, s


class Tensorinv(Function, of=np.linalg.tensorinv):
    """``np.linalg.tensorinv``: the inverse of ``a`` as a map between its first ``ind`` axes and the others."""

    ind: int = 2

    def backward(self, g, *, y):
        n = math.isqrt(y.size)
        g, y = np.reshape(g, (n, n)), np.reshape(y, (n, n))
        return np.reshape(-y.mT @ g @ y.mT, self.shapes[0])


@implements(np.linalg.tensorsolve)
def tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    """``np.linalg.tensorsolve``: the x with ``np.tensordot(a, x, x.ndim) == b``."""
    a, b = map(as_arraylike, (a, b))
    if axes is not None:
        order = list(range(a.ndim))
        for axis in axes:
            order.remove(axis)
            order.insert(a.ndim, axis)
        a = np.transpose(a, order)
    shape = a.shape[b.ndim - a.ndim :]
    n = math.prod(shape)
    if a.size != n**2:
        raise np.linalg.LinAlgError(
            f"tensorsolve needs as many unknowns as equations; a has shape {a.shape}, b has {b.ndim} axes"
        )
    return np.reshape(np.linalg.solve(np.reshape(a, (n, n)), np.ravel(b)), shape)
