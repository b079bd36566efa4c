"""Max pools as kernels."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from calligrad.compiler.backends.numba.lowering import Lowering, Task, lowers
from calligrad.compiler.program import Line, Var
from calligrad.kernels.cache import compile_kernel
from calligrad.nn.maxima import maxima, routed
from calligrad.nn.windows import Sliding


@lowers(maxima)
def largest(lowering: Lowering, line: Line) -> bool:
    """``maxima`` of one or two axes of windows."""
    return _pool(lowering, line, "maxima", [line.args[0]], line.args[0])


@lowers(routed)
def gradient(lowering: Lowering, line: Line) -> bool:
    """``routed``, the gradient of ``maxima``."""
    g, x = line.args
    return _pool(lowering, line, "routed", [x, g], x)


def _pool(lowering: Lowering, line: Line, name: str, inputs: list[Any], x: Any) -> bool:
    windows = line.kwargs["windows"]
    arrays = [*inputs, line.out]
    if len(windows) > 2 or not all(isinstance(w, Sliding) for w in windows):
        return False
    if not all(type(var) is Var and lowering.at(var).like.flags.c_contiguous for var in arrays):
        return False
    if len({var.dtype for var in arrays}) > 1 or x.dtype.name not in ("float32", "float64") or not line.out.size:
        return False
    single = Sliding(1, 1, 1, 0, 1, 1)
    along = (*(single,) * (2 - len(windows)), *windows)
    words = [math.prod(x.shape[: len(x.shape) - len(windows)])]
    words += [n for w in along for n in (w.size, w.kernel, w.stride, w.padding, w.dilation, w.count)]
    kernel = f"{name}_{x.dtype.name}"
    source = (
        f"from numba import types\nfrom calligrad.kernels.pooling import {name}\n"
        f"def {kernel}(thread, threads, args):\n    {name}(thread, threads, args, types.{x.dtype.name})\n"
    )
    begin, words = len(words), [*words, *[0] * len(arrays)]
    reads = [lowering.at(var).root for var in inputs]
    task = Task(compile_kernel(source, kernel), np.array(words, np.int64), reads, [lowering.at(line.out).root])
    for i, var in enumerate(arrays):
        lowering.point(task, begin + i, lowering.at(var))
    task.weight = x.size * 0.5
    lowering.tasks.append(task)
    return True
