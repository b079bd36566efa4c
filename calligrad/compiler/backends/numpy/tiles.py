"""Tiles: runs of lines over large arrays, a piece that fits into the cache at a time, on several threads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from calligrad import parallel
from calligrad.compiler.backends.numpy.calls import given, is_pointwise
from calligrad.compiler.passes.fusion import Fused, fused
from calligrad.compiler.passes.fusion.group import strides_of
from calligrad.compiler.passes.repeats import without_repeats
from calligrad.compiler.program import Line, Program, Var, mapped

TILE = 1 << 15
"""Numbers of a tile: a few arrays of them fit into the cache of a core."""

LARGE = 4 * TILE
"""Numbers from which on an array is gone through in tiles."""


THREADED = 8 * TILE
"""Numbers from which on it pays to wake other threads."""


def tiled(program: Program) -> Program:
    """The program with elementwise runs over large arrays of one shape as one line each. It keeps all bits."""
    if not any(len(line.outs) == 1 and _is_large(line) for line in program.lines):
        return program
    groups = fused(program, _is_large)
    lines: list[Line] = []
    for line in groups.lines:
        if isinstance(line.op, Fused):
            if (tiles := Tiles.of(line)) is not None:
                lines.append(Line(tiles, line.args, {}, line.outs, line.where))
            else:
                lines.extend(_taken_apart(line))
        else:
            lines.append(line)
    return without_repeats(groups.but(lines=lines))


def _is_large(line: Line) -> bool:
    is_known = is_pointwise(line) or line.op is np.where or line.op is np.astype
    return is_known and line.out.size >= LARGE


def _taken_apart(line: Line) -> list[Line]:
    """The lines of a group that is not worth while, with the Vars of the program that it is in."""
    op: Any = line.op
    inner = op.program
    table = dict(zip(inner.inputs, line.args, strict=True)) | dict(zip(inner.outputs, line.outs, strict=True))

    def own(x: Any) -> Any:
        return table.setdefault(x, x) if type(x) is Var else x

    return [Line(n.op, mapped(own, n.args), n.kwargs, tuple(map(own, n.outs)), n.where) for n in inner.lines]


class Tiles:
    """A group of lines, run tile by tile: ``run(*inputs, *outputs)`` writes the outputs."""

    is_tiled = True
    __name__ = "tiles"

    def __init__(self, op: Fused, flat: bool) -> None:
        self.op = op
        self.flat = flat
        program = op.program
        self.lines = program.lines
        self.whole = program.outputs[0].shape
        self.last_read: dict[Var, int] = {}
        self.written: dict[Var, int] = {}
        for n, line in enumerate(self.lines):
            self.last_read.update(dict.fromkeys(line.ins, n))
            self.written[line.out] = n
        size = program.outputs[0].size
        rows = size if flat else self.whole[0]
        step = TILE if flat else max(1, TILE * rows // size)
        self.pieces = [slice(i, min(i + step, rows)) for i in range(0, rows, step)]
        self.step = step
        self.scratch: list[list[np.ndarray]] = []
        self.slots = self._slots()
        self.work = self._compiled()

    @classmethod
    def of(cls, line: Line) -> Tiles | None:
        """The group as tiles, if all its arrays go through memory alike, or are rows, or what each row meets."""
        op: Any = line.op
        outs = op.program.outputs
        made = [n.out for n in op.program.lines]
        if any(var.shape != outs[0].shape for var in made) or len(op.program.lines) + LARGE // TILE < 5:
            return None
        whole = [var for var in (*op.program.inputs, *made) if var.shape == outs[0].shape]
        if all(var.strides == outs[0].strides or strides_of(var) == strides_of(outs[0]) for var in whole):
            others = [var for var in op.program.inputs if var.shape != outs[0].shape]
            if not any(var.shape for var in others):
                return cls(op, flat=True)
        return cls(op, flat=False) if _begins_with_rows(outs[0]) else None

    def __call__(self, *arrays: Any) -> Any:
        """What the lines give, in arrays of their own."""
        return self.op(*arrays)

    def can_overwrite(self, argument: int, output: int) -> bool:
        """Whether an output may lie where an argument lies: nobody reads that after the output is there."""
        x, y = self.op.program.inputs[argument], self.op.program.outputs[output]
        read, written = self.last_read.get(x, -1), self.written[y]
        return read < written or (read == written and self.lines[written].op is not np.where)

    def _slots(self) -> dict[Var, int]:
        """A place in the scratch memory for each array that is not handed out."""
        outputs = set(self.op.program.outputs)
        slots: dict[Var, int] = {}
        free: list[int] = []
        self.kinds: list[tuple[np.dtype, int]] = []
        for n, line in enumerate(self.lines):
            out = line.out
            if out not in outputs:
                fitting = [i for i in free if self.kinds[i][0] == out.dtype]
                if fitting:
                    slots[out] = fitting[-1]
                    free.remove(fitting[-1])
                else:
                    slots[out] = len(self.kinds)
                    self.kinds.append((out.dtype, 0))
            free.extend(slots[x] for x in dict.fromkeys(line.ins) if x in slots and self.last_read[x] == n)
        return slots

    def _compiled(self) -> Callable:
        """The source of one tile, as a function of its slice, the scratch arrays, the inputs and the outputs."""
        names = {var: f"v{i}" for i, var in enumerate(self.op.program.names())}
        inputs, outputs = self.op.program.inputs, self.op.program.outputs
        content: dict[str, Any] = {}

        def text(x: Any) -> str:
            if type(x) is Var:
                return f"s{self.slots[x]}" if x in self.slots else names[x]
            content[f"c{id(x)}"] = x
            return f"c{id(x)}"

        body = []
        content["copyto"] = np.copyto
        for var in (*inputs, *outputs):
            if var.shape == self.whole or (len(var.shape) == len(self.whole) and var.shape[0] > 1):
                body.append(f"{names[var]} = {names[var]}[piece]")
        for line in self.lines:
            out, args = text(line.out), [text(x) for x in line.args]
            if line.op is np.where:
                body += [f"copyto({out}, {args[2]}, 'unsafe')", f"copyto({out}, {args[1]}, 'unsafe', {args[0]})"]
            elif line.op is np.astype:
                body.append(f"copyto({out}, {args[0]}, 'unsafe')")
            else:
                body.append(f"{text(line.op)}({', '.join([*args, given(line.op, out)])})")
        arguments = ["piece", *(f"s{i}" for i in range(len(self.kinds))), *(names[v] for v in (*inputs, *outputs))]
        exec(f"def tile({', '.join(arguments)}):\n    " + "\n    ".join(body), content)
        return content["tile"]

    def run(self, *arrays: Any) -> None:
        """Compute the outputs, which come behind the inputs."""
        if self.flat:
            arrays = tuple(_in_order(x) if isinstance(x, np.ndarray) and x.shape == self.whole else x for x in arrays)
        shape = () if self.flat else self.whole[1:]

        def work(piece: slice) -> None:
            try:
                scratch = self.scratch.pop()
            except IndexError:
                scratch = [np.empty((self.step, *shape), dtype) for dtype, _ in self.kinds]
            count = piece.stop - piece.start
            mine = scratch if count == self.step else [x[:count] for x in scratch]
            self.work(piece, *mine, *arrays)
            self.scratch.append(scratch)

        if len(self.pieces) * TILE < THREADED:
            for piece in self.pieces:
                work(piece)
        else:
            parallel.run(work, self.pieces)


def _begins_with_rows(var: Var) -> bool:
    steps = strides_of(var)
    return len(steps) > 1 and all(steps[0] >= abs(step) for step in steps)


def _in_order(x: np.ndarray) -> np.ndarray:
    """A view of a dense array with one axis, in the order of memory."""
    if not x.flags.c_contiguous:
        x = x.transpose(np.argsort([-step for step in x.strides], kind="stable"))
    return x.reshape(-1)
