"""Linear algebra.

Eigenvectors and singular vectors are known up to a sign or a phase, and where only one triangle is read the other is
its mirror image: such rows put symmetric matrices in, and take out what does not depend on the sign.
"""

import numpy as np
from numpy import linalg

from calligrad.ops.linalg.determinants import Cofactors, SecondCofactors
from tests.cases.table import case, complexes, real

# ---------------------------------------------------------------- how matrices are drawn


def regular(*shape):
    """Square matrices, far from singular ones, with eigenvalues, singular values and pivots that differ."""
    return lambda rng: np.diag(np.arange(2.0, shape[-1] + 2)) + 0.3 * rng.standard_normal(shape)


def complex_regular(*shape):
    return lambda rng: regular(*shape)(rng) + 0.3j * rng.standard_normal(shape)


def mirrored(a):
    """Hermitian matrices."""
    return (a + np.matrix_transpose(np.conj(a))) / 2


def both(name, f, *shapes, draw=regular, complex_draw=complex_regular):
    """A row of real and a row of complex matrices."""
    case(name, f, *(draw(*shape) for shape in shapes))
    case(f"{name} of complex numbers", f, *(complex_draw(*shape) for shape in shapes))


# ---------------------------------------------------------------- equations

for name in ("inv", "det", "pinv", "cond"):
    f = getattr(linalg, name)
    both(f"np.linalg.{name}", f, (3, 3))
    case(f"np.linalg.{name} of a stack", f, regular(2, 1, 3, 3))
    case(f"np.linalg.{name} of one number", f, regular(1, 1))
    case(f"np.linalg.{name} of an empty stack", f, regular(0, 3, 3))
case("np.linalg.inv of nothing", linalg.inv, real(0, 0))
case("np.linalg.det of nothing", linalg.det, real(0, 0))
case("np.linalg.det of a singular matrix", lambda a, b: linalg.det(a * b), lambda rng: np.ones((3, 3)), regular(3, 3))
case("np.linalg.det of rank 1", lambda u, v: linalg.det(u[:, None] * v), real(3), real(3))
both("Cofactors", lambda a: Cofactors()(a), (2, 3, 3))
both("SecondCofactors of a singular matrix", lambda g: SecondCofactors()(g, np.ones((3, 3), g.dtype)), (3, 3))
case("np.linalg.slogdet", lambda a: tuple(linalg.slogdet(a)), regular(3, 3))
case("np.linalg.slogdet of complex numbers", lambda a: tuple(linalg.slogdet(a)), complex_regular(2, 3, 3))
case("np.linalg.slogdet of a stack", lambda a: linalg.slogdet(a).logabsdet, regular(2, 1, 3, 3))
case("np.linalg.slogdet of a complex sign", lambda a: linalg.slogdet(a)[0], complex_regular(3, 3))
for words, a, b in [
    ("a vector", (3, 3), (3,)),
    ("a matrix", (3, 3), (3, 2)),
    ("stacks", (2, 3, 3), (2, 3, 2)),
    ("broadcast stacks", (4, 1, 2, 2), (3, 2, 1)),
    ("a stack and a vector", (2, 3, 3), (3,)),
    ("a matrix and a stack", (2, 2), (3, 2, 2)),
    ("nothing", (0, 0), (0, 2)),
    ("no columns", (3, 3), (3, 0)),
    ("an empty stack", (0, 2, 2), (2, 3)),
]:
    case(f"np.linalg.solve of {words}", linalg.solve, regular(*a), real(*b))
case("np.linalg.solve of complex numbers", linalg.solve, complex_regular(3, 3), complexes(3, 2))
case("np.linalg.solve of complex and real numbers", linalg.solve, complex_regular(3, 3), real(3))
case("np.linalg.solve of real and complex numbers", linalg.solve, regular(2, 2), complexes(3, 2, 2))

both("np.linalg.pinv of a tall matrix", linalg.pinv, (4, 2), draw=real, complex_draw=complexes)
both("np.linalg.pinv of wide matrices", linalg.pinv, (2, 2, 3), draw=real, complex_draw=complexes)
case("np.linalg.pinv of rank 1", lambda u, v: linalg.pinv(u[:, None] * v, rcond=1e-3), real(3), real(2))
case("np.linalg.pinv rtol=", lambda u, v: linalg.pinv(u[:, None] * v, rtol=1e-3), real(3), real(2))
both("np.linalg.pinv hermitian", lambda a: linalg.pinv(mirrored(a), hermitian=True), (3, 3))
case("np.linalg.pinv of no rows", linalg.pinv, real(0, 3))

both("np.linalg.lstsq", lambda a, b: linalg.lstsq(a, b)[:2], (4, 2), (4, 3), draw=real, complex_draw=complexes)
both(
    "np.linalg.lstsq of a vector", lambda a, b: linalg.lstsq(a, b)[:2], (4, 2), (4,), draw=real, complex_draw=complexes
)
both("np.linalg.lstsq of too few rows", lambda a, b: linalg.lstsq(a, b)[0], (2, 3), (2, 2),
     draw=real, complex_draw=complexes)  # fmt: skip
