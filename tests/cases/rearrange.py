"""Moving numbers: inserted, deleted, repeated, in windows."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from calligrad.ops.rearrange import OverlapAdd
from tests.cases.table import NUMPY, case, complexes, real

case("np.insert", lambda x, v: np.insert(x, 1, v), real(2, 3), real())
case("np.insert axis=1", lambda x, v: np.insert(x, 1, v, axis=1), real(2, 3), real(2))
case("np.insert a scalar broadcast", lambda x, v: np.insert(x, [0, 2], v, axis=-1), real(2, 3), real())
case("np.insert at a slice", lambda x, v: np.insert(x, slice(0, 4, 2), v), real(4), real(2))
case("np.insert several at one place", lambda x, v: np.insert(x, [1, 1], v), real(3), real(2))
case("np.insert at a negative place", lambda x, v: np.insert(x, -1, v, axis=0), real(2, 2), real(3, 2))
case("np.insert a number", lambda x: np.insert(x, 2, 5.0), real(3))
case("np.insert into a constant", lambda v: np.insert(np.ones(2, v.dtype), 1, v), real(2))
case("np.insert into nothing", lambda x, v: np.insert(x, 0, v), real(0), real(2))
case("np.delete", lambda x: np.delete(x, 1), real(2, 3))
case("np.delete axis=1", lambda x: np.delete(x, [0, -1], axis=1), real(2, 3))
case("np.delete a slice", lambda x: np.delete(x, slice(None, None, 2), 0), real(5, 2))
case("np.delete a mask", lambda x: np.delete(x, np.array([True, False, True])), real(3))
case("np.delete of complex numbers", lambda x: np.delete(x, 1), complexes(3))
case("np.resize", lambda x: np.resize(x, (3, 3)), real(2, 2))
case("np.resize to less", lambda x: np.resize(x, 3), real(2, 2))
case("np.resize to nothing", lambda x: np.resize(x, (0, 2)), real(2))
case("np.resize of nothing", lambda x: np.resize(x, (2,)), real(0))
case("np.trim_zeros", lambda x: np.trim_zeros(np.pad(x, (1, 2))), real(3))
case("np.trim_zeros trim=b", lambda x: np.trim_zeros(np.pad(x, (1, 2)), "b"), real(3))
case("np.trim_zeros with nothing to trim", np.trim_zeros, real(3))
if NUMPY >= "2.2.0":
    case("np.trim_zeros of a matrix", lambda x: np.trim_zeros(np.pad(x, (1, 2))), real(2, 3))
    case("np.trim_zeros axis=", lambda x: np.trim_zeros(np.pad(x, (1, 2)), "f", axis=-1), real(2, 3))

WINDOWS = "np.lib.stride_tricks.sliding_window_view"
case(WINDOWS, lambda x: sliding_window_view(x, 3), real(5))
case(f"{WINDOWS} of a matrix", lambda x: sliding_window_view(x, (2, 2)), real(3, 4))
case(f"{WINDOWS} axis=", lambda x: sliding_window_view(x, 2, axis=1), real(2, 4))
case(f"{WINDOWS} of one axis twice", lambda x: sliding_window_view(x, (2, 2), axis=(0, 0)), real(4, 2))
case("ops.OverlapAdd", lambda x: OverlapAdd((2, 2), None, (3, 4))(x), real(2, 3, 2, 2))
case("ops.OverlapAdd of one axis twice", lambda x: OverlapAdd((2, 2), (0, 0), (4,))(x), real(2, 2, 2))
