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
