"""What a function can reach besides its arguments: the arrays that it may use or change, and the settings it reads.

Closures, globals, modules, optimizers, lists and dicts are walked before a capture. Every array found there becomes an
input of the program, read where it is in every run, so that a parameter that was loaded or a buffer that was changed
in between is seen. Everything else that is found is noted: in a run where it is another, the function is captured anew.
"""

from __future__ import annotations

import array
import dis
import functools
import sys
import sysconfig
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from calligrad.arraylike import ArrayLike
from calligrad.compiler.arguments import leaves_of
from calligrad.compiler.places import MISSING, SCALARS, Place
from calligrad.value import Value

CONTAINERS = (dict, list, set, deque)
BUFFERS = (bytearray, array.array)  # of numbers; a program holds what NumPy makes of them
HOLDERS = frozenset({"argparse.Namespace", "types.SimpleNamespace", "_thread._local"}) | {
    f"collections.{name}" for name in ("UserDict", "UserList", "ChainMap")
}
"""Classes of Python's own that hold what the user puts there."""


class _Instance:
    """A class of which there is an object already: what it does to make one is not looked at."""

    __slots__ = ("kind",)

    def __init__(self, kind: type) -> None:
        self.kind = kind


class Surroundings:
    """Every place that the roots, pairs of an object and its name, lead to, each once."""

    def __init__(self, roots: list[tuple[Any, str]], arguments: dict[int, int]) -> None:
        """``arguments`` gives the positions of Values that are arguments, by id."""
        self._arguments = arguments
        self._own = {(getattr(roots[0][0], "__module__", None) or "").partition(".")[0]} if roots else set()
        self._names: set[str] = set()  # only what some code names is looked at, which may be code that names more
        self._walk(roots)
        while self.names != self._names:
            self._names = self.names
            self._walk(roots)

    def _walk(self, roots: list[tuple[Any, str]]) -> None:
        self.names: set[str] = set()
        self.codes: list[CodeType] = []
        self.places: list[Place] = []
        self.containers: list[tuple[Any, Any, str]] = []  # with a copy of what they held, and their name
        self.attributes: list[tuple[dict, set, str]] = []  # of objects, with their names then
        self.values: dict[int, Value] = {}
        self.computed: set[int] = set()  # ids of Values that are no leaves
        self.changing: set[int] = set()  # ids of dicts whose numbers are others in every run
        self.shared: set[int] = set()  # ids of what was found in several places
        self._globals: set[tuple[int, str]] = set()
        self._instances: dict[type, _Instance] = {}
        self.seen: dict[int, Any] = {}  # which keeps what was seen alive, so that no id is used twice
        times: dict[int, int] = {}
        late: set[int] = set()
        waiting: list[tuple[Any, str, Place | None]] = [(x, name, None) for x, name in reversed(roots)]
        while waiting:
            x, name, parent = waiting.pop()
            if id(x) in self._arguments:
                times[id(x)] = times.get(id(x), 0) + 1
            if id(x) in self.seen or not self._is_walked(x):
                self.shared.add(id(x))
                continue
            if hasattr(type(x), "changing_numbers") and waiting and id(x) not in late:
                late.add(id(x))
                waiting.insert(0, (x, name, parent))  # parameters are called as in their model, not as in an optimizer
                continue
            self.seen[id(x)] = x
            if hasattr(type(x), "changing_numbers"):
                self.changing.update(map(id, x.changing_numbers()))
            if isinstance(x, (CONTAINERS, BUFFERS)):
                self.containers.append((x, x[:] if isinstance(x, BUFFERS) else x.copy(), name))
            for place, inner in self._places(x, name):
                if place is None:
                    waiting.append((inner, name, None))
                    continue
                place.parent = parent if isinstance(x, (dict, list, Value)) else None
                self.places.append(place)
                waiting.append((place.original, place.name, place))
        counts = [sum(x is y for y, _ in roots) for x, _ in roots]
        once = {id(x): n for (x, _), n in zip(roots, counts)}
        self.fixed = {i for x, i in self._arguments.items() if times.get(x, 0) > once.get(x, 1)}
        for place in self.places:
            if place.argument in self.fixed:
                place.argument = None

    def _is_walked(self, x: Any) -> bool:
        if isinstance(x, (SCALARS, np.ndarray, BuiltinFunctionType, np.ufunc)):
            return False
        if isinstance(x, FunctionType):
            return not self._is_library(x.__module__, x.__code__.co_filename)
        if isinstance(x, ModuleType):
            return not self._is_library(x.__name__, getattr(x, "__file__", None))
        if isinstance(x, (type, _Instance)):
            return not self._is_library((x.kind if type(x) is _Instance else x).__module__)
        kind = type(x)
        if isinstance(x, (CONTAINERS, BUFFERS, tuple, MethodType, functools.partial, Value)) or _is_holder(kind):
            return True
        if hasattr(kind, "named_parameters"):  # a module, from wherever
            self._own.add(kind.__module__.partition(".")[0])
            return True
        if kind.__module__.startswith("calligrad.compiler"):
            return hasattr(kind, "explain")  # a compiled function within: it leads to what it is made of
        if issubclass(kind, ArrayLike) or getattr(kind, "is_settled", False):
            return False
        return kind.__module__.startswith("calligrad.") or not self._is_library(kind.__module__)

    def _is_library(self, module: str | None, file: str | None = None) -> bool:
        """Whether the module is none of the user's: Python's own, or one that was installed."""
        root = (module or "").partition(".")[0]
        if root == "calligrad":
            return True
        return root == "numpy" or (root not in self._own and _is_installed(module, file))

    def _places(self, x: Any, name: str) -> Iterator[tuple[Place | None, Any]]:
        """The places within ``x``; without one, what it leads to."""
        if isinstance(x, FunctionType):
            yield from self._of_function(x)
        elif isinstance(x, (type, _Instance)):
            yield from self._of_class(x)
        elif isinstance(x, ModuleType):
            yield from self._of_namespace(
                vars(x), [key for key in vars(x) if self._is_named(key) and not _is_special(key)]
            )
        elif isinstance(x, MethodType):
            yield None, x.__func__
            yield None, x.__self__
        elif isinstance(x, functools.partial):
            for part in (x.func, x.args, x.keywords):
                yield None, part
        elif isinstance(x, Value):
            self.values[id(x)] = x
            if x.created_by is not None:
                self.computed.add(id(x))
                yield Place(x, "created_by", True, f"{name}.created_by"), None
                return
            argument = self._arguments.get(id(x))
            for key in ("_array", "_grad", "_requires_grad", *(() if x._requires_grad else ("created_by",))):
                word = "data" if key == "_array" else key.lstrip("_")
                yield Place(x, key, True, f"{name}.{word}", argument), None
        elif isinstance(x, dict):
            for key in list(x):
                yield Place(x, key, False, f"{name}[{key!r}]"), None
        elif isinstance(x, (list, deque)):
            for i in range(len(x)):
                yield Place(x, i, False, f"{name}[{i}]"), None
        elif isinstance(x, (tuple, set)):
            for part in x:
                yield None, part
        elif isinstance(x, BUFFERS):
            return
        else:
            yield from self._of_object(x, name)

    def _of_function(self, x: FunctionType) -> Iterator[tuple[Place | None, Any]]:
        self._read(x.__code__)
        for key, cell in zip(x.__code__.co_freevars, x.__closure__ or ()):
            yield Place(cell, "cell_contents", True, key), None
        yield from self._of_namespace(x.__globals__, _globals_of(x.__code__))
        if x.__defaults__:
            yield Place(x, "__defaults__", True, f"the defaults of {x.__name__}"), None
        for inner in (x.__kwdefaults__, vars(x)):
            if inner:
                yield None, inner

    def _of_namespace(self, namespace: dict[str, Any], names: Iterable[str]) -> Iterator[tuple[Place | None, Any]]:
        """The globals of those names, each once."""
        for key in sorted(names):
            if key in namespace and (id(namespace), key) not in self._globals:
                self._globals.add((id(namespace), key))
                yield Place(namespace, key, False, key), None

    def _of_class(self, known: type | _Instance) -> Iterator[tuple[Place | None, Any]]:
        x = known.kind if isinstance(known, _Instance) else known
        for key, member in list(vars(x).items()):
            if not (self._is_named(key) or _is_special(key)) or (x is not known and key == "__init__"):
                continue
            for inner in (member, *(getattr(member, word, None) for word in _FUNCTIONS)):
                if isinstance(inner, FunctionType):
                    yield None, inner
            if not _is_special(key) and getattr(x, key, MISSING) is member:
                yield Place(x, key, True, f"{x.__name__}.{key}"), None
        for base in x.__bases__:
            if self._is_walked(base):
                yield None, base if x is known else self._instances.setdefault(base, _Instance(base))
            elif base is not object:
                self.names |= _names_of_class(base)

    def _of_object(self, x: Any, name: str) -> Iterator[tuple[Place | None, Any]]:
        kind = type(x)
        if kind.__module__.startswith("calligrad.compiler"):
            yield Place(vars(x), "f", False, name), None
            return
        ours = kind.__module__.startswith("calligrad.") or _is_holder(kind)
        is_module = hasattr(kind, "named_parameters")  # which finds parameters under any name
        if hasattr(x, "__dict__"):
            self.attributes.append((vars(x), set(vars(x)), name))
        for key, content in list(getattr(x, "__dict__", {}).items()):
            if ours or self._is_named(key) or (is_module and not _is_idle(content)):
                yield Place(vars(x), key, False, f"{name}.{key}"), None
        for base in kind.__mro__:
            slots = vars(base).get("__slots__", ())
            for key in (slots,) if isinstance(slots, str) else slots:
                if key not in ("__weakref__", "__dict__"):
                    yield Place(x, key, True, f"{name}.{key}"), None
        yield None, self._instances.setdefault(kind, _Instance(kind))
        if hasattr(x, "__wrapped__"):
            yield None, x.__wrapped__

    # ---- which names code uses

    def _read(self, code: CodeType) -> None:
        """Note the names that a function, or one defined within it, uses."""
        self.codes.append(code)
        self.names |= _names_of(code)

    def _is_named(self, key: str) -> bool:
        """Whether some code that was found can read the attribute: no other needs to be watched."""
        return key in self._names or not self._names.isdisjoint(_DYNAMIC)


