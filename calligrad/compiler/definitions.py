"""Definitions: the source of functions of calligrad's own and of all that they need, to run with NumPy alone."""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from calligrad.rules import numpy_name


def definitions_of(ops: Iterable[Callable]) -> str:
    """Source that defines the functions and classes under their names.

    >>> from calligrad.compiler.operations import only
    >>> print(definitions_of([only]))
    def only(function, *args, **kwargs):
        \"\"\"The one array in the tuple or list that ``function`` gives.\"\"\"
        (y,) = function(*args, **kwargs)
        return y
    """
    writer = _Writer()
    for op in ops:
        writer.define(op.__name__, op)
    return writer.text()


class _Writer:
    def __init__(self) -> None:
        self.known: dict[str, Any] = {"np": np}
        self.imports: list[str] = []
        self.values: list[str] = []
        self.functions: list[str] = []
        self.others: list[str] = []

    def define(self, name: str, x: Any) -> None:
        """Whatever it takes for ``name`` to be ``x``."""
        if name in self.known:
            return
        self.known[name] = x
        module = getattr(x, "__module__", None) or ""
        if isinstance(x, ModuleType):
            self.imports.append(f"import {x.__name__}" + (f" as {name}" if x.__name__ != name else ""))
        elif isinstance(x, np.ufunc) or module.startswith("numpy"):
            self.others.append(f"{name} = {numpy_name(x)}")
        elif module.startswith("calligrad") and callable(x):
            self._define_own(name, x)
        elif callable(x) and module and module != "builtins":
            imported = f"from {module} import {x.__name__}"
            self.imports.append(imported + (f" as {name}" if x.__name__ != name else ""))
        elif not callable(x):
            self.values.append(f"{name} = {x!r}")

    def _define_own(self, name: str, x: Callable) -> None:
        plain = inspect.unwrap(getattr(x, "reference", x))
        text = textwrap.dedent(inspect.getsource(plain))
        node = ast.parse(text).body[0]
        if isinstance(node, ast.FunctionDef):
            text = "\n".join(text.splitlines()[node.lineno - 1 :])  # without what declares it a primitive
            node.decorator_list = []
        self.functions.append(text.rstrip())
        if plain.__name__ != name:
            self.others.append(f"{name} = {plain.__name__}")
            self.known[plain.__name__] = x
        for inner, value in _needs(plain, node):
            self.define(inner, value)

    def text(self) -> str:
        """All of it: what is imported, then values, functions, and other names for functions."""
        blocks = ["\n".join(sorted(set(self.imports))), "\n".join(self.values), *self.functions, "\n".join(self.others)]
        return "\n\n\n".join(block for block in blocks if block)


def _needs(x: Callable, node: ast.AST) -> Iterator[tuple[str, Any]]:
    """What the source of a function or class looks up outside of itself, by name; annotations are not looked up."""
    module = vars(sys.modules[x.__module__])
    for part in ast.walk(node):
        if isinstance(part, ast.arg):
            part.annotation = None
        elif isinstance(part, ast.FunctionDef):
            part.returns = None
    names = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
    yield from ((name, module[name]) for name in sorted(names) if name in module)
    if isinstance(x, FunctionType):
        for name, cell in zip(x.__code__.co_freevars, x.__closure__ or ()):
            yield name, cell.cell_contents
