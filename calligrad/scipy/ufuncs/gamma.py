"""The gamma function and its kin, complete and incomplete, and the distributions that are made of them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import special

from calligrad.scipy.ufuncs.slopes import slopes, slopes_of_outputs

# ---------------------------------------------------------------- complete


def _rgamma_slope(x: Any, y: Any) -> Any:
    """By reflection on the left, where the gamma function has its poles and this has none."""
    left = np.less(np.real(x), 0.5)
    z, angle = np.where(left, 1 - x, 1), math.pi * np.where(left, x, 0)
    reflected = special.gamma(z) * (np.cos(angle) - special.psi(z) * np.sin(angle) / math.pi)
    return np.where(left, reflected, -y * special.psi(np.where(left, 1, x)))


slopes("gamma", lambda x, *, y: y * special.psi(x))
slopes("rgamma", lambda x, *, y: _rgamma_slope(x, y))
slopes("gammaln", lambda x: special.psi(x))
slopes("loggamma", lambda x: special.psi(x))
slopes("psi", lambda x: special.zeta(2.0, x), doc="``scipy.special.psi``; of complex numbers to first order.")
slopes("_zeta", None, lambda s, q: -s * special.zeta(s + 1, q))
slopes(
    "poch",
    lambda z, m, *, y: y * (special.psi(z + m) - special.psi(z)),
    lambda z, m, *, y: y * special.psi(z + m),
)
slopes(
    "beta",
    lambda a, b, *, y: y * (special.psi(a) - special.psi(a + b)),
    lambda a, b, *, y: y * (special.psi(b) - special.psi(a + b)),
)
slopes(
    "betaln",
    lambda a, b: special.psi(a) - special.psi(a + b),
    lambda a, b: special.psi(b) - special.psi(a + b),
)
slopes(
    "binom",
    lambda n, k, *, y: y * (special.psi(n + 1) - special.psi(n - k + 1)),
    lambda n, k, *, y: y * (special.psi(n - k + 1) - special.psi(k + 1)),
)

# ---------------------------------------------------------------- incomplete: what is integrated is the slope


def gamma_density(a: Any, x: Any) -> Any:
    """Of the gamma distribution of shape ``a``."""
    return np.exp(special.xlogy(a - 1, x) - x - special.gammaln(a))


def beta_density(a: Any, b: Any, x: Any) -> Any:
    """Of the beta distribution."""
    return np.exp(special.xlogy(a - 1, x) + special.xlog1py(b - 1, -x) - special.betaln(a, b))


def t_density(df: Any, t: Any) -> Any:
    """Of Student's distribution with ``df`` degrees of freedom."""
    half = 0.5 * (df + 1)
    size = np.exp(special.gammaln(half) - special.gammaln(0.5 * df) - half * np.log1p(t * t / df))
    return size / np.sqrt(math.pi * df)


def f_density(m: Any, n: Any, x: Any) -> Any:
    """Of Fisher's distribution with ``m`` and ``n`` degrees of freedom."""
    whole = n + m * x
    return beta_density(0.5 * m, 0.5 * n, m * x / whole) * m * n / (whole * whole)


slopes("gammainc", None, lambda a, x: gamma_density(a, x))
slopes("gammaincc", None, lambda a, x: -gamma_density(a, x))
slopes("gammaincinv", None, lambda a, x, *, y: 1 / gamma_density(a, y))
slopes("gammainccinv", None, lambda a, x, *, y: -1 / gamma_density(a, y))
slopes("betainc", None, None, lambda a, b, x: beta_density(a, b, x))
slopes("betaincc", None, None, lambda a, b, x: -beta_density(a, b, x))
slopes("betaincinv", None, None, lambda a, b, x, *, y: 1 / beta_density(a, b, y))
slopes("betainccinv", None, None, lambda a, b, x, *, y: -1 / beta_density(a, b, y))
slopes("chdtr", None, lambda v, x: 0.5 * gamma_density(0.5 * v, 0.5 * x))
slopes("chdtrc", None, lambda v, x: -0.5 * gamma_density(0.5 * v, 0.5 * x))
slopes("chdtri", None, lambda v, p, *, y: -2 / gamma_density(0.5 * v, 0.5 * y))
slopes("gdtr", lambda a, b, x: x * gamma_density(b, a * x), None, lambda a, b, x: a * gamma_density(b, a * x))
slopes("gdtrc", lambda a, b, x: -x * gamma_density(b, a * x), None, lambda a, b, x: -a * gamma_density(b, a * x))
slopes("gdtrix", None, None, lambda a, b, p, *, y: 1 / (a * gamma_density(b, a * y)))
slopes("pdtr", None, lambda k, m: -gamma_density(np.floor(k) + 1, m))
slopes("pdtrc", None, lambda k, m: gamma_density(np.floor(k) + 1, m))
slopes("pdtri", None, lambda k, p, *, y: -1 / gamma_density(np.floor(k) + 1, y))
slopes("fdtr", None, None, lambda m, n, x: f_density(m, n, x))
slopes("fdtrc", None, None, lambda m, n, x: -f_density(m, n, x))
slopes("fdtri", None, None, lambda m, n, p, *, y: 1 / f_density(m, n, y))
slopes("stdtr", None, lambda df, t: t_density(df, t))
slopes("stdtrit", None, lambda df, p, *, y: 1 / t_density(df, y))

# ---------------------------------------------------------------- exponential and trigonometric integrals

slopes("exp1", lambda x: -np.exp(-x) / x)
slopes("expi", lambda x: np.exp(x) / x)


def _expn_slope(n: Any, x: Any, y: Any) -> Any:
    first = np.equal(n, 0)  # exp(-x) / x, which has no neighbour below
    return np.where(first, -(1 + 1 / np.where(first, x, 1)) * y, -special.expn(np.maximum(n - 1, 0), x))


slopes("expn", None, lambda n, x, *, y: _expn_slope(n, x, y))
slopes("spence", lambda x: -special.hyp2f1(1.0, 1.0, 2.0, 1 - x))
slopes_of_outputs("sici", lambda x, y: np.sinc(1 / math.pi * x), lambda x, y: np.cos(x) / x)
slopes_of_outputs("shichi", lambda x, y: 0.5 * (special.exprel(x) + special.exprel(-x)), lambda x, y: np.cosh(x) / x)
