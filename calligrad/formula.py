"""Formulas: pure functions of arrays, written in NumPy, that kernels compute where Numba is there and arrays are large.

A layer's formula is written once, as NumPy would compute it. It is what ``calligrad.compile`` captures and what a
second derivative goes through; and called with large arrays, it becomes a program of kernels, which read each number
once instead of once for each operation. The kernels are made for the first call with arrays of a shape, and serve it,
so that a result does not depend on how often it was asked for.
"""

from __future__ import annotations

import functools
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np

from calligrad.kernels import eager
from calligrad.modes import capturing
from calligrad.primitive import is_captured

WORTH = 2**15  # numbers in the first array, from which on kernels win over NumPy
MOST = 64  # programs of a formula: one for each shape and setting


def is_open(*xs: Any) -> bool:
    """Whether a formula is the way to compute of these: they are captured, or so large that kernels serve it.

    >>> import numpy as np
    >>> is_open(np.ones(3))
    False
    """
    if capturing:
        return is_captured(*xs)
    x = xs[0]
    return (
        type(x) is np.ndarray
        and x.size >= WORTH
        and x.dtype.char in "fd"
        and all(type(a) is np.ndarray for a in xs[1:])
        and eager.enabled
        and eager.available()
    )


def formula(f: Callable) -> Callable:
    """Declare a pure function of arrays, which are positional, and of settings, which are hashable and have names.

    It gives an array or a tuple of them.
    """
    programs: OrderedDict[tuple, Callable] = OrderedDict()

    @functools.wraps(f)
    def call(*xs: Any, **settings: Any) -> Any:
        if capturing or not is_open(*xs):
            return f(*xs, **settings)
        key = (*[(x.shape, x.strides, x.dtype.str, x.flags.aligned) for x in xs], *settings.values())
        run = programs.get(key)
        if run is None:
            from calligrad.compiler.prepared import prepared

            run = programs[key] = prepared(f, xs, settings)
            if len(programs) > MOST:
                programs.popitem(last=False)
        return run(*xs)

    call.programs = programs  # type: ignore[attr-defined]
    return call
