"""Sorting: ties, NaNs, and arrays large enough for NumPy's fast ways."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from calligrad import Value

SHAPES = array_shapes(min_dims=1, max_dims=3, max_side=4)
RNG = np.random.default_rng(5)


@given(st.data())
def test_sort_of_any_axis_with_ties(data):
    shape = data.draw(SHAPES)
    axis = data.draw(st.sampled_from([None, *range(-len(shape), len(shape))]))
    x = data.draw(arrays(float, shape, elements=st.sampled_from([0.0, 1.0, 2.0])))
    v = Value(x)
    y = np.sort(v, axis=axis)
    np.testing.assert_array_equal(y.data, np.sort(x, axis=axis), strict=True)
    g = np.arange(1.0, y.size + 1).reshape(y.shape)
    y.grad = g
    y.backward()
    # Equal numbers keep their order.
    order = np.argsort(x, axis=axis, kind="stable")
    if axis is None:
        np.testing.assert_array_equal(v.grad.ravel()[order], g)
    else:
        np.testing.assert_array_equal(np.take_along_axis(v.grad, order, axis), g)


def gradient_of(f, x, g):
    v = Value(x)
    y = f(v)
    np.testing.assert_array_equal(y.data, f(x), strict=True)
    y.grad = g
    y.backward()
    return y.data, v.grad


def draws(kind, shape):
    x = RNG.standard_normal(shape)
    if kind == "ties":
        x = np.round(x)
    elif kind == "NaNs":
        x[RNG.random(shape) < 0.1] = np.nan
    elif kind == "zeros of either sign":
        x = np.copysign(np.round(0.3 * x), x)
    elif kind == "complex":
        x = np.round(x) + 1j * RNG.standard_normal(shape)
    elif kind == "float32":
        x = x.astype(np.float32)
    return x


@pytest.mark.parametrize("kind", ["plain", "ties", "NaNs", "zeros of either sign", "complex", "float32"])
@pytest.mark.parametrize(("shape", "axis"), [((50,), -1), ((5000,), 0), ((50, 60), 0), ((50, 60), 1), ((50, 60), None)])
def test_each_number_gets_the_gradient_of_its_place(kind, shape, axis):
    x = draws(kind, shape)
    g = np.arange(1.0, x.size + 1).reshape(shape if axis is not None else -1).astype(x.dtype)

    _, got = gradient_of(lambda x: np.sort(x, axis=axis), x, g)
    order = np.argsort(x, axis=axis, kind="stable")
    back = np.take(got, order) if axis is None else np.take_along_axis(got, order, axis)
    np.testing.assert_array_equal(back, g)

    kth = (shape[axis or 0] // 2, 7)
    y, got = gradient_of(lambda x: np.partition(x, kth, axis=axis), x, g)
    assert sorted(got.ravel().real) == sorted(g.ravel().real)  # each gradient goes to one place
    place = np.searchsorted(np.sort(g.ravel().real), got.ravel().real)  # where in y each number of x went
    np.testing.assert_array_equal(y.ravel()[place].reshape(shape), x)


@pytest.mark.parametrize("f", [lambda x: np.sort(x, order="a"), lambda x: np.sort(x, kind="fast"), np.sort])
def test_wrong_arguments_raise_numpys_own_error(f):
    x = np.float64(1.0) if f is np.sort else np.ones(3)
    with pytest.raises(ValueError) as expected:
        f(x)
    with pytest.raises(expected.type):
        f(Value(x))


def test_methods_that_sort_in_place_rebind_the_value():
    x = Value(np.array([[3.0, 1.0, 2.0], [0.5, 0.0, 9.0]]))
    y = x * 1
    before = y[0, 0]
    assert y.sort() is None
    np.testing.assert_array_equal(y.data, np.sort(x.data))
    assert before.data == 3
    np.sum(y[:, 0]).backward()
    np.testing.assert_array_equal(x.grad, [[0, 1, 0], [0, 1, 0]])
    y = x * 1
    y.partition(1, axis=1)
    np.testing.assert_array_equal(y.data, np.partition(x.data, 1, axis=1))
    y = x * 1
    y.sort(axis=0, kind="stable")
    np.testing.assert_array_equal(y.data, np.sort(x.data, axis=0))
    with pytest.raises(RuntimeError, match="leaf that requires grad"):
        x.sort()
