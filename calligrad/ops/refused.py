"""Functions that have no derivative here, and what to write instead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from calligrad.rules import implements, numpy_name

WAYS_OUT: dict[Any, str] = {
    ufunc.at: f"y[indices] = np.{ufunc.__name__}(y[indices], …), where y is a Value"
    for ufunc in vars(np).values()
    if isinstance(ufunc, np.ufunc) and ufunc not in (np.add, np.subtract)
}


def refusal(func: Callable, way_out: str) -> TypeError:
    """The error of a NumPy function that would write a Value into an array, or into one in a way without a rule."""
    return TypeError(f"{numpy_name(func)} writes into an array, which would cut the graph; write {way_out}")


def _refuses(func: Callable, way_out: str) -> Callable:
    def refuse(*args: Any, **kwargs: Any) -> NoReturn:
        raise refusal(func, way_out)

    return refuse


for _func, _way_out in WAYS_OUT.items():
    implements(_func)(_refuses(_func, _way_out))

# A Value holds plain numbers.
NO_NUMBERS: dict[Any, str] = dict.fromkeys(
    (np.isnat, np.busday_count, np.busday_offset, np.is_busday, np.datetime_as_string), "dates and times"
)


def _refuses_numbers(func: Callable, data: str) -> Callable:
    def refuse(*args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError(
            f"{numpy_name(func)} takes {data}, but a Value holds plain numbers. Call it on arrays, such as value.data"
        )

    return refuse


for _func, _array in NO_NUMBERS.items():
    implements(_func)(_refuses_numbers(_func, _array))
