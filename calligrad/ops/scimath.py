"""``np.emath``: the functions that answer with complex numbers where the real ones have no answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from calligrad.rules import implements
from calligrad.value import Value, as_arraylike, unwrap


def _widened(x: Any, func: Callable = np.emath.sqrt) -> Any:
    """``x`` as the complex numbers that NumPy makes of it before ``func``, if it does."""
    x = as_arraylike(x)
    kind = np.result_type(func(unwrap(x)))
    return np.astype(x, kind) if kind.kind == "c" else x


def _of_one(func: Callable, plain: Callable) -> None:
    implements(func)(lambda x: plain(_widened(x, func)))


for _name in ("sqrt", "log", "log2", "log10", "arccos", "arcsin", "arctanh"):
    _of_one(getattr(np.emath, _name), getattr(np, _name))


@implements(np.emath.logn)
def logn(n: Any, x: Any) -> Any:
    """The logarithm of ``x`` to the base ``n``."""
    return np.log(_widened(x)) / np.log(_widened(n))


@implements(np.emath.power)
def power(x: Any, p: Any) -> Any:
    """``x ** p``, complex where a number of ``x`` is negative."""
    p = p if isinstance(p, Value) else np.asarray(p)
    if p.dtype.kind in "iu" and np.any(np.less(p, 0)):
        p = p * 1.0
    return np.power(_widened(x), p)
