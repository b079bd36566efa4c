"""Common subexpressions: what two lines compute alike is computed once."""

from __future__ import annotations

from typing import Any

import numpy as np

from calligrad.compiler.passes.handed_out import handed_out
from calligrad.compiler.program import Line, Program, Var, renamed


def without_repeats(program: Program) -> Program:
    """The program without lines that do what an earlier one does with the same arguments. It keeps all bits.

    What is handed out stays an array of its own, and checks stay where they are.

    >>> x, a, b, y = (Var((2,), float) for _ in range(4))
    >>> lines = [Line(np.exp, (x,), {}, (a,)), Line(np.exp, (x,), {}, (b,)), Line(np.add, (a, b), {}, (y,))]
    >>> print(without_repeats(Program([x], {}, lines, [y])))
    inputs v0: float64[2]
    v1 = np.exp(v0)  # float64[2]
    v2 = v1 + v1  # float64[2]
    return v2
    """
    known: dict[Any, tuple[Var, ...]] = {}
    same: dict[Var, Any] = {}
    lines: list[Line] = []
    ours = handed_out(program)
    for line in program.lines:
        line = renamed(line, same)
        key = None if getattr(line.op, "checks", False) else _key((line.op, line.args, line.kwargs))
        earlier = None if key is None else known.get(key)
        if earlier is not None and (ours.isdisjoint(line.outs) or ours.isdisjoint(earlier)):
            same.update(zip(line.outs, earlier))
            ours.update(earlier if not ours.isdisjoint(line.outs) else ())
            continue
        lines.append(line)
        if key is not None:
            known[key] = line.outs
    return program.but(lines=lines, outputs=[same.get(var, var) for var in program.outputs])


def _key(x: Any) -> Any:
    """Equal for nests that are the same to an operation; None for what cannot be compared."""
    kind = type(x)
    if kind is tuple or kind is list:
        inner = [_key(part) for part in x]
        return None if None in inner else (kind, *inner)
    if kind is dict:
        return _key([(key, part) for key, part in sorted(x.items())])
    if kind is slice:
        return _key((x.start, x.stop, x.step, "slice"))
    if kind in (int, bool, str, bytes, type(None), type(Ellipsis)):
        return kind, x
    if kind is float or isinstance(x, np.generic):
        return kind, repr(x)  # so that 0.0 is not -0.0, and nan is nan
    if isinstance(x, (Var, np.dtype, type)) or callable(x):
        return kind, x
    return kind, id(x)  # settings that live as long as the program
