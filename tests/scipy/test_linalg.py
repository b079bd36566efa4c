"""What calligrad offers of scipy.linalg: SciPy's results, triangles that are not read, and what is refused."""

import re
import tracemalloc

import numpy as np
import pytest
import scipy.linalg

from calligrad import Value, grad, vjp
from calligrad.scipy import linalg

RNG = np.random.default_rng(0)
A = np.diag(np.arange(2.0, 6)) + 0.3 * RNG.standard_normal((4, 4))
S = A @ A.T
B = RNG.standard_normal((4, 2))
Q = RNG.standard_normal((4, 4))

CALLS = {
    "block_diag": [((A, B, B[0], 2.0), {})],
    "cho_factor": [((S,), {}), ((S, True), {"check_finite": False})],
    "cho_solve": [(((S, low), b), {}) for low in (True, False) for b in (B, B[:, 0])],
    "cholesky": [((S,), {}), ((S, True), {}), ((S,), {"lower": True, "overwrite_a": True})],
    "circulant": [((B[0],), {})],
    "coshm": [((A,), {})],
    "cosm": [((A,), {})],
    "det": [((A,), {})],
    "eigh": [((S,), {}), ((S,), {"lower": False, "driver": "ev"}), ((S,), {"eigvals_only": True})],
    "eigvalsh": [((S,), {}), ((S,), {"lower": False})],
    "expm": [((A,), {})],
    "hankel": [((B[0],), {}), ((B[0], B[1]), {})],
    "inv": [((A,), {})],
    "logm": [((S,), {})],
    "lu": [((x,), k) for x in (A, B, B.T) for k in ({}, {"permute_l": True}, {"p_indices": True})],
    "lu_factor": [((A,), {}), ((A[::-1],), {})],
    "lu_solve": [(((A, np.array([3, 2, 3, 3])), B), {"trans": t}) for t in (0, 1, 2)],
    "polar": [((x,), {"side": side}) for x, side in ((A, "right"), (A, "left"), (B, "right"), (B.T, "left"))],
    "qr": [((x,), {"mode": mode}) for x in (B, B.T) for mode in ("full", "r", "economic")],
    "sinhm": [((A,), {})],
    "sinm": [((A,), {})],
    "solve": [((A, B), {}), ((A, B[:, 0]), {"transposed": True})]
    + [((S, B), {"assume_a": kind, "lower": low}) for kind in ("pos", "sym", "her") for low in (False, True)],
    "solve_banded": [(((1, 1), S[:3], B), {}), (((0, 2), S[[3, 3, 0]], B[:, 0]), {})],
    "solve_continuous_are": [((A, B, S, S[:2, :2]), {}), ((A, B, S, S[:2, :2]), {"balanced": False})],
    "solve_continuous_lyapunov": [((A, Q), {})],
    "solve_discrete_are": [((A, B, S, S[:2, :2]), {})],
    "solve_discrete_lyapunov": [((0.1 * A, Q), {}), ((0.1 * A, Q), {"method": "bilinear"})],
    "solve_sylvester": [((A, A[:2, :2], B), {})],
    "solve_toeplitz": [((S[0], B), {}), (((S[0], B[:, 0]), B[:, 0]), {})],
    "solve_triangular": [((A, B, t), {"lower": low, "unit_diagonal": u})
                         for t in (0, "N", 1, "T", 2, "C") for low in (0, 1) for u in (0, 1)],
    "solveh_banded": [((np.array([B[:, 0], S.diagonal()]), B), {}),
                      ((np.array([S.diagonal(), B[:, 0]]), B[:, 1]), {"lower": True})],
    "sqrtm": [((S,), {}), ((-S,), {})],
    "svd": [((B,), {}), ((B, False), {}), ((B,), {"compute_uv": False})],
    "svdvals": [((B,), {})],
    "tanhm": [((0.1 * A,), {})],
    "tanm": [((0.1 * A,), {})],
    "toeplitz": [((B[0],), {}), ((B[0], B[1]), {})],
}  # fmt: skip


