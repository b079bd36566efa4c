"""Making arrays: NumPy's ``like=``, nested lists of Values, and ranges."""

import io
import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calligrad import Value, grad
from calligrad.nests import map_leaves
from calligrad.testing import check_gradients

V = Value(np.array([1.0, 2.0]))

CONSTANTS = {
    "zeros": lambda **like: np.zeros((2, 3), **like),
    "ones": lambda **like: np.ones(3, np.float32, **like),
    "empty": lambda **like: np.empty((0, 3), **like),
    "eye": lambda **like: np.eye(2, 3, 1, **like),
    "identity": lambda **like: np.identity(2, **like),
    "tri": lambda **like: np.tri(2, 3, -1, **like),
    "full": lambda **like: np.full((2, 2), 7, order="F", **like),
    "array": lambda **like: np.array([[1, 2.5]], np.float32, ndmin=3, **like),
    "asarray": lambda **like: np.asarray([1, 2], "f4", "F", **like),
    "asanyarray": lambda **like: np.asanyarray(3, **like),
    "ascontiguousarray": lambda **like: np.ascontiguousarray(3.0, **like),
    "asfortranarray": lambda **like: np.asfortranarray(np.ones((2, 3)), **like),
    "require": lambda **like: np.require([1, 2], "f4", ["C", "W"], **like),
    "arange": lambda **like: np.arange(7, **like),
    "arange from": lambda **like: np.arange(1, 2, 0.3, dtype=np.float32, **like),
    "fromfunction": lambda **like: np.fromfunction(lambda i, j: i + j, (2, 3), dtype=int, **like),
    "frombuffer": lambda **like: np.frombuffer(b"abcdefgh", np.uint8, 3, 1, **like),
    "fromiter": lambda **like: np.fromiter(range(9), float, 4, **like),
    "fromstring": lambda **like: np.fromstring("1 2 3", sep=" ", **like),
    "genfromtxt": lambda **like: np.genfromtxt(io.StringIO("1,2\n3,4"), delimiter=",", **like),
    "loadtxt": lambda **like: np.loadtxt(io.StringIO("1 2\n3 4"), **like),
}


@pytest.mark.parametrize("name", CONSTANTS)
def test_an_array_made_like_a_value_is_a_constant_value(name):
    expected, y = CONSTANTS[name](), CONSTANTS[name](like=V)
    assert isinstance(y, Value)
    assert not y.requires_grad
    np.testing.assert_array_equal(y.data, expected, strict=True)


def test_fromfile_makes_a_constant_value(tmp_path):
    np.arange(3.0).tofile(tmp_path / "numbers")
    y = np.fromfile(tmp_path / "numbers", like=V)
    assert isinstance(y, Value)
    np.testing.assert_array_equal(y.data, [0, 1, 2])


def test_zeros_like_a_value_can_be_filled_with_what_carries_a_gradient():
    def f(x):
        y = np.zeros(3, like=x)
        y[1:] = x**2
        return np.sum(y)

    np.testing.assert_array_equal(grad(f)(np.array([1.0, 2.0])), [2, 4])


@pytest.mark.parametrize("convert", [np.asarray, np.asanyarray, np.ascontiguousarray, np.require])
def test_a_value_that_is_as_it_should_be_stays_what_it_is(convert):
    assert convert(V, like=V) is V
    assert convert(V, np.float64, like=V) is V
    assert convert(V, np.float32, like=V).dtype == np.float32
    x = Value(3.0)
    assert convert(x, like=x) is x or convert is np.ascontiguousarray


def test_array_copies_unless_told_otherwise():
    y = np.array(V, like=V)
    assert not np.shares_memory(y, V)
    assert np.array(V, copy=None, like=V) is V
    with pytest.raises(ValueError, match="copy"):
        np.array(V, np.float32, copy=False, like=V)


