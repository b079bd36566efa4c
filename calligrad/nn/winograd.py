"""Convolution with fewer products, of values of rows: ``calligrad.kernels.rows`` tells how, and of which papers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from calligrad.kernels.rows import POINTS, TILE
from calligrad.kernels.rows import matrices as exact_matrices
from calligrad.nn.columns import Scratch
from calligrad.nn.grid import Windows, windows_of

WORTH = 32  # products of a position, for each of its channels, that must be saved
LEAST = 2**19  # products of an image that must be saved


def pays(windows: Windows, inputs: int, outputs: int) -> bool:
    """Whether it is worth it, for a kernel (outputs, inputs, *kernel)."""
    taps, height = windows.kernel[0], windows.out[0]
    if len(windows.out) == 1 or not 1 < taps <= len(POINTS) - TILE + 2:
        return False
    if math.prod(windows.stride) > 1 or windows.dilation[0] > 1:
        return False
    left = -(-height // TILE) * (TILE + taps - 1) / (height * taps)  # of the products
    saved = (1 - left) * inputs * outputs * math.prod(windows.kernel)
    return saved > WORTH * (inputs * windows.groups + outputs) and saved * math.prod(windows.out) > LEAST


@lru_cache(8)
def matrices(taps: int, dtype: np.dtype) -> tuple[np.ndarray, ...]:
    """``kernels.rows.matrices``, as arrays of a dtype."""
    return tuple(matrix.astype(dtype) for matrix in exact_matrices(taps))


class Tiles(Scratch):
    """Rows become values at each of some points, and their products become rows; a point is a group of channels."""

    def __init__(self, windows: Windows, dtype: np.dtype) -> None:
        taps, ones, none = windows.kernel[0], (1,) * len(windows.out), ((0, 0),) * len(windows.out)
        self.whole = windows
        self.copies = TILE + taps - 1
        self.of_inputs, self.of_taps, self.of_outputs = matrices(taps, dtype)
        size = (-(-windows.out[0] // TILE), *windows.cells[1:])
        kernel, dilation = (1, *windows.kernel[1:]), (1, *windows.dilation[1:])
        super().__init__(windows_of(size, kernel, ones, none, dilation, windows.groups * self.copies), dtype)

    def matrix(self, w: np.ndarray) -> np.ndarray:
        """The values of the kernel."""
        values = np.tensordot(self.of_taps, w, (1, 2))
        return np.ascontiguousarray(values).reshape(self.windows.groups, len(w) // self.whole.groups, -1)

    def kernel(self, matrix: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        """The adjoint of ``matrix``."""
        values = matrix.reshape(self.copies, *shape[:2], *shape[3:])
        return np.ascontiguousarray(np.moveaxis(np.tensordot(self.of_taps, values, (0, 0)), 0, 2))

    def grid(self, x: np.ndarray) -> np.ndarray:
        """The values of the images (n, channels, *size): (n, values · channels, *cells)."""
        n, channels = x.shape[:2]
        rows = self.array("rows", n, self.copies, channels, *self.windows.size, new=np.zeros)
        for i, tiles, inside in self.tile_rows(x):
            np.copyto(rows[:, i][:, :, *tiles], x[:, :, *inside])
        grid = self.array("grid", n, self.copies * channels, *self.windows.size)
        np.matmul(self.of_inputs, rows.reshape(n, self.copies, -1), out=grid.reshape(n, self.copies, -1))
        return grid

    def zeros(self, x: np.ndarray) -> np.ndarray:
        """A grid for values to be added up in."""
        grid = self.array("grid", len(x), self.copies * x.shape[1], *self.windows.size)
        grid[...] = 0
        return grid

    def take(self, grid: np.ndarray, x: np.ndarray, bias: np.ndarray | None) -> None:
        """Images from their values, the adjoint of ``grid``, and a bias added to them."""
        n, channels = x.shape[:2]
        rows = self.array("rows", n, self.copies, channels, *self.windows.size)
        np.matmul(self.of_inputs.T, grid.reshape(n, self.copies, -1), out=rows.reshape(n, self.copies, -1))
        x[...] = 0 if bias is None else bias
        for i, tiles, inside in self.tile_rows(x):
            part = x[:, :, *inside]
            np.add(part, rows[:, i][:, :, *tiles], out=part)

    def tile_rows(self, x: np.ndarray) -> Iterator[tuple[int, tuple[slice, ...], tuple[slice, ...]]]:
        """For each row that a tile sees: its number, the tiles in which it is no padding, and where it is in images."""
        beyond = [along for (along,) in list(zip(*self.whole.phases, strict=True))[1:]]  # the other axes
        for i in range(self.copies):
            shift = i - self.whole.padding[0][0]
            begin = max(0, -(shift // TILE))
            end = max(begin, min(self.windows.size[0], -((shift - x.shape[2]) // TILE)))
            seen = slice(begin * TILE + shift, end * TILE + shift, TILE)
            if begin < end:
                yield i, (slice(begin, end), *(a.cells for a in beyond)), (seen, *(a.inside for a in beyond))

    def multiply(
        self, matrix: np.ndarray, columns: np.ndarray, y: np.ndarray, first: int, rows: int, bias: np.ndarray | None
    ) -> None:
        """The product, from values to rows of ``y`` (n, channels, *out), and the bias."""
        flat = self.array("values", len(matrix), matrix.shape[1], columns.shape[2])
        np.matmul(matrix, columns, out=flat)
        flat = flat.reshape(self.copies, -1)
        laid = self.array("outputs", TILE, flat.shape[1])
        np.matmul(self.of_outputs.T, flat, out=laid)
        for part, kept in self.each_row(laid, y, first, rows):
            if bias is None:
                np.copyto(part, kept)
            else:
                np.add(kept, bias, out=part)

    def given(self, g: np.ndarray, first: int, rows: int) -> np.ndarray:
        """The values of rows of ``g``, laid out as products are."""
        positions = self.windows.positions(rows)
        laid = self.array("given", TILE, g.shape[1], len(g), *positions, new=np.zeros)
        if TILE * (first + rows) > g.shape[2]:
            laid[...] = 0  # rows that are none
        for part, kept in self.each_row(laid, g, first, rows):
            np.copyto(kept, part)
        flat = self.array("values", self.windows.groups, g.shape[1] // self.whole.groups, len(g) * math.prod(positions))
        np.matmul(self.of_outputs, laid.reshape(TILE, -1), out=flat.reshape(self.copies, -1))
        return flat

    def each_row(
        self, laid: np.ndarray, y: np.ndarray, first: int, rows: int
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """For each row of the tiles: those rows of ``y``, and where they lie."""
        n, channels = y.shape[:2]
        laid = laid.reshape(TILE, channels, n, *self.windows.positions(rows))
        kept = self.windows.kept(laid, rows).swapaxes(1, 2)
        for i in range(TILE):
            part = y[:, :, TILE * first + i : TILE * (first + rows) : TILE]
            yield part, kept[i][:, :, : part.shape[2]]
