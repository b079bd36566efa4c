"""Programs of small functions, and what they give."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import calligrad
from calligrad.compiler.program import Program
from calligrad.compiler.source import function_of
from calligrad.compiler.wording import name_of


def captured(f: Callable, *arrays: Any) -> Program:
    """The program of ``f``, whose inputs are the arrays, ahead of all passes."""
    compiled = calligrad.compile(f, backend="numpy")
    for _ in range(3):
        compiled(*arrays)
    return compiled._last().captured


def ops(program: Program) -> list[str]:
    """What its lines call."""
    return [name_of(line.op) for line in program.lines]


def run(program: Program, *arrays: Any) -> tuple:
    """What it gives."""
    return function_of(program)(list(arrays))


def same_bits(xs: Any, ys: Any) -> bool:
    """Whether two lists of arrays are the same to the last bit, in dtype, shape and layout."""
    pairs = [(np.asarray(x), np.asarray(y)) for x, y in zip(xs, ys, strict=True)]
    return all(
        x.dtype == y.dtype and x.shape == y.shape and x.tobytes() == y.tobytes() and x.strides == y.strides
        for x, y in pairs
    )
