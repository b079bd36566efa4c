"""The way out where a function has no batching rule: one example after another."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from calligrad import batched
from calligrad.batched import BATCHING, Batched, Level, outside
from calligrad.nests import leaves, like, map_leaves
from calligrad.rules import numpy_name
from calligrad.value import Value


class BatchingWarning(UserWarning):
    """A function has no rule for batches, and is called for one example after another."""


_told: set[Any] = set()
"""What was warned of already: once is enough."""


def one_by_one(level: Level, func: Callable, args: Any, kwargs: dict[str, Any]) -> Any:
    """``func`` of every example, stacked; the first time with a warning."""
    key = getattr(func, "key", func)
    if key not in _told and not level.quiet:
        _told.add(key)
        warnings.warn(
            f"{_name(func)} has no batching rule: vmap calls it for one example after another. The result is right,"
            " but slow; docs/vmap.md says which functions have none, and what to use instead",
            BatchingWarning,
            stacklevel=_level_of_the_user(),
        )
    if not level.size:
        raise ValueError(f"{_name(func)} has no batching rule, and cannot be called for a batch of no examples")
    with outside(level):
        ys = [func(*one(args, i, level), **one(kwargs, i, level)) for i in range(level.size)]
    return map_leaves(lambda y: None if y is None else level.wrap(y), stacked(_name(func), ys))


def stacked(name: str, ys: list[Any]) -> Any:
    """The results of the examples, in one nest of arrays."""
    columns = zip(*map(leaves, ys))
    return like(ys[0], _joined(name, columns))


def _joined(name: str, columns: Any) -> Iterator[Any]:
    for parts in columns:
        if all(part is None for part in parts):
            yield None
            continue
        shapes = list(dict.fromkeys(map(np.shape, parts)))
        if len(shapes) > 1:
            raise ValueError(
                f"{name} gives results of different shapes for different examples, {shapes[0]} and {shapes[1]},"
                " which make no array"
            )
        if isinstance(parts[0], (str, bytes)):
            raise TypeError(f"{name} gives {parts[0]!r}, which cannot be had for a batch")
        yield np.stack([part if isinstance(part, (Value, Batched)) else np.asarray(part) for part in parts])


def one(x: Any, i: int, level: Level) -> Any:
    """The arguments as they are for example ``i``."""
    if type(x) is Batched and x.level is level:
        return x.examples[i if x.examples.shape[0] == level.size else 0]
    if type(x) in (tuple, list):
        return type(x)(one(part, i, level) for part in x)
    return {key: one(part, i, level) for key, part in x.items()} if type(x) is dict else x


def _name(func: Any) -> str:
    return func.__name__ if hasattr(func, "key") else numpy_name(func)


def _level_of_the_user() -> int:
    """How far up the stack the line is that called NumPy or calligrad, as ``warnings.warn`` counts from our caller."""
    level, frame = 1, sys._getframe(1)
    while frame.f_globals.get("__name__", "").partition(".")[0] in ("calligrad", "numpy") and frame.f_back:
        level, frame = level + 1, frame.f_back
    return level


BATCHING[batched.one_by_one] = one_by_one
