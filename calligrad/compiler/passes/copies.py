"""Copies: lines that give an array once more, where nobody can tell."""

from __future__ import annotations

from typing import Any

import numpy as np

from calligrad.compiler.operations import setitem
from calligrad.compiler.passes.views import is_view, takes_all
from calligrad.compiler.program import Line, Program, Var, renamed


def without_copies(program: Program) -> Program:
    """The program without np.copy and its kin, and without ``x[...] = y`` of all of x. It keeps all bits.

    A copy stays if it has another dtype or layout, for both decide how NumPy goes on, and if the program hands it out
    while the original is an input or part of another output: outputs are arrays of their own.

    >>> x, y, z = (Var((2,), float) for _ in range(3))
    >>> lines = [Line(np.exp, (x,), {}, (y,)), Line(np.copy, (y,), {"order": "C"}, (z,))]
    >>> print(without_copies(Program([x], {}, lines, [z])))
    inputs v0: float64[2]
    v1 = np.exp(v0)  # float64[2]
    return v1
    """
    same: dict[Var, Any] = {}
    owner: dict[Var, Var] = {}  # for a view, what has the memory
    fresh: set[Var] = set()  # arrays that have memory of their own, which a line of this program makes
    lines: list[Line] = []
    outputs = set(program.outputs)
    taken = set(outputs)  # what is handed out, or has the memory of something that is
    for line in program.lines:
        if is_view(line) and not outputs.isdisjoint(line.outs):
            taken.update(owner.get(x, x) for x in line.ins)
    for line in program.lines:
        line = renamed(line, same)
        original = copied_by(line)
        if original is not None:
            is_own = original in fresh and original not in taken
            if line.outs[0] not in outputs or is_own:
                same[line.outs[0]] = original
                if line.outs[0] in outputs:
                    taken.add(original)
                continue
        elif (x := _put_into_shape(line)) is not None and line.outs[0] not in outputs:
            line = Line(np.reshape, (x, line.outs[0].shape), {}, line.outs, line.where)
        lines.append(line)
        if is_view(line):
            if len(line.ins) == 1:
                owner.update(dict.fromkeys(line.outs, owner.get(line.ins[0], line.ins[0])))
            if not outputs.isdisjoint(line.outs):
                taken.update(owner.get(x, x) for x in line.ins)
        else:
            fresh.update(line.outs)
    return program.but(lines=lines, outputs=[same.get(var, var) for var in program.outputs])


def copied_by(line: Line) -> Var | None:
    """The array that the line gives once more, in the same dtype and layout."""
    if line.op is setitem:
        x, key, source = line.args
        if not takes_all(x, key):
            return None
    elif line.op in _COPIES and line.args and not line.kwargs.keys() - {"order", "dtype", "copy"}:
        source = line.args[0]
    else:
        return None
    out = line.outs[0]
    if type(source) is not Var or source.weak or source.shape != out.shape or source.dtype != out.dtype:
        return None
    if not out.shape:  # what is copied may be a number, and the copy is an array
        return None
    return source if has_layout(source, out) else None


_COPIES = frozenset((np.copy, np.positive, np.ascontiguousarray, np.asfortranarray, np.astype))


def has_layout(a: Var, b: Var) -> bool:
    """Whether two arrays of one shape go through memory in the same steps."""
    return all(n == 1 or s == t for n, s, t in zip(a.shape, a.strides, b.strides))


def _put_into_shape(line: Line) -> Var | None:
    """The array that ``x[:, 0] = array`` and the like lay into all of x, whose shape has more axes of one number."""
    if line.op is not setitem or not takes_all(line.args[0], line.args[1]):
        return None
    value, out = line.args[2], line.outs[0]
    if type(value) is not Var or value.weak or value.dtype != out.dtype or not value.strides:
        return None
    mine, its = ([(n, s) for n, s in zip(v.shape, v.strides) if n > 1] for v in (value, out))
    return value if mine == its else None
