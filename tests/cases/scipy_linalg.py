"""What calligrad offers of scipy.linalg. LAPACK has no float16: the results have dtypes of their own."""

import numpy as np
import scipy.linalg

from calligrad.scipy import linalg
from tests.cases.linalg import complex_regular, mirrored, regular
from tests.cases.table import case, complexes, real


def row(name, f, *draws):
    case(f"calligrad.scipy.linalg.{name}", f, *draws, own_dtype=True)


def both(name, f, *shapes):
    """A row of real and a row of complex matrices."""
    square = [shape[0] == shape[1] for shape in shapes]
    row(name, f, *((regular if s else real)(*shape) for s, shape in zip(square, shapes)))
    row(f"{name} of complex numbers", f, *((complex_regular if s else complexes)(*n) for s, n in zip(square, shapes)))


def positive_definite(a):
    """Of any matrix a positive definite one."""
    return mirrored(a) + 5 * np.eye(a.shape[-1], dtype=a.dtype)


# Older versions of SciPy know no stacks in some of these functions.
STACKS = np.lib.NumpyVersion(scipy.__version__) >= "1.16.0"

# ---------------------------------------------------------------- equations

both("inv", linalg.inv, (3, 3))
both("det", linalg.det, (3, 3))
both("solve", linalg.solve, (3, 3), (3, 3))
row("solve of a vector", linalg.solve, regular(3, 3), real(3))
row("solve transposed=True", lambda a, b: linalg.solve(a, b, transposed=True), regular(3, 3), real(3, 2))
for kind in ("pos", "her"):
    both(
        f"solve assume_a={kind}", lambda a, b, k=kind: linalg.solve(positive_definite(a), b, assume_a=k), (3, 3), (3, 2)
    )
row("solve assume_a=sym of complex numbers that are not Hermitian",
    lambda a, b: linalg.solve(a + a.mT, b, lower=True, assume_a="sym"),
    complex_regular(3, 3), complexes(3))  # fmt: skip
for trans in (0, 1, 2):
    f = linalg.solve_triangular
    both(f"solve_triangular trans={trans}", lambda a, b, t=trans, f=f: f(a, b, t, lower=t == 1), (3, 3), (3, 2))
    row(f"solve_triangular of a vector trans={'NTC'[trans]}",
        lambda a, b, t="NTC"[trans], f=f: f(a, b, trans=t, unit_diagonal=True), regular(3, 3), real(3))  # fmt: skip
for lower in (False, True):
    both(f"cho_solve lower={lower}", lambda c, b, low=lower: linalg.cho_solve((c, low), b), (3, 3), (3, 2))
    row(f"cho_solve of a vector lower={lower}", lambda c, b, low=lower: linalg.cho_solve((c, low), b),
        regular(3, 3), real(3))  # fmt: skip
PIVOTS = np.array([2, 2, 2], np.int32)
for trans in (0, 1, 2):
    both(f"lu_solve trans={trans}", lambda lu, b, t=trans: linalg.lu_solve((lu, PIVOTS), b, t), (3, 3), (3, 2))
row("lu_solve of a vector", lambda lu, b: linalg.lu_solve((lu, PIVOTS), b), regular(3, 3), real(3))
row("lu_solve of lu_factor", lambda a, b: linalg.lu_solve(linalg.lu_factor(a[::-1]), b), regular(3, 3), real(3))
row("cho_solve of cho_factor", lambda a, b: linalg.cho_solve(linalg.cho_factor(positive_definite(a)), b),
    regular(3, 3), real(3))  # fmt: skip
both("solve_sylvester", linalg.solve_sylvester, (3, 3), (2, 2), (3, 2))
both("solve_continuous_lyapunov", linalg.solve_continuous_lyapunov, (3, 3), (3, 3))
for method in ("direct", "bilinear"):
    both(f"solve_discrete_lyapunov method={method}",
         lambda a, q, m=method: linalg.solve_discrete_lyapunov(0.2 * a, q, method=m), (3, 3), (3, 3))  # fmt: skip

