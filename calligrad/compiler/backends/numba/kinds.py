"""Fused groups as kernels: one for the group, and one more for each sum over all of its rows."""

from __future__ import annotations

import math
from typing import cast

import numpy as np

from calligrad import parallel
from calligrad.compiler.backends.numba.groups import Translation, Unsupported, strides_of
from calligrad.compiler.backends.numba.lowering import Lowering, Task, lowers
from calligrad.compiler.passes.fusion import Fused
from calligrad.compiler.program import Line, Var
from calligrad.kernels import loops
from calligrad.kernels import nest as nests
from calligrad.kernels.cache import Kernel, compile_written


@lowers(Fused)
def fused_group(lowering: Lowering, line: Line) -> bool:
    """A group as kernels, if there are kernels for all that it does."""
    try:
        return _Group(lowering, line).lower()
    except Unsupported as why:
        lowering.called.append((line, str(why)))
        return False


class _Group:
    """A group on its way to be tasks."""

    def __init__(self, lowering: Lowering, line: Line) -> None:
        self.lowering = lowering
        self.fused = cast(Fused, line.op)
        self.made = Translation(self.fused)
        program = self.fused.program
        self.outer: dict[Var, Var] = dict(zip(program.inputs, line.args)) | dict(zip(program.outputs, line.outs))

    def lower(self) -> bool:
        """Append the tasks."""
        made, nest, shape = self.made, self.made.nest, self.made.shape
        for inner, outer in self.outer.items():
            self._refuse_misplaced(inner, outer)
        task = Task(_kernel(nest), np.zeros(nests.words_of(nest), np.int64), [], [])
        words = task.words
        words[nests.CHUNKS], words[nests.TOTAL] = made.chunks(), shape.total
        words[nests.SIZES : nests.SIZES + len(shape.outer) + len(shape.inner)] = (*shape.outer, *shape.inner)
        if scratch := nests.scratch_of(nest, math.prod(shape.inner)):
            words[nests.SCRATCH_SIZE] = -(-scratch // 64) * 64
            words[nests.SCRATCH] = self.lowering.space(int(words[nests.SCRATCH_SIZE]) * parallel.MOST)
        inputs = self.fused.program.inputs
        for i, inner in enumerate([*inputs, *made.plain]):
            location = self.lowering.at(self.outer[inner])
            at = nests.operand_at(nest, i)
            self.lowering.point(task, at, location)
            steps = strides_of(self.fused, inner, shape)
            words[at + 1 : at + 1 + len(steps)] = steps
            (task.reads if i < len(inputs) else task.writes).append(location.root)
        points = math.prod(shape.outer) * math.prod(shape.inner)
        task.weight = points * 0.05 * (1 + sum(len(phase.steps) for phase in nest.phases))
        self.lowering.tasks.append(task)
        for i, (inner, reduction) in enumerate(zip(made.accumulated, nests.accumulators(nest), strict=True)):
            self._accumulate(task, nests.operand_at(nest, len(inputs) + len(made.plain) + i), inner, reduction)
        return True

    def _accumulate(self, task: Task, at: int, inner: Var, reduction: nests.Reduction) -> None:
        """Where the chunks accumulate a sum over all rows, and the kernel that joins them."""
        lowering, shape = self.lowering, self.made.shape
        chunks = int(task.words[nests.CHUNKS])
        first, last = at + 1 + len(shape.outer), at + 1 + len(shape.outer) + len(shape.inner)
        size, parts = 1, chunks
        if reduction.level == "column":
            size, parts = math.prod(shape.inner), chunks * shape.repeats
            task.words[first:last] = [math.prod(shape.inner[i + 1 :]) for i in range(len(shape.inner))]
        task.words[last] = size
        location = lowering.at(self.outer[inner])
        if parts == 1:
            lowering.point(task, at, location)
            task.writes.append(location.root)
            return
        task.words[at] = partial = lowering.space(chunks * size * np.dtype(reduction.dtype).itemsize)
        accumulated = lowering.part(partial)
        task.writes.append(accumulated)
        words = np.array([parts, chunks * size // parts, partial, 0], np.int64)
        join = Task(_joining(reduction.kind, reduction.dtype), words, [accumulated], [location.root])
        join.weight = chunks * size * 0.2
        lowering.point(join, 3, location)
        lowering.tasks.append(join)

    def _refuse_misplaced(self, inner: Var, outer: Var) -> None:
        """Raise for an array that does not lie as the group has reckoned."""
        like = self.lowering.at(outer).like
        own = inner.strides if len(inner.strides) == len(inner.shape) else np.empty(inner.shape, inner.dtype).strides
        if not all(n == 1 or a == b for n, a, b in zip(like.shape, like.strides, own)):
            raise Unsupported("an array lies otherwise than it did")
        if inner in self.made.accumulated and not like.flags.c_contiguous:
            raise Unsupported("the numbers of a sum over all rows do not lie beside each other")


def _kernel(nest: nests.Nest) -> Kernel:
    return compile_written(lambda symbol: loops.written(nest, symbol), repr(nest), "fused")


def _joining(kind: str, dtype: str) -> Kernel:
    return compile_written(lambda symbol: loops.joining(kind, dtype, symbol), f"join {kind} {dtype}", "join")
