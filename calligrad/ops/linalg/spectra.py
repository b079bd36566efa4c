"""Eigenvalues and singular values, with their vectors.

The vectors are known up to a sign, or a phase: gradients are right for functions that do not depend on it. The vectors
of equal values may turn into one another, so that 1 / (difference of two values) counts as 0 for values that are
equal to the last digits. Gradients stay finite then, and are right for functions of the values and for projectors on
all the vectors of equal values; of a matrix function ``v @ diag(f(w)) @ v*`` the part within such a space is missing.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from calligrad.function import Function
from calligrad.ops.linalg.hermitian import adjoint, diagonal, inverse_gaps, inverse_or_zero, skew, thin
from calligrad.rules import implements
from calligrad.value import conj, unwrap

EighResult: Any = type(np.linalg.eigh(np.eye(1)))
EigResult: Any = type(np.linalg.eig(np.eye(1)))
SVDResult: Any = type(np.linalg.svd(np.eye(1)))


# ---------------------------------------------------------------- Hermitian matrices


class Eigh(Function):
    """Eigenvalues, ascending, and eigenvectors of Hermitian matrices.

    NumPy reads one triangle and takes the other for its mirror image. The gradient is Hermitian: that of a
    function of Hermitian matrices, whose two triangles move together.
    """

    UPLO: str = "L"

    def forward(self, a):
        return tuple(np.linalg.eigh(a, self.UPLO))

    def backward(self, g, *, y):
        (gw, gv), (w, v) = g, y
        if gv is None:
            return conj((v * gw[..., None, :]) @ adjoint(v))
        inner = skew(adjoint(v) @ conj(gv)) * inverse_gaps(w)
        if gw is not None:
            inner = inner + diagonal(gw)
        return conj(v @ inner @ adjoint(v))


@implements(np.linalg.eigh)
def eigh(a: Any, UPLO: str = "L") -> Any:
    """``np.linalg.eigh``, with NumPy's own kind of namedtuple."""
    return EighResult(*Eigh(UPLO)(a))


class Eigvalsh(Function, of=np.linalg.eigvalsh):
    """``np.linalg.eigvalsh``: the eigenvalues of Hermitian matrices, ascending."""

    UPLO: str = "L"

    def backward(self, g, a):
        _, v = np.linalg.eigh(a, self.UPLO)
        return conj((v * g[..., None, :]) @ adjoint(v))


# ---------------------------------------------------------------- singular values


class SVD(Function):
    """``np.linalg.svd``: U, the singular values, descending, and V*.

    With ``full_matrices`` U and V have further columns, which are only known to be orthogonal to the others. At a
    singular value of 0 the vectors have no derivative, and 1/0 counts as 0.
    """

    full_matrices: bool = True

    def forward(self, a):
        return tuple(np.linalg.svd(a, self.full_matrices))

    def backward(self, g, *, y):
        (u, s, vh), (gu, gs, gvh) = y, g
        k = s.shape[-1]
        if gu is None and gvh is None:
            return conj((u[..., :k] * gs[..., None, :]) @ vh[..., :k, :])
        u, gu = thin(u, conj(gu), k)
        v, gv = thin(adjoint(vh), None if gvh is None else gvh.mT, k)
        turn_u = 0 if gu is None else skew(adjoint(u) @ gu)
        turn_v = 0 if gv is None else skew(adjoint(v) @ gv)
        # U and V turning together: 1/(s_j - s_i); against one another: 1/(s_j + s_i), which equal values have too.
        together = (turn_u + turn_v) * inverse_gaps(s)
        against = (turn_u - turn_v) * inverse_or_zero(s[..., None, :] + s[..., :, None])
        inner = together + against if gs is None else together + against + diagonal(gs)
        ga, vh = u @ inner @ adjoint(v), adjoint(v)
        inverse = inverse_or_zero(s)[..., None, :]
        m, n = self.shapes[0][-2:]
        if m > k and gu is not None:
            ga = ga + ((gu - u @ (adjoint(u) @ gu)) * inverse) @ vh
        if n > k and gv is not None:
            ga = ga + (u * inverse) @ adjoint(gv - v @ (vh @ gv))
        return conj(ga)