def test_every_function_is_called():
    assert CALLS.keys() == set(linalg.__all__)


def cast(x, dtype):
    if isinstance(x, tuple):
        return tuple(cast(part, dtype) for part in x)
    return x.astype(dtype) if isinstance(x, np.ndarray) and x.dtype.kind == "f" else x


def as_values(x):
    if isinstance(x, tuple):
        return tuple(map(as_values, x))
    return Value(x.copy()) if isinstance(x, np.ndarray) and x.dtype.kind in "fc" else x


def assert_same(got, expected):
    """Bit for bit, where results are alone or in tuples."""
    if isinstance(expected, tuple):
        assert len(got) == len(expected)
        for a, b in zip(got, expected, strict=True):
            assert_same(a, b)
    else:
        got = got.data if isinstance(got, Value) else got
        np.testing.assert_array_equal(got, expected, strict=isinstance(expected, np.ndarray))


@pytest.mark.parametrize("dtype", ["f8", "f4", "c16"])
@pytest.mark.parametrize("name", CALLS)
def test_results_are_scipys(name, dtype):
    ours, scipys = getattr(linalg, name), getattr(scipy.linalg, name)
    if name == "logm" and dtype == "f4":
        return  # SciPy warns of every logarithm in single precision
    for arguments, keywords in CALLS[name]:
        arguments = cast(arguments, dtype)
        if keywords.get("transposed") and dtype == "c16":
            continue  # SciPy has none
        copies = [x.copy() if isinstance(x, np.ndarray) else x for x in arguments]
        expected = scipys(*copies, **keywords)
        assert_same(ours(*arguments, **{k: v for k, v in keywords.items() if k != "overwrite_a"}), expected)
        values = as_values(arguments)
        assert_same(ours(*values, **keywords), expected)
        assert_same(values, arguments)  # nothing was overwritten


@pytest.mark.parametrize(
    "name", sorted(CALLS.keys() - {"block_diag", "circulant", "hankel", "solve_banded", "toeplitz"})
)
def test_wrong_shapes_raise_scipys_error(name):
    arguments, keywords = CALLS[name][0]
    wrong = [np.ones((2, 2, 3, 5, 1))] + [np.ones(7)] * (len(arguments) - 1)
    if isinstance(arguments[0], tuple):
        wrong[0] = (wrong[0], *arguments[0][1:])
    try:
        getattr(scipy.linalg, name)(*wrong, **keywords)
    except Exception as error:
        with pytest.raises(type(error)):
            getattr(linalg, name)(*as_values(tuple(wrong)), **keywords)


# ---------------------------------------------------------------- what is read


