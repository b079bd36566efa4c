"""Rearranging an array without touching its numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from calligrad.function import Function, sum_to
from calligrad.rules import implements
from calligrad.value import Value, unwrap, unwrap_all


class Reshape(Function):
    """``np.reshape`` in order "C" or "F"."""

    views = True

    shape: tuple[int, ...] | int
    order: str = "C"

    def forward(self, a):
        return self._as(a, self.shape)

    def backward(self, g):
        return self._as(g, self.shapes[0])

    def _as(self, x: Any, shape: Any) -> Any:
        return np.reshape(x, shape) if self.order == "C" else np.reshape(x, shape, order=self.order)


@implements(np.reshape)
def reshape(a: Any, shape: Any = None, order: str = "C", *, newshape: Any = None, copy: bool | None = None) -> Any:
    """``np.reshape``; ``order="A"`` is "F" for an array that lies in memory that way, else "C".

    ``newshape`` is what NumPy 2.0 calls the shape.
    """
    shape = newshape if shape is None else shape
    if order == "A":
        order = "F" if a.data.flags.fnc else "C"
    if copy is False:
        np.reshape(a.data, shape, order, copy=False)  # where it cannot be done, NumPy says so
    return Reshape(shape, order)(np.copy(a, order) if copy else a)


@implements(np.ravel)
def ravel(a: Any, order: str = "C") -> Any:
    """``np.ravel``: one axis, contiguous; ``order="K"`` goes through the array as it lies in memory."""
    if order == "K":
        a, order = np.transpose(a, _axes_by_memory(a.data)), "C"
    flat = np.reshape(a, (-1,), order=order)
    return flat if flat.flags.c_contiguous else np.copy(flat)


def _axes_by_memory(a: Any) -> list[int]:
    """The axes from the widest stride to the narrowest; one that only repeats, of stride 0, stays where it can."""
    strides = [abs(stride) if n > 1 else 0 for stride, n in zip(a.strides, a.shape)]
    axes: list[int] = []
    for axis in reversed(range(a.ndim)):
        place = 0
        for i, other in enumerate(axes):
            if strides[axis] and strides[other]:
                if strides[other] <= strides[axis]:
                    break
                place = i + 1
        axes.insert(place, axis)
    return axes


class Transpose(Function, of=np.transpose):
    """``np.transpose``: axes permuted, reversed by default."""

    views = True

    axes: tuple[int, ...] | None = None

    def forward(self, a):
        return np.transpose(a, self.axes)

    def backward(self, g):
        if self.axes is None:
            return np.transpose(g)
        axes = [axis % g.ndim for axis in self.axes]
        return np.transpose(g, tuple(map(axes.index, range(g.ndim))))


class Swapaxes(Function, of=np.swapaxes):
    """``np.swapaxes``."""

    views = True

    axis1: int
    axis2: int

    def backward(self, g):
        return np.swapaxes(g, self.axis1, self.axis2)


@implements(np.matrix_transpose, np.linalg.matrix_transpose)
def matrix_transpose(x: Any, /) -> Any:
    """``np.matrix_transpose``: the last two axes swapped."""
    if x.ndim < 2:
        raise ValueError(f"a matrix has two axes; this Value has shape {x.shape}")
    return Swapaxes(-1, -2)(x)


class Moveaxis(Function, of=np.moveaxis):
    """``np.moveaxis``."""

    views = True

    source: int | tuple[int, ...]
    destination: int | tuple[int, ...]

    def backward(self, g):
        return np.moveaxis(g, self.destination, self.source)


@implements(np.rollaxis)
def rollaxis(a: Any, axis: int, start: int = 0) -> Any:
    """``np.rollaxis``."""
    order = np.rollaxis(np.empty(tuple(range(a.ndim))), axis, start).shape  # each axis is as long as its number
    return Transpose(order)(a)


class ExpandDims(Function, of=np.expand_dims):
    """``np.expand_dims``."""

    views = True

    axis: int | tuple[int, ...]

    def backward(self, g):
        return np.reshape(g, self.shapes[0])


class Squeeze(Function, of=np.squeeze):
    """``np.squeeze``."""

    views = True

    axis: int | tuple[int, ...] | None = None

    def backward(self, g):
        return np.reshape(g, self.shapes[0])


class BroadcastTo(Function, of=np.broadcast_to):
    """``np.broadcast_to``; its adjoint sums what was repeated."""

    views = True

    shape: tuple[int, ...]
    subok: bool = False

    def forward(self, array):
        return np.broadcast_to(array, self.shape)

    def backward(self, g):
        return sum_to(g, self.shapes[0])


@implements(np.broadcast_arrays)
def broadcast_arrays(*args: Any, subok: bool = False) -> tuple[Any, ...]:
    """``np.broadcast_arrays``."""
    shape = np.broadcast_shapes(*map(np.shape, args))
    return tuple(np.broadcast_to(a, shape) for a in args)


@implements(np.meshgrid)
def meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> tuple[Any, ...]:
    """``np.meshgrid``: coordinates along each axis, as a grid."""
    if indexing not in ("xy", "ij"):
        raise ValueError(f"indexing is 'xy' or 'ij', not {indexing!r}")
    axes = list(range(len(xi)))
    if indexing == "xy":
        axes[:2] = axes[:2][::-1]
    grids: Any = [np.reshape(x, [-1 if i == axis else 1 for i in range(len(xi))]) for axis, x in zip(axes, xi)]
    if not sparse:
        grids = np.broadcast_arrays(*grids)
    return tuple(map(np.copy, grids) if copy else grids)


@implements(np.ix_)
def ix_(*args: Any) -> tuple[Any, ...]:
    """``np.ix_``: vectors along axes of their own; masks become positions."""
    plain = np.ix_(*unwrap_all(args))
    return tuple(
        np.reshape(a, p.shape) if isinstance(a, Value) and a.dtype == p.dtype else p for a, p in zip(args, plain)
    )


class Flip(Function, of=np.flip):
    """``np.flip``."""

    views = True

    axis: int | tuple[int, ...] | None = None

    def backward(self, g):
        return np.flip(g, self.axis)


class Fliplr(Function, of=np.fliplr):
    """``np.fliplr``: columns in reverse."""

    views = True

    def backward(self, g):
        return np.fliplr(g)


class Flipud(Function, of=np.flipud):
    """``np.flipud``: rows in reverse."""

    views = True

    def backward(self, g):
        return np.flipud(g)


class Rot90(Function, of=np.rot90):
    """``np.rot90``: turned by ``k`` right angles."""

    views = True

    k: int = 1
    axes: tuple[int, int] = (0, 1)

    def backward(self, g):
        return np.rot90(g, -self.k, self.axes)


class Roll(Function, of=np.roll):
    """``np.roll``: what leaves at one end comes back at the other."""

    shift: int | tuple[int, ...]
    axis: int | tuple[int, ...] | None = None

    def backward(self, g):
        return np.roll(g, np.negative(self.shift), self.axis)


class Tile(Function, of=np.tile):
    """``np.tile``: the whole array again and again along each axis."""

    reps: int | tuple[int, ...]

    def backward(self, g):
        shape, reps = self.shapes[0], tuple(map(int, np.atleast_1d(self.reps)))
        ndim = max(len(shape), len(reps))
        copies, lengths = ((1,) * (ndim - len(sizes)) + sizes for sizes in (reps, shape))
        tiles = np.reshape(g, [n for pair in zip(copies, lengths) for n in pair])
        return np.reshape(np.sum(tiles, axis=tuple(range(0, 2 * ndim, 2))), shape)


class Repeat(Function, of=np.repeat):
    """``np.repeat``: each item again and again, all as often or each as often as ``repeats`` says."""

    repeats: Any
    axis: int | None = None

    def backward(self, g):
        shape, axis, counts = self.shapes[0], self.axis, np.asarray(self.repeats, np.intp)
        whole = (math.prod(shape),) if axis is None else shape
        axis = 0 if axis is None else axis % len(shape)
        if counts.size == 1:
            runs = np.reshape(g, (*whole[: axis + 1], int(np.max(counts)), *whole[axis + 1 :]))
            return np.reshape(np.sum(runs, axis=axis + 1), shape)
        return np.reshape(SumRuns(counts, axis)(g), shape)


class SumRuns(Function):
    """Each run of ``counts`` items added up, which may be none: the adjoint of ``Repeat``."""

    counts: Any
    axis: int

    def forward(self, x):
        shape = (*x.shape[: self.axis], len(self.counts), *x.shape[self.axis + 1 :])
        y = np.zeros_like(x, shape=shape)
        used, starts = self.counts > 0, np.cumsum(self.counts) - self.counts
        y[(slice(None),) * self.axis + (used,)] = np.add.reduceat(x, starts[used], self.axis)
        return y

    def backward(self, g):
        return np.repeat(g, self.counts, self.axis)


class Copy(Function, of=np.copy):
    """``np.copy``: the same numbers in an array of their own."""

    order: str = "K"
    subok: bool = False

    def backward(self, g):
        return g


class Astype(Function, of=np.astype):
    """``np.astype``; the gradient returns in the input's dtype, as the engine sees to."""

    dtype: Any
    copy: bool = True
    device: Any = None

    def forward(self, x):
        if self.device not in (None, "cpu"):
            raise ValueError(f"NumPy's arrays are on the cpu, not on {self.device!r}")
        return x.astype(self.dtype, copy=self.copy)

    def backward(self, g):
        return g


def _widen(func: Callable) -> Callable:
    def widened(a: Any) -> Any:
        y = func(unwrap(a))
        if not isinstance(a, Value):
            return y
        return a if a.shape == y.shape else np.reshape(a, y.shape)

    def rule(*arys: Any) -> Any:
        return widened(arys[0]) if len(arys) == 1 else tuple(map(widened, arys))

    return rule


for _func in (np.atleast_1d, np.atleast_2d, np.atleast_3d):
    implements(_func)(_widen(_func))
