"""Functions that NumPy applies along axes."""

import numpy as np

from tests.cases.table import case, real

case("np.apply_along_axis to one number", lambda x: np.apply_along_axis(np.sum, 1, x), real(2, 3, 2))
case("np.apply_along_axis to a row", lambda x: np.apply_along_axis(lambda r, k: r[:2] ** 2 * k, 0, x, 3), real(3, 2))
case("np.apply_along_axis to a matrix", lambda x: np.apply_along_axis(lambda r: np.outer(r, r), -1, x), real(2, 3))
case("np.apply_over_axes", lambda x: np.apply_over_axes(np.sum, x, [0, -1]), real(2, 3, 4))
case("np.apply_over_axes keeping them", lambda x: np.apply_over_axes(np.cumsum, x, 1), real(2, 3))
