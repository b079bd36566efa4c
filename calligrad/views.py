"""Views: what is written into an array is seen in every array that shares its memory, as in NumPy.

Values do not share memory when they are written into: each write makes a new array, because the graph remembers
the old one. So a Value keeps track of those that NumPy would call views of it, and after a write the others are
brought up to date, by operations of the graph. Nothing of this costs anything until somebody writes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import ref

import numpy as np
from numpy.lib.array_utils import byte_bounds

if TYPE_CHECKING:
    from calligrad.value import Value


def remember(view: Value, source: Value) -> None:
    """Note that ``view`` was made as a view of ``source``, if it shares its memory."""
    picked = getattr(view._array, "origin", None)  # of a batch: where it was picked from, at a place for each example
    if picked is not None and picked[0] is source._array:
        places = np.arange(source.size).reshape(1, *source.shape)
        view._places = type(view._array)(places, view._array.level)[picked[1]] * 1
        _link(view, source)
        return
    array, own = of_one_example(source._array), of_one_example(view._array)
    if own is None or array is None or (own.base is None and own is not array) or not np.may_share_memory(own, array):
        return
    view._seen = array, own
    _link(view, source)


def _link(view: Value, source: Value) -> None:
    # A view in between must live as long as what was made of it; a source that nobody can see any more need not.
    view._source = source if hasattr(source, "_source") else ref(source)
    try:
        views = source._views
    except AttributeError:
        views = source._views = []
    if len(views) >= 16 and len(views).bit_count() == 1:  # at each power of 2
        views[:] = [r for r in views if r() is not None]
    views.append(ref(view))


def of_one_example(x: Any) -> np.ndarray | None:
    """The array itself, or the first of a batch of them, which all lie alike; None if there is none."""
    if type(x) is np.ndarray:
        return x
    if hasattr(x, "storage"):  # of a capture: what it holds lies in memory as it would
        return x.data if isinstance(x.data, np.ndarray) else None
    if (examples := getattr(x, "examples", None)) is None or not len(examples):
        return None
    whole = of_one_example(getattr(examples, "_array", examples))
    return None if whole is None else whole[0, ...]


def overlaps_itself(view: Value) -> bool:
    """Whether two places of a view are one place in memory, as in sliding windows."""
    if _source(view) is None or hasattr(view, "_places"):
        return False
    _, own = view._seen
    return np.unique(_addresses(own)).size < own.size


def write_through(view: Value, key: Any, value: Any) -> None:
    """Write ``value`` at ``view[key]`` into the source, of which the view is then taken anew."""
    source: Any = _source(view)
    flat = np.copy(np.ravel(source))
    flat[_positions(view)[key]] = value
    source._become(np.reshape(flat, source.shape))
    written(source)


def written(value: Value) -> None:
    """Bring up to date whatever shares memory with ``value``, which was written into."""
    _refresh_views(value, None)
    while (source := _source(value)) is not None:
        source._become(np.reshape(_with_view(np.ravel(source), value), source.shape))
        _refresh_views(source, value)
        value = source


def origin(view: Value) -> Value:
    """The Value whose memory ``view`` looks at in the end: itself if it is no view."""
    while (source := _source(view)) is not None:
        view = source
    return view


def _refresh_views(source: Value, known: Value | None) -> None:
    """Take all views of ``source`` from it anew, but the one that is ``known`` to be right."""
    for r in getattr(source, "_views", ()):
        if (view := r()) is not None and view is not known:
            flat, part = np.ravel(source), _part(view)
            view._become((part(flat) if part else flat)[_positions(view)])
            _refresh_views(view, None)


def _with_view(flat: Any, view: Value) -> Any:
    """A copy of the source, counted through, with the numbers of ``view`` where they stand."""
    part, places = _part(view), _positions(view)
    if part is None:
        flat = np.copy(flat)
        flat[places] = view
        return flat
    parts = {np.real: np.copy(np.real(flat)), np.imag: np.copy(np.imag(flat))}
    parts[part][places] = view
    return parts[np.real] + parts[np.imag] * 1j


def _part(view: Value) -> Any:
    """np.real or np.imag if that is what the view shows of complex numbers, otherwise None."""
    if hasattr(view, "_places"):
        return None
    array, own = view._seen
    if own.dtype.itemsize == array.dtype.itemsize or not own.size:
        return None
    offset = (_addresses(own).flat[0] - array.__array_interface__["data"][0]) % array.dtype.itemsize
    return np.imag if offset else np.real


def _source(view: Value) -> Value | None:
    source = getattr(view, "_source", None)
    return source() if isinstance(source, ref) else source


def _positions(view: Value) -> Any:
    """Where in its source, counted through, each number of ``view`` stands."""
    if hasattr(view, "_places"):
        return view._places
    array, own = view._seen
    places = _addresses(array).ravel()
    order = np.argsort(places, kind="stable")
    return order[np.searchsorted(places[order], _addresses(own), side="right") - 1]


def laid_out_as(old: Any, new: Any) -> Any:
    """``new`` in memory as ``old`` lies: whether a reshape is a view or a copy depends on it."""
    if hasattr(old, "examples") and hasattr(new, "examples") and len(old.examples) == len(new.examples):
        return type(new)(laid_out_as(old.examples, new.examples), new.level)
    if type(new) is not np.ndarray or type(old) is not np.ndarray or new.strides == old.strides or not new.size:
        return new
    low, high = byte_bounds(old)
    start = old.__array_interface__["data"][0] - low
    y = np.ndarray(new.shape, new.dtype, np.empty(high - low, np.uint8), start, old.strides)
    y[...] = new
    return y


def _addresses(a: np.ndarray) -> np.ndarray:
    """The address of each number of an array."""
    steps = (np.arange(n).reshape(-1, *(1,) * (a.ndim - 1 - i)) * a.strides[i] for i, n in enumerate(a.shape))
    return sum(steps, np.full(a.shape, a.__array_interface__["data"][0]))
