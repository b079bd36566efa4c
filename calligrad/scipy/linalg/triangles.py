"""Triangles of matrices, and rows that were exchanged."""

from __future__ import annotations

from typing import Any

import numpy as np

from calligrad.value import beside


def triangle(n: int, lower: bool, diagonal: bool = True) -> Any:
    """Which places of an ``n`` by ``n`` matrix are in its lower triangle, or in its upper one."""
    column = np.arange(n)
    row = column[:, None]
    inside = row >= column if diagonal else row > column
    return inside if lower else inside.T


def order_of(piv: Any, rows: int) -> Any:
    """The order of the rows after LAPACK's exchanges: row i with row ``piv[i]``, one after the other."""
    order = beside(piv, np.broadcast_to(np.arange(rows), (*piv.shape[:-1], rows)).copy())
    for i in range(piv.shape[-1]):
        there = piv[..., i, None].astype(int)
        moved = np.take_along_axis(order, there, -1)
        np.put_along_axis(order, there, order[..., i, None], -1)
        order[..., i, None] = moved
    return order


def exchanged(x: Any, piv: Any) -> Any:
    """The rows of ``x`` after the exchanges."""
    return np.take_along_axis(x, order_of(piv, x.shape[-2])[..., None], -2)


def as_before(x: Any, order: Any) -> Any:
    """The rows of ``x`` where they stood before they were put into this order."""
    return np.take_along_axis(x, np.argsort(order, axis=-1)[..., None], -2)
