"""Large arrays a few rows at a time, so that what is computed on the way to a result stays in the cache."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from calligrad import parallel

TILE = 1 << 16  # numbers


def over_rows(work: Callable[[slice], None], x: np.ndarray) -> None:
    """Call ``work`` with slices that together are all rows of ``x``, on several threads if there is much to do."""
    rows = max(1, TILE * len(x) // max(1, x.size))
    parallel.run(work, [slice(i, i + rows) for i in range(0, len(x), rows)])


def elementwise(formula: Callable, *xs: Any) -> Any:
    """``formula(*xs)``, which is elementwise, of arrays of one shape: large ones in tiles.

    Anything but contiguous arrays of NumPy goes through ``formula`` as a whole, a Value for example.
    """
    x = xs[0]
    if type(x) is not np.ndarray or x.size <= 2 * TILE:
        return formula(*xs)
    if not all(type(a) is np.ndarray and a.shape == x.shape and a.flags.c_contiguous for a in xs):
        return formula(*xs)
    rows = [a.reshape(-1) for a in xs]
    y = np.empty(x.size, formula(*(a[:1] for a in rows)).dtype)

    def work(tile: slice) -> None:
        y[tile] = formula(*(a[tile] for a in rows))

    over_rows(work, rows[0])
    return y.reshape(x.shape)
