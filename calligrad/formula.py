"""Formulas: pure functions of arrays, written in NumPy, that kernels compute where Numba is there and arrays are large.

A layer's formula is written once, as NumPy would compute it. It is what ``calligrad.compile`` captures and what a
second derivative goes through; and called with large arrays, it becomes a program of kernels, which read each number
once instead of once for each operation. The kernels are made for the first call with arrays of a shape, and serve it,
so that a result does not depend on how often it was asked for. ``calligrad.kernels.eager.enabled`` turns them off.
"""

from __future__ import annotations

import functools
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np

from calligrad.kernels import eager
from calligrad.modes import capturing

WORTH = 2**15  # numbers in the first array, from which on kernels win over NumPy
MOST = 256  # programs of a formula: one for each shape and setting


def is_served(*xs: Any) -> bool:
    """Whether kernels compute the formulas of these arrays, as they are large.

    >>> import numpy as np
    >>> is_served(np.ones(3))
    False
    """
    x = xs[0]
    return (
        type(x) is np.ndarray
        and x.size >= WORTH
        and x.dtype.char in "fd"
        and eager.enabled
        and eager.available()
        and all(type(a) is np.ndarray or a is None for a in xs)
    )


def is_open(*xs: Any) -> bool:
    """Whether a formula is the way to compute: the arrays are captured, or kernels serve it."""
    return is_served(*xs) or (bool(capturing) and any(hasattr(x, "storage") for x in xs))


def formula(f: Callable, plainly: Callable | None = None) -> Callable:
    """Declare a pure function of arrays, which are positional, and of settings, which are hashable and have names.

    It gives an array or a tuple of them; a None may stand for an array. ``plainly`` is what NumPy computes where no
    kernel can, by itself ``f``.

    >>> import numpy as np
    >>> scaled = formula(lambda x, *, factor: x * factor)
    >>> scaled(np.ones(2), factor=3)
    array([3., 3.])
    """
    programs: OrderedDict[tuple, Callable] = OrderedDict()

    @functools.wraps(f)
    def call(*xs: Any, **settings: Any) -> Any:
        if not is_served(*xs):
            return f(*xs, **settings)
        key = (
            *[x is not None and (x.shape, x.strides, x.dtype.str, x.flags.aligned) for x in xs],
            *[(name, type(x), x) for name, x in settings.items()],
        )
        run = programs.get(key)
        if run is None:
            from calligrad.compiler.prepared import prepared

            run = programs[key] = prepared(f, plainly or f, xs, settings)
            if len(programs) > MOST:
                programs.popitem(last=False)
        return run(*xs)

    call.programs = programs  # type: ignore[attr-defined]
    return call


_methods: dict[tuple, Callable] = {}


def formula_of(f: Callable) -> Callable:
    """A function as a formula; or a method of a Function, which reads nothing of it but settings that are numbers.

    It is the same formula for the same method and settings.
    """
    owner = getattr(f, "__self__", None)
    if owner is None:
        key: tuple = (f,)
    else:
        settings = {name: x for name in owner.settings if type(x := getattr(owner, name)) in (int, float, bool)}
        key = (f.__func__, type(owner), *settings.items())  # type: ignore[attr-defined]
    known = _methods.get(key)
    if known is None:
        if len(_methods) >= MOST:
            _methods.clear()
        bare = f if owner is None else getattr(type(owner)(**settings), f.__name__)
        known = _methods[key] = formula(bare)
    return known
