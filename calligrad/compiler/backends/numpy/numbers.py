"""Numbers: arithmetic of single float64s as Python floats, which take a thirtieth of the time of arrays.

Python's + - * of floats are the processor's, as NumPy's are: the same bits.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from calligrad.compiler.program import Line, Program, Var

OPERATORS: dict[Any, str] = {np.add: "{} + {}", np.subtract: "{} - {}", np.multiply: "{} * {}", np.negative: "-{}"}

MANY = 8
"""So many lines have to be such arithmetic before it is worth to turn arrays into floats and back."""


class Numbers:
    """The lines of a program that are arithmetic of floats, and what they are called as such."""

    def __init__(self, program: Program, names: dict[Var, str]) -> None:
        self.names = names
        self.lines: set[Line] = {line for line in program.lines if _is_arithmetic(line)}
        if len(self.lines) < MANY:
            self.lines = set()
        made = {line.out for line in self.lines}
        read = {var for line in self.lines for var in line.ins}
        self.floats = made | {var for var in read if not var.weak}
        self.inputs = [var for var in program.inputs if var in read and not var.weak]
        elsewhere = {var for line in program.lines if line not in self.lines for var in line.ins} | set(program.outputs)
        self.both = made & elsewhere  # which are needed as arrays, too
        self.made = made
        self.rest = (read - made) - set(self.inputs)
        self.content: dict[str, Any] = {"float64": np.float64}
        self.content |= {f"f{names[var]}": float(x) for var, x in program.constants.items() if var in read}
        self.rest -= set(program.constants)

    def head(self) -> Iterator[str]:
        """What turns inputs into floats."""
        return (f"f{self.names[var]} = float({self.names[var]})" for var in self.inputs)

    def statement(self, line: Line) -> str | None:
        """The line as arithmetic of floats, if it is."""
        if line not in self.lines:
            return None
        inner = [self._float(x) for x in line.args]
        text = f"f{self.names[line.out]} = {OPERATORS[line.op].format(*inner)}"
        return f"{text}; {self.names[line.out]} = float64(f{self.names[line.out]})" if line.out in self.both else text

    def _float(self, x: Any) -> str:
        if type(x) is not Var:
            return f"({float(x)!r})"
        if x in self.rest:
            return f"float({self.names[x]})"
        return self.names[x] if x.weak else f"f{self.names[x]}"

    def text(self, var: Var) -> str:
        """What an array is called outside of the arithmetic."""
        return self.names[var]


def _is_arithmetic(line: Line) -> bool:
    """Whether it is + - * of float64s without axes."""
    if line.op not in OPERATORS or line.kwargs or line.out.shape or line.out.dtype != np.float64:
        return False
    numbers = (x for x in line.args if type(x) is not Var)
    return all(not var.shape and var.dtype == np.float64 for var in line.ins) and all(
        type(x) in (int, float, np.float64) and x == x and abs(x) < 2**53 for x in numbers
    )
