"""Signals."""

import numpy as np

from calligrad.ops.signal import BesselI, SincSlope
from tests.cases.table import case, complexes, real

for mode in ("full", "same", "valid"):
    for n, m in ((5, 3), (2, 4)):
        case(f"np.convolve {mode} {n}, {m}", lambda a, v, mode=mode: np.convolve(a, v, mode), real(n), real(m))
        case(f"np.correlate {mode} {n}, {m}", lambda a, v, mode=mode: np.correlate(a, v, mode), real(n), real(m))
    case(
        f"np.correlate {mode} of complex numbers",
        lambda a, v, mode=mode: np.correlate(a, v, mode),
        complexes(4),
        complexes(3),
    )
case("np.convolve", np.convolve, real(4), real(1))
case("np.convolve mode=", lambda a: np.convolve(a, [1, -2, 1], mode="same"), real(4), own_dtype=True)
case("np.convolve of a 0-d array", np.convolve, real(3), real())
case("np.convolve of complex numbers", np.convolve, complexes(4), real(2))
case("np.correlate", np.correlate, real(4), real(4))

case("np.sinc", np.sinc, real(3, 4))
case("np.sinc at whole numbers", np.sinc, lambda rng: np.array([-2.0, -1.0, 1.0, 2.0]))
case("np.sinc near 0", np.sinc, lambda rng: np.array([1e-3, -1e-2, 0.1]))  # at 0 NumPy 2.0 gives NaN in float16
case("np.sinc of a 0-d array", np.sinc, real())
case("np.sinc of nothing", np.sinc, real(0, 2))
case("np.sinc of complex numbers", np.sinc, complexes(4))
case("np.i0", np.i0, real(3, 4))
case("np.i0 of large numbers", np.i0, lambda rng: np.array([-9.0, 8.5, 7.9]))
case("np.i0 at 0", np.i0, lambda rng: np.zeros(2))
case("np.i0 of a 0-d array", np.i0, real())

case("ops.SincSlope", lambda x: SincSlope(1)(x, np.sinc(x)), real(2, 3))
case("ops.BesselI order=0", lambda x: BesselI(0)(x), real(2, 3))
case("ops.BesselI order=3", lambda x: BesselI(3)(x), real(4))
