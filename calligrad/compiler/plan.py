"""Plan: which memory each array of a program has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from calligrad.compiler.passes.views import is_view
from calligrad.compiler.program import Line, Program, Var

ALIGN = 64
"""Bytes of a line of the cache, with which every array begins."""


@dataclass(frozen=True)
class Buffer:
    """Memory of the program's own, from this byte on."""

    offset: int


@dataclass(frozen=True)
class Into:
    """The memory of an input that is written into."""

    var: Var


@dataclass
class Plan:
    """Where arrays lie; those without a place are made by the call that gives them, and so are those handed out."""

    places: dict[Var, Buffer | Into] = field(default_factory=dict)
    overwrites: dict[Var, Var] = field(default_factory=dict)
    """Arrays that lie where another lay that the same line reads for the last time, and which."""
    total: int = 0
    """Bytes that all buffers take together."""
    without: int = 0
    """Bytes that they would take if each had memory of its own."""


def planned(
    program: Program, can_be_given: Callable[[Line], bool], can_overwrite: Callable[[Line, Var, Var], bool]
) -> Plan:
    """Memory for the arrays of which ``can_be_given(line)`` says that a line writes them where it is told to.

    Arrays that are not needed any more leave their place to others. A line that ``can_overwrite(line, argument, out)``
    lays a result over an argument of the same layout, if nobody needs that afterwards. An array that is to be written
    into an input is laid there if all that read the input have done so.

    >>> x, a, b, y = (Var((1000,), float, (8,)) for _ in range(4))
    >>> lines = [Line(np.exp, (x,), {}, (a,)), Line(np.sin, (a,), {}, (b,)), Line(np.cos, (b,), {}, (y,))]
    >>> plan = planned(Program([x], {}, lines, [y]), lambda line: True, lambda line, argument, out: True)
    >>> plan.total, plan.without
    (8000, 16000)
    """
    return _Planner(program, can_be_given, can_overwrite).plan


class _Planner:
    def __init__(
        self, program: Program, can_be_given: Callable[[Line], bool], can_overwrite: Callable[[Line, Var, Var], bool]
    ) -> None:
        self.program = program
        self.can_overwrite = can_overwrite
        self.plan = Plan()
        self.root: dict[Var, Var] = {}  # of a view, whose memory it is
        self.last: dict[Var, int] = {}  # for each root the last line that needs it
        self._follow_views()
        self.free: list[tuple[int, int]] = []  # pieces of memory: where they begin and end
        outputs = {self._root(var) for var in program.outputs}
        into = self._targets()
        ends: dict[int, list[Var]] = {}
        for var, n in self.last.items():
            ends.setdefault(n, []).append(var)
        for n, line in enumerate(program.lines):
            if can_be_given(line):
                for out in line.outs:
                    if out.shape and _is_dense(out) and self._root(out) is out:
                        self._find_place(n, line, out, into.get(out), out in outputs)
            passed_on = {self.plan.overwrites[out] for out in line.outs if out in self.plan.overwrites}
            for var in ends.get(n, ()):
                place = self.plan.places.get(var)
                if isinstance(place, Buffer) and var not in passed_on:
                    self._give_back(place.offset, place.offset + _rounded(var.nbytes))

    def _find_place(self, n: int, line: Line, out: Var, target: Var | None, is_output: bool) -> None:
        """The memory of an input, of an argument that nobody needs any more, or a new piece; none if handed out."""
        plan = self.plan
        if target is not None and self._may_write(target, n, line, out):
            plan.places[out] = Into(target)
            if target in line.ins:
                plan.overwrites[out] = target
        elif not is_output:
            plan.without += _rounded(out.nbytes)
            given = {plan.overwrites.get(other) for other in line.outs}
            for x in line.ins:
                is_free = isinstance(plan.places.get(x), Buffer) and x not in given and self._dies(x, n, out)
                if is_free and self.can_overwrite(line, x, out):
                    plan.places[out], plan.overwrites[out] = plan.places[x], x
                    return
            plan.places[out] = Buffer(self._taken(_rounded(out.nbytes)))

    def _follow_views(self) -> None:
        kept: list[Var] = []
        for n, line in enumerate(self.program.lines):
            ins = set(line.ins)
            if is_view(line) and len(ins) == 1:
                for out in line.outs:
                    self.root[out] = self._root(line.ins[0])
            for var in (*ins, *line.outs):
                self.last[self._root(var)] = n
            if is_view(line) and len(ins) > 1:  # of which they are views is not known
                kept.extend(map(self._root, ins))
        for var in (*map(self._root, self.program.outputs), *kept):
            self.last[var] = len(self.program.lines)

    def _root(self, var: Var) -> Var:
        return self.root.get(var, var)

    def _dies(self, var: Var, n: int, out: Var) -> bool:
        """Whether the line is the last to need an array that lies as its result does."""
        is_whole = self._root(var) is var and self.last[var] == n
        return is_whole and var.dtype == out.dtype and var.shape == out.shape and var.strides == out.strides

    def _targets(self) -> dict[Var, Var]:
        """Outputs that are written into an input, and are nothing else."""
        outputs = self.program.outputs
        found = {outputs[i]: var for var, i in self.program.writes}
        return {out: var for out, var in found.items() if outputs.count(out) == 1 and self._root(out) is out}

    def _may_write(self, target: Var, n: int, line: Line, out: Var) -> bool:
        """Whether line n may write into the input: nobody reads the old contents later, nor beside it."""
        lies = target.shape == out.shape and target.strides == out.strides and target.dtype == out.dtype
        if not lies or self.last.get(target, -1) > n:
            return False
        read_here = [x for x in line.ins if self._root(x) is target]
        return not read_here or (all(x is target for x in read_here) and self.can_overwrite(line, target, out))

    # ---- pieces of memory

    def _taken(self, size: int) -> int:
        """Where the smallest free piece begins that is large enough; without one the memory grows."""
        fitting = [(end - begin, begin, end) for begin, end in self.free if end - begin >= size]
        if fitting:
            _, begin, end = min(fitting)
            self.free.remove((begin, end))
            if end - begin > size:
                self.free.append((begin + size, end))
            return begin
        last = next((piece for piece in self.free if piece[1] == self.plan.total), None)
        begin = self.plan.total
        if last is not None:
            self.free.remove(last)
            begin = last[0]
        self.plan.total = begin + size
        return begin

    def _give_back(self, begin: int, end: int) -> None:
        """A piece is free, and one with its free neighbours."""
        for piece in list(self.free):
            if piece[1] == begin or piece[0] == end:
                self.free.remove(piece)
                begin, end = min(begin, piece[0]), max(end, piece[1])
        self.free.append((begin, end))


def _is_dense(var: Var) -> bool:
    """Whether its numbers fill its memory, one after the other along the axes in some order."""
    step = var.dtype.itemsize
    for n, stride in sorted(zip(var.shape, var.strides), key=lambda axis: axis[1]):
        if n > 1 and stride != step:
            return False
        step *= n
    return step > 0 and len(var.strides) == len(var.shape)


def _rounded(nbytes: int) -> int:
    return -(-nbytes // ALIGN) * ALIGN


def arrays_of(plan: Plan, program: Program) -> dict[Var, np.ndarray]:
    """The arrays that have a buffer, in one piece of memory."""
    memory = np.empty(plan.total + ALIGN, np.uint8)
    begin = -memory.__array_interface__["data"][0] % ALIGN
    return {
        var: np.ndarray(var.shape, var.dtype, memory, begin + place.offset, var.strides)
        for var, place in plan.places.items()
        if isinstance(place, Buffer)
    }
