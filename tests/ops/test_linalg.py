"""Linear equations, inverses, determinants, factors and products, where the table of cases does not reach."""

import numpy as np
import pytest
from numpy import linalg
from numpy.linalg import LinAlgError

from calligrad import Value, grad, hessian
from calligrad.testing import check_gradients
from calligrad.value import unwrap

SINGULAR = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]])


# ---------------------------------------------------------------- results as NumPy gives them


@pytest.mark.parametrize("name", ["svd", "qr", "eig", "eigh", "slogdet"])
def test_several_results_come_in_numpys_namedtuples(name):
    f, a = getattr(linalg, name), np.diag([1.0, 2.0])
    got, expected = f(Value(a)), f(a)
    assert type(got) is type(expected)
    for field in expected._fields:
        np.testing.assert_array_equal(getattr(got, field).data, getattr(expected, field), strict=True)


@pytest.mark.parametrize(
    ("f", "args"),
    [
        (linalg.inv, [np.zeros((2, 2))]),
        (linalg.inv, [np.zeros((2, 3))]),
        (linalg.inv, [np.zeros(2)]),
        (linalg.solve, [np.zeros((2, 2)), np.ones(2)]),
        (linalg.solve, [np.eye(2), np.ones(3)]),
        (linalg.det, [np.zeros((2, 3))]),
        (linalg.slogdet, [np.zeros(3)]),
        (linalg.cholesky, [-np.eye(2)]),
        (linalg.qr, [np.zeros(3)]),
        (linalg.svd, [np.zeros(3)]),
        (linalg.svdvals, [np.zeros(3)]),
        (linalg.eig, [np.full((2, 2), np.nan)]),
        (linalg.eigvals, [np.full((2, 2), np.inf)]),
        (linalg.eigh, [np.zeros((2, 3))]),
        (linalg.eigvalsh, [np.zeros((2, 3))]),
        (linalg.lstsq, [np.ones((3, 2)), np.ones(2)]),
        (linalg.lstsq, [np.ones((2, 3, 2)), np.ones(3)]),
        (linalg.pinv, [np.ones(3)]),
        (linalg.cond, [np.zeros((0, 2))]),
        (lambda a: linalg.cond(a, 1), [np.ones((3, 2))]),
        (lambda a: linalg.matrix_power(a, 2), [np.ones((3, 2))]),
        (lambda a: linalg.matrix_power(a, 2), [np.ones(3)]),
        (lambda a: linalg.matrix_power(a, -1), [np.zeros((2, 2))]),
        (lambda a: linalg.matrix_power(a, 1.5), [np.eye(2)]),
        (lambda a: linalg.tensorinv(a, 0), [np.ones((2, 2))]),
        (lambda a: linalg.tensorinv(a, 1), [np.ones((2, 3))]),
        (linalg.tensorsolve, [np.ones((2, 3)), np.ones(2)]),
        (lambda a: linalg.multi_dot([a]), [np.ones((2, 2))]),
        (lambda a, b: linalg.multi_dot([a, b]), [np.ones((2, 2)), np.ones((3, 2))]),
        (lambda a, b, c: linalg.multi_dot([a, b, c]), [np.ones((2, 2)), np.ones(2), np.ones((2, 2))]),
        (lambda a: linalg.eigh(a, "X"), [np.eye(2)]),
        (lambda a: linalg.eigvalsh(a, "X"), [np.eye(2)]),
        (lambda a: linalg.qr(a, "best"), [np.eye(2)]),
        (lambda a: linalg.pinv(a, rcond=0.1, rtol=0.1), [np.eye(2)]),
    ],
)
def test_errors_are_numpys(f, args):
    with pytest.raises(Exception) as expected:
        f(*args)
    with pytest.raises(type(expected.value)):
        f(*map(Value, args))


@pytest.mark.parametrize("name", ["inv", "det", "cholesky", "svdvals", "eigvalsh"])
def test_half_precision_is_refused_as_numpy_refuses_it(name):
    with pytest.raises(TypeError, match="float16 is unsupported"):
        getattr(linalg, name)(Value(np.eye(2, dtype=np.float16)))


def test_lists_are_taken_beside_values():
    b = Value(np.array([2.0, 4.0]))
    np.sum(linalg.solve([[2, 0], [0, 4]], b)).backward()
    np.testing.assert_array_equal(b.grad, [0.5, 0.25])
    x, *_ = linalg.lstsq([[2, 0], [0, 4]], b)
    np.testing.assert_allclose(x.data, [1, 1])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nan_and_inf_pass_where_numpy_lets_them(bad):
    a = np.array([[bad, 0.0], [0.0, 1.0]])
    for f in (linalg.inv, linalg.det, linalg.norm):
        v = Value(a)
        with np.errstate(invalid="ignore"):
            y = f(v)
            np.sum(y).backward()
            np.testing.assert_array_equal(y.data, f(a))
        assert v.grad.shape == a.shape


