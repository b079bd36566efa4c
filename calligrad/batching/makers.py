"""Makers of batching rules: from what kind of function it is to a rule that runs it on all examples at once.

A rule is called as ``rule(level, *args, **kwargs)`` with the arguments of the NumPy function. It calls that
function on arrays that have the examples along axis 0, and wraps what it gives. Arrays that do not depend on the
example have length 1 there, which NumPy broadcasts.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable, Iterable, Sequence
from inspect import signature
from typing import Any, NoReturn

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from calligrad.batched import BATCHING, Batched, Leaving, Level, NoRule, involved
from calligrad.rules import numpy_name
from calligrad.value import PLAIN


class Call:
    """The arguments of a call of ``func`` within vmap, by name; those given by position stay so."""

    def __init__(self, func: Callable, names: Sequence[str], level: Level, args: Any, kwargs: dict[str, Any]) -> None:
        self.func, self.names, self.level, self.args, self.kwargs = func, names, level, list(args), dict(kwargs)
        refuse_out(func, self.get("out"))

    def _place(self, name: str) -> int | None:
        """The position of the argument called ``name``, if it was given by position."""
        if name in self.kwargs or name not in self.names:
            return None
        i = self.names.index(name)
        return i if i < len(self.args) else None

    def get(self, name: str, default: Any = None) -> Any:
        """The argument called ``name``."""
        return self.kwargs.get(name, default) if (i := self._place(name)) is None else self.args[i]

    def set(self, name: str, value: Any) -> None:
        """Replace or add the argument called ``name``."""
        if (i := self._place(name)) is None:
            self.kwargs[name] = value
        else:
            self.args[i] = value

    def has(self, name: str) -> bool:
        """Whether an argument of that name was given, and is not None."""
        return self.get(name) is not None and self.get(name) is not np._NoValue

    def __call__(self) -> Any:
        """What the function makes of the arguments, if none of them is still a Batched."""
        if involved(self.level, self.args, self.kwargs):
            raise NoRule
        return self.func(*self.args, **self.kwargs)


def refuse_out(func: Callable, out: Any) -> None:
    """Object to an array to write into."""
    if out is not None and out is not np._NoValue:
        raise TypeError(f"{numpy_name(func)} within vmap cannot write into an existing array; take the result instead")


@functools.cache
def names_of(func: Callable) -> tuple[str, ...]:
    """The names of a function's parameters."""
    return tuple(signature(func).parameters)


# ---------------------------------------------------------------- axes


def beyond(axis: Any, ndim: int) -> Any:
    """The axis, or tuple of axes, of one example as axes of all of them."""
    if isinstance(axis, (tuple, list, range)):
        return tuple(beyond(i, ndim) for i in axis)
    return normalize_axis_index(operator.index(axis), ndim) + 1


def padded(x: Any, ndim: int) -> Any:
    """``x`` with axes of length 1 after the first, so that there are ``ndim`` in all."""
    missing = ndim - x.ndim
    return x.reshape(x.shape[0], *(1,) * missing, *x.shape[1:]) if missing > 0 else x


def aligned(level: Level, xs: Iterable[Any]) -> list[Any]:
    """The examples of ``xs``, so that they broadcast as each of them would; Python numbers and None stay."""
    given = [x if x is None or type(x) in PLAIN else level.examples(x) for x in xs]
    ndim = max((x.ndim for x in given if hasattr(x, "ndim")), default=1)
    return [padded(x, ndim) if hasattr(x, "ndim") else x for x in given]


def evenly(level: Level, xs: Iterable[Any]) -> list[Any]:
    """The examples of ``xs``, equally many of each."""
    given = [level.examples(x) for x in xs]
    return given if all(x.shape[0] == 1 for x in given) else [level.spread(x) for x in xs]


# ---------------------------------------------------------------- kinds of functions


def elementwise(func: Callable, *arrays: str, names: Sequence[str] = ()) -> Callable:
    """A function of numbers, broadcast over the arguments ``arrays``, which may be lists of arrays.

    ``names`` are those of the parameters, for functions written in C, which do not tell them in every NumPy.
    """

    def rule(level: Level, *args: Any, **kwargs: Any) -> Any:
        call = Call(func, names or names_of(func), level, args, kwargs)
        given = [name for name in arrays if call.has(name)]
        xs = [call.get(name) for name in given]
        flat = iter(aligned(level, [x for part in xs for x in (part if isinstance(part, (list, tuple)) else [part])]))
        for name, x in zip(given, xs):
            call.set(name, type(x)(next(flat) for _ in x) if isinstance(x, (list, tuple)) else next(flat))
        return level.wrap(call())

    return rule


