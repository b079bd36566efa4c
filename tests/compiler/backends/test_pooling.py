"""Max pools as kernels."""

import numpy as np
import pytest

import calligrad
from calligrad.nn import functional as F

pytest.importorskip("numba")

from tests.compiler.backends.kernels import assert_same

WINDOWS = [(2,), (2, 2, 1), (3, 2, 1), (3, 1, 0, 2), ((3, 2), (1, 2))]


def pooled_and_back(*window):
    def f(x, g):
        y, pull = calligrad.vjp(lambda x: F.max_pool2d(x, *window), x)
        return y, pull(g)[0]

    return f


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("columns", [6, 7, 70])
def test_maxima_and_their_gradients_are_numpys(window, columns):
    rng = np.random.default_rng(0)
    x = rng.integers(0, 3, (2, 3, 6, columns)).astype(np.float32)  # with equal numbers
    g = rng.standard_normal(F.max_pool2d(x, *window).shape, np.float32)
    assert_same(pooled_and_back(*window), x, g, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("sizes", [(5, 5), (1, 4), (6, 3), (8, 2)])
@pytest.mark.parametrize("columns", [1, 4, 13])
def test_windows_of_unequal_length(sizes, columns):
    rng = np.random.default_rng(0)
    x = rng.integers(0, 3, (2, 3, 6, columns)).astype(np.float32)
    x[1, 2, 1:3] = np.nan
    g = rng.standard_normal((2, 3, *sizes), np.float32)

    def f(x, g):
        y, pull = calligrad.vjp(lambda x: F.adaptive_max_pool2d(x, sizes), x)
        return y, pull(g)[0]

    assert_same(f, x, g, rtol=1e-6, atol=1e-6)


def test_the_last_nan_of_a_window_counts():
    x = np.arange(32.0).reshape(1, 2, 4, 4)
    x[0, 0, :2, :2] = np.nan
    x[0, 1, 3, 1] = np.nan
    x[0, 1, 0] = -np.inf
    g = np.arange(1.0, 9).reshape(1, 2, 2, 2)
    assert_same(pooled_and_back(2), x, g)
    assert_same(lambda x: F.max_pool1d(x[0], 3, 1, 1), x)


@pytest.mark.parametrize("window", [(2,), (3, 2, 1), (3, 1, 1, True, False), ((2, 3), (1, 2))])
@pytest.mark.parametrize("columns", [6, 7])
def test_averages_and_their_gradients_are_numpys(window, columns):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 3, 6, columns), np.float32)
    g = rng.standard_normal(F.avg_pool2d(x, *window).shape, np.float32)

    def f(x, g):
        y, pull = calligrad.vjp(lambda x: F.avg_pool2d(x, *window), x)
        return y, pull(g)[0]

    assert_same(f, x, g, rtol=1e-5, atol=1e-6)
    assert_same(lambda x: F.avg_pool1d(x[0], 2), x, rtol=1e-5, atol=1e-6)
