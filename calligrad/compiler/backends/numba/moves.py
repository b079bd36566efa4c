"""Moves: what puts numbers from one place to another, as kernels that copy between arrays with any strides."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from calligrad.compiler.backends.numba.lowering import Lowering, Task, lowers
from calligrad.compiler.backends.numba.memory import Location, Root
from calligrad.compiler.program import Line, Var
from calligrad.kernels import loops
from calligrad.kernels import nest as nests
from calligrad.kernels.arithmetic import TYPES
from calligrad.kernels.cache import Kernel, compile_written

PIECE = 4096  # numbers of one long row that are a row of their own
SHORT = 8  # numbers that are not worth being walked in the innermost loop, if there is a longer axis
SAME_SIZE = {4: "int32", 8: "int64"}  # as what numbers of other dtypes are moved


# ---------------------------------------------------------------- lines


@lowers(np.copy, np.ascontiguousarray, np.asfortranarray)
def copied(lowering: Lowering, line: Line) -> bool:
    """A copy in another layout, or in the same."""
    source = line.args[0]
    return (
        type(source) is Var
        and can_move(source.dtype, line.out.dtype)
        and copy(lowering, lowering.at(source), _at(lowering, line))
    )


@lowers(np.reshape, np.ravel)
def reshaped(lowering: Lowering, line: Line) -> bool:
    """Another shape of what does not lie one number after the other, so that it is no view."""
    source, out = line.args[0], lowering.at(line.out)
    if type(source) is not Var or line.kwargs.get("order", "C") != "C" or not out.like.flags.c_contiguous:
        return False
    target = Location(out.root, out.like.reshape(source.shape))
    return can_move(source.dtype, line.out.dtype) and copy(lowering, lowering.at(source), target)


@lowers(np.zeros_like, np.ones_like, np.full_like, np.empty_like, np.zeros, np.ones, np.full, np.empty)
def filled(lowering: Lowering, line: Line) -> bool:
    """An array of one number."""
    number: Any = 0
    if line.op in (np.ones_like, np.ones):
        number = 1
    elif line.op in (np.full_like, np.full):
        number = line.args[1] if len(line.args) > 1 else line.kwargs["fill_value"]
    target = _at(lowering, line)
    source = located(lowering, number, target.like.dtype)
    return source is not None and copy(lowering, source, target)


def set_at_slices(lowering: Lowering, line: Line) -> bool:
    """``setitem`` at a key of slices and whole numbers; nothing is copied if the old array is not needed any more."""
    x, key, value = line.args
    if type(x) is not Var or not is_basic(key):
        return False
    target = _at(lowering, line)
    source = located(lowering, value, x.dtype)
    if source is None or not can_move(x.dtype, x.dtype):
        return False
    old = lowering.at(x)
    if (old.root, old.offset) != (target.root, target.offset):
        copy(lowering, old, target)
    place = target.like[_as_view(key)]
    return copy(lowering, spread(source, place.shape), Location(target.root, place))


@lowers(np.concatenate)
def concatenated(lowering: Lowering, line: Line) -> bool:
    """Arrays one behind the other."""
    parts, axis = line.args[0], line.kwargs.get("axis", line.args[1] if len(line.args) > 1 else 0)
    return axis is not None and _put_together(
        lowering, line, parts, axis, [np.shape(part)[axis] for part in _likes(lowering, parts)]
    )


@lowers(np.stack)
def stacked(lowering: Lowering, line: Line) -> bool:
    """Arrays beside each other along a new axis."""
    parts, axis = line.args[0], line.kwargs.get("axis", line.args[1] if len(line.args) > 1 else 0)
    return _put_together(lowering, line, parts, axis, None)


def _put_together(lowering: Lowering, line: Line, parts: Any, axis: int, sizes: list[int] | None) -> bool:
    """Each part at its place along an axis, which is new if there are no sizes along it."""
    if not isinstance(parts, (tuple, list)):
        return False
    target = _at(lowering, line)
    found = [located(lowering, part, target.like.dtype) for part in parts]
    sources = [source for source in found if source is not None]
    if len(sources) < len(found):
        return False
    whole = np.moveaxis(target.like, axis, 0)
    start = 0
    for i, source in enumerate(sources):
        part = whole[i, ...] if sizes is None else np.moveaxis(whole[start : start + sizes[i]], 0, axis)
        copy(lowering, source, Location(target.root, part))
        start += 0 if sizes is None else sizes[i]
    return True


# ---------------------------------------------------------------- arguments


def is_basic(key: Any) -> bool:
    """Whether a key has slices, whole numbers, Ellipsis and None only, so that it is a view."""
    parts = key if isinstance(key, tuple) else (key,)
    return all(part is None or part is Ellipsis or _is_number(part) or _is_slice(part) for part in parts)


def _is_number(part: Any) -> bool:
    return isinstance(part, (int, np.integer)) and not isinstance(part, bool)


def _is_slice(part: Any) -> bool:
    return isinstance(part, slice) and not any(type(x) is Var for x in (part.start, part.stop, part.step))


def _as_view(key: Any) -> Any:
    """The key, for a view also where it names a single number."""
    parts = key if isinstance(key, tuple) else (key,)
    return parts if any(part is Ellipsis for part in parts) else (*parts, ...)


def can_move(a: np.dtype, b: np.dtype) -> bool:
    """Whether a kernel copies numbers of one dtype to where they have the other."""
    if not (a.isnative and b.isnative):
        return False
    if a == b:
        return a.name in TYPES or (a.itemsize in SAME_SIZE and a.kind in "iufc")
    to_float = b.kind == "f" and a.kind in "fib"
    return a.name in TYPES and b.name in TYPES and (to_float or (a.kind in "ib" and b.kind == "i"))


def located(lowering: Lowering, x: Any, dtype: np.dtype) -> Location | None:
    """Where an argument lies, or a place for a number; None if its numbers cannot become ``dtype``."""
    if type(x) is Var:
        return lowering.at(x) if can_move(x.dtype, dtype) else None
    if not isinstance(x, (bool, int, float, np.generic, np.ndarray)):
        return None
    whole = np.asarray(x)
    if not np.can_cast(whole.dtype, dtype, "same_kind") or not can_move(dtype, dtype):
        return None
    whole = whole.astype(dtype)
    lowering.kept.append(whole)
    return Location(Root("constant", -1, whole), whole)


def spread(location: Location, shape: tuple[int, ...]) -> Location:
    """An array as it is broadcast to a shape in an assignment, which drops axes of 1."""
    like = location.like
    more = like.ndim - len(shape)
    like = like[more * (0,) + (...,)] if more > 0 else like
    return Location(location.root, np.broadcast_to(like, shape))


def scratch(lowering: Lowering, shape: tuple[int, ...], dtype: Any) -> Location:
    """Memory for an array between two kernels of one line."""
    whole = np.empty(shape, dtype)
    lowering.kept.append(whole)
    return Location(Root("partial", whole.ctypes.data, whole), whole)


def _at(lowering: Lowering, line: Line) -> Location:
    return lowering.at(line.out)


def _likes(lowering: Lowering, parts: Any) -> list[Any]:
    return [lowering.at(part).like if type(part) is Var else part for part in parts]


# ---------------------------------------------------------------- copies


def copy(lowering: Lowering, source: Location, target: Location) -> bool:
    """Add the kernel that copies one array to another, to whose shape it is broadcast."""
    if not target.like.size:
        return True
    dtypes = source.like.dtype.name, target.like.dtype.name
    if dtypes[0] == dtypes[1] and dtypes[0] not in TYPES:
        dtypes = (SAME_SIZE[target.like.itemsize],) * 2
    axes = walk(np.broadcast_to(source.like, target.like.shape), target.like)
    total = 0
    if len(axes) == 1 and axes[0][0] > 2 * PIECE:
        ((total, a, b),) = axes
        axes = [(-(-total // PIECE), a * PIECE, b * PIECE), (PIECE, a, b)]
    axes = [(1, 0, 0)] * (2 - len(axes)) + axes
    if len(axes) > 2:  # few kernels serve all shapes
        axes = [(1, 0, 0)] * (4 - len(axes)) + axes
    outer, (_, *inner) = len(axes) - 1, axes[-1]
    kernel, nest = copier(*dtypes, outer, *(step if step in (0, 1) else 2 for step in inner))
    words = np.zeros(nests.words_of(nest), np.int64)
    words[nests.TOTAL] = total
    words[nests.CHUNKS] = min(64, math.prod(axis[0] for axis in axes[:-1]))
    words[nests.SIZES : nests.SIZES + len(axes)] = [axis[0] for axis in axes]
    task = Task(kernel, words, [source.root], [target.root])
    for i, location in enumerate((source, target)):
        at = nests.operand_at(nest, i)
        point(lowering, task, at, location)
        words[at + 1 : at + 1 + len(axes)] = [axis[i + 1] for axis in axes]
    task.weight = target.like.size * (0.1 if inner == [1, 1] else 0.4)
    lowering.tasks.append(task)
    return True


def copier(source: str, target: str, outer: int, from_: int, to: int) -> tuple[Kernel, nests.Nest]:
    """The kernel that copies rows, of so many axes, between dtypes; ``from_`` and ``to`` are ``Operand.inner``."""
    ends = [nests.Operand(dtype, "element", inner) for dtype, inner in ((source, from_), (target, to))]
    nest = nests.Nest(outer, 1, (ends[0],), (ends[1],), (), (nests.Phase(stores=((0, ("in", 0)),)),))
    return compile_written(lambda symbol: loops.written(nest, symbol), repr(nest), "copy"), nest


def walk(*likes: np.ndarray, in_order: bool = False) -> list[tuple[int, ...]]:
    """The axes of arrays of one shape, as (size, step of each, in numbers), so that the last one is walked in order.

    With ``in_order`` the axes stay in theirs. Neighbours that are one walk in all arrays are one axis.
    """
    axes = [(n, *(like.strides[i] // like.itemsize for like in likes)) for i, n in enumerate(likes[0].shape) if n > 1]
    merged: list[tuple[int, ...]] = []
    for axis in axes if in_order else sorted(axes, key=lambda axis: -abs(axis[-1])):
        if merged and all(outer == axis[0] * inner for outer, inner in zip(merged[-1][1:], axis[1:])):
            merged[-1] = (merged[-1][0] * axis[0], *axis[1:])
        else:
            merged.append(axis)
    if merged and merged[-1][0] < SHORT and not in_order:
        merged.append(merged.pop(max(range(len(merged)), key=lambda i: merged[i][0])))
    return merged


def point(lowering: Lowering, task: Task, word: int, location: Location, more: int = 0) -> None:
    """Have a word of the task be the address of an array, which may be a ``scratch``, or so many bytes behind it."""
    if location.root.kind == "partial":
        task.words[word] = location.root.index + location.offset + more
    else:
        lowering.point(task, word, location, more)
