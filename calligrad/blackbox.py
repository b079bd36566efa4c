"""Black boxes in the graph: functions that know nothing of Values, with a gradient by rule or by differences.

A black box is called on plain arrays, wherever Values stand among its arguments, in nests too. What it
gives back takes its place in the graph.
"""

from __future__ import annotations

import dis
import functools
import inspect
import types
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from calligrad.function import Function
from calligrad.modes import differentiating
from calligrad.nests import aligned, has_gradient, is_nest, leaves, map_leaves
from calligrad.value import Value, as_numeric, unwrap


def custom(f: Callable | None = None, vjp: Callable | None = None) -> Any:
    """``f`` with a gradient of your own, given by the rule ``vjp``; also a decorator, ``@custom(vjp=…)``.

    ``f`` may be anything that computes arrays from arrays, in NumPy or not: it is called on plain arrays. The
    rule is called as ``f`` was, with the gradient ``g`` of the result in front, and with the result as ``y``
    if it has such a keyword-only parameter: ``vjp(g, *xs)`` or ``vjp(g, *xs, *, y)``. It returns the gradient of
    the argument, or a tuple with one for each; None for none, and those at the end may be left out. A
    ``lambda:`` is only called if that argument needs its gradient. Where ``f`` takes or returns nests,
    so does the rule. Written in NumPy on what it is given, it can be differentiated again.

    >>> import math
    >>> from calligrad import custom, grad
    >>> sine = custom(math.sin, lambda g, x: g * np.cos(x))
    >>> grad(sine)(0.0), grad(grad(grad(sine)))(0.0)
    (np.float64(1.0), np.float64(-1.0))
    """
    if f is None:
        return functools.partial(custom, vjp=vjp)
    if not callable(vjp):
        raise TypeError(f"custom(f, vjp) needs the rule of its gradient, vjp(g, *xs), not {vjp!r}")
    return BlackBox(f, lambda call: _by_rule(call, vjp), "custom({})")


