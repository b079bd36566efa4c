"""Contractions. What is the same for all examples has no axis of its own there: one product instead of many."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from calligrad.batched import BATCHING, Level, NoRule
from calligrad.batching.makers import aligned, batching, composed, padded, refuse_out
from calligrad.ops.contract import _explicit, _from_lists, _letters


@batching(np.matmul, np.linalg.matmul)
def matmul(level: Level, a: Any, b: Any, /, **kwargs: Any) -> Any:
    """``a @ b``, where vectors have an axis added that is taken away afterwards."""
    a, b = level.examples(a), level.examples(b)
    if kwargs or min(a.ndim, b.ndim) < 2:
        raise NoRule
    if a.shape[0] != 1 and b.shape[0] == 1 and b.ndim <= 3:
        return level.wrap(a @ b[0])  # one matrix for all: the examples are rows
    if a.shape[0] == 1 and a.ndim == 3 and b.ndim == 2 and b.shape[0] != 1:
        return level.wrap(b @ a[0].mT)
    if a.shape[0] == 1 and a.ndim == 3 and b.ndim == 3 and b.shape[-1] == 1:
        return level.wrap((b[..., 0] @ a[0].mT)[..., np.newaxis])
    row, column = a.ndim == 2, b.ndim == 2
    a, b = a[:, np.newaxis] if row else a, b[..., np.newaxis] if column else b
    ndim = max(a.ndim, b.ndim)
    y = padded(a, ndim) @ padded(b, ndim)
    return level.wrap(np.squeeze(y, tuple(axis for axis, added in ((-2, row), (-1, column)) if added)))


@batching(np.einsum)
def einsum(level: Level, *operands: Any, optimize: Any = False, **kwargs: Any) -> Any:
    """``np.einsum`` with one more letter for the examples."""
    spec, xs = (operands[0], operands[1:]) if isinstance(operands[0], str) else _from_lists(operands)
    ins, out = _explicit(spec, tuple(map(np.ndim, xs)))
    given = [level.examples(x) for x in xs]
    single = [x.shape[0] == 1 for x in given]
    if all(single):
        return level.wrap(np.einsum(f"{','.join(ins)}->{out}", *(x[0] for x in given), optimize=optimize)[np.newaxis])
    batch = _letters("".join(ins))[0]
    specs = (term if alone else batch + term for term, alone in zip(ins, single))
    data = (x[0] if alone else x for x, alone in zip(given, single))
    return level.wrap(np.einsum(f"{','.join(specs)}->{batch}{out}", *data, optimize=optimize, **kwargs))


@batching(np.tensordot, np.linalg.tensordot)
def tensordot(level: Level, a: Any, b: Any, /, axes: Any = 2) -> Any:
    """``np.tensordot``: with one batch a tensordot again, with two a matrix product for each example."""
    x, y = level.examples(a), level.examples(b)
    pair = (range(np.ndim(a) - axes, np.ndim(a)), range(axes)) if isinstance(axes, (int, np.integer)) else axes
    over_a, over_b = ([i] if isinstance(i, (int, np.integer)) else list(i) for i in pair)
    over_a = [normalize_axis_index(int(i), np.ndim(a)) + 1 for i in over_a]
    over_b = [normalize_axis_index(int(i), np.ndim(b)) + 1 for i in over_b]
    if y.shape[0] == 1:
        return level.wrap(np.tensordot(x, y[0], (over_a, [i - 1 for i in over_b])))
    free_a, free_b = ([i for i in range(1, z.ndim) if i not in over] for z, over in ((x, over_a), (y, over_b)))
    if x.shape[0] == 1:
        z = np.tensordot(x[0], y, ([i - 1 for i in over_a], over_b))
        return level.wrap(np.copy(np.moveaxis(z, len(free_a), 0), order="C"))
    shapes = [x.shape[i] for i in over_a], [y.shape[i] for i in over_b]
    if shapes[0] != shapes[1]:
        raise ValueError(f"shape-mismatch for sum: {np.shape(a)} and {np.shape(b)} along axes {axes}")
    met = int(np.prod(shapes[0]))
    left = np.transpose(x, (0, *free_a, *over_a)).reshape(level.size, -1 if met else _count(x, free_a), met)
    right = np.transpose(y, (0, *over_b, *free_b)).reshape(level.size, met, -1 if met else _count(y, free_b))
    shape = (level.size, *(x.shape[i] for i in free_a), *(y.shape[i] for i in free_b))
    return level.wrap((left @ right).reshape(shape))


def _count(x: Any, axes: list[int]) -> int:
    return int(np.prod([x.shape[i] for i in axes]))


@batching(np.dot)
@composed
def dot(a: Any, b: Any, out: Any = None) -> Any:
    """``np.dot``: the last axis of ``a`` with the last but one of ``b``."""
    refuse_out(np.dot, out)
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return np.multiply(a, b)
    if np.ndim(b) <= 2:
        return np.matmul(a, b)
    return np.tensordot(a, b, ((-1,), (-2,)))


@batching(np.inner)
@composed
def inner(a: Any, b: Any) -> Any:
    """``np.inner``: the last axes of both."""
    return np.multiply(a, b) if np.ndim(a) == 0 or np.ndim(b) == 0 else np.tensordot(a, b, ((-1,), (-1,)))


@batching(np.outer)
@composed
def outer(a: Any, b: Any, out: Any = None) -> Any:
    """``np.outer``."""
    refuse_out(np.outer, out)
    return np.multiply(np.ravel(a)[:, np.newaxis], np.ravel(b))


batching(np.linalg.outer)(composed(lambda x1, x2, /: np.multiply(x1[:, np.newaxis], x2)))
batching(np.vdot)(composed(lambda a, b: np.sum(np.conjugate(np.ravel(a)) * np.ravel(b))))


@batching(np.kron)
@composed
def kron(a: Any, b: Any) -> Any:
    """``np.kron``: every number of ``a`` times all of ``b``."""
    ndim = max(np.ndim(a), np.ndim(b))
    shape_a, shape_b = ((*(1,) * (ndim - np.ndim(x)), *np.shape(x)) for x in (a, b))
    pairs = list(zip(shape_a, shape_b))
    left = np.reshape(a, [n for m, _ in pairs for n in (m, 1)])
    right = np.reshape(b, [n for _, m in pairs for n in (1, m)])
    return np.reshape(left * right, [m * n for m, n in pairs])


def _of_vectors(func: Callable, core: tuple[int, int]) -> Callable:
    """A ufunc of the last axes: np.vecdot, np.matvec and np.vecmat."""

    def rule(level: Level, a: Any, b: Any, /, *, axis: int = -1, keepdims: bool = False, **kwargs: Any) -> Any:
        if kwargs.get("axes") is not None:
            raise NoRule
        a, b = (x if axis == -1 else np.moveaxis(x, axis, -1) for x in (a, b))
        given = [level.examples(x) for x in (a, b)]
        loops = max(x.ndim - n for x, n in zip(given, core))
        y = level.wrap(func(*(padded(x, loops + n) for x, n in zip(given, core)), **kwargs))
        return np.expand_dims(y, axis) if keepdims else y

    return rule


for _name, _core in {"vecdot": (1, 1), "matvec": (2, 1), "vecmat": (1, 2)}.items():
    if _func := getattr(np, _name, None):
        BATCHING[_func] = _of_vectors(_func, _core)
BATCHING[np.linalg.vecdot] = _of_vectors(np.linalg.vecdot, (1, 1))


@batching(np.cross)
def cross(
    level: Level, a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None
) -> Any:
    """``np.cross``."""
    axisa, axisb, axisc = (axisa, axisb, axisc) if axis is None else (axis, axis, axis)
    a, b = np.moveaxis(a, axisa, -1), np.moveaxis(b, axisb, -1)
    y = level.wrap(np.cross(*aligned(level, (a, b))))
    return y if a.shape[-1] == b.shape[-1] == 2 else np.moveaxis(y, -1, axisc)


@batching(np.linalg.cross)
@composed
def cross_of_three(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    """``np.linalg.cross``."""
    if np.shape(x1)[axis] != 3 or np.shape(x2)[axis] != 3:
        raise ValueError("Both input arrays must be (arrays of) 3-dimensional vectors")
    return np.cross(x1, x2, axis=axis)


batching(np.linalg.multi_dot)(composed(lambda arrays: functools.reduce(np.matmul, arrays)))


@batching(np.linalg.solve)
def solve(level: Level, a: Any, b: Any) -> Any:
    """``np.linalg.solve`` for a vector or matrices ``b``."""
    vector = np.ndim(b) == 1
    x, y = level.examples(a), level.examples(b)
    if np.ndim(a) < 2 or np.ndim(b) < 1:
        raise NoRule
    y = y[..., np.newaxis] if vector else y
    ndim = max(x.ndim, y.ndim)
    y = np.linalg.solve(padded(x, ndim), padded(y, ndim))
    return level.wrap(y[..., 0] if vector else y)


@batching(np.linalg.norm)
def norm(level: Level, x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """``np.linalg.norm``: without an axis that of the whole array, taken as one vector unless ``ord`` says more."""
    data = level.examples(x)
    if axis is not None:
        axes = tuple(axis) if isinstance(axis, (tuple, list)) else (axis,)
        over = tuple(normalize_axis_index(int(i), x.ndim) + 1 for i in axes)
        return level.wrap(np.linalg.norm(data, ord, over if isinstance(axis, (tuple, list)) else over[0], keepdims))
    if ord is None:
        y = np.linalg.norm(data.reshape(data.shape[0], -1), axis=1)
    elif x.ndim in (1, 2):
        y = np.linalg.norm(data, ord, tuple(range(1, data.ndim)) if x.ndim == 2 else 1)
    else:
        raise NoRule
    return level.wrap(y.reshape(y.shape[0], *(1,) * x.ndim) if keepdims else y)


@batching(np.linalg.vector_norm)
def vector_norm(level: Level, x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    """``np.linalg.vector_norm``."""
    flat = np.ravel(x) if axis is None else x
    axes = (0,) if axis is None else tuple(axis) if isinstance(axis, (tuple, list)) else (axis,)
    over = tuple(normalize_axis_index(int(i), flat.ndim) + 1 for i in axes)
    over_all = over if isinstance(axis, (tuple, list)) else over[0]
    y = np.linalg.vector_norm(level.examples(flat), axis=over_all, keepdims=keepdims and axis is not None, ord=ord)
    return level.wrap(y.reshape(y.shape[0], *(1,) * x.ndim) if keepdims and axis is None else y)
