"""Joining, splitting and padding of random shapes."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes

from calligrad import Value
from calligrad.testing import check_gradients
from tests.cases import NUMPY

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
def test_pad_of_any_width(data):
    shape = data.draw(SHAPES)
    width = st.integers(0, 2)
    pairs = st.tuples(width, width)
    pad_width = data.draw(
        st.one_of(
            width,
            pairs,
            st.tuples(width),
            st.tuples(*[pairs] * len(shape)),
            *[st.dictionaries(st.integers(0, len(shape) - 1), st.one_of(width, pairs))] * (NUMPY >= "2.3.0"),
        )
    )
    x = numbers(shape)
    np.testing.assert_array_equal(
        np.pad(Value(x), pad_width, constant_values=2).data, np.pad(x, pad_width, constant_values=2), strict=True
    )
    check_gradients(lambda x: np.pad(x, pad_width), x, order=1)


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
