"""Constants: what is the same in every run, because only shapes decide on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from calligrad.compiler.passes.copies import has_layout
from calligrad.compiler.passes.handed_out import handed_out
from calligrad.compiler.passes.views import is_view
from calligrad.compiler.program import Line, Program, Var, renamed

MOST_BYTES = 1 << 16
"""Constants that are larger are rather filled anew in every run than kept."""

_FILLS: dict[Callable, Any] = {
    np.zeros_like: 0, np.ones_like: 1, np.full_like: None, np.zeros: 0, np.ones: 1, np.full: None, np.empty_like: 0,
    np.empty: 0,
}  # fmt: skip
_EXACT = frozenset(
    (
        np.add, np.subtract, np.multiply, np.divide, np.negative, np.positive, np.square, np.absolute, np.sqrt,
        np.maximum, np.minimum, np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal,
        np.logical_and, np.logical_or, np.logical_not, np.where, np.astype,
    )
)  # fmt: skip
"""What gives one number the same result as it gives each number of an array."""


def with_constants(program: Program) -> Program:
    """The program in which arrays that are all one number are that number wherever shapes do not depend on them.

    ``x * 1``, ``x / 1`` and ``x - 0`` are x, which they are bit for bit; ``x + 0`` is not, as -0.0 + 0 is 0. What is
    left of the arrays of one number is made once. It keeps all bits.

    >>> x, ones, y, z = (Var((2,), float) for _ in range(4))
    >>> make = Line(np.ones_like, (x,), {}, (ones,))
    >>> lines = [make, Line(np.multiply, (ones, x), {}, (y,)), Line(np.exp, (y,), {}, (z,))]
    >>> print(with_constants(Program([x], {}, lines, [z])))
    inputs v0: float64[2]
    constant v1: float64[2]
    v2 = np.exp(v0)  # float64[2]
    return v2
    """
    ours = handed_out(program)
    known: dict[Any, Any] = {}
    same: dict[Var, Var] = {}
    constants = dict(program.constants)
    lines = []
    for line in program.lines:
        line = renamed(line, same)
        number = _number(line, known)
        if number is not None:
            out = line.outs[0]
            known[out] = number
            if out not in ours and out.nbytes <= MOST_BYTES:
                constants[out] = _filled(out, number)
                continue
        elif len(line.outs) == 1 and line.outs[0] not in ours:
            line = _with_numbers(line, known)
            if (x := _unchanged(line)) is not None:
                same[line.outs[0]] = x
                continue
        lines.append(line)
    return program.but(constants=constants, lines=lines)


def _number(line: Line, known: dict[Any, Any]) -> Any:
    """The number that the result of the line consists of, if it is one whatever the inputs are."""
    op, out = line.op, line.outs[0]
    if len(line.outs) != 1:
        return None
    if op in _FILLS:
        value = _FILLS[op]
        if value is None:
            value = line.kwargs.get("fill_value", line.args[1] if len(line.args) > 1 else None)
            value = known.get(value, value) if type(value) is Var else value
        return out.dtype.type(value) if isinstance(value, (int, float, np.generic)) else None
    if is_view(line) and op not in (np.real, np.imag) and len(line.ins) == 1 and line.ins[0] in known:
        return known[line.ins[0]] if line.ins[0].dtype == out.dtype else None  # np.asarray takes a dtype
    if op in _EXACT and not line.kwargs and all(type(x) is not Var or x in known for x in line.args):
        return _computed(op, [known[x] if type(x) is Var else x for x in line.args], out)
    return None


def _computed(op: Callable, args: list[Any], out: Var) -> Any:
    """What the operation gives for numbers, if it is of the dtype that is wanted and NumPy has nothing to warn of."""
    try:
        with np.errstate(all="raise"):
            result = op(*[np.asarray(x) if op is np.astype and isinstance(x, np.generic) else x for x in args])
    except FloatingPointError:
        return None
    return np.asarray(result)[()] if np.asarray(result).dtype == out.dtype else None


def _with_numbers(line: Line, known: dict[Any, Any]) -> Line:
    """An elementwise line with numbers for arrays of one number, where the others have its shape and layout."""
    if not isinstance(line.op, np.ufunc) or line.op.signature is not None or known.keys().isdisjoint(line.ins):
        return line
    out = line.outs[0]
    others = [x for x in line.ins if x not in known]
    if not any(x.shape == out.shape and (not out.shape or has_layout(x, out)) for x in others):
        return line
    args = tuple(known.get(x, x) if type(x) is Var else x for x in line.args)
    return Line(line.op, args, line.kwargs, line.outs, line.where)


def _unchanged(line: Line) -> Var | None:
    """The argument that the line gives back as it is."""
    if line.kwargs or len(line.args) != 2:
        return None
    a, b = line.args
    if line.op is np.multiply and _is(a, 1):
        a, b = b, a
    neutral = {np.multiply: 1, np.divide: 1, np.subtract: 0}.get(line.op)
    if neutral is None or type(a) is not Var or a.weak or not _is(b, neutral):
        return None
    out = line.outs[0]
    is_same = a.shape == out.shape and a.dtype == out.dtype and has_layout(a, out)
    return a if is_same and a.dtype.kind in "fi" else None


def _is(x: Any, number: int) -> bool:
    is_number = type(x) in (int, float) or (isinstance(x, np.generic) and x.dtype.kind in "fiu")
    return is_number and bool(x == number) and not (number == 0 and np.signbit(x))


def _filled(out: Var, number: np.generic) -> Any:
    """An array of the Var's shape and layout."""
    if not out.shape:
        return number
    order = sorted(range(len(out.shape)), key=lambda i: -out.strides[i] if out.strides else i)
    made = np.full([out.shape[i] for i in order], number)
    return made.transpose(np.argsort(order))
