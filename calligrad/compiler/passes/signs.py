"""Signs: what is taken twice is not there, and to add what has one is to subtract."""

from __future__ import annotations

from typing import Any

import numpy as np

from calligrad.compiler.passes.copies import has_layout
from calligrad.compiler.passes.handed_out import handed_out
from calligrad.compiler.program import Line, Program, Var, renamed


def with_fewer_signs(program: Program) -> Program:
    """The program in which ``-(-x)`` is x, ``a + -b`` is ``a - b``, ``a - -b`` is ``a + b``, ``-a * -b`` is ``a * b``.

    Backward passes are full of them. It keeps all bits, but for the sign of a NaN; integers, of which the
    smallest has no opposite, stay as they are.

    >>> x, y, minus, z = (Var((2,), float) for _ in range(4))
    >>> lines = [Line(np.negative, (y,), {}, (minus,)), Line(np.add, (x, minus), {}, (z,))]
    >>> print(with_fewer_signs(Program([x, y], {}, lines, [z])))
    inputs v0: float64[2], v1: float64[2]
    v2 = -v1  # float64[2]
    v3 = v0 - v1  # float64[2]
    return v3
    """
    ours = handed_out(program)
    opposite: dict[Any, Var] = {}
    same: dict[Var, Any] = {}
    lines: list[Line] = []
    for line in program.lines:
        line = _rewritten(renamed(line, same), opposite)
        if line.op is np.negative and len(line.args) == 1 and not line.kwargs:
            (x,) = line.args
            if type(x) is Var and x in opposite and line.out not in ours and has_layout(opposite[x], line.out):
                same[line.out] = opposite[x]
                continue
            if type(x) is Var and not x.weak and x.dtype.kind in "fc" and has_layout(x, line.out):
                opposite[line.out] = x
        lines.append(line)
    return program.but(lines=lines)


def _rewritten(line: Line, opposite: dict[Any, Var]) -> Line:
    """The line without the signs of its arguments, where it can do without."""
    if line.op not in (np.add, np.subtract, np.multiply, np.divide) or line.kwargs or len(line.args) != 2:
        return line
    a, b = line.args
    x, y = (opposite.get(n) if type(n) is Var else None for n in (a, b))
    op, args = line.op, (a, b)
    if op is np.multiply or (op is np.divide and line.out.dtype.kind == "f"):  # complex zeros divide by their sizes
        if x is not None and y is not None:
            args = x, y
    elif op is not np.divide and y is not None:
        op, args = np.subtract if op is np.add else np.add, (a, y)
    elif op is np.add and x is not None:
        op, args = np.subtract, (b, x)
    return Line(op, args, {}, line.outs, line.where)
