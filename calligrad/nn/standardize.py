"""Standardize: what batch, layer, group, instance and RMS normalization have in common."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import numpy as np

from calligrad import parallel
from calligrad.function import Function

TILE = 1 << 18  # bytes that are worked on at a time, so that they stay in the cache
BLOCK = 4096  # numbers that are added up in a row: sums of more are sums of such sums, which round less
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
        y = np.empty(x.shape, np.result_type(x, *affine))
        working = np.result_type(y, np.float32)
        x, ys = (np.ascontiguousarray(a, working).reshape(self.view) for a in (x, y))
        self.moments = np.empty((2, self._groups()), working)
        self._standardize(x, ys, *(self._as_met(np.asarray(p, working)) for p in affine))
        if y.dtype != working:
            y[...] = ys.reshape(y.shape)
        return (y, *self.moments) if self.statistics else y

    def backward(self, g, x, *affine):
        g = g[0] if self.statistics else g
        if self.moments is None or not all(type(a) is np.ndarray for a in (g, x, *affine)):
            return self._openly(g, x, *affine)
        working = np.result_type(g, x, *affine, np.float32)
        gx = np.empty(self.shapes[0], working) if self.edges[0][0] is not None else None
        gxs = None if gx is None else gx.reshape(self.view)
        g, x = (np.ascontiguousarray(a, working).reshape(self.view) for a in (g, x))
        gradients = self._gradients(g, x, gxs, *(self._as_met(np.asarray(p, working)) for p in affine[:1]))
        return gx, *(p.reshape(shape) for p, shape in zip(gradients, self.shapes[1:]))

    def _openly(self, g: Any, x: Any, *affine: Any) -> tuple[Any, ...]:
        """The gradients, in operations that can be differentiated."""
        within: dict[str, Any] = {"axis": self.group, "keepdims": True}
        g, x = np.reshape(g, self.view), np.reshape(x, self.view)
        d = x - np.mean(x, **within) if self.centre else x
        scale = 1 / np.sqrt(np.mean(d * d, **within) + self.eps)
        y = d * scale
        gy = g * self._as_met(affine[0]) if affine else g
        gx = gy - y * np.mean(gy * y, **within)
        gx = scale * (gx - np.mean(gy, **within) if self.centre else gx)
        of_affine = [
            lambda: np.sum(g * y, self.shared).reshape(self.shapes[1]),
            lambda: np.sum(g, self.shared).reshape(self.shapes[2]),
        ]
        return np.reshape(gx, self.shapes[0]), *of_affine[: len(affine)]

    def _groups(self) -> int:
        return self.view[0] * self.view[1]

    def _as_met(self, p: Any) -> Any:
        """A weight or bias as it meets the view."""
        return np.reshape(p, tuple(1 if axis in self.shared else n for axis, n in enumerate(self.view)))

    # ---- plain arrays, tile by tile: what is multiplied and added in few and cheap passes

    def _standardize(self, x: Any, y: Any, weight: Any = None, bias: Any = None) -> None:
        mean, var = self._tables()

        def work(tile: slice) -> None:
            d, offset = self._measured(x[tile], mean[tile], var[tile])
            scale = 1 / np.sqrt(var[tile] + self.eps)
            np.multiply(d, _planes(scale, weight), out=y[tile])
            if offset is not None:
                y[tile] += _planes(-offset * scale, weight, bias)
            elif bias is not None:
                y[tile] += bias

        self._in_tiles(work, x)

    def _gradients(self, g: Any, x: Any, gx: Any, weight: Any = None) -> Any:
        mean, var = self._tables()
        n = self.view[2] * self.view[3]

        def work(tile: slice) -> tuple[Any, Any]:
            d, offset = self._centred(x[tile], mean[tile], var[tile])
            scale = 1 / np.sqrt(var[tile] + self.eps)
            along_d, along_1 = _dots(g[tile], d), _dots(g[tile])  # (A, G, K)
            to_weight, to_bias = _over_rows(scale, along_d), _over_rows(np.ones_like(scale), along_1)
            if offset is not None:
                to_weight -= _over_rows(scale * offset, along_1)
            if gx is None:
                return to_weight, to_bias
            along_d, along_1 = (_over_channels(along, weight) for along in (along_d, along_1))
            if offset is not None:
                along_d -= offset * along_1
            slope = along_d * scale**3 * (-1 / n)
            shift = along_1 * scale * (-1 / n)
            if offset is not None:
                shift -= offset * slope
            out = np.multiply(g[tile], _planes(scale, weight), out=gx[tile])
            out += d * _planes(slope)
            if self.centre:
                out += _planes(shift)
            return to_weight, to_bias

        parts = self._in_tiles(work, x)
        return [sum(p) for p in zip(*parts)] or np.zeros((2, self.view[1] * self.view[2]), x.dtype)

    def _tables(self) -> Any:
        return self.moments.reshape(2, *self.view[:2])

    def _in_tiles(self, work: Callable[[slice], Any], x: np.ndarray) -> list[Any]:
        """The results of ``work`` for parts of the first axis."""
        row = self.view[3] if self.view[3] > 1 else self.view[2]
        with _unbuffered(row):
            return parallel.run(work, _tiles(len(x), x.nbytes))

    def _measured(self, x: np.ndarray, mean: np.ndarray, var: np.ndarray) -> tuple[np.ndarray, Any]:
        """``_centred``, where ``mean`` and ``var`` are still to be found."""
        rows = x.reshape(*x.shape[:2], -1)
        n = rows.shape[-1]
        np.multiply(_dots(rows, rows), 1 / n, out=var)
        if not self.centre:
            mean[...] = 0
            return x, None
        np.multiply(_dots(rows), 1 / n, out=mean)
        var -= mean * mean
        d, offset = self._centred(x, mean, var)
        if offset is None:
            rows = d.reshape(rows.shape)
            np.multiply(_dots(rows, rows), 1 / n, out=var)
        return d, offset

    def _centred(self, x: np.ndarray, mean: np.ndarray, var: np.ndarray) -> tuple[np.ndarray, Any]:
        """Groups less their means; or as they are, with what is still to be taken from them.

        Means below two standard deviations may as well be taken from sums, at a loss of two or three bits.
        """
        if not self.centre:
            return x, None
        return (x, mean) if np.all(mean * mean <= 4 * var) else (x - _planes(mean), None)


class StandardizeChannels(Standardize):
    """``Standardize``, with a mean and a variance for each channel of a whole batch.

    ``view`` is (N, C, L), and ``weight`` and ``bias`` have C numbers.
    """

    group = shared = (0, 2)

    # A number for each channel is repeated L times, to meet long rows of numbers, which is what NumPy does fastest.

    def _groups(self) -> int:
        return self.view[1]

    def _standardize(self, x: Any, y: Any, weight: Any = None, bias: Any = None) -> None:
        (mean, var), n = self.moments, self.view[0] * self.view[2]
        x, y = x.reshape(len(x), -1), y.reshape(len(y), -1)

        def work(tile: slice) -> None:
            columns = self._columns(tile)
            d = y[:, columns]
            mean[tile] = self._by_channel(_down(x[:, columns])) / n
            np.subtract(x[:, columns], self._by_column(mean[tile]), out=d)
            var[tile] = self._by_channel(_down(d * d)) / n
            scale = 1 / np.sqrt(var[tile] + self.eps)
            d *= self._by_column(scale if weight is None else scale * weight.reshape(-1)[tile])
            if bias is not None:
                d += self._by_column(bias.reshape(-1)[tile])

        self._in_tiles(work, x)

    def _gradients(self, g: Any, x: Any, gx: Any, weight: Any = None) -> Any:
        (mean, var), n = self.moments, self.view[0] * self.view[2]
        g, x = g.reshape(len(g), -1), x.reshape(len(x), -1)
        gx = None if gx is None else gx.reshape(len(gx), -1)

        def work(tile: slice) -> tuple[Any, Any]:
            columns = self._columns(tile)
            gs, d = g[:, columns], x[:, columns] - self._by_column(mean[tile])
            along_d, along_1 = self._by_channel(_down(gs * d)), self._by_channel(_down(gs))
            scale = 1 / np.sqrt(var[tile] + self.eps)
            if gx is not None:
                factor = scale if weight is None else scale * weight.reshape(-1)[tile]
                out = np.multiply(gs, self._by_column(factor), out=gx[:, columns])
                d *= self._by_column(along_d * scale * scale * factor * (1 / n))
                out -= d
                out -= self._by_column(along_1 * factor * (1 / n))
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
        return np.add.reduce(p.reshape(-1, self.view[2]), -1)


def _tiles(n: int, size: int, least: int = 1) -> list[slice]:
    """``n`` rows of ``size`` bytes altogether, in parts of ``least`` rows or more that stay in the cache."""
    step = max(least, -(-n // -(-size // TILE))) if size else 1  # as many for each
    return [slice(i, i + step) for i in range(0, n if size else 0, step)]


@contextmanager
def _unbuffered(row: int) -> Iterator[None]:
    """Within this block NumPy does not copy a number for each of a long row that it meets."""
    with np.errstate():  # which restores the size of the buffer as well
        if row >= 512:
            np.setbufsize(16)
        yield


def _planes(u: np.ndarray, weight: Any = None, bias: Any = None) -> Any:
    """``u * weight + bias``, with ``u`` (A, G), as it meets (A, G, K, L)."""
    u = u[..., None, None]
    if weight is None:
        return u
    if u.shape[1] > 1 or weight.size < 16:
        return u * weight if bias is None else u * weight + bias
    left, right = np.ones((len(u), 2), u.dtype), np.zeros((2, weight.size), u.dtype)
    left[:, 0], right[0] = u.reshape(-1), weight.reshape(-1)
    if bias is not None:
        right[1] = bias.reshape(-1)
    return (left @ right).reshape(len(u), 1, -1, 1)  # BLAS is twice as fast as broadcasting


def _dots(a: np.ndarray, b: np.ndarray | None = None) -> np.ndarray:
    """The sums along the last axis of ``a``, or of ``a * b``."""
    n = a.shape[-1]
    if n == 1:
        return a[..., 0] if b is None else (a * b)[..., 0]
    if n > BLOCK and (block := math.gcd(n, BLOCK)) > 32:
        blocks = (*a.shape[:-1], n // block, block)
        return np.add.reduce(_dots(a.reshape(blocks), None if b is None else b.reshape(blocks)), -1)
    return a @ np.ones(n, a.dtype) if b is None else np.vecdot(a, b)


def _down(x: np.ndarray) -> np.ndarray:
    """The sums along the first axis of a matrix."""
    ones = np.ones(min(BLOCK, len(x)), x.dtype)
    if len(x) <= BLOCK:
        return ones @ x
    return np.add.reduce([ones[: len(x) - i] @ x[i : i + BLOCK] for i in range(0, len(x), BLOCK)])


def _over_rows(factors: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The sum over the first axis of ``factors`` (A, G) times ``x`` (A, G, K)."""
    return np.matmul(factors.T[:, None], np.swapaxes(x, 0, 1))


def _over_channels(x: np.ndarray, weight: np.ndarray | None) -> np.ndarray:
    """The sum over the last axis of ``x`` (A, G, K) times ``weight``, as it meets the view."""
    return np.add.reduce(x, -1) if weight is None else np.vecdot(x, weight[..., 0])
