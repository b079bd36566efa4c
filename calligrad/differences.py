"""``numeric``: a gradient by central differences, for a function that nothing is known of."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from calligrad.batched import Batched
from calligrad.blackbox import (
    BlackBox,
    Call,
    arrays,
    dtype_of,
    floats_of,
    name_of,
    one_example,
    vector_of,
    width_of,
    with_floats,
)
from calligrad.function import Function
from calligrad.value import Value, unwrap


def numeric(f: Callable, step: Any = None) -> Any:
    """``f`` with a gradient by central differences, ``(f(x + h) - f(x - h)) / 2h``; also a decorator.

    ``f`` may be anything that computes arrays from arrays, or nests of them, and is called on plain arrays.
    A gradient costs four calls of it for each number in the arguments that need one, however many numbers it returns:
    the differences over two steps, which go by the size of that number, say how good they are, and make a better one
    together. Where that is not good enough, because the function changes over quite another length than the size of
    the number, other steps are tried, longer and shorter ones, and the best is taken; that costs 10 to 100 calls.
    In float64 about 11 digits are right. What is lost is what rounding hides: ``1e10 + x`` has fewer.

    ``step``, a number or an array that broadcasts to each argument, is the ``h`` for a simple difference: two calls for
    each number, and no other step is tried. A function that is noisier than rounding, as an iterative solver is, wants
    about the cube root of its relative noise, times the length over which it changes.

    Derivatives of higher order are differences of differences, over longer steps: 9 right digits at the second
    order and 6 at the third, and each order multiplies the calls by four times the number of inputs.

    >>> import math
    >>> from calligrad import grad, numeric
    >>> numeric(math.sin)
    numeric(sin): differentiated by central differences
    >>> grad(numeric(math.sin))(0.0).round(9)
    np.float64(1.0)
    """
    if step is not None and not np.all(np.asarray(step) > 0):
        raise ValueError(f"step is the distance at which f is called beside x, more than 0, not {step!r}")
    size = "" if step is None else f" of step {step:g}" if np.ndim(step) == 0 else " of given steps"
    return BlackBox(f, lambda call: _moved(call, step), f"numeric({{}}): differentiated by central differences{size}")


class Numeric(Function):
    """A function from a vector to an array, whose gradient is by central differences."""

    box: Differences

    def forward(self, x):
        one_example([x])
        return self.box(x)

    def backward(self, g, x):
        return np.tensordot(g, Numeric(self.box.derivative)(x), g.ndim)

    def __repr__(self) -> str:
        return f"numeric({self.box.name})"


class Differences:
    """A function of a vector, and the way to its derivative.

    ``f(x)`` returns an array and about how wrong each number in it is; ``noise`` is what that is of a number, usually.
    """

    def __init__(self, f: Callable, name: str, sizes: Sequence[int], steps: Any, noise: float) -> None:
        self.f, self.name, self.sizes, self.steps, self.noise = f, name, sizes, steps, noise
        self.x: Any = None  # where it was last called; a Jacobian asks for the same again and again
        self.y: Any = None

    def __call__(self, x: Any) -> Any:
        if self.x is None or not np.array_equal(x, self.x):
            self.x, (self.y, _) = x, self.f(x)
        return self.y

    @functools.cached_property
    def derivative(self) -> Differences:
        # The function is bound, not self, which would make a cycle of references.
        if self.steps is not None:
            slopes = functools.partial(_simple_slopes, self.f, self.steps)
            return Differences(slopes, self.name, self.sizes, self.steps, self.noise)
        slopes = functools.partial(_slopes, self.f, self.sizes, self.noise)
        return Differences(slopes, self.name, self.sizes, None, self.noise**0.8)


def _simple_slopes(f: Callable, steps: Any, x: Any) -> tuple[Any, Any]:
    """The Jacobian of ``f`` at the vector ``x``, column by column, over the given steps."""
    slopes, errors = zip(*(_difference(f, x, i, h)[:2] for i, h in enumerate(steps)))
    return np.stack(slopes, axis=-1), np.stack(errors, axis=-1)


def _slopes(f: Callable, sizes: Sequence[int], noise: float, x: Any) -> tuple[Any, Any]:
    """The Jacobian of ``f`` at the vector ``x``, column by column, each over the best of several steps."""
    with np.errstate(all="ignore"):
        slopes, errors = zip(*(_best_slope(f, x, i, scale, noise) for i, scale in enumerate(_scales(sizes, x))))
    return np.stack(slopes, axis=-1), np.stack(errors, axis=-1)


def _scales(sizes: Sequence[int], x: Any) -> Any:
    """The size of each number in ``x``, where arrays of the given ``sizes`` lie one after another.

    A zero has that of the largest number in its array.
    """
    scales = []
    for part in np.split(np.abs(x), np.cumsum(sizes)[:-1]):
        scales.append(np.where(part > 0, part, np.max(part, initial=0) or 1.0))
    return np.concatenate(scales)


def _best_slope(f: Callable, x: Any, i: int, scale: Any, noise: float) -> tuple[Any, Any]:
    """The derivative of ``f`` by the number ``i`` of ``x``, and about how wrong it is.

    The first step goes by the size of the number. If that is not good enough everywhere, the second is what it
    would be for a number like 1, and then they grow and shrink from the better one, as long as it gets better.
    """
    relative = noise**0.2  # where rounding, noise / h, and what two differences leave, h**4, are about equal
    slope, error, good = _slope(f, x, i, relative * scale, noise)

    def improve(h: Any) -> bool:
        nonlocal slope, error, good
        try:
            other, its_error, its_good = _slope(f, x, i, h, noise)
        except Exception:  # so far from x the function need not exist, and the first step would have said what is wrong
            return False
        better = ~good & ((its_error < error) | np.isnan(error)) & np.isfinite(its_error)
        slope, error = np.where(better, other, slope), np.where(better, its_error, error)
        good = good | (better & its_good)
        return bool(np.any(better))

    def ladder() -> Iterator[bool]:
        start = relative if scale != 1 and not good.all() and improve(relative) else relative * scale
        for factor in (0.1, 10.0):
            h = start * factor
            while not good.all() and improve(h):
                h *= factor

    ladder()
    return slope, error
