"""What a function can reach besides its arguments: the arrays that it may use or change, and the settings it reads.

Closures, globals, modules, optimizers, lists and dicts are walked before a capture. Every array found there becomes an
input of the program, read where it is in every run, so that a parameter that was loaded or a buffer that was changed
in between is seen. Every flag or number found is noted: in a run where it is another, the function is captured anew.
"""

from __future__ import annotations

import functools
import sys
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from calligrad.value import Value


class Place:
    """Where something is kept: an item of a dict or list, an attribute, or what a closure holds."""

    __slots__ = ("attribute", "holder", "key", "name", "original")

    def __init__(self, holder: Any, key: Any, attribute: bool, name: str) -> None:
        self.holder, self.key, self.attribute, self.name = holder, key, attribute, name
        self.original = self.get()

    def get(self) -> Any:
        """What is there now."""
        return getattr(self.holder, self.key, MISSING) if self.attribute else self._item()

    def _item(self) -> Any:
        try:
            return self.holder[self.key]
        except (KeyError, IndexError):
            return MISSING

    def original_now(self) -> Any:
        """What was there when the place was found."""
        return self.original

    def set(self, x: Any) -> None:
        """Put ``x`` there."""
        if self.attribute:
            setattr(self.holder, self.key, x)
        else:
            self.holder[self.key] = x


MISSING = type("Missing", (), {"__repr__": lambda self: "nothing"})()

SCALARS = (bool, int, float, complex, str, bytes, type(None), np.dtype, type, np.generic)


def reachable(roots: list[tuple[Any, str]], changing: set[int]) -> Iterator[Place]:
    """Every place that the roots, pairs of an object and its name, lead to, each once.

    To ``changing`` are added the ids of dicts whose numbers are others in every run: an object says which it has by
    ``changing_numbers()``. One whose class ``is_settled`` is left alone.
    """
    seen: set[int] = set()
    waiting = list(reversed(roots))
    alive = []  # so that no id is used twice
    while waiting:
        x, name = waiting.pop()
        if id(x) in seen or not _is_walked(x):
            continue
        seen.add(id(x))
        alive.append(x)
        if hasattr(type(x), "changing_numbers"):
            changing.update(map(id, x.changing_numbers()))
        for place, inner in _places(x, name):
            if place is not None:
                yield place
                inner = place.original
            waiting.append((inner, name if place is None else place.name))


def _is_walked(x: Any) -> bool:
    if isinstance(x, (SCALARS, np.ndarray, ModuleType, BuiltinFunctionType, np.ufunc)):  # type: ignore[arg-type]
        return False
    if isinstance(x, FunctionType):
        return not _is_library(x.__module__, x.__code__.co_filename)
    if isinstance(x, (dict, list, tuple, set, MethodType, functools.partial, Value)):
        return True
    kind = type(x)
    if kind.__module__.startswith("calligrad.compiler") or getattr(kind, "is_settled", False):
        return False
    return kind.__module__.startswith("calligrad.") or not _is_library(kind.__module__, None)


def _places(x: Any, name: str) -> Iterator[tuple[Place | None, Any]]:
    """The places within ``x``; without one, what it leads to."""
    if isinstance(x, FunctionType):
        for key, cell in zip(x.__code__.co_freevars, x.__closure__ or ()):
            yield Place(cell, "cell_contents", True, key), None
        for key in _globals_of(x):
            yield Place(x.__globals__, key, False, key), None
        for holder in (x.__defaults__, x.__kwdefaults__):
            yield None, holder
        if (inner := getattr(x, "__wrapped__", None)) is not None:
            yield None, inner
    elif isinstance(x, MethodType):
        yield None, x.__func__
        yield None, x.__self__
    elif isinstance(x, functools.partial):
        for part in (x.func, x.args, x.keywords):
            yield None, part
    elif isinstance(x, Value):
        for key in ("_array", "_grad", "_requires_grad"):
            yield Place(x, key, True, f"{name}.{ {'_array': 'data'}.get(key, key.lstrip('_')) }"), None
    elif isinstance(x, dict):
        for key in list(x):
            yield Place(x, key, False, f"{name}[{key!r}]"), None
    elif isinstance(x, list):
        for key in range(len(x)):
            yield Place(x, key, False, f"{name}[{key}]"), None
    elif isinstance(x, (tuple, set)):
        for part in x:
            yield None, part
    else:
        for key in list(getattr(x, "__dict__", ())):
            yield Place(vars(x), key, False, f"{name}.{key}"), None
        for kind in type(x).__mro__:
            for key in _slots(kind):
                if key not in ("__weakref__", "__dict__"):
                    yield Place(x, key, True, f"{name}.{key}"), None
        for word in ("forward", "__call__", "training_step"):
            if isinstance(method := getattr(type(x), word, None), FunctionType):
                yield None, method


def _slots(kind: type) -> tuple[str, ...]:
    slots = vars(kind).get("__slots__", ())
    return (slots,) if isinstance(slots, str) else tuple(slots)


def _globals_of(function: FunctionType) -> list[str]:
    """The names of globals that the function, or one defined within it, reads."""
    names: dict[str, None] = {}
    codes = [function.__code__]
    for code in codes:
        names |= dict.fromkeys(code.co_names)
        codes += [part for part in code.co_consts if hasattr(part, "co_names")]
    return [key for key in names if key in function.__globals__]


@functools.cache
def _library_folders() -> tuple[str, ...]:
    paths = sysconfig.get_paths()
    return tuple({str(Path(paths[key])) for key in ("stdlib", "platstdlib", "purelib", "platlib")})


@functools.cache
def _is_library(module: str | None, file: str | None) -> bool:
    """Whether the module is none of the user's: Python's own, or one that was installed."""
    if module == "__main__":
        return False
    if (module or "").startswith("calligrad."):
        return True
    file = file or getattr(sys.modules.get(module or ""), "__file__", None)
    return file is None or str(file).startswith(_library_folders())


def hold(places: list[Place]) -> Callable[[], Place | None]:
    """A function that gives the first of the places which holds another flag or number than it did, or None."""
    scope: dict[str, Any] = {"nan": float("nan")}
    lines = []
    for i, place in enumerate(places):
        scope[f"h{i}"], scope[f"k{i}"], scope[f"x{i}"], scope[f"p{i}"] = place.holder, place.key, place.original, place
        value = f"h{i}.{place.key}" if place.attribute else f"h{i}[k{i}]"
        lines.append(f"        if {value} is not x{i} and not same({value}, x{i}): return p{i}")
    text = "\n".join(["def changed():", "    try:", *(lines or ["        pass"])])
    text += "\n    except (KeyError, IndexError, AttributeError) as error:\n        return gone(error)\n    return None"
    scope["same"] = lambda a, b: type(a) is type(b) and a == b
    scope["gone"] = lambda error: places[0]
    exec(text, scope)
    return scope["changed"]


def leaves(nest: Any) -> list[Any]:
    """Everything in tuples, lists and dicts, in order."""
    if type(nest) is dict:
        return [leaf for part in nest.values() for leaf in leaves(part)]
    if isinstance(nest, (list, tuple)):
        return [leaf for part in nest for leaf in leaves(part)]
    return [nest]
