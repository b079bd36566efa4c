"""Indexing, and assigning to items."""

import numpy as np

from calligrad.ops.alias import Alias
from calligrad.ops.index import Scatter, Spread
from tests.cases.assign import writable
from tests.cases.table import case, complexes, real

KEYS = {
    "1": 1,
    "-1": -1,
    "np.int64(1)": np.int64(1),
    "a 0-d integer array": np.array(1),
    "(1, 2)": (1, 2),
    "slice": slice(1, 3),
    "slice backwards": slice(None, None, -2),
    "slice of nothing": slice(2, 2),
    "(slice, 0)": (slice(None), 0),
    "(slice, slice)": (slice(0, 2), slice(None, None, 3)),
    "...": ...,
    "(..., 0)": (..., 0),
    "()": (),
    "None": None,
    "(None, 0, None)": (None, 0, None),
    "list": [2, 0],
    "array with repeats": np.array([0, 0, 2]),
    "negative array": np.array([-1, 0]),
    "no places": np.array([], int),
    "matrix of places": np.array([[0, 1], [2, 2]]),
    "(array, array)": (np.array([0, 0, 1]), np.array([1, 1, 3])),
    "(array, array) broadcast": (np.array([[0], [2]]), np.array([1, 1, 3])),
    "(array, slice)": (np.array([1, 1]), slice(1, None)),
    "(slice, array)": (slice(1, None), np.array([1, 1])),
    "(array, None, slice)": (np.array([1, 1]), None, slice(1, None)),
    "(0, array)": (0, np.array([1, 1])),
    "mask": np.arange(12).reshape(3, 4) % 5 == 0,
    "mask of rows": np.array([True, False, True]),
    "list of booleans": [True, False, True],
    "(mask, 1)": (np.array([True, False, True]), 1),
    "(slice, mask)": (slice(None), np.array([True, False, True, True])),
    "True": True,
    "False": False,
    "empty mask": np.zeros((3, 4), bool),
    "unsigned places": np.array([2, 2], np.uint8),
}


def put(key):
    def assign(x, w):
        y = writable(x, w)
        y[key] = w
        return y

    return assign


for words, key in KEYS.items():
    places = np.empty((3, 4))[key].shape
    case(f"getitem {words}", lambda x, key=key: x[key], real(3, 4))
    case(f"setitem {words}", put(key), real(3, 4), real(*places))
    case(f"setitem {words} to one number", put(key), real(3, 4), real())
case("getitem of a 0-d array", lambda x: x[()], real())
case("getitem of nothing", lambda x: x[:, 0], real(0, 3))
case("getitem of three axes", lambda x: x[np.array([0, 1]), :, np.array([1, 1])], real(2, 3, 2))
case("getitem twice", lambda x: x[1:][np.array([0, 0])], real(3, 2))
case("setitem of complex numbers", put(np.array([0, 2])), complexes(3, 2), complexes(2))
case("setitem broadcast", put(slice(0, 2)), real(3, 4), real(4))
case("setitem ones in front", put(0), real(3, 4), real(1, 1, 4))
case("setitem a column", put(slice(None)), real(3, 4), real(3, 1))
case("setitem of a 0-d array", put(()), real(), real())
case("setitem a number", lambda x: put((0, slice(None)))(x, 2), real(3, 4))
case("setitem into a constant", lambda w: put(1)(np.zeros((3, 2), w.dtype), w), real(2))
case("setitem twice", lambda x, w: put(0)(put(slice(0, 2))(x, w), 2 * w[0]), real(3), real(2))
case("ops.Scatter", lambda x: Scatter(np.array([0, 0, 2]), (4, 2))(x), real(3, 2))
case("ops.Scatter by slices", lambda x: Scatter((slice(1, 3), 0), (4, 2))(x), real(2))
case("ops.Spread", lambda x: Spread(np.array([[0, 0, 5]]), (3, 2))(x), real(1, 3))
case("ops.Spread distinct", lambda x: Spread(np.array([4, 0, 5]), (3, 2), True)(x), real(3))
case("ops.Alias", lambda x: Alias()(x), real(3))
