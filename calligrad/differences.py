"""``numeric``: a gradient by central differences, for a function that nothing is known of."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

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

    ``f(x)`` returns an array and about how wrong each number in it is, which is ``noise`` times the number, or so.
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
        jacobian = functools.partial(_jacobian, self.f, self.sizes, self.steps, self.noise)  # of self: a cycle
        return Differences(jacobian, self.name, self.sizes, self.steps, self.noise**0.8)


def _jacobian(f: Callable, sizes: Sequence[int], steps: Any, noise: float, x: Any) -> tuple[Any, Any]:
    """The Jacobian of ``f`` at the vector ``x``, column by column, and about how wrong it is."""
    if steps is None:
        columns = [_best_slope(f, x, i, scale, noise) for i, scale in enumerate(_scales(sizes, x))]
    else:
        columns = [_difference(f, x, i, h)[:2] for i, h in enumerate(steps)]
    slopes, errors = zip(*columns)
    return np.stack(slopes, axis=-1), np.stack(errors, axis=-1)


def _scales(sizes: Sequence[int], x: Any) -> list[float]:
    """The size of each number in ``x``, where arrays of the given ``sizes`` lie one after another.

    A zero has that of the largest number in its array.
    """
    scales: list[float] = []
    for part in np.split(np.abs(x), np.cumsum(sizes)[:-1]):
        scales += np.where(part > 0, part, np.max(part, initial=0) or 1).tolist()
    return scales


def _best_slope(f: Callable, x: Any, i: int, scale: float, noise: float) -> tuple[Any, Any]:
    """The derivative of ``f`` by the number ``i`` of ``x``, and about how wrong it is.

    The first step goes by the size of the number. For what is not good enough the second is that of a
    number like 1. From the better of the two, steps then grow and shrink as long as something gets better.
    """
    relative = noise**0.2  # where rounding, noise / h, and what extrapolation leaves, h**4, are about equal
    best = _slope(f, x, i, relative * scale, noise)

    def improve(h: float, towards_rounding: bool) -> bool:
        nonlocal best
        try:
            with np.errstate(all="ignore"):
                other = _slope(f, x, i, h, noise)
        except Exception:  # so far from x the function need not exist; the first step has shown that it does at x
            return False
        wanted = ~best.good
        better = wanted & (other.good | (other.doubt < best.doubt) | np.isnan(best.doubt))
        best = Slope(*(np.where(better, new, old) for new, old in zip(other, best)))
        lost = ~(other.doubt < 1e-3) & (other.rounded != towards_rounding)  # and the way out is ahead
        return bool(np.any(better | (wanted & lost)))

    start = relative if not best.good.all() and scale != 1 and improve(relative, False) else relative * scale
    for factor in (0.1, 10.0):
        for n in range(1, 10):
            if best.good.all() or not improve(start * factor**n, factor < 1):
                break
    return best.slope, best.error


class Slope(NamedTuple):
    """A derivative by one number, for each number that the function returns."""

    slope: Any
    error: Any  # about how wrong it is
    doubt: Any  # the error, as a part of how steep the function is
    rounded: Any  # whether the error is mostly one of rounding, which takes a longer step
    good: Any


def _slope(f: Callable, x: Any, i: int, h: float, noise: float) -> Slope:
    """The derivative of ``f`` from steps of ``h`` and of ``2 * h``, extrapolated to none."""
    with np.errstate(all="ignore"):
        h = np.exp2(np.rint(np.log2(h)))  # a power of two, so that x + h and x - h are as far from x
    near, near_rounding, *near_range = _difference(f, x, i, h)
    far, _, *far_range = _difference(f, x, i, 2 * h)
    with np.errstate(all="ignore"):
        steepness = (np.maximum(near_range[1], far_range[1]) - np.minimum(near_range[0], far_range[0])) / (4 * h)
        change = np.abs(near - far)  # as h**2, and what is left after extrapolation as its square
        left = change * np.where(change > 0, change / steepness, 0)
        error = left + near_rounding
        unmoved = (steepness <= 2 * near_rounding) & (h >= noise**0.4)  # by a step that is no tiny one
        good = np.isfinite(near) & ((error <= noise**0.6 * steepness) | unmoved)
        return Slope(near + (near - far) / 3, error, error / steepness, near_rounding >= left, good)


def _difference(f: Callable, x: Any, i: int, h: float) -> tuple[Any, Any, Any, Any]:
    """The slope of ``f`` over a step of ``h`` to both sides, its error by rounding, and the least and largest ``f``."""
    above, below = x.copy(), x.copy()
    above[i] += h
    below[i] -= h
    (y_above, error_above), (y_below, error_below) = f(above), f(below)
    with np.errstate(all="ignore"):
        slope = (y_above - y_below) / (above[i] - below[i])
        return (
            slope,
            np.maximum(error_above, error_below) / h,
            np.minimum(y_above, y_below),
            np.maximum(y_above, y_below),
        )


def _given(step: Any, forms: Sequence[Any]) -> Any:
    """The given step for each of the numbers in arrays like ``forms``."""
    found = []
    for form in forms:
        try:
            steps = np.ravel(np.broadcast_to(step, form.shape))
        except ValueError:
            message = f"step has shape {np.shape(step)}, which does not broadcast to an argument of {form.shape}"
            raise ValueError(message) from None
        found += [steps] * width_of(form)
    return np.concatenate(found)


def _moved(call: Call, step: Any) -> Any:
    """What the black box returned, as a function of one vector of all that its gradient is wanted for."""
    moves = [getattr(x, "requires_grad", True) or isinstance(unwrap(x), Batched) for x in call.values]
    xs = [x for x, moved in zip(call.values, moves) if moved]
    constants = [None if moved else x.data.copy() for x, moved in zip(call.values, moves)]  # as they are now
    forms = [np.broadcast_to(np.zeros((), x.dtype), x.shape) for x in xs]  # f outlives a vmap, and its arrays do not

    def f(vector: Any) -> tuple[Any, Any]:
        given = iter(arrays(vector, forms))
        run = call.first if call.form is None else call
        y = run(*((next(given) if constant is None else constant.copy())[()] for constant in constants))
        floats = floats_of(y)
        shapes = [np.shape(part) for part in floats]
        if call.form is None:
            call.form = y
        elif shapes != (first := [np.shape(part) for part in floats_of(call.form)]):
            raise ValueError(f"{name_of(call.f)} returned shapes {first} and, beside the same point, {shapes}")
        values = vector_of(floats)
        return values, _precision([*forms, *floats]) * np.abs(values)

    x = vector_of(xs)
    if not x.size:
        f(unwrap(x))
        return with_floats(call.form, (Value(y, requires_grad=False) for y in floats_of(call.form)))
    steps = None if step is None else _given(step, forms)
    box = Differences(f, name_of(call.f), [x.size * width_of(x) for x in xs], steps, 0.0)
    y = Numeric(box)(x)
    ys = floats_of(call.form)
    box.noise = _precision([*forms, *ys])
    return with_floats(call.form, arrays(y, ys))


def _precision(xs: Sequence[Any]) -> float:
    """The coarsest precision among arrays."""
    return max(float(np.finfo(dtype_of(x)).eps) for x in xs)
