"""Shapes: reshaping, moving and adding axes, joining, splitting, and arrays like others."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from calligrad.batched import Batched, Level, NoRule, involved
from calligrad.batching.makers import batching, beyond, composed, evenly, padded
from calligrad.views import of_one_example as of_one_example

# ---------------------------------------------------------------- the axes of one array


@batching(np.reshape)
def reshape(level: Level, a: Any, /, shape: Any, order: str = "C", *, copy: bool | None = None) -> Any:
    """``np.reshape``; in the order "F" the examples are moved out of the way and back."""
    order = _order_in_memory(a) if order == "A" else order
    x, shape = level.examples(a), tuple(np.atleast_1d(shape).tolist())
    if -1 in shape:
        known = -math.prod(shape)
        if shape.count(-1) > 1 or known == 0 or a.size % known:
            np.reshape(np.empty(a.shape), shape)  # which raises NumPy's own error
        shape = tuple(a.size // known if n == -1 else n for n in shape)
    if math.prod(shape) != a.size:
        np.reshape(np.empty(a.shape), shape)
    if order == "F":
        x = np.reshape(np.moveaxis(x, 0, -1), (*shape, x.shape[0]), order="F")
        return level.wrap(np.moveaxis(x, -1, 0))
    return level.wrap(np.reshape(x, (x.shape[0], *shape)))


@batching(np.ravel)
@composed
def ravel(a: Any, order: str = "C") -> Any:
    """``np.ravel``: a view of an array that lies in that order without gaps, else a copy, as of a single example."""
    one = of_one_example(a)
    if one is None:
        raise NoRule
    if order == "K" and not one.flags.forc:
        a, one = (np.transpose(x, np.argsort([-abs(n) for n in one.strides], kind="stable")) for x in (a, one))
    order = _order_in_memory(a) if order in ("A", "K") else order
    flat, in_place = (
        np.reshape(a, (-1,), order=order),
        one.flags.c_contiguous if order == "C" else one.flags.f_contiguous,
    )
    return flat if in_place or not np.may_share_memory(of_one_example(flat), one) else np.copy(flat)


def _order_in_memory(a: Any) -> str:
    """Which of the orders C and F NumPy takes for "A"."""
    one = of_one_example(a)
    if one is None:
        raise NoRule
    return "F" if one.flags.fnc else "C"


@batching(np.transpose)
def transpose(level: Level, a: Any, /, axes: Any = None) -> Any:
    """``np.transpose``."""
    order = range(a.ndim)[::-1] if axes is None else tuple(axes)
    if len(order) != a.ndim:
        raise ValueError("axes don't match array")
    return level.wrap(np.transpose(level.examples(a), (0, *beyond(tuple(order), a.ndim))))


@batching(np.moveaxis)
def moveaxis(level: Level, a: Any, /, source: Any, destination: Any) -> Any:
    """``np.moveaxis``."""
    return level.wrap(np.moveaxis(level.examples(a), beyond(source, a.ndim), beyond(destination, a.ndim)))


@batching(np.swapaxes)
def swapaxes(level: Level, a: Any, /, axis1: int, axis2: int) -> Any:
    """``np.swapaxes``."""
    return level.wrap(np.swapaxes(level.examples(a), beyond(axis1, a.ndim), beyond(axis2, a.ndim)))


@batching(np.squeeze)
def squeeze(level: Level, a: Any, /, axis: Any = None) -> Any:
    """``np.squeeze``."""
    over = tuple(i + 1 for i, n in enumerate(a.shape) if n == 1) if axis is None else beyond(axis, a.ndim)
    return level.wrap(np.squeeze(level.examples(a), over))


@batching(np.expand_dims)
def expand_dims(level: Level, a: Any, /, axis: Any) -> Any:
    """``np.expand_dims``."""
    new = axis if isinstance(axis, (tuple, list)) else (axis,)
    return level.wrap(np.expand_dims(level.examples(a), beyond(tuple(new), a.ndim + len(new))))


@batching(np.broadcast_to)
def broadcast_to(level: Level, array: Any, /, shape: Any, subok: bool = False) -> Any:
    """``np.broadcast_to``."""
    shape = tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
    if array.ndim > len(shape):
        np.broadcast_to(np.empty(array.shape), shape)  # which raises NumPy's own error
    x = padded(level.examples(array), len(shape) + 1)
    return level.wrap(np.broadcast_to(x, (x.shape[0], *shape)))


def _two_axes(func: Callable) -> Callable:
    """np.diagonal and np.trace."""

    def rule(level: Level, a: Any, /, offset: int = 0, axis1: int = 0, axis2: int = 1, *more: Any, **kw: Any) -> Any:
        return level.wrap(func(level.examples(a), offset, beyond(axis1, a.ndim), beyond(axis2, a.ndim), *more, **kw))

    return rule


batching(np.diagonal)(_two_axes(np.diagonal))
batching(np.trace)(_two_axes(np.trace))


@batching(np.roll)
@composed
def roll(a: Any, shift: Any, axis: Any = None) -> Any:
    """``np.roll``: a sum of rolls by one axis each, of slices joined the other way round."""
    if isinstance(shift, Batched):
        raise NoRule
    if axis is None:
        return np.reshape(np.roll(np.ravel(a), shift, 0), np.shape(a))
    for by, along in np.broadcast(shift, axis):
        along = normalize_axis_index(int(along), a.ndim)
        if n := a.shape[along]:
            cut = (*(slice(None),) * along,)
            a = np.concatenate([a[(*cut, slice(n - by % n, None))], a[(*cut, slice(n - by % n))]], axis=along)
    return a


@batching(np.diag)
@composed
def diag(v: Any, k: int = 0) -> Any:
    """``np.diag``: of a matrix its diagonal, of a vector the matrix that has it as its diagonal."""
    if v.ndim != 1:
        return np.diagonal(v, k) if v.ndim == 2 else np.diag(np.empty(v.shape), k)
    places = np.diag(np.arange(1, len(v) + 1), k)
    return np.concatenate([np.zeros(1, v.dtype), v])[places]


batching(np.diagflat)(composed(lambda v, k=0: np.diag(np.ravel(v), k)))
batching(np.matrix_transpose, np.linalg.matrix_transpose)(
    composed(lambda x: np.swapaxes(x, -1, -2) if x.ndim > 1 else np.matrix_transpose(np.empty(x.shape)))
)
batching(np.rollaxis)(
    composed(lambda a, axis, start=0: np.moveaxis(a, axis, _before(normalize_axis_index(axis, a.ndim), start, a.ndim)))
)
batching(np.fliplr)(composed(lambda m: np.flip(m, 1)))
batching(np.flipud)(composed(lambda m: np.flip(m, 0)))


def _before(axis: int, start: int, ndim: int) -> int:
    """Where an axis ends up that is rolled before ``start``."""
    start += ndim * (start < 0)
    return start - (axis < start)


def _at_least(func: Callable, grow: Callable) -> Callable:
    def rule(*arys: Any) -> Any:
        made = tuple(np.reshape(a, grow(np.shape(a))) if isinstance(a, Batched) else func(a) for a in arys)
        return made[0] if len(made) == 1 else made

    return composed(rule)


batching(np.atleast_1d)(_at_least(np.atleast_1d, lambda s: s or (1,)))
batching(np.atleast_2d)(_at_least(np.atleast_2d, lambda s: (*(1,) * (2 - len(s)), *s)))
batching(np.atleast_3d)(_at_least(np.atleast_3d, lambda s: {0: (1, 1, 1), 1: (1, *s, 1), 2: (*s, 1)}.get(len(s), s)))


@batching(np.pad)
def pad(level: Level, array: Any, /, pad_width: Any, mode: Any = "constant", **kwargs: Any) -> Any:
    """``np.pad``, which adds nothing to the axis of the examples."""
    if isinstance(pad_width, dict):
        widths = {normalize_axis_index(axis, array.ndim): width for axis, width in pad_width.items()}
        pad_width = [np.broadcast_to(widths.get(i, 0), 2) for i in range(array.ndim)]

    def pairs(x: Any) -> list[Any]:
        return [(0, 0), *np.broadcast_to(x, (array.ndim, 2)).tolist()]

    if callable(mode) or involved(level, kwargs):
        raise NoRule
    for name in ("constant_values", "end_values"):
        if name in kwargs:
            kwargs[name] = pairs(kwargs[name])
    if kwargs.get("stat_length") is not None:
        kwargs["stat_length"] = [(1, 1), *pairs(kwargs["stat_length"])[1:]]
    return level.wrap(np.pad(level.examples(array), pairs(pad_width), mode, **kwargs))


@batching(np.diff)
@composed
def diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    """``np.diff``."""
    if n < 0:
        raise ValueError(f"order must be non-negative but got {n!r}")
    axis = normalize_axis_index(axis, a.ndim)
    given = [_end(x, a.shape, axis) for x in (prepend, a, append) if x is not None and x is not np._NoValue]
    a = np.concatenate(given, axis=axis) if len(given) > 1 else a
    cut = (slice(None),) * axis
    for _ in range(n):
        later, earlier = a[(*cut, slice(1, None))], a[(*cut, slice(-1))]
        a = np.not_equal(later, earlier) if a.dtype == bool else later - earlier
    return a


def _end(x: Any, shape: Sequence[int], axis: int) -> Any:
    """One more item along ``axis``, if ``x`` is a number."""
    return x if np.ndim(x) else np.broadcast_to(x, (*shape[:axis], 1, *shape[axis + 1 :]))


@batching(np.ediff1d)
@composed
def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    """``np.ediff1d``."""
    d = np.diff(np.ravel(ary))
    given = [np.ravel(x).astype(d.dtype) if x is not d else d for x in (to_begin, d, to_end) if x is not None]
    return np.concatenate(given) if len(given) > 1 else d


# ---------------------------------------------------------------- joining and splitting


@batching(np.concatenate)
def concatenate(level: Level, arrays: Any, /, axis: Any = 0, **kwargs: Any) -> Any:
    """``np.concatenate``."""
    arrays = list(arrays)
    if axis is None:
        arrays, axis = [np.ravel(a) for a in arrays], 0
    return level.wrap(np.concatenate(evenly(level, arrays), axis=beyond(axis, np.ndim(arrays[0])), **kwargs))


@batching(np.stack)
def stack(level: Level, arrays: Any, /, axis: int = 0, **kwargs: Any) -> Any:
    """``np.stack``."""
    arrays = list(arrays)
    return level.wrap(np.stack(evenly(level, arrays), axis=beyond(axis, np.ndim(arrays[0]) + 1), **kwargs))


def _joined(shaped: Callable, axis: Callable) -> Callable:
    def rule(tup: Any, **kwargs: Any) -> Any:
        arrays = [shaped(a) for a in tup]
        return np.concatenate(arrays, axis(arrays), **kwargs)

    return composed(rule)


batching(np.vstack)(_joined(np.atleast_2d, lambda arrays: 0))
batching(np.hstack)(_joined(np.atleast_1d, lambda arrays: 0 if np.ndim(arrays[0]) == 1 else 1))
batching(np.dstack)(_joined(np.atleast_3d, lambda arrays: 2))
batching(np.column_stack)(_joined(lambda a: np.reshape(a, (-1, 1)) if np.ndim(a) < 2 else a, lambda arrays: 1))
batching(np.append)(
    composed(
        lambda arr, values, axis=None: np.concatenate(
            [np.ravel(arr), np.ravel(values)] if axis is None else [arr, values], axis=axis or 0
        )
    )
)
batching(np.hsplit)(composed(lambda ary, places: np.array_split(*_checked(ary, places, 0 if ary.ndim == 1 else 1))))
batching(np.vsplit)(composed(lambda ary, places: np.array_split(*_checked(ary, places, 0))))
batching(np.dsplit)(composed(lambda ary, places: np.array_split(*_checked(ary, places, 2))))


def _checked(ary: Any, places: Any, axis: int) -> tuple[Any, Any, int]:
    np.split(np.empty(ary.shape), places, axis)  # which raises NumPy's own errors
    return ary, places, axis


@batching(np.broadcast_arrays)
@composed
def broadcast_arrays(*args: Any, subok: bool = False) -> Any:
    """``np.broadcast_arrays``."""
    shape = np.broadcast_shapes(*map(np.shape, args))
    return tuple(np.broadcast_to(a, shape) for a in args)


@batching(np.meshgrid)
@composed
def meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> Any:
    """``np.meshgrid``."""
    order = [1, 0, *range(2, len(xi))] if indexing == "xy" and len(xi) > 1 else list(range(len(xi)))
    axes = [np.reshape(x, [-1 if i == order[n] else 1 for i in range(len(xi))]) for n, x in enumerate(xi)]
    arrays = axes if sparse else np.broadcast_arrays(*axes)
    return tuple(map(np.copy, arrays)) if copy else tuple(arrays)


# ---------------------------------------------------------------- arrays like others


def _like(func: Callable) -> Callable:
    def rule(
        level: Level, a: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None, **device: Any
    ) -> Any:
        x = level.examples(a)
        shape = x.shape[1:] if shape is None else tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
        return level.wrap(func(x, dtype=dtype, shape=(level.size, *shape), **device))

    return rule


_LIKE: tuple[Callable, ...] = (np.zeros_like, np.ones_like, np.empty_like)
for _func in _LIKE:
    batching(_func)(_like(_func))


@batching(np.full_like)
@composed
def full_like(
    a: Any, fill_value: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None, **device: Any
) -> Any:
    """``np.full_like``: filled, and an array of its own."""
    shape = np.shape(a) if shape is None else shape
    surplus = np.ndim(fill_value) - np.size(shape)
    fill = fill_value.reshape(fill_value.shape[surplus:]) if surplus > 0 else fill_value  # ones in front
    y = np.empty_like(a, dtype, shape=shape)
    y[...] = fill
    return y


@batching(np.full)
def full(level: Level, shape: Any, fill_value: Any, dtype: Any = None, order: str = "C", **device: Any) -> Any:
    """``np.full`` of what differs from example to example, or with ``like=``."""
    fill = Batched(level.examples(joined(fill_value)), level)
    return np.full_like(fill, fill, dtype, shape=shape)


def _made(func: Callable) -> Callable:
    return lambda level, *args, **kwargs: level.wrap(np.copy(level.spread(func(*args, **kwargs))))


_MADE: tuple[Callable, ...] = (np.zeros, np.ones, np.empty, np.eye, np.identity, np.tri)
for _func in _MADE:
    batching(_func)(_made(_func))


def joined(x: Any, dtype: Any = None, *_: Any, copy: bool | None = None, ndmin: int = 0, **unused: Any) -> Any:
    """``np.array`` of an array, or of a nested list in which there are some."""
    if isinstance(x, (list, tuple)):
        x = np.stack([joined(part) for part in x]) if x else np.asarray(x)
    x = x if hasattr(x, "__array_function__") else np.asarray(x)
    x = x.reshape((*(1,) * (ndmin - x.ndim), *x.shape)) if x.ndim < ndmin else x
    return np.astype(x, x.dtype if dtype is None else dtype, copy=copy is not False)


batching(np.array, np.asarray, np.asanyarray, np.ascontiguousarray, np.asfortranarray, np.require)(composed(joined))
