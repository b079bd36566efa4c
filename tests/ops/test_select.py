"""Taking, choosing and selecting: what is no matter of the table."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from calligrad import Value
from calligrad.testing import check_gradients

SHAPES = array_shapes(min_dims=1, max_dims=3, max_side=4)


@given(st.data())
def test_take_along_axis_of_any_places(data):
    shape = data.draw(SHAPES)
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    chosen = list(shape)
    chosen[axis] = data.draw(st.integers(0, 4))
    if data.draw(st.booleans()):  # NumPy broadcasts the other axes
        chosen = [1 if i != axis % len(shape) and data.draw(st.booleans()) else n for i, n in enumerate(chosen)]
    n = shape[axis]
    indices = data.draw(arrays(np.int64, tuple(chosen), elements=st.integers(-n, n - 1)))
    x = np.arange(1.0, math.prod(shape) + 1).reshape(shape)
    np.testing.assert_array_equal(
        np.take_along_axis(Value(x), indices, axis).data, np.take_along_axis(x, indices, axis), strict=True
    )
    check_gradients(lambda x: np.take_along_axis(x, indices, axis), x, order=1)


@given(st.data())
def test_take_of_any_places(data):
    shape = data.draw(SHAPES)
    axis = data.draw(st.sampled_from([None, *range(-len(shape), len(shape))]))
    mode = data.draw(st.sampled_from(["raise", "wrap", "clip"]))
    n = math.prod(shape) if axis is None else shape[axis]
    most = n if mode == "raise" else 3 * n
    chosen = data.draw(array_shapes(min_dims=0, max_dims=2, max_side=3))
    indices = data.draw(arrays(np.int64, chosen, elements=st.integers(-most, most - 1)))
    x = np.arange(1.0, math.prod(shape) + 1).reshape(shape)
    y = np.take(Value(x), indices, axis, mode=mode)
    np.testing.assert_array_equal(y.data, np.take(x, indices, axis, mode=mode), strict=True)
    check_gradients(lambda x: np.take(x, indices, axis, mode=mode), x, order=1)


X = np.arange(6.0).reshape(2, 3)
WRONG = {
    "np.take beyond the end": lambda x: np.take(x, [0, 6]),
    "np.take of an axis there is not": lambda x: np.take(x, 0, axis=2),
    "np.take at fractions": lambda x: np.take(x, np.array([0.5])),
    "np.take with a mode there is not": lambda x: np.take(x, 0, mode="near"),
    "np.take_along_axis beyond the end": lambda x: np.take_along_axis(x, np.array([[3]]), 1),
    "np.take_along_axis of other axes": lambda x: np.take_along_axis(x, np.array([1]), 1),
    "np.take_along_axis at fractions": lambda x: np.take_along_axis(x, np.array([[0.5]]), 1),
    "np.compress by a matrix": lambda x: np.compress([[True]], x),
    "np.compress beyond the end": lambda x: np.compress([0, 0, 0, 1], x, axis=1),
    "np.extract beyond the end": lambda x: np.extract(np.ones(7), x),
    "np.choose of too few": lambda x: np.choose([2, 0, 1], x),
    "np.choose with a mode there is not": lambda x: np.choose([0, 1, 1], x, mode="near"),
    "np.select by numbers": lambda x: np.select([x > 1, [0, 1, 1]], [x, x]),
    "np.select of too few": lambda x: np.select([x > 1, x < 0], [x]),
    "np.select of nothing": lambda x: np.select([], [], x),
}


@pytest.mark.parametrize("f", WRONG.values(), ids=WRONG)
def test_wrong_arguments_raise_numpys_own_error(f):
    with pytest.raises((TypeError, ValueError, IndexError)) as expected:
        f(X)
    with pytest.raises(expected.type):
        f(Value(X))


@pytest.mark.parametrize(
    "f",
    [
        lambda x, out: np.take(x, [0], out=out),
        lambda x, out: np.compress([True], x, out=out),
        lambda x, out: np.choose([0], x, out),
    ],
)
def test_nothing_is_written_into_an_array(f):
    out = np.zeros(1)
    with pytest.raises(TypeError, match=r"take the result instead, y = np\."):
        f(Value(np.ones((1, 1))), out)
    np.testing.assert_array_equal(out, [0])


def test_places_that_are_values_are_constants():
    x, places = np.array([1.0, 2.0, 3.0]), Value([2, 0])
    np.testing.assert_array_equal(np.take_along_axis(x, places, 0), [3, 1])
    np.testing.assert_array_equal(np.take(Value(x), places).data, [3, 1])
    np.testing.assert_array_equal(np.choose(Value([1, 0]), [x[:2], x[1:]]), [2, 2])
    np.testing.assert_array_equal(np.compress(Value([True, False, True]), x), [1, 3])


def test_methods():
    x = Value(X)
    for y, expected in (
        (x.take([0, 5]), X.take([0, 5])),
        (x.take(4, 1, mode="wrap"), X.take(4, 1, mode="wrap")),
        (x.compress([True, False, True], axis=1), X.compress([True, False, True], axis=1)),
    ):
        assert y.created_by is not None
        np.testing.assert_array_equal(y.data, expected, strict=True)
    np.testing.assert_array_equal(Value([1, 0]).choose([x[0, :2], x[1, :2]]).data, [3, 1])
    np.testing.assert_array_equal(x.nonzero(), X.nonzero())
    np.testing.assert_array_equal(x[0].searchsorted([0.5, 9]), X[0].searchsorted([0.5, 9]))
    np.testing.assert_array_equal(x.argpartition(1), X.argpartition(1))
    np.testing.assert_array_equal(x.argsort(axis=0, kind="stable"), X.argsort(axis=0, kind="stable"))


def test_infinite_gradients_go_where_the_number_came_from_and_nowhere_else():
    a, b = Value(np.zeros(5000)), Value(np.zeros(5000))
    first = np.arange(5000) < 2500
    for y in (np.select([first], [a], b), np.choose(first.astype(int), [b, a])):
        a.grad = b.grad = None
        y.grad = np.full(5000, np.inf)
        y.backward()
        np.testing.assert_array_equal(a.grad, np.where(first, np.inf, 0))
        np.testing.assert_array_equal(b.grad, np.where(first, 0, np.inf))
