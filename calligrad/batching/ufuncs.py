"""Ufuncs and their methods: one rule for each way of calling, whichever ufunc it is."""

from __future__ import annotations

from typing import Any

import numpy as np

from calligrad.batched import Batched, Leaving, Level, NoRule
from calligrad.batching.assign import target, written
from calligrad.batching.makers import aligned, along, asked_of_all, batching, padded
from calligrad.rules import numpy_name


@batching(np.ufunc.__call__)
def called(level: Level, ufunc: np.ufunc, *inputs: Any, out: Any = None, where: Any = True, **kwargs: Any) -> Any:
    """Number by number; ``out`` is a Batched, which is written into."""
    outs = out if isinstance(out, tuple) else (out,) * ufunc.nout
    outs = (*outs, *inputs[ufunc.nin :])
    if ufunc.signature is not None:
        raise NoRule
    inputs = inputs[: ufunc.nin]
    if where is not True:
        *inputs, kwargs["where"] = aligned(level, (*inputs, where))  # type: ignore[assignment]
    else:
        inputs = aligned(level, inputs)  # type: ignore[assignment]
    if all(y is None for y in outs):
        return level.wrap(ufunc(*inputs, **kwargs))
    if not all(isinstance(y, Batched) for y in outs):
        raise Leaving(
            f"{numpy_name(ufunc)} within vmap cannot write into an array that is the same for all; take the result"
        )
    ufunc(*inputs, out=tuple(target(level, y, *inputs) for y in outs), **kwargs)
    for y in outs:
        written(level, y)
    return outs[0] if len(outs) == 1 else outs


_NAMES = ("array", "axis", "dtype", "out", "keepdims", "initial", "where")
_FINISH = {np.logical_or: asked_of_all(np.any), np.logical_and: asked_of_all(np.all)}


@batching(np.ufunc.reduce)
def reduced(level: Level, ufunc: np.ufunc, *args: Any, **kwargs: Any) -> Any:
    """``ufunc.reduce``."""
    finish = _FINISH.get(ufunc, Level.wrap)
    return along(ufunc.reduce, "array", default=0, names=_NAMES, finish=finish)(level, *args, **kwargs)


@batching(np.ufunc.accumulate)
def accumulated(level: Level, ufunc: np.ufunc, *args: Any, **kwargs: Any) -> Any:
    """``ufunc.accumulate``."""
    return along(ufunc.accumulate, "array", default=0, names=_NAMES[:4])(level, *args, **kwargs)


@batching(np.ufunc.reduceat)
def reduced_at(level: Level, ufunc: np.ufunc, *args: Any, **kwargs: Any) -> Any:
    """``ufunc.reduceat``."""
    names = ("array", "indices", "axis", "dtype", "out")
    return along(ufunc.reduceat, "array", default=0, names=names)(level, *args, **kwargs)


@batching(np.ufunc.outer)
def outer(level: Level, ufunc: np.ufunc, a: Any, b: Any, **kwargs: Any) -> Any:
    """``ufunc.outer``: every pair."""
    a, b = level.examples(a), level.examples(b)
    a, b = a.reshape(*a.shape, *(1,) * (b.ndim - 1)), padded(b, a.ndim + b.ndim - 1)
    return level.wrap(ufunc(a, b, **kwargs))
