"""Differences, slopes, areas and interpolation of sampled functions."""

import numpy as np

from calligrad.ops.calculus import DiffAdjoint, SlopeAdjoint
from tests.cases.table import apart, case, complexes, positive, real


def places(*shape):
    """Rising numbers along the last axis, unevenly apart."""
    return lambda rng: np.cumsum(rng.uniform(0.5, 1.5, shape), axis=-1)


def inside(*shape):
    """Numbers between the places 0, 1, 2.5 and 4, and beyond them, none near a kink."""
    return lambda rng: rng.choice([-1.3, 0.4, 0.7, 1.2, 2.1, 2.8, 3.7, 4.6], shape) + rng.uniform(-0.1, 0.1, shape)


KNOTS = np.array([0.0, 1.0, 2.5, 4.0])


def knots(rng):
    return KNOTS


DIFFS = {
    "np.diff": (np.diff, real(4)),
    "np.diff axis=0": (lambda a: np.diff(a, axis=0), real(4, 3)),
    "np.diff n=2": (lambda a: np.diff(a, 2), real(2, 4)),
    "np.diff n=0": (lambda a: 2 * np.diff(a, 0), real(4)),
    "np.diff n beyond the length": (lambda a: np.diff(a, 4), real(2, 3)),
    "np.diff of one": (np.diff, real(2, 1)),
    "np.diff prepend": (lambda a, b: np.diff(a, prepend=b), real(2, 3), real(2, 2)),
    "np.diff prepend, append": (lambda a, b, c: np.diff(a, 2, 0, b, c), real(3, 2), real(), real(1, 2)),
    "np.diff append a number": (lambda a: np.diff(a, append=a.dtype.type(0)), real(2, 3)),
    "np.diff of complex numbers": (np.diff, complexes(4)),
    "np.ediff1d": (np.ediff1d, real(2, 3)),
    "np.ediff1d to_end, to_begin": (np.ediff1d, real(2, 3), real(2), real()),
    "np.ediff1d to_begin": (lambda a: np.ediff1d(a, to_begin=[1, 2]), real(3)),
    "np.ediff1d of nothing": (np.ediff1d, real(0)),
    "np.gradient": (np.gradient, real(5)),
    "np.gradient of two": (np.gradient, real(2)),
    "np.gradient of a matrix": (np.gradient, real(4, 3)),
    "np.gradient axis=0": (lambda f: np.gradient(f, axis=0), real(4, 3)),
    "np.gradient axis=(-1, 0)": (lambda f: np.gradient(f, axis=(-1, 0)), real(4, 2, 3)),
    "np.gradient edge_order=2": (lambda f: np.gradient(f, edge_order=2), real(4, 3)),
    "np.gradient a spacing": (lambda f: np.gradient(f, 0.5), real(4, 3)),
    "np.gradient a spacing for each axis": (lambda f, h, k: np.gradient(f, h, k), real(4, 3), positive(), positive()),
    "np.gradient places": (np.gradient, real(5), places(5)),
    "np.gradient places axis=1": (lambda f, x: np.gradient(f, x, axis=1), real(2, 4, 3), places(4)),
    "np.gradient places edge_order=2": (lambda f, x: np.gradient(f, x, edge_order=2), real(5), places(5)),
    "np.gradient places edge_order=2 of three": (lambda f, x: np.gradient(f, x, edge_order=2), real(3), places(3)),
    "np.gradient places and a spacing": (np.gradient, real(4, 3), places(4), positive()),
    "np.gradient constant places": (lambda f: np.gradient(f, [0.0, 1.0, 3.0, 3.5]), real(4)),
    "np.gradient of complex numbers": (np.gradient, complexes(4), places(4)),
    "np.trapezoid": (np.trapezoid, real(4)),
    "np.trapezoid axis=0": (lambda y: np.trapezoid(y, axis=0), real(4, 3)),
    "np.trapezoid dx": (lambda y, dx: np.trapezoid(y, dx=dx), real(2, 4), positive()),
    "np.trapezoid x": (np.trapezoid, real(2, 4), places(4)),
    "np.trapezoid x axis=0": (lambda y, x: np.trapezoid(y, x, axis=0), real(4, 3), places(4)),
    "np.trapezoid x of as many axes": (lambda y, x: np.trapezoid(y, x, axis=0), real(4, 3), real(4, 3)),
    "np.trapezoid of one": (np.trapezoid, real(2, 1)),
    "np.trapezoid of complex numbers": (np.trapezoid, complexes(4), complexes(4)),
    "np.piecewise": (
        lambda x: np.piecewise(x, [x < -0.5, x > 0.5], [np.sin, lambda v: v**3, lambda v: v * v]),
        apart(8),
    ),
    "np.piecewise of numbers": (lambda x: np.piecewise(x, [x < 0, x >= 0.5], [-1, lambda v: v * v, 2.5]), apart(2, 3)),
    "np.piecewise a single condition": (lambda x: np.piecewise(x, x > 0, [np.exp, np.sin]), apart(4)),
    "np.piecewise of a 0-d array": (lambda x: np.piecewise(x, [x > 0, x <= 0], [np.exp, np.sin]), apart()),
    "np.piecewise with arguments": (lambda x: np.piecewise(x, [x > 0], [lambda v, n: v**n], 3), apart(4)),
    "np.unwrap": (np.unwrap, lambda rng: 3 * rng.standard_normal(6)),
    "np.unwrap axis=0": (lambda p: np.unwrap(p, axis=0), lambda rng: 3 * rng.standard_normal((4, 2))),
    "np.unwrap discont": (lambda p: np.unwrap(p, 4.0), lambda rng: 3 * rng.standard_normal(6)),
    "np.unwrap period": (lambda p: np.unwrap(p, period=p[0] * p[0] + 1), real(6)),
    "np.unwrap of one": (np.unwrap, real(2, 1)),
}
for name, (f, *draws) in DIFFS.items():
    case(name, f, *draws)

