"""The arithmetic of max pools on plain arrays. It goes axis by axis, the last axis first."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from calligrad.nn.windows import Sliding, add_at, at, by_planes, numbers_of, over_windows
from calligrad.ops.index import added
from calligrad.primitive import primitive

MANY = 100  # planes that are worth being moved next to each other

# ---------------------------------------------------------------- the same in plain NumPy, window by window


def maxima_by_window(x, *, windows):
    """``maxima``."""
    least = -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
    for axis, along in enumerate(windows, x.ndim - len(windows)):
        x = np.stack([x.take(numbers, axis).max(axis, initial=least) for numbers in numbers_of(along)], axis)
    return x


def indices_by_window(x, *, windows):
    """``indices``."""
    n = len(windows)
    shape = x.shape[-n:]
    planes = x.reshape(np.prod(x.shape[:-n], dtype=int), np.prod(shape))
    along = [numbers_of(w) for w in windows]
    indices = np.zeros((len(planes), *map(len, along)), np.intp)
    for window in np.ndindex(*indices.shape[1:]):
        numbers = np.meshgrid(*(a[i] for a, i in zip(along, window)), indexing="ij")
        places = np.ravel_multi_index(numbers, shape).reshape(-1)
        seen = planes[:, places]
        last_nan = places.size - 1 - np.isnan(seen[:, ::-1]).argmax(1)
        indices[:, *window] = places[np.where(np.isnan(seen).any(1), last_nan, seen.argmax(1))]
    return indices.reshape(*x.shape[:-n], *indices.shape[1:])


def routed_by_window(g, x, *, windows):
    """``routed``."""
    places = indices_by_window(x, windows=windows).reshape(
        -1, g[0, 0].size if g.ndim == len(windows) + 2 else g[0].size
    )
    gx = np.zeros((len(places), x.size // len(places)), g.dtype)
    np.add.at(gx, (np.arange(len(places))[:, np.newaxis], places), g.reshape(places.shape))
    return gx.reshape(x.shape)


# ---------------------------------------------------------------- primitives


@primitive(maxima_by_window, eager=True)
def maxima(x: np.ndarray, *, windows: tuple) -> np.ndarray:
    """The largest number of each window along the last axes."""
    if is_whole(windows):
        return x.reshape(-1)[whole(indices(x, windows=windows), x.shape, len(windows))]
    return by_planes(lambda x: _stages(x, windows)[-1], tuple(w.count for w in windows), x)


@primitive(indices_by_window)
def indices(x: np.ndarray, *, windows: tuple) -> np.ndarray:
    """Where in its plane, flattened, the first maximum of each window is, or its last NaN."""
    n = len(windows)
    if is_whole(windows):
        planes = x.reshape(*x.shape[:-n], math.prod(x.shape[-n:]))
        places = planes.argmax(-1, keepdims=True)
        if not np.isnan(np.take_along_axis(planes, places, -1)).any():  # of which argmax would find the first
            return places.reshape(*x.shape[:-n], *(1,) * n)
    return indices_of_any(x, windows)


@primitive(routed_by_window, eager=True)
def routed(g: np.ndarray, x: np.ndarray, *, windows: tuple) -> np.ndarray:
    """The gradient of ``x``: that of each window at its first maximum, or at its last NaN."""
    if is_whole(windows):
        return _routed_by_place(g, x, windows)
    return by_planes(lambda g, x: _routed(g, x, windows), x.shape[-len(windows) :], g, x)


# ---------------------------------------------------------------- the work


def is_whole(windows: tuple) -> bool:
    """Whether there is one window alone, over everything."""
    return all(isinstance(w, Sliding) and (w.kernel, w.padding, w.dilation) == (w.size, 0, 1) for w in windows)


def whole(indices: Any, shape: tuple[int, ...], n: int) -> Any:
    """Indices within planes, the last ``n`` axes of ``shape``, as indices of the whole array."""
    lead = shape[:-n]
    planes = np.arange(math.prod(lead)).reshape(*lead, *(1,) * n)
    return indices + planes * math.prod(shape[-n:])


def indices_of_any(x: Any, windows: tuple) -> Any:
    """``indices``, also of windows whose places were drawn, as operations of NumPy."""
    places: Any = 0
    stride = 1
    for axis in range(-1, -len(windows) - 1, -1):
        where = _first_maxima(x, windows[axis].rows(), axis)
        x = np.take_along_axis(x, where, axis)
        places = np.take_along_axis(places, where, axis) if axis < -1 else places
        places = places + where * stride
        stride *= windows[axis].size
    return places


def _first_maxima(x: Any, rows: Any, axis: int) -> Any:
    """Along the negative ``axis``, where each window has its first maximum, or its last NaN."""
    best: Any = None
    where: Any = None
    for row in rows:
        if row.ndim == 1:
            number, row = x.take(row, axis), row.reshape(-1, *(1,) * (-axis - 1))
        else:
            number = np.take_along_axis(x, row, axis)
        if best is None:
            best, where = number, np.broadcast_to(row, number.shape)
        else:
            better = (number > best) | (number != number)
            best, where = np.where(better, number, best), np.where(better, row, where)
    return where


def _stages(x: np.ndarray, windows: tuple, before: int = 1) -> list[np.ndarray]:
    """``x``, and what it becomes after each axis; so many axes are before those of the windows."""
    stages = [x]
    least = -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
    for i in reversed(range(len(windows))):
        stages.append(over_windows(np.maximum, stages[-1], windows[i], before + i, least))
    return stages


def _routed(g: np.ndarray, x: np.ndarray, windows: tuple) -> np.ndarray:
    """``routed`` of (planes, …)."""
    if np.isnan(np.max(x)) or not np.isfinite(g).all():  # NaN equals nothing, and infinity times 0 is NaN
        return _routed_by_place(g, x, windows)
    if len(x) < MANY:
        return _routed_along(g, x, windows, 1)
    g, x = (np.ascontiguousarray(np.moveaxis(a, 0, -1)) for a in (g, x))  # planes beside each other
    return np.moveaxis(_routed_along(g, x, windows, 0), -1, 0)


def _routed_by_place(g: np.ndarray, x: np.ndarray, windows: tuple) -> np.ndarray:
    return added(g, whole(indices(x, windows=windows), x.shape, len(windows)), shape=x.shape)


def _routed_along(g: np.ndarray, x: np.ndarray, windows: tuple, before: int) -> np.ndarray:
    """``routed`` where so many axes are before those of the windows."""
    *stages, y = _stages(x, windows, before)
    for axis, along in enumerate(windows, before):
        x = stages.pop()
        gx, free = np.zeros(x.shape, g.dtype), np.ones(y.shape, bool)
        for outputs, inputs in along.taps():
            hit = at(x, inputs, axis) == at(y, outputs, axis)
            hit &= at(free, outputs, axis)
            free[(*(slice(None),) * axis, outputs)] ^= hit
            add_at(gx, inputs, axis, at(g, outputs, axis) * hit)
        g, y = gx, x
    return g
