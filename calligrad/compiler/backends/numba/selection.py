"""Arrays as indices: what takes numbers from where they point, puts some there, or adds to those, as kernels."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Any

import numpy as np

from calligrad.compiler.backends.numba.lowering import Lowering, Task, lowers
from calligrad.compiler.backends.numba.memory import Location
from calligrad.compiler.backends.numba.moves import (
    can_move,
    copy,
    is_basic,
    located,
    point,
    scratch,
    set_at_slices,
    spread,
    walk,
)
from calligrad.compiler.operations import call_at, setitem
from calligrad.compiler.program import Line, Var, vars_in
from calligrad.kernels.cache import compile_kernel
from calligrad.nn.embedding import row_sums
from calligrad.ops.index import added

MOVED = {1: "int8", 4: "int32", 8: "int64"}  # as what numbers of so many bytes are taken and put
ADDED = ("float32", "float64", "int64")


# ---------------------------------------------------------------- lines


@lowers(operator.getitem)
def taken_at(lowering: Lowering, line: Line) -> bool:
    """``x[key]`` with arrays of whole numbers in the key."""
    x, key = line.args
    return type(x) is Var and _select(lowering, "TAKE", lowering.at(x), key, lowering.at(line.out))


@lowers(np.take)
def taken(lowering: Lowering, line: Line) -> bool:
    """``np.take`` along an axis, or from the whole array."""
    given = dict(zip(("a", "indices", "axis", "out", "mode"), line.args)) | line.kwargs
    x, indices, axis = given["a"], given["indices"], given.get("axis")
    if type(x) is not Var or given.get("out") is not None or given.get("mode", "raise") != "raise":
        return False
    location = _flat(lowering.at(x)) if axis is None else lowering.at(x)
    axis = axis or 0
    if location is None or not location.like.ndim:
        return False
    key = (*(slice(None),) * (axis % location.like.ndim), indices)
    return _select(lowering, "TAKE", location, key, lowering.at(line.out))


@lowers(np.take_along_axis)
def taken_along(lowering: Lowering, line: Line) -> bool:
    """``np.take_along_axis``."""
    given = dict(zip(("arr", "indices", "axis"), line.args)) | line.kwargs
    x, axis, out = given["arr"], given.get("axis", -1), lowering.at(line.out)
    if type(x) is not Var or axis is None or 0 in x.shape:
        return False
    location, axis = lowering.at(x), axis % len(x.shape)
    index = _as_indices(lowering, given["indices"])
    if index is None:
        return False
    shape = out.like.shape
    begins = np.broadcast_to(np.moveaxis(np.moveaxis(location.like, axis, 0)[:1], 0, axis), shape)
    chosen = Chosen(location, [spread(index, shape)], [axis], [axis], [], shape, 0, len(shape), begins)
    return _add_kernel(lowering, "TAKE", chosen, out)


@lowers(setitem)
def put_at(lowering: Lowering, line: Line) -> bool:
    """A copy with other numbers at a key, be it of slices or of arrays of whole numbers."""
    x, key, value = line.args
    if is_basic(key):
        return set_at_slices(lowering, line)
    return type(x) is Var and _changed(lowering, "PUT", x, key, value, lowering.at(line.out))


@lowers(call_at)
def added_at(lowering: Lowering, line: Line) -> bool:
    """``np.add.at`` on a copy."""
    ufunc, x, key, *values = line.args
    return ufunc is np.add and type(x) is Var and _changed(lowering, "ADD", x, key, values[0], lowering.at(line.out))


@lowers(row_sums)
def sums_of_rows(lowering: Lowering, line: Line) -> bool:
    """The sums of rows with the same index."""
    x, indices = line.args
    return _sums(lowering, x, indices, lowering.at(line.out))


@lowers(added)
def sums_of_numbers(lowering: Lowering, line: Line) -> bool:
    """The sums of numbers with the same position in the flattened result."""
    x, positions = line.args
    if type(x) is not Var or type(positions) is not Var:
        return False
    source, places, target = (_flat(lowering.at(var)) for var in (x, positions, line.out))
    if source is None or places is None or target is None:
        return False
    return _sums(lowering, source, places, target)


def _sums(lowering: Lowering, x: Any, indices: Any, target: Location) -> bool:
    zero = located(lowering, 0, target.like.dtype)
    chosen = _chosen(lowering, target, indices)
    if zero is None or chosen is None or target.like.dtype.name not in ADDED:
        return False
    copy(lowering, zero, target)
    return _add_kernel(lowering, "ADD", chosen, spread(x if isinstance(x, Location) else lowering.at(x), chosen.shape))


def _changed(lowering: Lowering, what: str, x: Var, key: Any, value: Any, target: Location) -> bool:
    """A copy of ``x``, unless its memory is the result's, and then the kernel that changes it."""
    chosen = _chosen(lowering, target, key)
    values = located(lowering, value, x.dtype)
    if chosen is None or values is None or not can_move(x.dtype, x.dtype):
        return False
    if values.like.dtype != x.dtype:
        cast = scratch(lowering, values.like.shape, x.dtype)
        copy(lowering, values, cast)
        values = cast
    if what == "ADD" and x.dtype.name not in ADDED:
        return False
    old = lowering.at(x)
    if (old.root, old.offset) != (target.root, target.offset):
        copy(lowering, old, target)
    return _add_kernel(lowering, what, chosen, spread(values, chosen.shape))


