"""What the tests of kernels ask: is the compiled function's result NumPy's, and was nothing left to NumPy?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import calligrad


def run(f: Callable, *args: Any) -> Any:
    """The result of ``f`` as kernels, after runs that captured it."""
    compiled = calligrad.compile(f, backend="numba")
    for _ in range(3):
        result = compiled(*args)
    assert not left_to_numpy(compiled)
    return result


def left_to_numpy(compiled: Any) -> list[str]:
    """The operations of a compiled function that no kernel does."""
    from calligrad.compiler.backends.numba.lowering import Call, Lowering
    from calligrad.compiler.passes import grouped

    tasks = Lowering(grouped(compiled.program())).tasks
    return [str(task.line.op) for task in tasks if isinstance(task, Call)]


def assert_same(f: Callable, *args: Any, rtol: float = 0, atol: float = 0) -> None:
    """Kernels give what NumPy gives: the same shapes, dtypes and numbers."""
    expected, got = f(*args), run(f, *args)
    expected, got = ((x if isinstance(x, tuple) else (x,)) for x in (expected, got))
    for x, y in zip(got, expected, strict=True):
        assert (x.shape, x.dtype) == (y.shape, y.dtype)
        np.testing.assert_allclose(x, y, rtol=rtol, atol=atol)
