"""NumPy's functions that write into an array."""

import numpy as np

import calligrad as cg
from tests.cases.table import case, complexes, real


def writable(x, *written):
    """A copy of ``x`` into which ``written`` can be written: an array takes no Value."""
    y = np.copy(x)
    values = any(isinstance(w, cg.Value) for w in written)
    return cg.Value(y, requires_grad=False) if values and not isinstance(y, cg.Value) else y


def into(write):
    """``write`` as a function that returns what it has written into a copy."""

    def written(x, *ws):
        y = writable(x, *ws)
        assert write(y, *ws) is None
        return y

    return written


MASK = np.array([[True, False, True], [False, True, True]])
PLACES = np.array([[2, 0], [1, 1]])

case("np.copyto", into(np.copyto), real(2, 3), real(2, 3))
case("np.copyto where=", into(lambda y, w: np.copyto(y, w, where=MASK)), real(2, 3), real(3))
case("np.copyto of one number", into(lambda y, w: np.copyto(y, w, "unsafe", MASK[:, :1])), real(2, 3), real())
case("np.copyto of a constant", lambda x: into(lambda y: np.copyto(y, 2.5, where=MASK))(x), real(2, 3))
case("np.place", into(lambda y, w: np.place(y, MASK, w)), real(2, 3), real(4))
case("np.place too many", into(lambda y, w: np.place(y, MASK, w)), real(2, 3), real(2, 4))
case("np.place too few", into(lambda y, w: np.place(y, MASK, w)), real(2, 3), real(3))
case("np.putmask", into(lambda y, w: np.putmask(y, MASK, w)), real(2, 3), real(2, 3))
case("np.putmask too few", into(lambda y, w: np.putmask(y, MASK, w)), real(2, 3), real(4))
case("np.put", into(lambda y, w: np.put(y, [4, -1], w)), real(2, 3), real(2))
case("np.put too few", into(lambda y, w: np.put(y, [4, -1, 0], w)), real(2, 3), real(2))
case("np.put twice at one place", into(lambda y, w: np.put(y, [4, 4, 0], w)), real(2, 3), real(3))
case("np.put mode=wrap", into(lambda y, w: np.put(y, [7, -7], w, mode="wrap")), real(2, 3), real(2))
case("np.put mode=clip", into(lambda y, w: np.put(y, [7, -7], w, "clip")), real(2, 3), real(2))
case("np.put of complex numbers", into(lambda y, w: np.put(y, [1, 2], w)), complexes(3), complexes(2))
case("np.put_along_axis", into(lambda y, w: np.put_along_axis(y, PLACES, w, 1)), real(2, 3), real(2, 2))
case("np.put_along_axis of one number", into(lambda y, w: np.put_along_axis(y, PLACES, w, axis=-1)), real(2, 3), real())
case("np.put_along_axis axis=None", into(lambda y, w: np.put_along_axis(y, PLACES[0], w, None)), real(2, 3), real(2))
case("np.fill_diagonal", into(np.fill_diagonal), real(3, 3), real(3))
case("np.fill_diagonal of one number", into(np.fill_diagonal), real(2, 3), real())
case("np.fill_diagonal wrap=True", into(lambda y, w: np.fill_diagonal(y, w, wrap=True)), real(5, 2), real(3))
case("np.fill_diagonal of three axes", into(np.fill_diagonal), real(2, 2, 2), real(2))

for words, key in {
    "": np.array([0, 0, 2]),
    " by a tuple": (np.array([0, 0, 2]), 1),
    " by a mask": MASK[0],
    " by a slice": slice(1, None),
}.items():
    places = np.empty((3, 2))[key].shape
    case(f"np.add.at{words}", into(lambda y, w, key=key: np.add.at(y, key, w)), real(3, 2), real(*places))
case("np.add.at of one number", into(lambda y, w: np.add.at(y, [1, 1], w)), real(3, 2), real())
case("np.add.at of complex numbers", into(lambda y, w: np.add.at(y, [1, 1], w)), complexes(3), complexes(2))
case("np.subtract.at", into(lambda y, w: np.subtract.at(y, [1, 1, 0], w)), real(3, 2), real(3, 2))
case("np.subtract.at broadcast", into(lambda y, w: np.subtract.at(y, [1, 1, 0], w)), real(3, 2), real(2))