case("np.linalg.lstsq of a square matrix", lambda a, b: linalg.lstsq(a, b)[0], regular(3, 3), real(3))
case("np.linalg.lstsq of rank 1", lambda u, v, b: linalg.lstsq(u[:, None] * v, b, rcond=1e-3)[0],
     real(4), real(2), real(4))  # fmt: skip
case(
    "np.linalg.lstsq singular values",
    lambda a, b: linalg.lstsq(a, 2 * b, rcond=0.01)[3] + 0 * b[0],
    real(4, 2),
    real(4),
)
case("np.linalg.lstsq of no columns", lambda a, b: linalg.lstsq(a, b)[0], real(3, 2), real(3, 0))
case("np.linalg.tensorinv", linalg.tensorinv, lambda rng: regular(6, 6)(rng).reshape(2, 3, 6))
case("np.linalg.tensorinv ind=1", lambda a: linalg.tensorinv(a, ind=1), lambda rng: regular(6, 6)(rng).reshape(6, 2, 3))
case("np.linalg.tensorsolve", linalg.tensorsolve, lambda rng: regular(6, 6)(rng).reshape(2, 3, 6), real(2, 3))
case("np.linalg.tensorsolve axes=", lambda a, b: linalg.tensorsolve(a, b, axes=(0,)),
     lambda rng: regular(6, 6)(rng).reshape(6, 3, 2).transpose(2, 0, 1), real(6))  # fmt: skip

# ---------------------------------------------------------------- products

for n in (-3, -1, 0, 2, 3, 4, 5):
    case(f"np.linalg.matrix_power n={n}", lambda a, n=n: linalg.matrix_power(a, n), regular(3, 3))
case("np.linalg.matrix_power of a stack", lambda a: linalg.matrix_power(a, n=2), regular(2, 1, 2, 2))
case("np.linalg.matrix_power of complex numbers", lambda a: linalg.matrix_power(a, -2), complex_regular(2, 2))
for words, *shapes in [
    ("two matrices", (2, 3), (3, 2)),
    ("three matrices", (2, 3), (3, 4), (4, 2)),
    ("four matrices", (5, 2), (2, 4), (4, 1), (1, 3)),
    ("a vector first", (3,), (3, 2), (2, 2)),
    ("a vector last", (2, 3), (3, 2), (2,)),
    ("vectors at both ends", (3,), (3, 2), (2, 4), (4,)),
    ("two vectors", (3,), (3,)),
    ("nothing within", (2, 0), (0, 3), (3, 2)),
]:
    case(f"np.linalg.multi_dot of {words}", lambda *xs: linalg.multi_dot(xs), *(real(*shape) for shape in shapes))
case("np.linalg.multi_dot of complex numbers", lambda *xs: linalg.multi_dot(list(xs)),
     complexes(2, 3), real(3, 4), complexes(4))  # fmt: skip
case("np.linalg.multi_dot with a constant", lambda a, b: linalg.multi_dot([a, np.eye(3, dtype=a.dtype), b]),
     real(2, 3), real(3, 2))  # fmt: skip

# ---------------------------------------------------------------- triangular factors

both("np.linalg.cholesky", lambda a: linalg.cholesky(mirrored(a)), (3, 3))
both("np.linalg.cholesky upper", lambda a: linalg.cholesky(mirrored(a), upper=True), (2, 2, 2))
case("np.linalg.cholesky of a stack", lambda a: linalg.cholesky(mirrored(a)), regular(2, 1, 2, 2))
case("np.linalg.cholesky of nothing", linalg.cholesky, regular(0, 3, 3))
both("np.linalg.qr", lambda a: tuple(linalg.qr(a)), (3, 3))
both("np.linalg.qr of a tall matrix", lambda a: tuple(linalg.qr(a)), (4, 2), draw=real, complex_draw=complexes)
both("np.linalg.qr of wide matrices", lambda a: tuple(linalg.qr(a)), (2, 2, 4), draw=real, complex_draw=complexes)
case("np.linalg.qr Q alone", lambda a: linalg.qr(a).Q, real(3, 2))
case("np.linalg.qr complete", lambda a: tuple(linalg.qr(a, "complete")), real(2, 3))
both("np.linalg.qr complete of a tall matrix", lambda a: beyond(*linalg.qr(a, mode="complete")), (4, 2),
     draw=real, complex_draw=complexes)  # fmt: skip
both("np.linalg.qr r", lambda a: linalg.qr(a, "r"), (4, 2), draw=real, complex_draw=complexes)
case("np.linalg.qr of an empty stack", lambda a: tuple(linalg.qr(a)), real(0, 3, 2))


def beyond(q, r):
    """What does not depend on which columns are beyond the given ones, and what is above the zeros of R."""
    others = q[..., r.shape[-1] :]
    return others @ np.conj(others).mT, r


# ---------------------------------------------------------------- eigenvalues and singular values


