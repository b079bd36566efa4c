"""Programs as Python source: to run them with NumPy, and to read them."""

from __future__ import annotations

import inspect
import math
import operator
import textwrap
from collections.abc import Callable
from typing import Any

import numpy as np

from calligrad.compiler.program import Line, Program, Var
from calligrad.compiler.wording import call_of


class Scope:
    """What the source of a function names: operations, settings and arrays that have no text of their own."""

    def __init__(self, names: dict[Var, str]) -> None:
        self.names = names
        self.content: dict[str, Any] = {"np": np}
        self._known: dict[Any, str] = {}

    def name(self, x: Any) -> str:
        """A name under which the source finds ``x``."""
        key = x if isinstance(x, np.ufunc) or callable(x) else id(x)
        if key not in self._known:
            self._known[key] = f"c{len(self._known)}"
            self.content[self._known[key]] = x
        return self._known[key]

    def text(self, x: Any) -> str:
        """``x`` as source, for arguments of a call."""
        kind = type(x)
        if kind is Var:
            return self.names[x]
        if kind is tuple:
            return f"({''.join(self.text(part) + ', ' for part in x)})"
        if kind is list:
            return f"[{', '.join(map(self.text, x))}]"
        if kind is dict:
            return "{" + ", ".join(f"{key!r}: {self.text(part)}" for key, part in x.items()) + "}"
        if kind is slice:
            return f"slice({self.text(x.start)}, {self.text(x.stop)}, {self.text(x.step)})"
        if kind in (int, bool, str, type(None)) or (kind is float and math.isfinite(x)):
            return f"({x!r})" if kind in (int, float) and x < 0 else repr(x)
        return "..." if x is Ellipsis else self.name(x)

    def call(self, line: Line) -> str:
        """The call that the line is."""
        if line.op is operator.getitem:
            return f"{self.text(line.args[0])}[{self.text(line.args[1])}]"
        inner = [*map(self.text, line.args), *(f"{key}={self.text(x)}" for key, x in line.kwargs.items())]
        return f"{self.name(line.op)}({', '.join(inner)})"


def function_of(program: Program) -> Callable[[list[Any]], tuple]:
    """The program as a function from the list of its inputs to the tuple of its outputs."""
    names = program.names()
    scope = Scope(names)
    scope.content |= {names[var]: x for var, x in program.constants.items()}
    given = "".join(f"{names[var]}, " for var in program.inputs)
    body = [f"{given}= inputs"] if given else []
    last: dict[Var, int] = {var: i for i, line in enumerate(program.lines) for var in line.ins}
    kept = {*program.outputs, *program.constants}
    for i, line in enumerate(program.lines):
        outs = ", ".join(names[out] for out in line.outs)
        body.append(f"{outs}{',' if len(line.outs) > 1 else ''} = {scope.call(line)}")
        dead = [names[v] for v in dict.fromkeys([*line.ins, *line.outs]) if v not in kept and last.get(v, i) == i]
        if dead:
            body.append(f"del {', '.join(dead)}")  # its memory serves the next array
    body.append(f"return ({''.join(f'{names[var]}, ' for var in program.outputs)})")
    exec("def program(inputs):\n    " + "\n    ".join(body), scope.content)
    return scope.content["program"]


def source_of_program(program: Program, name: str) -> str:
    """The program as a function to be read, and run with NumPy alone."""
    names = program.names()
    function = "".join(c if c.isalnum() else "_" for c in name)
    own = dict.fromkeys(line.op for line in program.lines if _is_ours(line.op))
    parts = ["import operator", "", "import numpy as np", ""] if own else ["import numpy as np", ""]
    parts += [_text_of(op) for op in own]
    for var, x in program.constants.items():
        parts.append(f"{names[var]} = {_array_source(x)}")
    head = f"def {function}({', '.join(names[var] for var in program.inputs)}):"
    body = [f'"""Inputs: {", ".join(f"{names[v]} {v.kind()}" for v in program.inputs)}."""'] if program.inputs else []
    for line in program.lines:
        outs = ", ".join(names[out] for out in line.outs)
        comment = ", ".join(out.kind() for out in line.outs) + (f"  {line.where}" if line.where else "")
        body.append(f"{outs} = {call_of(line.op, line.args, line.kwargs, names)}  # {comment}")
    body.append(f"return {', '.join(names[var] for var in program.outputs) or 'None'}")
    return "\n".join([*parts, "", head, textwrap.indent("\n".join(body), "    "), ""])


def _is_ours(op: Any) -> bool:
    return (getattr(op, "__module__", None) or "").startswith("calligrad")


def _text_of(op: Callable) -> str:
    """The source of an operation of calligrad's, or of what stands for it in plain NumPy."""
    return textwrap.dedent(inspect.getsource(getattr(op, "reference", op))) + "\n"


def _array_source(x: Any) -> str:
    """An array as source."""
    if isinstance(x, np.ndarray):
        return f"np.array({x.tolist()!r}, dtype=np.dtype({x.dtype.name!r})).reshape({x.shape})"
    return f"np.{type(x).__name__}({x.item()!r})"