@pytest.mark.parametrize("lower", [False, True])
def test_one_triangle_is_enough(lower):
    """The gradient is that of Hermitian matrices, also where nonsense stands in the triangle that is not read."""
    half = np.where(np.tri(4, dtype=bool) if lower else np.tri(4, dtype=bool).T, S, 77.0)
    for f in (
        lambda a: linalg.cholesky(a, lower=lower),
        lambda a: linalg.cho_solve(linalg.cho_factor(a, lower), B),
        lambda a: linalg.solve(a, B, assume_a="pos", lower=lower),
        lambda a: linalg.solve(a, B, assume_a="sym", lower=lower),
        lambda a: linalg.eigvalsh(a, lower=lower),
    ):
        of_half, of_whole = (grad(lambda a, f=f: np.sum(np.sin(f(a))))(x) for x in (half, S))
        np.testing.assert_allclose(of_half, of_whole, rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(of_half, of_half.T, rtol=1e-10, atol=1e-12)


def test_hermitian_solvers_agree_with_the_general_one_on_hermitian_matrices():
    x = RNG.standard_normal((4, 4))

    def through(kind):
        return grad(lambda x: np.sum(np.sin(linalg.solve(x @ x.T + np.eye(4), B, assume_a=kind))))(x)

    for kind in ("pos", "sym", "her"):
        np.testing.assert_allclose(through(kind), through("gen"), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("lower", "unit"), [(False, False), (True, False), (False, True), (True, True)])
def test_what_solve_triangular_does_not_read_has_no_gradient(lower, unit):
    g = grad(lambda a: np.sum(linalg.solve_triangular(a, B, lower=lower, unit_diagonal=unit)))(A)
    read = np.tri(4, k=-1 if unit else 0, dtype=bool)
    np.testing.assert_array_equal(g != 0, read if lower else read.T)


STRUCTURES = {
    "diagonal": np.eye(4),
    "tridiagonal": np.tri(4, k=1) * np.tri(4, k=1).T,
    "upper triangular": np.tri(4).T,
    "lower triangular": np.tri(4),
}


@pytest.mark.skipif(linalg.equations.GUESS is not None, reason="this SciPy does not know these structures")
@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("kind", STRUCTURES)
def test_structures_of_solve(kind, transposed):
    a, places = A * STRUCTURES[kind], STRUCTURES[kind]
    of_kind, general = (
        grad(lambda a, k=k: np.sum(np.sin(linalg.solve(a, B, assume_a=k, transposed=transposed))))(a)
        for k in (kind, "gen")
    )
    np.testing.assert_allclose(of_kind, general * places, rtol=1e-10, atol=1e-12)


def test_the_idle_triangle_of_a_factor_has_no_gradient():
    c, lower = linalg.cho_factor(Value(S), lower=True)
    np.sum(c).backward()
    v = Value(S)
    np.sum(np.tril(scipy.linalg.cholesky(S, lower=True)) * 0 + linalg.cholesky(v, lower=True)).backward()
    assert lower
    g = grad(lambda c: np.sum(linalg.cho_solve((c, True), B)))(c.data)
    np.testing.assert_array_equal(np.triu(g, 1), 0)


@pytest.mark.parametrize("name", ["inv", "det", "eigh", "eigvalsh", "svd", "svdvals", "qr"])
def test_nobody_looks_for_nan_who_is_not_asked_to(name, recwarn):
    a, ours, scipys = np.full((3, 3), np.nan), getattr(linalg, name), getattr(scipy.linalg, name)
    with pytest.raises(ValueError, match="infs or NaNs"):
        ours(Value(a))
    try:
        expected = scipys(a, check_finite=False)
    except ValueError as error:  # what LAPACK itself says of NaN
        with pytest.raises(ValueError, match=re.escape(str(error))):
            ours(Value(a), check_finite=False)
    else:
        assert_same(ours(Value(a), check_finite=False), expected)


# ---------------------------------------------------------------- the rest


@pytest.mark.parametrize("b", [np.ones((2, 4, 1)), np.ones((1, 4, 2))])
def test_stacks_of_banded_equations_are_refused(b):
    for call in (
        lambda: linalg.solve_toeplitz(Value(S[0]), b),
        lambda: linalg.solve_banded((1, 1), Value(S[:3]), b),
        lambda: linalg.solveh_banded(Value([S.diagonal(), B[:, 0]]), b, lower=True),
    ):
        with pytest.raises((NotImplementedError, ValueError), match=r"not a stack|(?i:incompatible|shape)"):
            call()


@pytest.mark.parametrize("shape", [(2, 3), ()])
def test_hankel_of_what_is_no_vector_is_what_this_version_of_scipy_makes_of_it(shape, recwarn):
    c = np.asarray(RNG.standard_normal(shape))
    try:
        expected = scipy.linalg.hankel(c)
    except IndexError:
        with pytest.raises(IndexError):
            linalg.hankel(Value(c))
    else:
        assert_same(linalg.hankel(Value(c)), expected)


def test_solve_toeplitz_needs_little_memory():
    n = 3000
    c = np.r_[9.0, RNG.standard_normal(n - 1) / n]
    tracemalloc.start()
    vjp(linalg.solve_toeplitz, c, c)[1](c)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100 * c.nbytes


def test_identities():
    """Two ways to the same gradient."""
    for left, right in [
        (lambda a: linalg.logm(linalg.expm(0.2 * a)), lambda a: 0.2 * a),
        (lambda a: linalg.sqrtm(a @ a), lambda a: a),
        (lambda a: linalg.inv(a), lambda a: np.linalg.inv(a)),
        (lambda a: linalg.det(a), lambda a: np.linalg.det(a)),
        (lambda a: linalg.solve(a, B), lambda a: linalg.lu_solve(linalg.lu_factor(a), B)),
        (lambda a: linalg.solve_continuous_lyapunov(a, Q), lambda a: linalg.solve_sylvester(a, a.T, Q)),
        (lambda a: linalg.sinm(a) @ linalg.sinm(a), lambda a: np.eye(4) - linalg.cosm(a) @ linalg.cosm(a)),
    ]:
        got, expected = (grad(lambda a, f=f: np.sum(np.sin(np.real(f(a)))))(A) for f in (left, right))
        np.testing.assert_allclose(got, expected, rtol=1e-8, atol=1e-10)


def test_a_real_matrix_may_have_a_complex_root():
    (g,) = vjp(linalg.sqrtm, -S)[1](1j * np.eye(4))
    np.testing.assert_allclose(g, -np.linalg.inv(scipy.linalg.sqrtm(S)) / 2, rtol=1e-9, atol=1e-12)


def test_exchanges_of_rows_are_undone():
    for a in (A, A[::-1], A[[2, 0, 3, 1]]):
        p, l, u = linalg.lu(Value(a))
        np.testing.assert_allclose((p @ l @ u).data, a, atol=1e-12)
        for f in (lambda a: np.multiply(*map(np.sum, linalg.lu(a, permute_l=True))),):
            assert grad(f)(a).shape == a.shape


def test_integers_are_constants():
    whole = np.array([[4, 1], [1, 3]])
    assert not linalg.cholesky(Value(whole)).requires_grad
    assert_same(linalg.expm(Value(whole)), scipy.linalg.expm(whole))


@pytest.mark.parametrize("keywords", [{"b": S}, {"subset_by_index": [0, 1]}, {"subset_by_value": [0.0, 3.0]}])
def test_eigh_of_less_or_more_than_one_matrix_is_refused(keywords):
    for f in (linalg.eigh, linalg.eigvalsh):
        with pytest.raises(NotImplementedError, match="take l = cholesky"):
            f(Value(S), **keywords)


def test_what_scipys_decompositions_can_do_beyond_is_refused():
    for call in (
        lambda: linalg.qr(Value(A), pivoting=True),
        lambda: linalg.qr(Value(A), mode="raw"),
        lambda: linalg.polar(Value(B), "left"),
        lambda: linalg.solve_continuous_are(Value(A), B, S, S[:2, :2], s=B),
        lambda: linalg.solve_discrete_are(Value(A), B, S, S[:2, :2], e=A),
    ):
        with pytest.raises(NotImplementedError):
            call()


def test_what_lies_outside_of_the_bands_is_not_read():
    ab = np.array([[np.nan, 1.0, 2.0], [4.0, 5.0, 6.0], [1.0, 2.0, np.nan]])
    g = grad(lambda ab: np.sum(linalg.solve_banded((1, 1), ab, np.ones(3))))(np.nan_to_num(ab))
    np.testing.assert_array_equal(g == 0, np.isnan(ab))


@pytest.mark.parametrize(
    "f",
    [
        lambda b: linalg.solve(A, b),
        lambda b: linalg.solve_triangular(A, b),
        lambda b: linalg.cho_solve((A, True), b),
        lambda b: linalg.lu_solve((A, np.arange(4)), b),
        lambda b: linalg.solve_banded((1, 1), A[:3], b),
        lambda b: linalg.solveh_banded(np.array([S.diagonal(), B[:, 0]]), b, lower=True),
        lambda b: linalg.solve_toeplitz(S[0], b),
    ],
)
def test_a_gradient_of_nan_goes_through(f):
    (g,) = vjp(f, B[:, 0])[1](np.full(4, np.nan))
    assert np.isnan(g).all()
