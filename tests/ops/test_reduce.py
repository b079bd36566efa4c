"""Reductions: every axis of every shape, ties, zeros, infinities."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes

import calligrad as cg
from calligrad import Value, grad, hessian, jacobian
from calligrad.testing import check_gradients

REDUCTIONS = {
    "sum": np.sum,
    "mean": np.mean,
    "var": np.var,
    "prod": np.prod,
    "max": np.max,
    "min": np.min,
    "logsumexp": cg.logsumexp,
}


@st.composite
def shapes_and_axes(draw):
    """A shape and an axis argument for it: None, one axis or several, from the front or from the back."""
    shape = draw(array_shapes(min_dims=1, max_dims=4, max_side=3))
    n = len(shape)
    axes = draw(st.lists(st.integers(0, n - 1), unique=True, max_size=n))
    signed = tuple(axis - n if draw(st.booleans()) else axis for axis in axes)
    return shape, draw(st.sampled_from([None, signed, signed[0] if signed else None]))


def distinct(shape):
    x = 0.5 + np.arange(math.prod(shape)) * 0.618034 % 1
    return x.reshape(shape)


@given(st.sampled_from(sorted(REDUCTIONS)), shapes_and_axes(), st.booleans())
def test_any_axes_of_any_shape(name, shape_and_axis, keepdims):
    (shape, axis), f = shape_and_axis, REDUCTIONS[name]
    x = distinct(shape)
    y = f(Value(x), axis=axis, keepdims=keepdims)
    np.testing.assert_array_equal(y.data, f(x, axis=axis, keepdims=keepdims), strict=True)
    check_gradients(lambda x: f(x, axis=axis, keepdims=keepdims), x, order=1)


@given(shapes_and_axes(), st.sampled_from([0, 1, 0.5]))
def test_degrees_of_freedom(shape_and_axis, ddof):
    shape, axis = shape_and_axis
    axes = range(len(shape)) if axis is None else np.atleast_1d(axis)
    if math.prod(shape[i] for i in axes) > ddof:
        check_gradients(lambda x: np.var(x, axis=axis, ddof=ddof), distinct(shape), order=1)


@pytest.mark.filterwarnings("ignore:Degrees of freedom", "ignore:invalid value", "ignore:divide by zero")
def test_var_without_a_degree_of_freedom_has_no_gradient_and_says_so_with_nan():
    x = Value(np.ones((2, 1)))
    y = np.var(x, axis=1, ddof=1)
    assert np.isnan(y.data).all()
    y.backward()
    assert np.isnan(x.grad).all()


def test_var_of_one_number_has_gradient_0():
    np.testing.assert_array_equal(grad(np.var)(np.array([3.0])), [0])
    np.testing.assert_array_equal(grad(np.var)(np.full(4, 3.0)), np.zeros(4))


def test_var_of_large_numbers_is_not_lost_to_rounding():
    x = 1e8 + np.array([0.0, 1.0, 2.0])
    np.testing.assert_allclose(np.var(Value(x)).data, 2 / 3)
    np.testing.assert_allclose(grad(np.var)(x), 2 / 3 * np.array([-1, 0, 1]))


@pytest.mark.parametrize("dtype", ["f2", "f4"])
def test_the_mean_of_more_numbers_than_float16_can_count(dtype):
    g = grad(np.mean)(np.ones(100_000, dtype))
    assert g.dtype == dtype
    np.testing.assert_allclose(g, np.full(100_000, 1e-5), rtol=0.01)


# ---------------------------------------------------------------- max and min


@pytest.mark.parametrize("f", [np.max, np.min])
def test_equal_extremes_share_evenly(f):
    sign = 1 if f is np.max else -1
    x = sign * np.array([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]])
    np.testing.assert_array_equal(grad(f)(x), [[0, 0.5, 0.5], [0, 0, 0]])
    by_rows = grad(lambda x: np.sum(f(x, axis=1) * np.array([1.0, 30.0])))(x)
    np.testing.assert_allclose(by_rows, [[0, 0.5, 0.5], [10, 10, 10]])
    by_columns = grad(lambda x: np.sum(f(x, axis=0, keepdims=True)))(x)
    np.testing.assert_array_equal(by_columns, [[0, 1, 1], [1, 0, 0]])
    for dtype in ("f2", "f4"):
        g = grad(f)(x.astype(dtype))
        np.testing.assert_array_equal(g, np.array([[0, 0.5, 0.5], [0, 0, 0]], dtype), strict=True)


def test_max_of_infinities():
    np.testing.assert_array_equal(grad(np.max)(np.array([1.0, np.inf, -np.inf])), [0, 1, 0])
    np.testing.assert_array_equal(grad(np.max)(np.array([-np.inf, -np.inf])), [0.5, 0.5])


def test_the_second_derivative_of_max_is_0():
    np.testing.assert_array_equal(hessian(np.max)(np.array([1.0, 3.0, 2.0])), np.zeros((3, 3)))


# ---------------------------------------------------------------- prod


@pytest.mark.parametrize("zeros", [(), (0,), (2,), (0, 3), (0, 1, 2), (0, 1, 2, 3)])
def test_prod_is_exact_at_zeros_to_third_order(zeros):
    x = np.array([2.0, -3.0, 0.5, 7.0])
    x[list(zeros)] = 0.0

    def of_others(*left_out):
        """The product of all but some; 0 where one is left out twice."""
        return np.prod(np.delete(x, left_out)) if len(set(left_out)) == len(left_out) else 0.0

    each = np.ndindex
    first = grad(np.prod)(x)
    np.testing.assert_allclose(first, [of_others(i) for (i,) in each(4)], rtol=1e-14)
    second = hessian(np.prod)(x)
    np.testing.assert_allclose(
        second, np.reshape([of_others(*ij) for ij in each(4, 4)], (4, 4)), rtol=1e-13, atol=1e-13
    )
    third = jacobian(hessian(np.prod))(x)
    np.testing.assert_allclose(
        third, np.reshape([of_others(*ijk) for ijk in each(4, 4, 4)], (4, 4, 4)), rtol=1e-12, atol=1e-12
    )


@pytest.mark.parametrize("axis", [None, 0, 1, -1, (0, 1), (0, 2), (2, 0, 1)])
@pytest.mark.parametrize("keepdims", [False, True])
def test_prod_of_some_rows_with_zeros(axis, keepdims):
    x = 0.8 + np.arange(24.0).reshape(2, 3, 4) / 60
    x[0, 1, 2] = x[0, 2, 2] = x[1, 0, 3] = 0.0
    check_gradients(lambda x: np.prod(x, axis=axis, keepdims=keepdims), x, rtol=1e-5)


def test_prod_keeps_the_precision_at_zeros():
    x = Value(np.array([0.0, 2.0, 3.0], "f4"))
    np.prod(x).backward()
    np.testing.assert_array_equal(x.grad, np.array([6, 0, 0], "f4"), strict=True)


# ---------------------------------------------------------------- logsumexp and softmax


def test_logsumexp_of_huge_and_of_infinite_numbers():
    assert cg.logsumexp(np.array([1e300, 1e300])) == 1e300
    np.testing.assert_allclose(cg.logsumexp(np.array([-1e3, -1e3])), -1e3 + math.log(2))
    assert cg.logsumexp(np.array([-np.inf, -np.inf])) == -np.inf
    assert cg.logsumexp(np.array([-np.inf, 1.0])) == 1.0
    assert cg.logsumexp(np.array([np.inf, 1000.0])) == np.inf
    assert np.isnan(cg.logsumexp(np.array([np.nan, 1.0])))
    assert cg.logsumexp(np.array([])) == -np.inf


def test_gradient_of_logsumexp_of_huge_and_of_infinite_numbers():
    for x, expected in (
        ([1e300, 1e300], [0.5, 0.5]),
        ([1e4, -1e4], [1, 0]),
        ([-np.inf, 1.0], [0, 1]),
        ([-np.inf, -np.inf], [0, 0]),
        ([np.inf, 1.0], [1, 0]),
        ([np.inf, 1000.0, -np.inf], [1, 0, 0]),
    ):
        np.testing.assert_array_equal(grad(cg.logsumexp)(np.array(x)), expected)
    g = grad(lambda x: np.sum(cg.logsumexp(x, axis=1)))(np.array([[-np.inf, -np.inf], [0.0, 0.0]]))
    np.testing.assert_array_equal(g, [[0, 0], [0.5, 0.5]])


def test_softmax_of_huge_numbers():
    np.testing.assert_array_equal(cg.softmax(np.array([1e300, -1e300, 0.0])), [1, 0, 0])
    np.testing.assert_array_equal(cg.softmax(np.array([1e308, 1e308])), [0.5, 0.5])
    np.testing.assert_array_equal(cg.softmax(np.array([-np.inf, 0.0])), [0, 1])
    np.testing.assert_array_equal(cg.log_softmax(np.array([-np.inf, 0.0])), [-np.inf, 0])
    np.testing.assert_array_equal(cg.log_softmax(np.array([0.0, 1e4])), [-1e4, 0])
    j = jacobian(cg.softmax)(np.array([1e300, 1e300, -1e300]))
    np.testing.assert_array_equal(j, [[0.25, -0.25, 0], [-0.25, 0.25, 0], [0, 0, 0]])
    for dtype in ("f2", "f4"):
        y = cg.softmax(np.array([6e4, -6e4], dtype))
        np.testing.assert_array_equal(y, np.array([1, 0], dtype), strict=True)


def test_softmax_sums_to_1_and_log_softmax_is_its_logarithm():
    x = np.random.default_rng(0).standard_normal((5, 7)) * 10
    np.testing.assert_allclose(cg.softmax(x).sum(-1), 1)
    np.testing.assert_allclose(np.log(cg.softmax(x)), cg.log_softmax(x))
    np.testing.assert_allclose(cg.log_softmax(x), x - cg.logsumexp(x, axis=-1, keepdims=True))


# ---------------------------------------------------------------- zero-size and constants


@pytest.mark.parametrize("f", [np.sum, np.prod, cg.logsumexp])
def test_nothing_reduces_to_the_neutral_element(f):
    x = Value(np.zeros((0, 3)))
    np.testing.assert_array_equal(f(x, axis=0).data, np.full(3, {np.sum: 0.0, np.prod: 1.0}.get(f, -np.inf)))
    f(x).backward()
    assert x.grad.shape == (0, 3)


@pytest.mark.filterwarnings("ignore:Mean of empty slice", "ignore:invalid value", "ignore:Degrees of freedom")
@pytest.mark.parametrize("f", [np.mean, np.var])
def test_the_mean_of_nothing_is_nan_as_numpys(f):
    x = Value(np.zeros((0, 3)))
    y = f(x, axis=0)
    assert np.isnan(y.data).all()
    y.backward()
    assert x.grad.shape == (0, 3)


def test_any_and_all_of_a_condition_on_values():
    x = Value(np.array([[1.0, -1.0], [2.0, 3.0]]))
    np.testing.assert_array_equal((x > 0).all(axis=1), [False, True])
    np.testing.assert_array_equal(x.argmax(axis=1), [0, 1])


# ---------------------------------------------------------------- keywords


def test_the_start_shares_a_tie():
    np.testing.assert_array_equal(grad(lambda x: np.max(x, initial=3.0))(np.array([1.0, 3.0])), [0, 0.5])
    np.testing.assert_array_equal(grad(lambda x: np.max(x, initial=4.0))(np.array([1.0, 3.0])), [0, 0])
    np.testing.assert_array_equal(grad(lambda x: np.prod(x, initial=4.0))(np.array([0.0, 3.0])), [12, 0])


def test_a_mask_lets_no_nan_through():
    x, where = (
        np.array([[1.0, math.nan, 4.0], [2.0, 3.0, math.inf]]),
        np.array([[True, False, True], [True, True, False]]),
    )
    for f in (np.sum, np.mean, np.var, np.std, np.prod):
        g = grad(lambda x, f=f: np.sum(f(x, axis=1, where=where)))(x)
        assert np.isfinite(g).all()
        np.testing.assert_array_equal(g[~where], [0, 0])
    h = hessian(lambda x: np.sum(np.var(x, axis=1, where=where)))(x)
    assert np.isfinite(h).all()


def test_settings_that_would_lose_a_gradient_are_refused():
    x, start = Value(np.ones(3)), Value(np.array(2.0))
    with pytest.raises(TypeError, match=r"initial= of np\.sum is a constant"):
        np.sum(x, initial=start)
    assert np.sum(x, initial=start.detach()).item() == 5
    mask = Value(np.array([True, False, True]))
    assert np.sum(x, where=mask).item() == 2


@pytest.mark.parametrize("f", [np.sum, np.prod, np.mean, np.var, np.std, np.max, np.min])
def test_out_is_refused(f):
    with pytest.raises(TypeError, match=f"np.{f.__name__} of a Value does not take out"):
        f(Value(np.ones(3)), out=np.zeros(()))


@pytest.mark.parametrize(
    ("f", "error"),
    [
        (lambda x: np.sum(x, axis=2), np.exceptions.AxisError),
        (lambda x: np.sum(x, axis=(0, 0)), ValueError),
        (lambda x: np.sum(x, axis=0.5), TypeError),
        (lambda x: np.max(x[:0]), ValueError),
        (lambda x: np.max(x, where=x > 0), ValueError),
        (lambda x: np.var(x, ddof=1, correction=1), ValueError),
        (lambda x: np.sum(x, axes=0), TypeError),
        (lambda x: np.sum(x, where=np.ones((4, 1, 1), bool)), ValueError),
    ],
)
def test_numpys_errors(f, error):
    x = np.ones((2, 3))
    for a in (x, Value(x)):
        with pytest.raises(error):
            f(a)


def test_a_0d_array_has_an_axis_to_reduce():
    for f in (np.sum, np.max, np.prod):
        np.testing.assert_array_equal(grad(lambda x, f=f: f(x, axis=0))(np.array(3.0)), 1)


def test_the_mean_that_var_was_given_has_a_gradient():
    x, m = np.array([1.0, 2.0, 6.0]), np.array([2.0])
    gx, gm = grad(lambda x, m: np.var(x, mean=m), (0, 1))(x, m)
    np.testing.assert_allclose(gx, 2 * (x - m) / 3)
    np.testing.assert_allclose(gm, [-2])


def test_complex_numbers_are_ordered_by_their_real_part_first():
    z = np.array([1 + 5j, 2 - 1j, 2 + 3j])
    np.testing.assert_array_equal(grad(lambda z: np.real(np.max(z)))(z), [0, 0, 1])
    np.testing.assert_allclose(grad(np.var)(z), 2 * (z - np.mean(z)) / 3)


def test_the_mean_keeps_its_digits_where_the_variance_has_more_than_the_numbers():
    x = np.array([2048, 2050, 2050], np.float16)  # whose mean float16 does not have
    np.testing.assert_allclose(grad(np.var)(x), [-8 / 9, 4 / 9, 4 / 9], rtol=1e-3)
    x = (1e4 + np.random.default_rng(0).random(100)).astype(np.float32)
    wide = x.astype(np.float64)
    for f in (np.var, np.std):
        g = grad(lambda x, f=f: f(x, dtype=np.float64))(x)
        assert g.dtype == np.float32
        np.testing.assert_allclose(g, grad(f)(wide), rtol=1e-6)


@pytest.mark.parametrize("f", [np.max, lambda x: np.sum(np.maximum.reduceat(x, [0])), lambda x: np.sum(np.unique(x))])
def test_more_ties_than_float16_can_count(f):
    g = grad(f)(np.ones(70_000, np.float16))
    np.testing.assert_array_equal(g, np.full(70_000, 1 / 70_000, np.float16), strict=True)
