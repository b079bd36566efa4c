"""Checks as kernels: a program ends where one fails, ahead of everything that comes later, and NumPy says what is wrong."""

from __future__ import annotations

import numpy as np

from calligrad.compiler.backends.numba.lowering import Lowering, Task, lowers
from calligrad.compiler.program import Line, Var
from calligrad.kernels.cache import compile_kernel
from calligrad.nn.refusals import refuse


@lowers(refuse)
def check(lowering: Lowering, line: Line) -> bool:
    """``refuse(wrong, …)``: it is called only if a truth value of ``wrong`` holds."""
    wrong = line.args[0]
    if type(wrong) is not Var or wrong.dtype != bool or not lowering.at(wrong).like.flags.c_contiguous:
        return False
    kernel = compile_kernel("from calligrad.kernels.checks import stop", "stop")
    words = np.array([0, wrong.size, lowering.errors.address, lowering.checks(line)], np.int64)
    task = Task(kernel, words, [lowering.at(wrong).root], [])
    lowering.point(task, 0, lowering.at(wrong))
    task.weight = wrong.size
    lowering.tasks.append(task)
    return True
