"""Making arrays: what a Value's numbers fill, what lies between two of them, and NumPy's ``like=``.

``np.zeros(3, like=value)`` makes what ``value`` is: a Value, constant, into which items that carry a
gradient can be written. ``np.array([[v, 1.0], [2.0, w]], like=v)`` joins the Values in a nested list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from calligrad.function import Elementwise, Function, as_constant, sum_to
from calligrad.primitive import primitive
from calligrad.rules import implements
from calligrad.value import Value, unwrap, unwrap_all

# ---------------------------------------------------------------- constants


def _like(func: Callable) -> Callable:
    def rule(*args: Any, **kwargs: Any) -> Value:
        return as_constant(func(*unwrap_all(args), **unwrap_all(kwargs)))

    return rule


LIKE = (
    *(np.zeros_like, np.ones_like, np.empty_like, np.zeros, np.ones, np.empty, np.eye, np.identity, np.tri),
    *(np.frombuffer, np.fromfile, np.fromstring, np.genfromtxt, np.loadtxt),
)
for _func in LIKE:
    implements(_func)(_like(_func))


@implements(np.fromfunction)
def fromfunction(function: Callable, shape: Any, *, dtype: Any = float, **kwargs: Any) -> Any:
    """``np.fromfunction`` with ``like=``: a function of the indices, which may make a Value of them."""
    made = np.fromfunction(function, shape, dtype=dtype, **kwargs)
    return made if isinstance(made, Value) else as_constant(made)


# ---------------------------------------------------------------- nested lists


def holds_value(nest: Any) -> bool:
    """Whether there is a Value in nested lists and tuples."""
    return isinstance(nest, Value) or (isinstance(nest, (list, tuple)) and any(map(holds_value, nest)))


def numbered(nest: Any, arrays: list[Any], kinds: Any = (list, tuple)) -> Any:
    """The nest as lists, with the number of each array in its place; the arrays go into the list ``arrays``."""
    if isinstance(nest, kinds):
        return [numbered(part, arrays, kinds) for part in nest]
    arrays.append(nest)
    return len(arrays) - 1


def filled(tree: Any, arrays: Any) -> Any:
    """The nest of which ``numbered`` made ``tree``, with these arrays in it."""
    return arrays[tree] if isinstance(tree, int) else [filled(part, arrays) for part in tree]


def places(tree: Any, place: tuple[int, ...] = ()) -> Iterable[tuple[int, ...]]:
    """Where in the nest each array stands, in the order of their numbers."""
    if isinstance(tree, int):
        yield place
    else:
        for i, part in enumerate(tree):
            yield from places(part, (*place, i))


@primitive()
def converted(*arrays: Any, func: Callable, tree: Any, keywords: dict[str, Any]) -> Any:
    """What ``func`` makes of the nest; what is a view of one of the arrays for NumPy is a copy here for a program."""
    return func(filled(tree, arrays), **keywords)


class Array(Function):
    """``np.array`` and its kin, of an array or of nested lists of arrays; ``tree`` says which stands where."""

    views = True

    func: Callable
    tree: Any
    keywords: dict[str, Any]

    def forward(self, *arrays):
        return converted(*arrays, func=self.func, tree=self.tree, keywords=self.keywords)

    def backward(self, g):
        def part(place, shape):
            new_axes = (0,) * (g.ndim - len(place) - len(shape))  # of ndmin=
            return lambda: g[new_axes + place]

        return tuple(map(part, places(self.tree), self.shapes))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.func.__name__}, {self.keywords})"


def _converted(func: Callable) -> Callable:
    def rule(a: Any, *args: Any, **kwargs: Any) -> Any:
        kwargs = dict(zip(("dtype", "requirements" if func is np.require else "order"), args)) | kwargs
        if isinstance(a, Value):
            data = a.data
            if isinstance(data, np.ndarray) and func(data, **kwargs) is data:
                return a
        if not holds_value(a):
            return as_constant(func(a, **kwargs))
        arrays: list[Any] = []
        tree = numbered(a, arrays)
        return Array(func, tree, kwargs)(*arrays)

    return rule


for _convert in (np.array, np.asarray, np.asanyarray, np.ascontiguousarray, np.asfortranarray, np.require):
    implements(_convert)(_converted(_convert))


def joined(x: Any) -> Any:
    """Nested lists with a Value in them as one Value; anything else as it is."""
    return _as_array(x) if isinstance(x, (list, tuple)) and holds_value(x) else x


_as_array = _converted(np.array)


@implements(np.fromiter)
def fromiter(iter: Iterable, dtype: Any, count: int = -1) -> Any:
    """``np.fromiter`` with ``like=``: one number or Value after another."""
    items: list[Any] = []

    def number(item):
        items.append(item)
        return unwrap(item)

    plain = np.fromiter(map(number, iter), dtype, count)
    return np.astype(joined(items), plain.dtype) if holds_value(items) else as_constant(plain)


# ---------------------------------------------------------------- one number everywhere


@primitive()
def full_of(fill_value: Any, *, shape: Any, dtype: Any, order: Any) -> Any:
    """``np.full``."""
    return np.full(shape, fill_value, dtype, order)


class Full(Function):
    """``np.full``."""

    shape: Any
    dtype: Any = None
    order: str = "C"

    def forward(self, fill_value):
        return full_of(fill_value, shape=self.shape, dtype=self.dtype, order=self.order)

    def backward(self, g):
        shape = self.shapes[0]
        return np.reshape(sum_to(g, shape[max(0, len(shape) - g.ndim) :]), shape)


@implements(np.full)
def full(shape: Any, fill_value: Any, dtype: Any = None, order: Any = "C", **device: Any) -> Any:
    """``np.full`` with ``like=``: differentiable in what fills it."""
    fill_value = joined(fill_value)
    if not isinstance(fill_value, Value):
        return _like(np.full)(shape, fill_value, dtype, order, **device)
    np.empty(0, **device)  # where there is no such device, NumPy says so
    return Full(shape, dtype, order)(fill_value)


@implements(np.full_like)
def full_like(
    a: Any,
    fill_value: Any,
    dtype: Any = None,
    order: Any = "K",
    subok: bool = True,
    shape: Any = None,
    **device: Any,
) -> Any:
    """``np.full_like``: differentiable in what fills it, not in what it is like."""
    a, fill_value = unwrap(a), joined(fill_value)
    if not isinstance(fill_value, Value):
        return _like(np.full_like)(a, fill_value, dtype, order, subok, shape, **device)
    made = np.empty_like(a, dtype, order, subok, shape, **device)
    return Full(made.shape, made.dtype, "F" if made.flags.fnc else "C")(fill_value)


# ---------------------------------------------------------------- from one number to another


class Arange(Elementwise):
    """``np.arange`` with ``like=``: differentiable in where it starts and in its steps."""

    dtype: Any = None

    def forward(self, start, stop, step):
        return np.arange(start, stop, step, self.dtype)

    def backward(self, g, _start, _stop, _step):
        return lambda: np.sum(g), None, lambda: np.sum(g * np.arange(len(g)).astype(g.dtype))


@implements(np.arange)
def arange(start: Any, stop: Any = None, step: Any = 1, dtype: Any = None, **device: Any) -> Any:
    """``np.arange`` with ``like=``."""
    np.empty(0, **device)  # where there is no such device, NumPy says so
    if stop is None:
        start, stop = 0, start
    made = Arange(dtype)(start, stop, 1 if step is None else step)
    return made if isinstance(made, Value) else as_constant(made)


class Linspace(Elementwise):
    """``np.linspace``; with ``retstep`` the step is a second output."""

    num: int = 50
    endpoint: bool = True
    retstep: bool = False
    dtype: Any = None
    axis: int = 0

    def forward(self, start, stop):
        return np.linspace(start, stop, self.num, self.endpoint, self.retstep, self.dtype, self.axis)

    def backward(self, g):
        g, g_step = g if self.retstep else (g, None)
        steps = steps_of(self.num, self.endpoint)

        def of_end(sign):
            parts = [] if g is None else [np.sum(g * weights(g, self, sign), self.axis)]
            return sum(parts if g_step is None else [*parts, g_step * (sign / steps)])

        return lambda: of_end(-1), lambda: of_end(1)


class Geomspace(Elementwise):
    """``np.geomspace``: each number is ``start ** (1 - t) * stop ** t`` for t from 0 to 1."""

    num: int = 50
    endpoint: bool = True
    dtype: Any = None
    axis: int = 0

    def forward(self, start, stop):
        return np.geomspace(start, stop, self.num, self.endpoint, self.dtype, self.axis)

    def backward(self, g, start, stop, *, y):
        gy = g * y
        return (
            lambda: np.sum(gy * weights(gy, self, -1), self.axis) / start,
            lambda: np.sum(gy * weights(gy, self, 1), self.axis) / stop,
        )


def steps_of(num: int, endpoint: bool) -> int:
    """How many steps there are from start to stop."""
    return max(num - 1 if endpoint else num, 1)


def weights(g: Any, space: Linspace | Geomspace, end: int) -> Any:
    """How much of each number along the axis is stop (``end`` 1) or start (-1), to multiply ``g`` with."""
    way = np.arange(space.num) / steps_of(space.num, space.endpoint)
    way = (way if end == 1 else 1 - way).astype(g.dtype, copy=False)
    return np.reshape(way, (-1, *(1,) * (g.ndim - 1 - space.axis % g.ndim)))


@implements(np.linspace)
def linspace(start: Any, stop: Any, *args: Any, device: Any = None, **kwargs: Any) -> Any:
    """``np.linspace``: differentiable in both ends, and so is the step."""
    np.empty(0, device=device)  # where there is no such device, NumPy says so
    return Linspace(*args, **kwargs)(joined(start), joined(stop))


@implements(np.geomspace)
def geomspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0) -> Any:
    """``np.geomspace``: differentiable in both ends."""
    return Geomspace(num, endpoint, dtype, axis)(joined(start), joined(stop))


@implements(np.logspace)
def logspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    base: Any = 10.0,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    """``np.logspace``: differentiable in both ends and in the base."""
    start, stop, base = joined(start), joined(stop), joined(base)
    if np.ndim(base):  # it broadcasts with the ends, to which linspace adds an axis
        ndim = max(map(np.ndim, (start, stop, base)))
        start, stop, base = (np.reshape(x, (1,) * (ndim - np.ndim(x)) + np.shape(x)) for x in (start, stop, base))
        base = np.expand_dims(base, axis)
    y = np.power(base, np.linspace(start, stop, num, endpoint, axis=axis))
    return y if dtype is None else np.astype(y, dtype)
