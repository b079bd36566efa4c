"""Powers and logarithms, the error functions, logistic functions, entropies, robust losses and angles."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import special

from calligrad.function import constant
from calligrad.scipy.ufuncs.slopes import find, slopes, slopes_of_outputs

constant(*filter(None, map(find, ("gammasgn", "round"))))

PER_DEGREE = math.pi / 180
ROOT_PI = math.sqrt(math.pi)
ROOT_2PI = math.sqrt(2 * math.pi)

# ---------------------------------------------------------------- powers and logarithms

slopes("cbrt", lambda *, y: 1 / (3 * y * y))
slopes("exp2", lambda *, y: math.log(2) * y)
slopes("exp10", lambda *, y: math.log(10) * y)
slopes("expm1", lambda x: np.exp(x))
slopes("log1p", lambda x: 1 / (1 + x))
slopes("exprel", lambda x, *, y: _exprel_slope(x, y))
slopes("powm1", lambda a, b: b * a ** (b - 1), lambda a, b, *, y: (1 + y) * np.log(a))
slopes("wrightomega", lambda *, y: y / (1 + y))
slopes("_lambertw", lambda *, y: np.exp(-y) / (1 + y), None, None)


def _exprel_slope(x: Any, y: Any) -> Any:
    """``(exp(x) - y) / x``, where ``y`` is exprel(x): without its gap at 0, and in a form that cannot overflow."""
    near, up = np.less(np.abs(x), 1), np.greater(x, 0)
    far = np.where(near, 1, x)
    above, below = y * (1 - 1 / far) + 1 / far, (np.exp(np.minimum(x, 0)) - np.where(up, 0, y)) / far
    return np.where(near, 0.5 * special.hyp1f1(2.0, 3.0, np.where(near, x, 0)), np.where(up, above, below))


def _nothing(a: Any, b: Any, zero: int) -> Any:
    """Where ``a * log(b)`` is 0 though there is no logarithm of ``b``: the function is taken for 0 all around."""
    return np.equal(a, 0) & (np.equal if np.iscomplexobj(b) else np.less_equal)(b, zero)


def _log_where_defined(a: Any, b: Any, log: Any, zero: int) -> Any:
    """The slope of ``a * log(b)`` in ``a``."""
    nothing = _nothing(a, b, zero)
    return np.where(nothing, 0, log(np.where(nothing, 1, b)))


def _ratio_where_defined(a: Any, b: Any) -> Any:
    """Its slope in ``b``: by infinity, so that the slopes of this slope are 0 as well."""
    return a / np.where(_nothing(a, b, 0), np.inf, b)


slopes(
    "xlogy",
    lambda a, b: _log_where_defined(a, b, np.log, 0),
    lambda a, b: _ratio_where_defined(a, b),
    doc="``a * log(b)``, 0 where a is 0; where b has no logarithm either, the slopes are 0.",
)
slopes(
    "xlog1py",
    lambda a, b: _log_where_defined(a, b, np.log1p, -1),
    lambda a, b: _ratio_where_defined(a, 1 + b),
    doc="``a * log(1 + b)``, 0 where a is 0; where 1 + b has no logarithm either, the slopes are 0.",
)

# The power of Box and Cox, (x**p - 1) / p, is log(x) * exprel(p * log(x)): without a gap where p is 0.
slopes(
    "boxcox",
    lambda x, p: x ** (p - 1),
    lambda x, p: np.log(x) ** 2 * _exprel_slope(p * np.log(x), special.exprel(p * np.log(x))),
)
slopes(
    "boxcox1p",
    lambda x, p: (1 + x) ** (p - 1),
    lambda x, p: np.log1p(x) ** 2 * _exprel_slope(p * np.log1p(x), special.exprel(p * np.log1p(x))),
)
slopes(
    "inv_boxcox",
    lambda x, p, *, y: y / (1 + p * x),
    lambda x, p, *, y: -0.5 * y * x * x * special.hyp2f1(2.0, 2.0, 3.0, -p * x),
)
slopes(
    "inv_boxcox1p",
    lambda x, p, *, y: (1 + y) / (1 + p * x),
    lambda x, p, *, y: -0.5 * (1 + y) * x * x * special.hyp2f1(2.0, 2.0, 3.0, -p * x),
)

# ---------------------------------------------------------------- the error functions and the normal distribution

slopes("erf", lambda x: 2 / ROOT_PI * np.exp(-x * x))
slopes("erfc", lambda x: -2 / ROOT_PI * np.exp(-x * x))
slopes("erfi", lambda x: 2 / ROOT_PI * np.exp(x * x))
slopes("erfcx", lambda x, *, y: 2 * x * y - 2 / ROOT_PI)
slopes("dawsn", lambda x, *, y: 1 - 2 * x * y)
slopes("wofz", lambda x, *, y: 2j / ROOT_PI - 2 * x * y)
slopes("erfinv", lambda *, y: 0.5 * ROOT_PI * np.exp(y * y))
slopes("erfcinv", lambda *, y: -0.5 * ROOT_PI * np.exp(y * y))
slopes("ndtr", lambda x: 1 / ROOT_2PI * np.exp(-0.5 * x * x))
slopes("log_ndtr", lambda x: math.sqrt(2 / math.pi) / special.erfcx(-math.sqrt(0.5) * x))
slopes("ndtri", lambda *, y: ROOT_2PI * np.exp(0.5 * y * y))
slopes("ndtri_exp", lambda x, *, y: ROOT_2PI * np.exp(x + 0.5 * y * y))
slopes(
    "owens_t",
    lambda h, a: -0.5 / ROOT_2PI * np.exp(-0.5 * h * h) * special.erf(math.sqrt(0.5) * a * h),
    lambda h, a: np.exp(-0.5 * h * h * (1 + a * a)) / (2 * math.pi * (1 + a * a)),
)


def _voigt(x: Any, sigma: Any, gamma: Any) -> tuple[Any, Any]:
    """Where Faddeeva's function is taken for Voigt's profile, and its slope there."""
    z = math.sqrt(0.5) * (x + 1j * gamma) / sigma
    return z, (2j / ROOT_PI - 2 * z * special.wofz(z)) / (2 * ROOT_PI * sigma**2)


slopes(
    "voigt_profile",
    lambda x, sigma, gamma: np.real(_voigt(x, sigma, gamma)[1]),
    lambda x, sigma, gamma, *, y: -y / sigma - math.sqrt(2) * np.real(np.multiply(*_voigt(x, sigma, gamma))),
    lambda x, sigma, gamma: -np.imag(_voigt(x, sigma, gamma)[1]),
)
slopes_of_outputs(
    "fresnel",
    lambda x, y: np.sin(0.5 * math.pi * x * x),
    lambda x, y: np.cos(0.5 * math.pi * x * x),
)

# ---------------------------------------------------------------- logistic functions

slopes("expit", lambda *, y: y * (1 - y))
slopes("log_expit", lambda x: special.expit(-x))
slopes("logit", lambda x: 1 / (x * (1 - x)))

# ---------------------------------------------------------------- entropies

slopes("entr", lambda x: -np.log(x) - 1)
slopes("rel_entr", lambda a, b: np.log(a / b) + 1, lambda a, b: -a / b)
slopes("kl_div", lambda a, b: np.log(a / b), lambda a, b: 1 - a / b)

# ---------------------------------------------------------------- robust losses


slopes("huber", lambda d, r: np.maximum(np.abs(r) - d, 0), lambda d, r: np.clip(r, -d, d))
slopes(
    "pseudo_huber",
    lambda d, r: 2 * d * (np.hypot(1, r / d) - 1) - r * r / (d * np.hypot(1, r / d)),
    lambda d, r: r / np.hypot(1, r / d),
)

# ---------------------------------------------------------------- angles

slopes("sindg", lambda x: PER_DEGREE * special.cosdg(x))
slopes("cosdg", lambda x: -PER_DEGREE * special.sindg(x))
slopes("tandg", lambda *, y: PER_DEGREE * (1 + y * y))
slopes("cotdg", lambda *, y: -PER_DEGREE * (1 + y * y))
slopes("radian", PER_DEGREE, PER_DEGREE / 60, PER_DEGREE / 3600)
slopes("cosm1", lambda x: -np.sin(x))
