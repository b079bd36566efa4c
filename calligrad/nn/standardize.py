"""Standardize: what batch, layer, group, instance and RMS normalization have in common."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple

import numpy as np

from calligrad import parallel
from calligrad.formula import formula, is_open
from calligrad.function import Function
from calligrad.nn.sums import dots, down
from calligrad.primitive import is_concrete

TILE = 1 << 20  # bytes that are worked on at a time: the more, the fewer calls; the fewer, the nearer they stay
SHORTEST = 256  # numbers that a row of a tile should have, if it is cut out of a longer one


class Standardize(Function):
    """``(x - mean) / sqrt(var + eps) * weight + bias``, with a mean and a variance for each group of numbers.

    ``view`` is (A, G, K, L): ``x`` as A times G groups of K times L numbers, where ``weight`` and ``bias`` have (G, K)
    numbers. With ``centre=False`` the mean counts as 0. With ``statistics`` the result is a tuple of it, of the means,
    and of the biased variances, which have no gradient.

    With ``y = (x - mean) * scale`` and ``gy = g * weight``, the gradient of ``x`` is
    ``scale * (gy - mean(gy) - y * mean(gy * y))``, means over each group.
    """

    view: tuple[int, ...]
    eps: float
    centre: bool = True
    statistics: bool = False
    moments: Any = None  # means and variances, which the forward pass leaves for the way back

    group: ClassVar[tuple[int, ...]] = (2, 3)  # the axes of the view along which a group extends
    shared: ClassVar[tuple[int, ...]] = (0, 3)  # those that weight and bias lack

    def forward(self, x, *affine):
        dtype = np.result_type(x, *affine)
        working = np.result_type(dtype, np.float32)
        if is_open(x, *affine):
            y, *self.moments = standardized(x, *affine, **self._layout(x.shape))
            return (y, *(shaped(p, (self._groups(),)) for p in self.moments)) if self.statistics else y
        y = np.empty(x.shape, dtype)
        result = y if y.dtype == working else np.empty(x.shape, working)
        self.moments = np.empty((2, self._groups()), working)
        affine = tuple(self._as_row(p, working) for p in affine)
        self._standardize(self._rows(x, working), self._rows(result, working), *affine)
        if y is not result:
            y[...] = result
        return (y, *self.moments) if self.statistics else y

    def backward(self, g, x, *affine):
        g = g[0] if self.statistics else g
        if type(self.moments) is list or not all(type(a) is np.ndarray for a in (g, x, *affine)):
            layout = self._layout(self.shapes[0])
            moments = self.moments if is_concrete(g, x, *affine) else standardized(x, *affine, **layout)[1:]
            return slope_of_standardized(g, x, *moments, *affine, **layout)
        working = self.moments.dtype
        gx = np.empty(self.shapes[0], working) if self.edges[0][0] is not None else None
        gxs = None if gx is None else self._rows(gx, working)
        weight = self._as_row(affine[0], working) if affine else None
        of_affine = self._gradients(self._rows(g, working), self._rows(x, working), gxs, weight)
        return gx, *(p.reshape(shape) for p, shape in zip(of_affine, self.shapes[1:]))

    def _layout(self, shape: tuple[int, ...]) -> dict[str, Any]:
        """The settings of the formulas below, for ``x`` of that shape."""
        return {"axes": axes_of(shape, self.view, self.group, self.shared), "eps": self.eps, "centre": self.centre}

    def _groups(self) -> int:
        return self.view[0] * self.view[1]

    # ---- plain arrays, tile by tile, as matrices: each pass over the numbers counts, and for few numbers each call

    def _rows(self, x: Any, dtype: Any) -> np.ndarray:
        return np.ascontiguousarray(x, dtype).reshape(self.view[0], math.prod(self.view[1:]))

    def _as_row(self, p: Any, dtype: Any) -> np.ndarray:
        p = np.asarray(p, dtype).reshape(-1)
        return p if self.view[-1] == 1 else np.repeat(p, self.view[-1])

    def _standardize(self, x: np.ndarray, y: np.ndarray, weight: Any = None, bias: Any = None) -> None:
        n = self.view[2] * self.view[3]
        mean, var = self.moments.reshape(2, *self.view[:2])

        def work(tile: slice) -> None:
            groups, out = x[tile].reshape(-1, n), y[tile]
            d = out.reshape(-1, n)
            if self.centre:
                m = dots(groups) * (1 / n)
                groups = np.subtract(groups, m[:, None], out=d)
                mean[tile] = m.reshape(-1, self.view[1])
            v = dots(groups, groups) * (1 / n)
            var[tile] = v.reshape(-1, self.view[1])
            np.multiply(groups, (1 / np.sqrt(v + self.eps))[:, None], out=d)
            if weight is not None:
                out *= weight
            if bias is not None:
                out += bias

        self._in_tiles(work, x)

    def _gradients(self, g: np.ndarray, x: np.ndarray, gx: Any, weight: Any = None) -> Any:
        n = self.view[2] * self.view[3]
        mean, var = self.moments.reshape(2, *self.view[:2])
        scale = 1 / np.sqrt(var + self.eps)

        def work(tile: slice) -> tuple[Any, Any]:
            gs, d, s = g[tile], x[tile].reshape(-1, n), scale[tile]
            if self.centre:
                d = d - mean[tile].reshape(-1, 1)
            along = gs * d.reshape(gs.shape)
            to_weight = s.T[:, None] @ np.swapaxes(along.reshape(-1, self.view[1], n), 0, 1)
            if gx is not None:
                s, out = s.reshape(-1), gx[tile]
                slope = self._group_sums(along, weight) * s * s * (1 / n)
                np.multiply(gs, 1 if weight is None else weight, out=out)
                out = out.reshape(-1, n)
                out -= np.multiply(d, slope[:, None], out=along.reshape(d.shape))
                if self.centre:
                    out -= (self._group_sums(gs, weight) * (1 / n))[:, None]
                out *= s[:, None]
            return to_weight.reshape(-1), down(gs)

        parts = self._in_tiles(work, x)
        rows = [sum(p) for p in zip(*parts)] or np.zeros((2, x.shape[1]), x.dtype)
        return rows if self.view[3] == 1 else [np.add.reduce(row.reshape(-1, self.view[3]), -1) for row in rows]

    def _group_sums(self, x: np.ndarray, weight: np.ndarray | None) -> np.ndarray:
        """Of each group of some rows, the sum of ``x * weight``."""
        if weight is None:
            return dots(x.reshape(-1, self.view[2] * self.view[3]))
        if self.view[1] == 1:
            return x @ weight
        groups = self.view[1], self.view[2] * self.view[3]
        return np.vecdot(x.reshape(-1, *groups), weight.reshape(groups)).reshape(-1)

    def _in_tiles(self, work: Callable[[slice], Any], x: np.ndarray) -> list[Any]:
        """The results of ``work`` for parts of the first axis."""
        tiles = _tiles(len(x), x.nbytes)
        if self.view[2] * self.view[3] < 512:
            return parallel.run(work, tiles)
        with np.errstate():  # which restores the size of the buffer as well
            np.setbufsize(16)  # or else a number that meets a long row is first copied for each of the row
            return parallel.run(work, tiles)


class StandardizeChannels(Standardize):
    """``Standardize``, with a mean and a variance for each channel of a whole batch.

    ``view`` is (N, C, L), and ``weight`` and ``bias`` have C numbers.
    """

    group = shared = (0, 2)

    # A number for each channel is repeated L times, to meet long rows of numbers, which is what NumPy does fastest. A
    # tile is cut out of all rows, and lies too far apart to be read more often than needed.

    def _groups(self) -> int:
        return self.view[1]

    def _standardize(self, x: Any, y: Any, weight: Any = None, bias: Any = None) -> None:
        (mean, var), n = self.moments, self.view[0] * self.view[2]

        def work(tile: slice) -> None:
            columns = self._columns(tile)
            mean[tile] = self._by_channel(down(x[:, columns])) / n
            d = x[:, columns] - self._by_column(mean[tile])
            var[tile] = self._by_channel(down(d * d)) / n
            scale = self._by_column(1 / np.sqrt(var[tile] + self.eps))
            d *= scale if weight is None else scale * weight[columns]
            np.add(d, 0 if bias is None else bias[columns], out=y[:, columns])

        self._in_tiles(work, x)

    def _gradients(self, g: Any, x: Any, gx: Any, weight: Any = None) -> Any:
        (mean, var), n = self.moments, self.view[0] * self.view[2]

        def work(tile: slice) -> tuple[Any, Any]:
            columns = self._columns(tile)
            gs, d = g[:, columns].copy(), x[:, columns] - self._by_column(mean[tile])
            along_d, along_1 = self._by_channel(down(gs * d)), self._by_channel(down(gs))
            scale = 1 / np.sqrt(var[tile] + self.eps)
            if gx is not None:
                d *= self._by_column(along_d * scale * scale * (1 / n))
                gs -= d
                gs -= self._by_column(along_1 * (1 / n))
                factor = self._by_column(scale)
                np.multiply(gs, factor if weight is None else factor * weight[columns], out=gx[:, columns])
            return scale * along_d, along_1

        parts = self._in_tiles(work, x)
        return [np.concatenate(p) for p in zip(*parts)] or np.zeros((2, self.view[1]), x.dtype)

    def _in_tiles(self, work: Callable[[slice], Any], x: np.ndarray) -> list[Any]:
        """The results of ``work`` for parts of the channels."""
        return parallel.run(work, _tiles(self.view[1], x.nbytes, -(-SHORTEST // max(1, self.view[2]))))

    def _columns(self, tile: slice) -> slice:
        return slice(tile.start * self.view[2], tile.stop * self.view[2])

    def _by_column(self, p: np.ndarray) -> np.ndarray:
        return p if self.view[2] == 1 else np.repeat(p, self.view[2])

    def _by_channel(self, p: np.ndarray) -> np.ndarray:
        return p if self.view[2] == 1 else np.add.reduce(p.reshape(-1, self.view[2]), -1)


# ---------------------------------------------------------------- the formulas


@formula
def standardized(x, *affine, axes, eps, centre):
    """The result, the means if it is to ``centre``, and the variances."""
    shape, dtype = x.shape, np.result_type(x, *affine)
    x = shaped(x.astype(np.result_type(dtype, np.float32), copy=False), axes.shape)
    mean = [np.mean(x, axis=axes.group, keepdims=True)] if centre else []
    d = x - mean[0] if centre else x
    var = np.mean(d * d, axis=axes.group, keepdims=True)
    y = d * (1 / np.sqrt(var + eps))
    for operation, p in zip((np.multiply, np.add), affine):
        y = operation(y, shaped(p, axes.affine))
    return shaped(y, shape).astype(dtype, copy=False), *mean, var


@formula
def slope_of_standardized(g, x, *rest, axes, eps, centre):
    """The gradients of ``x``, weight and bias; ``rest`` are mean, variance, weight and bias, as far as there are."""
    (*mean, var), affine = rest[: 1 + centre], rest[1 + centre :]
    shape, g, x = x.shape, shaped(g, axes.shape), shaped(x, axes.shape)
    weight = shaped(affine[0], axes.affine) if affine else None
    d, scale = x - mean[0] if centre else x, 1 / np.sqrt(var + eps)
    both = tuple(axis for axis in axes.group if axis in axes.shared)  # along these the weight is one number, and waits
    left = tuple(axis for axis in axes.group if axis not in axes.shared)
    sums = [np.sum(part, axis=both, keepdims=True) if both else part for part in (g * d, g)]
    sums[0] = sums[0] * scale
    means = [part if weight is None else part * weight for part in sums[: 1 + centre]]
    means = [np.sum(part, axis=left, keepdims=True) if left else part for part in means]
    n = math.prod(axes.shape[axis] for axis in axes.group)
    gx = (g if weight is None else g * weight) - d * (means[0] * scale * (1 / n))
    gx = scale * (gx - means[1] * (1 / n) if centre else gx)
    of_affine = [part if part.size == p.size else np.sum(part, axis=axes.shared) for part, p in zip(sums, affine)]
    return shaped(gx, shape), *(shaped(part, p.shape) for part, p in zip(of_affine, affine))


class Axes(NamedTuple):
    """In which shape a formula computes, the axes that a group extends along, those that affine numbers lack."""

    shape: tuple[int, ...]
    group: tuple[int, ...]
    shared: tuple[int, ...]
    affine: tuple[int, ...]  # the shape of weight and bias


@lru_cache(256)
def axes_of(shape: tuple, view: tuple, group: tuple, shared: tuple) -> Axes:
    """For ``x`` of ``shape``: its own shape, if the axes of the view are made of whole axes of it, else the view."""
    runs = runs_of(shape, view)
    if runs is None:
        shape, runs = view, [[axis] for axis in range(len(view))]
    along, lacking = (tuple(i for axis in axes for i in runs[axis]) for axes in (group, shared))
    return Axes(shape, along, lacking, tuple(1 if axis in lacking else n for axis, n in enumerate(shape)))


def shaped(x: Any, shape: tuple[int, ...]) -> Any:
    """``x`` in that shape, itself if it has it."""
    return x if x.shape == shape else np.reshape(x, shape)


def runs_of(shape: tuple[int, ...], view: tuple[int, ...]) -> list[list[int]] | None:
    """The axes of ``shape`` that make up each axis of ``view``, in order; None if some would have to be cut."""
    axes, runs = list(range(len(shape))), []
    for n in view:
        run: list[int] = []
        while axes and math.prod(shape[i] for i in run) < n:
            run.append(axes.pop(0))
        if math.prod(shape[i] for i in run) != n:
            return None
        runs.append(run)
    return None if axes else runs


def _tiles(n: int, size: int, least: int = 1) -> list[slice]:
    """``n`` rows of ``size`` bytes altogether, in parts of ``least`` rows or more, and two at least if that pays."""
    parts = max(-(-size // TILE), min(2, size >> 18), 1)
    step = max(least, -(-n // parts))  # as many for each
    return [slice(i, i + step) for i in range(0, n if size else 0, step)]
