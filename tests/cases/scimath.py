"""np.emath."""

import numpy as np

from tests.cases.table import apart, case, complexes, positive

for _name in ("sqrt", "log", "log2", "log10", "arccos", "arcsin", "arctanh"):
    _f = getattr(np.emath, _name)
    case(f"np.lib.scimath.{_name}", _f, apart(5))
    case(f"np.lib.scimath.{_name} of small numbers", _f, lambda rng: rng.uniform(0.1, 0.9, 4))
    case(f"np.lib.scimath.{_name} of complex numbers", _f, complexes(3))
for _name in ("arccos", "arcsin", "arctanh"):
    case(f"np.lib.scimath.{_name} beyond 1", getattr(np.emath, _name), lambda rng: np.array([-2.5, -1.5, 1.5, 3]))
case("np.lib.scimath.power", np.emath.power, apart(4), positive(4))
case("np.lib.scimath.power 2", lambda x: np.emath.power(x, 2), apart(4), own_dtype=True)
case("np.lib.scimath.logn", np.emath.logn, positive(3), apart(3))
