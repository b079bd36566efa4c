"""Programs as Python source: to run them with NumPy, and to read them."""

from __future__ import annotations

import keyword
import math
import operator
import textwrap
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from calligrad.compiler.definitions import definitions_of
from calligrad.compiler.passes.views import is_view
from calligrad.compiler.program import Line, Program, Var
from calligrad.compiler.wording import call_of, source_of


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
            wanted = getattr(x, "__name__", "")
            wanted = wanted if wanted.isidentifier() and not wanted.startswith("_") else "c"
            self._known[key] = f"{wanted}_{len(self._known)}"
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


def source_of_program(program: Program, name: str, words: Mapping[Var, str] = MappingProxyType({})) -> str:
    """The program as a function to be read, and run with NumPy alone; ``words`` are what inputs are called.

    What is only another shape of an array, and read once, is written where it is read.
    """
    names = _named(program, words)
    own = list(dict.fromkeys(x for line in program.lines for x in _own(line)))
    blocks = [f'"""{name}, as calligrad.compile captured it."""', "from __future__ import annotations"]
    blocks += ["import numpy as np", definitions_of(own)]
    blocks += ["\n".join(f"{names[var]} = {_array_source(x)}" for var, x in program.constants.items())]
    function = "".join(c if c.isalnum() else "_" for c in name.rpartition(".")[2]).strip("_") or "program"
    function = "program" if keyword.iskeyword(function) else function
    head = _wrapped(f"def {function}(", [names[var] for var in program.inputs], "):")
    body = [*_inputs(program, names), *_body(program, names)]
    blocks = [block for block in blocks if block]
    return "\n\n".join(blocks[:3]) + "\n\n\n" + "\n\n\n".join([*blocks[3:], head + "\n" + "\n".join(body) + "\n"])


def _body(program: Program, names: dict[Var, str]) -> list[str]:
    """The lines, under comments that say which line of the user's asked for them."""
    readers = Counter(var for line in program.lines for var in line.ins) + Counter(program.outputs)
    readers.update(program.outputs)  # what is returned has a line of its own
    texts: dict[Any, str] = dict(names)
    rows: list[tuple[str, str]] = []
    where = ""
    for line in program.lines:
        text = call_of(line.op, line.args, line.kwargs, texts)
        if is_view(line) and len(line.outs) == 1 and readers[line.outs[0]] == 1 and len(text) < 40:
            texts[line.outs[0]] = text
            continue
        if line.where and line.where != where:
            rows.append((f"# {line.where}", ""))
        where = line.where or where
        outs = ", ".join(names[out] for out in line.outs)
        rows.append((f"{outs} = {text}", ", ".join(out.kind() for out in line.outs)))
    width = min(max((len(text) for text, kind in rows if kind), default=0), 70)
    lines = [f"    {text:<{width}}  # {kind}" if kind else f"    {text}" for text, kind in rows]
    outputs = [texts[var] for var in program.outputs]
    result = outputs[0] if len(outputs) == 1 else _wrapped("(", outputs, ")")
    return [*lines, textwrap.indent(f"return {result}", "    ")]


def _inputs(program: Program, names: dict[Var, str]) -> list[str]:
    """What the inputs are, and which of them are written into."""
    if not program.inputs:
        return []
    kinds = [f"{names[var]} {var.kind()}" for var in program.inputs]
    lines = _wrapped("Inputs: ", kinds, ".").splitlines()
    written = [f"{names[program.outputs[i]]} into {names[var]}" for var, i in program.writes]
    if written:
        lines += ["", *_wrapped("Written afterwards: ", written, ".").splitlines()]
    return textwrap.indent("\n".join(['"""' + lines[0], *lines[1:], '"""']), "    ").splitlines()


def _wrapped(head: str, words: list[str], end: str) -> str:
    """The words with commas, in lines that are not too long."""
    lines, current = [], head
    for i, word in enumerate(words):
        piece = word + (", " if i < len(words) - 1 else end)
        if len(current) + len(piece.rstrip()) > 110 and current.strip():
            lines.append(current.rstrip())
            current = "    "
        current += piece
    return "\n".join([*lines, current if words else head + end])


def _named(program: Program, words: Mapping[Var, str]) -> dict[Var, str]:
    """Names of all arrays: the words where they are names of Python, and apart."""
    names = program.names()
    taken = {*keyword.kwlist, "np", "operator"}
    for var, word in words.items():
        wanted = "_".join(part for part in "".join(c if c.isalnum() else "_" for c in word).split("_") if part)
        if var in names and wanted.isidentifier() and wanted not in taken and not _is_numbered(wanted):
            names[var] = wanted
            taken.add(wanted)
    for var, i in program.writes:
        new = f"new_{names[var]}"
        if not _is_numbered(names[var]) and new not in taken and _is_numbered(names[program.outputs[i]]):
            names[program.outputs[i]] = new
            taken.add(new)
    return names


def _is_numbered(name: str) -> bool:
    return name[0] == "v" and name[1:].isdigit()


def _own(line: Line) -> Iterator[Any]:
    """Functions and classes of calligrad's own that the line needs."""
    waiting = [line.op, *line.args, *line.kwargs.values()]
    while waiting:
        x = waiting.pop()
        kind = x if callable(x) else type(x)
        if isinstance(x, (tuple, list)):
            waiting.extend(x)
        if type(x) is not Var and (getattr(kind, "__module__", None) or "").startswith("calligrad"):
            yield kind


def _array_source(x: Any) -> str:
    """An array as source: as one number where all of it is that."""
    if not isinstance(x, np.ndarray):
        return source_of(x, {})
    dtype = f"np.dtype({x.dtype.name!r})"
    if x.size and np.array_equal(x, np.broadcast_to(x.flat[0], x.shape)) and not np.signbit(x.real).any():
        return f"np.full({x.shape}, {source_of(x.flat[0].item(), {})}, {dtype})"
    if x.ndim == 1 and x.dtype.kind == "i" and x.size > 2 and np.array_equal(x, np.arange(x.size)):
        return f"np.arange({x.size}, dtype={dtype})"
    flat = ", ".join(source_of(number, {}) for number in x.reshape(-1).tolist())
    return f"np.array([{flat}], {dtype}).reshape({x.shape})"
