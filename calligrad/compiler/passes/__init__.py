"""Passes: functions from a program to a better one that gives the same."""

from __future__ import annotations

from typing import Any

from calligrad.compiler.passes.dead import without_dead_code
from calligrad.compiler.program import Program

PASSES = (without_dead_code,)


def optimized(program: Program, backend: Any) -> Program:
    """The program after all passes."""
    for improve in PASSES:
        program = improve(program)
    return program