# ---------------------------------------------------------------- determinants


def cofactors(a):
    n = len(a)
    minors = [[np.delete(np.delete(a, i, 0), j, 1) for j in range(n)] for i in range(n)]
    return np.array([[(-1) ** (i + j) * linalg.det(minors[i][j]) for j in range(n)] for i in range(n)])


@pytest.mark.parametrize(
    "a",
    [SINGULAR, np.ones((3, 3)), np.zeros((3, 3)), np.zeros((2, 2)), np.zeros((1, 1)), np.diag([1.0, 0.0, 2.0, 3.0]),
     np.diag([1.0, 0.0, 2.0, 0.0]), SINGULAR + 1e-9 * np.eye(3), SINGULAR * (1 + 1j), np.outer([1, 1j], [2, 3j])],
    ids=str,
)  # fmt: skip
def test_gradient_of_det_is_the_matrix_of_cofactors_also_of_singular_matrices(a):
    g = grad(lambda a: np.real(linalg.det(a)))(a)
    np.testing.assert_allclose(g, np.conj(cofactors(a)), rtol=1e-12, atol=1e-13)
    check_gradients(linalg.det, a, order=2)


def test_det_of_a_stack_with_a_singular_matrix():
    a = np.stack([SINGULAR, np.diag([1.0, 2.0, 3.0])])
    g = grad(lambda a: np.sum(linalg.det(a)))(a)
    np.testing.assert_allclose(g, [cofactors(x) for x in a], rtol=1e-12, atol=1e-13)


def test_det_of_zeros_has_the_hessian_of_a_product():
    h = hessian(linalg.det)(np.zeros((2, 2)))
    expected = np.zeros((2, 2, 2, 2))
    expected[0, 0, 1, 1] = expected[1, 1, 0, 0] = 1
    expected[0, 1, 1, 0] = expected[1, 0, 0, 1] = -1
    np.testing.assert_allclose(h, expected, atol=1e-15)


def test_det_has_any_derivative_at_regular_matrices_and_two_at_singular_ones():
    check_gradients(linalg.det, np.array([[1.0, 2.0], [3.0, 5.0]]), order=4, rtol=1e-5, atol=1e-5)
    with pytest.raises(NotImplementedError, match="no third derivative"):
        check_gradients(linalg.det, SINGULAR, order=3)


def test_large_determinants_and_small_ones():
    rng = np.random.default_rng(0)
    a = rng.standard_normal((60, 60))
    np.testing.assert_allclose(grad(linalg.det)(a), linalg.det(a) * linalg.inv(a).T)
    v = Value(np.diag(np.full(8, 1e-30)))
    linalg.det(v).backward()
    np.testing.assert_allclose(v.grad, np.diag(np.full(8, 1e-210)), rtol=1e-12)


def test_slogdet_of_a_singular_matrix_has_no_gradient_and_leaves_the_others_alone():
    a = np.stack([np.zeros((2, 2)), np.diag([2.0, 4.0])])
    v = Value(a)
    _, log = linalg.slogdet(v)
    np.testing.assert_array_equal(log.data, [-np.inf, np.log(8)])
    np.sum(log).backward()
    assert np.isnan(v.grad[0]).all()
    np.testing.assert_allclose(v.grad[1], np.diag([0.5, 0.25]))


def test_the_sign_of_a_real_determinant_has_gradient_0():
    np.testing.assert_array_equal(grad(lambda a: linalg.slogdet(a).sign)(np.diag([1.0, -2.0])), np.zeros((2, 2)))


# ---------------------------------------------------------------- one triangle is read

JUNK_ABOVE = np.array([[4.0, 99.0, 99.0], [1.0, 5.0, 99.0], [-1.0, 0.5, 6.0]])
READERS = {
    "cholesky": linalg.cholesky,
    "eigvalsh": linalg.eigvalsh,
    "eigh": lambda a: np.abs(linalg.eigh(a)[1]),
    "pinv": lambda a: linalg.pinv(a, hermitian=True),
    "svd": lambda a: linalg.svd(a, hermitian=True)[1],
}
UPPER_READERS = {
    "cholesky": lambda a: linalg.cholesky(a, upper=True),
    "eigvalsh": lambda a: linalg.eigvalsh(a, "U"),
    "eigh": lambda a: np.abs(linalg.eigh(a, UPLO="U")[1]),
}


