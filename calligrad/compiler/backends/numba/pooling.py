"""Pools as kernels."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from calligrad import parallel
from calligrad.compiler.backends.numba.lowering import Lowering, Task, lowers
from calligrad.compiler.backends.numba.memory import Location
from calligrad.compiler.backends.numba.moves import copy, located, point, scratch
from calligrad.compiler.program import Line, Var
from calligrad.kernels.cache import compile_kernel
from calligrad.nn import pooling
from calligrad.nn.maxima import maxima, routed
from calligrad.nn.windows import Sliding


@lowers(maxima)
def largest(lowering: Lowering, line: Line) -> bool:
    """``maxima`` of one or two axes of windows."""
    (x,) = line.args
    if not _fits(lowering, line, [x, line.out]):
        return False
    row = lowering.space(x.shape[-1] * x.dtype.itemsize * parallel.MOST)
    return _pool(lowering, line, "maxima", x, [x], [row])


@lowers(routed)
def gradient(lowering: Lowering, line: Line) -> bool:
    """``routed``, the gradient of ``maxima``."""
    g, x = line.args
    return _fits(lowering, line, [g, x, line.out]) and _pool(lowering, line, "routed", x, [x, g])


@lowers(pooling.sums, pooling.spread)
def scaled(lowering: Lowering, line: Line) -> bool:
    """``sums`` and ``spread``, the sums of windows and the way back."""
    x, scale = line.args
    if not _fits(lowering, line, [x, line.out]):
        return False
    counts = tuple(w.count for w in line.kwargs["windows"])
    place = located(lowering, scale, x.dtype)
    if place is None:
        return False
    cast = scratch(lowering, place.like.shape, x.dtype)
    copy(lowering, place, cast)
    if cast.like.size > 1 and cast.like.shape != counts:
        return False
    name = "sums" if line.op is pooling.sums else "spread"
    steps = [0, 0] if cast.like.size == 1 else [counts[1] if len(counts) > 1 else 0, 1]
    spare = lowering.space(math.prod(counts) * x.dtype.itemsize * parallel.MOST) if name == "spread" else 0
    return _pool(lowering, line, name, x if name == "sums" else line.out, [cast, x], [*steps, spare])


def _fits(lowering: Lowering, line: Line, arrays: list[Any]) -> bool:
    """Whether there are kernels for windows and arrays like these."""
    windows = line.kwargs["windows"]
    if len(windows) > 2 or not all(isinstance(w, Sliding) for w in windows):
        return False
    if not all(type(var) is Var and lowering.at(var).like.flags.c_contiguous for var in arrays):
        return False
    return (
        len({var.dtype for var in arrays}) == 1 and line.out.dtype.name in ("float32", "float64") and line.out.size > 0
    )


def _pool(lowering: Lowering, line: Line, name: str, x: Var, inputs: list[Any], more: list[int] | None = None) -> bool:
    """Add the kernel for windows over ``x``."""
    windows = line.kwargs["windows"]
    words = [math.prod(x.shape[: len(x.shape) - len(windows)])]
    for w in (*(Sliding(1, 1, 1, 0, 1, 1),) * (2 - len(windows)), *windows):
        words += [w.size, w.kernel, w.stride, w.padding, w.dilation, w.count]
    kernel = f"{name}_{x.dtype.name}"
    module = "pooling" if name in ("maxima", "routed") else "averages"
    source = (
        f"from numba import types\nfrom calligrad.kernels.{module} import {name}\n"
        f"def {kernel}(thread, threads, args):\n    {name}(thread, threads, args, types.{x.dtype.name})\n"
    )
    places = [place if isinstance(place, Location) else lowering.at(place) for place in (*inputs, line.out)]
    begin = len(words)
    words += [0] * len(places) + (more or [])
    reads, writes = [place.root for place in places[:-1]], [places[-1].root]
    task = Task(compile_kernel(source, kernel), np.array(words, np.int64), reads, writes)
    for i, place in enumerate(places):
        point(lowering, task, begin + i, place)
    task.weight = x.size * 0.5
    lowering.tasks.append(task)
    return True
