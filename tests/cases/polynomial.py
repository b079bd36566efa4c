"""Polynomials."""

import numpy as np

from tests.cases.table import case, complexes, positive, real


def places(*shape):
    """Rising numbers, unevenly apart."""
    return lambda rng: np.cumsum(rng.uniform(0.5, 1.5, shape), axis=-1) - 3


def divided(u, v):
    """Quotient and remainder; how many leading numbers of it count as 0 and are cut off depends on the precision."""
    quotient, remainder = np.polydiv(u, v)
    return quotient, remainder[-max(1, len(v) - 1) :]


CASES_OF_POLYNOMIALS = {
    "np.polyval": (np.polyval, real(4), real(3)),
    "np.polyval of a matrix": (np.polyval, real(3), real(2, 3)),
    "np.polyval of a 0-d array": (np.polyval, real(3), real()),
    "np.polyval of a constant": (np.polyval, real(1), real(3)),
    "np.polyval of no coefficients": (np.polyval, real(0), real(3)),
    "np.polyval with rows of coefficients": (np.polyval, real(3, 2), real(2)),
    "np.polyval of complex numbers": (np.polyval, real(4), complexes(3)),
    "np.polyadd": (np.polyadd, real(4), real(2)),
    "np.polyadd to a longer one": (np.polyadd, real(2), real(4)),
    "np.polysub": (np.polysub, real(4), real(4)),
    "np.polysub of a longer one": (np.polysub, real(2), real(4)),
    "np.polymul": (np.polymul, real(3), real(2)),
    "np.polydiv": (divided, real(5), positive(3)),
    "np.polydiv of equal degrees": (divided, real(3), positive(3)),
    "np.polydiv by a number": (divided, real(3), positive(1)),
    "np.polyder": (np.polyder, real(4)),
    "np.polyder m=2": (lambda p: np.polyder(p, 2), real(4)),
    "np.polyder of a constant": (np.polyder, real(1)),
    "np.polyint": (np.polyint, real(4)),
    "np.polyint k": (lambda p: np.polyint(p, 2, 2 * p[:2]), real(3)),
    "np.polyint one k": (lambda p: np.polyint(p, m=2, k=2 * p[0]), real(3)),
    "np.vander": (np.vander, real(3)),
    "np.vander N=2": (lambda x: np.vander(x, 2), real(3)),
    "np.vander increasing": (lambda x: np.vander(x, 4, increasing=True), real(3)),
    "np.vander of nothing": (lambda x: np.vander(x, 2), real(0)),
    "np.vander of complex numbers": (np.vander, complexes(3)),
    "np.polyfit": (lambda x, y: np.polyfit(x, y, 2), places(6), real(6)),
    "np.polyfit w": (lambda x, y, w: np.polyfit(x, y, 1, w=w), places(5), real(5), positive(5)),
    "np.polyfit of columns": (lambda x, y: np.polyfit(x, y, 1, w=x), places(5), real(5, 2)),
    "np.polyfit cov": (lambda x, y: np.polyfit(x, y, 1, cov=True), places(5), real(5)),
    "np.polyfit cov=unscaled": (lambda x, y: np.polyfit(x, y, 1, cov="unscaled"), places(5), real(5, 2)),
    "np.polyfit full": (lambda x, y: np.polyfit(x, y, 1, full=True)[:2], places(5), real(5)),
    "np.poly": (np.poly, real(4)),
    "np.poly of complex roots": (np.poly, complexes(3)),
    "np.poly of a list": (lambda x: np.poly([x[0], x[1], 2.0]), real(2)),
    "np.roots": (np.roots, lambda rng: np.poly([-2.0, -0.5, 1.0, 3.0])),
    "np.roots that are complex": (np.roots, lambda rng: np.poly([-2.0, 1.0 + 1.0j, 1.0 - 1.0j])),
    "np.roots of complex coefficients": (np.roots, complexes(4)),
}
for name, (f, *draws) in CASES_OF_POLYNOMIALS.items():
    case(name, f, *draws, own_dtype=True)
