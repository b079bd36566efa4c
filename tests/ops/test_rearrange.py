"""Inserting and deleting at random places, and what does not follow from one row of the table."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.lib.stride_tricks import sliding_window_view

from calligrad import Value, grad
from calligrad.testing import check_gradients
from tests.cases import NUMPY

X = np.cos(np.arange(12.0)).reshape(3, 4)


@st.composite
def places(draw, n):
    """Where to insert or delete along an axis of length ``n``, in every form that NumPy takes."""
    index = st.integers(-n, n - 1)
    return draw(
        st.one_of(
            index,
            st.lists(index, max_size=4),
            st.lists(index, max_size=3).map(lambda k: np.array(k, int)),
            st.slices(n),
        )
    )


@given(st.data())
def test_insert_at_any_places(data):
    axis = data.draw(st.sampled_from([None, 0, 1, -1]))
    obj = data.draw(places(X.size if axis is None else X.shape[axis]))
    values = np.array(3.5)
    np.testing.assert_array_equal(
        np.insert(Value(X), obj, Value(values), axis).data, np.insert(X, obj, values, axis), strict=True
    )
    check_gradients(lambda x, v: np.insert(x, obj, v, axis), X, values, order=1)


@given(st.data())
def test_delete_at_any_places(data):
    axis = data.draw(st.sampled_from([None, 0, 1, -1]))
    obj = data.draw(places(X.size if axis is None else X.shape[axis]))
    np.testing.assert_array_equal(np.delete(Value(X), obj, axis).data, np.delete(X, obj, axis), strict=True)
    check_gradients(lambda x: np.delete(x, obj, axis), X, order=1)


def test_what_is_inserted_takes_the_dtype_of_the_array():
    v = Value(np.array([1.7, 2.7]))
    y = np.insert(np.array([5, 6], np.float32), [0, 1], v)
    assert y.dtype == np.float32
    y.backward()
    np.testing.assert_array_equal(v.grad, [1.0, 1.0], strict=True)
    whole = np.insert(np.array([5, 6]), 1, v)
    assert not whole.requires_grad
    np.testing.assert_array_equal(whole.data, [5, 1, 2, 6])


def test_places_may_be_values():
    x = Value(np.array([1.0, 2.0, 3.0]))
    np.testing.assert_array_equal(np.delete(x, Value([0, 2])).data, [2])
    np.testing.assert_array_equal(np.insert(x, Value(1), 7.0).data, [1, 7, 2, 3])


@pytest.mark.parametrize(
    "call",
    [
        lambda x: np.insert(x, 9, 1.0),
        lambda x: np.insert(x, [[0]], 1.0),
        lambda x: np.insert(x, [0, 1], [1.0, 2.0, 3.0]),
        lambda x: np.delete(x, 3),
        lambda x: np.delete(x, 0.5),
        lambda x: np.delete(x, 0, axis=1),
        lambda x: np.resize(x, (-1, 2)),
        lambda x: np.trim_zeros(x, "x" if NUMPY >= "2.2.0" else 3),
        lambda x: sliding_window_view(x, 4),
        lambda x: sliding_window_view(x, (2, 2)),
        lambda x: sliding_window_view(x, -1),
    ],
)
def test_wrong_arguments_raise_numpys_errors(call):
    with pytest.raises(Exception) as expected:
        call(np.ones(3))
    with pytest.raises(expected.type):
        call(Value(np.ones(3)))


def test_windows_share_numbers_and_are_a_view():
    x = Value(np.arange(4.0))
    y = sliding_window_view(x, 2)
    assert np.shares_memory(y, x)
    y.backward()
    np.testing.assert_array_equal(x.grad, [1, 2, 2, 1])
    with pytest.raises(RuntimeError, match="leaf"):
        y[0] = 1.0


def test_zeros_within_are_kept_and_zeros_alone_are_trimmed():
    x = np.array([0.0, 1, 0, 2, 0, 0])
    np.testing.assert_array_equal(grad(lambda x: np.sum(np.trim_zeros(x)))(x), [0, 1, 1, 1, 0, 0])
    for trim in ("f", "b", "fb"):
        assert np.trim_zeros(Value(np.zeros(3)), trim).shape == (0,)
