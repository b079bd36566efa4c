"""Functions applied along axes: constants, and what NumPy refuses."""

import numpy as np
import pytest

from calligrad import Value

X = np.arange(6.0).reshape(2, 3)


def test_a_function_of_constants_gives_a_plain_array():
    y = np.apply_along_axis(np.argmax, 1, Value(X))
    assert type(y) is np.ndarray
    np.testing.assert_array_equal(y, [2, 2], strict=True)


def test_arguments_may_be_values():
    k = Value(np.array(2.0))
    np.sum(np.apply_along_axis(lambda row, k: k * row, 0, Value(X), k)).backward()
    np.testing.assert_array_equal(k.grad, X.sum())


def test_numpys_errors():
    for x in (X, Value(X)):
        with pytest.raises(np.exceptions.AxisError):
            np.apply_along_axis(np.sum, 2, x)
        with pytest.raises(ValueError, match="not returning an array of the correct shape"):
            np.apply_over_axes(lambda x, axis: np.sum(x), x, [0])
    for x in (X[:0], Value(X[:0])):
        with pytest.raises(ValueError, match="when any iteration dimensions are 0"):
            np.apply_along_axis(np.sum, 1, x)
