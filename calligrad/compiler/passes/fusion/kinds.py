"""Kinds of lines: what a kernel can compute point by point, sum up, or call by another name."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from calligrad.compiler.passes.views import takes_all
from calligrad.compiler.program import Line, Var

_CHEAP = frozenset(
    (
        "add", "subtract", "multiply", "negative", "positive", "absolute", "fabs", "square", "copysign", "sign",
        "heaviside", "floor", "ceil", "trunc", "rint", "maximum", "minimum", "fmax", "fmin", "clip", "greater",
        "greater_equal", "less", "less_equal", "equal", "not_equal", "isnan", "isfinite", "isinf", "signbit",
        "logical_and", "logical_or", "logical_not", "logical_xor", "bitwise_and", "bitwise_or", "invert", "where",
        "astype",
    )
)  # fmt: skip
_MIDDLING = frozenset(("divide", "sqrt", "reciprocal"))
_DEAR = frozenset(
    (
        "exp", "exp2", "expm1", "log", "log1p", "log2", "log10", "tanh", "sinh", "cosh", "sin", "cos", "erf", "sigmoid",
        "power",
    )
)  # fmt: skip

KNOWN = _CHEAP | _MIDDLING | _DEAR
"""What kernels compute point by point, by name: ufuncs, np.where, np.astype, and functions of calligrad's own."""

DTYPES = frozenset(map(np.dtype, ("float32", "float64", "int64", "int32", "bool")))
"""The dtypes that kernels know."""

REDUCTIONS = tuple(
    u.reduce for u in (np.add, np.multiply, np.maximum, np.minimum, np.logical_or, np.logical_and)
)  # each another object whenever it is asked for, but equal

_PERMUTATIONS = (np.transpose, np.permute_dims, np.swapaxes, np.moveaxis, np.matrix_transpose, np.rollaxis)
_RESHAPES = (np.reshape, np.expand_dims, np.squeeze, np.ravel, np.atleast_1d, np.atleast_2d)


def name_of(line: Line) -> str:
    """What kernels call an elementwise operation; "" for what is none.

    >>> x = Var((3,), float)
    >>> name_of(Line(np.exp, (x,), {}, (x,))), name_of(Line(np.sort, (x,), {}, (x,)))
    ('exp', '')
    """
    op = line.op
    if isinstance(op, np.ufunc):
        return op.__name__ if op.signature is None else ""
    if op is np.where or op is np.astype:
        return op.__name__
    name = op.__name__ if hasattr(op, "reference") else ""
    return name if name in ("erf", "sigmoid") else ""


def is_elementwise(line: Line) -> bool:
    """Whether each number of the result comes of the numbers at its place, by an operation that kernels know."""
    if name_of(line) not in KNOWN or len(line.outs) != 1 or line.kwargs:
        return False
    if not all(map(_is_plain, (*line.ins, *line.outs))):
        return False
    if line.op is np.astype:
        return type(line.args[0]) is Var and len(line.args) == 2
    if line.op is np.where and len(line.args) != 3:
        return False
    return all(type(x) is Var or _is_number(x) for x in line.args) and all(t in DTYPES for t in loop_dtypes(line))


def cost(line: Line) -> int:
    """What one number takes, beside an addition: what is cheap is rather computed twice than written and read."""
    name = name_of(line)
    return 1 if name in _CHEAP else 4 if name in _MIDDLING else 20


def is_reduction(line: Line) -> bool:
    """Whether it is ``ufunc.reduce(x, axis=(…), keepdims=True)`` of an array of more than one number along these."""
    if line.op not in REDUCTIONS or not line.kwargs.keys() <= {"axis", "keepdims", "initial"}:
        return False
    if line.kwargs.get("keepdims") is not True or type(line.kwargs.get("axis")) is not tuple:
        return False
    (x,) = line.args
    return all(map(_is_plain, (x, line.out))) and any(x.shape[axis] > 1 for axis in line.kwargs["axis"])


def axes_kept(line: Line) -> tuple[int | None, ...] | None:
    """For a line that only gives the numbers another shape: for each axis of the result that of the argument, or None.

    None in place of all for another kind of line. Axes of size 1 have no fellow.

    >>> axes_kept(Line(np.transpose, (Var((3, 4), float),), {}, (Var((4, 3), float),)))
    (1, 0)
    """
    x = line.args[0] if line.args else None
    if type(x) is not Var or len(line.outs) != 1 or x.weak or len(line.ins) != 1:
        return None
    out = line.outs[0]
    if line.op in _PERMUTATIONS and len(x.shape) <= 6:
        sizes = (2, 3, 5, 7, 11, 13)[: len(x.shape)]  # each another, so that the result tells where it is
        moved = line.op(np.empty(sizes, bool), *line.args[1:], **line.kwargs).shape
        return tuple(None if n == 1 else sizes.index(m) for n, m in zip(out.shape, moved))
    if line.op is np.broadcast_to:
        ahead = len(out.shape) - len(x.shape)
        return tuple(None if i < ahead or x.shape[i - ahead] == 1 else i - ahead for i in range(len(out.shape)))
    if line.op in _RESHAPES or (line.op is operator.getitem and takes_all(x, line.args[1])):
        long = [i for i, n in enumerate(x.shape) if n > 1]
        if [x.shape[i] for i in long] != [n for n in out.shape if n > 1]:
            return None
        rest = iter(long)
        return tuple(next(rest) if n > 1 else None for n in out.shape)
    return None


def _is_plain(x: Var) -> bool:
    """Whether kernels know its dtype, and its strides count whole numbers."""
    return x.dtype in DTYPES and x.size > 0 and all(stride % x.dtype.itemsize == 0 for stride in x.strides)


def _is_number(x: Any) -> bool:
    return type(x) in (int, float, bool) or (isinstance(x, np.generic) and x.dtype.kind in "fiub")


def loop_dtypes(line: Line) -> tuple[np.dtype, ...]:
    """To what each argument of an elementwise line is cast ahead of the operation.

    >>> x, y = Var((3,), "float32"), Var((3,), bool)
    >>> loop_dtypes(Line(np.less, (x, 0), {}, (y,)))
    (dtype('float32'), dtype('float32'))
    """
    if line.op is np.astype:
        return (line.args[0].dtype,)
    if line.op is np.where:
        return np.dtype(bool), line.out.dtype, line.out.dtype
    if not isinstance(line.op, np.ufunc):
        return (line.out.dtype,) * len(line.args)
    given = [_loop_kind(x) for x in line.args]
    if line.op in _LOGICAL:  # which ask whether a number is 0, whatever its dtype is
        return tuple(np.dtype(kind) for kind in given)
    return line.op.resolve_dtypes((*given, None))[: len(given)]


_LOGICAL = (np.logical_and, np.logical_or, np.logical_xor, np.logical_not)


def _loop_kind(x: Any) -> Any:
    if type(x) is Var:
        return {"f": float, "i": int}.get(x.dtype.kind, x.dtype) if x.weak else x.dtype
    if type(x) is bool:
        return np.dtype(bool)
    return type(x) if type(x) in (int, float) else x.dtype
