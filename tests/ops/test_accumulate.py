"""Running results: zeros, infinities, records, segments, and what NumPy refuses."""

import numpy as np
import pytest

from calligrad import Value, grad, hessian, jacobian
from calligrad.testing import check_gradients


@pytest.mark.parametrize("zeros", [(), (0,), (2,), (0, 3), (1, 2), (0, 1, 2, 3)])
def test_cumprod_is_exact_at_zeros_to_second_order(zeros):
    x = np.array([2.0, -3.0, 0.5, 7.0])
    x[list(zeros)] = 0.0

    def of_others(k, *left_out):
        """The product of the first k + 1 but some; 0 where one is left out twice or is none of them."""
        if len(set(left_out)) < len(left_out) or max(left_out) > k:
            return 0.0
        return np.prod(np.delete(x[: k + 1], left_out))

    each = np.ndindex
    first = np.reshape([of_others(*ki) for ki in each(4, 4)], (4, 4))
    np.testing.assert_allclose(jacobian(np.cumprod)(x), first, rtol=1e-14)
    for k in range(4):
        second = np.reshape([of_others(k, *ij) for ij in each(4, 4)], (4, 4))
        np.testing.assert_allclose(hessian(lambda x, k=k: np.cumprod(x)[k])(x), second, rtol=1e-13, atol=1e-13)


def test_cumprod_where_products_leave_the_range_of_numbers():
    x = np.array([1e-200, 1e-200, 3.0])
    np.testing.assert_array_equal(grad(lambda x: np.cumprod(x)[1])(x), [1e-200, 1e-200, 0])
    x = np.array([np.inf, 2.0])
    np.testing.assert_array_equal(grad(lambda x: np.cumprod(x)[1])(x), [2, np.inf])


def test_a_long_cumprod_with_zeros():
    x = np.random.default_rng(0).uniform(0.9, 1.1, 2000)
    x[[700, 1500]] = 0
    g = grad(lambda x: np.sum(np.cumprod(x)))(x)
    others = np.where(np.arange(2000) == 700, 1, x)
    np.testing.assert_allclose(g[700], np.sum(np.cumprod(others)[700:]))
    np.testing.assert_array_equal(g[701:], 0)


def test_running_sums_of_powers_reach_from_minus_infinity_to_infinity():
    f = np.logaddexp.accumulate
    np.testing.assert_allclose(jacobian(f)(np.array([-np.inf, 0.0, 0.0])), [[1, 0, 0], [0, 1, 0], [0, 0.5, 0.5]])
    np.testing.assert_allclose(jacobian(f)(np.array([1000.0, -1000.0, 1000.0])), [[1, 0, 0], [1, 0, 0], [0.5, 0, 0.5]])
    np.testing.assert_array_equal(jacobian(f)(np.array([1.0, np.inf, 2.0])), [[1, 0, 0], [0, 1, 0], [0, 1, 0]])


def test_running_lengths_from_the_origin():
    np.testing.assert_allclose(jacobian(np.hypot.accumulate)(np.array([0.0, 0.0, 2.0])), np.diag([1.0, 0, 1]))


@pytest.mark.parametrize("sign", [1, -1])
def test_the_first_to_set_a_record_takes_the_gradient(sign):
    f = np.maximum.accumulate if sign == 1 else np.minimum.accumulate
    g = grad(lambda x: np.sum(f(x) * np.array([1.0, 2, 4, 8, 16])))(sign * np.array([2.0, 2.0, 1.0, 3.0, 3.0]))
    np.testing.assert_array_equal(g, [7, 0, 0, 24, 0])


def test_a_nan_is_a_record_for_maximum_and_none_for_fmax():
    x = np.array([np.nan, 1.0, np.nan, 2.0])
    np.testing.assert_array_equal(grad(lambda x: np.sum(np.fmax.accumulate(x)))(x), [1, 2, 0, 1])
    np.testing.assert_array_equal(grad(lambda x: np.sum(np.maximum.accumulate(x[1:])))(x), [0, 1, 2, 0])


def test_segments_share_ties_and_give_nans_their_own():
    x = np.array([1.0, 1.0, 0.0, np.nan, 5.0])
    np.testing.assert_array_equal(grad(lambda x: np.sum(np.maximum.reduceat(x, [0, 3])))(x), [0.5, 0.5, 0, 1, 0])
    g = grad(lambda x: np.sum(np.minimum.reduceat(x[:3], [0, 2, 1])))(x)
    np.testing.assert_array_equal(g, [0.5, 0.5, 2, 0, 0])


@pytest.mark.parametrize("indices", [[0], [4], [0, 4, 1, 3, 2], [3, 1], [2, 2], np.array([1, 3])])
def test_the_sums_of_any_segments(indices):
    check_gradients(lambda x: np.add.reduceat(x, indices, axis=1), np.arange(10.0).reshape(2, 5))


def refused(f, error):
    """The words of the error that both an array and a Value raise."""
    said = []
    for kind in (np.array, Value):
        with pytest.raises(error) as caught:
            f(kind)
        said.append(str(caught.value))
    assert said[0] == said[1]


def test_numpys_errors():
    refused(lambda kind: np.add.accumulate(kind(3.0)), TypeError)
    refused(lambda kind: np.cumsum(kind([3.0]), axis=1), np.exceptions.AxisError)
    refused(lambda kind: np.add.accumulate(kind([3.0]), axis=1), np.exceptions.AxisError)
    refused(lambda kind: np.add.reduceat(kind([1.0, 2.0]), [2]), IndexError)


@pytest.mark.skipif(not hasattr(np, "cumulative_sum"), reason="from NumPy 2.1")
def test_the_standards_running_sum_wants_an_axis():
    with pytest.raises(ValueError, match="axis"):
        np.cumulative_sum(Value(np.ones((2, 3))))


def test_out_is_refused():
    x = Value(np.ones(3))
    for f in (np.cumsum, np.cumprod, np.nancumsum):
        with pytest.raises(TypeError, match=f"np.{f.__name__} of a Value does not take out"):
            f(x, out=np.zeros(3))


def test_a_dtype_of_integers_gives_constants():
    y = np.cumsum(Value(np.array([1.0, 2.0])), dtype=np.int64)
    assert not y.requires_grad
    assert y.dtype == np.int64


@pytest.mark.parametrize("ufunc", [np.add, np.maximum])
def test_no_segments(ufunc):
    np.testing.assert_array_equal(grad(lambda x: np.sum(ufunc.reduceat(x, [])))(np.ones(3)), [0, 0, 0])
