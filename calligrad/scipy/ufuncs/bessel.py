"""Bessel functions: the slope of each order is made of its neighbours. The orders are constants."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special

from calligrad.scipy.ufuncs.slopes import slopes, slopes_of_outputs


def _difference(f: Callable) -> Callable:
    return lambda v, x: 0.5 * (f(v - 1, x) - f(v + 1, x))


def _sum(f: Callable) -> Callable:
    return lambda v, x: 0.5 * (f(v - 1, x) + f(v + 1, x))


# ---------------------------------------------------------------- of any order

slopes("jv", None, _difference(special.jv))
slopes("yv", None, _difference(special.yv))
slopes("yn", None, _difference(special.yv))
slopes("hankel1", None, _difference(special.hankel1))
slopes("hankel2", None, _difference(special.hankel2))
slopes("iv", None, _sum(special.iv))
slopes("kv", None, lambda v, x: -_sum(special.kv)(v, x))
slopes("kn", None, lambda v, x: -_sum(special.kv)(v, x))

# Times what keeps them within bounds: exp(-|Im x|), exp(-|x|), exp(x), exp(∓ix).

slopes("jve", None, _difference(special.jve), real_only=True)
slopes("yve", None, _difference(special.yve), real_only=True)
slopes("ive", None, lambda v, x, *, y: _sum(special.ive)(v, x) - np.sign(x) * y, real_only=True)
slopes("kve", None, lambda v, x, *, y: y - _sum(special.kve)(v, x))
slopes("hankel1e", None, lambda v, x, *, y: _difference(special.hankel1e)(v, x) - 1j * y)
slopes("hankel2e", None, lambda v, x, *, y: _difference(special.hankel2e)(v, x) + 1j * y)

# ---------------------------------------------------------------- of order 0 and 1


def _i1e_slope(x: Any, y: Any) -> Any:
    """By the neighbour of order 2 where x is near 0, and by what that is made of elsewhere."""
    near = np.less(np.abs(x), 1)
    twice = np.where(near, special.ive(2.0, np.where(near, x, 0)), special.i0e(x) - 2 * y / np.where(near, 1, x))
    return 0.5 * (special.i0e(x) + twice) - np.sign(x) * y


slopes("j0", lambda x: -special.j1(x))
slopes("j1", lambda x: 0.5 * (special.j0(x) - special.jv(2.0, x)))
slopes("y0", lambda x: -special.y1(x))
slopes("y1", lambda x, *, y: special.y0(x) - y / x)
slopes("i0", lambda x: special.i1(x))
slopes("i0e", lambda x, *, y: special.i1e(x) - np.sign(x) * y, doc="``scipy.special.i0e``; the slope at 0 is 0.")
slopes("i1", lambda x: 0.5 * (special.i0(x) + special.iv(2.0, x)))
slopes("i1e", lambda x, *, y: _i1e_slope(x, y))
slopes("k0", lambda x: -special.k1(x))
slopes("k0e", lambda x, *, y: y - special.k1e(x))
slopes("k1", lambda x, *, y: -special.k0(x) - y / x)
slopes("k1e", lambda x, *, y: y - special.k0e(x) - y / x)

# ---------------------------------------------------------------- their relatives

slopes_of_outputs(
    "airy",
    lambda x, y: y[1],
    lambda x, y: x * y[0],
    lambda x, y: y[3],
    lambda x, y: x * y[2],
)


def _step(v: Any, x: Any) -> Any:
    """What Struve's functions have on top of Bessel's in the relation between neighbours."""
    return (0.5 * x) ** v * special.rgamma(v + 1.5) * (0.5 / math.sqrt(math.pi))


slopes("struve", None, lambda v, x: _difference(special.struve)(v, x) + _step(v, x))
slopes("modstruve", None, lambda v, x: _sum(special.modstruve)(v, x) + _step(v, x))
slopes("wright_bessel", None, None, lambda a, b, x: special.wright_bessel(a, a + b, x))
