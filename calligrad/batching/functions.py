"""Rules for Functions: how their forward and backward run on Batched arrays."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np

from calligrad import batched
from calligrad.batched import BATCHING, Batched, Level, involved
from calligrad.batching.index import as_tuple, is_basic, numbers_of, positions
from calligrad.batching.makers import aligned, batching, beyond
from calligrad.batching.shape import joined
from calligrad.function import Elementwise, Function
from calligrad.nn.linear import Affine
from calligrad.ops.creation import Array, Full, filled
from calligrad.ops.diagonal import OnDiagonal
from calligrad.ops.index import Scatter, SetItem, Spread
from calligrad.ops.rearrange import OverlapAdd
from calligrad.ops.softmax import LogSoftmax, LogSumExp, Softmax
from calligrad.rules import numpy_name
from calligrad.value import Value


def _with(function: Function, **settings: Any) -> Any:
    """A Function like it that has not been called, with other settings."""
    new = copy.copy(function)
    vars(new).update(settings)
    return new


@batching(Function)
def composition(level: Level, function: Function, *xs: Any) -> Any:
    """Any Function: what it computes is NumPy, of Batched arrays; if it leaves that, one example after another.

    Over Values a user's Function, or a layer's, keeps its own derivative; those of NumPy are as good in parts.
    """
    over_arrays = all(isinstance(x.examples, np.ndarray) for x in xs if isinstance(x, Batched))
    try:
        if over_arrays or type(function).__module__.startswith(("calligrad.ops.", "calligrad.scipy.")):
            return function.forward(*xs)
        if not (type(function)._reads_self or involved(level, batched.settings_of(function))):
            return level.wrap(OfAll(function, level.size)(*map(level.examples, xs)))
    except (batched.Leaving, RuntimeError):  # a Value may refuse to be written into
        pass
    return one_by_one(level, function, "forward", xs, {})


class OfAll(Function):
    """A Function of all examples at once: its forward and its backward run on Batched arrays."""

    broadcasts = True  # what is the same for all examples has length 1 along their axis

    function: Any
    size: int

    def forward(self, *xs):
        return self._within(xs, lambda function, *xs: function.forward(*xs))

    def backward(self, g, *xs, y):
        shapes = [shape[1:] for shape in self.shapes]

        def gradients(function: Any, g: Any, *xs: Any) -> tuple[Any, ...]:
            function.edges = [(None, shape, None) for shape in shapes]
            *kept, output = xs
            if function._names is not None:
                kept = [x if named else None for x, named in zip(kept, function._names)]
            gxs = function.backward(g, *kept, **({"y": output} if function._takes_y else {}))
            gxs = gxs if isinstance(gxs, (tuple, list)) else (gxs,)
            gxs = tuple(gx() if callable(gx) else gx for gx in gxs)
            return tuple(gx if gx is None else function.fit(gx, s, gx.dtype) for gx, s in zip(gxs, shapes))

        return self._within((g, *xs, y), gradients)

    def _within(self, xs: Any, f: Any) -> Any:
        """``f`` of a fresh Function and of the arrays, in a vmap."""
        level = Level(self.size, type(self.function).__name__)

        def inside(x: Any) -> Any:
            return tuple(map(inside, x)) if isinstance(x, (tuple, list)) else x if x is None else Batched(x, level)

        def outside(y: Any) -> Any:
            return tuple(map(outside, y)) if isinstance(y, (tuple, list)) else y if y is None else level.spread(y)

        with level.entered():
            return outside(f(_with(self.function), *map(inside, xs)))


@batching(Elementwise)
def elementwise(level: Level, function: Function, *xs: Any) -> Any:
    """Number by number: the same Function of all examples."""
    if involved(level, batched.settings_of(function)):
        return composition(level, function, *xs)
    data = aligned(level, xs)
    y = _with(function)(*data)
    if function.settings and getattr(y, "shape", None) != np.broadcast_shapes(*map(np.shape, data)):
        return composition(level, function, *xs)  # np.linspace and its kin, which broadcast and more
    return level.wrap(y)


def name_of(function: Function) -> str:
    """How a user writes what ``function`` does."""
    kind = type(function)
    if (call := getattr(function, "call", None)) is not None and hasattr(call, "f"):
        return getattr(call.f, "__name__", type(call.f).__name__)  # a black box
    if not kind.__module__.startswith("calligrad."):
        return kind.__name__
    if kind is SetItem:
        return "x[key] = w"
    if kind.of is not None:
        return numpy_name(kind.of)
    described = (kind.__doc__ or "").split("``")  # ours say it in their first words
    return described[1] if len(described) > 1 and not described[0] else kind.__name__


def one_by_one(level: Level, function: Function, method: str, args: Any, kwargs: dict[str, Any]) -> Any:
    """A method of ``function`` for every example; what ``forward`` stores on the Function is stored for all of them."""
    stored: list[dict[str, Any]] = []

    def of_example(settings: dict[str, Any], args: Any, kwargs: dict[str, Any]) -> Any:
        new = _with(function, **settings)
        y = new(*args) if method == "forward" else batched.backward(new)(*args, **kwargs)
        stored.append({name: x for name, x in batched.settings_of(new).items() if name not in settings})
        return tuple(gx() if callable(gx) else gx for gx in y) if isinstance(y, tuple) else y

    of_example.__name__ = name_of(function) if method == "forward" else f"the gradient of {name_of(function)}"
    call = getattr(function, "call", None)
    of_example.key = type(function), getattr(call, "f", None), method  # type: ignore[attr-defined]
    ys = BATCHING[batched.one_by_one](level, of_example, (batched.settings_of(function), args, kwargs), {})
    for name, first in stored[0].items():
        together = hasattr(first, "__array_function__")
        vars(function)[name] = level.wrap(np.stack([of_one[name] for of_one in stored])) if together else first
    return ys


def pulled(function: Function, level: Level | None, g: Any, *kept: Any, **y: Any) -> Any:
    """``function.backward``, one by one if it asks what no batch can answer."""
    if level is None or any(isinstance(x, Value) for x in (g, *kept, *y.values())):
        return function.backward(g, *kept, **y)
    g = tuple(map(level.lifted, g)) if isinstance(g, tuple) else level.lifted(g)

    def singly() -> tuple[Any, ...]:
        gxs = one_by_one(level, function, "backward", (g, *kept), y)
        return gxs if isinstance(gxs, tuple) else (gxs,)

    def guarded(i: int, thunk: Any) -> Any:
        def gradient() -> Any:
            try:
                return thunk()
            except batched.Leaving:
                return singly()[i]

        return gradient

    try:
        gxs = function.backward(g, *kept, **y)
    except batched.Leaving:
        return singly()
    if isinstance(gxs, (tuple, list)):
        return tuple(guarded(i, gx) if callable(gx) else gx for i, gx in enumerate(gxs))
    return gxs


@batching(Softmax, LogSoftmax, LogSumExp)
def along(level: Level, function: Any, x: Any) -> Any:
    """Along an axis, or all."""
    axis = tuple(range(x.ndim)) if function.axis is None else function.axis
    return level.wrap(_with(function, axis=beyond(axis, x.ndim))(level.examples(x)))


@batching(Full)
def full(level: Level, function: Any, x: Any) -> Any:
    """``np.full``."""
    return np.full_like(x, x, function.dtype, shape=function.shape)


@batching(Array)
def array(level: Level, function: Any, *arrays: Any) -> Any:
    """``np.array`` and its kin, of nested lists."""
    return joined(filled(function.tree, arrays), **function.keywords)


@batching(Affine)
def affine(level: Level, function: Any, x: Any, weight: Any, *bias: Any) -> Any:
    """The linear layer: rows, if its parameters are the same for all examples."""
    given = [level.examples(p) for p in (weight, *bias)]
    data = level.examples(x)
    if all(p.shape[0] == 1 for p in given):
        return level.wrap(_with(function)(data, *(p[0] for p in given)))
    y = np.matmul(x, weight.mT)
    return y + bias[0] if bias else y


@batching(Scatter)
def scatter(level: Level, function: Any, x: Any) -> Any:
    """Zeros with items added, the examples side by side."""
    key, shape, data = as_tuple(function.key), function.shape, level.examples(x)
    if all(map(is_basic, key)) and not involved(level, key):
        return level.wrap(Scatter((slice(None), *key), (data.shape[0], *shape))(data))
    places = positions(level, shape, key)
    count = max(places.shape[0], data.shape[0])
    places = np.broadcast_to(places, (count, *places.shape[1:]))
    data = data if data.shape[0] == count else level.spread(x)
    flat = Scatter((numbers_of(places), places), (count, math.prod(shape)))(data)
    return level.wrap(flat.reshape(count, *shape))


@batching(OnDiagonal)
def on_diagonal(level: Level, function: Any, x: Any) -> Any:
    """Zeros with items on a diagonal."""
    data, ndim = level.examples(x), len(function.shape)
    axes = {"axis1": beyond(function.axis1, ndim), "axis2": beyond(function.axis2, ndim)}
    return level.wrap(_with(function, shape=(data.shape[0], *function.shape), **axes)(data))


@batching(OverlapAdd)
def overlap_add(level: Level, function: Any, x: Any) -> Any:
    """Windows laid where they came from and added up, the examples side by side."""
    data, ndim = level.examples(x), len(function.shape)
    axis = beyond(range(ndim) if function.axis is None else np.atleast_1d(function.axis).tolist(), ndim)
    return level.wrap(_with(function, axis=axis, shape=(data.shape[0], *function.shape))(data))


@batching(Spread)
def spread(level: Level, function: Any, x: Any) -> Any:
    """Zeros with items added at positions, those of each example further on."""
    count, size = level.size, math.prod(function.shape)
    n = math.prod(np.shape(function.positions))
    places = level.examples(function.positions)
    places = np.where(places < 0, places + size, places)  # counted from the end of each example
    places = places.reshape(places.shape[0], n) + size * np.arange(count)[:, np.newaxis]
    data = level.spread(x).reshape(count, n)
    return level.wrap(Spread(places, (count, *function.shape), function.distinct)(data))


@batching(SetItem)
def set_item(level: Level, function: Any, x: Any, w: Any) -> Any:
    """A copy with other items."""
    y = level.wrap(np.copy(level.spread(x)))
    y[function.key] = w
    return y
