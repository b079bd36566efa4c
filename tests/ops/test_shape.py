"""Shapes: what depends on how an array lies in memory, and what a table of cases does not say."""

import numpy as np
import pytest

from calligrad import Value

C = np.arange(6.0).reshape(2, 3)
LAYOUTS = {
    "rows first": C,
    "columns first": np.asfortranarray(C),
    "neither": np.arange(24.0).reshape(2, 12)[:, ::4],
    "three axes permuted": np.arange(24.0).reshape(2, 3, 4).transpose(2, 0, 1),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("order", "CFAK")
def test_ravel_reads_in_the_order_asked_for(layout, order):
    x = LAYOUTS[layout]
    for ravel in (np.ravel, lambda x, order: x.ravel(order), lambda x, order: x.flatten(order)):
        v = Value(x)
        y = ravel(v, order)
        np.testing.assert_array_equal(y.data, x.ravel(order))
        y.grad = np.arange(float(x.size))
        y.backward()
        # The gradient that stands at each number is the place that number went to.
        np.testing.assert_array_equal(v.grad.ravel()[np.argsort(x.ravel())], np.argsort(x.ravel(order)))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("order", "CFA")
def test_reshape_reads_in_the_order_asked_for(layout, order):
    x = LAYOUTS[layout]
    v = Value(x)
    y = np.reshape(v, (-1, 2), order=order)
    np.testing.assert_array_equal(y.data, np.reshape(x, (-1, 2), order=order))
    y.grad = y.data * 2
    y.backward()
    np.testing.assert_array_equal(v.grad, x * 2)


def test_flatten_is_a_copy_and_ravel_may_be_a_view():
    x = Value(C)
    assert not np.shares_memory(x.flatten().data, C)
    assert np.shares_memory(x.ravel().data, C)


def test_copy_is_a_copy():
    x = Value(C.copy())
    y = x.copy()
    assert not np.shares_memory(x.data, y.data)
    y[0] = 7.0
    np.testing.assert_array_equal(x.data, C)


def test_views_of_values_share_memory_as_numpys_do():
    x = Value(C)
    for y in (x.T, x[0], x.reshape(3, 2), np.expand_dims(x, 0), np.broadcast_to(x, (2, 2, 3)), np.flip(x)):
        assert np.shares_memory(y.data, C)


def test_atleast_1d_passes_arrays_through():
    a, b = np.atleast_1d(Value(1.0), Value([2.0, 3.0]))
    assert (a.shape, b.shape) == ((1,), (2,))


def test_order_of_the_method_is_columns_first_too():
    assert Value(C).copy(order="F").data.flags.f_contiguous
