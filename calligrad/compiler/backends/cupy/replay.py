"""Replays: a program that has run once, as CUDA graphs and what has to be between them."""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from calligrad.compiler.operations import setitem
from calligrad.compiler.passes.fusion import Fused
from calligrad.compiler.passes.views import is_view
from calligrad.compiler.program import Line, Var

if TYPE_CHECKING:
    from calligrad.compiler.backends.cupy.executable import Executable

_KERNELS = frozenset(
    (setitem, operator.getitem, np.take, np.concatenate, np.stack, np.zeros_like, np.copy, np.astype, np.where)
)
"""Functions that CuPy does with kernels alone. Not with a mask: how many numbers it selects, the host has to know."""


class Replay:
    """Does a run of the executable again and again, from one place of each array to the next.

    Groups, and what else is nothing but kernels, become CUDA graphs. CuPy lets nobody record a product of matrices
    (cuBLAS): these, and what the host does, are called in between, and leave what they give where it was the first
    time. The memory that the graphs write into is nobody else's.
    """

    def __init__(self, executable: Executable, given: dict[Var, Any]) -> None:
        self.executable = executable
        self.stream = executable.stream
        self.pool = executable.cupy.cuda.MemoryPool()
        self.steps: list[Callable[[dict[Var, Any]], Any]] = []
        with executable.cupy.cuda.using_allocator(self.pool.malloc):
            self._record(given)

    def run(self, given: dict[Var, Any]) -> None:
        """The whole program, from the inputs that are in their places."""
        for step in self.steps:
            step(given)

    def _record(self, given: dict[Var, Any]) -> None:
        """One run, in which every graph is launched as soon as it is there."""
        known = self.executable.arrays()
        for is_kernels, lines in itertools.groupby(enumerate(self.executable.lines), lambda x: self._is_kernels(x[1])):
            numbered = list(lines)
            if is_kernels:
                self._as_graph(functools.partial(self._do, numbered, known, given))
            else:
                for n, line in numbered:
                    arrays = {var: known[var] for var in line.ins if not var.weak}
                    self.executable.do(n, line, known, given, forget=False)
                    self.steps.append(self._again(line, arrays, [known.get(out) for out in line.outs]))
                    self.executable.forget(n, known)
        self._as_graph(lambda: self.executable.finish(known))

    def _do(self, numbered: list[tuple[int, Line]], known: dict[Var, Any], given: dict[Var, Any]) -> None:
        for n, line in numbered:
            self.executable.do(n, line, known, given)

    def _as_graph(self, work: Callable[[], Any]) -> None:
        self.stream.begin_capture()
        try:
            work()
        except Exception:
            self._give_up()
            raise
        graph = self.stream.end_capture()
        self.steps.append(lambda given: graph.launch(self.stream))
        graph.launch(self.stream)

    def _give_up(self) -> None:
        try:
            self.stream.end_capture()
        except Exception:  # a capture that has failed ends with an error, and is over
            return

    def _again(self, line: Line, arrays: dict[Var, Any], outs: list[Any]) -> Callable[[dict[Var, Any]], None]:
        """What calls a line anew; the arrays are those of the recorded run."""
        if line.op is np.matmul and not line.kwargs:
            a, b = (arrays[x] if type(x) is Var else x for x in line.args)
            return lambda given: np.matmul(a, b, out=outs[0])

        def call(given: dict[Var, Any]) -> None:
            for x, y in zip(outs, self.executable.results(line, given | arrays)):
                if x is not None:
                    x[...] = y

        return call

    def _is_kernels(self, line: Line) -> bool:
        """Whether no more is done than kernels are launched, with arguments that are the same in every run."""
        if isinstance(line.op, Fused):
            return True
        if line in self.executable.on_host or any(var.weak for var in line.ins):
            return False
        if is_view(line) or self.executable.is_gather(line):  # np.reshape may be a copy
            return True
        is_pointwise = isinstance(line.op, np.ufunc) and line.op.signature is None
        return (is_pointwise or line.op in _KERNELS) and not any(var.dtype.kind == "b" for var in line.ins[1:])
