"""Averages and covariances: wrong weights, degenerate samples."""

import numpy as np
import pytest

from calligrad import Value, grad

X = np.array([[1.0, 2.0, 4.0], [3.0, -1.0, 2.0]])


def test_the_range_shares_among_equals():
    np.testing.assert_array_equal(grad(np.ptp)(np.array([1.0, 3.0, 1.0, 2.0])), [-0.5, 1, -0.5, 0])
    np.testing.assert_array_equal(grad(np.ptp)(np.array([2.0])), [0])


def test_the_gradient_of_weights_is_the_distance_from_the_average():
    w = np.array([1.0, 1.0, 2.0])
    np.testing.assert_allclose(grad(lambda w: np.average(X[0], weights=w))(w), (X[0] - 2.75) / 4)


def test_average_of_integers_by_weights():
    w = Value(np.array([1.0, 3.0], np.float32))
    y = np.average(np.array([1, 2]), weights=w)
    expected = np.average(np.array([1, 2]), weights=w.data)
    np.testing.assert_array_equal(y.data, expected, strict=True)
    y.backward()
    np.testing.assert_allclose(w.grad, [-3 / 16, 1 / 16], rtol=1e-6)


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"weights": np.ones(3)}, TypeError),
        ({"weights": np.ones(2), "axis": 1}, ValueError),
        ({"weights": np.zeros((2, 3))}, ZeroDivisionError),
        ({"axis": 2}, np.exceptions.AxisError),
    ],
)
def test_average_raises_as_numpy_does(settings, error):
    for x in (X, Value(X)):
        with pytest.raises(error):
            np.average(x, **settings)


def test_covariances_of_what_barely_is_a_sample():
    assert np.cov(Value(np.zeros((0, 3)))).shape == np.cov(np.zeros((0, 3))).shape
    np.testing.assert_array_equal(grad(np.cov)(np.array([2.0, 2.0])), [0, 0])
    with pytest.warns(RuntimeWarning, match="Degrees of freedom"), np.errstate(all="ignore"):
        y = np.cov(Value(np.array([2.0])))
    y.backward()


def test_covariances_of_whole_numbers_are_constants():
    y = np.cov(Value(np.arange(6).reshape(2, 3)))
    assert not y.requires_grad
    np.testing.assert_array_equal(y.data, np.cov(np.arange(6).reshape(2, 3)))


def test_perfect_correlation_is_no_corner():
    x = np.array([[1.0, 2.0, 4.0], [2.0, 4.0, 8.0]])
    np.testing.assert_allclose(grad(lambda x: np.corrcoef(x)[0, 1])(x), np.zeros((2, 3)), atol=1e-15)
    assert np.corrcoef(Value(x)).data.max() <= 1


@pytest.mark.parametrize(
    ("f", "error"),
    [
        (lambda x: np.cov(np.reshape(x, (1, 2, 3))), ValueError),
        (lambda x: np.cov(x, ddof=0.5), ValueError),
        (lambda x: np.cov(x, fweights=[1, 2]), RuntimeError),
        (lambda x: np.cov(x, fweights=[1, 2, 0.5]), TypeError),
        (lambda x: np.cov(x, aweights=[1, -2, 1]), ValueError),
        (lambda x: np.cov(x, np.ones((2, 4))), ValueError),
    ],
)
def test_cov_raises_as_numpy_does(f, error):
    for x in (X, Value(X)):
        with pytest.raises(error):
            f(x)


def test_frequencies_are_constants():
    with pytest.raises(TypeError, match=r"fweights= of np\.cov is a constant"):
        np.cov(X, fweights=Value(np.ones(3)))