def of_vectors(w, v):
    """A function of Hermitian matrices, and the sizes of the vectors' elements."""
    return (v * np.cos(w)[..., None, :]) @ np.conj(v).mT, np.abs(v) ** 2, w


def of_triple(u, s, vh):
    """A function of a matrix, and the sizes of the vectors' elements."""
    k = s.shape[-1]
    return (
        (u[..., :k] * np.cos(s)[..., None, :]) @ vh[..., :k, :],
        np.abs(u[..., :k]) ** 2,
        np.abs(vh[..., :k, :]) ** 2,
        s,
    )


def indefinite(a):
    """Hermitian matrices with eigenvalues of both signs."""
    return mirrored(a) - 2.7 * np.eye(3, dtype=a.dtype)


def spaces(u, s, vh):
    """What does not depend on which vectors are beyond the singular values."""
    k = s.shape[-1]
    return u[..., k:] @ np.conj(u[..., k:]).mT, np.conj(vh[..., k:, :]).mT @ vh[..., k:, :]


both("np.linalg.eigh", lambda a: of_vectors(*linalg.eigh(mirrored(a))), (3, 3))
case("np.linalg.eigh U of a stack", lambda a: of_vectors(*linalg.eigh(mirrored(a), "U")), regular(2, 1, 2, 2))
case("np.linalg.eigh values alone", lambda a: linalg.eigh(mirrored(a)).eigenvalues, regular(3, 3))
case("np.linalg.eigh vectors alone", lambda a: np.abs(linalg.eigh(mirrored(a))[1]), regular(3, 3))
case("np.linalg.eigh of an empty stack", lambda a: tuple(linalg.eigh(a)), regular(0, 2, 2))
both("np.linalg.eigvalsh", lambda a: linalg.eigvalsh(mirrored(a)), (2, 3, 3))
case("np.linalg.eigvalsh UPLO=", lambda a: linalg.eigvalsh(mirrored(a), UPLO="u"), regular(3, 3))
case("np.linalg.eigvalsh of nothing", linalg.eigvalsh, regular(0, 0))

for words, shape in {"": (3, 3), " of a tall matrix": (4, 2), " of wide matrices": (2, 2, 3)}.items():
    both(f"np.linalg.svd{words}", lambda a: of_triple(*linalg.svd(a, full_matrices=False)), shape,
         draw=real, complex_draw=complexes)  # fmt: skip
    both(f"np.linalg.svdvals{words}", linalg.svdvals, shape, draw=real, complex_draw=complexes)
case("np.linalg.svd values alone", lambda a: linalg.svd(a)[1], real(2, 3))
case("np.linalg.svd U alone", lambda a: np.abs(linalg.svd(a)[0]), regular(3, 3))
case("np.linalg.svd V alone", lambda a: np.abs(linalg.svd(a).Vh), regular(3, 3))
case("np.linalg.svd compute_uv=False", lambda a: linalg.svd(a, compute_uv=False), real(2, 3))
both("np.linalg.svd full of a tall matrix", lambda a: of_triple(*linalg.svd(a)) + spaces(*linalg.svd(a))[:1], (4, 2),
     draw=real, complex_draw=complexes)  # fmt: skip
both("np.linalg.svd full of a wide matrix", lambda a: of_triple(*linalg.svd(a)) + spaces(*linalg.svd(a))[1:], (2, 4),
     draw=real, complex_draw=complexes)  # fmt: skip
both("np.linalg.svd hermitian", lambda a: of_triple(*linalg.svd(indefinite(a), hermitian=True)), (3, 3))
case("np.linalg.svd hermitian values", lambda a: linalg.svd(mirrored(a), compute_uv=False, hermitian=True), real(3, 3))
case("np.linalg.svd of an empty stack", lambda a: tuple(linalg.svd(a, full_matrices=False)), real(0, 3, 2))
case("np.linalg.svdvals of nothing", linalg.svdvals, real(0, 3))


def of_eigen(w, v):
    """A function of a matrix, and the sizes of the vectors' elements."""
    return (v * w[..., None, :] ** 2) @ linalg.inv(v), np.abs(v) ** 2


def turning(rng):
    """A real matrix with two complex eigenvalues."""
    return np.array([[1.0, 2.0, 0.3], [-2.0, 1.0, 0.2], [0.1, -0.4, 3.0]]) + 0.1 * rng.standard_normal((3, 3))


both("np.linalg.eig", lambda a: of_eigen(*linalg.eig(a)), (3, 3))
case("np.linalg.eig to complex numbers", lambda a: of_eigen(*linalg.eig(a)), turning)
case("np.linalg.eig values alone", lambda a: linalg.eig(a).eigenvalues, regular(2, 1, 2, 2))
case("np.linalg.eig vectors alone", lambda a: np.abs(linalg.eig(a)[1]), regular(2, 2))
both("np.linalg.eigvals", linalg.eigvals, (2, 3, 3))
case("np.linalg.eigvals to complex numbers", linalg.eigvals, turning)
