"""The memory in which convolutions are worked out: images become columns there, and products outputs.

Two layouts make columns cheap. An image is first laid out as a *grid*: with its zeros around it, and split into the
phases of the stride (for a stride of 2: the even and the odd numbers), so that what a tap of the kernel sees is a
plain shift of one phase. And positions are counted along the grid, not along the output: a tap then sees one long run
of memory instead of many short rows. The few positions that this adds at the end of each row are thrown away.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import numpy as np

from calligrad.nn.grid import Windows


class Scratch:
    """The memory that one thread works in: images become columns here, and columns outputs."""

    copies = 1  # of each channel that the columns and their products hold

    def __init__(self, windows: Windows, dtype: np.dtype) -> None:
        self.windows, self.dtype = windows, dtype
        self.made: dict[Any, np.ndarray] = {}

    def matrix(self, w: np.ndarray) -> np.ndarray:
        """The kernel (out, in / groups, *kernel) as (groups, outputs of a group, inputs of a group · taps)."""
        return np.ascontiguousarray(w).reshape(self.windows.groups, len(w) // self.windows.groups, -1)

    def kernel(self, matrix: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        """The adjoint of ``matrix``."""
        return matrix.reshape(shape)

    def array(self, name: str, *shape: int, new: Callable = np.empty) -> np.ndarray:
        """An array of that name and shape: a new one the first time, then the same again."""
        if (name, shape) not in self.made:
            self.made[name, shape] = new(shape, self.dtype)
        return self.made[name, shape]

    def grid(self, x: np.ndarray) -> np.ndarray:
        """Images (n, channels, *size) as (n, channels, *phases, *cells)."""
        windows = self.windows
        if windows.bare:
            return x
        grid = self.array("grid", *x.shape[:2], *windows.stride, *windows.cells, new=np.zeros)
        for phase in windows.phases:
            number, _, _, _, cells, inside = zip(*phase, strict=True)
            np.copyto(grid[:, :, *number, *cells], x[:, :, *inside])
        return grid

    def seen(self, grid: np.ndarray, first: int, rows: int) -> Iterator[tuple[tuple[slice, ...], np.ndarray]]:
        """For each phase its taps, and the views that they have of the grid: (channels, *taps, n, *positions)."""
        row = grid.strides[-len(self.windows.out)]
        for taps, shape, offset, strides in _views(self.windows, grid.shape, grid.strides, rows):
            yield taps, np.ndarray(shape, grid.dtype, grid, offset + first * row, strides)

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
        grid = x if windows.bare else self.array("grid", *x.shape[:2], *windows.stride, *windows.cells)
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

    def take(self, grid: np.ndarray, x: np.ndarray, bias: np.ndarray | None) -> None:
        """Images from their grid, the adjoint of ``grid``, and a bias added to them."""
        for phase in self.windows.phases:
            number, _, _, _, cells, inside = zip(*phase, strict=True)
            part = grid if self.windows.bare else grid[:, :, *number, *cells]
            if bias is not None:
                np.add(part, bias, out=x[:, :, *inside])
            elif part is not x:
                np.copyto(x[:, :, *inside], part)

    def outputs(self, name: str, y: np.ndarray, first: int, rows: int) -> tuple[np.ndarray, np.ndarray | None]:
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
        laid = self.array(name, channels, n, *positions, new=np.zeros)
        flat = laid.reshape(windows.groups, channels // windows.groups, -1)
        return flat, windows.kept(laid, rows).swapaxes(0, 1)

    def multiply(
        self, matrix: np.ndarray, columns: np.ndarray, y: np.ndarray, first: int, rows: int, bias: np.ndarray | None
    ) -> None:
        """The product, and the bias, to rows of ``y`` (n, channels, *out)."""
        flat, kept = self.outputs("outputs", y, first, rows)
        np.matmul(matrix, columns, out=flat)
        target = y[:, :, first : first + rows]
        if bias is not None:
            np.add(target if kept is None else kept, bias, out=target)
        elif kept is not None:
            np.copyto(target, kept)

    def given(self, g: np.ndarray, first: int, rows: int) -> np.ndarray:
        """Rows of ``g``, laid out as products are, with zeros for what of those is thrown away."""
        flat, kept = self.outputs("given", g, first, rows)
        if kept is not None:
            np.copyto(kept, g[:, :, first : first + rows])  # the others have always been zero
        return flat


@lru_cache(512)
def _views(windows: Windows, shape: tuple[int, ...], steps: tuple[int, ...], rows: int) -> list[tuple[Any, ...]]:
    """What ``Scratch.seen`` needs for a grid of this shape and these strides: taps, shape, offset and strides."""
    axes, size = len(windows.out), steps[-1]
    between = steps[2:-axes] or (0,) * axes  # a bare image has no axes of phases
    cell = steps[-axes:]
    views = []
    for phase in windows.phases:
        number, taps, start, apart, _, _ = zip(*phase, strict=True)
        offset = sum(i * step for i, step in zip((*number, *start), (*between, *cell), strict=True))
        counts = [len(range(k)[key]) for key, k in zip(taps, windows.kernel, strict=True)]
        shifts = [a * step for a, step in zip(apart, cell, strict=True)]
        strides = (steps[1], *shifts, steps[0], *cell[: windows.counted], size)
        views.append((taps, (shape[1], *counts, shape[0], *windows.positions(rows)), offset, strides))
    return views
