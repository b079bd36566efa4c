"""Indexing: random keys of every kind, against NumPy and against the dense matrix of the indexing."""

import math

import numpy as np
import pytest
from hypothesis import given, reject
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays, basic_indices, integer_array_indices

from calligrad import Value, gradients
from calligrad.testing import check_gradients

SHAPES = array_shapes(min_dims=1, max_dims=3, max_side=4)


@st.composite
def masks(draw, shape):
    """A mask over the first axes, with what may follow it."""
    n = draw(st.integers(1, len(shape)))
    mask = draw(arrays(bool, shape[:n]))
    return draw(st.sampled_from([mask, (mask,), (mask, ...), (mask.tolist() if n == 1 else mask,)]))


@st.composite
def mixed(draw, shape):
    """Integers, slices, None, Ellipsis and arrays of places, side by side."""
    parts = []
    places = draw(array_shapes(min_dims=1, max_dims=2, max_side=3))
    for n in shape[: draw(st.integers(0, len(shape)))]:
        kind = draw(st.sampled_from(["int", "np.int64", "slice", "array", "list", "uint8"]))
        if kind in ("int", "np.int64"):
            parts.append({"int": int, "np.int64": np.int64}[kind](draw(st.integers(-n, n - 1))))
        elif kind == "slice":
            parts.append(draw(st.slices(n)))
        elif kind == "list":
            parts.append(draw(st.lists(st.integers(-n, n - 1), min_size=places[-1], max_size=places[-1])))
        else:
            low = 0 if kind == "uint8" else -n
            dtype = np.uint8 if kind == "uint8" else np.int64
            parts.append(draw(arrays(dtype, places, elements=st.integers(low, n - 1))))
    if draw(st.booleans()):  # an Ellipsis in front would move the parts to other axes, unless they fill them all
        parts.insert(draw(st.integers(0, len(parts))) if len(parts) == len(shape) else len(parts), ...)
    if draw(st.booleans()):
        parts.insert(draw(st.integers(0, len(parts))), None)
    return parts[0] if len(parts) == 1 and draw(st.booleans()) else tuple(parts)


@st.composite
def shapes_and_keys(draw):
    shape = draw(SHAPES)
    key = draw(
        st.one_of(
            basic_indices(shape, allow_newaxis=True, max_dims=5),
            integer_array_indices(shape, result_shape=array_shapes(max_dims=2, max_side=3)),
            masks(shape),
            mixed(shape),
        )
    )
    return shape, key


def places(shape, key):
    """Where ``key`` takes each number from: indices into the flat array, in the shape of the result."""
    return np.arange(math.prod(shape)).reshape(shape)[key]


@given(shapes_and_keys())
def test_getitem_of_any_key(shape_and_key):
    shape, key = shape_and_key
    data = np.arange(1.0, math.prod(shape) + 1).reshape(shape)
    x = Value(data)
    y = x[key]
    np.testing.assert_array_equal(y.data, data[key], strict=True)

    g = np.cos(np.arange(1.0, y.size + 1)).reshape(y.shape)
    expected = np.zeros(data.size)
    for place, number in zip(places(shape, key).ravel(), g.ravel(), strict=True):
        expected[place] += number
    y.grad = g
    y.backward()
    np.testing.assert_allclose(x.grad, expected.reshape(shape), rtol=1e-14, atol=1e-15)


@given(shapes_and_keys())
def test_getitem_of_any_key_to_second_order(shape_and_key):
    shape, key = shape_and_key
    check_gradients(lambda x: np.sin(x)[key] * x[key], np.linspace(0.5, 2, math.prod(shape)).reshape(shape))


@st.composite
def writes(draw):
    """A shape, a key, and a shape that what is written there may have."""
    shape, key = draw(shapes_and_keys())
    target = places(shape, key).shape
    cut = draw(st.integers(0, len(target)))
    written = tuple(1 if draw(st.booleans()) else n for n in target[cut:])
    if cut == 0 and draw(st.booleans()):
        written = (1, *written)
    try:
        np.empty(shape)[key] = np.empty(written)
    except (TypeError, ValueError):  # NumPy takes ones in front with some keys only
        reject()
    return shape, key, written


