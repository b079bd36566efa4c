"""The error function, to the last digits."""

import math

import numpy as np
import pytest

from calligrad import erf, grad
from calligrad.testing import check_gradients

X = np.concatenate([np.linspace(-7, 7, 20_001), [0.46875, -0.46875, 4.0, -4.0, 1e-300, 5e-324, 1e-8, 30.0, 1e300]])


def test_erf_equals_the_standard_librarys_to_the_last_digits():
    expected = np.array([math.erf(x) for x in X])
    np.testing.assert_allclose(erf(X), expected, rtol=2e-15, atol=0)


@pytest.mark.parametrize(("dtype", "rtol"), [("f4", 3e-7), ("f2", 2e-3)])
def test_erf_in_other_precisions(dtype, rtol):
    x = X[np.abs(X) < 100].astype(dtype)
    y = erf(x)
    assert y.dtype == dtype
    np.testing.assert_allclose(y, [math.erf(v) for v in x.astype(float)], rtol=rtol, atol=np.finfo(dtype).tiny)


def test_erf_is_odd_and_bounded():
    np.testing.assert_array_equal(erf(-X), -erf(X))
    assert np.abs(erf(X)).max() == 1.0
    np.testing.assert_array_equal(erf(np.array([-np.inf, np.inf])), [-1, 1])
    assert np.isnan(erf(np.nan))
    assert math.copysign(1, erf(-0.0)) == -1


def test_erf_of_integers_and_of_nothing():
    np.testing.assert_allclose(erf(np.array([0, 1, 2])), [0, math.erf(1), math.erf(2)])
    assert erf(np.zeros((0, 2))).shape == (0, 2)


def test_slope():
    np.testing.assert_allclose(grad(erf)(0.0), 2 / math.sqrt(math.pi))
    check_gradients(erf, np.array([-3.0, -0.46875, 0.0, 0.2, 4.0]), order=3, rtol=1e-5, atol=1e-5)
