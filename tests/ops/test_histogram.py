"""Histograms: counts are constants, edges follow the ends."""

import numpy as np
import pytest

from calligrad import Value, grad

X = np.array([0.5, 2.0, 1.0, 2.5, 0.5])
Y = np.array([1.0, 1.0, 3.0, 2.0, 0.0])


def test_counts_are_plain_arrays():
    x, y = Value(X), Value(Y)
    for got, expected in (
        (np.histogram(x, 3)[0], np.histogram(X, 3)[0]),
        (np.histogram2d(x, y, 3)[0], np.histogram2d(X, Y, 3)[0]),
        (np.histogramdd([x, y])[0], np.histogramdd([X, Y])[0]),
        (np.histogram(x, [0, 1, 3], density=True)[0], np.histogram(X, [0, 1, 3], density=True)[0]),
        (np.bincount(Value(np.array([0, 2, 2]))), np.array([1, 0, 2])),
    ):
        assert type(got) is np.ndarray
        np.testing.assert_array_equal(got, expected, strict=True)


def test_edges_are_constants_where_they_do_not_follow_the_numbers():
    for settings in ({"bins": [0.0, 1.0, 2.0]}, {"bins": 3, "range": (0, 1)}):
        assert type(np.histogram(Value(X), **settings)[1]) is np.ndarray
        assert type(np.histogram_bin_edges(Value(X), **settings)) is np.ndarray
    edges = np.histogram_bin_edges(Value(np.zeros(0)), 2)
    np.testing.assert_array_equal(edges, [0, 0.5, 1])


def test_the_edges_move_with_the_ends_which_share_evenly():
    g = grad(lambda x: np.sum(np.histogram_bin_edges(x, 2) * np.array([1.0, 10.0, 100.0])))(X)
    np.testing.assert_array_equal(g, [3, 0, 0, 105, 3])


def test_what_falls_outside_has_no_gradient():
    g = grad(lambda w: np.sum(np.histogram(X, 3, (0.75, 2.0), weights=w)[0] ** 2))(np.ones(5))
    np.testing.assert_array_equal(g, [0, 2, 2, 0, 0])
    x = np.array([0.5, np.nan, 1.5])
    g = grad(lambda w: np.sum(np.histogram(x, [0.0, 1.0, 2.0], weights=w)[0] ** 2))(np.ones(3))
    np.testing.assert_array_equal(g, [2, 0, 2])


@pytest.mark.parametrize(
    "settings", [{"bins": 7}, {"bins": np.linspace(0.1, 0.9, 9)}, {"bins": 5, "range": (0.2, 0.7)}]
)
def test_each_weight_gets_the_gradient_of_the_bin_that_numpy_put_it_in(settings):
    """Numbers on edges, where rounding decides."""
    x = np.concatenate([np.linspace(0, 1, 101), np.random.default_rng(0).uniform(0, 1, 50)])
    edges = np.histogram_bin_edges(x, **settings)
    numbers = np.arange(1, len(edges))
    g = grad(lambda w: np.sum(np.histogram(x, weights=w, **settings)[0] * numbers))(np.ones(x.size))
    np.testing.assert_array_equal(g, [np.sum(np.histogram([one], edges)[0] * numbers) for one in x])


@pytest.mark.parametrize(
    ("f", "error"),
    [
        (lambda x: np.histogram(x, 0), ValueError),
        (lambda x: np.histogram(x, [2.0, 1.0]), ValueError),
        (lambda x: np.histogram(x, 2, weights=np.ones(3)), ValueError),
        (lambda x: np.histogram2d(x, x[:2]), ValueError),
        (lambda x: np.bincount(x), TypeError),
    ],
)
def test_numpys_errors(f, error):
    for x in (X, Value(X)):
        with pytest.raises(error):
            f(x)
