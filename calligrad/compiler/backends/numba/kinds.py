"""What makes kernels of each kind of line: fused groups, matrix products, copies."""

from __future__ import annotations

import math

from calligrad.compiler.backends.numba.groups import MOST_CHUNKS, Translation, Unsupported, strides_of
from calligrad.compiler.backends.numba.lowering import Lowering, Task, lowers
from calligrad.compiler.passes.fusion import Fused
from calligrad.compiler.program import Line, Var
from calligrad.kernels import loops
from calligrad.kernels.cache import compile_written
from calligrad import parallel

import numpy as np


@lowers(Fused)
def fused_group(lowering: Lowering, line: Line) -> bool:
    """A fused group as one kernel, and one more for each sum over all rows."""
    fused = line.op
    try:
        made = Translation(fused)
    except Unsupported as why:
        lowering.called.append((line, str(why)))
        return False
    nest, shape = made.nest, made.shape
    outs = dict(zip(fused.program.outputs, line.outs, strict=True))
    if not all(_is_dense(lowering, outs[var]) for var in made.accumulated):
        lowering.called.append((line, "a sum over all rows whose numbers do not lie beside each other"))
        return False
    pairs = [*zip(fused.program.inputs, line.args), *outs.items()]
    if not all(_lies_as_planned(lowering, outer, inner) for inner, outer in pairs):
        lowering.called.append((line, "an array that lies otherwise than it did"))
        return False
    chunks = made.chunks()
    words = np.zeros(loops.words_of(nest), np.int64)
    words[loops.CHUNKS], words[loops.TOTAL] = chunks, shape.total
    scratch = loops.scratch_of(nest, math.prod(shape.inner))
    if scratch:
        words[loops.SCRATCH_SIZE] = -(-scratch // 64) * 64
        words[loops.SCRATCH] = lowering.space(int(words[loops.SCRATCH_SIZE]) * parallel.MOST)
    words[loops.SIZES : loops.SIZES + len(shape.outer) + len(shape.inner)] = (*shape.outer, *shape.inner)
    kernel = compile_written(lambda symbol: loops.written(nest, symbol), repr(nest), "fused")
    task = Task(kernel, words, [], [])
    ins = dict(zip(fused.program.inputs, line.args, strict=True))
    operands = [*((var, ins[var]) for var in fused.program.inputs), *((var, outs[var]) for var in made.plain)]
    for i, (inner, outer) in enumerate(operands):
        at = loops.operand_at(nest, i)
        location = lowering.at(outer)
        lowering.point(task, at, location)
        steps = strides_of(fused, inner, shape)
        words[at + 1 : at + 1 + len(steps)] = steps
        (task.reads if i < len(ins) else task.writes).append(location.root)
    lowering.tasks.append(task)
    points = math.prod(shape.outer) * math.prod(shape.inner)
    task.weight = points * 0.05 * (1 + sum(len(phase.steps) for phase in nest.phases))
    reductions = loops.accumulators(nest)
    for i, (inner, reduction) in enumerate(zip(made.accumulated, reductions, strict=True), start=len(operands)):
        at = loops.operand_at(nest, i)
        location = lowering.at(outs[inner])
        size = math.prod(shape.inner) if reduction.level == "column" else 1
        axes = len(shape.outer) + len(shape.inner)
        words[at + axes + 1] = size
        if reduction.level == "column":
            words[at + 1 + len(shape.outer) : at + 1 + axes] = _dense(shape.inner)
        if chunks == 1:
            lowering.point(task, at, location)
            task.writes.append(location.root)
            continue
        words[at] = partial = lowering.space(chunks * size * 8)
        kernel = compile_written(
            lambda symbol, r=reduction: loops.joining(r.kind, r.dtype, symbol),
            f"join {reduction.kind} {reduction.dtype}",
            "join",
        )
        root = lowering.partial_root(partial, chunks * size * 8)
        task.writes.append(root)
        join = Task(kernel, np.array([chunks, size, partial, 0], np.int64), [root], [location.root])
        join.weight = chunks * size * 0.2
        lowering.point(join, 3, location)
        lowering.tasks.append(join)
    return True


def _dense(sizes: tuple[int, ...]) -> list[int]:
    return [math.prod(sizes[i + 1 :]) for i in range(len(sizes))]


def _is_dense(lowering: Lowering, var) -> bool:
    return lowering.at(var).like.flags.c_contiguous


def _lies_as_planned(lowering: Lowering, var: Var, inner: Var) -> bool:
    """Whether the array has the strides from which the group reckoned."""
    like = lowering.at(var).like
    own = inner.strides if len(inner.strides) == len(inner.shape) else np.empty(inner.shape, inner.dtype).strides
    return all(n == 1 or a == b for n, a, b in zip(like.shape, like.strides, own))
