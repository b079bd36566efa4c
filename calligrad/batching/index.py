"""Indexing, where the array, the indices or both differ from example to example."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from calligrad.batched import Batched, Leaving, Level, involved, level_of
from calligrad.batching.makers import batching, beyond, evenly, refuse_out
from calligrad.value import unwrap_all


@batching(Batched.__getitem__)
def getitem(level: Level, x: Any, key: Any) -> Any:
    """``x[key]``, which remembers where it is from if NumPy gives a view and this is a copy."""
    y = picked(level, x, key)
    if (
        y.ndim
        and involved(level, key)
        and all(is_basic(k) or (isinstance(k, Batched) and k.ndim == 0) for k in as_tuple(key))
    ):
        y.origin = x, key
        level.picked[id(y)] = y
    return y


def picked(level: Level, x: Any, key: Any) -> Any:
    """``x[key]``."""
    data, key = level.examples(x), as_tuple(key)
    if sum(not is_basic(k) for k in key) <= 1 and not involved(level, key):
        return level.wrap(data[(slice(None), *key)])
    places = positions(level, np.shape(x), key)
    flat = data.reshape(data.shape[0], -1)
    if places.shape[0] == 1:
        return level.wrap(items(flat, (slice(None), places[0])))
    if flat.shape[0] == 1:
        return level.wrap(items(flat, (0, places)))
    return level.wrap(items(flat, (numbers_of(places), places)))


def items(x: Any, key: tuple[Any, ...]) -> Any:
    """``x[key]``, where the indices may be a batch of another vmap and ``x`` a NumPy array."""
    others = [k.level for k in key if isinstance(k, Batched)]
    if others and isinstance(x, np.ndarray):
        x = Batched(x[np.newaxis], max(others, key=lambda level: level.number))
    return x[key]


def as_tuple(key: Any) -> tuple[Any, ...]:
    """The parts of a key."""
    key = unwrap_all(key)
    return key if isinstance(key, tuple) else (key,)


def is_basic(k: Any) -> bool:
    """Whether ``k`` is a slice and the like, which index an array by views."""
    if isinstance(k, (bool, np.bool_)):
        return False
    return k is None or k is Ellipsis or isinstance(k, (slice, int, np.integer))


def numbers_of(places: Any) -> Any:
    """The number of the example, for every place."""
    return np.arange(places.shape[0]).reshape(-1, *(1,) * (places.ndim - 1))


def positions(level: Level, shape: tuple[int, ...], key: tuple[Any, ...]) -> Any:
    """Where in the flattened array of ``shape`` the items of ``key`` are, with the examples along axis 0."""
    places = np.arange(math.prod(shape)).reshape(shape)
    if not involved(level, key):
        return places[key][np.newaxis]
    parts = _spelled_out(key, len(shape))
    wide = [i for i, k in enumerate(parts) if not (k is None or isinstance(k, slice))]
    together = wide == list(range(wide[0], wide[-1] + 1))
    arrays = [level.examples(parts[i]) for i in wide]
    for k in arrays:
        if k.dtype.kind not in "iu":
            raise Leaving(
                "a mask that differs from example to example picks as many items as it may; within vmap write"
                " np.where(mask, x, 0)"
                if k.dtype == bool
                else f"indices are whole numbers, not {k.dtype}"
            )
    ndim = max(k.ndim for k in arrays)
    for i, k in zip(wide, arrays):
        parts[i] = k.reshape(k.shape[0], *(1,) * (ndim - k.ndim), *k.shape[1:])
    return np.moveaxis(items(places, tuple(parts)), wide[0] if together else 0, 0)


def _spelled_out(key: tuple[Any, ...], ndim: int) -> list[Any]:
    """The key with an entry for every axis: masks as positions, the ellipsis as slices."""
    parts: list[Any] = []
    for k in key:
        if not isinstance(k, Batched) and not is_basic(k) and np.asarray(k).dtype == bool:
            parts.extend(np.nonzero(k))
        else:
            parts.append(k)
    missing = [slice(None)] * (ndim - sum(k is not None and k is not Ellipsis for k in parts))
    at = next((i for i, k in enumerate(parts) if k is Ellipsis), None)
    return [*parts, *missing] if at is None else [*parts[:at], *missing, *parts[at + 1 :]]


@batching(np.take)
def take(level: Level, a: Any, indices: Any, axis: Any = None, out: Any = None, mode: str = "raise") -> Any:
    """``np.take``."""
    refuse_out(np.take, out)
    if level_of(indices) is not level:
        if axis is None:
            a, axis = np.ravel(a), 0
        return level.wrap(np.take(level.examples(a), unwrap_all(indices), axis=beyond(axis, a.ndim), mode=mode))
    a = a if hasattr(a, "__array_function__") else np.asarray(a)
    a, axis = (np.ravel(a), 0) if axis is None else (a, normalize_axis_index(axis, a.ndim))
    if mode != "raise":
        indices = np.clip(indices, 0, a.shape[axis] - 1) if mode == "clip" else indices % a.shape[axis]
    return picked(level, a, (*(slice(None),) * axis, indices))


@batching(np.take_along_axis)
def take_along_axis(level: Level, arr: Any, indices: Any, axis: int | None = -1) -> Any:
    """``np.take_along_axis``."""
    if axis is None:
        arr, axis = np.ravel(arr), 0
    arr = arr if hasattr(arr, "__array_function__") else np.asarray(arr)
    if np.ndim(indices) != arr.ndim:
        np.take_along_axis(np.empty(arr.shape), np.zeros(np.shape(indices), int), axis)  # which raises NumPy's error
    data, places = evenly(level, (arr, indices))
    return level.wrap(np.take_along_axis(data, places, beyond(axis, arr.ndim)))
