"""Arguments: nests of tuples, lists, dicts and dataclasses, taken apart into their leaves and put together again."""

from __future__ import annotations

import copy
import dataclasses
import inspect
from collections.abc import Callable, Iterator
from typing import Any


def taken_apart(nest: Any, leaves: list[Any]) -> Any:
    """The form of the nest, which can be compared; what it holds is added to ``leaves``.

    >>> leaves = []
    >>> taken_apart({"x": 1, "more": [2, 3]}, leaves) == taken_apart({"x": 4, "more": [5, 6]}, [])
    True
    >>> leaves
    [1, 2, 3]
    """
    keys, parts = opened(nest)
    if parts is None:
        leaves.append(nest)
        return None
    return type(nest), keys, tuple([taken_apart(part, leaves) for part in parts])


def put_together(nest: Any, leaves: Iterator[Any]) -> Any:
    """A new nest of the same form, which holds other leaves."""
    keys, parts = opened(nest)
    if parts is None:
        return next(leaves)
    kind, new = type(nest), [put_together(part, leaves) for part in parts]
    if keys is None:
        return kind(*new) if hasattr(kind, "_fields") else kind(new)
    if isinstance(nest, dict):
        if kind is dict:
            return dict(zip(keys, new))
        refilled = copy.copy(nest)  # with the factory of a defaultdict
        refilled.update(zip(keys, new))
        return refilled
    made = object.__new__(kind)
    for name, part in zip(keys, new):
        object.__setattr__(made, name, part)  # frozen or not
    return made


def opened(nest: Any) -> tuple[tuple | None, Any]:
    """The keys of a nest, None for a sequence, and its parts, None for a leaf."""
    if isinstance(nest, (tuple, list)):
        return None, nest
    if isinstance(nest, dict):
        return tuple(nest), nest.values()
    kind = type(nest)
    if hasattr(kind, "__dataclass_fields__") and not callable(nest):
        names = tuple(field.name for field in dataclasses.fields(nest) if hasattr(nest, field.name))
        return names, [getattr(nest, name) for name in names]
    return None, None


def names_of(nest: Any, name: str) -> list[str]:
    """What the leaves of the nest may be called.

    >>> names_of({"x": 1, "more": [2, 3]}, "batch")
    ["batch['x']", "batch['more'][0]", "batch['more'][1]"]
    """
    keys, parts = opened(nest)
    if parts is None:
        return [name]
    if isinstance(nest, dict) or keys is None:
        inner = [f"{name}[{key!r}]" for key in (keys or range(len(parts)))]
    else:
        inner = [f"{name}.{key}" for key in keys]
    return [leaf for part, word in zip(parts, inner) for leaf in names_of(part, word)]


def names_of_arguments(f: Callable, args: tuple, kwargs: dict[str, Any]) -> list[str]:
    """What the leaves of the arguments are called in the function."""
    try:
        parameters = list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):  # a ufunc says nothing of itself
        parameters = []
    words = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    words += [f"argument {i}" for i in range(len(words), len(args))]
    return [name for word, x in [*zip(words, args), *kwargs.items()] for name in names_of(x, word)]


def leaves_of(nest: Any) -> list[Any]:
    """What the nest holds, in order."""
    leaves: list[Any] = []
    taken_apart(nest, leaves)
    return leaves


def with_leaves(f: Callable, nest: Any) -> Any:
    """The nest with ``f`` of every leaf in its place."""
    return put_together(nest, map(f, leaves_of(nest)))
