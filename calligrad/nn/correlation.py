"""The arithmetic of convolution on plain arrays: three bilinear maps, each a matrix product with columns.

A column holds the numbers that one position of the kernel sees; ``np.matmul`` does the rest. The columns of all
images together would be as many times larger than the images as the kernel has taps: they are made of a few images at
a time (a block), or of some rows of one, in memory that stays in the processor's cache, and are never kept.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from calligrad import parallel
from calligrad.kernels import eager
from calligrad.nn import winograd
from calligrad.nn.columns import Scratch
from calligrad.nn.grid import Windows, windows_of
from calligrad.nn.taps import convolve_taps, correlate_taps, gradients_by_taps, spread_taps
from calligrad.primitive import primitive

CACHED = 2**19  # numbers of a block that are worked on at once
SMALL = 2**16  # numbers in all, below which one thread is enough
PARTS = 8  # of the images, for the threads; their number does not follow that of the threads, so sums do not either


@primitive(convolve_taps, products=lambda x, w, *bias, windows: x.shape[0] * math.prod(windows.out) * w.size)
def convolve(x: np.ndarray, w: np.ndarray, *bias: np.ndarray, windows: Windows) -> np.ndarray:
    """Images (n, in, *size), a kernel (out, in / groups, *kernel), perhaps a bias (out,): (n, out, *windows.out)."""
    y = np.empty((len(x), len(w), *windows.out), np.result_type(x, w))
    if not _run("convolve", windows, w, x=x, w=w, y=y, bias=bias):
        _multiply(x, w, windows, y, *bias)
    return y


@primitive(
    correlate_taps,
    products=lambda x, g, windows: g.size * x.shape[1] // windows.groups * math.prod(windows.kernel),
)
def correlate(x: np.ndarray, g: np.ndarray, *, windows: Windows) -> np.ndarray:
    """The adjoint of ``convolve`` in its kernel: (n, in, *size) and (n, out, *windows.out) to (out, in / groups, …)."""
    w = np.empty((g.shape[1], x.shape[1] // windows.groups, *windows.kernel), np.result_type(x, g))
    return w if _run("correlate", windows, w, x=x, g=g, y=w) else _multiply(x, None, windows, g=g)


@primitive(spread_taps, products=lambda g, w, *bias, windows: g.shape[0] * math.prod(windows.out) * w.size)
def spread(g: np.ndarray, w: np.ndarray, *bias: np.ndarray, windows: Windows) -> np.ndarray:
    """The adjoint of ``convolve`` in its images: (n, out, *windows.out) and a kernel to (n, in, *size).

    Of the two ways the cheaper one is taken: columns of the images are made and added up, or columns of ``g``.
    """
    x = np.empty((len(g), w.shape[1] * windows.groups, *windows.size), np.result_type(g, w))
    if _run("spread", windows, w, x=g, w=w, y=x, bias=bias):
        return x
    if not windows.complete:
        x[...] = _across(bias[0], windows) if bias else 0
    if _is_widening(w, windows):
        _add(x, g, w, windows, *bias)
    else:
        for part, turned, reverse in _phases(x, w, windows):
            _multiply(g, turned, reverse, part, *bias)
    return x


@primitive(gradients_by_taps, products=lambda g, x, w, windows: 2 * g.shape[0] * math.prod(windows.out) * w.size)
def gradients(g: np.ndarray, x: np.ndarray, w: np.ndarray, *, windows: Windows) -> tuple[np.ndarray, np.ndarray]:
    """``spread`` of ``g`` and ``w``, ``correlate`` of ``x`` and ``g``; both from columns of ``g`` where it can be."""
    apart = _is_widening(w, windows) or math.prod(windows.stride) > 1
    if not x.size or apart or eager.pays(windows, len(x), w.shape[0] * w.shape[1], w.dtype):
        return spread(g, w, windows=windows), correlate(x, g, windows=windows)
    y = np.empty(x.shape, np.result_type(g, w))
    ((_, turned, reverse),) = _phases(y, w, windows)
    return y, _turned(_multiply(g, turned, reverse, y, g=x), windows.groups)


# ---------------------------------------------------------------- the work


def _run(plan: str, windows: Windows, kernel: np.ndarray, bias: tuple[np.ndarray, ...] = (), **arrays: Any) -> bool:
    """Whether the kernels of ``calligrad.kernels``, if they are there, have filled the array ``y``."""
    if not eager.pays(windows, len(arrays["x"]), kernel.shape[0] * kernel.shape[1], kernel.dtype):
        return False
    return eager.run(plan, windows, **arrays, **dict(zip(("bias",), bias)))


def _multiply(x: np.ndarray, w: Any, windows: Windows, y: Any = None, bias: Any = None, g: Any = None) -> Any:
    """Columns of ``x``, used once or twice: times ``w``, plus a bias, to ``y``; and times ``g``, which is returned.

    The latter, summed over all images, is the kernel that ``correlate`` gives. Either can be left out, as None.
    """
    x = np.ascontiguousarray(x)
    shape, dtype = (y if g is None else g).shape, np.result_type(x, w if g is None else g)
    kernel = (shape[1], x.shape[1] // windows.groups, *windows.kernel)
    way = _way(windows, kernel[1], kernel[0], dtype)
    plan = way(windows, dtype)
    matrix: Any = None if w is None else plan.matrix(w)
    across = None if bias is None else _across(bias, windows)

    def part(blocks: list[Block]) -> Any:
        scratch = way(windows, dtype)
        total = filled = None
        for images, first, rows in blocks:
            if images != filled:
                grid, filled = scratch.grid(x[images]), images
            columns = scratch.columns(grid, first, rows)
            if y is not None:
                scratch.multiply(matrix, columns, y[images], first, rows, across)
            if g is not None:
                product = np.matmul(columns, scratch.given(g[images], first, rows).mT)
                total = product if total is None else np.add(total, product, out=total)
        return total

    parts = _parts(plan, x.shape, shape)
    totals = parallel.run(part, parts)
    if y is not None and not parts:
        y[...] = 0 if across is None else across
    if g is None:
        return None
    return plan.kernel(np.ascontiguousarray(sum(totals).mT), kernel) if parts else np.zeros(kernel, dtype)


def _add(x: np.ndarray, g: np.ndarray, w: np.ndarray, windows: Windows, bias: np.ndarray | None = None) -> None:
    """To ``x``, for each tap, what the kernel makes of ``g`` there."""
    way = _way(windows, w.shape[1], len(w), x.dtype)
    plan = way(windows, x.dtype)
    matrix = plan.matrix(w).mT
    across = None if bias is None else _across(bias, windows)

    def part(blocks: list[Block]) -> None:
        scratch = way(windows, x.dtype)
        for images, first, rows in blocks:
            if first == 0:
                grid = scratch.zeros(x[images])
            flat = scratch.given(g[images], first, rows)
            columns = scratch.array("columns", len(matrix), matrix.shape[1], flat.shape[2])
            scratch.add(np.matmul(matrix, flat, out=columns), grid, first, rows)
            if first + rows == scratch.windows.out[0]:
                scratch.take(grid, x[images], across)

    parallel.run(part, _parts(plan, x.shape, g.shape, whole=True))


def _phases(x: np.ndarray, w: np.ndarray, windows: Windows) -> Iterator[tuple[np.ndarray, np.ndarray, Windows]]:
    """Each phase of ``x`` is a convolution, without a stride, of outputs with the taps that see it, in reverse."""
    ones = (1,) * len(windows.out)
    for phase in windows.phases:
        _, taps, first, apart, cells, inside = zip(*phase, strict=True)
        part = x[:, :, *inside]
        if not part.size:
            continue
        turned = _turned(w[:, :, *taps], windows.groups)
        padding = []
        for n, m, k, q, a, at in zip(windows.out, part.shape[2:], turned.shape[2:], first, apart, cells, strict=True):
            before = q + (k - 1) * a - at.start
            padding.append((before, m - n - before + (k - 1) * a))
        yield part, turned, windows_of(windows.out, turned.shape[2:], ones, tuple(padding), apart, windows.groups)


def _turned(w: np.ndarray, groups: int) -> np.ndarray:
    """A kernel (out, in / groups, *kernel) for the way back: (in, out / groups, *kernel), its taps in reverse."""
    w = np.flip(w, range(2, w.ndim)).reshape(groups, -1, *w.shape[1:]).swapaxes(1, 2)
    return np.ascontiguousarray(w.reshape(-1, *w.shape[2:]))


def _across(bias: np.ndarray, windows: Windows) -> np.ndarray:
    return bias.reshape(-1, *[1] * len(windows.out))


def _is_widening(w: np.ndarray, windows: Windows) -> bool:
    """Whether there are so few channels of images that columns of them are cheaper than columns of outputs."""
    return 2 * w.shape[1] * windows.groups <= len(w)


def _way(windows: Windows, inputs: int, outputs: int, dtype: np.dtype) -> type[Scratch]:
    """How to work with a kernel (outputs, inputs, *kernel)."""
    return winograd.Tiles if dtype.char in "fd" and winograd.pays(windows, inputs, outputs) else Scratch


Block = tuple[slice, int, int]
"""Some images, the first row of their outputs that is meant, and how many rows."""


def _parts(scratch: Scratch, x: tuple[int, ...], y: tuple[int, ...], whole: bool = False) -> list[list[Block]]:
    """The work on images and outputs of these shapes, a list for each part of it, in blocks that fit into the cache.

    If ``whole``, no image is in two parts.
    """
    images, channels, outputs = x[0], x[1] * scratch.copies, y[1] * scratch.copies
    if not images * channels * outputs:
        return []
    windows = scratch.windows
    rows = windows.out[0]
    numbers = math.prod(windows.positions(rows)) * (channels * math.prod(windows.kernel) + outputs)  # of an image
    parts = PARTS if images * numbers > SMALL else 1
    some = max(1, min(-(-images // parts), CACHED // numbers))
    height = max(1, min(rows, CACHED * rows // numbers))
    if windows.pointwise:
        some, height = 1, rows
    blocks = [
        [(slice(n, min(n + some, images)), first, min(height, rows - first)) for first in range(0, rows, height)]
        for n in range(0, images, some)
    ]
    if not whole:
        blocks = [[block] for same in blocks for block in same]
    ends = [len(blocks) * i // parts for i in range(parts + 1)]
    return [list(itertools.chain(*blocks[a:b])) for a, b in itertools.pairwise(ends) if a < b]
