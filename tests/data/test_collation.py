"""How items become a batch."""

from collections import namedtuple
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import calligrad
from calligrad import Value
from calligrad.data import collate

Pair = namedtuple("Pair", "image label")


@dataclass
class Example:
    image: Any
    label: Any


def test_arrays_keep_their_dtype():
    for dtype in (np.float16, np.float32, np.float64, np.uint8, np.int32, np.bool_, np.complex64):
        batch = collate([np.ones((2, 3), dtype)] * 4)
        assert (batch.shape, batch.dtype) == ((4, 2, 3), dtype)
        assert collate([dtype(1)] * 4).dtype == dtype  # NumPy's scalars are arrays, also the float64 that is a float


def test_numbers_of_python_get_a_dtype():
    assert collate([True, False]).dtype == np.bool_
    assert collate([1, 2]).dtype == np.int64
    assert collate([1.0, 2]).dtype == np.float32
    calligrad.set_default_dtype(np.float64)
    assert collate([1.0, 2]).dtype == np.float64


def test_nests_keep_their_form():
    x = np.ones(2, np.float32)
    assert isinstance(collate([(x, 1)] * 3), tuple)
    assert isinstance(collate([[x, 1]] * 3), list)
    pair = collate([Pair(x, 1), Pair(x, 2)])
    assert isinstance(pair, Pair)
    assert pair.label.tolist() == [1, 2]
    example = collate([Example(x, {"name": "a", "none": None, "n": (1, 2.0)})] * 2)
    assert isinstance(example, Example)
    assert example.image.shape == (2, 2)
    assert example.label["name"] == ["a", "a"]
    assert example.label["none"] == [None, None]
    assert example.label["n"][1].dtype == np.float32


@pytest.mark.parametrize(
    ("items", "words"),
    [
        ([np.ones(2), np.ones(3)], r"item has shape \(2,\) in the first item of the batch and \(3,\) in number 1"),
        ([(0, np.ones(2)), (0, 1.0)], r"item\[1\] has shape \(2,\) .* \(\)"),
        ([(1, 2), (1, 2), (1,)], "item has lengths 2 in the first item of the batch, 1 in number 2"),
        ([{"a": 1}, {"b": 1}], "item has keys {'a'}"),
        ([{"a": "x"}, {"a": 1}], r"item\['a'\] is int and str in one batch"),
        ([None, 1], "NoneType and int"),
    ],
)
def test_items_that_differ_are_refused_with_where(items, words):
    with pytest.raises(ValueError, match=words):
        collate(items)


def test_other_things_are_refused():
    with pytest.raises(TypeError, match="item is a set, which the loader cannot join"):
        collate([{1}, {2}])
    with pytest.raises(TypeError, match="a Value; a dataset gives arrays"):
        collate([Value(np.ones(2))])
