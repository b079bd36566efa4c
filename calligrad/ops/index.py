"""Indexing. GetItem and Scatter are adjoint to each other, and so are Take and Spread: gradients of any order close."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from calligrad.function import Function, sum_to
from calligrad.primitive import is_concrete, primitive
from calligrad.rules import implements
from calligrad.value import Value, as_array, beside, unwrap, unwrap_all


class GetItem(Function):
    """``x[key]``, for every key NumPy takes."""

    views = True

    holds = ("key",)

    key: Any

    def forward(self, x):
        key = self.key
        if type(key) is np.ndarray and key.size > 1000 and key.dtype.kind in "iu" and x.shape:
            return x.take(key, axis=0)  # the same, somewhat faster
        return x[key]

    def backward(self, g):
        shape = self.shapes[0]
        return _scattered(g, self.key, shape) if is_plain_array(g) else Scatter(self.key, shape)(g)


class Scatter(Function):
    """Zeros of ``shape`` with ``x`` added at ``key``; what is named twice adds up."""

    holds = ("key",)

    key: Any
    shape: tuple[int, ...]

    def forward(self, x):
        return _scattered(x, self.key, self.shape)

    def backward(self, g):
        return g[self.key]


class Take(Function):
    """``np.take``; ``distinct`` promises that no place is named twice, which is faster to go back through."""

    holds = ("indices",)

    indices: Any
    axis: int | None = None
    mode: str = "raise"
    distinct: bool = False

    def forward(self, a):
        return np.take(a, self.indices, self.axis, mode=self.mode)

    def backward(self, g):
        shape = self.shapes[0]
        axis = 0 if self.axis is None else self.axis % max(1, len(shape))
        lengths = (math.prod(shape),) if self.axis is None or not shape else shape
        indices = as_array(self.indices)
        if self.mode != "raise":
            indices = np.arange(lengths[axis]).take(indices, mode=self.mode)
        return spread(g, places_along(indices, axis, lengths), shape, self.distinct)


class Spread(Function):
    """Zeros of ``shape`` with ``x`` added at ``positions`` in the flattened array; what is named twice adds up."""

    holds = ("positions",)

    positions: Any
    shape: tuple[int, ...]
    distinct: bool = False

    def forward(self, x):
        return added(x, self.positions, shape=self.shape, distinct=self.distinct)

    def backward(self, g):
        return np.reshape(Take(self.positions, None, "raise", self.distinct)(g), self.shapes[0])


class SetItem(Function):
    """A copy of ``x`` with ``w`` at ``key``; where a place is named twice the last one stands, as in NumPy."""

    holds = ("key",)

    key: Any

    def forward(self, x, w):
        y = np.copy(beside(w, x), order="C")
        if is_large_mask_of(self.key, y.shape):
            y.reshape(-1)[true_places(self.key)] = w
        else:
            y[self.key] = w
        return y

    def backward(self, g):
        return lambda: self._gradient_of_rest(g), lambda: self._gradient_of_item(g)

    def _gradient_of_rest(self, g: Any) -> Any:
        function = SetItem(self.key)
        return function.forward(g, 0.0) if is_plain_array(g) else function(g, 0.0)

    def one_everywhere(self) -> bool:
        """Whether a single number is written into all places."""
        return math.prod(self.shapes[1]) == 1

    def _gradient_of_item(self, g: Any) -> Any:
        if getattr(self.key, "dtype", None) == np.bool_ and hasattr(self.key, "storage") and self.one_everywhere():
            mask = np.reshape(self.key, self.key.shape + (1,) * (g.ndim - self.key.ndim))
            return np.reshape(np.sum(np.where(mask, g, 0)), self.shapes[1])
        plainly = is_plain_array(g) and not is_large_mask_of(self.key, g.shape)
        gw = g[self.key] if plainly else getitem(g, self.key)
        if not names_nothing_twice(self.key):
            turn = np.arange(gw.size).reshape(gw.shape)
            last = beside(unwrap(gw), np.zeros(self.shapes[0], int))
            last[self.key] = turn
            gw = np.where(last[self.key] == turn, gw, 0)
        return gradient_of_broadcast(gw, self.shapes[1])


def gradient_of_broadcast(g: Any, shape: tuple[int, ...]) -> Any:
    """The gradient of what has ``shape`` and was broadcast in an assignment, which allows more axes of length 1."""
    if g.shape == shape:
        return g
    return sum_to(g, shape[max(0, len(shape) - g.ndim) :]).reshape(shape)


@implements(Value.__getitem__)
def getitem(x: Any, key: Any) -> Any:
    """``x[key]``."""
    key = unwrap_all(key)
    if is_large_mask_of(key, x.shape):
        return Take(true_places(key), distinct=True)(x)  # up to eight times faster than the mask itself
    return GetItem(key)(x)


@implements(Value.__setitem__)
def setitem(x: Any, key: Any, w: Any) -> Any:
    """``x[key] = w`` as a new array; ``Value.__setitem__`` rebinds to it."""
    return SetItem(unwrap_all(key))(x, w)


# ---------------------------------------------------------------- adding up at places


def _scattered(x: Any, key: Any, shape: tuple[int, ...]) -> Any:
    """``Scatter`` of an array."""
    y = zeros(shape, like=x)
    if names_nothing_twice(key):
        y[key] = x
    elif x.size < max(1000, y.size // 16) or not is_plain_array(x):
        np.add.at(y, key, x)
    else:  # positions take a while to find, but to add at them is several times faster
        np.add.at(y.reshape(-1), places(key, shape), x.reshape(-1))
    return y


def plainly_added(x, positions, *, shape, distinct=False):
    """``added``."""
    y = np.zeros(shape, x.dtype)
    np.add.at(y.reshape(-1), positions.reshape(-1), x.reshape(-1))
    return y


@primitive(plainly_added)
def added(x: Any, positions: Any, *, shape: tuple[int, ...], distinct: bool = False) -> Any:
    """Zeros of ``shape`` with ``x`` added at ``positions`` of the flattened array; ``distinct`` says none is twice."""
    y = zeros(shape, like=x)
    if distinct:
        y.reshape(-1)[positions.reshape(-1)] = x.reshape(-1)
    else:
        np.add.at(y.reshape(-1), positions.reshape(-1), x.reshape(-1))
    return y


def spread(x: Any, positions: Any, shape: tuple[int, ...], distinct: bool = False) -> Any:
    """``Spread`` of ``x``; an array is not asked whether it is part of a graph."""
    function = Spread(positions, shape, distinct)
    return function.forward(x) if is_concrete(x, positions) else function(x)


# ---------------------------------------------------------------- which places a key names


def names_nothing_twice(key: Any) -> bool:
    """Whether ``key`` is made of slices, integers, None, Ellipsis and masks, which name each place once."""
    parts = key if isinstance(key, tuple) else (key,)
    return all(
        isinstance(k, (int, np.integer, slice)) or k is None or k is Ellipsis or getattr(k, "dtype", None) == np.bool_
        for k in parts
    )


def is_large_mask_of(key: Any, shape: tuple[int, ...]) -> bool:
    """Whether ``key`` is a boolean array of ``shape`` for which it pays to look up the places that it names."""
    return type(key) is np.ndarray and key.dtype == np.bool_ and key.size > 1000 and key.shape == shape


def true_places(mask: np.ndarray) -> np.ndarray:
    """Where the flattened mask is True."""
    return mask.reshape(-1).nonzero()[0]


def places(key: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Where ``x[key]`` finds its numbers in the flattened ``x`` of ``shape``."""
    parts = key if type(key) is tuple else (key,)
    *slices, last = parts or (...,)
    if type(last) is np.ndarray and last.dtype.kind in "iu" and all(type(k) is slice and k == _ALL for k in slices):
        return places_along(last, len(slices), shape)
    n = len(shape)
    if not any(k is Ellipsis for k in parts):  # the axes behind those that the key names are taken whole
        n = sum(map(_axes_named_by, parts))
    rows = math.prod(shape[:n])
    return places_along(np.arange(rows).reshape(shape[:n])[key], 0, (rows, *shape[n:]))


