"""The one table of what calligrad does for a NumPy function when one of its arguments is a Value."""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Callable

import numpy as np

RULES: dict[Callable, Callable] = {}
"""NumPy function -> what to call instead when one of its arguments is a Value."""


NO_NUMBERS = {"recfunctions": "records with named fields", "strings": "text"}
"""Modules of NumPy whose functions no Value can be an argument of: what they take."""


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
    if _scipy_joined():
        kind = "__call__" if isinstance(func, np.ufunc) else func.__name__
        return rule_of(func, RULES.get(getattr(np.ufunc, kind, None)))  # type: ignore[arg-type]
    name = numpy_name(func)
    for kind, data in NO_NUMBERS.items():
        if f".{kind}." in name:
            raise TypeError(f"{name} takes {data}, but a Value holds plain numbers. Call it on arrays, as value.data")
    raise NotImplementedError(
        f"{name} has no derivative in calligrad. Give it one with `class YourName(Function, of={name})`, or call it on"
        " value.data if the result is to be a constant"
    )


def _scipy_joined() -> bool:
    """Whether this call has added SciPy's functions to the table: once, and only if the user has imported them."""
    if "scipy.special" not in sys.modules or "calligrad.scipy.ufuncs" in sys.modules:
        return False
    importlib.import_module("calligrad.scipy.ufuncs")
    return True


def numpy_name(func: Callable) -> str:
    """How a user writes ``func``: np.sum, np.linalg.norm, np.add.reduce, scipy.special.erf.

    >>> import numpy as np
    >>> numpy_name(np.linalg.norm), numpy_name(np.add.reduce)
    ('np.linalg.norm', 'np.add.reduce')
    """
    if isinstance(owner := getattr(func, "__self__", None), np.ufunc):
        return f"{numpy_name(owner)}.{func.__name__}"
    if isinstance(func, np.ufunc) and getattr(np, func.__name__, None) is not func:
        name = func.__name__.removeprefix("_")
        return f"scipy.special.{name}" if hasattr(sys.modules.get("scipy.special"), name) else func.__name__
    module = (getattr(func, "__module__", None) or "").removeprefix("numpy").strip(".")
    if not hasattr(np, func.__name__) and hasattr(np.emath, func.__name__):
        module = "lib.scimath"
    public = module.startswith(("linalg", "fft", "random", "strings", "polynomial", "lib."))
    public = public and not module.startswith("lib._")
    return f"np.{module}.{func.__name__}" if public else f"np.{func.__name__}"
