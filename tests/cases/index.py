"""Indexing, assigning and sorting."""

import numpy as np

import calligrad as cg
from calligrad.ops.alias import Alias
from calligrad.ops.index import Scatter
from tests.cases.table import apart, case, real

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
        y = np.copy(x)
        if isinstance(w, cg.Value) and not isinstance(y, cg.Value):
            y = cg.Value(y, requires_grad=False)  # an array takes no Value
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
case("setitem broadcast", put(slice(0, 2)), real(3, 4), real(4))
case("setitem ones in front", put(0), real(3, 4), real(1, 1, 4))
case("setitem a column", put(slice(None)), real(3, 4), real(3, 1))
case("setitem of a 0-d array", put(()), real(), real())
case("setitem a number", lambda x: put((0, slice(None)))(x, 2), real(3, 4))
case("setitem into a constant", lambda w: put(1)(np.zeros((3, 2), w.dtype), w), real(2))
case("setitem twice", lambda x, w: put(0)(put(slice(0, 2))(x, w), 2 * w[0]), real(3), real(2))
case("ops.Scatter", lambda x: Scatter(np.array([0, 0, 2]), (4, 2))(x), real(3, 2))
case("ops.Scatter by slices", lambda x: Scatter((slice(1, 3), 0), (4, 2))(x), real(2))
case("ops.Alias", lambda x: Alias()(x), real(3))


PLACES = np.array([[2, 0, 0], [1, 1, 2]])
case("np.take_along_axis", lambda x: np.take_along_axis(x, PLACES, 1), real(2, 3))
case("np.take_along_axis axis=0", lambda x: np.take_along_axis(x, PLACES % 2, axis=0), real(2, 3))
case("np.take_along_axis axis=-1", lambda x: np.take_along_axis(x, PLACES, -1), real(2, 3))
case("np.take_along_axis axis=None", lambda x: np.take_along_axis(x, np.array([0, 5, 5]), None), real(2, 3))
case("np.take_along_axis broadcast", lambda x: np.take_along_axis(x, np.array([[2, 0, 1, 1]]), 1), real(2, 3))
case(
    "np.take_along_axis of three axes",
    lambda x: np.take_along_axis(x, np.array([[[0, 1]], [[1, 1]]]), 1),
    real(2, 3, 2),
)
case("np.sort", np.sort, apart(2, 4))
case("np.sort axis=0", lambda x: np.sort(x, 0), apart(3, 2))
case("np.sort axis=None", lambda x: np.sort(x, axis=None), apart(2, 3))
case("np.sort kind=", lambda x: np.sort(x, kind="stable"), apart(4))
case("np.sort of nothing", np.sort, apart(0, 3))
