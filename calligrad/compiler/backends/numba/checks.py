"""Checks as kernels: a program ends where one fails, ahead of all that comes later, and NumPy says what is wrong."""

from __future__ import annotations

from typing import Any

import numpy as np

from calligrad.compiler.backends.numba.lowering import Lowering, Task, lowers
from calligrad.compiler.program import Line, Var
from calligrad.kernels.cache import compile_kernel
from calligrad.nn.refusals import refuse, refuse_beyond, refuse_labels


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


@lowers(refuse_beyond)
def check_indices(lowering: Lowering, line: Line) -> bool:
    """``refuse_beyond(indices, count, what)``."""
    indices, count, _ = line.args
    return _check_numbers(lowering, line, indices, 0, count - 1, 0)


@lowers(refuse_labels)
def check_labels(lowering: Lowering, line: Line) -> bool:
    """``refuse_labels(labels, classes, ignored, what)``."""
    labels, classes, ignored, _ = line.args
    return _check_numbers(lowering, line, labels, 0, classes - 1, ignored)


def _check_numbers(lowering: Lowering, line: Line, numbers: Any, least: int, most: int, other: int) -> bool:
    """The line is called only if one of the numbers is none of those that are allowed."""
    if line.kwargs or type(numbers) is not Var or numbers.dtype != np.int64 or type(other) is Var:
        return False
    location = lowering.at(numbers)
    if not location.like.flags.c_contiguous:
        return False
    kernel = compile_kernel("from calligrad.kernels.checks import stop_outside", "stop_outside")
    number = lowering.checks(line)
    words = np.array([0, numbers.size, least, most, other, lowering.errors.address, number], np.int64)
    task = Task(kernel, words, [location.root], [])
    lowering.point(task, 0, location)
    task.weight = numbers.size * 0.2
    lowering.tasks.append(task)
    return True
