"""Programs on a GPU, with CuPy: fused groups as generated CUDA kernels, and the whole of it as one CUDA graph."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from calligrad.compiler.backends.cupy.executable import Executable
from calligrad.compiler.backends.cupy.kernel import knows
from calligrad.compiler.passes import grouped
from calligrad.compiler.program import Program


class Backend:
    """Runs programs on the GPU that is CuPy's current one."""

    name = "cupy"

    def __init__(self) -> None:
        self.cupy: Any = importlib.import_module("cupy")
        try:
            self.cupy.cuda.runtime.getDeviceCount()
        except Exception as error:
            raise RuntimeError(
                f"backend='cupy' finds no GPU here ({error}); backend='numba' and backend='numpy' run without one"
            ) from error

    def compiled(self, program: Program) -> Callable[[list[Any]], tuple]:
        """A function from the inputs of the program to its outputs.

        Inputs are arrays of NumPy's or of CuPy's. What ``program.writes`` names is written into these when it returns.
        The other outputs are CuPy's if one of the inputs is, and NumPy's otherwise.
        """
        return Executable(grouped(program, knows), self.cupy).run
