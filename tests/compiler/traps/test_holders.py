"""Where people keep settings and state: what is put there later is seen, and nothing there is lost."""

import argparse
import array
import collections
import math
import threading
import types

import numpy as np
import pytest

import calligrad
from calligrad.compiler.traced import CaptureError


class Config(dict):
    """The idiom of many programs; it knows no attribute that it does not hold, not even by an AttributeError."""

    __getattr__ = dict.__getitem__
    __setattr__ = dict.__setitem__


def local():
    holder = threading.local()
    vars(holder).update(scale=1.0)
    return holder


OBJECTS = {
    "dict": lambda: Config(scale=1.0),
    "argparse": lambda: argparse.Namespace(scale=1.0),
    "types": lambda: types.SimpleNamespace(scale=1.0),
    "threading": local,
}
ITEMS = {
    "UserDict": (lambda: collections.UserDict({0: 1.0}), float),
    "ChainMap": (lambda: collections.ChainMap({}, {0: 1.0}), float),
    "UserList": (lambda: collections.UserList([1.0]), float),
    "array": (lambda: array.array("d", [1.0]), float),
    "bytearray": (lambda: bytearray([1]), int),
}


@pytest.mark.parametrize("kind", OBJECTS)
def test_attributes_that_change(kind):
    holder = OBJECTS[kind]()
    f = calligrad.compile(lambda x: x * holder.scale, backend="numpy")
    for scale in (1.0, 1.0, 2.0, 3.0, 4.0):
        holder.scale = scale
        assert f(np.ones(1)) == scale


@pytest.mark.parametrize("kind", OBJECTS)
def test_attributes_that_the_function_changes(kind):
    holder = OBJECTS[kind]()
    holder.state = np.zeros(1)

    def f(x):
        holder.state = holder.state + x
        holder.scale += 1
        return x * holder.scale

    compiled = calligrad.compile(f, backend="numpy")
    for n in range(1, 6):
        assert compiled(np.ones(1)) == n + 1
        assert (type(holder.state), float(holder.state[0]), holder.scale) == (np.ndarray, n, n + 1)


@pytest.mark.parametrize("kind", ITEMS)
def test_items_that_change(kind):
    make, number = ITEMS[kind]
    holder = make()
    f = calligrad.compile(lambda x: x * np.asarray(holder[0]), backend="numpy")
    for scale in (1, 1, 2, 3, 4):
        holder[0] = number(scale)
        assert f(np.ones(1)) == scale


def test_what_a_setter_changes():
    class Average:
        def __init__(self):
            self._mean, self.updates = np.zeros(1), 0

        @property
        def mean(self):
            return self._mean

        @mean.setter
        def mean(self, x):
            self._mean = x
            self.updates += 1

    average = Average()

    def f(x):
        average.mean = average.mean + x

    compiled = calligrad.compile(f, backend="numpy")
    for n in range(1, 6):
        compiled(np.ones(1))
        assert (average.updates, average._mean) == (n, n)


def test_a_refused_call_draws_nothing():
    rng = np.random.default_rng(0)

    def f(x):
        return float(np.sum(x + rng.random(2)))

    with pytest.raises(TypeError, match="float"):
        calligrad.compile(f, backend="numpy")(np.ones(2))
    assert rng.random() == np.random.default_rng(0).random()


def test_a_number_that_comes_to_rest():
    state = {"temperature": 1.0}

    def f(x):
        state["temperature"] = max(0.5, state["temperature"] * 0.8)
        return x / state["temperature"]

    compiled = calligrad.compile(f, backend="numpy")
    expected = 1.0
    for _ in range(9):
        expected = max(0.5, expected * 0.8)
        assert compiled(np.ones(1)) == 1 / expected


def test_the_error_of_a_counter_says_what_is_in_its_way():
    count = 0

    def f(x):
        nonlocal count
        count += 1
        return x * math.cos(count)

    with pytest.raises(CaptureError, match=r"goes from 0 to 1.*np\.… in place of math"):
        calligrad.compile(f, backend="numpy")(np.ones(1))
    assert count == 0


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.int8, np.int64])
@pytest.mark.parametrize("exponent", [2, 2.0, 0.5, -1, 1, 3])
def test_powers_are_those_of_the_operator(exponent, dtype):
    x = np.array([4, 1, 3]).astype(dtype)
    if dtype in (np.int8, np.int64) and exponent == -1:
        return
    compiled = calligrad.compile(lambda x: x**exponent, backend="numpy")
    for _ in range(3):
        assert compiled(x).dtype == (x**exponent).dtype
        np.testing.assert_array_equal(compiled(x), x**exponent)
