"""One row for each way of calling each operation; test_laws.py holds every row against every law.

A row has a name, a function, and how to draw its inputs. The name begins with what the row covers, as the
user writes it: "np.sum axis=1". A new operation needs new rows here and nothing else; test_coverage.py
says which are missing.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from zlib import crc32

import numpy as np

import calligrad as cg
from calligrad.nn import functional as F
from calligrad.ops.alias import Alias
from calligrad.ops.index import Scatter

NUMPY = np.lib.NumpyVersion(np.__version__)  # some of NumPy's newer spellings are not in the oldest that we take

# ---------------------------------------------------------------- how inputs are drawn


def real(*shape: int) -> Callable:
    """Numbers of either sign."""
    return lambda rng: rng.standard_normal(shape)


def positive(*shape: int) -> Callable:
    """Numbers from 1/2 to 2."""
    return lambda rng: rng.uniform(0.5, 2.0, shape)


def apart(*shape: int) -> Callable:
    """Numbers of either sign, 0.1 from one another and 0.01 from 0, 1 and -1, so that no kink is near."""

    def draw(rng):
        steps = 0.1 * np.arange(2 * math.prod(shape)) + rng.uniform(0.11, 0.19)
        return (rng.choice((-1, 1), steps.shape) * rng.permutation(steps))[: math.prod(shape)].reshape(shape)

    return draw


@dataclass(frozen=True)
class Case:
    name: str
    f: Callable
    draws: tuple[Callable, ...]
    expected: Callable | None  # the same in plain NumPy, where f is calligrad's own
    own_dtype: bool  # the result has a dtype of its own, whatever the inputs have

    @property
    def covers(self) -> str:
        return self.name.split()[0]

    @property
    def xs(self) -> list[np.ndarray]:
        """The inputs, in float64: the same in every run, whatever other rows there are."""
        rng = np.random.default_rng(crc32(self.name.encode()))
        return [np.asarray(draw(rng), np.float64) for draw in self.draws]


CASES: dict[str, Case] = {}


def case(name: str, f: Callable, *draws: Callable, expected: Callable | None = None, own_dtype: bool = False) -> None:
    assert name not in CASES, f"two cases are called {name!r}"
    CASES[name] = Case(name, f, draws, expected, own_dtype)


# ---------------------------------------------------------------- elementwise

ONE_INPUT = {
    "np.absolute": apart,
    "np.arctan": real,
    "np.cos": real,
    "np.cosh": real,
    "np.exp": real,
    "np.expm1": real,
    "np.log": positive,
    "np.log10": positive,
    "np.log1p": positive,
    "np.log2": positive,
    "np.negative": real,
    "np.positive": real,
    "np.reciprocal": positive,
    "np.sin": real,
    "np.sinh": real,
    "np.sqrt": positive,
    "np.square": real,
    "np.tan": lambda *shape: lambda rng: rng.uniform(-1, 1, shape),
    "np.tanh": real,
}
for name, draw in ONE_INPUT.items():
    f = getattr(np, name.removeprefix("np."))
    case(name, f, draw(3, 4))
    case(f"{name} of a 0-d array", f, draw())
    case(f"{name} of nothing", f, draw(0, 3))

TWO_INPUTS = {
    "np.add": (real, real),
    "np.divide": (real, positive),
    "np.maximum": (apart, apart),
    "np.minimum": (apart, apart),
    "np.multiply": (real, real),
    "np.power": (positive, real),
    "np.remainder": (lambda *shape: lambda rng: rng.uniform(4.1, 4.9, shape), positive),
    "np.subtract": (real, real),
}
BROADCASTS = {
    "of equal shapes": ((2, 3), (2, 3)),
    "of a matrix and a row": ((2, 3), (3,)),
    "of a row and a matrix": ((3,), (2, 3)),
    "of a row and a column": ((1, 3), (4, 1)),
    "of ones within": ((2, 1, 3), (4, 1)),
    "of an array and a 0-d array": ((2, 3), ()),
    "of a 0-d array and an array": ((), (2, 3)),
    "of 0-d arrays": ((), ()),
    "of ones in front": ((1, 1, 3), (3,)),
    "of nothing": ((0, 3), (0, 3)),
    "of nothing and a row": ((0, 3), (3,)),
    "of nothing and one": ((0,), (1,)),
}
for name, (left, right) in TWO_INPUTS.items():
    f = getattr(np, name.removeprefix("np."))
    for words, (a, b) in BROADCASTS.items():
        case(f"{name} {words}", f, left(*a), right(*b))
    case(f"{name} of an array and a number", lambda a, f=f: f(a, 1.5), left(2, 3))
    case(f"{name} of a number and an array", lambda b, f=f: f(4.5, b), right(2, 3))
    case(f"{name} of an array and a whole number", lambda a, f=f: f(a, 2), left(2, 3))
    case(f"{name} of a 0-d array and a number", lambda a, f=f: f(a, 1.5), left())

case("np.power 3", lambda a: np.power(a, 3), real(4))
case("np.power -2", lambda a: a**-2, positive(4))
case("np.power 0", lambda a: a**0, real(4))
case("np.power of whole exponents", lambda a: a ** np.array([0, 1, 2, 3], np.int8), real(4))

OPERATORS = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "**": lambda a, b: a**b,
    "%": lambda a, b: (a + 4.05) % (0.25 * b + 3),
}


for sign, f in OPERATORS.items():
    case(f"operator {sign}", f, positive(2, 3), positive(2, 3))
    case(f"operator {sign} a row", f, positive(2, 3), positive(3))
    case(f"operator {sign} a number", lambda a, f=f: f(a, 2.5), positive(2, 3))
    case(f"operator {sign} reflected", lambda b, f=f: f(2.5, b), positive(3))
case("operator +=", lambda a: _augmented(a, 1.5), real(2, 3))
case("operator += a row", lambda a: _augmented(a, np.array([1, 2, 3], np.int8)), real(2, 3))
case("operator **2", lambda a: a**2, real(3))
case("operator unary", lambda a: -a + +a * abs(a), apart(3))
case("operator @", lambda a, b: a @ b, real(2, 3), real(3, 2))
case("operator []", lambda a: a[0] * a[-1], real(3, 2))
case("operator []=", lambda a, b: _put(0)(a, b), real(3, 2), real(2))
case("operator iter", lambda a: sum(row * i for i, row in enumerate(a)), real(3, 2))


def _augmented(a, b):
    a = a * 1
    a += b
    a *= b
    a -= 2
    a /= b
    a **= 2
    return a


for words, (c, a, b) in {
    "of equal shapes": ((2, 3), (2, 3), (2, 3)),
    "broadcast": ((3, 1), (3,), ()),
    "of 0-d arrays": ((), (), ()),
    "of nothing": ((0,), (0,), (1,)),
}.items():
    case(
        f"np.where {words}",
        lambda a, b, c=c: np.where(np.arange(math.prod(c)).reshape(c) % 2 == 0, a, b),
        real(*a),
        real(*b),
    )
case("np.where of an array and a number", lambda a: np.where(np.array([True, False, True]), a, 2), real(3))
case("np.where of a number and an array", lambda a: np.where(np.array([True, False, True]), 0, a), real(3))
case("np.where by comparison", lambda a, b: np.where(a > b, a, b), apart(4), apart(4))

case("np.clip", lambda x: np.clip(x, -1, 1), apart(5))
case("np.clip below", lambda x: np.clip(x, -1, None), apart(5))
case("np.clip above", lambda x: np.clip(x, None, 1), apart(5))
if NUMPY >= "2.1.0":
    case("np.clip min= max=", lambda x: np.clip(x, min=-1, max=1), apart(5))
case(
    "np.clip with bounds that flow",
    np.clip,
    apart(3, 4),
    lambda rng: -1 - rng.random(4),
    lambda rng: 1 + rng.random((3, 1)),
)
case("np.clip of a 0-d array", lambda x: np.clip(x, -1, 1), apart())
case("np.clip of nothing", lambda x: np.clip(x, -1, 1), apart(0, 2))
case("np.clip with bounds crossed", np.clip, apart(5), lambda rng: 1.0, lambda rng: -1.0)
case(
    "np.clip of constants",
    lambda lo, hi: np.clip(np.array([-3.0, 0.0, 3.0], lo.dtype), lo, hi),
    lambda rng: -1.0,
    lambda rng: 1.0,
)
case(
    "np.clip of whole numbers",
    lambda lo, hi: np.clip(np.array([-3, 0, 3], np.int8), lo, hi),
    lambda rng: -1.5,
    lambda rng: 1.5,
)

# ---------------------------------------------------------------- reductions

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

# ---------------------------------------------------------------- shape

SHAPES = {
    "np.reshape": (lambda x: np.reshape(x, (3, 2)), real(2, 3)),
    "np.reshape -1": (lambda x: np.reshape(x, -1), real(2, 3)),
    "np.reshape to an axis more": (lambda x: np.reshape(x, (1, -1, 3)), real(2, 3)),
    "np.reshape order=F": (lambda x: np.reshape(x, (3, 2), order="F"), real(2, 3)),
    "np.reshape of nothing": (lambda x: np.reshape(x, (3, 0)), real(0, 2)),
    "np.reshape to 0-d": (lambda x: np.reshape(x, ()), real(1, 1)),
    "np.reshape of a 0-d array": (lambda x: np.reshape(x, (1, 1)), real()),
    "np.ravel": (np.ravel, real(2, 3)),
    "np.ravel order=F": (lambda x: np.ravel(x, "F"), real(2, 3)),
    "np.ravel of a 0-d array": (np.ravel, real()),
    "np.ravel of nothing": (np.ravel, real(0, 3)),
    "np.transpose": (np.transpose, real(2, 3, 4)),
    "np.transpose axes": (lambda x: np.transpose(x, (2, 0, 1)), real(2, 3, 4)),
    "np.transpose negative axes": (lambda x: np.transpose(x, (-1, 0, -2)), real(2, 3, 4)),
    "np.transpose a list of axes": (lambda x: np.transpose(x, axes=[1, 0]), real(2, 3)),
    "np.transpose of a vector": (np.transpose, real(3)),
    "np.transpose of a 0-d array": (np.transpose, real()),
    "np.transpose of nothing": (np.transpose, real(0, 3)),
    "np.swapaxes": (lambda x: np.swapaxes(x, 0, -1), real(2, 3, 4)),
    "np.swapaxes of one axis": (lambda x: np.swapaxes(x, 1, 1), real(2, 3)),
    "np.matrix_transpose": (np.matrix_transpose, real(2, 3, 4)),
    "np.moveaxis": (lambda x: np.moveaxis(x, 0, -1), real(2, 3, 4)),
    "np.moveaxis of two": (lambda x: np.moveaxis(x, (0, 1), (-1, 0)), real(2, 3, 4)),
    "np.expand_dims": (lambda x: np.expand_dims(x, 1), real(2, 3)),
    "np.expand_dims axis=-1": (lambda x: np.expand_dims(x, axis=-1), real(2, 3)),
    "np.expand_dims of two": (lambda x: np.expand_dims(x, (0, -1)), real(2, 3)),
    "np.expand_dims of a 0-d array": (lambda x: np.expand_dims(x, 0), real()),
    "np.squeeze": (np.squeeze, real(1, 3, 1)),
    "np.squeeze axis=0": (lambda x: np.squeeze(x, 0), real(1, 3, 1)),
    "np.squeeze axis=(0, -1)": (lambda x: np.squeeze(x, axis=(0, -1)), real(1, 3, 1)),
    "np.squeeze to 0-d": (np.squeeze, real(1, 1)),
    "np.broadcast_to": (lambda x: np.broadcast_to(x, (2, 3)), real(3)),
    "np.broadcast_to of ones within": (lambda x: np.broadcast_to(x, (4, 2, 5, 3)), real(2, 1, 3)),
    "np.broadcast_to of a 0-d array": (lambda x: np.broadcast_to(x, (2, 3)), real()),
    "np.broadcast_to of its own shape": (lambda x: np.broadcast_to(x, (2, 3)), real(2, 3)),
    "np.broadcast_to of one to nothing": (lambda x: np.broadcast_to(x, (0, 3)), real(1, 3)),
    "np.broadcast_to a whole number": (lambda x: np.broadcast_to(x, 3), real(1)),
    "np.flip": (np.flip, real(2, 3)),
    "np.flip axis=1": (lambda x: np.flip(x, 1), real(2, 3)),
    "np.flip axis=(0, -1)": (lambda x: np.flip(x, axis=(0, -1)), real(2, 3, 2)),
    "np.copy": (np.copy, real(2, 3)),
    "np.copy order=F": (lambda x: np.copy(x, order="F"), real(2, 3)),
    "np.copy of a 0-d array": (np.copy, real()),
    "np.atleast_1d of a 0-d array": (np.atleast_1d, real()),
    "np.atleast_1d of several": (lambda a, b: [2 * x for x in np.atleast_1d(a, b)], real(), real(2)),
    "x.T": (lambda x: x.T, real(2, 3)),
    "x.mT": (lambda x: x.mT, real(2, 3, 4)),
    "x.reshape": (lambda x: x.reshape(3, 2), real(2, 3)),
    "x.reshape a tuple": (lambda x: x.reshape((3, -1)), real(2, 3)),
    "x.reshape order=F": (lambda x: x.reshape(3, 2, order="F"), real(2, 3)),
    "x.ravel": (lambda x: x.ravel(), real(2, 3)),
    "x.flatten": (lambda x: x.flatten(), real(2, 3)),
    "x.flatten order=F": (lambda x: x.flatten("F"), real(2, 3)),
    "x.flat": (lambda x: [2 * n for n in x.flat], real(2, 2)),
    "x.transpose": (lambda x: x.transpose(), real(2, 3)),
    "x.transpose axes": (lambda x: x.transpose(1, 2, 0), real(2, 3, 4)),
    "x.transpose a tuple": (lambda x: x.transpose((1, 2, 0)), real(2, 3, 4)),
    "x.transpose None": (lambda x: x.transpose(None), real(2, 3)),
    "x.transpose np.int64": (lambda x: x.transpose(np.int64(1), np.int64(0)), real(2, 3)),
    "x.transpose of one axis": (lambda x: x.transpose(np.int64(0)), real(2)),
    "x.swapaxes": (lambda x: x.swapaxes(0, 1), real(2, 3)),
    "x.squeeze": (lambda x: x.squeeze(1), real(2, 1)),
    "x.copy": (lambda x: x.copy(), real(2, 3)),
    "x.clip": (lambda x: x.clip(-1, 1), apart(4)),
    "x.dot": (lambda x: x.dot(np.arange(3, dtype=x.dtype)), real(2, 3)),
}  # fmt: skip
for name, (f, *draws) in SHAPES.items():
    case(name, f, *draws)
case("np.astype", lambda x: np.astype(x, np.float64), real(2, 3), own_dtype=True)
case(
    "np.astype there and back",
    lambda x: x.astype(np.float32).astype(np.float64) * 0 + x.astype(np.float64),
    real(3),
    own_dtype=True,
)
case("x.astype", lambda x: x.astype("f8"), real(2), own_dtype=True)

case("np.full_like", lambda x: np.full_like(x, x[0, 1]), real(2, 3))
case("np.full_like with a row", lambda x: np.full_like(x, x[1]), real(2, 3))
case("np.full_like of another shape", lambda x: np.full_like(x, x[1], shape=(4, 3)), real(2, 3))

# ---------------------------------------------------------------- joining, splitting, padding

for words, axis, a, b in [
    ("", 0, (2, 3), (1, 3)),
    ("axis=1", 1, (2, 3), (2, 2)),
    ("axis=-1", -1, (2, 3), (2, 2)),
    ("axis=None", None, (2, 3), (2,)),
    ("with nothing", 0, (2, 3), (0, 3)),
    ("of nothing", 1, (0, 3), (0, 2)),
]:
    case(f"np.concatenate {words}", lambda a, b, axis=axis: np.concatenate([a, b], axis=axis), real(*a), real(*b))
case("np.concatenate of three", lambda a, b, c: np.concatenate((a, b, c)), real(1), real(2), real(3))
case("np.concatenate with a constant", lambda a: np.concatenate([np.ones(2, a.dtype), a]), real(3))
case("np.concatenate of the rows of an array", np.concatenate, real(3, 2))
case("np.concatenate dtype=", lambda a, b: np.concatenate([a, b], dtype=np.float64), real(1), real(2), own_dtype=True)
case("np.concat", lambda a, b: np.concat([a, b]), real(1), real(2))
for words, axis, shape in [
    ("", 0, (2, 3)),
    ("axis=1", 1, (2, 3)),
    ("axis=-1", -1, (2, 3)),
    ("of 0-d arrays", 0, ()),
    ("of nothing", 0, (0, 2)),
]:
    case(f"np.stack {words}", lambda a, b, axis=axis: np.stack([a, b], axis=axis), real(*shape), real(*shape))
case("np.stack with a number", lambda a: np.stack([a, np.ones((), a.dtype)]), real())
case("np.stack of one array twice", lambda a: np.stack([a, a]), real(3))
case("np.stack dtype=", lambda a: np.stack([a, a], dtype=np.float64), real(3), own_dtype=True)
case("np.split", lambda x: np.split(x, 2), real(4, 3))
case("np.split np.int64", lambda x: np.split(x, np.int64(2)), real(4, 3))
case("np.split axis=-1", lambda x: np.split(x, 3, axis=-1), real(2, 3))
case("np.split at places", lambda x: np.split(x, [1, 3]), real(4))
case("np.split at an empty place", lambda x: np.split(x, [2, 2]), real(3))
case("np.split one piece used", lambda x: np.split(x, 3)[1], real(6))
case("np.split multiplied together", lambda x: np.multiply(*np.split(x, 2)), real(4))
case("np.split of nothing", lambda x: np.split(x, 2, axis=1), real(0, 4))
case("np.array_split", lambda x: np.array_split(x, 3), real(5, 2))
case("np.array_split axis=1", lambda x: np.array_split(x, 2, axis=1), real(2, 3))
case("np.pad", lambda x: np.pad(x, 1), real(2, 3))
case("np.pad a pair", lambda x: np.pad(x, (1, 2)), real(2, 3))
case("np.pad pairs", lambda x: np.pad(x, ((1, 0), (0, 2))), real(2, 3))
if NUMPY >= "2.3.0":
    case("np.pad a dict", lambda x: np.pad(x, {-1: (1, 2)}), real(2, 3))
case("np.pad constant_values=", lambda x: np.pad(x, 1, constant_values=3), real(2, 3))
case(
    "np.pad constant_values= pairs",
    lambda x: np.pad(x, 1, mode="constant", constant_values=((1, 2), (3, 4))),
    real(2, 3),
)
case("np.pad by nothing", lambda x: np.pad(x, 0), real(2, 3))
case("np.pad of nothing", lambda x: np.pad(x, 1), real(0, 2))

# ---------------------------------------------------------------- indexing

KEYS = {
    "1": 1,
    "-1": -1,
    "np.int64(1)": np.int64(1),
    "a 0-d integer array": np.array(1),
    "(1, 2)": (1, 2),
    "slice": slice(1, 3),
    "slice backwards": slice(None, None, -2),
    "slice of nothing": slice(2, 2),
    "(slice, 0)": (slice(None), 0),
    "(slice, slice)": (slice(0, 2), slice(None, None, 3)),
    "...": ...,
    "(..., 0)": (..., 0),
    "()": (),
    "None": None,
    "(None, 0, None)": (None, 0, None),
    "list": [2, 0],
    "array with repeats": np.array([0, 0, 2]),
    "negative array": np.array([-1, 0]),
    "no places": np.array([], int),
    "matrix of places": np.array([[0, 1], [2, 2]]),
    "(array, array)": (np.array([0, 0, 1]), np.array([1, 1, 3])),
    "(array, array) broadcast": (np.array([[0], [2]]), np.array([1, 1, 3])),
    "(array, slice)": (np.array([1, 1]), slice(1, None)),
    "(slice, array)": (slice(1, None), np.array([1, 1])),
    "(array, None, slice)": (np.array([1, 1]), None, slice(1, None)),
    "(0, array)": (0, np.array([1, 1])),
    "mask": np.arange(12).reshape(3, 4) % 5 == 0,
    "mask of rows": np.array([True, False, True]),
    "list of booleans": [True, False, True],
    "(mask, 1)": (np.array([True, False, True]), 1),
    "(slice, mask)": (slice(None), np.array([True, False, True, True])),
    "True": True,
    "False": False,
    "empty mask": np.zeros((3, 4), bool),
    "unsigned places": np.array([2, 2], np.uint8),
}


def _put(key):
    def put(x, w):
        y = np.copy(x)
        if isinstance(w, cg.Value) and not isinstance(y, cg.Value):
            y = cg.Value(y, requires_grad=False)  # an array takes no Value
        y[key] = w
        return y

    return put


for words, key in KEYS.items():
    places = np.empty((3, 4))[key].shape
    case(f"getitem {words}", lambda x, key=key: x[key], real(3, 4))
    case(f"setitem {words}", _put(key), real(3, 4), real(*places))
    case(f"setitem {words} to one number", _put(key), real(3, 4), real())
case("getitem of a 0-d array", lambda x: x[()], real())
case("getitem of nothing", lambda x: x[:, 0], real(0, 3))
case("getitem of three axes", lambda x: x[np.array([0, 1]), :, np.array([1, 1])], real(2, 3, 2))
case("setitem broadcast", _put(slice(0, 2)), real(3, 4), real(4))
case("setitem ones in front", _put(0), real(3, 4), real(1, 1, 4))
case("setitem a column", _put(slice(None)), real(3, 4), real(3, 1))
case("setitem of a 0-d array", _put(()), real(), real())
case("setitem a number", lambda x: _put((0, slice(None)))(x, 2), real(3, 4))
case("setitem into a constant", lambda w: _put(1)(np.zeros((3, 2), w.dtype), w), real(2))
case("setitem twice", lambda x, w: _put(0)(_put(slice(0, 2))(x, w), 2 * w[0]), real(3), real(2))
case("ops.Scatter", lambda x: Scatter(np.array([0, 0, 2]), (4, 2))(x), real(3, 2))
case("ops.Scatter by slices", lambda x: Scatter((slice(1, 3), 0), (4, 2))(x), real(2))
case("ops.Alias", lambda x: Alias()(x), real(3))


PLACES = np.array([[2, 0, 0], [1, 1, 2]])
case("np.take_along_axis", lambda x: np.take_along_axis(x, PLACES, 1), real(2, 3))
case("np.take_along_axis axis=0", lambda x: np.take_along_axis(x, PLACES % 2, axis=0), real(2, 3))
case("np.take_along_axis axis=-1", lambda x: np.take_along_axis(x, PLACES, -1), real(2, 3))
case("np.take_along_axis axis=None", lambda x: np.take_along_axis(x, np.array([0, 5, 5]), None), real(2, 3))
case("np.take_along_axis broadcast", lambda x: np.take_along_axis(x, np.array([[2, 0, 1, 1]]), 1), real(2, 3))
case(
    "np.take_along_axis of three axes",
    lambda x: np.take_along_axis(x, np.array([[[0, 1]], [[1, 1]]]), 1),
    real(2, 3, 2),
)
case("np.sort", np.sort, apart(2, 4))
case("np.sort axis=0", lambda x: np.sort(x, 0), apart(3, 2))
case("np.sort axis=None", lambda x: np.sort(x, axis=None), apart(2, 3))
case("np.sort kind=", lambda x: np.sort(x, kind="stable"), apart(4))
case("np.sort of nothing", np.sort, apart(0, 3))

# ---------------------------------------------------------------- contractions

for words, (a, b) in {
    "": ((2, 3), (3, 4)),
    "of vectors": ((3,), (3,)),
    "of a vector and a matrix": ((3,), (3, 2)),
    "of a matrix and a vector": ((2, 3), (3,)),
    "of a stack and a matrix": ((5, 2, 3), (3, 4)),
    "of a matrix and a stack": ((2, 3), (5, 3, 4)),
    "of stacks": ((5, 2, 3), (5, 3, 4)),
    "of broadcast stacks": ((5, 1, 2, 3), (4, 3, 2)),
    "of a stack of one": ((1, 2, 3), (4, 3, 2)),
    "of a vector and a stack": ((3,), (5, 3, 2)),
    "of a stack and a vector": ((5, 2, 3), (3,)),
    "of nothing within": ((2, 0), (0, 3)),
    "of nothing within a stack": ((2, 3, 0), (0, 4)),
    "of nothing around": ((0, 3), (3, 2)),
    "of a stack of nothing": ((0, 2, 3), (3, 2)),
    "of an empty stack and a stack": ((0, 2, 3), (0, 3, 2)),
}.items():
    case(f"np.matmul {words}", np.matmul, real(*a), real(*b))
for words, (a, b) in {
    "of vectors": ((3,), (3,)),
    "of matrices": ((2, 3), (3, 4)),
    "of a matrix and a vector": ((2, 3), (3,)),
    "of a vector and a matrix": ((3,), (3, 2)),
    "of a 0-d array": ((), (2, 3)),
    "by a 0-d array": ((2, 3), ()),
    "of three axes": ((2, 3), (4, 3, 2)),
    "of three axes and a vector": ((2, 4, 3), (3,)),
    "of a vector and three axes": ((3,), (2, 3, 4)),
}.items():
    case(f"np.dot {words}", np.dot, real(*a), real(*b))
case("np.dot with a list", lambda a: np.dot(a, [1, 2, 3]), real(2, 3), own_dtype=True)
for axes, a, b in [
    (0, (2,), (3,)),
    (1, (2, 3), (3, 4)),
    (2, (2, 3, 4), (3, 4, 5)),
    (((0, 2), (1, 0)), (3, 4, 2), (2, 3, 5)),
    (((-1, 0), (0, -1)), (3, 4, 2), (2, 5, 3)),
    ((1, 0), (2, 3), (3, 4)),
    (([0], [-1]), (3, 2), (2, 3)),
    (((0, 1), (0, 1)), (2, 3), (2, 3)),
    (1, (2, 0), (0, 3)),
    (0, (), (2,)),
]:
    case(f"np.tensordot {axes} of {a}, {b}", lambda a, b, axes=axes: np.tensordot(a, b, axes), real(*a), real(*b))
case("np.tensordot", np.tensordot, real(2, 3), real(2, 3))
case("np.tensordot axes=", lambda a, b: np.tensordot(a, b, axes=((1,), (0,))), real(2, 3), real(3, 2))
for spec, *shapes in [
    ("ij,jk->ik", (2, 3), (3, 4)),
    ("ij,jk", (2, 3), (3, 4)),
    ("ji", (2, 3)),
    ("ij->ji", (2, 3)),
    ("ij->", (2, 3)),
    ("ij->j", (2, 3)),
    ("ii", (3, 3)),
    ("ii->i", (3, 3)),
    ("iij->ij", (3, 3, 2)),
    ("iii->i", (2, 2, 2)),
    ("i,j->ij", (2,), (3,)),
    ("i,i", (3,), (3,)),
    ("i,i->i", (3,), (3,)),
    ("ij,j->i", (2, 3), (3,)),
    ("ii,ij->ij", (3, 3), (3, 2)),
    ("ij,ij,ij->i", (2, 3), (2, 3), (2, 3)),
    ("ab,bc,cd->ad", (2, 3), (3, 2), (2, 4)),
    ("...ij,...jk->...ik", (5, 2, 3), (3, 4)),
    ("...ij,jk", (5, 2, 3), (3, 4)),
    ("...,...->...", (2, 3), (3,)),
    ("i...->...", (2, 3, 4)),
    ("...i->i...", (2, 3, 4)),
    ("...", (2, 3)),
    ("b...,b...->b...", (2, 3), (2, 3)),
    ("ij,ij->ij", (1, 3), (2, 3)),
    ("ij,jk->ik", (2, 1), (3, 4)),
    ("ij,j", (2, 0), (0,)),
    (",i->i", (), (3,)),
    ("->", ()),
    ("zZ,Za -> az", (2, 3), (3, 2)),
    ("ij,k->ik", (2, 3), (4,)),
]:  # fmt: skip
    case(
        f"np.einsum {spec} of {shapes}",
        lambda *xs, spec=spec: np.einsum(spec, *xs),
        *(real(*shape) for shape in shapes),
    )
case(
    "np.einsum optimize=True",
    lambda a, b, c: np.einsum("ij,jk,kl->il", a, b, c, optimize=True),
    real(2, 3),
    real(3, 2),
    real(2, 2),
)
case("np.einsum of lists", lambda a, b: np.einsum(a, [0, 1], b, [1, 2], [2, 0]), real(2, 3), real(3, 4))
case("np.einsum of lists without an output", lambda a, b: np.einsum(a, [3, 1], b, [1, 2]), real(2, 3), real(3, 4))
case("np.einsum of lists with large labels", lambda a: np.einsum(a, [0, 30]), real(2, 3))
case("np.einsum of lists with ...", lambda a, b: np.einsum(a, [..., 0], b, [0], [...]), real(2, 3), real(3))
case("np.einsum with a constant", lambda a: np.einsum("ij,j->i", a, np.arange(3, dtype=a.dtype)), real(2, 3))

# ---------------------------------------------------------------- activations, losses, layers


def erf(x):
    return np.vectorize(math.erf, otypes=[float])(x)


def softmax(x, axis=-1):
    return np.exp(x) / np.sum(np.exp(x), axis=axis, keepdims=True)


LOGISTIC = {
    "calligrad.relu": (cg.relu, apart, lambda x: np.maximum(x, 0)),
    "calligrad.sigmoid": (cg.sigmoid, real, lambda x: 1 / (1 + np.exp(-x))),
    "calligrad.tanh": (cg.tanh, real, np.tanh),
    "calligrad.erf": (cg.erf, real, erf),
    "calligrad.gelu": (cg.gelu, real, lambda x: x * (0.5 + 0.5 * erf(x / math.sqrt(2)))),
}
for name, (f, draw, expected) in LOGISTIC.items():
    case(name, f, draw(3, 4), expected=expected)
    case(f"{name} of a 0-d array", f, draw(), expected=expected)
    case(f"{name} of nothing", f, draw(0, 2), expected=expected)
case(
    "calligrad.gelu tanh",
    lambda x: cg.gelu(x, approximate="tanh"),
    real(5),
    expected=lambda x: 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
)
for axis in (-1, 0, 1, (0, 1), None):
    for name, f, expected in (
        ("calligrad.softmax", cg.softmax, softmax),
        ("calligrad.log_softmax", cg.log_softmax, lambda x, axis: np.log(softmax(x, axis))),
    ):
        case(
            f"{name} axis={axis}",
            lambda x, f=f, axis=axis: f(x, axis),
            real(3, 4),
            expected=lambda x, g=expected, axis=axis: g(x, axis),
        )
        if axis == -1:
            case(f"{name} of one number", f, real(1), expected=lambda x, g=expected: g(x, -1))
            case(f"{name} of nothing", f, real(0, 3), expected=lambda x, g=expected: g(x, -1))
            case(f"{name} of empty rows", f, real(3, 0), expected=lambda x, g=expected: g(x, -1))

for words, *shapes in [
    ("", (5, 3), (2, 3), (2,)),
    ("without bias", (5, 3), (2, 3)),
    ("of a vector", (3,), (2, 3), (2,)),
    ("of three axes", (4, 5, 3), (2, 3), (2,)),
    ("of nothing", (0, 3), (2, 3), (2,)),
    ("to nothing", (5, 3), (0, 3), (0,)),
    ("of rows of nothing", (5, 0), (2, 0), (2,)),
]:
    case(
        f"functional.linear {words}",
        F.linear,
        *(real(*shape) for shape in shapes),
        expected=lambda x, w, b=0: x @ w.T + b,
    )
for reduction, reduce in {"mean": np.mean, "sum": np.sum, "none": lambda x: x}.items():
    case(
        f"functional.mse_loss {reduction}",
        lambda x, t, reduction=reduction: F.mse_loss(x, t, reduction),
        real(3, 2),
        real(3, 2),
        expected=lambda x, t, reduce=reduce: reduce((x - t) ** 2),
    )
    case(
        f"functional.cross_entropy {reduction}",
        lambda x, reduction=reduction: F.cross_entropy(x, np.array([0, 2, 2, 1]), reduction),
        real(4, 3),
        expected=lambda x, reduce=reduce: reduce(-np.log(softmax(x))[np.arange(4), [0, 2, 2, 1]]),
    )
case(
    "functional.mse_loss against a constant",
    lambda x: F.mse_loss(x, np.zeros(3, x.dtype)),
    real(3),
    expected=lambda x: np.mean(x**2),
)
case("functional.mse_loss of 0-d arrays", F.mse_loss, real(), real(), expected=lambda x, t: (x - t) ** 2)
case(
    "functional.cross_entropy of one row",
    lambda x: F.cross_entropy(x, 1),
    real(3),
    expected=lambda x: -np.log(softmax(x))[1],
)
case(
    "functional.cross_entropy of bytes",
    lambda x: F.cross_entropy(x, np.array([2, 0], np.uint8)),
    real(2, 3),
    expected=lambda x: np.mean(-np.log(softmax(x))[[0, 1], [2, 0]]),
)


def covering(word: str) -> Iterator[Case]:
    """The cases that cover ``word``."""
    return (case for case in CASES.values() if case.covers == word)
