"""Joining arrays and splitting them."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from calligrad.function import Function
from calligrad.ops.creation import filled, numbered
from calligrad.ops.index import Scatter
from calligrad.ops.rearrange import Rearrange
from calligrad.rules import implements, numpy_name
from calligrad.value import Value, unwrap_all

# ---------------------------------------------------------------- joining


class Concatenate(Function):
    """``np.concatenate`` along an existing axis."""

    axis: int | None = 0
    dtype: Any = None
    casting: Any = "same_kind"

    def forward(self, *arrays):
        return np.concatenate(arrays, axis=self.axis, dtype=self.dtype, casting=self.casting)

    def length(self, shape: tuple[int, ...]) -> int:
        """How much of the joined axis an array of ``shape`` takes."""
        return math.prod(shape) if self.axis is None else shape[self.axis]

    def backward(self, g):
        before = (slice(None),) * ((self.axis or 0) % g.ndim)

        def part(between, shape):
            return lambda: np.reshape(g[(*before, slice(*between))], shape)

        bounds = accumulate(map(self.length, self.shapes), initial=0)
        return tuple(map(part, pairwise(bounds), self.shapes))


class Widened(Concatenate):
    """``np.hstack`` and its kin: joined along an axis that an array of fewer than ``ndim`` axes gets first."""

    func: Any = None
    ndim: int = 1

    def forward(self, *arrays):
        cast = {"dtype": self.dtype, "casting": self.casting} if self.func in (np.hstack, np.vstack) else {}
        return self.func(arrays, **cast)

    def length(self, shape: tuple[int, ...]) -> int:
        return shape[self.axis or 0] if len(shape) >= self.ndim else 1

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.func.__name__})"


class Stack(Function):
    """``np.stack``: join along a new axis."""

    axis: int = 0
    dtype: Any = None
    casting: Any = "same_kind"

    def forward(self, *arrays):
        return np.stack(arrays, axis=self.axis, dtype=self.dtype, casting=self.casting)

    def backward(self, g):
        rows = np.moveaxis(g, self.axis, 0)
        return tuple((lambda i=i: rows[i]) for i in range(len(self.edges)))


def _refuse(out: Any, func: Callable) -> None:
    if out is not None:
        name = numpy_name(func)
        raise TypeError(
            f"{name} cannot write a Value into an existing array: the graph would be cut. Take the result instead,"
            f" y = {name}(…)"
        )


def _arrays(arrays: Any) -> Any:
    return Unstack()(arrays) if isinstance(arrays, Value) and arrays.ndim else arrays


@implements(np.concatenate, np.concat)
def concatenate(
    arrays: Any, /, axis: int | None = 0, out: Any = None, *, dtype: Any = None, casting: Any = "same_kind"
) -> Any:
    """``np.concatenate``."""
    _refuse(out, np.concatenate)
    return Concatenate(axis, dtype, casting)(*_arrays(arrays))


@implements(np.stack)
def stack(arrays: Any, axis: int = 0, out: Any = None, *, dtype: Any = None, casting: Any = "same_kind") -> Any:
    """``np.stack``."""
    _refuse(out, np.stack)
    return Stack(axis, dtype, casting)(*_arrays(arrays))


@implements(np.hstack)
def hstack(tup: Any, *, dtype: Any = None, casting: Any = "same_kind") -> Any:
    """``np.hstack``: side by side; vectors end to end."""
    arrays = _arrays(tup)
    axis = min(1, max(0, np.ndim(arrays[0]) - 1))
    return Widened(axis, dtype, casting, np.hstack, axis + 1)(*arrays)


@implements(np.vstack)
def vstack(tup: Any, *, dtype: Any = None, casting: Any = "same_kind") -> Any:
    """``np.vstack``: one below the other; vectors as rows."""
    return Widened(0, dtype, casting, np.vstack, 2)(*_arrays(tup))


@implements(np.dstack)
def dstack(tup: Any) -> Any:
    """``np.dstack``: along the third axis."""
    return Widened(2, func=np.dstack, ndim=3)(*_arrays(tup))


@implements(np.column_stack)
def column_stack(tup: Any) -> Any:
    """``np.column_stack``: vectors as columns."""
    return Widened(1, func=np.column_stack, ndim=2)(*_arrays(tup))


@implements(np.append)
def append(arr: Any, values: Any, axis: int | None = None) -> Any:
    """``np.append``."""
    return np.concatenate((arr, values), axis)


@implements(np.block)
def block(arrays: Any) -> Any:
    """``np.block``: a matrix of matrices, and the like with more axes."""
    leaves: list[Any] = []
    tree = numbered(arrays, leaves, list)
    if any(isinstance(leaf, tuple) for leaf in leaves):
        return np.block(unwrap_all(arrays))  # where NumPy says that lists are meant
    return Rearrange(_block, {"tree": tree}, distinct=True)(*leaves)


def _block(*arrays: Any, tree: Any) -> Any:
    return np.block(filled(tree, arrays))


# ---------------------------------------------------------------- splitting


class Split(Function):
    """``np.split`` and its kin: pieces along ``axis``, each an output of its own."""

    views = True

    func: Callable
    indices_or_sections: Any
    axis: int = 0

    def forward(self, ary):
        along = {"axis": self.axis} if self.func in (np.split, np.array_split) else {}
        return self.func(ary, self.indices_or_sections, **along)

    def backward(self, gs, *, y):
        gs = used(gs, y)
        shape, axis = self.shapes[0], self.axis
        if sum(g.shape[axis] for g in gs) == shape[axis]:
            return np.concatenate(gs, axis=axis)
        before = (slice(None),) * (axis % len(shape))  # places not in order: some items are in several pieces
        pieces = pairwise([0, *map(int, self.indices_or_sections), shape[axis]])
        return sum(Scatter((*before, slice(*ends)), shape)(g) for ends, g in zip(pieces, gs))

    def __repr__(self) -> str:
        return f"Split({self.func.__name__}, {self.indices_or_sections!r}, axis={self.axis})"


def used(gs: Any, y: Any) -> list[Any]:
    """The gradients of several outputs, zeros for the outputs that nobody used."""
    return [np.zeros_like(part) if g is None else g for g, part in zip(gs, y, strict=True)]


def _split(func: Callable) -> Callable:
    def rule(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
        return list(Split(func, indices_or_sections, axis)(ary))

    return rule


def _split_along(func: Callable, axis: int) -> Callable:
    def rule(ary: Any, indices_or_sections: Any) -> list[Any]:
        return list(Split(func, indices_or_sections, min(axis, ary.ndim - 1))(ary))

    return rule


for _func in (np.split, np.array_split):
    implements(_func)(_split(_func))
for _along, _axis in {np.vsplit: 0, np.hsplit: 1, np.dsplit: 2}.items():
    implements(_along)(_split_along(_along, _axis))


class Unstack(Function):
    """``np.unstack``: the items along an axis, each an output of its own."""

    views = True

    axis: int = 0

    def forward(self, x):
        return tuple(np.moveaxis(x, self.axis, 0) if self.axis else x)

    def backward(self, gs, *, y):
        return np.stack(used(gs, y), axis=self.axis)


@implements(Value.__iter__)
def items(x: Any) -> Any:
    """``iter(x)``: the gradients of all items come back together, where ``x[i]`` would bring back each alone."""
    if x.ndim == 0:
        raise TypeError("iteration over a 0-d array")
    return iter(Unstack()(x))


if hasattr(np, "unstack"):  # NumPy 2.1

    @implements(np.unstack)
    def unstack(x: Any, /, *, axis: int = 0) -> tuple[Any, ...]:
        """``np.unstack``."""
        if np.ndim(x) == 0:
            raise ValueError("Input array must be at least 1-d.")
        return Unstack(axis)(x)
