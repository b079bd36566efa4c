"""Dead code: lines whose results nobody reads."""

from __future__ import annotations

from calligrad.compiler.program import Program


def without_dead_code(program: Program) -> Program:
    """The program without lines, inputs and constants that no output needs.

    >>> import numpy as np
    >>> from calligrad.compiler.program import Line, Var
    >>> x, y, z = (Var((2,), float) for _ in range(3))
    >>> lines = [Line(np.exp, (x,), {}, (y,)), Line(np.sin, (x,), {}, (z,))]
    >>> print(without_dead_code(Program([x], {}, lines, [z])))
    inputs v0: float64[2]
    v1 = np.sin(v0)  # float64[2]
    return v1
    """
    needed = {*program.outputs, *(var for var, _ in program.writes)}
    lines = []
    for line in reversed(program.lines):
        if not needed.isdisjoint(line.outs):
            needed.update(line.ins)
            lines.append(line)
    inputs = [var for var in program.inputs if var in needed]
    constants = {var: x for var, x in program.constants.items() if var in needed}
    return program.but(inputs=inputs, constants=constants, lines=lines[::-1])