both(
    "solve_continuous_are",
    lambda a, b, q, r: linalg.solve_continuous_are(a, b, positive_definite(q), positive_definite(r)),
    (3, 3),
    (3, 2),
    (3, 3),
    (2, 2),
)
both(
    "solve_discrete_are",
    lambda a, b, q, r: linalg.solve_discrete_are(0.3 * a, b, positive_definite(q), positive_definite(r)),
    (3, 3),
    (3, 2),
    (3, 3),
    (2, 2),
)


def diagonals(rows, n, main):
    """Diagonals of matrices that are far from singular: the main one is large."""
    return lambda rng: rng.standard_normal((rows, n)) + 8 * (np.arange(rows) == main)[:, None]


def column(n):
    """The first column of a Toeplitz matrix that is far from singular."""
    return lambda rng: rng.standard_normal(n) + 6 * (np.arange(n) == 0)


row("solve_banded", lambda ab, b: linalg.solve_banded((1, 1), ab, b), diagonals(3, 4, 1), real(4, 2))
row("solve_banded of a vector", lambda ab, b: linalg.solve_banded((1, 2), ab, b), diagonals(4, 5, 2), real(5))
row(
    "solve_banded of complex numbers",
    lambda ab, b: linalg.solve_banded((2, 0), ab, b),
    lambda rng: diagonals(3, 4, 0)(rng) * (1 + 0.2j),
    complexes(4),
)
for lower in (False, True):
    f = lambda ab, b, low=lower: linalg.solveh_banded(ab if low else ab[::-1], b, lower=low)
    row(f"solveh_banded lower={lower}", f, diagonals(3, 4, 0), real(4, 2))
    row(
        f"solveh_banded lower={lower} of complex numbers",
        lambda ab, im, b, f=f: f(ab + 1j * im * np.array([[0], [1], [1]], ab.dtype), b),
        diagonals(3, 4, 0),
        real(3, 4),
        complexes(4),
    )
row("solve_toeplitz", linalg.solve_toeplitz, column(4), real(4))
row(
    "solve_toeplitz of a column and a row",
    lambda c, r, b: linalg.solve_toeplitz((c, r), b),
    column(4),
    complexes(4),
    complexes(4, 2),
)


# ---------------------------------------------------------------- factors

for lower in (False, True):
    both(f"cholesky lower={lower}", lambda a, low=lower: linalg.cholesky(positive_definite(a), lower=low), (3, 3))
    both(f"cho_factor lower={lower}",
         lambda a, low=lower: (np.tril if low else np.triu)(linalg.cho_factor(positive_definite(a), low)[0]),
         (3, 3))  # fmt: skip
for words, draw in {
    "": real(3, 3),
    " of a tall matrix": real(5, 3),
    " of a wide matrix": real(2, 4),
    " of complex numbers": complexes(4, 3),
}.items():
    row(f"lu{words}", lambda a: linalg.lu(a)[1:], draw)
    row(f"lu_factor{words}", lambda a: linalg.lu_factor(a)[0], draw)
row("lu permute_l=True", lambda a: linalg.lu(a, permute_l=True), complexes(3, 3))
row("lu in part", lambda a: linalg.lu(a)[2], real(3, 3))


def of_pair(pair):
    """The values, and of the vectors what does not depend on their phase."""
    return pair[0], np.abs(pair[1]) ** 2


def of_signs(pair):
    """What does not depend on the signs of the rows of R."""
    return np.abs(pair[0]) ** 2, np.abs(pair[1]) ** 2


both("eigh", lambda a: of_pair(linalg.eigh(mirrored(a), lower=False)), (3, 3))
both("eigh eigvals_only=True", lambda a: linalg.eigh(mirrored(a), eigvals_only=True), (3, 3))
both("eigvalsh", lambda a: linalg.eigvalsh(mirrored(a)), (3, 3))
both("svdvals", linalg.svdvals, (3, 3))
both("svd compute_uv=False", lambda a: linalg.svd(a, compute_uv=False), (3, 3))
row("svd", lambda a: [np.abs(part) for part in linalg.svd(a, full_matrices=False)], regular(3, 3))

