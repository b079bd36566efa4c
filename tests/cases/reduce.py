"""Reductions."""

import numpy as np

import calligrad as cg
from tests.cases.table import apart, case, complexes, real

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

# ---------------------------------------------------------------- a mask, a start, complex numbers

MASK = np.arange(24).reshape(2, 3, 4) % 5 != 2
for name, (f, draw) in REDUCTIONS.items():
    if f is cg.logsumexp:
        continue
    start = {"initial": 0.5} if name in ("np.sum", "np.prod", "np.max", "np.min") else {}
    for axis in (None, 1, (0, 2)):
        case(f"{name} where= axis={axis}", lambda x, f=f, axis=axis, s=start: f(x, axis=axis, where=MASK, **s),
             draw(2, 3, 4))  # fmt: skip
    case(f"{name} where= of a row keepdims",
         lambda x, f=f, start=start: f(x, axis=1, keepdims=True, where=[True, False, True], **start),
         draw(2, 3))  # fmt: skip
    case(f"{name} of complex numbers axis=None", f, complexes(2, 3))
    case(f"{name} of complex numbers axis=1", lambda x, f=f: f(x, axis=1, keepdims=True), complexes(2, 3))
    case(f"{name} keepdims=np._NoValue", lambda x, f=f: f(x, axis=0, keepdims=np._NoValue), draw(2, 3))
    if start:
        case(f"{name} initial=", lambda x, f=f: f(x, axis=0, initial=0.5), draw(2, 3))
for name in ("np.var", "np.std"):
    f = getattr(np, name[3:])
    case(f"{name} correction=1", lambda x, f=f: f(x, axis=1, correction=1), real(2, 4))
    case(f"{name} mean=", lambda x, m, f=f: f(x, axis=1, mean=m), real(2, 4), real(2, 1))
    case(f"{name} mean= of its own", lambda x, f=f: f(x, 1, mean=np.mean(x, 1, keepdims=True)), complexes(2, 4))
case("np.var mean= where= ddof=1", lambda x, m: np.var(x, 2, ddof=1, mean=m, where=MASK), real(2, 3, 4), real(2, 3, 1))
case("np.prod where= of zeros", lambda x: np.prod(x * MASK, axis=2, where=np.flip(MASK)), real(2, 3, 4))
case("x.sum where= initial=", lambda x: x.sum(1, initial=2.0, where=MASK), real(2, 3, 4))
case("x.max where= initial=", lambda x: x.max(1, initial=-9.0, where=MASK), apart(2, 3, 4))
case("x.std where= ddof=1", lambda x: x.std(2, ddof=1, where=MASK), real(2, 3, 4))
