"""Choosing among numbers and among arrays: take, compress, choose, select and their kin."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from calligrad.function import Elementwise, Function
from calligrad.ops.elementwise import masked
from calligrad.ops.index import Take, spread
from calligrad.rules import implements, numpy_name
from calligrad.value import as_array, beside, unwrap_all


@implements(np.take)
def take(a: Any, indices: Any, axis: int | None = None, out: Any = None, mode: str = "raise") -> Any:
    """``np.take``, with every ``mode``; what is taken twice gets both gradients."""
    refuse_out(np.take, out)
    return Take(unwrap_all(indices), axis, mode)(a)


@implements(np.compress)
def compress(condition: Any, a: Any, axis: int | None = None, out: Any = None) -> Any:
    """``np.compress``: what stands where the condition holds, along ``axis``."""
    refuse_out(np.compress, out)
    condition = np.asarray(unwrap_all(condition))
    if condition.ndim != 1:
        raise ValueError(f"np.compress takes a condition with one axis, not of shape {condition.shape}")
    return Take(condition.nonzero()[0], axis, distinct=True)(a)


@implements(np.extract)
def extract(condition: Any, arr: Any) -> Any:
    """``np.extract``: what stands where the condition holds, in the flattened arrays."""
    return Take(np.ravel(unwrap_all(condition)).nonzero()[0], distinct=True)(arr)


class TakeAlongAxis(Function):
    """``np.take_along_axis``: what is taken twice gets both gradients."""

    holds = ("indices",)

    indices: Any
    axis: int | None = -1

    def forward(self, arr):
        return np.take_along_axis(arr, self.indices, self.axis)

    def backward(self, g):
        shape = self.shapes[0]
        if self.axis is None:
            return spread(g, self.indices, shape)
        return spread(g, places_in_rows(self.indices, self.axis, shape), shape)


@implements(np.take_along_axis)
def take_along_axis(arr: Any, indices: Any, axis: int | None = -1) -> Any:
    """``np.take_along_axis``."""
    return TakeAlongAxis(as_array(indices), axis)(arr)


def places_in_rows(indices: Any, axis: int, shape: tuple[int, ...]) -> np.ndarray:
    """Where ``np.take_along_axis(x, indices, axis)`` finds its numbers in the flattened ``x`` of ``shape``."""
    if len(shape) == 1:
        return indices
    axis %= len(shape)
    before, n, behind = shape[:axis], shape[axis], shape[axis + 1 :]
    indices = np.astype(indices, np.intp) if indices.dtype.kind == "u" else indices
    indices = np.where(indices < 0, indices + n, indices) if np.any(indices < 0) else indices
    rows = np.arange(math.prod(before)).reshape(*before, *(1,) * (len(behind) + 1))
    columns = np.arange(math.prod(behind)).reshape(behind)
    return (rows * n + indices) * math.prod(behind) + columns


class Choose(Elementwise):
    """``np.choose``: at each place the number of the choice that ``a`` names there."""

    a: Any
    mode: str = "raise"

    def forward(self, *choices):
        return np.choose(self.a, choices, mode=self.mode)

    def backward(self, g):
        n = len(self.edges)
        chosen = beside(self.a, np.arange(n)).take(self.a, mode=self.mode)
        return tuple((lambda i=i: masked(g, chosen == i)) for i in range(n))


@implements(np.choose)
def choose(a: Any, choices: Any, out: Any = None, mode: str = "raise") -> Any:
    """``np.choose``: ``choices`` is a sequence of arrays, or one whose first axis goes through them."""
    refuse_out(np.choose, out)
    return Choose(unwrap_all(a), mode)(*choices)


class Select(Elementwise):
    """``np.select``: at each place the first choice whose condition holds, and the last input where none does."""

    conditions: Sequence[Any]

    def forward(self, *choices):
        return np.select(self.conditions, choices[:-1], choices[-1])

    def backward(self, g):
        chosen = np.argmax(np.stack(np.broadcast_arrays(*self.conditions, True)), axis=0)
        return tuple((lambda i=i: masked(g, chosen == i)) for i in range(len(self.edges)))


@implements(np.select)
def select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    """``np.select``."""
    return Select(unwrap_all(list(condlist)))(*choicelist, default)


def refuse_out(func: Any, out: Any) -> None:
    """Nothing is written into an array that is there already."""
    if out is not None:
        name = numpy_name(func)
        raise TypeError(f"{name} cannot write a Value into an existing array: take the result instead, y = {name}(…)")
