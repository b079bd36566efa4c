"""Primitives: functions of calligrad's own that are one operation to whatever looks on, as NumPy's are.

A convolution is written with buffers, blocks and threads, which no program of array operations should hold. Declared
with ``@primitive``, it takes arrays, gives new arrays, and is one line of a program that ``calligrad.compile`` captures.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from calligrad.modes import capturing


def primitive(reference: Callable | None = None, *, checks: bool = False) -> Callable:
    """Declare a function of arrays as one operation. It changes none of them.

    ``reference`` is a short function of the same arguments in plain NumPy, for those who read the source of a program.
    One that ``checks`` its arguments is called for what it may raise.
    """

    def declare(f: Callable) -> Callable:
        @functools.wraps(f)
        def call(*args: Any, **kwargs: Any) -> Any:
            if capturing:
                for x in (*args, *kwargs.values()):
                    if hasattr(x, "storage"):  # an array of a capture
                        return x.trace.call(call, args, kwargs)
            return f(*args, **kwargs)

        call.reference = reference or f  # type: ignore[attr-defined]
        call.checks = checks  # type: ignore[attr-defined]
        return call

    return declare
