"""Hypergeometric functions, elliptic integrals and orthogonal polynomials; all but the last argument are constants."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import special

from calligrad.scipy.ufuncs.slopes import slopes, slopes_of_outputs

slopes("hyp0f1", None, lambda v, x: special.hyp0f1(v + 1, x) / v)
slopes("hyp1f1", None, None, lambda a, b, x: a / b * special.hyp1f1(a + 1, b + 1, x))
slopes("hyp2f1", None, None, None, lambda a, b, c, x: a * b / c * special.hyp2f1(a + 1, b + 1, c + 1, x))
slopes("hyperu", None, None, lambda a, b, x: -a * special.hyperu(a + 1, b + 1, x))

# ---------------------------------------------------------------- elliptic integrals
# Written with hypergeometric functions, their slopes have no gap where the parameter m is 0.

slopes("ellipk", lambda m: math.pi / 8 * special.hyp2f1(0.5, 0.5, 2.0, m) / (1 - m))
slopes("ellipkm1", lambda p: -math.pi / 8 * special.hyp2f1(0.5, 0.5, 2.0, 1 - p) / p)
slopes("ellipe", lambda m: -math.pi / 8 * special.hyp2f1(0.5, 1.5, 2.0, m))
slopes("ellipkinc", lambda phi, m: 1 / np.sqrt(1 - m * np.sin(phi) ** 2), None)
slopes("ellipeinc", lambda phi, m: np.sqrt(1 - m * np.sin(phi) ** 2), None)


def _agm_slope(other: Any, a: Any, b: Any, y: Any) -> Any:
    """The slope of the arithmetic-geometric mean in ``a``, up to what is common to both; it is symmetric."""
    m = ((a - b) / (a + b)) ** 2
    turn = math.pi / 8 * special.hyp2f1(0.5, 0.5, 2.0, m) / (1 - m) / special.ellipk(m)
    return y / (a + b) * (1 - turn * 4 * other * (a - b) / (a + b) ** 2)


slopes("agm", lambda a, b, *, y: _agm_slope(b, a, b, y), lambda a, b, *, y: _agm_slope(a, b, a, y))
slopes_of_outputs(
    "ellipj",
    lambda u, m, y: y[1] * y[2],
    lambda u, m, y: -y[0] * y[2],
    lambda u, m, y: -m * y[0] * y[1],
    lambda u, m, y: y[2],
    doc="``scipy.special.ellipj``: Jacobi's sn, cn, dn and the amplitude.",
)

# ---------------------------------------------------------------- orthogonal polynomials

slopes("eval_hermite", None, lambda n, x: 2 * n * special.eval_hermite(np.maximum(n - 1, 0), x))
slopes("eval_hermitenorm", None, lambda n, x: n * special.eval_hermitenorm(np.maximum(n - 1, 0), x))
slopes("eval_chebyt", None, lambda n, x: n * special.eval_chebyu(n - 1, x))
slopes("eval_chebyu", None, lambda n, x: 2 * special.eval_gegenbauer(n - 1, 2.0, x))
slopes("eval_legendre", None, lambda n, x: 0.5 * (n + 1) * special.eval_jacobi(n - 1, 1.0, 1.0, x))
slopes("eval_chebyc", None, lambda n, x: n * special.eval_chebyu(n - 1, 0.5 * x))
slopes("eval_chebys", None, lambda n, x: special.eval_gegenbauer(n - 1, 2.0, 0.5 * x))
slopes("eval_sh_chebyt", None, lambda n, x: 2 * n * special.eval_chebyu(n - 1, 2 * x - 1))
slopes("eval_sh_chebyu", None, lambda n, x: 4 * special.eval_gegenbauer(n - 1, 2.0, 2 * x - 1))
slopes("eval_sh_legendre", None, lambda n, x: (n + 1) * special.eval_jacobi(n - 1, 1.0, 1.0, 2 * x - 1))
slopes("eval_laguerre", None, lambda n, x: -special.eval_genlaguerre(n - 1, 1.0, x))
slopes("eval_genlaguerre", None, None, lambda n, a, x: -special.eval_genlaguerre(n - 1, a + 1, x))
slopes("eval_gegenbauer", None, None, lambda n, a, x: 2 * a * special.eval_gegenbauer(n - 1, a + 1, x))
slopes(
    "eval_jacobi",
    None,
    None,
    None,
    lambda n, a, b, x: 0.5 * (n + a + b + 1) * special.eval_jacobi(n - 1, a + 1, b + 1, x),
)
