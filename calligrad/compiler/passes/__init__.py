"""Passes: functions from a program to a better one that gives the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from calligrad.compiler.passes.constants import with_constants
from calligrad.compiler.passes.copies import without_copies
from calligrad.compiler.passes.dead import without_dead_code
from calligrad.compiler.passes.fusion import CHEAP_IN_REGISTERS, fused
from calligrad.compiler.passes.lowering import lowered
from calligrad.compiler.passes.repeats import without_repeats
from calligrad.compiler.passes.signs import with_fewer_signs
from calligrad.compiler.program import Line, Program

PASSES = (without_copies, with_constants, with_fewer_signs, without_repeats, without_dead_code)
"""What every program goes through, in this order. None changes a bit of any result, but the sign of a NaN."""


def optimized(program: Program, backend: Any) -> Program:
    """The program after all passes."""
    for improve in PASSES:
        program = improve(program)
    return program


def grouped(program: Program, knows: Callable[[Line], bool] = lambda line: True) -> Program:
    """The program for a backend that generates kernels: what fits into one is one line, a ``Fused``."""
    return without_dead_code(fused(without_repeats(lowered(program)), knows, CHEAP_IN_REGISTERS))