@given(writes())
def test_setitem_of_any_key(write):
    shape, key, written = write
    data = np.arange(1.0, math.prod(shape) + 1).reshape(shape)
    new = -np.arange(1.0, math.prod(written) + 1).reshape(written)
    expected = data.copy()
    expected[key] = new

    x, w = Value(data), Value(new)
    y = x * 1
    y[key] = w
    np.testing.assert_array_equal(y.data, expected, strict=True)

    # Write the numbers' own names: each place then says whose gradient it feeds.
    names = np.arange(data.size).reshape(shape)
    names[key] = -1 - np.arange(new.size).reshape(written)
    g = np.cos(np.arange(1.0, y.size + 1)).reshape(y.shape)
    gx, gw = np.zeros(data.size), np.zeros(new.size)
    for name, number in zip(names.ravel(), g.ravel(), strict=True):
        if name >= 0:
            gx[name] += number
        else:
            gw[-1 - name] += number
    y.grad = g
    y.backward()
    np.testing.assert_allclose(x.grad, gx.reshape(shape), rtol=1e-14, atol=1e-15)
    np.testing.assert_allclose(w.grad, gw.reshape(written), rtol=1e-13, atol=1e-14)


@given(writes())
def test_setitem_of_any_key_to_second_order(write):
    shape, key, written = write

    def f(x, w):
        y = np.sin(x)
        y[key] = w * w
        return y * y

    x = np.linspace(0.5, 2, math.prod(shape)).reshape(shape)
    w = np.linspace(0.3, 1, math.prod(written)).reshape(written)
    xs = [x, w]
    vs = [Value(v) for v in xs]
    y = np.sum(f(*vs))
    gx, gw = gradients(y, vs, create_graph=True)
    again = gradients(np.sum(gx * np.cos(x)) + np.sum(gw * np.cos(w)), vs)

    def slope(h):
        moved = [Value(v + h * np.sin(v)) for v in xs]
        gx, gw = gradients(np.sum(f(*moved)), moved)
        return np.sum(gx * np.cos(x)) + np.sum(gw * np.cos(w))

    numeric = (slope(1e-5) - slope(-1e-5)) / 2e-5
    np.testing.assert_allclose(
        sum(np.sum(g * np.sin(v)) for g, v in zip(again, xs, strict=True)), numeric, rtol=1e-6, atol=1e-7
    )


# ---------------------------------------------------------------- keys as they come


def test_keys_that_are_values():
    x = Value(np.array([1.0, 2.0, 3.0]))
    for key in (Value(1), Value([0, 2]), (Value(1),), slice(Value(0), Value(2)), Value([True, False, True])):
        plain = key.data if isinstance(key, Value) else slice(0, 2) if isinstance(key, slice) else 1
        np.testing.assert_array_equal(x[key].data, x.data[plain])
    y = x * 1
    y[Value([0, 2])] = 0.0
    np.testing.assert_array_equal(y.data, [0, 2, 0])


def test_a_row_of_a_value_is_a_value_and_one_number_too():
    x = Value(np.array([[1.0, 2.0], [3.0, 4.0]]))
    assert isinstance(x[0, 0], Value)
    assert x[0, 0].shape == ()
    assert x[0].generation == 1


def test_repeated_places_add_up():
    x = Value(np.zeros(3))
    x[np.array([1, 1, 1, 2])].backward()
    np.testing.assert_array_equal(x.grad, [0, 3, 1])


def test_where_a_place_is_written_twice_the_last_stands():
    x, w = Value(np.zeros(3)), Value(np.array([1.0, 2.0, 3.0]))
    y = x * 1
    y[np.array([0, 0, 1])] = w
    np.testing.assert_array_equal(y.data, [2, 3, 0])
    y.grad = np.array([10.0, 20.0, 30.0])
    y.backward()
    np.testing.assert_array_equal(w.grad, [0, 10, 20])
    np.testing.assert_array_equal(x.grad, [0, 0, 30])


