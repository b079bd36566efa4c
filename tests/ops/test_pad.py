"""Padding of random shapes in every mode, and what is refused."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes

from calligrad import Value
from calligrad.testing import check_gradients
from tests.cases import NUMPY

SHAPES = array_shapes(min_dims=1, max_dims=3, max_side=4)
MODES = {
    "constant": st.fixed_dictionaries({}, optional={"constant_values": st.sampled_from([2, (1.5, -1)])}),
    "edge": st.just({}),
    "wrap": st.just({}),
    "reflect": st.fixed_dictionaries({}, optional={"reflect_type": st.sampled_from(["even", "odd"])}),
    "symmetric": st.fixed_dictionaries({}, optional={"reflect_type": st.sampled_from(["even", "odd"])}),
    "linear_ramp": st.fixed_dictionaries({}, optional={"end_values": st.sampled_from([2, (1.5, -1)])}),
    **{
        mode: st.fixed_dictionaries({}, optional={"stat_length": st.sampled_from([None, 2, (1, 3), 9])})
        for mode in ("maximum", "minimum", "mean", "median")
    },
}


def numbers(shape):
    return np.cos(np.arange(math.prod(shape)) * 1.3).reshape(shape)


@st.composite
def pad_widths(draw, ndim, most=2):
    """In every form that NumPy takes."""
    width = st.integers(0, most)
    pairs = st.tuples(width, width)
    forms = [width, pairs, st.tuples(width), st.tuples(*[pairs] * ndim)]
    if NUMPY >= "2.3.0":
        forms.append(st.dictionaries(st.integers(-ndim, -1), st.one_of(width, pairs)))
    return draw(st.one_of(forms))


@pytest.mark.parametrize("mode", MODES)
@given(data=st.data())
def test_pad_in_any_mode_by_any_width(mode, data):
    shape = data.draw(SHAPES)
    pad_width = data.draw(pad_widths(len(shape), most=5))
    keywords = data.draw(MODES[mode])
    dtype = data.draw(st.sampled_from(["f8", "f4", "f2", "c16", "i8"]))
    x = (5 * numbers(shape)).astype(dtype)
    expected = np.pad(x, pad_width, mode, **keywords)
    np.testing.assert_array_equal(np.pad(Value(x), pad_width, mode, **keywords).data, expected, strict=True)
    if dtype == "f8":
        check_gradients(lambda x: np.pad(x, pad_width, mode, **keywords), x, order=1)


@given(st.data())
def test_pad_with_values_around(data):
    """Of constants and of the ends of ramps, each in the forms that NumPy takes."""
    shape = data.draw(SHAPES)
    pad_width = data.draw(pad_widths(len(shape)))
    form = data.draw(st.sampled_from([(), (1,), (2,), (1, 2), (len(shape), 2), (len(shape), 1)]))
    mode, word = data.draw(st.sampled_from([("constant", "constant_values"), ("linear_ramp", "end_values")]))
    x, around = numbers(shape), 3 * numbers(form) + 1
    if not (len(shape) == 1 and form == (1, 1)):
        got = np.pad(Value(x), pad_width, mode, **{word: Value(around)})
        np.testing.assert_array_equal(got.data, np.pad(x, pad_width, mode, **{word: around}), strict=True)

    def padded(x, around):
        return np.pad(x + 0 * np.sum(around), pad_width, mode, **{word: around})

    check_gradients(padded, x, around, order=1)


def test_pad_with_nothing_in_particular():
    x = Value(np.ones((2, 3)))
    y = np.pad(x, 1, "empty")
    np.testing.assert_array_equal(y.data[1:-1, 1:-1], x.data)
    y.grad = np.arange(20.0).reshape(4, 5)
    y.backward()
    np.testing.assert_array_equal(x.grad, [[6, 7, 8], [11, 12, 13]])


def test_equal_maxima_share_the_gradient_of_what_is_padded():
    x = Value(np.array([1.0, 3.0, 3.0]))
    np.sum(np.pad(x, (2, 0), "maximum")).backward()
    np.testing.assert_array_equal(x.grad, [1, 2, 2])


def test_a_function_as_mode_is_refused():
    with pytest.raises(TypeError, match=r"cut the graph.*np\.concatenate"):
        np.pad(Value(np.ones(3)), 1, lambda *_: None)


@pytest.mark.parametrize(
    ("arguments", "keywords"),
    [
        ((1, "sideways"), {}),
        ((1, "mean"), {"end_values": 3}),
        ((1, "edge"), {"stat_length": 3}),
        ((-1,), {}),
        ((-1, "mean"), {}),
        ((1.5,), {}),
        ((1.5, "linear_ramp"), {}),
        (([1, 2, 3],), {}),
        (([1, 2, 3], "mean"), {}),
        ((1, "maximum"), {"stat_length": 0}),
        ((1, "minimum"), {"stat_length": -1}),
    ],
)
def test_wrong_arguments_raise_numpys_errors(arguments, keywords):
    with pytest.raises((TypeError, ValueError)) as expected:
        np.pad(np.ones(3), *arguments, **keywords)
    with pytest.raises(expected.type):
        np.pad(Value(np.ones(3)), *arguments, **keywords)


@pytest.mark.parametrize("mode", [mode for mode in MODES if mode != "constant"])
def test_an_empty_axis_has_nothing_to_pad_with(mode):
    with pytest.raises(ValueError, match="empty axis"):
        np.pad(Value(np.ones((0, 2))), 1, mode)
    assert np.pad(Value(np.ones((0, 2))), ((0, 0), (1, 1)), mode).shape == (0, 4)
