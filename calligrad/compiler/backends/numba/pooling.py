"""Pools as kernels."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
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
from calligrad.nn.windows import Sliding, Uneven

AHEAD = 15  # words of windows ahead of those of the arrays, as ``calligrad.kernels.pooling`` reads them


@lowers(maxima)
def largest(lowering: Lowering, line: Line) -> bool:
    """``maxima`` of one or two axes of windows."""
    (x,) = line.args
    if not _fits(lowering, line, [x, line.out], (Sliding, Uneven)):
        return False
    row = lowering.space(x.shape[-1] * x.dtype.itemsize * parallel.MOST)
    return _pool(lowering, line, "maxima", x, [x], [row])


@lowers(routed)
def gradient(lowering: Lowering, line: Line) -> bool:
    """``routed``, the gradient of ``maxima``."""
    g, x = line.args
    fits = _fits(lowering, line, [g, x, line.out], (Sliding, Uneven))
    return fits and _pool(lowering, line, "routed", x, [x, g])


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


def _fits(lowering: Lowering, line: Line, arrays: list[Any], kinds: tuple[type, ...] = (Sliding,)) -> bool:
    """Whether there are kernels for windows and arrays like these."""
    windows = line.kwargs["windows"]
    if len(windows) > 2 or not all(isinstance(w, kinds) for w in windows):
        return False
    if not all(type(var) is Var and lowering.at(var).like.flags.c_contiguous for var in arrays):
        return False
    return (
        len({var.dtype for var in arrays}) == 1 and line.out.dtype.name in ("float32", "float64") and line.out.size > 0
    )


def _pool(lowering: Lowering, line: Line, name: str, x: Var, inputs: list[Any], more: Sequence[int] = ()) -> bool:
    """Add the kernel for windows over ``x``."""
    windows = line.kwargs["windows"]
    places = [place if isinstance(place, Location) else lowering.at(place) for place in (*inputs, line.out)]
    words = [math.prod(x.shape[: len(x.shape) - len(windows)])]
    tables: list[int] = []
    begin = AHEAD + len(places) + len(more)
    for w in (*(Sliding(1, 1, 1, 0, 1, 1),) * (2 - len(windows)), *windows):
        settings = (w.kernel, w.stride, w.padding, w.dilation) if isinstance(w, Sliding) else (0, 0, 0, 1)
        words += [w.size, *settings, w.count, begin + len(tables)]
        tables += [number for window in _seen(w) for number in window]
    kernel = f"{name}_{x.dtype.name}"
    module = "pooling" if name in ("maxima", "routed") else "averages"
    source = (
        f"from numba import types\nfrom calligrad.kernels.{module} import {name}\n"
        f"def {kernel}(thread, threads, args):\n    {name}(thread, threads, args, types.{x.dtype.name})\n"
    )
    words += [*[0] * len(places), *more, *tables]
    reads, writes = [place.root for place in places[:-1]], [places[-1].root]
    task = Task(compile_kernel(source, kernel), np.array(words, np.int64), reads, writes)
    for i, place in enumerate(places):
        point(lowering, task, AHEAD + i, place)
    task.weight = x.size * 0.5
    lowering.tasks.append(task)
    return True


def _seen(w: Sliding | Uneven) -> Iterator[tuple[int, int]]:
    """For each window where it begins within the axis, and how many of its taps are there."""
    if isinstance(w, Uneven):
        yield from ((start, end - start) for start, end in zip(w.starts, w.ends))
        return
    for start in range(-w.padding, w.count * w.stride - w.padding, w.stride):
        before = max(0, -(start // w.dilation))
        until = min(w.kernel, (w.size - 1 - start) // w.dilation + 1)
        yield start + before * w.dilation, max(0, until - before)