def test_precision_of_what_is_written():
    y = Value(np.ones(3, "f4")) * 1
    w = Value(np.ones(2))
    y[:2] = w
    assert y.dtype == "f4"
    y.backward()
    assert w.grad.dtype == "f8"


@pytest.mark.parametrize("dtype", ["f2", "f4"])
def test_precision_of_scattered_gradients(dtype):
    x = Value(np.ones(3, dtype))
    x[np.array([0, 0])].backward()
    np.testing.assert_array_equal(x.grad, np.array([2, 0, 0], dtype), strict=True)


# ---------------------------------------------------------------- many numbers, which go another way than a few

RNG = np.random.default_rng(3)
MANY = {
    "array": ((40, 60), RNG.integers(-40, 40, 50)),
    "matrix of places": ((40, 60), RNG.integers(-40, 40, (10, 7))),
    "unsigned places": ((40, 60), RNG.integers(0, 40, 50).astype("u1")),
    "one axis": ((1500,), RNG.integers(-1500, 1500, 2000)),
    "(slice, array)": ((40, 60), (slice(None), RNG.integers(-60, 60, 50))),
    "(half a slice, array)": ((40, 60), (slice(0, 30), RNG.integers(-60, 60, 50))),
    "(array, array)": ((40, 60), (RNG.integers(-40, 40, 2000), RNG.integers(-60, 60, 2000))),
    "(array, array, rest)": ((4, 6, 50), (RNG.integers(-4, 4, 30), RNG.integers(-6, 6, 30))),
    "(array, slice, array)": ((4, 6, 50), (RNG.integers(-4, 4, 300), slice(1, 5), RNG.integers(-50, 50, 300))),
    "(..., array)": ((4, 6, 50), (..., RNG.integers(-50, 50, 60))),
    "(array, ...)": ((40, 6, 5), (RNG.integers(-40, 40, 60), ...)),
    "(None, array)": ((40, 60), (None, RNG.integers(-40, 40, 60))),
    "(array, None, 1)": ((40, 60, 2), (RNG.integers(-40, 40, 2000), None, 1)),
    "(mask, array)": ((4, 6, 500), (np.eye(4, 6, dtype=bool), RNG.integers(0, 500, (900, 1)))),
    "list": ((4, 600), [0, 3, -1, 0]),
    "list of booleans": ((4, 600), [True, False, True, True]),
    "mask": ((40, 60), RNG.random((40, 60)) > 0.5),
    "mask of rows": ((40, 60), RNG.random(40) > 0.5),
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.complex128, ">f8"])
@pytest.mark.parametrize("words", MANY)
def test_many_numbers_add_up_as_a_few_do(words, dtype):
    shape, key = MANY[words]
    x = RNG.standard_normal(shape).astype(dtype)
    v = Value(x)
    y = v[key]
    np.testing.assert_array_equal(y.data, x[key], strict=True)
    assert words.startswith("mask") or y.size >= max(1000, x.size // 16)
    y.grad = g = RNG.standard_normal(y.shape).astype(dtype)
    y.backward()
    expected = np.zeros(shape, dtype)
    np.add.at(expected, key, g)  # in the same order, so that not a bit differs
    np.testing.assert_array_equal(v.grad, expected)


def test_a_mask_writes_in_any_layout():
    data = np.arange(1200.0).reshape(30, 40).T
    mask = data % 5 == 0
    y = Value(data) * 1
    w = Value(np.arange(240.0))
    y[mask] = w
    expected = data.copy()
    expected[mask] = w.data
    np.testing.assert_array_equal(y.data, expected)
    y.grad = data
    y.backward()
    np.testing.assert_array_equal(w.grad, data[mask])


@pytest.mark.parametrize("key", [np.ones((2, 3), bool), np.ones((3, 2, 1), bool), np.ones(2, bool), [0.5], "a", 7])
def test_keys_that_do_not_fit_raise_numpys_own_error(key):
    x = np.zeros((3, 2))
    with pytest.raises(IndexError) as expected:
        x[key]
    with pytest.raises(IndexError) as caught:
        Value(x)[key]
    assert str(caught.value) == str(expected.value)
