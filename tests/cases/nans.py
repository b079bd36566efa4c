"""NumPy's functions that pass over NaNs."""

import numpy as np

from tests.cases.table import apart, case, complexes, real

HOLES = np.where(np.arange(24).reshape(2, 3, 4) % 5 == 2, np.nan, 0)
MASK = np.arange(24).reshape(2, 3, 4) % 7 != 4
REDUCTIONS = {
    "np.nansum": real,
    "np.nanprod": real,
    "np.nanmean": real,
    "np.nanvar": real,
    "np.nanstd": real,
    "np.nanmax": apart,
    "np.nanmin": apart,
}


def holed(x):
    """``x`` with NaNs in it."""
    return x + HOLES.astype(np.float16)[: x.shape[0], :, : x.shape[2]]


for name, draw in REDUCTIONS.items():
    f = getattr(np, name[3:])
    start = {"initial": 0.5} if name in ("np.nansum", "np.nanprod", "np.nanmax", "np.nanmin") else {}
    case(f"{name} without NaNs", f, draw(2, 3))
    for axis in (None, -1, (0, 2)):
        case(f"{name} axis={axis}", lambda x, f=f, axis=axis: f(holed(x), axis=axis), draw(2, 3, 4))
    case(f"{name} keepdims where=", lambda x, f=f, s=start: f(holed(x), (0, 1), keepdims=True, where=MASK, **s),
         draw(2, 3, 4))  # fmt: skip
    case(f"{name} of complex numbers", lambda x, f=f: f(holed(x), axis=2), complexes(2, 3, 4))
    case(f"{name} of nothing axis=1", lambda x, f=f: f(x, axis=1), draw(0, 3))
case("np.nanprod of zeros", lambda x: np.nanprod(holed(x) * MASK, axis=2), real(2, 3, 4))
case("np.nansum dtype=", lambda x: np.nansum(holed(x), dtype=np.float64), real(2, 3, 4), own_dtype=True)
case("np.nanvar ddof=1", lambda x: np.nanvar(holed(x), 2, ddof=1), real(2, 3, 4))
case("np.nanstd mean= correction=1",
     lambda x: np.nanstd(holed(x), 2, mean=np.square(np.nanmean(holed(x), 2, keepdims=True)), correction=1),
     real(2, 3, 4))  # fmt: skip
for name in ("np.nancumsum", "np.nancumprod"):
    f = getattr(np, name[3:])
    case(name, lambda x, f=f: f(holed(x)), real(2, 3, 4))
    case(f"{name} axis=1", lambda x, f=f: f(holed(x), axis=1), real(2, 3, 4))
case("np.nancumprod of zeros", lambda x: np.nancumprod(holed(x) * MASK, axis=2), real(2, 3, 4))
