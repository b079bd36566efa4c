"""Fused: several lines as one loop nest, so that what one of them gives need not go through memory to the next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from calligrad.compiler.program import Line, Program, Var, mapped


@dataclass(frozen=True, eq=False)
class Phase:
    """One pass over a row; the lines are in the order in which they are computed."""

    rows: tuple[Line, ...]
    """What is one number a row, ahead of the pass."""
    elements: tuple[Line, ...]
    """What is one number for each point. A cheap line may be in several phases, to be computed again."""
    reductions: tuple[Line, ...]
    """What the pass sums up over the row, for later phases and as outputs."""
    columns: tuple[Line, ...]
    """What is summed up over all rows, for each place in the row. These are outputs, and nobody here reads them."""
    totals: tuple[Line, ...]
    """What is summed up over everything. Outputs, too."""
    stores: tuple[Var, ...]
    """The outputs of one number for each point that this pass writes."""
    kept: tuple[Var, ...]
    """What later passes read of this one's elements. If it is stored, it is there; else it needs a row of memory."""


@dataclass(frozen=True, eq=False)
class Fused:
    """The op of a line that does the work of many; a kernel computes it in one loop nest, and calling it with NumPy.

    The axes of the nest are those of the largest arrays, the ``rows`` outer ones first: a row is what a reduction sums
    up, and may be gone over several times, in the cache. Neighbouring axes that are one walk through all arrays are
    one axis.
    """

    program: Program
    """The lines; its inputs and outputs are the line's, by position."""
    shape: tuple[int, ...]
    rows: int
    strides: dict[Var, tuple[int, ...]]
    """For each input and output the step along each axis of the nest, in numbers: 0 where it is the same."""
    level: dict[Var, str]
    """What varies how: an ``element`` with each point, a ``row`` with the rows, a ``column`` with the place in the row,
    a ``number`` not at all."""
    numbers: tuple[Line, ...]
    """Lines on the level of numbers, ahead of everything."""
    phases: tuple[Phase, ...]
    same: dict[Var, Var]
    """What is only another shape of something, and of what."""
    __name__ = "fused"

    @cached_property
    def _function(self) -> Callable[[list[Any]], tuple]:
        from calligrad.compiler.source import function_of

        return function_of(self.program)

    def __call__(self, *arrays: Any) -> Any:
        """What the lines give, by NumPy."""
        outputs = self._function(list(arrays))
        return outputs if len(outputs) > 1 else outputs[0]

    def key(self) -> str:
        """The same text for groups that differ in nothing but sizes: one kernel serves them."""
        names = {var: f"v{i}" for i, var in enumerate(self.program.names())}

        def text(x: Any) -> str:
            return names[self.same.get(x, x)] if type(x) is Var else f"{type(x).__name__}:{x!r}"

        def walk(var: Var) -> str:
            return ",".join("01"[step] if step in (0, 1) else "s" for step in self.strides[var])

        parts = [f"{len(self.shape)}.{self.rows}"]
        parts += [f"{names[v]}:{v.kind() if v.weak else v.dtype}:{walk(v)}" for v in self.program.inputs]
        parts += [f"{names[v]}:{walk(v)}" for v in self.program.outputs]
        for line in self.program.lines:
            if line.out not in self.same:
                axis = self.level[line.out] if "axis" in line.kwargs else ""
                initial = line.kwargs.get("initial", "")
                inner = ",".join(text(x) for x in line.args)
                parts.append(f"{names[line.out]}:{line.out.dtype}={_name(line.op)}({inner};{axis};{initial})")
        return "|".join(parts)


def _name(op: Any) -> str:
    owner = getattr(op, "__self__", None)
    return f"{owner.__name__}.reduce" if isinstance(owner, np.ufunc) else op.__name__


def strides_of(var: Var) -> tuple[int, ...]:
    """Its steps in numbers; a Var that was made without strides is in order C."""
    if len(var.strides) == len(var.shape):
        return tuple(stride // var.dtype.itemsize for stride in var.strides)
    steps = [1]
    for n in reversed(var.shape[1:]):
        steps.append(steps[-1] * n)
    return tuple(reversed(steps)) if var.shape else ()


def copied(lines: list[Line], inputs: list[Var], outputs: list[Var]) -> tuple[Program, dict[Var, Var]]:
    """The lines as a program with Vars of its own, and which of them stands for which."""
    table: dict[Var, Var] = {}

    def own(x: Any) -> Any:
        if type(x) is not Var:
            return x
        if x not in table:
            table[x] = Var(x.shape, x.dtype, x.strides, x.weak)
            table[x].is_scalar = x.is_scalar
        return table[x]

    inside = [own(var) for var in inputs]
    body = [Line(n.op, mapped(own, n.args), mapped(own, n.kwargs), tuple(map(own, n.outs)), n.where) for n in lines]
    return Program(inside, {}, body, [own(var) for var in outputs]), table
