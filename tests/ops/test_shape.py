"""Shapes: what depends on how an array lies in memory, and what a table of cases does not say."""

import numpy as np
import pytest

from calligrad import Value
from tests.cases import NUMPY

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


def test_reshape_copies_or_not_as_it_is_told():
    x = Value(C)
    assert np.shares_memory(np.reshape(x, 6), x)
    if NUMPY >= "2.1.0":
        assert np.shares_memory(np.reshape(x, 6, copy=False), x)
        assert not np.shares_memory(np.reshape(x, 6, copy=True), x)
        assert not np.shares_memory(x.reshape(3, 2, copy=True), x)
        with pytest.raises(ValueError, match="copy"):
            np.reshape(x.T, 6, copy=False)


def test_astype_casts_as_far_as_it_is_told_to():
    x = Value(C)
    assert x.astype(np.float64, copy=False).data is x.data
    assert x.astype(np.float32, "F").data.flags.f_contiguous
    with pytest.raises(TypeError, match="safe"):
        x.astype(np.float32, casting="safe")


def test_broadcast_arrays_that_do_not_fit_raise_numpys_error():
    with pytest.raises(ValueError, match="mismatch"):
        np.broadcast_arrays(Value(np.ones(2)), np.ones(3))


def test_arrays_among_values_stay_arrays():
    x = Value(np.ones(2))
    for a, b in (np.broadcast_arrays(x, [1.0, 2.0]), np.meshgrid(x, [1.0]), np.atleast_2d(x, [1.0]), np.ix_(x, [0])):
        assert isinstance(a, Value)
        assert type(b) is np.ndarray


def test_meshgrid_knows_two_ways_of_indexing():
    with pytest.raises(ValueError, match="indexing"):
        np.meshgrid(Value(np.ones(2)), indexing="yx")


def test_meshgrid_copies_unless_told_otherwise():
    x = Value(np.ones(2))
    assert not np.shares_memory(np.meshgrid(x, x)[0], x)
    assert np.shares_memory(np.meshgrid(x, x, copy=False)[0], x)


def test_ix_of_masks_and_places_is_a_key():
    x = Value(np.arange(12.0).reshape(3, 4))
    y = x[np.ix_(Value([True, False, True]), Value([0, 3]))]
    np.testing.assert_array_equal(y.data, [[0, 3], [8, 11]])
    with pytest.raises(ValueError, match="1 dimension"):
        np.ix_(x)


@pytest.mark.parametrize("repeats", [[1, 2], [-1], [[1, 2, 3]], None])
def test_repeats_that_do_not_fit_raise_numpys_errors(repeats):
    with pytest.raises((TypeError, ValueError)) as expected:
        np.repeat(np.ones(3), repeats)
    with pytest.raises(expected.type):
        np.repeat(Value(np.ones(3)), repeats)


def test_ravel_of_repeated_numbers_in_the_order_of_memory():
    a = np.broadcast_to(np.arange(6.0).reshape(3, 1, 2), (4, 3, 5, 2))
    for axes in ((0, 1, 2, 3), (3, 2, 1, 0), (1, 3, 0, 2), (2, 0, 3, 1)):
        b = a.transpose(axes)[::-1]
        np.testing.assert_array_equal(np.ravel(Value(b), "K").data, np.ravel(b, "K"))
        np.testing.assert_array_equal(Value(b).flatten("K").data, b.flatten("K"))
