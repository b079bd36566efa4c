"""The backend that is always there: the program as one Python function of NumPy calls, with planned memory.

What it computes is what eager mode computes, bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from calligrad.compiler.backends.numpy.script import function_of
from calligrad.compiler.backends.numpy.tiles import tiled
from calligrad.compiler.program import Program


class Backend:
    """Runs programs with NumPy."""

    name = "numpy"

    def compiled(self, program: Program) -> Callable[[list[Any]], tuple]:
        """A function from the inputs of the program to its outputs."""
        return function_of(tiled(program))
