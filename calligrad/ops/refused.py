"""NumPy functions that write into an array they are given: with a Value they would cut the graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from calligrad.rules import implements, numpy_name

WAYS_OUT: dict[Any, str] = {
    np.copyto: "y = np.where(mask, new, y)",
    np.place: "y = np.where(mask, new, y)",
    np.putmask: "y = np.where(mask, new, y)",
    np.put: "y[indices] = new, where y is a Value",
    np.put_along_axis: "y[indices] = new, where y is a Value",
    np.fill_diagonal: "y[i, i] = new, where y is a Value",
}
WAYS_OUT |= {
    ufunc.at: f"y[indices] = np.{ufunc.__name__}(y[indices], …), where y is a Value"
    for ufunc in vars(np).values()
    if isinstance(ufunc, np.ufunc)
}


def _refusal(func: Callable, way_out: str) -> Callable:
    def refuse(*args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError(f"{numpy_name(func)} writes into an array, which would cut the graph; write {way_out}")

    return refuse


for _func, _way_out in WAYS_OUT.items():
    implements(_func)(_refusal(_func, _way_out))
