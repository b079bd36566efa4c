"""``numeric``: a gradient by central differences, for a function that nothing is known of."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
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


def numeric(f: Callable, step: float | None = None) -> Any:
    """``f`` with a gradient by central differences, ``(f(x + h) - f(x - h)) / 2h``; also a decorator.

    ``f`` may be anything that computes arrays from arrays, or nests of them, and is called on plain arrays.
    A gradient costs two calls of it for each number in the arguments that need one, however many numbers
    it returns. ``h`` is ``step``, or else ``eps**(1/3)`` times the size of that number, or a hundredth of the largest
    in its array if that is more, or 1 in an array of zeros; ``eps`` is the coarsest precision that ``f`` takes or
    gives. In float64 that leaves about 10 right digits. If ``f`` is noisier than rounding, as an iterative solver
    is, give a ``step`` of about the cube root of its relative noise.

    Derivatives of higher order are differences of differences, over longer steps: 7 right digits at the second
    order and 5 at the third, and each order multiplies the calls by twice the number of inputs.

    >>> import math
    >>> from calligrad import grad, numeric
    >>> numeric(math.sin)
    numeric(sin): differentiated by central differences
    >>> grad(numeric(math.sin))(0.0).round(9)
    np.float64(1.0)
    """
    if step is not None and not step > 0:
        raise ValueError(f"step is the distance at which f is called beside x, more than 0, not {step!r}")
    size = "" if step is None else f" of step {step:g}"
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
    """A function of a vector, its derivative of the order ``order``, and the way to the next.

    Rounding moves a function by about ``eps``, and its difference over ``2h`` by ``eps/h``; the difference is off by
    ``h**2`` besides. The two are equal at ``h = eps**(1/3)``, which leaves an error of ``eps**(2/3)``, which is the
    noise in the function that the next derivative is the difference of.
    """

    def __init__(self, f: Callable, name: str, sizes: Sequence[int], step: float | None, noise: float) -> None:
        self.f, self.name, self.sizes, self.step, self.noise = f, name, sizes, step, noise
        self.x: Any = None  # where it was last called; a Jacobian asks for the same again and again
        self.y: Any = None

    def __call__(self, x: Any) -> Any:
        if self.x is None or not np.array_equal(x, self.x):
            self.x, self.y = x, self.f(x)
        return self.y

    @functools.cached_property
    def derivative(self) -> Differences:
        steps = functools.partial(_steps, self.sizes, self.step, self.noise ** (1 / 3))
        jacobian = functools.partial(_differences, self.f, steps)  # of self it would be a cycle of references
        return Differences(jacobian, self.name, self.sizes, self.step, self.noise ** (2 / 3))


def _differences(f: Callable, steps: Callable, x: Any) -> Any:
    """The Jacobian of ``f`` at the vector ``x``, column by column."""
    columns = []
    for i, h in enumerate(steps(x)):
        above, below = x.copy(), x.copy()
        above[i] += h
        below[i] -= h
        columns.append((f(above) - f(below)) / (above[i] - below[i]))
    return np.stack(columns, axis=-1)


def _steps(sizes: Sequence[int], step: float | None, relative: float, x: Any) -> Any:
    """How far to move each number in ``x``, where arrays of the given ``sizes`` lie one after another."""
    if step is not None:
        return np.full(len(x), step)
    scales = []
    for part in np.split(np.abs(x), np.cumsum(sizes)[:-1]):
        largest = np.max(part, initial=0)
        scales.append(np.maximum(part, largest / 100) if largest else np.ones_like(part))
    return relative * np.concatenate(scales)


def _moved(call: Call, step: float | None) -> Any:
    """What the black box returned, as a function of one vector of all that its gradient is wanted for."""
    moves = [getattr(x, "requires_grad", True) or isinstance(unwrap(x), Batched) for x in call.values]
    xs = [x for x, moved in zip(call.values, moves) if moved]
    forms = [np.broadcast_to(np.zeros((), x.dtype), x.shape) for x in xs]  # f outlives a vmap, and its arrays do not

    def f(vector: Any) -> Any:
        given = iter(arrays(vector, forms))
        y = call(*((next(given) if moved else x.data)[()] for x, moved in zip(call.values, moves)))
        shapes = [np.shape(part) for part in floats_of(y)]
        if call.form is None:
            call.form = y
        elif shapes != (first := [np.shape(part) for part in floats_of(call.form)]):
            raise ValueError(f"{name_of(call.f)} returned shapes {first} and, beside the same point, {shapes}")
        return vector_of(floats_of(y))

    x = vector_of(xs)
    if not x.size:
        f(unwrap(x))
        return with_floats(call.form, (Value(y, requires_grad=False) for y in floats_of(call.form)))
    box = Differences(f, name_of(call.f), [x.size * width_of(x) for x in xs], step, 0.0)
    y = Numeric(box)(x)
    ys = floats_of(call.form)
    box.noise = max(float(np.finfo(dtype_of(a)).eps) for a in [*xs, *ys])
    return with_floats(call.form, arrays(y, ys))
