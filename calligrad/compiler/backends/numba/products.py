"""Matrix products as kernels."""

from __future__ import annotations

import numpy as np

from calligrad import parallel
from calligrad.compiler.backends.numba.lowering import Lowering, Task, lowers
from calligrad.compiler.program import Line, Var
from calligrad.kernels.product import WORK
from calligrad.kernels.product import product as kernel_of


@lowers(np.matmul)
def product(lowering: Lowering, line: Line) -> bool:
    """``np.matmul`` of float32 or float64, with any strides."""
    a, b = line.args
    c = line.out
    if line.kwargs or not (type(a) is Var and type(b) is Var) or len({a.dtype, b.dtype, c.dtype}) > 1:
        return False
    if c.dtype.name not in ("float32", "float64") or not c.size:
        return False
    m = a.shape[-2] if len(a.shape) > 1 else 1
    n = b.shape[-1] if len(b.shape) > 1 else 1
    k = a.shape[-1]
    steps = [_steps(lowering, a, True), _steps(lowering, b, False), _result_steps(lowering, c, a, b)]
    lead = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    batch = _merged(
        lead, [_batch_steps(lowering, var, lead) for var in (a, b)] + [_batch_steps(lowering, c, lead, True)]
    )
    if len(batch) == 1 and batch[0][2] == 0 and _is_one_matrix(m, batch[0], steps):
        if m == 1:
            steps[0], steps[2] = (batch[0][1], steps[0][1]), (batch[0][3], steps[2][1])
        m, batch = m * batch[0][0], []  # the same B for all: one product of all rows
    *outer, last = batch or [(1, 0, 0, 0)]
    kernel = kernel_of(c.dtype)
    work = _workspace(lowering, c.dtype)
    size = c.dtype.itemsize
    for index in np.ndindex(*(axis[0] for axis in outer)):
        words = np.zeros(24, np.int64)
        words[:4] = m, k, n, last[0]
        task = Task(kernel, words, [lowering.at(a).root, lowering.at(b).root], [lowering.at(c).root])
        for i, var in enumerate((a, b, c)):
            far = sum(at * axis[i + 1] for at, axis in zip(index, outer))
            lowering.point(task, 4 + 4 * i, lowering.at(var), far * size)
            words[5 + 4 * i : 8 + 4 * i] = (last[i + 1], *steps[i])
        words[21] = work
        task.weight = 2 * m * k * n * last[0] / 100
        lowering.tasks.append(task)
    return True


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
    for axis in zip(lead, *steps):
        if axis[0] == 1:
            continue
        if merged and all(outer == axis[0] * inner for outer, inner in zip(merged[-1][1:], axis[1:])):
            merged[-1] = (merged[-1][0] * axis[0], *axis[1:])
        else:
            merged.append(axis)
    return merged


def _is_one_matrix(m: int, axis: tuple[int, ...], steps: list[tuple[int, int]]) -> bool:
    return m == 1 or (axis[1] == m * steps[0][0] and axis[3] == m * steps[2][0])
