"""Script: a program as one straight Python function, in which every array that can be has its place in memory."""

from __future__ import annotations

import linecache
from collections.abc import Callable
from typing import Any

import numpy as np

from calligrad.compiler.backends.numpy.calls import Calls, Source, can_be_given, can_overwrite
from calligrad.compiler.backends.numpy.numbers import Numbers
from calligrad.compiler.passes.views import is_view
from calligrad.compiler.plan import Buffer, Into, arrays_of, planned
from calligrad.compiler.program import Line, Program, Var, mapped
from calligrad.compiler.source import Scope
from calligrad.compiler.wording import tell_line


def function_of(program: Program) -> Callable[[list[Any]], tuple]:
    """The program as a function from the list of its inputs to the tuple of its outputs.

    It keeps its memory from call to call, so that only one thread may be in it.

    >>> x, y, z = (Var((2,), float, (8,)) for _ in range(3))
    >>> lines = [Line(np.exp, (x,), {}, (y,)), Line(np.multiply, (y, 2.0), {}, (z,))]
    >>> function_of(Program([x], {}, lines, [z]))([np.zeros(2)])
    (array([2., 2.]),)
    """
    return _Script(program).function()


class _Script(Scope):
    def __init__(self, program: Program) -> None:
        super().__init__(program.names())
        self.program = program
        self.plan = planned(program, can_be_given, can_overwrite)
        self.fixed: dict[Var, Any] = dict(program.constants) | arrays_of(self.plan, program)
        self.calls = Calls(self.text, self.name)
        self.numbers = Numbers(program, self.names)
        self.body: list[str] = []
        self.where: list[str] = []

    def function(self) -> Callable[[list[Any]], tuple]:
        """The function, compiled."""
        program = self.program
        read = {var for line in program.lines for var in line.ins} | set(program.outputs)
        if program.inputs:
            self._write(f"{''.join(f'{self.names[var]}, ' for var in program.inputs)}= inputs")
        for text in self.numbers.head():
            self._write(text)
        for line in program.lines:
            for text in self._of(line, read):
                self._write(text, line.where)
        outputs = [*map(self.text, program.outputs)]
        self._write(f"return ({''.join(f'{text}, ' for text in outputs)})")
        source = "def program(inputs):\n    " + "\n    ".join(self.body) + "\n"
        self.content |= {self.names[var]: x for var, x in self.fixed.items()} | self.numbers.content
        return _compiled(source, self.content, self.where)

    def _write(self, text: str, where: str = "") -> None:
        self.body.append(text)
        self.where.append(where)

    def _of(self, line: Line, read: set[Var]) -> list[str]:
        """The line as Python; nothing for a view of memory that stays where it is."""
        if (text := self.numbers.statement(line)) is not None:
            return [text]
        if self._is_fixed_view(line):
            return []
        if getattr(line.op, "is_tiled", False):
            return self._tiled(line)
        places = self.plan.places
        if len(line.outs) == 1 and line.out in places:
            out = line.out
            place = places[out]
            name = self.names[out]
            if isinstance(place, Into):
                target = self.names[place.var]
                return [*self.calls.statements(line, target, out in self.plan.overwrites), f"{name} = {target}"]
            return self.calls.statements(line, name, out in self.plan.overwrites)
        outs = ", ".join(self.names[out] if out in read else "_" for out in line.outs)
        return [f"{outs}{',' if len(line.outs) > 1 else ''} = {self.calls.expression(line)}"]

    def _is_fixed_view(self, line: Line) -> bool:
        """Whether the line gives views of arrays that are there before the program runs; then they are fixed, too."""
        if not is_view(line) or not line.ins or not all(var in self.fixed for var in line.ins):
            return False
        own = mapped(lambda x: self.fixed[x] if type(x) is Var else x, (line.args, line.kwargs))
        result = line.op(*own[0], **own[1])
        results = result if isinstance(result, (tuple, list)) else [result]
        source = self.fixed[line.ins[0]]
        if not all(isinstance(x, np.ndarray) and np.may_share_memory(x, source) for x in results):
            return all(var in self.program.constants for var in line.ins) and self._fix(line, results)
        return self._fix(line, results)

    def _fix(self, line: Line, results: Any) -> bool:
        self.fixed.update(zip(line.outs, results, strict=True))
        return True

    def _tiled(self, line: Line) -> list[str]:
        """A run of lines that goes tile by tile, into arrays that are new where they are handed out."""
        op: Any = line.op
        texts = []
        places = [self.plan.places.get(out) for out in line.outs]
        for out, place in zip(line.outs, places, strict=True):
            if isinstance(place, Into):
                texts.append(f"{self.names[out]} = {self.names[place.var]}")
            elif not isinstance(place, Buffer):
                texts.append(f"{self.names[out]} = {self.name(_Maker(out))}()")
        arrays = [*line.args, *line.outs]
        return [*texts, f"{self.name(op.run)}({', '.join(map(self.text, arrays))})"]

    # ---- source of arguments

    def text(self, x: Any) -> str:
        """``x`` as source."""
        if type(x) is Var:
            return self.numbers.text(x)
        return x if type(x) is Source else super().text(x)


class _Maker:
    """Makes an array of a Var's shape, dtype and layout, whose contents mean nothing."""

    def __init__(self, var: Var) -> None:
        order = sorted(range(len(var.shape)), key=lambda i: (-abs(var.strides[i]), i))
        self.shape = [var.shape[i] for i in order]
        self.dtype = var.dtype
        self.axes = None if order == list(range(len(order))) else np.argsort(order)

    def __call__(self) -> np.ndarray:
        made = np.empty(self.shape, self.dtype)
        return made if self.axes is None else made.transpose(self.axes)


_count = 0


def _compiled(source: str, content: dict[str, Any], where: list[str]) -> Callable[[list[Any]], tuple]:
    """The function of the source; an error in it says from which line of the user's it comes."""
    global _count
    _count += 1
    file = f"<calligrad program {_count}>"
    linecache.cache[file] = (len(source), None, source.splitlines(True), file)
    exec(compile(source, file, "exec"), content)
    program = content["program"]

    def run(inputs: list[Any]) -> tuple:
        try:
            with np.errstate(all="ignore"):
                return program(inputs)
        except Exception as error:
            trace = error.__traceback__
            while trace is not None:
                if trace.tb_frame.f_code is program.__code__:
                    tell_line(error, where[trace.tb_lineno - 2])
                trace = trace.tb_next
            raise

    return run
