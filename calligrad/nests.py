"""Nests: arrays within lists, tuples, dicts, dataclasses and xarray's objects, as functions take and return them.

A dataclass holds settings beside its arrays: a name, a flag, a number of layers, a function. Only what can have a
gradient, floating arrays and floats, are leaves there, directly or in nests within; all else stays as it is.
The dataclass is its fields: a new one is made of them without ``__init__``, which might refuse a gradient or
turn a Value into an array, and without what was stored beside them, such as a cached property, which would be stale.

xarray's objects hold a Value as they hold an array, and keep its labels. A Dataset is to them what a dataclass is.
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
    kind = _KIND[type(nest)]
    if kind == "array":
        return [nest]
    if kind in ("list", "namedtuple"):
        return [leaf for part in nest for leaf in leaves(part)]
    if kind == "dict":
        return [leaf for part in nest.values() for leaf in leaves(part)]
    if kind == "fields":
        return [leaf for part in _fields(nest).values() for leaf in leaves(part) if has_gradient(leaf)]
    return [nest.data]


def map_leaves(f: Callable, nest: Any) -> Any:
    """The same nest with ``f`` applied to everything it holds.

    >>> from calligrad.nests import map_leaves
    >>> map_leaves(lambda x: 2 * x, {"w": 1, "more": [2, (3,)]})
    {'w': 2, 'more': [4, (6,)]}
    """
    kind = _KIND[type(nest)]
    if kind == "array":
        return f(nest)
    if kind == "namedtuple":
        return type(nest)(*(map_leaves(f, part) for part in nest))
    if kind == "list":
        return type(nest)(map_leaves(f, part) for part in nest)
    if kind == "dict":
        return _refilled(nest, {key: map_leaves(f, part) for key, part in nest.items()})
    if kind == "fields":
        parts = {name: map_leaves(_floats_only(f), part) for name, part in _fields(nest).items()}
        return _with_fields(nest, parts) if leaves(nest) else nest
    return _with_data(nest, f(nest.data))


def like(nest: Any, values: Iterator[Any]) -> Any:
    """A nest of the same form that holds ``values`` instead, taken in order."""
    return map_leaves(lambda _: next(values), nest)


def aligned(nest: Any, form: Any) -> list[Any]:
    """The leaves of ``nest`` in the order of ``form``: dicts go by key, dataclasses by field, sequences by length.

    >>> aligned({"b": 1, "a": 2}, {"a": ..., "b": ...})
    [2, 1]
    """
    kind = _KIND[type(form)]
    if kind == "dict":
        if not isinstance(nest, dict) or nest.keys() != form.keys():
            raise ValueError(f"a dict with keys {', '.join(map(repr, form))} is needed, not {_brief(nest)}")
        return [leaf for key in form for leaf in aligned(nest[key], form[key])]
    if kind in ("list", "namedtuple"):
        if not isinstance(nest, (list, tuple)) or len(nest) != len(form):
            raise ValueError(f"a {type(form).__name__} of {len(form)} is needed, not {_brief(nest)}")
        return [leaf for part, shape in zip(nest, form) for leaf in aligned(part, shape)]
    if kind == "fields":
        if type(nest) is not type(form):
            raise ValueError(f"a {type(form).__name__} is needed, not {_brief(nest)}")
        theirs, found = _fields(nest), []
        for name, part in _fields(form).items():
            if any(map(has_gradient, leaves(part))):
                pairs = zip(aligned(theirs.get(name), part), leaves(part))
                found += [leaf for leaf, ours in pairs if has_gradient(ours)]
        return found
    if is_nest(nest):
        raise ValueError(f"an array is needed, not {_brief(nest)}")
    return leaves(nest)  # with labels or without


def is_nest(x: Any) -> bool:
    """Whether ``x`` is taken for what it holds, and not as one array."""
    return _KIND[type(x)] not in ("array", "labelled")


def has_gradient(x: Any) -> bool:
    """Whether ``x`` is a float or a floating array of some kind, also of complex numbers."""
    return isinstance(x, (float, complex)) or getattr(getattr(x, "dtype", None), "kind", None) in ("f", "c")


class _Kinds(dict[type, str]):
    """How objects of a class are taken, as an array or as which kind of nest, found out once."""

    def __missing__(self, cls: type) -> str:
        self[cls] = kind = self._find(cls)
        return kind

    @staticmethod
    def _find(cls: type) -> str:
        if issubclass(cls, (list, tuple)):
            return "namedtuple" if hasattr(cls, "_fields") else "list"
        if issubclass(cls, dict):
            return "dict"
        if hasattr(cls, "__dataclass_fields__"):
            return "fields"
        if cls.__module__.startswith("xarray.") and hasattr(cls, "dims"):  # which is not imported for it
            return "fields" if hasattr(cls, "data_vars") else "labelled"
        return "array"


_KIND = _Kinds()


def _brief(nest: Any) -> str:
    if isinstance(nest, dict):
        return f"a dict with keys {', '.join(map(repr, nest))}"
    return (
        f"a {type(nest).__name__} of {len(nest)}" if isinstance(nest, (list, tuple)) else f"one {type(nest).__name__}"
    )


# ---------------------------------------------------------------- new ones in the form of old ones


def _refilled(nest: dict, parts: dict) -> dict:
    """``parts`` as a dict of the same kind: an OrderedDict, a defaultdict with its factory."""
    if type(nest) is dict:
        return parts
    new = copy.copy(nest)
    for key, part in parts.items():
        new[key] = part
    return new


def _fields(nest: Any) -> dict[str, Any]:
    """The fields of a dataclass that have been set, or the variables of a Dataset, by name."""
    if not dataclasses.is_dataclass(nest):
        return dict(nest.data_vars)
    return {
        field.name: _as_declared(getattr(nest, field.name), field)
        for field in dataclasses.fields(nest)
        if hasattr(nest, field.name)
    }


def _as_declared(x: Any, field: dataclasses.Field) -> Any:
    """The ``2`` of ``length: float = 2`` is a float, and not a setting."""
    return float(x) if type(x) is int and field.type in (float, "float") else x


def _with_fields(nest: Any, parts: dict[str, Any]) -> Any:
    if not dataclasses.is_dataclass(nest):
        return nest.assign(parts) if all(_KIND[type(part)] == "labelled" for part in parts.values()) else parts
    new = object.__new__(type(nest))
    for name, part in parts.items():
        object.__setattr__(new, name, part)  # frozen or not
    return new


def _with_data(nest: Any, data: Any) -> Any:
    """``data`` with the labels of ``nest``, or as it is where they do not fit, as those of a Jacobian do not."""
    return nest.copy(data=data) if getattr(data, "shape", None) == nest.shape else data


def _floats_only(f: Callable) -> Callable:
    return lambda x: f(x) if has_gradient(x) else x
