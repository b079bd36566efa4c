"""Differences, slopes and interpolation: kinks, errors, and equality with NumPy over random input."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calligrad import Value, grad
from calligrad.testing import check_gradients

XP, FP = np.array([0.0, 1.0, 2.5, 4.0]), np.array([1.0, -1.0, 2.0, 0.5])


@given(st.integers(0, 4), st.integers(1, 4), st.integers(-2, 1), st.booleans(), st.booleans())
def test_diff_of_any_order(n, length, axis, before, after):
    x = np.cos(np.arange(3.0 * length)).reshape((length, 3) if axis % 2 == 0 else (3, length))
    ends = {"prepend": 2.0} if before else {}
    ends |= {"append": np.sin(x)} if after else {}

    def diff(x):
        return 1 * np.diff(x, n, axis, **ends)

    np.testing.assert_array_equal(diff(Value(x)).data, diff(x), strict=True)
    check_gradients(diff, x)


@given(st.lists(st.floats(0.1, 2), min_size=2, max_size=6), st.integers(1, 2), st.booleans(), st.booleans())
def test_gradient_at_any_places(steps, edge_order, along_rows, even):
    x = np.cumsum([0.0, *steps]) if not even else 0.3 * np.arange(len(steps) + 1.0)
    f = np.sin(3 * x) if not along_rows else np.sin(x + np.arange(2.0)[:, None])

    def gradient(f, x):
        return np.gradient(f, x, axis=-1, edge_order=edge_order)

    np.testing.assert_array_equal(gradient(Value(f), Value(x)).data, gradient(f, x), strict=True)
    check_gradients(gradient, f, x, order=1, rtol=1e-4, atol=1e-4)


def test_gradient_takes_python_numbers_as_numpy_does():
    """They do not widen float32, not even on the way."""
    f = np.cos(np.arange(5, dtype=np.float32))
    np.testing.assert_array_equal(np.gradient(Value(f), 0.1).data, np.gradient(f, 0.1), strict=True)
    np.testing.assert_array_equal(
        np.gradient(Value(f), np.float64(0.1)).data, np.gradient(f, np.float64(0.1)), strict=True
    )


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.diff(x[0, 0]),
        lambda x: np.diff(x, -1),
        lambda x: np.diff(x, axis=2),
        lambda x: np.diff(x, prepend=np.zeros(3)),
        lambda x: np.ediff1d(x, to_end=1j),
        lambda x: np.gradient(x, 1.0, 2.0, 3.0),
        lambda x: np.gradient(x, edge_order=2),
        lambda x: np.gradient(x, edge_order=3),
        lambda x: np.gradient(x, [1.0, 2.0, 3.0], axis=0),
        lambda x: np.gradient(x, np.ones((2, 2)), axis=0),
        lambda x: np.gradient(x, axis=(0, 0)),
        lambda x: np.trapezoid(x, axis=2),
        lambda x: np.interp(x, [0.0, 1.0], [0.0]),
        lambda x: np.interp(x, [], []),
        lambda x: np.interp(x, [0.0, 1.0], [0.0, 1.0], period=0),
        lambda x: np.interp(x, [0.0, 1.0], [0.0], period=1),
        lambda x: np.interp(x, np.ones((2, 2)), np.ones((2, 2)), period=1),
        lambda x: np.piecewise(x, [x > 0], [1.0, 2.0, 3.0]),
        lambda x: np.unwrap(x, axis=2),
    ],
)
def test_numpys_own_errors(f):
    x = np.arange(4.0).reshape(2, 2)
    with pytest.raises(Exception) as expected:
        f(x)
    with pytest.raises(expected.type):
        f(Value(x))


def test_interp_at_a_kink_has_the_slope_to_its_right():
    slopes = np.diff(FP) / np.diff(XP)
    at = np.array([-1e-9, 0.0, 1.0, 2.5, 4.0, 4.0 + 1e-9])
    g = grad(lambda x: np.sum(np.interp(x, XP, FP)))(at)
    np.testing.assert_allclose(g, [0, *slopes, slopes[-1], 0])


def test_interp_beyond_the_points_moves_with_the_outermost():
    g = grad(lambda fp: np.sum(np.interp([-1.0, -2.0, 5.0], XP, fp)))(FP)
    np.testing.assert_array_equal(g, [2, 0, 0, 1])


def test_unwrap_passes_gradients_as_they_are():
    p = np.array([0.0, 3.0, 9.0, -20.0])
    np.testing.assert_array_equal(grad(lambda p: np.sum(np.unwrap(p) * p[::-1]))(p), np.unwrap(p)[::-1] + p[::-1])


def test_piecewise_calls_its_functions_on_what_they_are_for():
    """So that the other branch cannot spoil the gradient, as with np.where."""
    g = grad(lambda x: np.sum(np.piecewise(x, [x > 0], [np.sqrt, 0.0])))(np.array([4.0, 0.0, -1.0]))
    np.testing.assert_array_equal(g, [0.25, 0, 0])


def test_piecewise_leaves_gaps_at_zero_and_lets_the_last_condition_win():
    x = np.array([-1.0, 0.5, 2.0])

    def f(x):
        return np.piecewise(x, [x > 0, x > 1], [lambda v: v * v, lambda v: 3 * v])

    np.testing.assert_array_equal(f(Value(x)).data, f(x))
    np.testing.assert_array_equal(grad(lambda x: np.sum(f(x)))(x), [0, 1, 3])


def test_piecewise_does_not_call_a_function_for_nothing():
    np.piecewise(Value(np.ones(2)), [np.array([False, False])], [lambda v: 1 / 0])


def test_interp_with_a_step_at_an_end():
    """Two points at one place: NumPy takes the last one from there on, and the first one before."""
    weights = lambda xp: grad(lambda fp: np.sum(np.interp([-1.0, 1.0, 2.0, 0.5], xp, fp)))(np.array([1.0, 2.0, 4.0]))
    np.testing.assert_array_equal(weights([0, 1, 1]), [1.5, 0.5, 2])
    np.testing.assert_array_equal(weights([0, 0, 1]), [1, 0.5, 2.5])
    np.testing.assert_array_equal(weights([1, 1, 1]), [2, 0, 2])
    x = np.array([-np.inf, -1, 0.5, 1, 2, np.inf])
    np.testing.assert_array_equal(grad(lambda x: np.sum(np.interp(x, [0, 1, 1], [1, 2, 4.0])))(x), [0, 0, 1, 0, 0, 0])
