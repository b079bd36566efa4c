"""The reduce of further ufuncs: ties, infinities, NaNs, masks."""

import numpy as np
import pytest

from calligrad import Value, grad, hessian


@pytest.mark.parametrize(("f", "nans"), [(np.fmax.reduce, np.max), (np.fmin.reduce, np.min)])
def test_fmax_leaves_nans_out_and_shares_ties(f, nans):
    sign = 1 if f == np.fmax.reduce else -1
    np.testing.assert_array_equal(grad(f)(sign * np.array([3.0, np.nan, 3.0, 1.0])), [0.5, 0, 0.5, 0])
    np.testing.assert_array_equal(grad(f)(np.array([np.nan, np.nan])), [0.5, 0.5])
    np.testing.assert_array_equal(grad(nans)(np.array([1.0, np.nan])), [0, 1])


@pytest.mark.parametrize("f", [np.logaddexp.reduce, np.logaddexp2.reduce])
def test_sums_of_powers_that_are_infinite(f):
    for x, expected in (
        ([1e4, -1e4], [1, 0]),
        ([-np.inf, 1.0], [0, 1]),
        ([-np.inf, -np.inf], [0, 0]),
        ([np.inf, 1.0], [1, 0]),
        ([np.inf, 2.0, np.inf], [0.5, 0, 0.5]),
    ):
        np.testing.assert_array_equal(grad(f)(np.array(x)), expected)
    y = f(Value(np.zeros((0, 2))))
    np.testing.assert_array_equal(y.data, [-np.inf, -np.inf])
    y.backward()


def test_hypot_at_the_origin_has_gradient_0():
    np.testing.assert_array_equal(grad(np.hypot.reduce)(np.zeros(3)), np.zeros(3))
    np.testing.assert_allclose(grad(np.hypot.reduce)(np.array([3e200, 4e200])), [0.6, 0.8])


def test_the_first_of_a_row_is_what_the_others_are_subtracted_from():
    x = np.array([[1.0, 2.0, 4.0], [8.0, 2.0, 2.0]])
    np.testing.assert_array_equal(grad(lambda x: np.sum(np.subtract.reduce(x, axis=1)))(x), [[1, -1, -1]] * 2)
    np.testing.assert_array_equal(grad(lambda x: np.sum(np.subtract.reduce(x, axis=1, initial=0)))(x), -np.ones((2, 3)))
    np.testing.assert_array_equal(grad(lambda x: np.sum(np.subtract.reduce(x)))(x), [[1, 1, 1], [-1, -1, -1]])
    np.testing.assert_array_equal(
        grad(lambda x: np.divide.reduce(x[1], initial=4.0))(x), [[0] * 3, [-1 / 64, -1 / 16, -1 / 16]]
    )
    np.testing.assert_array_equal(grad(np.divide.reduce)(np.array([0.0, 2.0, 4.0])), [1 / 8, 0, 0])
    np.testing.assert_array_equal(grad(np.subtract.reduce)(np.array(3.0)), 1)


def test_numpy_says_which_axes_a_ufunc_cannot_take_together():
    x = np.ones((2, 3))
    for a in (x, Value(x)):
        with pytest.raises(ValueError, match="not reorderable"):
            np.subtract.reduce(a, axis=(0, 1))


@pytest.mark.parametrize("name", ["power.reduce", "arctan2.accumulate", "multiply.reduceat", "floor_divide.reduce"])
def test_what_has_no_derivative_is_refused(name):
    ufunc, method = name.split(".")
    args = ([0, 1],) if method == "reduceat" else ()
    with pytest.raises(NotImplementedError, match=rf"np\.{ufunc}\.{method} has no derivative"):
        getattr(getattr(np, ufunc), method)(Value(np.ones(3)), *args)


@pytest.mark.parametrize("f", [np.hypot.reduce, lambda v: np.sum(np.hypot.accumulate(v))])
def test_the_length_of_nothing_has_no_second_derivative(f):
    np.testing.assert_array_equal(hessian(f)(np.zeros(3)), np.zeros((3, 3)))