def _select(lowering: Lowering, what: str, x: Location, key: Any, out: Location) -> bool:
    chosen = _chosen(lowering, x, key)
    return chosen is not None and chosen.shape == out.like.shape and _add_kernel(lowering, what, chosen, out)


# ---------------------------------------------------------------- keys


@dataclass
class Chosen:
    """The part of an array that a key names: its axes are either pointed into by arrays of indices, or taken whole."""

    x: Location  # without what slices leave out
    indices: list[Location]
    pointed: list[int]  # the axes of x into which they point
    numbers: list[int]  # of these in the array before anything was left out
    whole: list[int]  # the others
    shape: tuple[int, ...]  # of the result
    begin: int  # where in it the axes of points are
    points: int  # how many these are
    at_points: np.ndarray | None = None  # x by points, if they do not all begin at its first number


def _chosen(lowering: Lowering, x: Location, key: Any) -> Chosen | None:
    """What a key names, or None if no kernel goes there."""
    parts = list(key) if isinstance(key, tuple) else [key]
    if not any(vars_in(parts)) and not any(isinstance(part, np.ndarray) for part in parts):
        return None
    if any(part is Ellipsis for part in parts):
        at = next(i for i, part in enumerate(parts) if part is Ellipsis)
        parts[at : at + 1] = [slice(None)] * (x.like.ndim - sum(part is not None for part in parts) + 1)
    parts += [slice(None)] * (x.like.ndim - sum(part is not None for part in parts))
    basic: list[Any] = []
    indices, pointed, numbers, single, advanced, axis = [], [], [], [], [], 0
    for at, part in enumerate(parts):
        if type(part) is Var or isinstance(part, np.ndarray):
            index = _as_indices(lowering, part)
            if index is None:
                return None
            indices.append(index)
            pointed.append(at)
            numbers.append(axis)
            advanced.append(at)
            basic.append(slice(None))
        elif isinstance(part, (int, np.integer)) and not isinstance(part, (bool, np.bool_)):
            advanced.append(at)
            single.append(at)
            basic.append(slice(part, part + 1 if part != -1 else None))
        elif part is None or (isinstance(part, slice) and not any(vars_in((part.start, part.stop, part.step)))):
            basic.append(part)
        else:
            return None
        axis += part is not None
    like = x.like[tuple(basic)]
    whole = [i for i in range(like.ndim) if i not in pointed and i not in single]
    points = np.broadcast_shapes(*(index.like.shape for index in indices))
    together = advanced == list(range(advanced[0], advanced[-1] + 1))
    begin = sum(i < advanced[0] for i in whole) if together else 0
    sizes = [like.shape[i] for i in whole]
    shape = (*sizes[:begin], *points, *sizes[begin:])
    return Chosen(Location(x.root, like), indices, pointed, numbers, whole, shape, begin, len(points))


