"""Prepared formulas: pure functions of arrays as kernels, for arrays of one signature."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from calligrad.compiler.passes import grouped, optimized
from calligrad.compiler.program import Program
from calligrad.compiler.trace import Trace
from calligrad.compiler.traced import Traced
from calligrad.memory import lying
from calligrad.modes import capturing


def prepared(f: Callable, plainly: Callable, xs: tuple[np.ndarray, ...], settings: dict[str, Any]) -> Callable:
    """``f(*xs, **settings)`` as a function of arrays that lie like ``xs``: all of it kernels, or ``plainly``.

    It is captured once, on other arrays: a formula reaches nothing but its arguments.
    """
    from calligrad.compiler.backends.numba.executable import Executable
    from calligrad.compiler.backends.numba.lowering import Call, Lowering

    if all(x is None or (x.dtype.isnative and x.flags.aligned) for x in xs):
        program, is_single = _program(f, xs, settings)
        lowering = Lowering(grouped(optimized(program, None)))
        if not any(isinstance(task, Call) for task in lowering.tasks):
            run = Executable(lowering, keep=0).run  # layers are many, and their outputs large
            if is_single:
                return lambda *xs: run([x for x in xs if x is not None])[0]
            return lambda *xs: run([x for x in xs if x is not None])
    return lambda *xs: plainly(*xs, **settings)


def _program(f: Callable, xs: tuple[np.ndarray, ...], settings: dict[str, Any]) -> tuple[Program, bool]:
    """The program, and whether it gives a single array."""
    trace, bystander = Sketch(f.__name__), _Bystander()
    capturing.insert(0, bystander)  # the last of them is asked: a capture of compile that goes on, perhaps elsewhere
    try:
        with np.errstate(all="ignore"):
            inputs = [None if x is None else trace.input(lying(x.shape, x.strides, x.dtype)) for x in xs]
            result = f(*inputs, **settings)
        trace.settle()
    finally:
        capturing.remove(bystander)
        trace.close()
    results = result if isinstance(result, tuple) else (result,)
    given: list[Any] = [x.storage.input for x in inputs if x is not None]
    found = [var for var in trace.inputs if var not in given]
    constants = {x.storage.input: x.data for x in trace.found if x.storage.input in found}
    outputs = [trace.var_of(x) for x in results]
    return Program(given, constants, list(trace.lines), outputs), not isinstance(result, tuple)


class Sketch(Trace):
    """A Trace in which elementwise calls compute nothing: what arrays hold does not matter, only how they lie."""

    def concretely(self, func: Callable, args: Any, kwargs: Any) -> Any:
        """The call, or just an array for its result."""
        if hasattr(func, "reference"):  # a primitive, whose kernel is just being prepared
            func = vars(func)["__wrapped__"]
        if not isinstance(func, np.ufunc) or func.nout > 1 or func.signature or kwargs:
            return super().concretely(func, args, kwargs)
        xs = [x.data if isinstance(x, Traced) else x for x in args]
        first = func(*[x[(slice(1),) * x.ndim] if isinstance(x, np.ndarray) else x for x in xs])
        if not first.shape:
            return super().concretely(func, args, kwargs)
        return np.nditer([*xs, None], ["zerosize_ok"], op_dtypes=[None] * len(xs) + [first.dtype]).operands[-1]


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