def numeric(f: Callable, step: float | None = None) -> Any:
    """``f`` with a gradient by central differences, ``(f(x + h) - f(x - h)) / 2h``; also a decorator.

    ``f`` may be anything that computes arrays from arrays, or nests of them, and is called on plain arrays.
    A gradient costs two calls of it for each number in the arguments that need one, however many numbers
    it returns. ``h`` is ``step``, or else ``eps**(1/3)`` times the size of that number, or a hundredth of the largest
    in its array if that is more, or 1 in an array of zeros; ``eps`` is the coarsest precision that ``f`` takes or
    gives. In float64 that leaves about 10 right digits. If ``f`` is noisier than rounding, as an iterative solver
    is, give a ``step`` of about the cube root of its relative noise.

    Derivatives of higher order are differences of differences, with steps as much longer: 7 right digits at
    the second order and 5 at the third, and twice as many calls per number again.

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


# ---------------------------------------------------------------- a black box and a call of it


class BlackBox:
    """A function that is called on plain arrays and put into the graph by ``apply``, which gets the ``Call``."""

    def __init__(self, f: Callable, apply: Callable[[Call], Any], description: str) -> None:
        if not callable(f):
            raise TypeError(f"a black box is a function, not {f!r}")
        functools.update_wrapper(self, f)
        self._f, self._apply, self._description = f, apply, description

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        call = Call(self._f, args, kwargs)
        return self._apply(call) if call.values else call()

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """As a method, like any function."""
        return self if instance is None else types.MethodType(self, instance)

    def __repr__(self) -> str:
        return self._description.format(name_of(self._f))


class Call:
    """One call of a black box, as a function of the Values among its arguments."""

    def __init__(self, f: Callable, args: tuple, kwargs: dict[str, Any]) -> None:
        self.f, self.args, self.kwargs = f, args, kwargs
        self.values = [x for x in leaves([args, kwargs]) if _is_open(x)]
        self.form: Any = None  # what f returned

    def filled(self, xs: Iterable[Any]) -> tuple[tuple, dict[str, Any]]:
        """The arguments, with ``xs`` in place of the Values."""
        given = iter(xs)
        args = tuple([self._fill(arg, given) for arg in self.args])
        return args, {key: self._fill(arg, given) for key, arg in self.kwargs.items()}

    @staticmethod
    def _fill(arg: Any, given: Iterator[Any]) -> Any:
        if not any(isinstance(x, Value) for x in leaves(arg)):
            return arg  # the very object
        return map_leaves(lambda x: next(given) if _is_open(x) else unwrap(x), arg)

    def __call__(self, *xs: Any) -> Any:
        args, kwargs = self.filled(xs)
        return closed(self.f, *args, **kwargs)


def closed(f: Callable, *args: Any, **kwargs: Any) -> Any:
    """``f`` of arrays, which must not let a Value in by another way than its arguments."""

    def plain(y: Any) -> Any:
        if isinstance(y, Value) and y.requires_grad:
            raise TypeError(
                f"{name_of(f)} computes with a Value that is not among its arguments, so that its gradient would be"
                " lost. Pass it as an argument"
            )
        return unwrap(y)

    with differentiating(False):
        return map_leaves(plain, f(*args, **kwargs))


def name_of(f: Callable) -> str:
    """How an error message calls ``f``."""
    return getattr(f, "__name__", type(f).__name__)


def _is_open(x: Any) -> bool:
    return isinstance(x, Value) and has_gradient(x)


def floats_of(nest: Any) -> list[Any]:
    """The leaves of ``nest`` that can have a gradient."""
    return [leaf for leaf in leaves(nest) if has_gradient(leaf)]


def with_floats(nest: Any, values: Iterable[Any]) -> Any:
    """``nest`` with ``values`` in place of what can have a gradient."""
    given = iter(values)
    return map_leaves(lambda leaf: next(given) if has_gradient(leaf) else leaf, nest)


class Boxed(Function):
    """A call of a black box as an entry of the graph; kinds of it say how a gradient is ``pulled`` back."""

    call: Call

    def forward(self, *xs):
        self.call.form = self.call(*xs)
        ys = floats_of(self.call.form)
        return ys[0] if len(ys) == 1 else tuple(ys)

    def backward(self, g, *xs, y):
        form, ys, gs = self.call.form, _as_tuple(y), _as_tuple(g)
        gs = tuple([np.zeros_like(unwrap(y)) if g is None else g for g, y in zip(gs, ys)])
        return tuple(self.pulled(with_floats(form, gs), xs, with_floats(form, ys)))

    def pulled(self, g: Any, xs: Sequence[Any], y: Any) -> Sequence[Any]:
        """The gradient of each of ``xs``, from the gradient of the result, in its form."""
        raise NotImplementedError

    def applied(self) -> Any:
        """What the black box returned, with Values where it holds floats."""
        y = self(*self.call.values)
        return with_floats(self.call.form, _as_tuple(y))


def _as_tuple(y: Any) -> tuple:
    return y if isinstance(y, tuple) else (y,)


# ---------------------------------------------------------------- a gradient by a given rule


class Custom(Boxed):
    """A call of a black box, whose gradient is what ``rule`` says."""

    rule: Callable

    def pulled(self, g: Any, xs: Sequence[Any], y: Any) -> Sequence[Any]:
        args, kwargs = self.call.filled(xs)
        if _takes_y(self.rule):
            kwargs["y"] = y
        try:
            return self._by_value(self.rule(g, *args, **kwargs))
        except Exception as error:
            error.add_note(f"in the rule for the gradient of {self!r}")
            raise

    def _by_value(self, gs: Any) -> list[Any]:
        """What the rule returned, an entry for each argument, as one for each Value."""
        args = self.call.args
        if not isinstance(gs, tuple) or (len(args) == 1 and is_nest(args[0])):
            gs = (gs,)
        if len(gs) > len(args):
            raise ValueError(f"the rule gave {len(gs)} gradients for {len(args)} arguments")
        found: list[Any] = []
        for i, arg in enumerate(args):
            ours = leaves(arg)
            opened = [_is_open(x) for x in ours]
            needed = any(origin is not None for origin, *_ in self.edges[len(found) : len(found) + sum(opened)])
            if i >= len(gs) and needed:
                raise ValueError(f"the rule gave {len(gs)} gradients, but argument {i + 1} needs one as well")
            g = gs[i] if i < len(gs) and needed else None
            if callable(g):
                g = g()
            theirs = [None] * len(ours) if g is None else aligned(g, arg)
            found += [_as_gradient(leaf) for leaf, is_open in zip(theirs, opened) if is_open]
        return found + [None] * (len(self.edges) - len(found))

    def _refuse_first_order(self) -> None:
        if leaving := _attributes(self.rule) & {"data", "item", "tolist"}:
            raise RuntimeError(
                f"the gradient of {self!r} cannot be differentiated again: its rule takes .{min(leaving)} of an array."
                " Write it in NumPy"
            )

    def __repr__(self) -> str:
        return f"custom({name_of(self.call.f)})"


def _by_rule(call: Call, rule: Callable) -> Any:
    if call.kwargs:  # by position, as the rule returns gradients
        try:
            bound = inspect.signature(call.f).bind(*call.args, **call.kwargs)
        except ValueError:  # some functions written in C do not tell
            pass
        else:
            call = Call(call.f, bound.args, bound.kwargs)
    if any(isinstance(x, Value) and x.requires_grad for x in leaves(call.kwargs)):
        raise TypeError(
            f"custom({name_of(call.f)}) takes Values by position, in the order in which its rule returns gradients"
        )
    return Custom(call, rule).applied()


def _takes_y(rule: Callable) -> bool:
    """Whether ``rule`` asks for the result."""
    y = inspect.signature(rule).parameters.get("y")
    return y is not None and y.kind is y.KEYWORD_ONLY


def _as_gradient(g: Any) -> Any:
    return g if g is None or isinstance(g, Value) else as_numeric(g)


def _attributes(f: Callable) -> set[str]:
    """The attributes that a function reads."""
    if not hasattr(f, "__code__"):
        return set()
    return {str(step.argval) for step in dis.get_instructions(f) if step.opname in ("LOAD_ATTR", "LOAD_METHOD")}


# ---------------------------------------------------------------- a gradient by central differences


class Numeric(Function):
    """A function from a vector to an array, whose gradient is by central differences."""

    box: Differences

    def forward(self, x):
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
        return Differences(self._differences, self.name, self.sizes, self.step, self.noise ** (2 / 3))

    def _differences(self, x: Any) -> Any:
        columns = []
        for i, h in enumerate(self._steps(x)):
            above, below = x.copy(), x.copy()
            above[i] += h
            below[i] -= h
            columns.append((self.f(above) - self.f(below)) / (above[i] - below[i]))
        return np.stack(columns, axis=-1)

    def _steps(self, x: Any) -> Any:
        if self.step is not None:
            return np.full(len(x), self.step)
        scales = []
        for part in np.split(np.abs(x), np.cumsum(self.sizes)[:-1]):
            largest = np.max(part, initial=0)
            scales.append(np.maximum(part, largest / 100) if largest else np.ones_like(part))
        return self.noise ** (1 / 3) * np.concatenate(scales)


def _moved(call: Call, step: float | None) -> Any:
    """What the black box returned, as a function of one vector of all that its gradient is wanted for."""
    moves = [x.requires_grad for x in call.values]
    xs = [x for x, moved in zip(call.values, moves) if moved]

    def f(vector: Any) -> Any:
        given = iter(arrays(vector, xs))
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
    box = Differences(f, name_of(call.f), [x.size * _width(x) for x in xs], step, 0.0)
    y = Numeric(box)(x)
    ys = floats_of(call.form)
    box.noise = max(float(np.finfo(np.asarray(unwrap(a)).dtype).eps) for a in [*xs, *ys])
    return with_floats(call.form, arrays(y, ys))


def _width(x: Any) -> int:
    """How many real numbers there are to an element."""
    return 2 if np.asarray(unwrap(x)).dtype.kind == "c" else 1


def vector_of(xs: Sequence[Any]) -> Any:
    """All numbers in ``xs`` in one vector; complex ones by real and imaginary parts."""
    parts = [np.ravel(part) for x in xs for part in ((np.real(x), np.imag(x)) if _width(x) == 2 else (x,))]
    return parts[0] if len(parts) == 1 else np.concatenate(parts) if parts else np.zeros(0)


def arrays(vector: Any, forms: Sequence[Any]) -> list[Any]:
    """The way back from ``vector_of``: arrays of their own, with the shapes and dtypes of ``forms``."""
    found, start = [], 0
    for form in forms:
        size, shape, dtype = np.size(unwrap(form)), np.shape(unwrap(form)), np.asarray(unwrap(form)).dtype
        part = vector[start : start + size]
        start += size
        if dtype.kind == "c":
            part = part + 1j * vector[start : start + size]
            start += size
        found.append(np.reshape(part, shape).astype(dtype))
    return found
