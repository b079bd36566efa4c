"""Fused groups as nests: their lines as steps of a kernel, their axes as its loops."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from calligrad.compiler.passes.fusion import Fused, loop_dtypes
from calligrad.compiler.program import Line, Var
from calligrad.kernels.arithmetic import TYPES, knows
from calligrad.kernels.nest import IDENTITY, Nest, Operand, Phase, Reduction, Step

POWERS = {-1: "reciprocal", 0.5: "sqrt", 1: "copy", 2: "square"}
"""What is faster, and exact, in place of a power."""

PIECE = 4096  # numbers of one long row that are a row of their own
WIDE = 64  # numbers from which on a row is long enough to be added up to others, one vector after the other
CHUNK = 8192  # numbers that are worth sums of their own, which are joined in the end
MOST_CHUNKS = 16  # of rows, each of which accumulates its own sums


class Unsupported(Exception):
    """What a group does that no kernel can; NumPy runs it then."""


@dataclass(frozen=True)
class Shape:
    """The loops of a group: sizes of the outer and the inner axes.

    If one long row is cut into rows, or short rows are joined to longer ones, ``total`` is the length of the whole.
    ``repeats`` is how many short rows are in one.
    """

    outer: tuple[int, ...]
    inner: tuple[int, ...]
    total: int = 0
    repeats: int = 1

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return math.prod(self.outer)


def shape_of(fused: Fused) -> Shape:
    """The loops, where a single long row of independent points is cut into rows, and short rows that are summed up are
    joined."""
    outer, inner = fused.shape[: fused.rows], fused.shape[fused.rows :]
    levels = {level for var, level in fused.level.items() if var not in fused.program.inputs}
    if not outer and len(inner) == 1 and inner[0] > 2 * PIECE and levels <= {"element", "number"}:
        return Shape((-(-inner[0] // PIECE),), (PIECE,), inner[0])
    if len(outer) == len(inner) == 1 and levels <= {"element", "number", "column"} and _is_one_walk(fused):
        repeats = WIDE // inner[0]
        if repeats > 1 and outer[0] > 2 * repeats:
            return Shape((-(-outer[0] // repeats),), (repeats * inner[0],), math.prod(fused.shape), repeats)
    return Shape(outer, inner)


def _is_one_walk(fused: Fused) -> bool:
    """Whether there are sums over all rows, of arrays whose rows lie one behind the other."""
    sums = [line.out for phase in fused.phases for line in phase.columns]
    walks = {steps for var, steps in fused.strides.items() if var not in sums and any(steps)}
    return bool(sums) and walks <= {(fused.shape[1], 1)}


def strides_of(fused: Fused, var: Var, shape: Shape) -> tuple[int, ...]:
    """The steps of an operand along the axes of ``shape``, in numbers."""
    steps = tuple(fused.strides[var])
    return (steps[-1] * shape.inner[0], steps[-1]) if shape.total else steps


class Translation:
    """A group as a nest; ``columns`` are the outputs that are accumulated, in the nest's order."""

    def __init__(self, fused: Fused) -> None:
        self.fused = fused
        self.shape = shape_of(fused)
        program = fused.program
        self.refs: dict[Var, tuple] = {var: ("in", i) for i, var in enumerate(program.inputs)}
        inputs = tuple(self._operand(var) for var in program.inputs)
        once: list[Step] = []
        for line in getattr(fused, "numbers", ()):
            self._add(line, once, "once")
        phases = [self._phase(number, phase, once) for number, phase in enumerate(fused.phases)]
        accumulated = [line.out for phase in fused.phases for line in (*phase.columns, *phase.totals)]
        self.plain = [var for var in program.outputs if var not in accumulated]
        self.accumulated = accumulated
        if not set(accumulated) <= set(program.outputs):
            raise Unsupported("a sum over all rows that is used in the same group")
        outputs = tuple(self._operand(var) for var in self.plain)
        position = {var: i for i, var in enumerate(self.plain)}
        for number, phase in enumerate(fused.phases):
            stores = tuple((position[var], self._ref(var)) for var in phase.stores if var in position)
            old = phases[number]
            phases[number] = Phase(old.before, old.steps, stores, old.reductions)
        stored = {output for phase in phases for output, _ in phase.stores}
        last = tuple((i, self._ref(var)) for var, i in position.items() if i not in stored)
        self.nest = Nest(
            len(self.shape.outer), len(self.shape.inner), inputs, outputs, tuple(once), tuple(phases), last
        )

    # ---- operands

    def _operand(self, var: Var) -> Operand:
        dtype = _known(var.dtype)
        level = self.fused.level.get(self._same(var), "element")
        if level not in ("number", "row"):
            level = "element"
        steps = strides_of(self.fused, var, self.shape)
        step = steps[-1] if steps else 0
        inner = steps[len(self.shape.outer) :]
        if level == "element" and not any(inner):
            level = "row" if any(steps) else "number"
        return Operand(dtype, level, step if step in (0, 1) else 2)

    def _same(self, var: Var) -> Var:
        return self.fused.same.get(var, var)

    # ---- lines

    def _phase(self, number: int, phase: Any, once: list[Step]) -> Phase:
        before: list[Step] = []
        steps: list[Step] = []
        for line in phase.rows:
            self._add(line, before, "before", number)
        for line in phase.elements:
            self._add(line, steps, "step", number)
        reductions = []
        for level, lines in (("row", phase.reductions), ("column", phase.columns), ("number", phase.totals)):
            for line in lines:
                reductions.append(self._reduction(line, level, steps, number))
                if level == "row":
                    self.refs[line.out] = ("reduction", number, len(reductions) - 1)
        return Phase(tuple(before), tuple(steps), (), tuple(reductions))

    def _add(self, line: Line, steps: list[Step], kind: str, number: int | None = None) -> None:
        """One line as a step, after casts of its arguments."""
        name = _name(line.op)
        where = (kind,) if number is None else (kind, number)

        def added(step: Step) -> tuple:
            steps.append(step)
            return (*where, len(steps) - 1)

        dtypes = loop_dtypes(line)
        args = line.args[:1] if name == "astype" else line.args
        power = args[1].item() if name == "power" and isinstance(args[1], np.generic) else args[-1]
        if name == "power" and type(power) in (int, float) and power in POWERS:  # as NumPy does
            name, args, dtypes = POWERS[power], args[:1], dtypes[:1]
        refs = [self._argument(x, _known(dtype), added) for x, dtype in zip(args, dtypes)]
        out = _known(line.out.dtype)
        if name == "astype":
            self.refs[line.out] = added(Step("cast", tuple(refs), out))
            return
        computed = "bool" if out == "bool" else _known(dtypes[-1])
        if not knows(name, _known(dtypes[-1])):
            raise Unsupported(f"no kernel computes {name} of {_known(dtypes[-1])}")
        ref = added(Step(name, tuple(refs), computed))
        self.refs[line.out] = ref if computed == out else added(Step("cast", (ref,), out))

    def _argument(self, x: Any, dtype: str, added: Any) -> tuple:
        if type(x) is not Var:
            x = x.item() if isinstance(x, np.generic) else x
            if dtype.startswith("int") and not (isinstance(x, int) and abs(x) <= np.iinfo(dtype).max):
                raise Unsupported(f"{x} is no {dtype}")
            return ("constant", repr(x), dtype)
        ref = self._ref(x)
        return ref if _known(x.dtype) == dtype else added(Step("cast", (ref,), dtype))

    def _ref(self, var: Var) -> tuple:
        return self.refs[var] if var in self.refs else self.refs[self._same(var)]

    def _reduction(self, line: Line, level: str, steps: list[Step], number: int) -> Reduction:
        kind = _name(getattr(line.op, "__self__", line.op))
        out = _known(line.out.dtype)
        initial = line.kwargs.get("initial", IDENTITY[kind])
        if initial != IDENTITY[kind] or (initial == 0 and np.signbit(initial)):
            raise Unsupported("a reduction that starts from a number of its own")
        return Reduction(kind, self._ref(line.args[0]), out, level)

    # ---- words

    def chunks(self) -> int:
        """In how many parts the rows are; it follows from the sizes alone, so that sums do too."""
        rows = self.shape.rows
        if not self.accumulated:
            return max(1, min(rows, 64))
        points = math.prod(self.shape.inner)
        return max(1, min(rows, MOST_CHUNKS, rows * points // CHUNK))


def _name(op: Any) -> str:
    name = getattr(op, "__name__", str(op))
    return {"true_divide": "divide", "conjugate": "positive"}.get(name, name)


def _known(dtype: Any) -> str:
    name = np.dtype(dtype).name
    if name not in TYPES:
        raise Unsupported(f"no kernel computes with {name}")
    return name
