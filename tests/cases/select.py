"""Taking, choosing and selecting."""

import numpy as np

from tests.cases.table import case, complexes, real

PLACES = np.array([[2, 0, 0], [1, -1, 2]])

case("np.take", lambda x: np.take(x, PLACES), real(2, 3))
case("np.take of one place", lambda x: np.take(x, -1), real(4))
case("np.take axis=0", lambda x: np.take(x, [1, 1], 0), real(2, 3))
case("np.take axis=-1", lambda x: np.take(x, PLACES, axis=-1), real(2, 3))
case("np.take axis=1", lambda x: np.take(x, np.array([1, -1, 1]), axis=1), real(2, 3, 2))
case("np.take axis=1 of one place", lambda x: np.take(x, 2, axis=1), real(2, 3, 2))
case("np.take mode=wrap", lambda x: np.take(x, [7, -7, 1], axis=1, mode="wrap"), real(2, 3))
case("np.take mode=clip", lambda x: np.take(x, [7, -7, 1], mode="clip"), real(2, 3))
case("np.take of no place", lambda x: np.take(x, np.zeros((0, 2), int), axis=1), real(2, 3))
case("np.take of nothing", lambda x: np.take(x, [1, 1], axis=1), real(0, 3))
case("np.take of a 0-d array", lambda x: np.take(x, [0, 0]), real())
case("np.take of complex numbers", lambda x: np.take(x, [1, 1]), complexes(3))

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
case("np.take_along_axis of unsigned places", lambda x: np.take_along_axis(x, PLACES.astype("u8") % 3, 1), real(2, 3))

case("np.compress", lambda x: np.compress([True, False, True], x), real(2, 3))
case("np.compress axis=0", lambda x: np.compress([0, 2], x, axis=0), real(2, 3))
case("np.compress axis=-1", lambda x: np.compress([True, False, True], x, -1), real(2, 3))
case("np.compress of none", lambda x: np.compress([False], x), real(3))
case("np.extract", lambda x: np.extract(np.array([[1, 0, 1], [0, 0, 1]]), x), real(2, 3))

CHOICES = np.array([[0, 2, 1], [1, 0, 0]])
case("np.choose", lambda a, b, c: np.choose(CHOICES, [a, b, c]), real(2, 3), real(2, 3), real(2, 3))
case("np.choose broadcast", lambda a, b: np.choose(CHOICES[1], (a, 0, b)), real(2, 1), real())
case("np.choose among the rows", lambda x: np.choose(CHOICES[0], x), real(3, 3))
case("np.choose mode=wrap", lambda a, b: np.choose(CHOICES + 2, (a, b), mode="wrap"), real(2, 3), real(2, 3))
case("np.choose mode=clip", lambda a, b: np.choose(CHOICES - 1, (a, b), None, "clip"), real(2, 3), real(2, 3))

HALF, THIRD = np.array([[True, False, True], [False, False, True]]), np.array([True, True, False])
case("np.select", lambda a, b: np.select([HALF, THIRD], [a, b]), real(2, 3), real(2, 3))
case("np.select default=", lambda a, b: np.select([HALF, THIRD & HALF], [a, b], a + b), real(2, 3), real(3))
case("np.select broadcast", lambda a, b: np.select([HALF, THIRD], [a, b], default=2.5), real(2, 1), real(3))
