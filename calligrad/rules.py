"""The one table of what calligrad does for a NumPy function when one of its arguments is a Value."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

RULES: dict[Callable, Callable] = {}
"""NumPy function -> what to call instead when one of its arguments is a Value."""


def implements(*funcs: Callable) -> Callable:
    """Decorate what calligrad does for the given NumPy functions when one of their arguments is a Value.

    For a function that is a composition of others; an operation with a derivative of its own is a
    ``Function`` with ``of=``.
    """

    def register(rule: Callable) -> Callable:
        for func in funcs:
            RULES[func] = rule
        return rule

    return register


def rule_of(func: Callable, method: Callable | None = None) -> Callable:
    """What to call in place of the NumPy function ``func``.

    A ufunc and its methods fall back on ``method``, the rule for all ufuncs, which takes the ufunc first.
    """
    if method is not None and (type(func) is np.ufunc or func not in RULES):
        ufunc = func if isinstance(func, np.ufunc) else func.__self__  # type: ignore[attr-defined]
        if ufunc.signature is None:
            return functools.partial(method, ufunc)
    if (rule := RULES.get(func)) is not None:
        return rule
    name = numpy_name(func)
    raise NotImplementedError(
        f"{name} has no derivative in calligrad. Give it one with `class {func.__name__.title()}(Function, of={name})`,"
        " or call it on value.data if the result is to be a constant"
    )


def numpy_name(func: Callable) -> str:
    """How a user writes ``func``: np.sum, np.linalg.norm, np.add.reduce.

    >>> import numpy as np
    >>> numpy_name(np.linalg.norm), numpy_name(np.add.reduce)
    ('np.linalg.norm', 'np.add.reduce')
    """
    if isinstance(owner := getattr(func, "__self__", None), np.ufunc):
        return f"np.{owner.__name__}.{func.__name__}"
    module = (getattr(func, "__module__", None) or "").removeprefix("numpy").strip(".")
    return f"np.{module}.{func.__name__}" if module in ("linalg", "fft", "random") else f"np.{func.__name__}"
