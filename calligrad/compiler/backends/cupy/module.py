"""Modules: the kernels of a program, compiled together, and how they are launched."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

from calligrad.compiler.backends.cupy.kernel import Launch, kernels_of
from calligrad.compiler.backends.cupy.mirror import empty, lying
from calligrad.compiler.passes.fusion import Fused
from calligrad.compiler.program import Line, Var


def source_of(launches: Iterable[Launch]) -> str:
    """All kernels as one text of CUDA C; those that are the same are there once."""
    operations = Path(__file__).with_name("operations.cu").read_text(encoding="utf-8")
    return "\n".join([operations, *dict.fromkeys(one.source for one in launches)])


class Module:
    """The kernels of all groups of a program. CuPy compiles them once, and keeps them on disk."""

    def __init__(self, cupy: Any, lines: Iterable[Line]) -> None:
        self.cupy = cupy
        self.kernels = {line: kernels_of(line.op) for line in lines if isinstance(line.op, Fused)}

    @cached_property
    def _compiled(self) -> Any:
        launches = [one for kernels in self.kernels.values() for one in kernels.launches]
        return self.cupy.RawModule(code=source_of(launches), options=("-std=c++17",))

    def run(self, line: Line, arrays: list[Any]) -> list[Any]:
        """The outputs of a group, all of whose inputs are arrays on the GPU."""
        fused: Any = line.op
        program, kernels = fused.program, self.kernels[line]
        known = {var: lying(self.cupy, x, var) for var, x in zip(program.inputs, arrays)}
        for var in program.outputs:
            if var not in known:
                known[var] = empty(self.cupy, var)
        partial = [self.cupy.empty(count, dtype) for count, dtype in kernels.partial]
        for one in kernels.launches:
            given = tuple(known[x] if type(x) is Var else partial[x] for x in one.args)
            self._compiled.get_function(one.name)(one.grid, (one.block,), given)
        return [known[var] for var in program.outputs]
