"""The arithmetic of convolution on plain arrays: three bilinear maps, each a matrix product with columns.

A column holds the numbers that one position of the kernel sees; ``np.matmul`` does the rest. The columns of all
images together would be as many times larger than the images as the kernel has taps: they are made of a few images at
a time (a block), or of some rows of one, in memory that stays in the processor's cache, and are never kept.

Two layouts make columns cheap. An image is first laid out as a *grid*: with its zeros around it, and split into the
phases of the stride (for a stride of 2: the even and the odd numbers), so that what a tap of the kernel sees is a
plain shift of one phase. And positions are counted along the grid, not along the output: a tap then sees one long run
of memory instead of many short rows. The few positions that this adds at the end of each row are thrown away.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from calligrad import parallel
from calligrad.nn.grid import Windows, windows_of

CACHED = 2**19  # numbers of a block that are worked on at once
SMALL = 2**16  # numbers in all, below which one thread is enough
PARTS = 8  # of the images, for the threads; their number does not follow that of the threads, so sums do not either


class Scratch:
    """The memory that one thread works in: images become columns here, and columns outputs."""

    def __init__(self, windows: Windows, dtype: np.dtype) -> None:
        self.windows, self.dtype = windows, dtype
        self.made: dict[Any, np.ndarray] = {}

    def array(self, name: str, *shape: int) -> np.ndarray:
        """An array of zeros the first time, then the same again."""
        if (name, shape) not in self.made:
            self.made[name, shape] = np.zeros(shape, self.dtype)
        return self.made[name, shape]

    def grid(self, x: np.ndarray) -> np.ndarray:
        """Images (n, channels, *size) as (n, channels, *phases, *cells)."""
        windows = self.windows
        if windows.bare:
            return x
        grid = self.array("grid", *x.shape[:2], *windows.stride, *windows.cells)
        for phase in windows.phases:
            number, _, _, _, cells, inside = zip(*phase, strict=True)
            np.copyto(grid[:, :, *number, *cells], x[:, :, *inside])
        return grid

    def seen(self, grid: np.ndarray, first: int, rows: int) -> Iterator[tuple[tuple[slice, ...], np.ndarray]]:
        """For each phase its taps, and the views that they have of the grid: (channels, *taps, n, *positions)."""
        windows, size = self.windows, grid.itemsize
        axes = len(windows.out)
        n, channels, steps = grid.shape[0], grid.shape[1], grid.strides
        between = steps[2:-axes] or (0,) * axes  # a bare image has no axes of phases
        cell = [pitch * size for pitch in windows.pitch]
        for phase in windows.phases:
            number, taps, start, apart, _, _ = zip(*phase, strict=True)
            offset = sum(i * step for i, step in zip((*number, *start), (*between, *cell), strict=True))
            counts = [len(range(k)[key]) for key, k in zip(taps, windows.kernel, strict=True)]
            shape = (channels, *counts, n, *windows.positions(rows))
            shifts = [a * step for a, step in zip(apart, cell, strict=True)]
            strides = (steps[1], *shifts, steps[0], *cell[: windows.counted], size)
            yield taps, np.ndarray(shape, grid.dtype, grid, offset + first * cell[0], strides)

    def columns(self, grid: np.ndarray, first: int, rows: int) -> np.ndarray:
        """What each position sees: (groups, channels of a group · taps, n · positions)."""
        windows = self.windows
        n, channels = grid.shape[:2]
        positions = windows.positions(rows)
        if windows.pointwise and n == 1:
            return grid.reshape(windows.groups, channels // windows.groups, -1)
        taken = self.array("columns", channels, *windows.kernel, n, *positions)
        for taps, view in self.seen(grid, first, rows):
            np.copyto(taken[:, *taps], view)
        return taken.reshape(windows.groups, -1, n * math.prod(positions))

    def zeros(self, x: np.ndarray) -> np.ndarray:
        """A grid for images to be added up in."""
        windows = self.windows
        if windows.bare:
            return x
        grid = self.array("grid", *x.shape[:2], *windows.stride, *windows.cells)
        grid[...] = 0
        return grid

    def add(self, columns: np.ndarray, grid: np.ndarray, first: int, rows: int) -> None:
        """Add columns to the grid, each number where it was seen: the adjoint of ``columns``."""
        windows = self.windows
        n, channels = grid.shape[:2]
        given = columns.reshape(channels, *windows.kernel, n, *windows.positions(rows))
        for taps, view in self.seen(grid, first, rows):
            for tap in np.ndindex(view.shape[1 : 1 + len(taps)]):  # one by one, as their views overlap
                part = view[:, *tap]
                np.add(part, given[:, *taps][:, *tap], out=part)

    def take(self, grid: np.ndarray, x: np.ndarray) -> None:
        """Add the grid to the images: the adjoint of ``grid``."""
        if not self.windows.bare:
            for phase in self.windows.phases:
                number, _, _, _, cells, inside = zip(*phase, strict=True)
                part = x[:, :, *inside]
                np.add(part, grid[:, :, *number, *cells], out=part)

    def outputs(self, y: np.ndarray, first: int, rows: int) -> tuple[np.ndarray, np.ndarray | None]:
        """Where products lie that are rows of ``y`` (n, channels, *out): (groups, channels of a group, n · positions).

        And what of that is kept, as (n, channels, rows, …), or None where it lies in ``y`` itself.
        """
        windows = self.windows
        positions = windows.positions(rows)
        n, channels = y.shape[:2]
        row = math.prod(windows.out[1:])
        if n == 1 and y.flags.c_contiguous and math.prod(positions) == rows * row:
            flat = y.reshape(windows.groups, channels // windows.groups, -1)
            return flat[:, :, first * row : (first + rows) * row], None
        laid = self.array("outputs", channels, n, *positions)
        flat = laid.reshape(windows.groups, channels // windows.groups, -1)
        return flat, windows.kept(laid, rows).swapaxes(0, 1)


def convolve(
    x: np.ndarray, w: np.ndarray, windows: Windows, bias: np.ndarray | None = None, out: np.ndarray | None = None
) -> np.ndarray:
    """Images (n, in, *size) and a kernel (out, in / groups, *kernel) to (n, out, *windows.out)."""
    x, w = np.ascontiguousarray(x), np.ascontiguousarray(w)
    matrix = w.reshape(windows.groups, len(w) // windows.groups, math.prod(w.shape[1:]))
    y = np.empty((len(x), len(w), *windows.out), np.result_type(x, w)) if out is None else out
    across = None if bias is None else bias.reshape(-1, *[1] * len(windows.out))

    def part(blocks: list[Block]) -> None:
        scratch = Scratch(windows, y.dtype)
        for images, first, rows, grid in _grids(scratch, x, blocks):
            flat, kept = scratch.outputs(y[images], first, rows)
            np.matmul(matrix, scratch.columns(grid, first, rows), out=flat)
            target = y[images, :, first : first + rows]
            if across is not None:
                np.add(target if kept is None else kept, across, out=target)
            elif kept is not None:
                np.copyto(target, kept)

    if parts := _parts(windows, len(x), x.shape[1], len(w)):
        parallel.run(part, parts)
    else:
        y[...] = 0 if across is None else across
    return y


def spread(g: np.ndarray, w: np.ndarray, windows: Windows, bias: np.ndarray | None = None) -> np.ndarray:
    """The adjoint of ``convolve`` in its images: (n, out, *windows.out) and a kernel to (n, in, *size).

    Of the two ways the cheaper one is taken: columns of the images are made and added up, or columns of ``g``.
    """
    x = np.zeros((len(g), w.shape[1] * windows.groups, *windows.size), np.result_type(g, w))
    if bias is not None:
        x += bias.reshape(-1, *[1] * len(windows.out))
    way = _by_adding if 2 * w.shape[1] * windows.groups <= len(w) else _by_convolving
    way(x, g, w, windows, bias)
    return x


def _by_adding(x: np.ndarray, g: np.ndarray, w: np.ndarray, windows: Windows, bias: np.ndarray | None) -> None:
    """Add to ``x``, for each tap, what the kernel makes of ``g`` there."""
    matrix = np.ascontiguousarray(w).reshape(windows.groups, len(w) // windows.groups, math.prod(w.shape[1:])).mT

    def part(blocks: list[Block]) -> None:
        scratch = Scratch(windows, x.dtype)
        for images, first, rows in blocks:
            if first == 0:
                grid = scratch.zeros(x[images])
            flat, kept = scratch.outputs(g[images], first, rows)
            if kept is not None:
                np.copyto(kept, g[images, :, first : first + rows])  # the others have always been zero
            columns = scratch.array("columns", windows.groups, matrix.shape[1], flat.shape[2])
            scratch.add(np.matmul(matrix, flat, out=columns), grid, first, rows)
            if first + rows == windows.out[0]:
                scratch.take(grid, x[images])

    parallel.run(part, _parts(windows, len(x), x.shape[1], len(w), whole=True))


def _by_convolving(x: np.ndarray, g: np.ndarray, w: np.ndarray, windows: Windows, bias: np.ndarray | None) -> None:
    """Each phase of ``x`` is a convolution of ``g``, without a stride, with the taps that see it, in reverse."""
    groups, axes = windows.groups, len(windows.out)
    for phase in windows.phases:
        _, taps, first, apart, cells, inside = zip(*phase, strict=True)
        target = x[:, :, *inside]
        if not target.size:
            continue
        turned = np.flip(w[:, :, *taps], range(2, 2 + axes))
        kernel = turned.shape[2:]
        turned = turned.reshape(groups, -1, *turned.shape[1:]).swapaxes(1, 2)
        turned = np.ascontiguousarray(turned.reshape(-1, len(w) // groups, *kernel))
        padding = []
        for n, m, k, q, a, at in zip(windows.out, target.shape[2:], kernel, first, apart, cells, strict=True):
            before = q + (k - 1) * a - at.start
            padding.append((before, m - n - before + (k - 1) * a))
        reverse = windows_of(windows.out, kernel, (1,) * axes, tuple(padding), apart, groups)
        convolve(g, turned, reverse, bias, target)


def correlate(x: np.ndarray, g: np.ndarray, windows: Windows) -> np.ndarray:
    """The adjoint of ``convolve`` in its kernel: (n, in, *size) and (n, out, *windows.out) to (out, in / groups, …)."""
    x = np.ascontiguousarray(x)
    groups, out, inputs = windows.groups, g.shape[1] // windows.groups, x.shape[1] // windows.groups
    taps = math.prod(windows.kernel)

    def part(blocks: list[Block]) -> np.ndarray:
        scratch = Scratch(windows, np.result_type(x, g))
        total, product = (scratch.array(name, groups, inputs * taps, out) for name in ("total", "product"))
        for images, first, rows, grid in _grids(scratch, x, blocks):
            flat, kept = scratch.outputs(g[images], first, rows)
            if kept is not None:
                np.copyto(kept, g[images, :, first : first + rows])  # what is not kept has always been zero
            np.add(total, np.matmul(scratch.columns(grid, first, rows), flat.mT, out=product), out=total)
        return total

    w = np.zeros((groups, out, inputs * taps), np.result_type(x, g))
    for total in parallel.run(part, _parts(windows, len(x), x.shape[1], g.shape[1])):
        np.add(w, total.mT, out=w)
    return w.reshape(groups * out, inputs, *windows.kernel)


Block = tuple[slice, int, int]
"""Some images, the first row of their outputs that is meant, and how many rows."""


def _parts(windows: Windows, images: int, channels: int, outputs: int, whole: bool = False) -> list[list[Block]]:
    """The work, a list for each part of it, in blocks that fit into the cache; if ``whole``, no image in two parts."""
    if not images * channels * outputs:
        return []
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


def _grids(scratch: Scratch, x: np.ndarray, blocks: list[Block]) -> Iterator[tuple[slice, int, int, np.ndarray]]:
    """The blocks, and with each the grid of its images."""
    filled = None
    for images, first, rows in blocks:
        if images != filled:
            grid, filled = scratch.grid(x[images]), images
        yield images, first, rows, grid
