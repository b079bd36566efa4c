"""Primitives: functions of calligrad's own that are one operation to whatever looks on, as NumPy's are.

A convolution is written with buffers, blocks and threads, which no program of array operations should hold. Declared
with ``@primitive``, it takes arrays, gives new arrays, and is one line of a program captured by ``calligrad.compile``.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from calligrad.formula import formula, is_served
from calligrad.modes import capturing


def primitive(
    reference: Callable | None = None,
    *,
    checks: bool = False,
    eager: bool = False,
    products: Callable[..., int] | None = None,
) -> Callable:
    """Declare a function of arrays as one operation. It changes none of them, and gives an array or a tuple of arrays.

    Its arrays are positional; settings, numbers and hashable objects, follow as keywords. ``reference`` is a short
    function of the same arguments in plain NumPy, for those who read the source of a program. One that ``checks`` its
    arguments is called for what it may raise. With ``eager`` the kernel that it has in programs serves large arrays
    outside of them, too. ``products`` counts, from arguments of those shapes, the products that it adds up.
    """

    def declare(f: Callable) -> Callable:
        @functools.wraps(f)
        def call(*args: Any, **kwargs: Any) -> Any:
            if capturing:
                for x in (*args, *kwargs.values()):
                    if hasattr(x, "storage"):  # an array of a capture
                        return x.tracer.call(call, args, kwargs)
            if eager and is_served(*args):
                return by_kernel(*args, **kwargs)
            return f(*args, **kwargs)

        by_kernel = formula(call, f)
        call.reference = reference or f  # type: ignore[attr-defined]
        call.checks = checks  # type: ignore[attr-defined]
        call.products = products  # type: ignore[attr-defined]
        return call

    return declare


def is_captured(*xs: Any) -> bool:
    """Whether one of them is an array of a capture, on which every operation is written down."""
    return bool(capturing) and any(hasattr(x, "storage") for x in xs)


def is_concrete(*xs: Any) -> bool:
    """Whether all are arrays that a primitive can work on: NumPy's, or those of a capture, which stand for such.

    >>> import numpy as np
    >>> from calligrad import Value
    >>> is_concrete(np.ones(2), np.float32(1)), is_concrete(Value(1.0))
    (True, False)
    """
    return all(isinstance(x, (np.ndarray, np.generic)) or hasattr(x, "storage") for x in xs)
