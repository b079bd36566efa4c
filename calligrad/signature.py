"""Reading functions: their parameters, and what their code assigns.

``inspect`` knows all of this too, but importing it would take a quarter of calligrad's own import.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from types import CodeType
from typing import Any


def parameters(f: Any) -> tuple[list[str], bool, list[str]]:
    """Names of the positional parameters, whether there is a ``*args``, and names of the keyword-only ones.

    >>> parameters(lambda self, g, x, *, y: ...)
    (['self', 'g', 'x'], False, ['y'])
    """
    while hasattr(f, "__wrapped__"):
        f = f.__wrapped__
    if (code := getattr(f, "__code__", None)) is None:  # written in C
        return [], False, []
    n, m = code.co_argcount, code.co_kwonlyargcount
    return list(code.co_varnames[:n]), bool(code.co_flags & 0x04), list(code.co_varnames[n : n + m])


def names_in(f: Any) -> set[str]:
    """The attributes and globals that a function names, in itself or in the functions within it.

    >>> sorted(names_in(lambda self: [x.data for x in self.inputs]))
    ['data', 'inputs']
    """
    return {name for code in _codes(f) for name in code.co_names}


@functools.cache
def assigned_by(f: Any) -> list[str]:
    """The attributes that a function assigns, on whatever object; none for what is no function."""
    import dis  # slow to import as well, and only needed for a gradient of a gradient

    steps = (step for code in _codes(f) for step in dis.get_instructions(code))
    return [step.argval for step in steps if step.opname == "STORE_ATTR"]


def _codes(f: Any) -> Iterator[CodeType]:
    """The code of ``f`` and of all functions, lambdas and comprehensions within it; none for a builtin."""
    code = f if isinstance(f, CodeType) else getattr(f, "__code__", None)
    if isinstance(code, CodeType):
        yield code
        for inner in code.co_consts:
            if isinstance(inner, CodeType):
                yield from _codes(inner)
