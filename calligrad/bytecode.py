"""What the code of a function names and assigns, without running it."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Iterator
from contextlib import suppress
from types import CodeType
from typing import Any


def names_in(f: Any) -> set[str]:
    """The attributes and globals that a function names, in itself or in the functions within it.

    >>> sorted(names_in(lambda self: [x.data for x in self.inputs]))
    ['data', 'inputs']
    """
    return {name for code in _codes(f) for name in code.co_names}


def parameters_of(f: Any) -> tuple[list[str], list[str], bool]:
    """A function's parameters by position, those by keyword only, and whether it takes any number of the former.

    ``inspect.signature`` knows too; but there are hundreds of Functions, and it would take half of the import.

    >>> parameters_of(lambda self, g, *xs, y: g)
    (['self', 'g'], ['y'], True)
    """
    code = f.__code__
    count, keywords = code.co_argcount, code.co_kwonlyargcount
    names = code.co_varnames
    return list(names[:count]), list(names[count : count + keywords]), bool(code.co_flags & 0x04)  # CO_VARARGS


def attributes_of(f: Any) -> set[str]:
    """The attributes that a function reads, on whatever object; none for what is no function.

    >>> sorted(attributes_of(lambda x: max(x.data)))
    ['data']
    """
    return _attributes(f, ("LOAD_ATTR", "LOAD_METHOD"))


def assigned_by(f: Any) -> set[str]:
    """The attributes that a function assigns, on whatever object; none for what is no function."""
    return _attributes(f, ("STORE_ATTR",))


def held_by(f: Any) -> list[Any]:
    """The objects that a function has at hand beside its arguments: captured, global, bound and default ones.

    >>> captured = 3
    >>> held_by(lambda x, y=4: x + y + captured)
    [4, 3]
    """
    if isinstance(f, functools.partial):
        return [*f.args, *f.keywords.values(), *held_by(f.func)]
    f = _function(f)
    if not hasattr(f, "__code__"):
        return []
    held = [*(f.__defaults__ or ()), *(f.__kwdefaults__ or {}).values()]
    for cell in f.__closure__ or ():
        with suppress(ValueError):  # nothing is in it yet
            held.append(cell.cell_contents)
    return held + [f.__globals__[name] for name in sorted(names_in(f)) if name in f.__globals__]


def _attributes(f: Any, steps: tuple[str, ...]) -> set[str]:
    return {name for code in _codes(f) for name in _attributes_in(code, steps)}


@functools.cache
def _attributes_in(code: CodeType, steps: tuple[str, ...]) -> set[str]:
    import dis  # only needed for a gradient of a gradient

    return {step.argval for step in dis.get_instructions(code) if step.opname in steps}


def _codes(f: Any) -> Iterator[CodeType]:
    """The code of ``f`` and of all functions, lambdas and comprehensions within it; none for a builtin."""
    code = f if isinstance(f, CodeType) else getattr(_function(f), "__code__", None)
    if isinstance(code, CodeType):
        yield code
        for inner in code.co_consts:
            if isinstance(inner, CodeType):
                yield from _codes(inner)


def _function(f: Any) -> Any:
    """The function that is run where ``f`` is called, a ``functools.partial`` or an object with ``__call__``."""
    while isinstance(f, functools.partial):
        f = f.func
    return f if hasattr(f, "__code__") else inspect.getattr_static(type(f), "__call__", None)