def test_order_and_axes():
    x = Value(np.ones((2, 3)))
    assert np.asfortranarray(x, like=x).data.flags.f_contiguous
    assert np.array(x, order="F", like=x).data.flags.f_contiguous
    assert np.require(x, None, "F", like=x).data.flags.f_contiguous
    y = np.ascontiguousarray(Value(2.0), like=x)  # of one axis at least
    np.sum(3 * y).backward()
    assert y.shape == (1,)


@given(st.recursive(st.floats(-3, 3), lambda part: st.lists(part, min_size=2, max_size=2), max_leaves=8))
def test_nested_lists_of_values_and_numbers(nest):
    """As np.array makes them; whether there is a Value or a number at a place does not matter."""
    try:
        expected = np.array(nest)
    except ValueError:  # ragged
        if isinstance(nest, list):
            with pytest.raises(ValueError, match="inhomogeneous"):
                np.array(map_leaves(Value, nest), like=V)
        return
    turn = itertools.count()
    every_second = map_leaves(lambda x: Value(x) if next(turn) % 2 else x, nest)
    for mixed in (map_leaves(Value, nest), every_second):
        np.testing.assert_array_equal(np.array(mixed, like=V).data, expected, strict=True)
    if isinstance(nest, list):
        check_gradients(lambda x: np.array(map_leaves(lambda y: x[0] * y, nest), like=x), np.array([2.0]))


def test_arrays_in_a_list_with_values_are_constants():
    x = Value(np.array([1.0, 2.0], np.float32))
    y = np.array([x, [3, 4], np.array([5, 6], np.float32)], like=x)
    assert y.dtype == np.float64  # a list of whole numbers is an array of 64 bits
    y.grad = np.arange(6.0).reshape(3, 2)
    y.backward()
    np.testing.assert_array_equal(x.grad, np.array([0, 1], np.float32), strict=True)


def test_full_takes_nested_lists():
    x = Value(2.0)
    y = np.full((2, 2), [x, 1.0], like=x)
    np.testing.assert_array_equal(y.data, [[2, 1], [2, 1]])
    np.sum(y).backward()
    assert x.grad == 2


def test_fromiter_that_is_too_short_raises_numpys_error():
    with pytest.raises(ValueError, match="too short"):
        np.fromiter(iter([Value(1.0)]), float, 2, like=V)


def test_whole_numbers_between_values_are_constants():
    y, step = np.linspace(Value(0.5), Value(9.0), 4, dtype=int, retstep=True)
    assert not y.requires_grad
    assert step.requires_grad
    np.testing.assert_array_equal(y.data, np.linspace(0.5, 9, 4, dtype=int), strict=True)


def test_one_number_has_no_step():
    y, step = np.linspace(Value(1.0), Value(2.0), 1, retstep=True)
    assert np.isnan(step)
    y.backward()


def test_ends_may_be_lists_with_values():
    x = Value(2.0)
    y = np.linspace(x, [1.0, x], 3)
    np.testing.assert_array_equal(y.data, np.linspace(2.0, [1.0, 2], 3))
    np.sum(y * [[1, 2], [3, 4], [5, 6]]).backward()
    assert x.grad == 1 + 1.5 + 2 + 4 + 6


@pytest.mark.parametrize(
    "call",
    [
        lambda x: np.linspace(x, 2, -1),
        lambda x: np.linspace(x, 2, 3.5),
        lambda x: np.linspace(x, np.ones(3)),
        lambda x: np.linspace(x, 2, device="gpu"),
        lambda x: np.full(2, x, device="gpu", like=x),
        lambda x: np.full_like(x, x, device="gpu"),
        lambda x: np.arange(x[0], 3, device="gpu", like=x),
        lambda x: np.geomspace(x, 0),
        lambda x: np.geomspace(0 * x, 1),
    ],
)
def test_wrong_arguments_raise_numpys_errors(call):
    with pytest.raises((TypeError, ValueError)) as expected:
        call(np.ones(2))
    with pytest.raises(expected.type):
        call(Value(np.ones(2)))
