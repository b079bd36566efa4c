"""What the code of a function names and assigns, without running it."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from types import CodeType
from typing import Any


def names_in(f: Any) -> set[str]:
    """The attributes and globals that a function names, in itself or in the functions within it.

    >>> sorted(names_in(lambda self: [x.data for x in self.inputs]))
    ['data', 'inputs']
    """
    return {name for code in _codes(f) for name in code.co_names}


def attributes_of(f: Any) -> set[str]:
    """The attributes that a function reads, on whatever object; none for what is no function.

    >>> sorted(attributes_of(lambda x: max(x.data)))
    ['data']
    """
    return _attributes(f, ("LOAD_ATTR", "LOAD_METHOD"))


def assigned_by(f: Any) -> set[str]:
    """The attributes that a function assigns, on whatever object; none for what is no function."""
    return _attributes(f, ("STORE_ATTR",))


@functools.cache
def _attributes(f: Any, steps: tuple[str, ...]) -> set[str]:
    import dis  # only needed for a gradient of a gradient

    return {step.argval for code in _codes(f) for step in dis.get_instructions(code) if step.opname in steps}


def _codes(f: Any) -> Iterator[CodeType]:
    """The code of ``f`` and of all functions, lambdas and comprehensions within it; none for a builtin."""
    code = f if isinstance(f, CodeType) else getattr(f, "__code__", None)
    if isinstance(code, CodeType):
        yield code
        for inner in code.co_consts:
            if isinstance(inner, CodeType):
                yield from _codes(inner)
