"""Reductions."""

import numpy as np

import calligrad as cg
from tests.cases.table import apart, case, real

AXES = (None, 0, -1, 1, (0, 2), (-1, 0), (0, 1, 2), ())
REDUCTIONS = {
    "np.sum": (np.sum, real),
    "np.mean": (np.mean, real),
    "np.var": (np.var, real),
    "np.std": (np.std, real),
    "np.prod": (np.prod, real),
    "np.max": (np.max, apart),
    "np.min": (np.min, apart),
    "calligrad.logsumexp": (cg.logsumexp, real),
}


def logsumexp(x, axis=None, keepdims=False):
    return np.log(np.sum(np.exp(x), axis=axis, keepdims=keepdims))


for name, (f, draw) in REDUCTIONS.items():
    expected = logsumexp if f is cg.logsumexp else None

    def row(words, shape, f=f, draw=draw, name=name, expected=expected, **kwargs):
        def bound(g):
            return None if g is None else lambda x: g(x, **kwargs)

        case(f"{name} {words}", bound(f), draw(*shape), expected=bound(expected))

    for axis in AXES:
        if axis == () and f in (np.std, np.var):  # of single numbers: the variance is 0, where its root has no slope
            continue
        row(f"axis={axis}", (2, 3, 4), axis=axis)
        row(f"axis={axis} keepdims", (2, 3, 4), axis=axis, keepdims=True)
    row("axis=np.int64(1)", (2, 3), axis=np.int64(1))
    row("of one row", (1, 3), axis=1)
    row("of nothing axis=1", (0, 3), axis=1)
    row("of nothing axis=(1, 2) keepdims", (0, 3, 2), axis=(1, 2), keepdims=True)
    if f is not np.std:
        row("of a 0-d array", ())
        row("of one number", (1,))
    if f in (np.sum, np.prod):
        row("of nothing", (0, 3))
        row("of nothing axis=0", (0, 3), axis=0)
for name in ("sum", "mean", "var", "std", "prod", "max", "min"):
    draw = apart if name in ("max", "min") else real
    case(f"x.{name}", lambda x, name=name: getattr(x, name)(axis=1), draw(2, 3))
    case(f"x.{name} of all", lambda x, name=name: getattr(x, name)(), draw(2, 3))
    case(f"x.{name} keepdims", lambda x, name=name: getattr(x, name)((0, 1), keepdims=True), draw(2, 3))
for name in ("sum", "mean", "var", "prod"):
    f = getattr(np, name)
    case(f"np.{name} dtype=", lambda x, f=f: f(x, axis=0, dtype=np.float64), real(2, 3), own_dtype=True)
case("np.sum a=", lambda x: np.sum(a=x, axis=0), real(2, 3))
case("np.sum positional", lambda x: np.sum(x, 0, None, None, True), real(2, 3))
case("np.max positional", lambda x: np.max(x, 1, None, True), apart(2, 3))
case("np.mean positional", lambda x: np.mean(x, 1, None, None, True), real(2, 3))
case("np.prod positional", lambda x: np.prod(x, 1, None, None, True), real(2, 3))
case("np.var positional", lambda x: np.var(x, 1, None, None, 1, keepdims=True), real(2, 3))
case("np.var ddof=1", lambda x: np.var(x, axis=1, ddof=1), real(2, 3))
case("np.std ddof=1 keepdims", lambda x: np.std(x, axis=0, ddof=1, keepdims=True), real(4, 3))
case("np.amax", lambda x: np.amax(x, axis=0), apart(2, 3))
case("np.amin", lambda x: np.amin(x, axis=0), apart(2, 3))
case("np.add.reduce", np.add.reduce, real(2, 3))
case("np.add.reduce axis=1 keepdims", lambda x: np.add.reduce(x, axis=1, keepdims=True), real(2, 3))
case("np.add.reduce axis=None", lambda x: np.add.reduce(x, axis=None), real(2, 3))
case("np.multiply.reduce", np.multiply.reduce, real(2, 3))
case("np.maximum.reduce", np.maximum.reduce, apart(2, 3))
case("np.minimum.reduce", lambda x: np.minimum.reduce(x, 1), apart(2, 3))
case("np.prod of a zero", lambda x: np.prod(x * np.array([1, 0, 1], np.int8) + 0 * x), real(3))
case("np.prod of two zeros", lambda x: np.prod(x * np.array([1, 0, 0], np.int8), axis=0), real(3))
case("np.linalg.norm", np.linalg.norm, real(4))
case("np.linalg.norm of a matrix", np.linalg.norm, real(2, 3))
case("np.linalg.norm of three axes", np.linalg.norm, real(2, 3, 2))
case("np.linalg.norm axis=1", lambda x: np.linalg.norm(x, axis=1), real(2, 3))
case("np.linalg.norm ord=2 axis=-1 keepdims", lambda x: np.linalg.norm(x, 2, -1, True), real(2, 3))
case("np.linalg.norm axis=(0, 2)", lambda x: np.linalg.norm(x, axis=(0, 2)), real(2, 3, 2))
case("np.linalg.norm axis=(1,)", lambda x: np.linalg.norm(x, 2, axis=(1,)), real(2, 3))
case("np.linalg.norm axis=np.int64(0)", lambda x: np.linalg.norm(x, 2, axis=np.int64(0)), real(2, 3))
case("np.linalg.norm fro", lambda x: np.linalg.norm(x, "fro", keepdims=True), real(2, 3))
case("np.linalg.norm of nothing", lambda x: np.linalg.norm(x, axis=1), real(0, 3))
