"""Writing into arrays: items, and NumPy's functions that write into their first argument."""

from __future__ import annotations

from collections.abc import Callable
from sys import getrefcount
from typing import Any

import numpy as np

from calligrad import views
from calligrad.batched import Batched, Leaving, Level, involved
from calligrad.batching.index import as_tuple, is_basic, positions
from calligrad.batching.makers import batching, padded
from calligrad.rules import numpy_name
from calligrad.value import Value


def target(level: Level, x: Any, *sources: Any) -> Any:
    """The examples of ``x``, as many as there are, to write ``sources`` into."""
    if not isinstance(x, Batched) or x.level is not level:
        raise Leaving("what differs from example to example cannot be written into an array that is the same for all")
    if getattr(getattr(x.examples, "flags", None), "writeable", True) is False and len(x.examples) == level.size:
        raise TypeError(
            "an argument of a function within vmap, or a read-only view, cannot be written into; write into np.copy(x)"
        )
    if any(items is not x and _share(items, x) for items in list(level.picked.values())):
        raise TypeError(
            "a view of items y[i], where i differs from example to example within vmap, cannot be written into: write"
            " y[i, …] = …"
        )
    shared = _is_seen_elsewhere(x)
    data = x.examples
    for source in sources:
        data = _holding(source, data)
    if data.shape[0] != level.size:
        data = np.copy(np.broadcast_to(data, (level.size, *data.shape[1:])))
    if data is not x.examples:
        if shared:
            raise TypeError(
                "this array within vmap is a view or has views, and cannot hold what is written for all of them to see:"
                " write into a copy"
            )
        x.examples = data
    return data


def written(level: Level, x: Any) -> None:
    """After a write into ``x``: what NumPy would have as views of one memory, but is copies here, is the same again.

    These are items ``y[i]`` where ``i`` is a whole number that differs from example to example.
    """
    if x.origin is not None:
        setitem(level, *x.origin, x)
        return
    for items in list(level.picked.values()):
        if items is x or items.origin is None:
            continue
        source, key = items.origin
        if source is x or _share(source, x):
            items.examples[...] = level.spread(source[key])


def _is_seen_elsewhere(x: Batched) -> bool:
    """Whether others may share the memory of ``x``, and would not see it if it got another one."""
    data: Any
    if getrefcount(x.examples) > 2 or getattr(data := x.examples, "base", None) is not None:
        return True  # NumPy's views, and arrays that are the same as x, refer to the one that owns the memory
    if isinstance(data, Value):
        return views.origin(data) is not data or any(view() is not None for view in getattr(data, "_views", ()))
    return isinstance(data, Batched) and _is_seen_elsewhere(data)


def _share(x: Any, y: Any) -> bool:
    """Whether two arrays may share memory."""
    x, y = (innermost(a) for a in (x, y))
    if isinstance(x, Value) and isinstance(y, Value):
        return views.origin(x) is views.origin(y)
    return isinstance(x, np.ndarray) and isinstance(y, np.ndarray) and np.may_share_memory(x, y)


def innermost(x: Any) -> Any:
    """What a Batched, perhaps over others, holds in the end."""
    return innermost(x.examples) if isinstance(x, Batched) else x


def _holding(source: Any, data: Any) -> Any:
    """An array equal to ``data`` that can hold what ``source`` does: Values, or a batch of another vmap."""
    if isinstance(source, Batched):
        if isinstance(data, Batched) and data.level.number > source.level.number:
            return Batched(_holding(source, data.examples), data.level)
        inner = data.examples if isinstance(data, Batched) and data.level is source.level else data
        held = _holding(source.examples, inner)
        if inner is data:
            held = np.copy(np.broadcast_to(held, (source.level.size, *data.shape)))
        return data if held is inner else Batched(held, source.level)
    if isinstance(source, Value) and isinstance(data, np.ndarray):
        return Value(np.copy(data), requires_grad=False)
    return data


