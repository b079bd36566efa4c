"""Order statistics: which numbers take the gradient, NaNs, and the wrong arguments."""

import numpy as np
import pytest

from calligrad import Value, grad, hessian

X = np.array([5.0, 1.0, 4.0, 2.0])


def test_the_gradient_goes_to_the_neighbours_by_nearness():
    np.testing.assert_array_equal(grad(np.median)(X), [0, 0, 0.5, 0.5])
    np.testing.assert_array_equal(grad(np.median)(X[:3]), [0, 0, 1])
    np.testing.assert_allclose(grad(lambda x: np.quantile(x, 0.25))(X), [0, 0.25, 0, 0.75])
    np.testing.assert_allclose(grad(lambda x: np.percentile(x, 25))(X), [0, 0.25, 0, 0.75])
    np.testing.assert_array_equal(grad(lambda x: np.quantile(x, 1))(X), [1, 0, 0, 0])
    np.testing.assert_array_equal(grad(lambda x: np.quantile(x, 0.3, method="lower"))(X), [0, 1, 0, 0])
    np.testing.assert_array_equal(hessian(np.median)(X), np.zeros((4, 4)))


def test_of_equal_numbers_one_takes_it():
    g = grad(np.median)(np.array([1.0, 2.0, 2.0, 2.0, 3.0]))
    assert g.sum() == 1
    assert np.count_nonzero(g) == 1
    assert g[[0, 4]].sum() == 0


def test_the_gradient_in_q_is_the_height_of_a_step():
    in_q = grad(lambda q: np.sum(np.quantile(X, q)))
    np.testing.assert_allclose(in_q(np.array(0.5)), 3 * (4 - 2))
    np.testing.assert_allclose(in_q(np.array([0.1, 0.9])), [3 * (2 - 1), 3 * (5 - 4)])
    np.testing.assert_allclose(grad(lambda q: np.percentile(X, q))(np.array(50.0)), 3 * (4 - 2) / 100)
    for method in ("hazen", "weibull", "nearest", "inverted_cdf"):
        at = np.array([0.01, 0.99])  # beyond the first and the last number
        np.testing.assert_array_equal(grad(lambda q, m=method: np.sum(np.quantile(X, q, method=m)))(at), [0, 0])


def test_a_nan_takes_the_gradient_of_nan():
    x = np.array([[1.0, np.nan, 3.0], [4.0, 6.0, 5.0]])
    np.testing.assert_array_equal(grad(lambda x: np.sum(np.median(x, 1)))(x), [[0, 1, 0], [0, 0, 1]])
    np.testing.assert_array_equal(grad(lambda x: np.sum(np.quantile(x, [0.0, 1.0], 1)))(x), [[0, 2, 0], [1, 1, 0]])


@pytest.mark.filterwarnings("ignore:Mean of empty slice", "ignore:invalid value")
def test_the_median_of_nothing_is_nan_as_numpys():
    x = Value(np.zeros((2, 0)))
    y = np.median(x, axis=1)
    assert np.isnan(y.data).all()
    y.backward()
    assert x.grad.shape == (2, 0)


def test_a_python_number_is_weak_and_an_array_is_not():
    x = np.array([1.0, 2.0], np.float32)
    assert np.quantile(Value(x), 0.3).dtype == np.float32
    for q in (np.array([0.3]), Value(np.array([0.3]))):
        assert np.quantile(Value(x), q).dtype == np.float64


def test_weights_are_constants():
    w = Value(np.array([1.0, 2.0, 3.0, 4.0]))
    y = np.quantile(Value(X), 0.5, weights=w, method="inverted_cdf")
    y.backward()
    assert w.grad is None


@pytest.mark.parametrize(
    ("f", "error"),
    [
        (lambda x: np.quantile(x, 1.5), ValueError),
        (lambda x: np.quantile(x, 0.5, method="middle"), ValueError),
        (lambda x: np.quantile(x, 0.5, weights=X), ValueError),
        (lambda x: np.median(x, axis=1), np.exceptions.AxisError),
        (lambda x: np.percentile(x + 1j, 50), TypeError),
    ],
)
def test_numpys_errors(f, error):
    for x in (X, Value(X)):
        with pytest.raises(error):
            f(x)


def test_out_is_refused_and_nothing_is_overwritten():
    with pytest.raises(TypeError, match=r"np\.median of a Value does not take out"):
        np.median(Value(X), out=np.zeros(()))
    x = X.copy()
    np.median(Value(x), overwrite_input=True)
    np.testing.assert_array_equal(x, X)
