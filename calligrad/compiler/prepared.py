"""Prepared formulas: pure functions of arrays as kernels, for arrays of one signature."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from calligrad.compiler.capture import lock
from calligrad.compiler.passes import grouped, optimized
from calligrad.compiler.program import Program
from calligrad.compiler.trace import Trace
from calligrad.modes import capturing


def prepared(f: Callable, plainly: Callable, xs: tuple[np.ndarray, ...], settings: dict[str, Any]) -> Callable:
    """``f(*xs, **settings)`` as a function of arrays that lie like ``xs``: all of it kernels, or ``plainly``.

    It is captured once, on other arrays: a formula reaches nothing but its arguments.
    """
    from calligrad.compiler.backends.numba.executable import Executable
    from calligrad.compiler.backends.numba.lowering import Call, Lowering

    if all(x is None or x.dtype.isnative for x in xs):
        program, is_single = _program(f, xs, settings)
        lowering = Lowering(grouped(optimized(program, None)))
        if not any(isinstance(task, Call) for task in lowering.tasks):
            run = Executable(lowering).run
            given = (lambda xs: [x for x in xs if x is not None]) if any(x is None for x in xs) else tuple
            return (lambda *xs: run(given(xs))[0]) if is_single else lambda *xs: run(given(xs))
    return lambda *xs: plainly(*xs, **settings)


def _program(f: Callable, xs: tuple[np.ndarray, ...], settings: dict[str, Any]) -> tuple[Program, bool]:
    """The program, and whether it gives a single array."""
    trace = Trace(f.__name__)
    with lock, np.errstate(all="ignore"):
        capturing.append(_Bystander())
        try:
            inputs = [None if x is None else trace.input(_lying_like(x)) for x in xs]
            result = f(*inputs, **settings)
            trace.settle()
        finally:
            capturing.pop()
            trace.is_open = False
    results = result if isinstance(result, tuple) else (result,)
    given = [x.storage.input for x in inputs if x is not None]
    found = [var for var in trace.inputs if var not in given]
    constants = {x.storage.input: x.data for x in trace.found if x.storage.input in found}
    outputs = [trace.var_of(x) for x in results]
    return Program(given, constants, list(trace.lines), outputs), not isinstance(result, tuple)


def _lying_like(x: np.ndarray) -> np.ndarray:
    """An array of ones that lies as ``x`` does."""
    spans = [(n - 1) * step for n, step in zip(x.shape, x.strides)]
    before = -sum(span for span in spans if span < 0)
    memory = np.empty(before + sum(span for span in spans if span > 0) + x.itemsize, np.uint8)
    like = np.ndarray(x.shape, x.dtype, memory, before, x.strides)
    like[...] = 1
    return like


class _Bystander:
    """What stands among the captures while a formula is captured: Values have no part in it."""

    def is_here(self) -> bool:
        """Never: a formula draws nothing and has no schedule."""
        return False

    def born(self, x: Any) -> None:
        """A Value is made, by another thread."""

    def reach(self, *xs: Any) -> None:
        """Values are used, by another thread."""

    def reads_gradients(self, values: Any) -> None:
        """Gradients are read, by another thread."""
