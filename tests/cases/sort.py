"""Sorting."""

import numpy as np

from tests.cases.table import apart, case, complexes

case("np.sort", np.sort, apart(2, 4))
case("np.sort axis=0", lambda x: np.sort(x, 0), apart(3, 2))
case("np.sort axis=1", lambda x: np.sort(x, 1), apart(2, 3, 2))
case("np.sort axis=None", lambda x: np.sort(x, axis=None), apart(2, 3))
case("np.sort kind=", lambda x: np.sort(x, kind="heapsort"), apart(4))
case("np.sort stable=", lambda x: np.sort(x, stable=True), apart(4))
case("np.sort of nothing", np.sort, apart(0, 3))
case("np.sort of complex numbers", np.sort, complexes(5))
case("np.partition", lambda x: np.partition(x, 1), apart(2, 5))
case("np.partition axis=0", lambda x: np.partition(x, -2, axis=0), apart(5, 2))
case("np.partition axis=None", lambda x: np.partition(x, (1, 3), None), apart(2, 3))
case("np.partition kind=", lambda x: np.partition(x, [0, 2], kind="introselect"), apart(2, 2, 3))
case("np.sort_complex", np.sort_complex, complexes(2, 4))
case("np.sort_complex of real numbers", np.sort_complex, apart(5), own_dtype=True)
