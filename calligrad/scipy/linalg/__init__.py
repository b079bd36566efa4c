"""The everyday functions of scipy.linalg, which turn their arguments into arrays, for Values as well.

They bear SciPy's names and signatures, are SciPy's own for arrays, and give the same numbers for Values, which
are never overwritten. What has a derivative in NumPy has the same here; so do the conventions: the gradient of a
function that reads one triangle of a Hermitian matrix is Hermitian, and eigenvectors of equal eigenvalues may turn.
"""

from calligrad.scipy.linalg.bands import solve_banded, solve_toeplitz, solveh_banded
from calligrad.scipy.linalg.equations import (
    cho_solve,
    det,
    inv,
    lu_solve,
    solve,
    solve_continuous_lyapunov,
    solve_discrete_lyapunov,
    solve_sylvester,
    solve_triangular,
)
from calligrad.scipy.linalg.factorings import (
    cho_factor,
    cholesky,
    eigh,
    eigvalsh,
    lu,
    lu_factor,
    polar,
    qr,
    svd,
    svdvals,
)
from calligrad.scipy.linalg.functions import coshm, cosm, expm, logm, sinhm, sinm, sqrtm, tanhm, tanm
from calligrad.scipy.linalg.riccati import solve_continuous_are, solve_discrete_are
from calligrad.scipy.linalg.structured import block_diag, circulant, hankel, toeplitz

__all__ = [
    "block_diag",
    "cho_factor",
    "cho_solve",
    "cholesky",
    "circulant",
    "coshm",
    "cosm",
    "det",
    "eigh",
    "eigvalsh",
    "expm",
    "hankel",
    "inv",
    "logm",
    "lu",
    "lu_factor",
    "lu_solve",
    "polar",
    "qr",
    "sinhm",
    "sinm",
    "solve",
    "solve_banded",
    "solve_continuous_are",
    "solve_continuous_lyapunov",
    "solve_discrete_are",
    "solve_discrete_lyapunov",
    "solve_sylvester",
    "solve_toeplitz",
    "solve_triangular",
    "solveh_banded",
    "sqrtm",
    "svd",
    "svdvals",
    "tanhm",
    "tanm",
    "toeplitz",
]
