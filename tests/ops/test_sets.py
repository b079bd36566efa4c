"""Sets: ties, NaNs, and the constants beside the values."""

import numpy as np
import pytest

from calligrad import Value

X = np.array([[3.0, 1.0, 3.0], [2.0, 1.0, 3.0]])


def gradients_of(f, *xs):
    """The gradients when those of the values are 6, 12, 18, …"""
    vs = [Value(x) for x in xs]
    y = f(*vs)
    np.testing.assert_array_equal(y.data, f(*xs), strict=True)
    y.grad = 6.0 * np.arange(1, y.size + 1).reshape(y.shape)
    y.backward()
    return [v.grad for v in vs]


def test_equal_numbers_share_evenly():
    (g,) = gradients_of(np.unique, X)
    np.testing.assert_array_equal(g, [[6, 3, 6], [12, 3, 6]])


def test_equal_numbers_of_both_arrays_share_evenly():
    a, b = np.array([1.0, 2.0, 2.0]), np.array([2.0, 5.0, 5.0])
    for f, ga, gb in (
        (np.union1d, [6, 4, 4], [4, 9, 9]),
        (np.intersect1d, [0, 2, 2], [2, 0, 0]),
        (np.setdiff1d, [6, 0, 0], [0, 0, 0]),
        (np.setxor1d, [6, 0, 0], [0, 6, 6]),
    ):
        got = gradients_of(f, a, b)
        np.testing.assert_array_equal(got[0], ga)
        np.testing.assert_array_equal(got[1], gb)


def test_equal_rows_share_evenly():
    x = np.array([[1.0, 2.0], [0.0, 1.0], [1.0, 2.0]])
    (g,) = gradients_of(lambda x: np.unique(x, axis=0), x)
    np.testing.assert_array_equal(g, [[9, 12], [6, 12], [9, 12]])
    (g,) = gradients_of(lambda x: np.unique(x, axis=1), x.T)
    np.testing.assert_array_equal(g, [[6, 6, 6], [12, 18, 12]])


@pytest.mark.parametrize("equal_nan", [True, False])
def test_nans_share_evenly(equal_nan):
    (g,) = gradients_of(lambda x: np.unique(x, equal_nan=equal_nan), np.array([np.nan, 1.0, np.nan]))
    np.testing.assert_array_equal(g, [6, 6, 6] if equal_nan else [15, 6, 15])


def test_zeros_of_either_sign_are_equal():
    (g,) = gradients_of(np.unique, np.array([0.0, -0.0, 1.0]))
    np.testing.assert_array_equal(g, [3, 3, 12])


CALLS = {
    "np.unique": lambda x: np.unique(x, return_index=True, return_inverse=True, return_counts=True),
    "np.unique by position": lambda x: np.unique(x, True, False, True),
    "np.unique of rows": lambda x: np.unique(x, return_inverse=True, axis=0),
    "np.unique_all": np.unique_all,
    "np.unique_counts": np.unique_counts,
    "np.unique_inverse": np.unique_inverse,
    "np.intersect1d": lambda x: np.intersect1d(x, [3.0, 7.0], return_indices=True),
}


@pytest.mark.parametrize("f", CALLS.values(), ids=CALLS)
def test_all_but_the_values_are_constants(f):
    expected = f(X)
    values, *constants = got = f(Value(X))
    assert type(got) is type(expected)
    assert values.created_by is not None
    np.testing.assert_array_equal(values.data, expected[0], strict=True)
    for a, b in zip(constants, expected[1:], strict=True):
        assert type(a) is np.ndarray
        np.testing.assert_array_equal(a, b, strict=True)


def test_lists_and_constants_beside_a_value():
    x = Value(X)
    np.testing.assert_array_equal(np.union1d([0, 1], x).data, [0, 1, 2, 3])
    np.testing.assert_array_equal(np.setdiff1d(x, [1]).data, [2, 3])
    assert not np.unique(Value([2, 1, 2])).requires_grad


def test_wrong_arguments_raise_numpys_own_error():
    with pytest.raises(np.exceptions.AxisError):
        np.unique(Value(X), axis=2)
    with pytest.raises(TypeError):
        np.unique(Value(X), twice=True)