class Svdvals(Function):
    """Singular values, descending; at a singular value of 0 the gradient is 0 (a subgradient)."""

    def forward(self, a):
        return np.linalg.svd(a, compute_uv=False)

    def backward(self, g, a, *, y):
        u, _, vh = np.linalg.svd(a, full_matrices=False)
        g = g * np.greater(y, 0)
        return conj((u * g[..., None, :]) @ vh)


@implements(np.linalg.svd)
def svd(a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False) -> Any:
    """``np.linalg.svd``, with NumPy's own kind of namedtuple."""
    if hermitian:
        return _hermitian_svd(a, compute_uv)
    return SVDResult(*SVD(full_matrices)(a)) if compute_uv else Svdvals()(a)


def _hermitian_svd(a: Any, compute_uv: bool) -> Any:
    """Singular values as the absolute eigenvalues; V is U up to the signs of these."""
    if not compute_uv:
        return np.sort(np.abs(np.linalg.eigvalsh(a)))[..., ::-1]
    w, u = np.linalg.eigh(a)
    s, sign = np.abs(w), np.where(np.signbit(w), -1.0, 1.0)
    order = np.argsort(s)[..., ::-1]
    s, sign = np.take_along_axis(s, order, -1), np.take_along_axis(sign, order, -1)
    u = np.take_along_axis(u, order[..., None, :], -1)
    return SVDResult(u, s, adjoint(u * sign[..., None, :].astype(s.dtype)))


@implements(np.linalg.svdvals)
def svdvals(x: Any, /) -> Any:
    """``np.linalg.svdvals``: the singular values, descending."""
    return Svdvals()(x)


# ---------------------------------------------------------------- matrices without symmetry


class Eig(Function):
    """Eigenvalues and eigenvectors of length 1 of square matrices; complex where a real matrix turns the plane.

    A matrix that has fewer eigenvectors than columns has no derivative; its gradient is huge, or a ``LinAlgError``.
    """

    def forward(self, a):
        return tuple(np.linalg.eig(a))

    def backward(self, g, *, y):
        (gw, gv), (w, v) = g, y
        vh = adjoint(v)
        inner = 0
        if gw is not None:
            inner = diagonal(conj(gw))
        if gv is not None:
            gv = conj(gv)
            along = np.sum(conj(v) * gv, axis=-2)  # the length is fixed, so that this part does nothing
            turn = vh @ gv - (vh @ v) * along.real[..., None, :]
            inner = inner + turn * conj(inverse_gaps(w))
        return conj(np.linalg.solve(vh, inner @ vh))


@implements(np.linalg.eig)
def eig(a: Any) -> Any:
    """``np.linalg.eig``, with NumPy's own kind of namedtuple."""
    return EigResult(*Eig()(a))


class Eigvals(Function, of=np.linalg.eigvals):
    """``np.linalg.eigvals``: the eigenvalues of square matrices."""

    def backward(self, g, a, *, y):
        w, v = np.linalg.eig(a)
        if not np.array_equal(y, w):  # LAPACK has two ways, which may give them in different orders
            g = np.take_along_axis(g, np.argsort(nearest(unwrap(y), unwrap(w)), -1), -1)
        vh = adjoint(v)
        return conj(np.linalg.solve(vh, diagonal(conj(g)) @ vh))


def nearest(x: Any, w: Any) -> Any:
    """For each of the numbers ``x`` its place in ``w``, which holds the same ones up to rounding, in another order."""
    distance = np.abs(x[..., :, None] - w[..., None, :])
    places = np.empty(x.shape, int)
    for i in range(x.shape[-1]):
        places[..., i] = place = np.argmin(distance[..., i, :], -1)
        np.put_along_axis(distance, place[..., None, None], np.inf, -1)
    return places
