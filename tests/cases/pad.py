"""Padding."""

import numpy as np

from tests.cases.table import NUMPY, apart, case, complexes, real

case("np.pad", lambda x: np.pad(x, 1), real(2, 3))
case("np.pad a pair", lambda x: np.pad(x, (1, 2)), real(2, 3))
case("np.pad pairs", lambda x: np.pad(x, ((1, 0), (0, 2))), real(2, 3))
if NUMPY >= "2.3.0":
    case("np.pad a dict", lambda x: np.pad(x, {-1: (1, 2)}), real(2, 3))
case("np.pad by nothing", lambda x: np.pad(x, 0), real(2, 3))
case("np.pad of nothing", lambda x: np.pad(x, 1), real(0, 2))
case("np.pad constant_values=", lambda x: np.pad(x, 1, constant_values=3), real(2, 3))
case("np.pad constant_values= pairs", lambda x: np.pad(x, 1, constant_values=((1, 2), (3, 4))), real(2, 3))
case("np.pad constant_values= a Value", lambda x: np.pad(x, 1, constant_values=x[0, 1]), real(2, 3))
case("np.pad constant_values= a pair", lambda x: np.pad(x, (1, 2), "constant", constant_values=x[0]), real(2, 2))
case("np.pad constant_values= a row for each axis", lambda x: np.pad(x, 1, constant_values=x[:, 1:]), real(2, 3))
case("np.pad constant_values= Values in a list", lambda x: np.pad(x, 1, constant_values=[x[0], 5.0]), real(2))
case("np.pad edge", lambda x: np.pad(x, ((1, 0), (2, 3)), "edge"), real(2, 3))
for mode in ("reflect", "symmetric", "wrap"):
    case(f"np.pad {mode}", lambda x, mode=mode: np.pad(x, (2, 1), mode), real(3, 3))
    case(f"np.pad {mode} several times over", lambda x, mode=mode: np.pad(x, (4, 7), mode), real(3))
for mode in ("reflect", "symmetric"):
    odd = {"mode": mode, "reflect_type": "odd"}
    case(f"np.pad {mode} odd", lambda x, odd=odd: np.pad(x, ((1, 2), (2, 0)), **odd), real(3, 3))
    case(f"np.pad {mode} odd several times over", lambda x, odd=odd: np.pad(x, (4, 7), **odd), real(3))
    case(f"np.pad {mode} odd of one number", lambda x, odd=odd: np.pad(x, (2, 1), **odd), real(1))
case("np.pad linear_ramp", lambda x: np.pad(x, ((1, 2), (0, 3)), "linear_ramp"), real(2, 3))
case("np.pad linear_ramp of a vector", lambda x: np.pad(x, 2, "linear_ramp", end_values=(3, -1)), real(3))
case("np.pad linear_ramp pairs", lambda x: np.pad(x, 2, "linear_ramp", end_values=[[1, 2], [3, 4]]), real(2, 3))
case("np.pad linear_ramp end_values= a Value", lambda x: np.pad(x, 2, "linear_ramp", end_values=2 * x[1]), real(3))
case(
    "np.pad linear_ramp end_values= a row for each axis",
    lambda x: np.pad(x, 2, "linear_ramp", end_values=x),
    real(2, 2),
)
case("np.pad linear_ramp of complex numbers", lambda x: np.pad(x, 2, "linear_ramp"), complexes(3))
case("np.pad edge of complex numbers", lambda x: np.pad(x, 2, "edge"), complexes(3))
for mode in ("maximum", "minimum", "mean", "median"):
    case(f"np.pad {mode}", lambda x, mode=mode: np.pad(x, ((1, 2), (2, 0)), mode), apart(2, 3))
    case(f"np.pad {mode} stat_length=", lambda x, mode=mode: np.pad(x, 1, mode, stat_length=(2, 3)), apart(4))
case("np.pad mean stat_length= pairs", lambda x: np.pad(x, 1, "mean", stat_length=((1, 2), (2, 9))), real(3, 4))
