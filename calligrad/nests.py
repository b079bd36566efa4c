"""Nests: arrays within lists, tuples, dicts and dataclasses, as functions take and return them.

A dataclass holds settings beside its arrays: a name, a flag, a number of layers, a function. Only what can have a
gradient, floating arrays and floats, are leaves there, directly or in nests within; all else stays as it is.
The dataclass is its fields: a new one is made of them without ``__init__``, which might refuse a gradient or
turn a Value into an array, and without what was stored beside them, such as a cached property, which would be stale.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Iterator
from typing import Any


def leaves(nest: Any) -> list[Any]:
    """What a nest holds, in order; dicts in the order of their keys' insertion.

    >>> from calligrad.nests import leaves
    >>> leaves({"w": 1, "more": [2, (3,)]})
    [1, 2, 3]
    """
    if isinstance(nest, (list, tuple)):
        return [leaf for part in nest for leaf in leaves(part)]
    if isinstance(nest, dict):
        return [leaf for part in nest.values() for leaf in leaves(part)]
    if _is_dataclass(nest):
        return [leaf for part in _fields(nest).values() for leaf in leaves(part) if _has_gradient(leaf)]
    return [nest]


def map_leaves(f: Callable, nest: Any) -> Any:
    """The same nest with ``f`` applied to everything it holds.

    >>> from calligrad.nests import map_leaves
    >>> map_leaves(lambda x: 2 * x, {"w": 1, "more": [2, (3,)]})
    {'w': 2, 'more': [4, (6,)]}
    """
    if isinstance(nest, tuple) and hasattr(nest, "_fields"):  # a namedtuple
        return type(nest)(*(map_leaves(f, part) for part in nest))
    if isinstance(nest, (list, tuple)):
        return type(nest)(map_leaves(f, part) for part in nest)
    if isinstance(nest, dict):
        parts = {key: map_leaves(f, part) for key, part in nest.items()}
        return parts if type(nest) is dict else _refilled(nest, parts)
    if _is_dataclass(nest):
        parts = {name: map_leaves(_numeric_only(f), part) for name, part in _fields(nest).items()}
        return _with_fields(nest, parts) if leaves(nest) else nest
    return f(nest)


def like(nest: Any, values: Iterator[Any]) -> Any:
    """A nest of the same form that holds ``values`` instead, taken in order."""
    return map_leaves(lambda _: next(values), nest)


def aligned(nest: Any, form: Any) -> list[Any]:
    """The leaves of ``nest`` in the order of ``form``: dicts go by key, dataclasses by field, sequences by length.

    >>> aligned({"b": 1, "a": 2}, {"a": ..., "b": ...})
    [2, 1]
    """
    if isinstance(form, dict):
        if not isinstance(nest, dict) or nest.keys() != form.keys():
            raise ValueError(f"a dict with keys {', '.join(map(repr, form))} is needed, not {_brief(nest)}")
        return [leaf for key in form for leaf in aligned(nest[key], form[key])]
    if isinstance(form, (list, tuple)):
        if not isinstance(nest, (list, tuple)) or len(nest) != len(form):
            raise ValueError(f"a {type(form).__name__} of {len(form)} is needed, not {_brief(nest)}")
        return [leaf for part, shape in zip(nest, form) for leaf in aligned(part, shape)]
    if _is_dataclass(form):
        if type(nest) is not type(form):
            raise ValueError(f"a {type(form).__name__} is needed, not {_brief(nest)}")
        theirs, found = _fields(nest), []
        for name, part in _fields(form).items():
            if any(map(_has_gradient, leaves(part))):
                pairs = zip(aligned(theirs.get(name), part), leaves(part))
                found += [leaf for leaf, ours in pairs if _has_gradient(ours)]
        return found
    if is_nest(nest):
        raise ValueError(f"an array is needed, not {_brief(nest)}")
    return [nest]


def is_nest(x: Any) -> bool:
    """Whether ``x`` is taken for what it holds, and not as one array."""
    return isinstance(x, (list, tuple, dict)) or _is_dataclass(x)


def _brief(nest: Any) -> str:
    if isinstance(nest, dict):
        return f"a dict with keys {', '.join(map(repr, nest))}"
    return (
        f"a {type(nest).__name__} of {len(nest)}" if isinstance(nest, (list, tuple)) else f"one {type(nest).__name__}"
    )


# ---------------------------------------------------------------- dicts of all kinds, and dataclasses


def _refilled(nest: dict, parts: dict) -> dict:
    """An OrderedDict, a defaultdict or another kind of dict with ``parts`` in it."""
    new = copy.copy(nest)
    for key, part in parts.items():
        new[key] = part
    return new


def _is_dataclass(x: Any) -> bool:
    return hasattr(type(x), "__dataclass_fields__")


def _fields(nest: Any) -> dict[str, Any]:
    """The fields that have been set, by name."""
    return {field.name: getattr(nest, field.name) for field in dataclasses.fields(nest) if hasattr(nest, field.name)}


def _with_fields(nest: Any, parts: dict[str, Any]) -> Any:
    new = object.__new__(type(nest))
    for name, part in parts.items():
        object.__setattr__(new, name, part)  # frozen or not
    return new


def _has_gradient(x: Any) -> bool:
    """Whether ``x`` is a float or a floating array of some kind, also of complex numbers."""
    return isinstance(x, (float, complex)) or getattr(getattr(x, "dtype", None), "kind", None) in ("f", "c")


def _numeric_only(f: Callable) -> Callable:
    return lambda x: f(x) if _has_gradient(x) else x
