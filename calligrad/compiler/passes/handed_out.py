"""What a program hands out: its outputs, and what shares memory with them."""

from __future__ import annotations

from calligrad.compiler.passes.views import is_view
from calligrad.compiler.program import Program, Var


def handed_out(program: Program) -> set[Var]:
    """The outputs and all that may share memory with them: arrays of their own, which whoever gets them may change.

    >>> import numpy as np
    >>> from calligrad.compiler.program import Line
    >>> x, y, z = (Var((2,), float) for _ in range(3))
    >>> lines = [Line(np.exp, (x,), {}, (y,)), Line(np.reshape, (y, (2,)), {}, (z,))]
    >>> handed_out(Program([x], {}, lines, [z])) == {y, z}
    True
    """
    found = set(program.outputs)
    for line in reversed(program.lines):
        if is_view(line) and not found.isdisjoint(line.outs):
            found.update(line.ins)
    for line in program.lines:
        if is_view(line) and not found.isdisjoint(line.ins):
            found.update(line.outs)
    return found
