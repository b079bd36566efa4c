"""Executables: programs on a GPU, line after line, and then as CUDA graphs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from calligrad.compiler.backends.cupy.functions import Gathers, functions_of
from calligrad.compiler.backends.cupy.mirror import Mirror
from calligrad.compiler.backends.cupy.module import Module
from calligrad.compiler.backends.cupy.replay import Replay
from calligrad.compiler.operations import laid_out
from calligrad.compiler.passes.fusion import Fused
from calligrad.compiler.passes.views import is_view
from calligrad.compiler.program import Line, Program, Var, mapped


class Executable:
    """A program whose arrays stay on the GPU.

    The first run is done line by line: groups as kernels, the others by CuPy's functions; a line that CuPy does not do
    as NumPy does it, in shape and dtype, goes to the host and back. The second run is recorded, and all later ones
    replay it.
    """

    def __init__(self, program: Program, cupy: Any) -> None:
        self.program = program
        self.cupy = cupy
        self.module = Module(cupy, program.lines)
        self.ahead, self.lines = _apart(program)
        self.functions = functions_of(cupy, (line for line in self.lines if not isinstance(line.op, Fused)))
        self.stream = cupy.cuda.Stream(non_blocking=True)
        self.mirrors = {var: Mirror(cupy, var) for var in program.inputs}
        self.constants = {var: cupy.asarray(x) for var, x in program.constants.items()}
        self.on_host: set[Line] = set()
        """Lines that NumPy does, on arrays that are brought over for it."""

        self.is_tried = False
        self.replay: Any = None
        """None before there is one; False if there can be none."""
        self.outputs: list[Any] = []
        self._dead = _last_uses(program, self.lines)

    def run(self, inputs: list[Any]) -> tuple:
        """The outputs for these inputs."""
        given = dict(zip(self.program.inputs, inputs))
        self._look(given)
        are_there = any(isinstance(x, self.cupy.ndarray) for x in inputs)
        if are_there:
            self.cupy.cuda.get_current_stream().synchronize()  # somebody may still be computing them
        with self.stream:
            for var, mirror in self.mirrors.items():
                mirror.take(given[var])
            self._launch(given)
            outputs = self._written(given)
            results = [outputs[i] if i in outputs else self._out(i, are_there) for i in range(len(self.outputs))]
            self.stream.synchronize()
        return tuple(results)

    def _look(self, given: dict[Var, Any]) -> None:
        """Let the checks of the inputs say what they have to say, on the host."""
        if self.ahead:
            read = {var for line in self.ahead for var in line.ins}
            known = {var: self._on_host(x) for var, x in {**self.program.constants, **given}.items() if var in read}
            for line in self.ahead:
                known.update(zip(line.outs, _results(line, _call(line, known))))

    def _launch(self, given: dict[Var, Any]) -> None:
        """Compute the outputs, and put those that are written where the next run looks for them."""
        if self.replay:
            self.replay.run(given)
            return
        if self.is_tried and self.replay is None:
            try:
                self.replay = Replay(self, given)
                return
            except Exception:  # it can be done line by line, as it was
                self.replay = False
        known = self.arrays()
        for n, line in enumerate(self.lines):
            self.do(n, line, known, given)
        self.finish(known)
        self.is_tried = True

    def _written(self, given: dict[Var, Any]) -> dict[int, Any]:
        """Write into the inputs what they are to hold; by position of the output, these inputs."""
        for var, _ in self.program.writes:
            if not isinstance(given[var], self.cupy.ndarray):
                self.mirrors[var].fetch()
        self.stream.synchronize()
        for var, _ in self.program.writes:
            self.mirrors[var].put_back(given[var])
        return {i: given[var] for var, i in reversed(self.program.writes)}

    def _out(self, i: int, are_there: bool) -> Any:
        """An output as whoever called gets it: an array of its own."""
        x, var = self.outputs[i], self.program.outputs[i]
        if x is None:
            return None
        if are_there:
            return x.copy()
        x = x.get()
        if len(var.strides) == x.ndim and x.strides != var.strides:
            x = laid_out(x, var.strides)
        if var.weak:
            return x.item()
        return x if x.ndim else x[()]

    # ---- on the GPU

    def arrays(self) -> dict[Var, Any]:
        """What is there ahead of the first line."""
        return {var: mirror.array for var, mirror in self.mirrors.items()} | self.constants

    def do(self, n: int, line: Line, known: dict[Var, Any], given: dict[Var, Any], forget: bool = True) -> None:
        """Line ``n``: its outputs are known afterwards, and what nobody needs any more is not."""
        if isinstance(line.op, Fused):
            results = self.module.run(line, [known[var] for var in line.args])
        else:
            results = self.results(line, {var: given[var] if var.weak else known[var] for var in line.ins})
        known.update(zip(line.outs, results))
        if forget:
            self.forget(n, known)

    def forget(self, n: int, known: dict[Var, Any]) -> None:
        """Drop what line ``n`` was the last to need: the next array may lie there."""
        for var in self._dead[n]:
            del known[var]

    def results(self, line: Line, known: dict[Var, Any]) -> list[Any]:
        """What a line that is no group gives: by CuPy's functions, which NumPy's call for its arrays, or by NumPy."""
        if line not in self.on_host:
            try:
                results = _results(line, _call(line, known, self.functions[line]))
                if all(map(_is_like, results, line.outs)):
                    return results
            except Exception:
                if self.is_tried:
                    raise
            self.on_host.add(line)
        host = {var: self._on_host(known[var]) for var in dict.fromkeys(line.ins)}
        return [None if x is None else self.cupy.asarray(x) for x in _results(line, _call(line, host))]

    def finish(self, known: dict[Var, Any]) -> None:
        """Note the outputs, and let the inputs that are written have theirs."""
        outputs: list[Any] = [known.get(var) for var in self.program.outputs]  # a check gives nothing
        if self.program.writes:  # an output may be a view of what another one overwrites
            outputs = [x.copy() if self._is_shared(x) else x for x in outputs]
        for var, i in self.program.writes:
            self.mirrors[var].array[...] = outputs[i]
        self.outputs = outputs

    def is_gather(self, line: Line) -> bool:
        """Whether the line is done by a kernel of this backend."""
        return isinstance(getattr(self.functions[line], "__self__", None), Gathers)

    def _is_shared(self, x: Any) -> bool:
        return getattr(x, "base", None) is not None or any(x is mirror.array for mirror in self.mirrors.values())

    def _on_host(self, x: Any) -> Any:
        return x.get() if isinstance(x, self.cupy.ndarray) else x


def _apart(program: Program) -> tuple[list[Line], list[Line]]:
    """The lines that check inputs, or what is only another shape of them, and all the others."""
    simple = set(program.inputs) | set(program.constants)
    maker = {out: line for line in program.lines for out in line.outs}
    for line in program.lines:
        if is_view(line) and simple.issuperset(line.ins):
            simple.update(line.outs)
    checks = {line for line in program.lines if getattr(line.op, "checks", False) and simple.issuperset(line.ins)}
    needed, waiting = set(checks), list(checks)
    while waiting:
        makers = {maker[var] for var in waiting.pop().ins if var in maker} - needed
        needed |= makers
        waiting += makers
    return [n for n in program.lines if n in needed], [n for n in program.lines if n not in checks]


def _last_uses(program: Program, lines: list[Line]) -> list[list[Var]]:
    """For each line the arrays that nobody needs after it."""
    last = {var: n for n, line in enumerate(lines) for var in (*line.ins, *line.outs)}
    kept = {*program.inputs, *program.constants, *program.outputs}
    dead: list[list[Var]] = [[] for _ in lines]
    for var, n in last.items():
        if var not in kept:
            dead[n].append(var)
    return dead


def _call(line: Line, known: dict[Var, Any], function: Callable | None = None) -> Any:
    """What the line gives; what it raises says whose line that is."""
    args, kwargs = mapped(lambda x: known[x] if type(x) is Var else x, (line.args, line.kwargs))
    try:
        with np.errstate(all="ignore"):
            return (function or line.op)(*args, **kwargs)
    except Exception as error:
        if line.where:
            error.add_note(line.where)
        raise


def _results(line: Line, result: Any) -> list[Any]:
    return list(result) if len(line.outs) > 1 else [result]


def _is_like(x: Any, var: Var) -> bool:
    is_there = not isinstance(x, (np.ndarray, np.generic)) and hasattr(x, "shape")
    return is_there and x.shape == var.shape and x.dtype == var.dtype