INTERPS = {
    "np.interp": (np.interp, inside(5), knots, real(4)),
    "np.interp of a matrix": (np.interp, inside(2, 3), knots, real(4)),
    "np.interp of a 0-d array": (np.interp, inside(), knots, real(4)),
    "np.interp of nothing": (np.interp, inside(0), knots, real(4)),
    "np.interp left, right": (lambda x, xp, fp: np.interp(x, xp, fp, fp[0] * x[0], -fp[3]), inside(8), knots, real(4)),
    "np.interp left a number": (lambda x: np.interp(x, KNOTS, KNOTS**2, left=-1), inside(8)),
    "np.interp period": (
        lambda x, fp: np.interp(x, [3.0, 0.5, 1.5, -0.7], fp, period=4.5),
        lambda rng: rng.choice([-3.2, 0.1, 1.0, 2.6, 3.3, 9.8], 6),
        real(4),
    ),
    "np.interp period of places": (
        lambda xp, fp: np.interp([-3.2, 0.3, 1.3, 2.9, 9.9], xp, fp, period=-4.5),
        lambda rng: KNOTS + 0.1,
        real(4),
    ),
    "np.interp through one point": (np.interp, inside(3), lambda rng: np.zeros(1), real(1)),
    "np.interp complex numbers": (np.interp, inside(5), knots, complexes(4)),
}
for name, (f, *draws) in INTERPS.items():
    case(name, f, *draws, own_dtype=True)

case("ops.DiffAdjoint", lambda g: DiffAdjoint(2, 0)(g), real(2, 3))
case("ops.SlopeAdjoint", lambda g: SlopeAdjoint(1, 1)(g), real(2, 4))
case("ops.SlopeAdjoint edge_order=2", lambda g: SlopeAdjoint(0, 2)(g), complexes(3))
