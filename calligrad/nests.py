"""Nests: arrays within lists, tuples and dicts, as functions take and return them."""

from __future__ import annotations

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
        return {key: map_leaves(f, part) for key, part in nest.items()}
    return f(nest)


def like(nest: Any, values: Iterator[Any]) -> Any:
    """A nest of the same form that holds ``values`` instead, taken in order."""
    return map_leaves(lambda _: next(values), nest)


def aligned(nest: Any, form: Any) -> list[Any]:
    """The leaves of ``nest`` in the order of ``form``: dicts go by key, sequences by length.

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
    if isinstance(nest, (list, tuple, dict)):
        raise ValueError(f"an array is needed, not {_brief(nest)}")
    return [nest]


def _brief(nest: Any) -> str:
    if isinstance(nest, dict):
        return f"a dict with keys {', '.join(map(repr, nest))}"
    return (
        f"a {type(nest).__name__} of {len(nest)}" if isinstance(nest, (list, tuple)) else f"one {type(nest).__name__}"
    )
