"""Matrix products as kernels."""

from __future__ import annotations

from typing import cast

import numpy as np

from calligrad import parallel
from calligrad.compiler.backends.numba.lowering import Lowering, Task, lowers
from calligrad.compiler.backends.numba.memory import Location
from calligrad.compiler.backends.numba.moves import copy, point, scratch
from calligrad.compiler.passes.epilogues import Product
from calligrad.compiler.program import Line, Var
from calligrad.kernels.product import WORK
from calligrad.kernels.product import product as kernel_of


@lowers(Product)
def product_with_epilogue(lowering: Lowering, line: Line) -> bool:
    """``a @ b + d``, and perhaps its positive part."""
    *_, d = line.args
    return product(lowering, line, d, cast(Product, line.op).relu)


@lowers(np.matmul)
def product(lowering: Lowering, line: Line, d: Var | None = None, relu: bool = False) -> bool:
    """``np.matmul`` of float32 or float64, with any strides."""
    a, b = line.args[:2]
    c = line.out
    if line.kwargs or not (type(a) is Var and type(b) is Var) or len({a.dtype, b.dtype, c.dtype}) > 1:
        return False
    if c.dtype.name not in ("float32", "float64") or not c.size:
        return False
    if any(step % var.dtype.itemsize for var in line.ins for step in lowering.at(var).like.strides):
        return False
    m = a.shape[-2] if len(a.shape) > 1 else 1
    n = b.shape[-1] if len(b.shape) > 1 else 1
    k = a.shape[-1]
    steps = [_steps(lowering, a, True), _steps(lowering, b, False), _result_steps(lowering, c, a, b)]
    lead = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    walks = [_batch_steps(lowering, var, lead) for var in (a, b)] + [_batch_steps(lowering, c, lead, True)]
    operands = [lowering.at(var) for var in (a, b, c)]
    if d is not None:
        operands.append(_forwards(lowering, d))
        added = np.broadcast_to(operands[-1].like, c.shape).strides
        *walk, row, column = (step // d.dtype.itemsize for step in added)
        steps.append((row, column))
        walks.append(walk)
    batch = sorted(_merged(lead, walks), key=lambda axis: axis[0])  # of all but the longest each item is a task
    if len(batch) == 1 and batch[0][2] == 0 and _is_one_matrix(m, batch[0], steps):
        if m == 1:
            for i in range(len(operands)):
                if i != 1:
                    steps[i] = batch[0][i + 1], steps[i][1]
        m, batch = m * batch[0][0], []  # the same B for all: one product of all rows
    *outer, last = batch or [(1, *[0] * len(operands))]
    kernel = kernel_of(c.dtype)
    work = _workspace(lowering, c.dtype)
    size = c.dtype.itemsize
    for index in np.ndindex(*(axis[0] for axis in outer)):
        words = np.zeros(24, np.int64)
        words[:4] = m, k, n, last[0]
        words[20], words[21] = relu, work
        task = Task(kernel, words, [place.root for i, place in enumerate(operands) if i != 2], [operands[2].root])
        for i, place in enumerate(operands):
            far = sum(at * axis[i + 1] for at, axis in zip(index, outer))
            point(lowering, task, 4 + 4 * i, place, far * size)
            words[5 + 4 * i : 8 + 4 * i] = (last[i + 1], *steps[i])
        task.weight = 2 * m * k * n * last[0] / 100
        lowering.tasks.append(task)
    return True


def _forwards(lowering: Lowering, d: Var) -> Location:
    """Where it lies, or a copy of it, if its strides are negative: those of what is added must not be."""
    place = lowering.at(d)
    if all(step >= 0 for step in place.like.strides):
        return place
    forwards = scratch(lowering, d.shape, d.dtype)
    copy(lowering, place, forwards)
    return forwards


def _workspace(lowering: Lowering, dtype: np.dtype) -> int:
    """The address of the memory in which products lay out their panels; one is enough, as they come one by one."""
    key = f"products {dtype}"
    if key not in lowering.spaces:
        lowering.spaces[key] = lowering.space(WORK * dtype.itemsize * parallel.MOST)
    return lowering.spaces[key]


def _strides(lowering: Lowering, var: Var) -> tuple[int, ...]:
    return tuple(step // var.dtype.itemsize for step in lowering.at(var).like.strides)


def _steps(lowering: Lowering, var: Var, left: bool) -> tuple[int, int]:
    """From row to row and from column to column."""
    strides = _strides(lowering, var)
    if len(strides) == 1:
        return (0, strides[0]) if left else (strides[0], 1)
    return strides[-2], strides[-1]


def _result_steps(lowering: Lowering, c: Var, a: Var, b: Var) -> tuple[int, int]:
    strides = _strides(lowering, c)
    if len(a.shape) == 1:
        return (0, strides[-1] if len(b.shape) > 1 else 1)
    return (strides[-1], 1) if len(b.shape) == 1 else (strides[-2], strides[-1])


def _batch_steps(lowering: Lowering, var: Var, lead: tuple[int, ...], is_result: bool = False) -> list[int]:
    """Along each axis of the batch."""
    own = list(zip(var.shape, _strides(lowering, var)))[: len(lead) if is_result else max(0, len(var.shape) - 2)]
    own = [(1, 0)] * (len(lead) - len(own)) + own
    return [0 if n == 1 else step for n, step in own]


def _merged(lead: tuple[int, ...], steps: list[list[int]]) -> list[tuple[int, ...]]:
    """The axes of the batch as (size, step of A, of B, of C), neighbours that are one walk as one."""
    merged: list[tuple[int, ...]] = []
    for axis in zip(lead, *steps, strict=True):
        if axis[0] == 1:
            continue
        if merged and all(outer == axis[0] * inner for outer, inner in zip(merged[-1][1:], axis[1:])):
            merged[-1] = (merged[-1][0] * axis[0], *axis[1:])
        else:
            merged.append(axis)
    return merged


def _is_one_matrix(m: int, axis: tuple[int, ...], steps: list[tuple[int, int]]) -> bool:
    """Whether the rows of all items follow each other as those of one do, in all but B."""
    return m == 1 or all(axis[i + 1] == m * step[0] for i, step in enumerate(steps) if i != 1)
