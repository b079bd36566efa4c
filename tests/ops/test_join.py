"""Joining and splitting of random shapes."""

import math
from itertools import count

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes

from calligrad import Value
from calligrad.nests import map_leaves
from calligrad.testing import check_gradients

SHAPES = array_shapes(min_dims=1, max_dims=3, max_side=4)


def numbers(shape, offset=0):
    return np.cos(np.arange(math.prod(shape)) * 1.3 + offset).reshape(shape)


@given(st.data())
def test_concatenate_undoes_split(data):
    shape = data.draw(SHAPES)
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    sections = data.draw(
        st.one_of(st.integers(1, 5), st.lists(st.integers(-4, 5), max_size=3).map(sorted).map(np.array))
    )
    x = numbers(shape)
    if isinstance(sections, np.ndarray):
        sections = sections.astype(int)
    parts = np.array_split(x, sections, axis)
    values = np.array_split(Value(x), sections, axis)
    assert len(parts) == len(values)
    for part, value in zip(parts, values, strict=True):
        np.testing.assert_array_equal(value.data, part, strict=True)
    if sum(part.size for part in parts) == x.size:  # places in order and within bounds
        check_gradients(lambda x: [i * p for i, p in enumerate(np.array_split(x, sections, axis))], x)
        v = Value(x)
        y = np.concatenate(np.array_split(v, sections, axis), axis)
        np.testing.assert_array_equal(y.data, x)
        y.grad = numbers(shape, 1)
        y.backward()
        np.testing.assert_array_equal(v.grad, numbers(shape, 1))


@given(st.data())
def test_concatenate_of_any_shapes(data):
    shape = data.draw(SHAPES)
    axis = data.draw(st.sampled_from([None, *range(-len(shape), len(shape))]))
    xs = []
    for i in range(data.draw(st.integers(1, 3))):
        own = list(shape)
        if axis is not None:
            own[axis] = data.draw(st.integers(0, 3))
        xs.append(numbers(own, i))
    check_gradients(lambda *xs: np.concatenate(xs, axis=axis), *xs, order=1)


@given(st.data())
def test_stack_of_any_shape(data):
    shape = data.draw(array_shapes(min_dims=0, max_dims=3, max_side=3))
    axis = data.draw(st.integers(-len(shape) - 1, len(shape)))
    xs = [numbers(shape, i) for i in range(data.draw(st.integers(1, 3)))]
    np.testing.assert_array_equal(np.stack([Value(x) for x in xs], axis).data, np.stack(xs, axis), strict=True)
    check_gradients(lambda *xs: np.stack(xs, axis=axis), *xs, order=1)


@given(st.data())
def test_pieces_that_overlap_add_up(data):
    """Places out of order, negative or beyond the end: some numbers are in several pieces."""
    places = data.draw(st.lists(st.integers(-7, 7), max_size=4))
    check_gradients(lambda x: [np.sin(i + p) for i, p in enumerate(np.array_split(x, places))], numbers((5, 2)))


@st.composite
def blocks(draw, depth, ndim, shape, counter):
    """Nested lists of arrays that fit together."""
    if depth == 0:
        return numbers(shape, next(counter))
    axis = ndim - depth
    parts = draw(st.integers(1, 2))
    lengths = [draw(st.integers(0, 2)) for _ in range(parts - 1)]
    lengths.append(shape[axis] - sum(lengths))
    if lengths[-1] < 0:
        lengths = [shape[axis]]
    nest = []
    for length in lengths:
        own = [*shape]
        own[axis] = length
        nest.append(draw(blocks(depth - 1, ndim, own, counter)))
    return nest


@given(st.data())
def test_block_of_any_nest(data):
    shape = data.draw(array_shapes(min_dims=1, max_dims=3, max_side=4))
    depth = data.draw(st.integers(0, len(shape)))
    nest = data.draw(blocks(depth, len(shape), list(shape), count()))
    values = map_leaves(Value, nest)
    np.testing.assert_array_equal(np.block(values).data, np.block(nest), strict=True)
    check_gradients(lambda nest: np.block(nest), nest, order=1)


def test_block_with_a_value_deep_in_the_nest():
    x = Value(np.array([2.0]))
    y = np.block([[np.eye(2), np.zeros((2, 1))], [np.zeros((1, 2)), x]])
    assert isinstance(y, Value)
    np.sum(y * np.arange(9.0).reshape(3, 3)).backward()
    np.testing.assert_array_equal(x.grad, [8])


@pytest.mark.parametrize(
    "arrays", [[[1.0], 2.0], [[1.0], []], [3.0, (1.0, 2.0)], [[[1.0, 2.0]], [[1.0], [2.0, 3.0, 4.0]]]]
)
def test_nests_that_are_no_block_raise_numpys_errors(arrays):
    with pytest.raises((TypeError, ValueError)) as expected:
        np.block(arrays)
    with pytest.raises(expected.type):
        np.block(map_leaves(Value, arrays))


@pytest.mark.parametrize("join", [np.concatenate, np.stack, np.hstack, np.vstack])
def test_joining_casts_as_far_as_it_is_told_to(join):
    x = Value(np.array([1.5, 2.5]))
    y = join([x, x], dtype=np.int64, casting="unsafe")
    assert not y.requires_grad
    np.testing.assert_array_equal(y.data, join([x.data, x.data], dtype=np.int64, casting="unsafe"), strict=True)
    with pytest.raises(TypeError, match="same_kind"):
        join([x, x], dtype=np.int64)
    with pytest.raises(TypeError, match="safe"):
        join([x, x], dtype=np.float32, casting="safe")


@pytest.mark.parametrize("join", [np.concatenate, np.stack])
def test_joining_into_an_array_is_refused(join):
    x, out = Value(np.ones(2)), np.zeros(4)
    with pytest.raises(TypeError, match="existing array"):
        join([x, x], 0, out)
    np.testing.assert_array_equal(out, 0)


@pytest.mark.parametrize("split", [np.hsplit, np.vsplit, np.dsplit])
def test_splitting_what_has_too_few_axes_raises_numpys_error(split):
    for x in (np.ones(()), np.ones(3)):
        try:
            split(x, 1)
        except ValueError:
            with pytest.raises(ValueError, match="dimensions"):
                split(Value(x), 1)


def test_append_and_the_kin_of_stack_take_lists_and_numbers():
    x = Value(np.array([1.0, 2.0]))
    for y in (np.append(x, 3), np.append(x, [3.0]), np.hstack([x, 3]), np.concatenate([x, [3.0]])):
        np.testing.assert_array_equal(y.data, [1, 2, 3])
    np.testing.assert_array_equal(np.vstack(([3, 4], x)).data, [[3, 4], [1, 2]])
    np.testing.assert_array_equal(np.column_stack(([3, 4], x)).data, [[3, 1], [4, 2]])


def test_pieces_are_values_that_know_where_they_come_from():
    x = Value(np.arange(6.0))
    pieces = np.split(x, 3)
    assert all(isinstance(piece, Value) and piece.requires_grad for piece in pieces)
    np.sum(pieces[1]).backward()
    np.testing.assert_array_equal(x.grad, [0, 0, 1, 1, 0, 0])


def test_joining_with_lists_and_constants():
    x = Value(np.ones(2))
    y = np.concatenate([x, [5.0], np.array([6, 7]), Value([8])])
    np.testing.assert_array_equal(y.data, [1, 1, 5, 6, 7, 8])
    y.backward()
    np.testing.assert_array_equal(x.grad, [1, 1])