@batching(Batched.__setitem__)
def setitem(level: Level, x: Any, key: Any, value: Any) -> None:
    """``x[key] = value``."""
    key, value = as_tuple(key), level.examples(value)
    if len(key) == 1 and isinstance(mask := key[0], Batched) and mask.dtype == bool:
        setitem(level, x, ..., np.where(*_where_masked(mask, value, x)))
        return
    data = target(level, x, value)
    if all(map(is_basic, key)):
        ndim = 1 + np.empty(x.shape, bool)[key].ndim
        data[(slice(None), *key)] = _with_axes(value, ndim)
    else:
        places = positions(level, x.shape, key)
        data[_everywhere(level, places, x.shape)] = _with_axes(value, places.ndim)
    written(level, x)


def _where_masked(mask: Batched, value: Any, x: Any) -> tuple[Any, Any, Any]:
    """What np.where takes for ``x[mask] = value``, where the mask differs from example to example."""
    if mask.shape != x.shape[: mask.ndim]:
        raise IndexError(f"a mask of shape {mask.shape} does not fit an array of shape {x.shape}")
    if value.ndim - 1 > x.ndim - mask.ndim:
        raise Leaving(
            "x[mask] = values within vmap, where the mask differs from example to example: one value for every place is"
            " written, but not one after another; see np.where"
        )
    return np.reshape(mask, (*mask.shape, *(1,) * (x.ndim - mask.ndim))), mask.level.wrap(value), x


def _everywhere(level: Level, places: Any, shape: tuple[int, ...]) -> tuple[Any, ...]:
    """The key of ``places`` of all examples."""
    return (np.arange(level.size).reshape(-1, *(1,) * (places.ndim - 1)), *np.unravel_index(places, shape))


def _with_axes(value: Any, ndim: int) -> Any:
    """``value`` with so many axes: some added after the first, or ones in front taken away, as NumPy assigns."""
    surplus = value.ndim - ndim
    return value.reshape(value.shape[0], *value.shape[1 + surplus :]) if surplus > 0 else padded(value, ndim)


@batching(np.ufunc.at)
def at(level: Level, ufunc: np.ufunc, a: Any, indices: Any, *b: Any) -> None:
    """``ufunc.at``: the ufunc of items, one after another where an item is named twice."""
    b = tuple(level.examples(x) for x in b)
    data = target(level, a, *b)
    places = positions(level, a.shape, as_tuple(indices))
    ufunc.at(data, _everywhere(level, places, a.shape), *(_with_axes(x, places.ndim) for x in b))
    written(level, a)


@batching(np.put_along_axis)
def put_along_axis(level: Level, arr: Any, indices: Any, values: Any, axis: int | None = -1) -> None:
    """``np.put_along_axis``."""
    if axis is None:
        setitem(level, arr, np.unravel_index(indices, arr.shape), values)
        return
    if np.ndim(indices) != arr.ndim:
        raise ValueError("`indices` and `arr` must have the same number of dimensions")
    data = target(level, arr, values := level.examples(values))
    places, axis = level.spread(indices), axis % arr.ndim + 1
    np.put_along_axis(data, places, padded(values, data.ndim), axis)
    written(level, arr)


def _by_names(func: Callable, name: str, position: int) -> Callable:
    """Let NumPy write numbers that say which of the values goes where, if that is the same for all examples."""

    def rule(level: Level, *args: Any, **kwargs: Any) -> None:
        array, *rest = args
        values = kwargs[name] if name in kwargs else args[position]
        if not isinstance(array, Batched):
            raise Leaving(
                f"{numpy_name(func)}: what differs from example to example cannot be written into an array that is the"
                " same for all"
            )
        places = np.arange(array.size).reshape(array.shape)
        names = ~np.arange(np.size(values)).reshape(np.shape(values))
        if name in kwargs:
            kwargs[name] = names
        else:
            rest[position - 1] = names
        if involved(level, rest, kwargs):
            raise Leaving(f"{numpy_name(func)} within vmap writes to the same places of every example; see np.where")
        func(places, *rest, **kwargs)
        written = places < 0
        setitem(level, array, written, np.take(values, ~places[written]))

    return rule


_WRITERS: dict[Any, tuple[str, int]] = {
    np.copyto: ("src", 1),
    np.place: ("vals", 2),
    np.putmask: ("values", 2),
    np.put: ("v", 2),
    np.fill_diagonal: ("val", 1),
}
for _func, (_name, _position) in _WRITERS.items():
    batching(_func)(_by_names(_func, _name, _position))