_DYNAMIC = frozenset({"getattr", "setattr", "vars", "__dict__", "asdict", "astuple", "eval", "exec", "attrgetter"})


def _is_idle(x: Any) -> bool:
    """Whether an attribute that no code names is nobody's: a number, a list of numbers, such as a history."""
    return all(isinstance(leaf, SCALARS) for leaf in leaves_of(x)) and not isinstance(x, bool)


def _is_special(key: str) -> bool:
    return key.startswith("__") and key.endswith("__")


_FUNCTIONS = ("__func__", "fget", "fset", "fdel", "func")  # of methods and properties


def _is_holder(kind: type) -> bool:
    return f"{kind.__module__}.{kind.__qualname__}" in HOLDERS


@functools.cache
def _codes(code: CodeType) -> tuple[CodeType, ...]:
    """The code, and that of all functions defined within it."""
    codes = [code]
    for inner in codes:
        codes += [part for part in inner.co_consts if isinstance(part, CodeType)]
    return tuple(codes)


@functools.cache
def _names_of(code: CodeType) -> frozenset[str]:
    """The names of globals and attributes that it uses."""
    return frozenset(name for inner in _codes(code) for name in inner.co_names)


@functools.cache
def _globals_of(code: CodeType) -> frozenset[str]:
    """The names of globals that it uses: those that are no attributes."""
    lines = (line for inner in _codes(code) for line in dis.get_instructions(inner))
    return frozenset(line.argval for line in lines if line.opname.endswith(("_GLOBAL", "_NAME")))


@functools.cache
def _names_of_class(kind: type) -> frozenset[str]:
    """The names that a class of a library reads."""
    functions = (x for base in kind.__mro__ for x in vars(base).values() if isinstance(x, FunctionType))
    return frozenset().union(*(x.__code__.co_names for x in functions))


@functools.cache
def _library_folders() -> tuple[str, ...]:
    paths = sysconfig.get_paths()
    return tuple({str(Path(paths[key])) for key in ("stdlib", "platstdlib", "purelib", "platlib")})


@functools.cache
def _is_installed(module: str | None, file: str | None) -> bool:
    if module == "__main__" or (file is None and module not in sys.modules):
        return False
    file = file or getattr(sys.modules[module or ""], "__file__", None)
    return file is None or str(file).startswith(_library_folders())