def places_along(indices: np.ndarray, axis: int, shape: tuple[int, ...]) -> np.ndarray:
    """Where ``np.take(x, indices, axis)`` finds its numbers in the flattened ``x`` of ``shape``."""
    before, n, behind = math.prod(shape[:axis]), shape[axis], math.prod(shape[axis + 1 :])
    places = indices.reshape(-1).astype(np.intp, copy=False)
    if before == behind == 1:
        return places
    if np.any(places < 0):
        places = np.where(places < 0, places + n, places)
    if before != 1:
        places = np.add.outer(np.arange(before) * n, places).reshape(-1)
    if behind != 1:
        places = np.add.outer(places * behind, np.arange(behind)).reshape(-1)
    return places


def is_plain_array(x: Any) -> bool:
    """Whether ``x`` is an array of NumPy and nothing more."""
    return isinstance(x, (np.ndarray, np.generic))


def zeros(shape: tuple[int, ...], like: Any) -> Any:
    """Zeros of ``shape`` in the dtype of ``like``, and of its kind of array."""
    if is_plain_array(like):
        return np.zeros(shape, like.dtype)  # np.zeros_like writes every zero, which takes longer
    return np.zeros_like(like, shape=shape)


def _axes_named_by(part: Any) -> int:
    """How many axes a part of a key stands for: a mask stands for as many as it has."""
    if isinstance(part, (np.ndarray, np.bool_, bool, list, tuple)) and np.asarray(part).dtype == np.bool_:
        return np.ndim(part)
    return part is not None


_ALL = slice(None)
