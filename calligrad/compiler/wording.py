"""How a call is written: NumPy source of an operation and its arguments."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from calligrad.rules import numpy_name


def call_of(op: Callable, args: tuple, kwargs: Mapping[str, Any], names: Mapping[Any, str]) -> str:
    """The call as NumPy source; ``names`` has a name for every array.

    >>> call_of(np.add, ("a", 1.0), {"dtype": np.dtype("float32")}, {"a": "x"})
    "np.add(x, 1.0, dtype=np.dtype('float32'))"
    """
    if op is operator.getitem:
        return f"{source_of(args[0], names)}[{key_source(args[1], names)}]"
    if not kwargs and (infix := _as_operator(op, args, names)):
        return infix
    inner = [source_of(x, names) for x in args] + [f"{key}={source_of(x, names)}" for key, x in kwargs.items()]
    return f"{name_of(op)}({', '.join(inner)})"


_CLIP = np._core.umath.clip  # type: ignore[attr-defined]  # what np.clip calls

_SYMBOLS: dict[Any, str] = {
    np.add: "+", np.subtract: "-", np.multiply: "*", np.divide: "/", np.matmul: "@", np.less: "<", np.less_equal: "<=",
    np.greater: ">", np.greater_equal: ">=", np.equal: "==", np.not_equal: "!=", np.bitwise_and: "&",
    np.bitwise_or: "|",
}  # fmt: skip


def _as_operator(op: Callable, args: tuple, names: Mapping[Any, str]) -> str:
    """The call as Python's operators write it; "" for one that has none, or that no array takes part in."""
    if not any(_is_array(x, names) for x in args):
        return ""
    if op is np.negative:
        return f"-{source_of(args[0], names)}"
    if op is np.transpose and len(args) == 1:
        return f"{source_of(args[0], names)}.T"
    if op in _SYMBOLS and len(args) == 2:
        left, right = (source_of(x, names) for x in args)
        return f"{left} {_SYMBOLS[op]} {right}"
    return ""


def _is_array(x: Any, names: Mapping[Any, str]) -> bool:
    return hasattr(x, "shape") and not getattr(x, "weak", False) and x.__hash__ is not None and x in names


def name_of(op: Callable) -> str:
    """How the operation is called in source: np.add, np.add.reduce, or by its own name if it is none of NumPy's."""
    if op is _CLIP:
        return "np.clip"
    if isinstance(op, np.ufunc) or isinstance(getattr(op, "__self__", None), np.ufunc):
        return numpy_name(op)
    return numpy_name(op) if (getattr(op, "__module__", None) or "").startswith("numpy") else op.__name__


def source_of(x: Any, names: Mapping[Any, str]) -> str:
    """An argument as source."""
    try:
        if x in names:
            return names[x]
    except TypeError:
        pass  # not hashable, so no array's
    if isinstance(x, tuple):
        return f"({', '.join(source_of(part, names) for part in x)}{',' if len(x) == 1 else ''})"
    if isinstance(x, list):
        return f"[{', '.join(source_of(part, names) for part in x)}]"
    if isinstance(x, dict):
        return "{" + ", ".join(f"{key!r}: {source_of(part, names)}" for key, part in x.items()) + "}"
    if isinstance(x, slice):
        return f"slice({x.start}, {x.stop}, {x.step})"
    if isinstance(x, (float, complex)) and not isinstance(x, np.generic):
        return _number(x)
    if isinstance(x, np.dtype):
        return f"np.dtype({x.name!r})"
    if isinstance(x, np.generic):
        return f"np.{type(x).__name__}({_number(x.item())})"
    if isinstance(x, type):
        return f"np.{x.__name__}" if issubclass(x, np.generic) else x.__name__
    if callable(x):
        return name_of(x)
    return "..." if x is Ellipsis else repr(x)


def key_source(key: Any, names: Mapping[Any, str]) -> str:
    """What stands between the brackets of ``x[key]``."""
    if isinstance(key, tuple) and key:
        return ", ".join(_part(part, names) for part in key) + ("," if len(key) == 1 else "")
    return _part(key, names)


def _part(part: Any, names: Mapping[Any, str]) -> str:
    if not isinstance(part, slice):
        return source_of(part, names)
    start, stop = ("" if end is None else str(end) for end in (part.start, part.stop))
    return f"{start}:{stop}" + ("" if part.step is None else f":{part.step}")


def _number(x: Any) -> str:
    """A number as source that gives it back, also where it is not finite."""
    if isinstance(x, complex):
        return f"complex({_number(x.real)}, {_number(x.imag)})"
    if isinstance(x, float) and (x != x or x in (float("inf"), float("-inf"))):
        return f"float('{x}')"
    return repr(x)


def tell_line(error: Exception, where: str) -> None:
    """Have an error of a run name the user's line that it comes from."""
    if where:
        error.add_note(f"in what {where} asked for")
