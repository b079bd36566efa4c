"""Elementwise operations on ``Number``s, by the names that NumPy's ufuncs have."""

from __future__ import annotations

from collections.abc import Callable

from llvmlite import ir

from calligrad.kernels import math
from calligrad.kernels.number import Number, _call, copysign, frozen, where


def is_float(x: Number) -> bool:
    """Whether it is a float32 or a float64, not an int or a truth value."""
    return isinstance(x.element, (ir.FloatType, ir.DoubleType))


def _is_nan(x: Number) -> Number:
    return x.differs(x)


def _not(x: Number) -> Number:
    return Number(x.builder, x.builder.not_(x.value))


def _true(x: Number) -> Number:
    """Whether it is not zero."""
    return x if _is_bit(x) else x.differs(0)


def _is_bit(x: Number) -> bool:
    return isinstance(x.element, ir.IntType) and x.element.width == 1


def _maximum(a: Number, b: Number) -> Number:
    if _is_bit(a):
        return a | b
    return where((a > b) | _is_nan(a) if is_float(a) else a > b, a, b)


def _minimum(a: Number, b: Number) -> Number:
    if _is_bit(a):
        return a & b
    return where((a < b) | _is_nan(a) if is_float(a) else a < b, a, b)


def _fmax(a: Number, b: Number) -> Number:
    return where(a > b, a, where(_is_nan(b), a, b))


def _fmin(a: Number, b: Number) -> Number:
    return where(a < b, a, where(_is_nan(b), a, b))


def _at_least(a: Number, b: Number) -> Number:
    return a._compare(">=", b)


def _at_most(a: Number, b: Number) -> Number:
    return _at_least(b, a)


def _sign(x: Number) -> Number:
    steps = where(x > 0, x.like(1), where(x < 0, x.like(-1), x.like(0)))
    return where(_is_nan(x), x, steps) if is_float(x) else steps


def _absolute(x: Number) -> Number:
    return abs(x) if is_float(x) else where(x < 0, -x, x)


def _heaviside(x: Number, middle: Number) -> Number:
    return where(_is_nan(x), x, where(x > 0, x.like(1), where(x < 0, x.like(0), middle)))


def _is_finite(x: Number) -> Number:
    return (abs(x) < float("inf")) if is_float(x) else _always(x, 1)


def _is_infinite(x: Number) -> Number:
    return abs(x).equals(float("inf")) if is_float(x) else _always(x, 0)


def _always(x: Number, truth: int) -> Number:
    return x.equals(x) if truth else x.differs(x)  # of an int


def _reciprocal(x: Number) -> Number:
    return 1 / x


def _whole(name: str) -> Callable[[Number], Number]:
    """One of LLVM's ways to round; ints are whole already."""
    return lambda x: _call(name, x) if is_float(x) else x


_BITS = frozenset(
    (
        "add", "multiply", "maximum", "minimum", "fmax", "fmin", "equal", "not_equal", "logical_and", "logical_or",
        "logical_not", "logical_xor", "bitwise_and", "bitwise_or", "invert", "where", "copy", "isnan", "isfinite",
        "isinf",
    )
)  # fmt: skip
_INTS = _BITS | frozenset(
    (
        "subtract", "negative", "positive", "absolute", "square", "sign", "floor", "ceil", "trunc", "clip", "greater",
        "greater_equal", "less", "less_equal",
    )
)  # fmt: skip


def knows(name: str, dtype: str) -> bool:
    """Whether there is the operation on numbers of this type.

    >>> knows("exp", "float32"), knows("exp", "int64")
    (True, False)
    """
    if dtype.startswith("float"):
        return name in OPERATIONS and name not in ("bitwise_and", "bitwise_or", "invert")
    return name in (_BITS if dtype == "bool" else _INTS)


OPERATIONS: dict[str, Callable[..., Number]] = {
    "add": lambda a, b: a | b if _is_bit(a) else a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a & b if _is_bit(a) else a * b,
    "divide": lambda a, b: a / b,
    "negative": lambda a: -a,
    "positive": lambda a: a,
    "copy": lambda a: a,
    "absolute": _absolute,
    "fabs": _absolute,
    "square": lambda a: a * a,
    "sqrt": lambda a: _call("sqrt", a),
    "reciprocal": _reciprocal,
    "sign": _sign,
    "floor": _whole("floor"),
    "ceil": _whole("ceil"),
    "trunc": _whole("trunc"),
    "rint": _whole("rint"),
    "copysign": copysign,
    "heaviside": _heaviside,
    "maximum": _maximum,
    "minimum": _minimum,
    "fmax": lambda a, b: _fmax(a, b) if is_float(a) else _maximum(a, b),
    "fmin": lambda a, b: _fmin(a, b) if is_float(a) else _minimum(a, b),
    "clip": lambda x, low, high: _minimum(_maximum(x, low), high),
    "greater": lambda a, b: a > b,
    "greater_equal": _at_least,
    "less": lambda a, b: a < b,
    "less_equal": _at_most,
    "equal": lambda a, b: a.equals(b),
    "not_equal": lambda a, b: a.differs(b),
    "isnan": lambda a: _is_nan(a) if is_float(a) else _always(a, 0),
    "isfinite": _is_finite,
    "isinf": _is_infinite,
    "signbit": lambda a: a.bits() < 0,
    "logical_and": lambda a, b: _true(a) & _true(b),
    "logical_or": lambda a, b: _true(a) | _true(b),
    "logical_not": lambda a: _not(_true(a)),
    "logical_xor": lambda a, b: Number(a.builder, a.builder.xor(_true(a).value, _true(b).value)),
    "bitwise_and": lambda a, b: a & b,
    "bitwise_or": lambda a, b: a | b,
    "invert": _not,
    "where": where,
    **{
        name: getattr(math, name)
        for name in (
            "exp", "exp2", "expm1", "log", "log1p", "log2", "log10", "tanh", "sinh", "cosh", "sin", "cos", "erf",
            "sigmoid", "power",
        )
    },
}  # fmt: skip
"""What each operation writes; the operands are of one type, but for the condition of ``where``."""


def cast(x: Number, dtype: str) -> Number:
    """The number in another type, as ``astype`` gives it."""
    target = TYPES[dtype]
    builder, element, whole = x.builder, x.element, x.typed(target)
    if element == target:
        return x
    if dtype == "bool":
        return x.differs(0)
    if isinstance(target, (ir.FloatType, ir.DoubleType)):
        if is_float(x):
            write = builder.fpext if isinstance(target, ir.DoubleType) else builder.fptrunc
        else:
            write = builder.uitofp if _is_bit(x) else builder.sitofp
    elif is_float(x):
        return frozen(builder, builder.fptosi(x.value, whole))
    elif target.width > element.width:
        write = builder.zext if _is_bit(x) else builder.sext
    else:
        write = builder.trunc
    return Number(builder, write(x.value, whole))


TYPES: dict[str, ir.Type] = {
    "float32": ir.FloatType(),
    "float64": ir.DoubleType(),
    "int64": ir.IntType(64),
    "int32": ir.IntType(32),
    "bool": ir.IntType(1),
}
"""The dtypes that kernels know, by name."""