def _as_indices(lowering: Lowering, part: Any) -> Location | None:
    """An array of indices in int64; of other whole numbers a copy is made."""
    dtype = np.asarray(part).dtype if isinstance(part, np.ndarray) else part.dtype
    if dtype == np.int64 or dtype.name == "int32":
        location = located(lowering, part, np.dtype(np.int64))
        if location is None or location.like.dtype == np.int64:
            return location
        cast = scratch(lowering, location.like.shape, np.int64)
        copy(lowering, location, cast)
        return cast
    return None


def _flat(location: Location) -> Location | None:
    like = location.like
    return Location(location.root, like.reshape(-1)) if like.flags.c_contiguous else None


# ---------------------------------------------------------------- kernels


def _add_kernel(lowering: Lowering, what: str, chosen: Chosen, other: Location) -> bool:
    """Add the kernel that moves numbers between what was chosen and the other array, of the shape of the result."""
    if not other.like.size or not chosen.x.like.size:
        return not _would_fail(chosen)
    if chosen.x.like.itemsize not in MOVED or not chosen.x.like.dtype.isnative or chosen.x.like.dtype.hasobject:
        return False
    x, begin, points = chosen.x.like, chosen.begin, chosen.points
    places = other.like
    at_points = np.moveaxis(places, range(begin, begin + points), range(points))  # then slabs
    shape = at_points.shape[:points]
    first_of_slab = (...,) + (0,) * (at_points.ndim - points)
    indices = [np.broadcast_to(index.like, shape) for index in chosen.indices]
    begins = np.broadcast_to(x[(0,) * x.ndim], shape) if chosen.at_points is None else chosen.at_points
    axes = walk(begins, *indices, at_points[first_of_slab], in_order=True)
    firsts = tuple(slice(None) if i in chosen.whole else 0 for i in range(x.ndim))
    slabs = walk(x[firsts], at_points[(0,) * points])
    if len(axes) > 3 or len(slabs) > 3:
        return False
    axes = [(1,) + (0,) * (len(indices) + 2)] * (3 - len(axes)) + axes
    slabs = [(1, 0, 0)] * (3 - len(slabs)) + slabs
    name = x.dtype.name if what == "ADD" else MOVED[x.dtype.itemsize]
    kernel = selecting(what, name)
    words = [lowering.errors.address, len(indices), 0, 0, *(axis[0] for axis in (*axes, *slabs))]
    words += [*(axis[1] for axis in axes), *(axis[1] for axis in slabs)]
    words += [*(axis[-1] for axis in axes), *(axis[2] for axis in slabs)]
    for k, axis_of_x in enumerate(chosen.pointed):
        step = x.strides[axis_of_x] // x.itemsize
        words += [0, *(axis[2 + k] for axis in axes), x.shape[axis_of_x], chosen.numbers[k], step]
    words.append(lowering.errors.asked_by(lowering.line.where))
    reads = [index.root for index in chosen.indices] + [(other if what != "TAKE" else chosen.x).root]
    task = Task(kernel, np.array(words, np.int64), reads, [(other if what == "TAKE" else chosen.x).root])
    point(lowering, task, 2, chosen.x)
    point(lowering, task, 3, other)
    for k, index in enumerate(chosen.indices):
        point(lowering, task, 22 + 7 * k, index)
    task.weight = other.like.size * 0.3 + 5 * np.prod(shape)
    lowering.tasks.append(task)
    return True


def _would_fail(chosen: Chosen) -> bool:
    """Whether an index may be out of bounds although nothing is moved; then NumPy is asked."""
    return any(index.like.size for index in chosen.indices)


def selecting(what: str, dtype: str) -> Any:
    """The kernel that takes, puts or adds numbers of a dtype."""
    name = f"{what.lower()}_{dtype}"
    return compile_kernel(
        f"from numba import types\nfrom calligrad.kernels.selection import {what}, select\n"
        f"def {name}(thread, threads, args):\n    select(thread, threads, args, types.{dtype}, {what})\n",
        name,
    )
