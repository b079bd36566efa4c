"""Running results along an axis."""

import numpy as np

from tests.cases.table import NUMPY, apart, case, complexes, positive, real

MASK = np.arange(24).reshape(2, 3, 4) % 5 != 2
for name in ("cumsum", "cumprod"):
    f = getattr(np, name)
    for axis in (None, 0, 1, -1):
        case(f"np.{name} axis={axis}", lambda x, f=f, axis=axis: f(x, axis), real(2, 3, 4))
    case(f"np.{name} of complex numbers", lambda x, f=f: f(x, axis=1), complexes(2, 3))
    case(f"np.{name} of a 0-d array", f, real())
    case(f"np.{name} of nothing", lambda x, f=f: f(x, axis=1), real(2, 0))
    case(f"np.{name} dtype=", lambda x, f=f: f(x, dtype=np.float64), real(3), own_dtype=True)
    case(f"x.{name}", lambda x, name=name: getattr(x, name)(1), real(2, 3))
case("np.cumprod of zeros", lambda x: np.cumprod(x * MASK, axis=-1), real(2, 3, 4))
case("np.cumprod of zeros axis=None", lambda x: np.cumprod(x * MASK[0]), real(3, 4))

UFUNCS = {
    np.add: real,
    np.subtract: real,
    np.multiply: real,
    np.divide: positive,
    np.logaddexp: real,
    np.logaddexp2: real,
    np.hypot: real,
    np.maximum: apart,
    np.minimum: apart,
    np.fmax: apart,
    np.fmin: apart,
}
for ufunc, draw in UFUNCS.items():
    name = f"np.{ufunc.__name__}.accumulate"
    case(name, ufunc.accumulate, draw(6))
    case(f"{name} axis=1", lambda x, u=ufunc: u.accumulate(x, 1), draw(2, 5, 2))
    case(f"{name} of nothing", lambda x, u=ufunc: u.accumulate(x, axis=-1), draw(2, 0))
HOLES = np.where(np.arange(12).reshape(3, 4) % 7 == 3, np.nan, 0).astype(np.float16)
case("np.fmin.accumulate beside NaNs", lambda x: np.fmin.accumulate(x + HOLES, 1), apart(3, 4))

for ufunc in (np.add, np.maximum, np.minimum):
    name, draw = f"np.{ufunc.__name__}.reduceat", real if ufunc is np.add else apart
    case(name, lambda x, u=ufunc: u.reduceat(x, [0, 2, 3]), draw(5, 2))
    case(f"{name} axis=-1 of overlapping segments", lambda x, u=ufunc: u.reduceat(x, [0, 3, 1, 1, 2], -1), draw(2, 5))

if NUMPY >= "2.1.0":
    for name in ("cumulative_sum", "cumulative_prod"):
        f = getattr(np, name)
        case(f"np.{name}", f, real(4))
        case(f"np.{name} axis=1 include_initial", lambda x, f=f: f(x, axis=1, include_initial=True), real(2, 3))
        case(f"np.{name} of a 0-d array", lambda x, f=f: f(x, include_initial=True), real())
