"""Rearranging an array without touching its numbers."""

from __future__ import annotations

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
        return np.reshape(a, self.shape, order=self.order)

    def backward(self, g):
        return np.reshape(g, self.shapes[0], order=self.order)


@implements(np.reshape)
def reshape(a: Any, shape: Any, order: str = "C") -> Any:
    """``np.reshape``; ``order="A"`` is "F" for an array that lies in memory that way, else "C"."""
    if order == "A":
        order = "F" if a.data.flags.fnc else "C"
    return Reshape(shape, order)(a)


@implements(np.ravel)
def ravel(a: Any, order: str = "C") -> Any:
    """``np.ravel``: one axis; ``order="K"`` goes through the array as it lies in memory."""
    if order == "K":
        axes = sorted(range(a.ndim), key=lambda axis: -abs(a.data.strides[axis]))
        return np.reshape(np.transpose(a, axes), (-1,))
    return np.reshape(a, (-1,), order=order)


class Transpose(Function, of=np.transpose):
    """``np.transpose``: axes permuted, reversed by default."""

    views = True

    axes: tuple[int, ...] | None = None

    def forward(self, a):
        return np.transpose(a, self.axes)

    def backward(self, g):
        if self.axes is None:
            return np.transpose(g)
        return np.transpose(g, np.argsort([axis % g.ndim for axis in self.axes]))


class Swapaxes(Function, of=np.swapaxes):
    """``np.swapaxes``."""

    views = True

    axis1: int
    axis2: int

    def backward(self, g):
        return np.swapaxes(g, self.axis1, self.axis2)


@implements(np.matrix_transpose)
def matrix_transpose(x: Any) -> Any:
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

    def forward(self, array):
        return np.broadcast_to(array, self.shape)

    def backward(self, g):
        return sum_to(g, self.shapes[0])


class Flip(Function, of=np.flip):
    """``np.flip``."""

    views = True

    axis: int | tuple[int, ...] | None = None

    def backward(self, g):
        return np.flip(g, self.axis)


class Copy(Function, of=np.copy):
    """``np.copy``: the same numbers in an array of their own."""

    order: str = "K"

    def backward(self, g):
        return g


class Astype(Function, of=np.astype):
    """``np.astype``; the gradient returns in the input's dtype, as the engine sees to."""

    dtype: Any

    def forward(self, x):
        return x.astype(self.dtype)

    def backward(self, g):
        return g


@implements(np.atleast_1d)
def atleast_1d(*arys: Any) -> Any:
    """``np.atleast_1d``."""
    made = tuple(np.reshape(a, (1,)) if np.ndim(a) == 0 else a for a in arys)
    return made[0] if len(made) == 1 else made


def _like(func: Callable) -> Callable:
    def rule(*args: Any, **kwargs: Any) -> Value:
        return Value(func(*unwrap_all(args), **unwrap_all(kwargs)), requires_grad=False)

    return rule


for _func in (np.zeros_like, np.ones_like, np.empty_like):
    implements(_func)(_like(_func))  # a Value, so that items that carry a gradient can be written into it


@implements(np.full_like)
def full_like(a: Any, fill_value: Any, dtype: Any = None, order: str = "K", *, shape: Any = None) -> Any:
    """``np.full_like``: differentiable in what fills it, not in what it is like."""
    dtype = np.result_type(unwrap(a)) if dtype is None else dtype
    if not isinstance(fill_value, Value):
        return _like(np.full_like)(a, fill_value, dtype, order, shape=shape)
    return np.broadcast_to(fill_value.astype(dtype), np.shape(a) if shape is None else shape).copy()
