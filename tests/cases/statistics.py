"""Averages, covariances and ranges."""

import numpy as np

from tests.cases.table import apart, case, complexes, positive, real

for axis in (None, 1, (0, 2)):
    case(f"np.ptp axis={axis}", lambda x, axis=axis: np.ptp(x, axis), apart(2, 3, 4))
    case(f"np.average axis={axis}", lambda x, axis=axis: np.average(x, axis), real(2, 3, 4))
    case(f"np.average weights= axis={axis}", lambda x, w, axis=axis: np.average(x, axis, w), real(2, 3, 4),
         positive(2, 3, 4))  # fmt: skip
case("np.ptp keepdims", lambda x: np.ptp(x, 0, keepdims=True), apart(2, 3))
case("np.average weights= of an axis", lambda x, w: np.average(x, axis=1, weights=w), real(2, 3), positive(3))
case("np.average weights= of two axes", lambda x, w: np.average(x, (2, 0), w, keepdims=True),
     real(2, 3, 4), positive(4, 2))  # fmt: skip
case("np.average weights= of constants", lambda w: np.average(np.arange(3.0), weights=w), positive(3), own_dtype=True)
case("np.average returned", lambda x, w: np.average(x, 0, w, True), real(2, 3), positive(2, 3))
case("np.average of complex numbers", lambda x, w: np.average(x, 0, w), complexes(2, 3), positive(2))

COUNTS = np.array([1, 2, 1, 3, 1])
for words, settings in {
    "": {},
    " bias": {"bias": True},
    " ddof=2": {"ddof": 2},
    " fweights=": {"fweights": COUNTS},
}.items():
    case(f"np.cov{words} of rows", lambda x, s=settings: np.cov(x, **s), real(3, 5), own_dtype=True)
    case(f"np.cov{words} aweights=", lambda x, w, s=settings: np.cov(x, aweights=w, **s), real(3, 5), positive(5),
         own_dtype=True)  # fmt: skip
case("np.cov", np.cov, real(5), own_dtype=True)
case("np.cov of two", np.cov, real(3, 5), real(2, 5), own_dtype=True)
case("np.cov of two vectors", lambda x, y: np.cov(x, y, rowvar=False), real(5), real(5), own_dtype=True)
case("np.cov rowvar=False", lambda x: np.cov(x, rowvar=False), real(5, 3), own_dtype=True)
case("np.cov of columns", lambda x, y: np.cov(x, y, False), real(5, 3), real(5, 2), own_dtype=True)
case("np.cov dtype=", lambda x: np.cov(x, dtype=np.float64), real(2, 5), own_dtype=True)
case("np.cov of complex numbers", lambda x, w: np.cov(x, aweights=w), complexes(3, 5), positive(5), own_dtype=True)
case("np.corrcoef", np.corrcoef, real(3, 5), own_dtype=True)
case("np.corrcoef of two", lambda x, y: np.corrcoef(x, y, rowvar=False), real(5, 2), real(5, 2), own_dtype=True)
case("np.corrcoef of complex numbers", np.corrcoef, complexes(3, 5), own_dtype=True)
