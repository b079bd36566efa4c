"""The backend that is always there: the program as one Python function of NumPy calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from calligrad.compiler.program import Program
from calligrad.compiler.source import function_of


class Backend:
    """Runs programs with NumPy."""

    name = "numpy"

    def compiled(self, program: Program) -> Callable[[list[Any]], tuple]:
        """A function from the inputs of the program to its outputs."""
        return function_of(program)
