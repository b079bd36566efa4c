"""Factors of matrices: Cholesky, LU, eigenvalues and singular values."""

from __future__ import annotations

from typing import Any

import numpy as np

from calligrad.function import Function
from calligrad.ops.linalg import factorings, spectra
from calligrad.ops.linalg.hermitian import adjoint, hermitian
from calligrad.scipy.linalg.equations import solve_sylvester
from calligrad.scipy.linalg.triangles import as_before, order_of, triangle
from calligrad.scipy.offer import in_precision_of, native, offer
from calligrad.scipy.originals import linalg
from calligrad.value import conj

# ---------------------------------------------------------------- Cholesky


class CholeskyOfScipy(factorings.Cholesky):
    """``scipy.linalg.cholesky``."""

    check_finite: bool = True

    def forward(self, a):
        return linalg.cholesky(native(a), lower=not self.upper, check_finite=self.check_finite)


@offer(linalg.cholesky)
def cholesky(a: Any, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """``scipy.linalg.cholesky``: the triangular factor of positive definite matrices, the upper one by default."""
    return CholeskyOfScipy(upper=not lower, check_finite=check_finite)(a)


class ChoFactor(CholeskyOfScipy):
    """``scipy.linalg.cho_factor``: in its other triangle stands anything, and that is a constant."""

    def forward(self, a):
        return linalg.cho_factor(native(a), lower=not self.upper, check_finite=self.check_finite)[0]

    def backward(self, g, *, y):
        mask = triangle(y.shape[-1], not self.upper)
        return super().backward(np.where(mask, g, 0), y=np.where(mask, y, 0))


@offer(linalg.cho_factor)
def cho_factor(a: Any, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True) -> tuple[Any, bool]:
    """``scipy.linalg.cho_factor``: what ``cho_solve`` wants of a positive definite matrix.

    >>> import numpy as np
    >>> from calligrad import grad
    >>> from calligrad.scipy.linalg import cho_factor, cho_solve
    >>> b = np.array([2.0, 4.0])
    >>> print(grad(lambda a: b @ cho_solve(cho_factor(a), b))(2 * np.eye(2)))
    [[-1. -2.]
     [-2. -4.]]
    """
    return ChoFactor(upper=not lower, check_finite=check_finite)(a), lower


# ---------------------------------------------------------------- LU


class Lu(Function):
    """The factors L and U of ``scipy.linalg.lu``; the order of the rows is a constant."""

    check_finite: bool = True

    def forward(self, a):
        order, l, u = linalg.lu(native(a), check_finite=self.check_finite, p_indices=True)
        self.order = np.argsort(order, axis=-1)
        return l, u

    def backward(self, g, *, y):
        (gl, gu), (l, u) = g, y
        gl, gu = (np.zeros_like(part) if of_part is None else of_part for of_part, part in zip(g, y))
        return as_before(of_rows(l, u, gl, gu), self.order)


def of_rows(l: Any, u: Any, gl: Any, gu: Any) -> Any:
    """The gradient of ``l @ u``, where both are triangular, and l has ones on its diagonal.

    What is below the square part of l, or to the right of that of u, hangs on the square part as well.
    """
    k = l.shape[-1]
    below, gl_below = l[..., k:, :], gl[..., k:, :]
    beside, gu_beside = u[..., k:], gu[..., k:]
    l, gl, u, gu = l[..., :k, :], gl[..., :k, :], u[..., :k], gu[..., :k]
    strict = triangle(k, True, False)
    of_l = l.mT @ gl - gu_beside @ beside.mT
    of_u = gu @ u.mT - below.mT @ gl_below
    square = solve_right(np.where(strict, of_l, of_u), u)
    parts = np.linalg.solve(l.mT, np.concatenate([square, gu_beside], -1))
    return np.concatenate([parts, solve_right(gl_below, u)], -2) if below.shape[-2] else parts


def solve_right(x: Any, u: Any) -> Any:
    """``x`` times the inverse of the transpose of ``u``."""
    return np.linalg.solve(u, x.mT).mT


@offer(linalg.lu)
def lu(
    a: Any, permute_l: bool = False, overwrite_a: bool = False, check_finite: bool = True, p_indices: bool = False
) -> tuple[Any, ...]:
    """``scipy.linalg.lu``: ``a = p @ l @ u``, triangular factors and a permutation, which is a constant."""
    function = Lu(check_finite)
    l, u = function(a)
    if permute_l:
        return as_before(l, function.order), u
    p = np.argsort(function.order, axis=-1)
    if p_indices:
        return p.astype(np.int32), l, u
    return np.equal(p[..., None], np.arange(p.shape[-1])).astype(l.real.dtype), l, u


class LuFactor(Function):
    """``scipy.linalg.lu_factor``: both factors in one matrix."""

    check_finite: bool = True

    def forward(self, a):
        both, self.piv = linalg.lu_factor(native(a), check_finite=self.check_finite)
        return both

    def backward(self, g, *, y):
        m, n = y.shape[-2:]
        k = min(m, n)
        strict = np.tri(m, n, -1, dtype=bool)
        eye = np.eye(m, k, dtype=y.dtype)
        l, gl = np.where(strict, y, 0)[..., :k] + eye, np.where(strict, g, 0)[..., :k]
        u, gu = np.where(strict, 0, y)[..., :k, :], np.where(strict, 0, g)[..., :k, :]
        return as_before(of_rows(l, u, gl, gu), order_of(self.piv, m))


@offer(linalg.lu_factor)
def lu_factor(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> tuple[Any, Any]:
    """``scipy.linalg.lu_factor``: what ``lu_solve`` wants of a square matrix; the exchanges of rows are constants."""
    function = LuFactor(check_finite)
    return function(a), function.piv


# ---------------------------------------------------------------- eigenvalues and singular values


class EighOfScipy(spectra.Eigh):
    """``scipy.linalg.eigh``."""

    driver: Any = None
    check_finite: bool = True

    def forward(self, a):
        return linalg.eigh(native(a), lower=self.UPLO == "L", driver=self.driver, check_finite=self.check_finite)


class EigvalshOfScipy(spectra.Eigvalsh):
    """``scipy.linalg.eigvalsh``."""

    driver: Any = None
    check_finite: bool = True

    def forward(self, a):
        return linalg.eigvalsh(native(a), lower=self.UPLO == "L", driver=self.driver, check_finite=self.check_finite)

    def backward(self, g, a):
        return super().backward(g, in_precision_of(g, a))


@offer(linalg.eigh)
def eigh(
    a: Any,
    b: Any = None,
    *,
    lower: bool = True,
    eigvals_only: bool = False,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    type: int = 1,
    check_finite: bool = True,
    subset_by_index: Any = None,
    subset_by_value: Any = None,
    driver: Any = None,
) -> Any:
    """``scipy.linalg.eigh``: all eigenvalues, ascending, and eigenvectors of a Hermitian matrix."""
    if b is not None or subset_by_index is not None or subset_by_value is not None:
        raise NotImplementedError(
            "calligrad's eigh differentiates the whole of the standard problem: b, subset_by_index and"
            " subset_by_value are left out. Of a·v = w·b·v take l = cholesky(b, lower=True) and the matrix"
            " l⁻¹·a·l⁻*; of the results take those that you want"
        )
    return (EigvalshOfScipy if eigvals_only else EighOfScipy)("L" if lower else "U", driver, check_finite)(a)


@offer(linalg.eigvalsh)
def eigvalsh(a: Any, b: Any = None, *, lower: bool = True, driver: Any = None, **others: Any) -> Any:
    """``scipy.linalg.eigvalsh``: the eigenvalues of a Hermitian matrix, ascending."""
    return eigh(a, b, lower=lower, eigvals_only=True, driver=driver, **others)


class SvdOfScipy(spectra.SVD):
    """``scipy.linalg.svd``."""

    lapack_driver: str = "gesdd"
    check_finite: bool = True

    def forward(self, a):
        options = {"check_finite": self.check_finite, "lapack_driver": self.lapack_driver}
        return linalg.svd(native(a), self.full_matrices, **options)


class SvdvalsOfScipy(spectra.Svdvals):
    """``scipy.linalg.svdvals``."""

    lapack_driver: str = "gesdd"
    check_finite: bool = True

    def forward(self, a):
        options = {"check_finite": self.check_finite, "lapack_driver": self.lapack_driver}
        return linalg.svd(native(a), compute_uv=False, **options)

    def backward(self, g, a, *, y):
        return super().backward(g, in_precision_of(y, a), y=y)


@offer(linalg.svd)
def svd(
    a: Any,
    full_matrices: bool = True,
    compute_uv: bool = True,
    overwrite_a: bool = False,
    check_finite: bool = True,
    lapack_driver: str = "gesdd",
) -> Any:
    """``scipy.linalg.svd``: U, the singular values, descending, and V*."""
    if not compute_uv:
        return SvdvalsOfScipy(lapack_driver, check_finite)(a)
    return SvdOfScipy(full_matrices, lapack_driver, check_finite)(a)


@offer(linalg.svdvals)
def svdvals(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """``scipy.linalg.svdvals``: the singular values, descending."""
    return SvdvalsOfScipy(check_finite=check_finite)(a)


# ---------------------------------------------------------------- orthogonal factors


class Polar(Function):
    """``scipy.linalg.polar``, where the positive factor is regular."""

    side: str = "right"

    def forward(self, a):
        return linalg.polar(native(a), self.side)

    def backward(self, g, *, y):
        u, p = y
        gu, gp = (np.zeros_like(part) if of_part is None else conj(of_part) for of_part, part in zip(g, y))
        if self.side == "left":  # a* = u* @ p
            u, gu = adjoint(u), adjoint(gu)
        ga = adjoint(np.linalg.solve(p, adjoint(gu)))
        inner = solve_sylvester(p, p, hermitian(gp - adjoint(u) @ ga))
        ga = ga + 2 * u @ p @ inner
        return conj(ga) if self.side == "right" else ga.mT


@offer(linalg.polar)
def polar(a: Any, side: str = "right") -> tuple[Any, Any]:
    """``scipy.linalg.polar``: ``a = u @ p``, or ``a = p @ u`` with ``side="left"``, u unitary and p positive."""
    function = Polar(side)
    u, p = function(a)
    if p.shape[-1] > min(a.shape[-2:]):
        raise NotImplementedError(f"polar of shape {a.shape} with side={side!r} has no derivative: p is singular")
    return u, p


class QROfScipy(factorings.QR):
    """``scipy.linalg.qr``."""

    check_finite: bool = True

    def forward(self, a):
        mode = {"complete": "full", "reduced": "economic"}[self.mode]
        return linalg.qr(native(a), mode=mode, check_finite=self.check_finite)


@offer(linalg.qr)
def qr(
    a: Any,
    overwrite_a: bool = False,
    lwork: Any = None,
    mode: str = "full",
    pivoting: bool = False,
    check_finite: bool = True,
) -> Any:
    """``scipy.linalg.qr`` in the modes "full", "r" and "economic", without pivoting."""
    if pivoting or mode == "raw":
        raise NotImplementedError("qr of a Value takes neither pivoting nor mode='raw'; exchange the columns yourself")
    if mode not in ("full", "qr", "r", "economic"):
        raise ValueError(f"Mode argument should be one of ['full', 'r', 'economic', 'raw'], not {mode!r}")
    q, r = QROfScipy("reduced" if mode == "economic" else "complete", check_finite)(a)
    return (r,) if mode == "r" else (q, r)
