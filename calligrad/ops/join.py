"""Joining arrays and splitting them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from calligrad.function import Function
from calligrad.ops.creation import filled, numbered
from calligrad.ops.index import Scatter
from calligrad.ops.rearrange import Rearrange
from calligrad.rules import implements, numpy_name
from calligrad.value import unwrap_all

# ---------------------------------------------------------------- joining


class Concatenate(Function):
    """``np.concatenate`` along an existing axis."""

    axis: int | None = 0
    dtype: Any = None
    casting: Any = "same_kind"

    def forward(self, *arrays):
        return np.concatenate(arrays, axis=self.axis, dtype=self.dtype, casting=self.casting)

    def backward(self, g):
        ends = np.cumsum([int(np.prod(s)) if self.axis is None else s[self.axis] for s in self.shapes])[:-1]
        parts = np.split(g, ends, axis=self.axis or 0)
        return tuple(np.reshape(part, shape) for part, shape in zip(parts, self.shapes, strict=True))


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


@implements(np.concatenate, np.concat)
def concatenate(
    arrays: Any, /, axis: int | None = 0, out: Any = None, *, dtype: Any = None, casting: Any = "same_kind"
) -> Any:
    """``np.concatenate``."""
    _refuse(out, np.concatenate)
    return Concatenate(axis, dtype, casting)(*arrays)


@implements(np.stack)
def stack(arrays: Any, axis: int = 0, out: Any = None, *, dtype: Any = None, casting: Any = "same_kind") -> Any:
    """``np.stack``."""
    _refuse(out, np.stack)
    return Stack(axis, dtype, casting)(*arrays)


@implements(np.hstack)
def hstack(tup: Any, **cast: Any) -> Any:
    """``np.hstack``: side by side; vectors end to end."""
    arrays = [np.atleast_1d(a) for a in tup]
    return np.concatenate(arrays, 0 if np.ndim(arrays[0]) == 1 else 1, **cast)


@implements(np.vstack)
def vstack(tup: Any, **cast: Any) -> Any:
    """``np.vstack``: one below the other; vectors as rows."""
    return np.concatenate([np.atleast_2d(a) for a in tup], 0, **cast)


@implements(np.dstack)
def dstack(tup: Any) -> Any:
    """``np.dstack``: along the third axis."""
    return np.concatenate([np.atleast_3d(a) for a in tup], 2)


@implements(np.column_stack)
def column_stack(tup: Any) -> Any:
    """``np.column_stack``: vectors as columns."""
    return np.concatenate([a if np.ndim(a) > 1 else np.reshape(a, (-1, 1)) for a in tup], 1)


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
        return np.unstack(x, axis=self.axis)

    def backward(self, gs, *, y):
        return np.stack(used(gs, y), axis=self.axis)


if hasattr(np, "unstack"):  # NumPy 2.1

    @implements(np.unstack)
    def unstack(x: Any, /, *, axis: int = 0) -> tuple[Any, ...]:
        """``np.unstack``."""
        return Unstack(axis)(x)