@pytest.mark.parametrize(
    ("f", "a"),
    [*((f, JUNK_ABOVE) for f in READERS.values()), *((f, JUNK_ABOVE.T) for f in UPPER_READERS.values())],
    ids=[*READERS, *(f"{name} upper" for name in UPPER_READERS)],
)
def test_the_gradient_is_symmetric_whatever_stands_in_the_triangle_that_is_not_read(f, a):
    triangle = np.tril(JUNK_ABOVE)
    mirrored = triangle + np.tril(JUNK_ABOVE, -1).T
    weights = np.cos(np.arange(f(a).size)).reshape(f(a).shape)
    g = grad(lambda a: np.sum(f(a) * weights))(a)
    np.testing.assert_allclose(g, g.T, atol=1e-14)
    np.testing.assert_allclose(g, grad(lambda a: np.sum(f((a + a.mT) / 2) * weights))(mirrored), atol=1e-14)


# ---------------------------------------------------------------- least squares


@pytest.mark.parametrize("rcond", [None, -1, 0.5])
@pytest.mark.parametrize("shape", [(4, 2), (2, 4), (3, 3), (0, 2), (2, 0)])
def test_lstsq_gives_what_numpy_gives(shape, rcond):
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal(shape), rng.standard_normal((shape[0], 2))
    va, vb = Value(a), Value(b)
    got, expected = linalg.lstsq(va, vb, rcond), linalg.lstsq(a, b, rcond)
    assert type(got) is tuple
    for x, y in zip(got, expected, strict=True):
        np.testing.assert_array_equal(unwrap(x), y, strict=True)
    assert not isinstance(got[2], Value)
    np.sum(got[0]).backward()
    assert va.grad.shape == a.shape
    np.testing.assert_allclose(vb.grad, np.linalg.pinv(a, 0.5 if rcond == 0.5 else 1e-15).sum(0)[:, None] * [1, 1])


def test_lstsq_of_any_rank_is_the_pseudo_inverse():
    """Also in its gradient: the rank does not change along rank-one matrices."""
    u, v, b = np.array([1.0, 2.0, -1.0]), np.array([0.5, 1.0]), np.array([1.0, 0.0, 2.0])
    of_lstsq = grad(lambda u, v, b: np.sum(linalg.lstsq(u[:, None] * v, b, 1e-9)[0] ** 2), (0, 1, 2))(u, v, b)
    of_pinv = grad(lambda u, v, b: np.sum((linalg.pinv(u[:, None] * v, 1e-9) @ b) ** 2), (0, 1, 2))(u, v, b)
    for got, expected in zip(of_lstsq, of_pinv, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-13)


def test_there_are_no_residuals_of_square_or_deficient_matrices():
    for a in (np.eye(2), np.ones((3, 2))):
        residuals = linalg.lstsq(Value(a), np.ones(len(a)))[1]
        assert residuals.shape == (0,)


# ---------------------------------------------------------------- factors and products


def test_qr_raw_is_refused():
    with pytest.raises(NotImplementedError, match="no mode 'raw'"):
        linalg.qr(Value(np.eye(2)), "raw")


def test_qr_of_dependent_columns_has_no_gradient():
    v = Value(np.zeros((3, 2)))
    with pytest.raises(LinAlgError):
        np.sum(linalg.qr(v).Q).backward()


def test_qr_of_no_columns():
    v = Value(np.zeros((3, 0)))
    np.sum(linalg.qr(v, "complete")[0]).backward()
    assert v.grad.shape == (3, 0)


def test_the_first_power_is_the_matrix_itself():
    v = Value(np.eye(2))
    assert linalg.matrix_power(v, 1) is v


def test_the_power_0_of_anything_is_the_identity_with_gradient_0():
    v = Value(np.full((2, 2), np.nan))
    y = linalg.matrix_power(v, 0)
    np.testing.assert_array_equal(y.data, np.eye(2))
    np.sum(y).backward()
    np.testing.assert_array_equal(v.grad, np.zeros((2, 2)))


def test_multi_dot_takes_a_stack_and_no_out():
    a = np.arange(12.0).reshape(3, 2, 2)
    np.testing.assert_array_equal(linalg.multi_dot(Value(a)).data, linalg.multi_dot(a))
    with pytest.raises(TypeError, match="out="):
        linalg.multi_dot([Value(a[0]), a[1]], out=np.empty((2, 2)))


def test_a_matrix_of_nan_leaves_a_singular_one_beside_it_alone():
    a = np.array([[[np.nan, 1], [1, 2]], [[1, 1], [1, 1]]])
    with np.errstate(invalid="ignore"):  # within NumPy's det
        g = grad(lambda a: np.sum(linalg.det(a)))(a)
    np.testing.assert_allclose(g, [[[np.nan, np.nan], [np.nan, np.nan]], [[1, -1], [-1, 1]]])
