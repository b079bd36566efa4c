"""Large arrays a few rows at a time, so that what is computed on the way to a result stays in the cache."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from calligrad import parallel
from calligrad.formula import formula_of, is_served

TILE = 1 << 17  # numbers


def over_rows(work: Callable[[slice], None], x: np.ndarray) -> None:
    """Call ``work`` with slices that together are all rows of ``x``, on several threads if there is much to do."""
    tiles = max(1, -(-x.size // TILE))
    if tiles > 1:
        tiles += tiles % 2  # as many for each of two threads
    rows = max(1, -(-len(x) // tiles))
    parallel.run(work, [slice(i, i + rows) for i in range(0, len(x), rows)])


def elementwise(formula: Callable, *xs: Any, outputs: int = 1) -> Any:
    """``formula(*xs)``, which is elementwise, of arrays of one shape and dtype: large ones by kernels, or in tiles.

    The formula is a function of a module, or a method of a Function, as ``formula_of`` takes them.

    Each tile is given to the formula with an ``out``, into which its last operation writes; with several ``outputs``
    that is a tuple, and so is the result. Anything but contiguous floating arrays of NumPy, a Value for example, goes
    through the formula as a whole.
    """
    x = xs[0]
    if is_served(*xs):
        return formula_of(formula)(*xs)
    if type(x) is not np.ndarray or x.size <= TILE or x.dtype.kind != "f":
        return formula(*xs)
    kind = np.ndarray, x.shape, x.dtype, True
    if not all((type(a), a.shape, a.dtype, a.flags.c_contiguous) == kind for a in xs):
        return formula(*xs)
    ys = [np.empty_like(x) for _ in range(outputs)]
    flat = [a.reshape(-1) for a in (*xs, *ys)]

    def work(tile: slice) -> None:
        parts = [a[tile] for a in flat]
        formula(*parts[: len(xs)], out=tuple(parts[len(xs) :]) if outputs > 1 else parts[-1])

    over_rows(work, flat[0])
    return tuple(ys) if outputs > 1 else ys[0]