def along(
    func: Callable,
    array: str,
    axis: str = "axis",
    default: Any = None,
    whole: str = "all",
    names: Sequence[str] = (),
    finish: Callable = Level.wrap,
) -> Callable:
    """A function along an axis, or several, of ``array``.

    ``whole`` says what ``axis=None`` means: "all" of the axes; all as one, "flat"; or the "only" one there is.
    """

    def rule(level: Level, *args: Any, **kwargs: Any) -> Any:
        call = Call(func, names or names_of(func), level, args, kwargs)
        if type(call.get(array)) is not Batched:
            raise NoRule
        x, over = level.examples(call.get(array)), call.get(axis, default)
        shape = x.shape[1:]
        if over is None and axis == "axes" and call.has("s"):
            over = tuple(range(-len(call.get("s")), 0))
        flat = over is None and (whole == "flat" or (whole == "only" and len(shape) < 2))
        if flat:
            x, over = x.reshape(x.shape[0], -1), 1
        elif over is None and whole == "all":
            over = tuple(range(1, x.ndim))
        elif not shape and over in (0, -1):  # NumPy lets a 0-d array have an axis
            if whole != "all":
                raise NoRule
            over = ()
        elif over is not None:
            over = beyond(over, len(shape))
        if call.has("weights"):
            x, over = _weighted(call, x, over, ndim=len(shape))
        if call.has("overwrite_input"):
            call.set("overwrite_input", False)
        call.set(array, x)
        call.set(axis, over)
        for name in ("where", "mean"):
            if call.has(name) and call.get(name) is not True:
                call.set(name, padded(level.examples(call.get(name)), x.ndim))
        y = call()
        if flat and call.get("keepdims") is True:
            y = y.reshape(y.shape[0], *(1,) * len(shape))
        return finish(level, y)

    return rule


def _weighted(call: Call, x: Any, over: Any, ndim: int) -> tuple[Any, Any]:
    """Give the weights the shape of the array; returns the array and the axes that go with them.

    They have that shape already, or that of the axes alone.
    """
    weights = call.get("weights")
    w = call.level.examples(weights)
    axes = over if isinstance(over, tuple) else (over,)
    if np.ndim(weights) != ndim:
        if np.ndim(weights) != len(axes):
            raise NoRule
        w = np.transpose(w, (0, *(1 + np.argsort(axes)).tolist()))
        lengths = iter(w.shape[1:])
        w = w.reshape(w.shape[0], *(next(lengths) if i in axes else 1 for i in range(1, x.ndim)))
        if any(n not in (1, m) for n, m in zip(w.shape[1:], x.shape[1:])):
            raise NoRule
    count = max(x.shape[0], w.shape[0])
    x, w = (np.broadcast_to(z, (count, *x.shape[1:])) for z in (x, w))
    if len(axes) == ndim:  # NumPy takes weights of this shape for one axis only, or all
        if call.get("keepdims") is True:
            raise NoRule
        x, w, over = x.reshape(count, -1), w.reshape(count, -1), 1
    call.set("weights", w)
    return x, over


def leading(func: Callable, *arrays: str, core: int = 2, names: Sequence[str] = ()) -> Callable:
    """A function of the last ``core`` axes of its ``arrays``, which NumPy does for stacks of them."""

    def rule(level: Level, *args: Any, **kwargs: Any) -> Any:
        call = Call(func, names or names_of(func), level, args, kwargs)
        given = [name for name in arrays if call.has(name)]
        xs = aligned(level, [call.get(name) for name in given])
        if any(np.ndim(call.get(name)) < core for name in given):
            raise NoRule
        for name, x in zip(given, xs):
            call.set(name, x)
        return level.wrap(call())

    return rule


def rearranged(func: Callable, *arrays: str, names: Sequence[str] = ()) -> Callable:
    """A function that moves, repeats or drops items: done to their positions, it tells where each comes from."""

    def rule(level: Level, *args: Any, **kwargs: Any) -> Any:
        call = Call(func, names or names_of(func), level, args, kwargs)
        sources: list[Any] = []
        count = 0

        def positions(x: Any) -> Any:
            nonlocal count
            if isinstance(x, (list, tuple)):
                return type(x)(map(positions, x))
            data = level.examples(x)
            places = count + np.arange(math.prod(data.shape[1:])).reshape(data.shape[1:])
            sources.append(data.reshape(data.shape[0], -1))
            count += places.size
            return places

        for name in arrays:
            if call.has(name):
                call.set(name, positions(call.get(name)))
        if len({source.dtype for source in sources}) > 1 and func is not np.block:
            raise NoRule
        flat = sources[0] if len(sources) == 1 else np.concatenate(evenly(level, [*map(level.wrap, sources)]), axis=1)

        def items(places: Any) -> Any:
            if isinstance(places, (tuple, list)):
                return type(places)(map(items, places))
            if places.size and not flat.shape[1]:
                raise NoRule  # something comes from nothing
            return Batched(flat[:, places], level)

        return items(call())

    return rule


def asked_of_all(func: Callable) -> Callable:
    """How np.any and np.all finish: their answer for the whole batch may be asked by calligrad's own functions."""
    return lambda level, y: Batched(y, level, whole=func)


def composed(rule: Callable) -> Callable:
    """A function as a composition of others, which have rules."""
    return lambda level, *args, **kwargs: rule(*args, **kwargs)


def of_shapes(func: Callable) -> Callable:
    """A function of shapes and types, which are the same for all examples."""

    def one(x: Any) -> Any:
        if type(x) is Batched:
            return np.empty(x.shape, x.dtype)
        return type(x)(map(one, x)) if type(x) in (list, tuple) else x

    return lambda level, *args, **kwargs: func(*one(args), **kwargs)


def refused(func: Callable, reason: str) -> Callable:
    """A function that cannot be had for a batch, and why."""

    def rule(level: Level, *args: Any, **kwargs: Any) -> NoReturn:
        raise Leaving(f"{numpy_name(func)} of an array within vmap: {reason}")

    return rule


def batching(*funcs: Any) -> Callable:
    """Decorate the batching rule of the given functions."""

    def register(rule: Callable) -> Callable:
        for func in funcs:
            BATCHING[func] = rule
        return rule

    return register
