"""Elementwise arithmetic and elementary functions."""

import math

import numpy as np

from tests.cases.index import put
from tests.cases.table import NUMPY, apart, case, positive, real


def within(*shape):
    """Numbers between -0.9 and 0.9."""
    return lambda rng: rng.uniform(-0.9, 0.9, shape)


ONE_INPUT = {
    "np.absolute": apart,
    "np.arccos": within,
    "np.arccosh": lambda *shape: lambda rng: rng.uniform(1.5, 3, shape),
    "np.arcsin": within,
    "np.arcsinh": real,
    "np.arctan": real,
    "np.arctanh": within,
    "np.cbrt": positive,
    "np.conjugate": real,
    "np.cos": real,
    "np.cosh": real,
    "np.deg2rad": real,
    "np.degrees": real,
    "np.exp": real,
    "np.exp2": real,
    "np.expm1": real,
    "np.fabs": apart,
    "np.log": positive,
    "np.log10": positive,
    "np.log1p": positive,
    "np.log2": positive,
    "np.negative": real,
    "np.positive": real,
    "np.rad2deg": real,
    "np.radians": real,
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
    "np.arctan2": (apart, apart),
    "np.copysign": (apart, apart),
    "np.divide": (real, positive),
    "np.fmax": (apart, apart),
    "np.fmin": (apart, apart),
    "np.fmod": (lambda *shape: lambda rng: rng.uniform(4.1, 4.9, shape), positive),
    "np.hypot": (positive, positive),
    "np.logaddexp": (real, real),
    "np.logaddexp2": (real, real),
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
case("operator []=", lambda a, b: put(0)(a, b), real(3, 2), real(2))
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
    case("np.clip without bounds", lambda x: np.clip(x, None, None, out=None), apart(5))
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
    "np.clip below with a bound that flows", lambda x, lo: np.clip(x, lo, None), apart(3, 4), lambda rng: rng.random(4)
)
case(
    "np.clip above with a bound that flows", lambda x, hi: np.clip(x, None, hi), apart(3, 4), lambda rng: rng.random(4)
)
case("np.clip dtype=", lambda x: np.clip(x, 0, None, dtype=np.float64), apart(5), own_dtype=True)
case(
    "clip of a constant array",
    lambda lo, hi: np.array([-3, 0, 3], lo.dtype).clip(lo, hi),
    lambda rng: -1,
    lambda rng: 1,
)
case(
    "np.clip of whole numbers",
    lambda lo, hi: np.clip(np.array([-3, 0, 3], np.int8), lo, hi),
    lambda rng: -1.5,
    lambda rng: 1.5,
)

case("np.float_power", np.float_power, positive(2, 3), real(3), own_dtype=True)
case("np.float_power of a number", lambda b: np.float_power(2, b), real(3), own_dtype=True)
case("np.nextafter", lambda a: np.nextafter(a, np.array(2, a.dtype)), real(3))
case("np.ldexp", lambda x: np.ldexp(x, np.array([1, -2, 0])), real(2, 3))
case("np.ldexp by a number", lambda x: np.ldexp(x, 3), real(3))
case("np.frexp", lambda x: np.frexp(x)[0], positive(5))
case("np.modf", lambda x: np.modf(x)[0], apart(5))
case("np.divmod", lambda a, b: np.divmod(a, b)[1], lambda rng: rng.uniform(4.1, 4.9, (2, 3)), positive(3))
case("operator divmod", lambda a: divmod(a, 3)[1], lambda rng: rng.uniform(4.1, 4.9, 3))
case("np.heaviside", lambda h: np.heaviside(np.array([-1, 0, 2], h.dtype), h), real(2, 3))
case("np.nan_to_num", np.nan_to_num, real(2, 3))
case("np.nan_to_num of infinities", lambda x: np.nan_to_num(np.where(x > 1, x, -np.inf), neginf=3), positive(3))
case("np.nan_to_num copy=False", lambda x: np.nan_to_num(2 * x, copy=False), real(3))

MASK = np.array([[True, False, True], [False, False, True]])
case("np.log where=", lambda x: np.log(x, where=MASK, out=np.zeros_like(x)), positive(2, 3))
case("np.divide where= out=", lambda a, b: np.divide(a, b, out=2 * (a + b), where=MASK), real(2, 3), positive(2, 3))
case(
    "np.multiply where= broadcast",
    lambda a, b: np.multiply(a, b, where=MASK, out=np.zeros_like(a + b)),
    real(2, 3),
    real(3),
)
case("np.add out=", lambda a, b: np.add(a, b, out=np.zeros_like(a + b)), real(2, 3), real(3))
case("np.add dtype=", lambda a, b: np.add(a, b, dtype=np.float64), real(2, 3), real(3), own_dtype=True)
case("np.exp dtype=", lambda a: np.exp(a, dtype=np.float64), real(3), own_dtype=True)
case("np.multiply.outer", np.multiply.outer, real(2), real(3, 2))
case("np.subtract.outer with a constant", lambda a: np.subtract.outer(a, np.arange(3, dtype=a.dtype)), real(2))
case("np.power.outer of a 0-d array", np.power.outer, positive(), real(2))
