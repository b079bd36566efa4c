"""Medians, quantiles and percentiles."""

import numpy as np

from tests.cases.nans import holed
from tests.cases.table import apart, case, positive

METHODS = (
    "inverted_cdf",
    "averaged_inverted_cdf",
    "closest_observation",
    "interpolated_inverted_cdf",
    "hazen",
    "weibull",
    "linear",
    "median_unbiased",
    "normal_unbiased",
    "lower",
    "higher",
    "midpoint",
    "nearest",
)
WEIGHTS = np.cos(np.arange(24)).reshape(2, 3, 4) + 1.5


def within(*shape):
    """Numbers between 0 and 1, where no method has a corner for seven numbers."""
    return lambda rng: rng.integers(1, 27, shape) / 28 + 0.01


for name in ("np.median", "np.nanmedian"):
    f, hole = getattr(np, name[3:]), holed if "nan" in name else np.positive
    for axis in (None, 1, -1, (2, 0)):
        case(f"{name} axis={axis}", lambda x, f=f, hole=hole, axis=axis: f(hole(x), axis), apart(2, 3, 4))
    case(f"{name} keepdims", lambda x, f=f, hole=hole: f(hole(x), (0, 1), keepdims=True), apart(2, 3, 4))
    case(f"{name} of an odd number", lambda x, f=f: f(x, axis=1), apart(2, 5))
    case(f"{name} of one number", f, apart(1))
    case(f"{name} of a 0-d array", f, apart())
    case(f"{name} of nothing", lambda x, f=f: f(x, axis=1), apart(0, 3))
case("np.median overwrite_input", lambda x: np.median(x, 1, None, True), apart(2, 3))

for method in METHODS:
    case(f"np.quantile {method}", lambda x, m=method: np.quantile(x, [0.0, 0.21, 0.83], 1, method=m), apart(2, 7),
         own_dtype=True)  # fmt: skip
    case(f"np.quantile in q {method}", lambda x, q, m=method: np.quantile(x, q, 1, method=m), apart(2, 7), within(3),
         own_dtype=True)  # fmt: skip
for name in ("np.quantile", "np.percentile", "np.nanquantile", "np.nanpercentile"):
    f, h = getattr(np, name[3:]), holed if "nan" in name else np.positive
    w = 100 if name.endswith("percentile") else 1
    draw, one = apart(2, 3, 4), lambda rng: np.array(0.4)
    for axis in (None, 0, -1, (2, 0)):
        case(f"{name} axis={axis}", lambda x, f=f, h=h, w=w, axis=axis: f(h(x), 0.3 * w, axis), draw)
    case(f"{name} of several q keepdims", lambda x, f=f, h=h, w=w: f(h(x), [0.2 * w, w], (0, 1), keepdims=True), draw,
         own_dtype=True)  # fmt: skip
    case(f"{name} weights=", lambda x, f=f, h=h, w=w: f(h(x), 0.3 * w, 1, method="inverted_cdf", weights=WEIGHTS), draw)
    case(f"{name} in q", lambda x, q, f=f, h=h, w=w: f(h(x), q * w, 2), draw, one, own_dtype=True)
    case(f"{name} of nothing", lambda x, f=f: f(x, 0.5, axis=1), apart(0, 3))
case("np.quantile weights= of an axis",
     lambda x: np.quantile(x, 0.4, (1, 0), method="inverted_cdf", weights=WEIGHTS[..., 0].T),
     apart(2, 3, 4))  # fmt: skip
case(
    "np.quantile of a table of q",
    lambda x: np.quantile(x, [[0.1, 0.2], [0.3, 0.4]], axis=0),
    apart(5, 2),
    own_dtype=True,
)
case("np.quantile in q of constants", lambda q: np.quantile(np.square(np.arange(7.0)), q), within(2), own_dtype=True)
case("np.quantile in a table of q", lambda x, q: np.quantile(x, q), positive(7), within(2, 2), own_dtype=True)
