"""SciPy's own functions, each of which is one line of a program where ``calligrad.compile`` captures one."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from types import FunctionType, ModuleType
from typing import Any

import scipy.linalg
import scipy.special

from calligrad import random
from calligrad.modes import capturing


class Originals:
    """A module of SciPy's, whose functions take arrays of a capture as well."""

    def __init__(self, module: ModuleType) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._module, name)
        if isinstance(found, FunctionType):
            found = _captured(found)
        setattr(self, name, found)
        return found


def _captured(f: Callable) -> Callable:
    @functools.wraps(f)
    def call(*args: Any, **kwargs: Any) -> Any:
        if capturing and (x := next(_traced((args, tuple(kwargs.values()))), None)) is not None:
            before = random.snapshot()
            try:
                return x.tracer.call(f, args, kwargs)
            finally:
                random.rewind(before)  # some of SciPy's functions draw inside, which is their own affair
        return f(*args, **kwargs)

    return call


def _traced(nest: Any) -> Iterator[Any]:
    """The arrays of a capture among the arguments."""
    if isinstance(nest, (tuple, list)):
        for part in nest:
            yield from _traced(part)
    elif hasattr(nest, "storage"):
        yield nest


linalg: Any = Originals(scipy.linalg)
special: Any = Originals(scipy.special)
