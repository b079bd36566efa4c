"""Programs as tables of kernels, which one call from Python runs on all processors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from calligrad.compiler.backends.numba.executable import Executable
from calligrad.compiler.backends.numba.lowering import Lowering
from calligrad.compiler.passes import grouped
from calligrad.compiler.program import Program


class Backend:
    """Runs programs as kernels; what no kernel does NumPy does, in between."""

    name = "numba"

    def compiled(self, program: Program) -> Callable[[list[Any]], tuple]:
        """A function from the inputs of the program to its outputs."""
        return Executable(Lowering(grouped(program))).run
