"""The reduce of ufuncs that have no function of their own."""

import numpy as np

from tests.cases.table import apart, case, positive, real

MASK = np.arange(12).reshape(3, 4) % 5 != 2
UFUNCS = {
    np.fmax: apart,
    np.fmin: apart,
    np.logaddexp: real,
    np.logaddexp2: real,
    np.hypot: real,
    np.subtract: real,
    np.divide: positive,
}
for ufunc, draw in UFUNCS.items():
    name = f"np.{ufunc.__name__}.reduce"
    case(name, ufunc.reduce, draw(3, 4))
    case(f"{name} axis=-1 keepdims", lambda x, u=ufunc: u.reduce(x, axis=-1, keepdims=True), draw(3, 4))
    case(f"{name} initial= where=", lambda x, u=ufunc: u.reduce(x, 1, initial=1.5, where=MASK), draw(3, 4))
    if ufunc not in (np.subtract, np.divide):  # where the order matters, NumPy takes one axis
        case(f"{name} axis=None", lambda x, u=ufunc: u.reduce(x, axis=None), draw(3, 4))
    case(f"{name} of nothing axis=1", lambda x, u=ufunc: u.reduce(x, axis=1), draw(0, 3))
case("np.add.reduce where= initial=", lambda x: np.add.reduce(x, 1, initial=1.5, where=MASK), real(3, 4))
case("np.multiply.reduce where=", lambda x: np.multiply.reduce(x, where=MASK), real(3, 4))
case(
    "np.fmax.reduce beside NaNs",
    lambda x: np.fmax.reduce(x + np.where(MASK, 0, np.nan).astype(np.float16)),
    apart(3, 4),
)
case(
    "np.divide.reduce of a first zero",
    lambda x: np.divide.reduce(x * np.arange(3, dtype=np.int8)[:, np.newaxis]),
    positive(3, 4),
)
case("np.hypot.reduce of nothing", np.hypot.reduce, real(0, 3))