for words, shape in {"": (3, 3), " of a tall matrix": (4, 2)}.items():
    for name, draw in {"": real(*shape), " of complex numbers": complexes(*shape)}.items():
        row(f"polar{words}{name}", linalg.polar, draw)
        row(f"qr mode=economic{words}{name}", lambda a: of_signs(linalg.qr(a, mode="economic")), draw)
row("polar side=left", lambda a: linalg.polar(a, "left"), complexes(2, 3))
row("qr", lambda a: of_signs(linalg.qr(a)), real(2, 3))
row("qr mode=r", lambda a: linalg.qr(a, mode="r"), real(2, 3))

# ---------------------------------------------------------------- functions of matrices

row("solve assume_a=sym", lambda a, b: linalg.solve(a + a.mT, b, assume_a="sym"), regular(3, 3), real(3, 2))
both("expm", lambda a: linalg.expm(0.5 * a), (3, 3))
both("sqrtm", linalg.sqrtm, (3, 3))
for name in ("sinm", "cosm", "tanm", "sinhm", "coshm", "tanhm"):
    f = getattr(linalg, name)
    row(name, lambda a, f=f: f(0.2 * a), regular(3, 3))
both("logm", lambda a: linalg.logm(a.astype(np.result_type(a.dtype, np.float64))), (3, 3))  # SciPy warns of float32
row("expm of a stack", linalg.expm, real(2, 3, 3))
row("expm of no motion", lambda a: linalg.expm(0 * a), real(2, 2))
row("sqrtm of turning by more than half", lambda a: linalg.sqrtm(a * np.diag([-1, 1]) + 0j), regular(2, 2))

# ---------------------------------------------------------------- matrices made of fewer numbers

row("block_diag", linalg.block_diag, real(2, 3), real(2), real(), real(1, 1))
row("block_diag with nothing", linalg.block_diag, real(2, 0), complexes(2, 2))
row("toeplitz", linalg.toeplitz, real(3))
row("toeplitz of a column and a row", linalg.toeplitz, real(3), real(4))
row("toeplitz of complex numbers", linalg.toeplitz, complexes(3))
row("hankel", linalg.hankel, real(3))
row("hankel of a column and a row", linalg.hankel, complexes(3), complexes(4))
row("circulant", linalg.circulant, real(3))

if STACKS:
    row("inv of stacks", linalg.inv, regular(2, 1, 3, 3))
    row("solve of stacks", linalg.solve, regular(2, 1, 3, 3), real(2, 3, 2))
    for name, f in {
        "solve": linalg.solve,
        "solve transposed=True": lambda a, b: linalg.solve(a, b, transposed=True),
        "solve_triangular": linalg.solve_triangular,
        "cho_solve": lambda c, b: linalg.cho_solve((c, True), b),
        "lu_solve": lambda lu, b: linalg.lu_solve((lu, np.stack([PIVOTS, PIVOTS])), b, 1),
    }.items():
        row(f"{name} of a stack and one vector", f, regular(2, 3, 3), real(3))
    row("solve_toeplitz of no right-hand side", linalg.solve_toeplitz, column(3), real(3, 0))
    row("polar of a stack", linalg.polar, real(2, 3, 3))
    row("solve_triangular of stacks", linalg.solve_triangular, regular(2, 3, 3), real(2, 3, 2))
    row("cho_solve of stacks", lambda c, b: linalg.cho_solve((c, True), b), regular(2, 3, 3), real(2, 3, 2))
    row("cholesky of stacks", lambda a: linalg.cholesky(positive_definite(a)), regular(2, 3, 3))
    row("sqrtm of a stack", linalg.sqrtm, regular(2, 3, 3))
    row("lu of a stack", lambda a: linalg.lu(a, p_indices=True)[1:], real(2, 3, 3))
    row("lu_factor of a stack", lambda a: linalg.lu_factor(a)[0], real(2, 3, 3))
    row("block_diag of stacks", linalg.block_diag, real(2, 1, 2, 2), real(3, 1, 2))
    row("toeplitz of a stack", linalg.toeplitz, real(2, 3))
    row("circulant of a stack", linalg.circulant, real(2, 3))
