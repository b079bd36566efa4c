"""Linear equations: by any of SciPy's solvers, by factors, and for unknown matrices (Sylvester, Lyapunov).

A gradient may hold NaN, which is to go on its way: going back, nothing is checked to be finite.
"""

from __future__ import annotations

from inspect import signature
from typing import Any

import numpy as np

from calligrad.function import Function
from calligrad.ops.linalg import determinants, equations
from calligrad.ops.linalg.hermitian import adjoint, hermitian
from calligrad.scipy.linalg.triangles import exchanged, triangle
from calligrad.scipy.offer import in_precision_of, native, offer
from calligrad.scipy.originals import linalg
from calligrad.value import conj

GUESS: Any = signature(linalg.solve).parameters["assume_a"].default  # newer versions look at the matrix
HERMITIAN = ("pos", "positive definite", "her", "hermitian")
SYMMETRIC = ("sym", "symmetric")
MIRRORED = {"upper triangular": "lower triangular", "lower triangular": "upper triangular"}


# ---------------------------------------------------------------- as NumPy has them


class InvOfScipy(equations.Inv):
    """``scipy.linalg.inv``."""

    check_finite: bool = True

    def forward(self, a):
        return linalg.inv(native(a), check_finite=self.check_finite)


@offer(linalg.inv)
def inv(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """``scipy.linalg.inv``: the inverse of square matrices."""
    return InvOfScipy(check_finite)(a)


class DetOfScipy(determinants.Det):
    """``scipy.linalg.det``."""

    check_finite: bool = True

    def forward(self, a):
        return linalg.det(native(a), check_finite=self.check_finite)

    def backward(self, g, a, *, y):
        return super().backward(g, in_precision_of(y, a), y=y)


@offer(linalg.det)
def det(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """``scipy.linalg.det``: the determinant of square matrices."""
    return DetOfScipy(check_finite)(a)


# ---------------------------------------------------------------- one matrix, one right-hand side


class Solver(Function):
    """The x with ``a @ x = b``: ``b`` is a vector if it has one axis, else a stack of matrices.

    Each solver knows how to solve with the transpose, and which part in ``a`` the numbers have that it was given.
    """

    broadcasts = True

    def backward(self, g, a, _b, *, y):
        vector = len(self.shapes[1]) == 1
        if vector:
            g, y = g[..., None], y[..., None]
        gb = self.transposed_solve(a, g)
        return lambda: self.of_matrix(a, gb, y), lambda: gb[..., 0] if vector else gb

    def transposed_solve(self, a: Any, g: Any) -> Any:
        """The gradient of ``b``."""
        raise NotImplementedError

    def of_matrix(self, a: Any, gb: Any, y: Any) -> Any:
        """The gradient of ``a``."""
        raise NotImplementedError


class SolveOfScipy(Solver):
    """``scipy.linalg.solve``: of a Hermitian or symmetric matrix the gradient is so, too; what is not read has none."""

    lower: bool = False
    check_finite: bool = True
    assume_a: Any = GUESS
    transposed: bool = False

    def forward(self, a, b):
        options = {name: getattr(self, name) for name in self.settings}
        return linalg.solve(native(a), native(b), **options)

    def of_matrix(self, a, gb, y):
        ga = -(y @ gb.mT if self.transposed else gb @ y.mT)
        if self.assume_a in HERMITIAN:
            return hermitian(ga)
        return 0.5 * (ga + ga.mT) if self.assume_a in SYMMETRIC else np.where(self._places_read(a.shape[-1]), ga, 0)

    def transposed_solve(self, a, g):
        if self.assume_a in HERMITIAN:  # the transpose is the conjugate; only one triangle need be there
            return conj(self._again(a, conj(g)))
        if self.assume_a in SYMMETRIC:
            return self._again(a, g)
        return self._again(a if self.transposed else a.mT, g)

    def _again(self, a: Any, b: Any) -> Any:
        assume = self.assume_a if self.transposed else MIRRORED.get(self.assume_a, self.assume_a)
        return SolveOfScipy(self.lower, False, assume)(a, b)

    def _places_read(self, n: int) -> Any:
        """Which places of the matrix are read."""
        everywhere = np.ones((n, n), bool)
        if self.assume_a in MIRRORED:
            return triangle(n, self.assume_a == "lower triangular")
        width = {"diagonal": 0, "tridiagonal": 1}.get(self.assume_a, n)
        return np.tril(np.triu(everywhere, -width), width)


@offer(linalg.solve)
def solve(
    a: Any,
    b: Any,
    lower: bool = False,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
    assume_a: Any = GUESS,
    transposed: bool = False,
) -> Any:
    """``scipy.linalg.solve``: the x with ``a @ x = b``, for matrices of any structure that SciPy knows."""
    return SolveOfScipy(lower, check_finite, assume_a, transposed)(a, b)


class SolveTriangular(Solver):
    """``scipy.linalg.solve_triangular``; the other triangle is not read, and has no gradient."""

    trans: Any = 0
    lower: bool = False
    unit_diagonal: bool = False
    check_finite: bool = True

    def forward(self, a, b):
        settings = self.trans, self.lower, self.unit_diagonal, False, self.check_finite
        return linalg.solve_triangular(native(a), native(b), *settings)

    def transposed_solve(self, a, g):
        if self.trans in (2, "C"):
            return conj(self._again(a, conj(g), 0))
        return self._again(a, g, 1 if self.trans in (0, "N") else 0)

    def _again(self, a: Any, b: Any, trans: int) -> Any:
        settings = trans, self.lower, self.unit_diagonal, False, False
        return solve_triangular(native(a), native(b), *settings)  # of arrays SciPy's own, without detour

    def of_matrix(self, a, gb, y):
        ga = -(gb @ y.mT if self.trans in (0, "N") else y @ gb.mT)
        read = triangle(a.shape[-1], self.lower, not self.unit_diagonal)
        return np.where(read, conj(ga) if self.trans in (2, "C") else ga, 0)


@offer(linalg.solve_triangular)
def solve_triangular(
    a: Any,
    b: Any,
    trans: Any = 0,
    lower: bool = False,
    unit_diagonal: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
) -> Any:
    """``scipy.linalg.solve_triangular``: the x with ``a @ x = b`` for a triangular ``a``, or its transpose or adjoint.

    >>> import numpy as np
    >>> from calligrad import grad
    >>> from calligrad.scipy.linalg import solve_triangular
    >>> a = np.array([[2.0, 1.0], [0.0, 4.0]])
    >>> grad(lambda a: solve_triangular(a, np.array([3.0, 4.0]))[0])(a)
    array([[-0.5  , -0.5  ],
           [ 0.   ,  0.125]])
    """
    return SolveTriangular(trans, lower, unit_diagonal, check_finite)(a, b)


class ChoSolve(Solver):
    """``scipy.linalg.cho_solve``, in the triangle of the factor that counts and the right-hand side."""

    lower: bool = False
    check_finite: bool = True

    def forward(self, c, b):
        return linalg.cho_solve((native(c), self.lower), native(b), check_finite=self.check_finite)

    def transposed_solve(self, c, g):
        return conj(ChoSolve(self.lower, False)(c, conj(g)))

    def of_matrix(self, c, gb, y):
        mask = triangle(c.shape[-1], self.lower)
        factor = np.where(mask, c, 0)
        twice = -2 * hermitian(conj(gb @ y.mT))
        return conj(np.where(mask, twice @ factor if self.lower else factor @ twice, 0))


@offer(linalg.cho_solve)
def cho_solve(c_and_lower: tuple[Any, bool], b: Any, overwrite_b: bool = False, check_finite: bool = True) -> Any:
    """``scipy.linalg.cho_solve``: the x with ``a @ x = b``, given what ``cho_factor`` made of ``a``."""
    c, lower = c_and_lower
    return ChoSolve(bool(lower), check_finite)(c, b)


class LuSolve(Solver):
    """``scipy.linalg.lu_solve``, in both factors at once and the right-hand side."""

    piv: Any
    trans: int = 0
    check_finite: bool = True

    def forward(self, lu, b):
        return linalg.lu_solve((native(lu), self.piv), native(b), self.trans, check_finite=self.check_finite)

    def transposed_solve(self, lu, g):
        again = LuSolve(self.piv, 0 if self.trans else 1, False)
        return conj(again(lu, conj(g))) if self.trans == 2 else again(lu, g)

    def of_matrix(self, lu, gb, y):
        n = lu.shape[-1]
        strict = triangle(n, True, False)
        l, u = np.where(strict, lu, np.eye(n, dtype=lu.dtype)), np.where(strict, 0, lu)
        ga = -(y @ gb.mT if self.trans else gb @ y.mT)
        ga = exchanged(conj(ga) if self.trans == 2 else ga, self.piv)
        return np.where(strict, ga @ u.mT, l.mT @ ga)


@offer(linalg.lu_solve)
def lu_solve(
    lu_and_piv: tuple[Any, Any], b: Any, trans: int = 0, overwrite_b: bool = False, check_finite: bool = True
) -> Any:
    """``scipy.linalg.lu_solve``: the x with ``a @ x = b``, given what ``lu_factor`` made of ``a``."""
    lu, piv = lu_and_piv
    return LuSolve(piv, trans, check_finite)(lu, b)


# ---------------------------------------------------------------- unknown matrices


class SolveSylvester(Function):
    """``scipy.linalg.solve_sylvester``."""

    broadcasts = True

    def forward(self, a, b, q):
        return linalg.solve_sylvester(native(a), native(b), native(q))

    def backward(self, g, a, b, _q, *, y):
        gq = solve_sylvester(native(a).mT, native(b).mT, native(g))  # of arrays SciPy's own, without detour
        return lambda: -(gq @ y.mT), lambda: -(y.mT @ gq), gq


@offer(linalg.solve_sylvester)
def solve_sylvester(a: Any, b: Any, q: Any) -> Any:
    """``scipy.linalg.solve_sylvester``: the x with ``a @ x + x @ b = q``."""
    return SolveSylvester()(a, b, q)


class SolveContinuousLyapunov(Function):
    """``scipy.linalg.solve_continuous_lyapunov``."""

    broadcasts = True

    def forward(self, a, q):
        return linalg.solve_continuous_lyapunov(native(a), native(q))

    def backward(self, g, a, _q, *, y):
        gq = SolveContinuousLyapunov()(adjoint(a), conj(g))
        return lambda: -conj(gq @ adjoint(y) + adjoint(gq) @ y), conj(gq)


@offer(linalg.solve_continuous_lyapunov)
def solve_continuous_lyapunov(a: Any, q: Any) -> Any:
    """``scipy.linalg.solve_continuous_lyapunov``: the x with ``a @ x + x @ a* = q``, where a* is the adjoint."""
    return SolveContinuousLyapunov()(a, q)


class SolveDiscreteLyapunov(Function):
    """``scipy.linalg.solve_discrete_lyapunov``."""

    broadcasts = True

    method: str | None = None

    def forward(self, a, q):
        return linalg.solve_discrete_lyapunov(native(a), native(q), self.method)

    def backward(self, g, a, _q, *, y):
        gq = SolveDiscreteLyapunov(self.method)(adjoint(a), conj(g))
        return lambda: conj(gq @ a @ adjoint(y) + adjoint(gq) @ a @ y), conj(gq)


@offer(linalg.solve_discrete_lyapunov)
def solve_discrete_lyapunov(a: Any, q: Any, method: str | None = None) -> Any:
    """``scipy.linalg.solve_discrete_lyapunov``: the x with ``a @ x @ a* - x + q = 0``, where a* is the adjoint."""
    return SolveDiscreteLyapunov(method)(a, q)
