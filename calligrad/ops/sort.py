"""Sorting, whole and in part: the gradient of each number goes back to where the number stood."""

from __future__ import annotations

from typing import Any

import numpy as np

from calligrad.function import Function
from calligrad.ops.index import spread
from calligrad.ops.select import places_in_rows
from calligrad.rules import implements
from calligrad.value import unwrap


class Sort(Function, of=np.sort):
    """``np.sort``; equal numbers keep their order, so each gets the gradient of one place (a subgradient)."""

    axis: int | None = -1
    kind: str | None = None
    order: Any = None
    stable: bool | None = None

    def backward(self, g, a):
        return spread(g, sorting_places(unwrap(a), self.axis), self.shapes[0], distinct=True)


class Partition(Function, of=np.partition):
    """``np.partition``; equal numbers keep their order, so each gets the gradient of one place (a subgradient)."""

    kth: Any
    axis: int | None = -1
    kind: str = "introselect"
    order: Any = None

    def forward(self, a):
        return np.partition(a, self.kth, self.axis, self.kind, self.order)

    def backward(self, g, a, *, y):
        # Not np.argpartition: it may leave the numbers of a part in another order than np.partition does.
        before, behind = sorting_places(unwrap(a), self.axis), sorting_places(unwrap(y), self.axis)
        return spread(np.take(g, behind), before, self.shapes[0], distinct=True)


@implements(np.sort_complex)
def sort_complex(a: Any) -> Any:
    """``np.sort_complex``: sorted along the last axis, by the real part first, as complex numbers."""
    return np.sort(a).astype(np.sort_complex(np.empty(0, a.dtype)).dtype)


def sorting_places(a: Any, axis: int | None) -> np.ndarray:
    """Where in the flattened ``a`` each number of ``np.sort(a, axis)`` stands; equal numbers keep their order."""

    def find(kind: str | None) -> np.ndarray:
        order = a.argsort(axis, kind)
        return order if axis is None else places_in_rows(order, axis, a.shape)

    if a.size < 1000:
        return find("stable")
    places = find(None)  # which is faster, but does not keep the order of equal numbers
    rows = a.take(places) if axis is None else a.take(places).swapaxes(axis, -1)
    return places if (rows[..., 1:] > rows[..., :-1]).all() else find("stable")  # NaNs are like equal numbers
