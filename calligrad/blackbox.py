"""Black boxes in the graph, functions that know nothing of Values, and ``custom``: a gradient for one by a given rule.

A black box is called on plain arrays, wherever Values stand among its arguments, in nests too. What it
gives back takes its place in the graph. ``differences.py`` and ``implicit.py`` have other ways to its gradient.
"""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from calligrad.batched import Batched, Leaving
from calligrad.bytecode import attributes_of, held_by
from calligrad.function import Function
from calligrad.modes import differentiating, strict
from calligrad.nests import aligned, has_gradient, is_nest, leaves, map_leaves
from calligrad.value import Value, as_numeric, conjugated, unwrap


class BlackBox:
    """A function that is called on plain arrays and put into the graph by ``apply``, which gets the ``Call``.

    Where no Value is among the arguments, the graph is not concerned; ``check`` gets the ``Call`` and its result.
    """

    def __init__(
        self,
        f: Callable,
        apply: Callable[[Call], Any],
        description: str,
        check: Callable[[Call, Any], Any] | None = None,
    ) -> None:
        if not callable(f):
            raise TypeError(f"a black box is a function, not {f!r}")
        functools.update_wrapper(self, f)
        self._f, self._apply, self._description, self._check = f, apply, description, check

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        call = Call(self._f, args, kwargs)
        if call.values:
            return self._apply(call)
        y = call()
        if self._check is not None:
            self._check(call, y)
        return map_leaves(_constant, y) if call.met_values else y

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """As a method, like any function."""
        return self if instance is None else types.MethodType(self, instance)

    def __repr__(self) -> str:
        return self._description.format(name_of(self._f))


class Call:
    """One call of a black box, as a function of the Values among its arguments."""

    def __init__(self, f: Callable, args: tuple, kwargs: dict[str, Any]) -> None:
        self.f, self.args, self.kwargs = f, args, kwargs
        given = leaves([args, kwargs])
        self.values = [x for x in given if _is_open(x)]
        self.met_values = any(isinstance(x, Value) for x in given)
        self.form: Any = None  # what f returned
        self.writes = False  # whether f writes into arrays that it is given
        self.holds_value = strict.get() and holds_value(f)  # found out once, not at every step

    def filled(self, xs: Iterable[Any]) -> tuple[tuple, dict[str, Any]]:
        """The arguments, with ``xs`` in place of the Values."""
        given = iter(xs)
        args = tuple([self._fill(arg, given) for arg in self.args])
        return args, {key: self._fill(arg, given) for key, arg in self.kwargs.items()}

    @staticmethod
    def _fill(arg: Any, given: Iterator[Any]) -> Any:
        if not any(isinstance(x, (Value, Batched)) for x in leaves(arg)):
            return arg  # the very object
        return map_leaves(lambda x: next(given) if _is_open(x) else unwrap(x), arg)

    def __call__(self, *xs: Any) -> Any:
        args, kwargs = self.filled(xs)
        if self.writes:
            args, kwargs = _copied(args), _copied(kwargs)
        return closed(self.f, args, kwargs, self.holds_value)

    def first(self, *xs: Any) -> Any:
        """The call that was asked for, of the caller's own arrays; for later ones copies are kept of what they were."""
        args, kwargs = self.filled(xs)
        theirs = leaves([self.args, self.kwargs])
        self.args, self.kwargs = _copied(self.args), _copied(self.kwargs)
        y = closed(self.f, args, kwargs, self.holds_value)
        self.writes = any(
            x is not copy and not np.array_equal(unwrap(x), copy)
            for x, copy in zip(theirs, leaves([self.args, self.kwargs]))
        )
        return y


def closed(f: Callable, args: Sequence[Any], kwargs: dict[str, Any], tight: bool) -> Any:
    """``f`` of arrays, which must not let a Value in by another way than its arguments.

    Values of its own may leave as numbers; ``tight`` says that there are others, which may not.
    """

    def plain(y: Any) -> Any:
        if isinstance(y, Value) and y.requires_grad:
            raise TypeError(
                f"{name_of(f)} computes with a Value that is not among its arguments, so that its gradient would be"
                " lost. Pass it as an argument"
            )
        return unwrap(y)

    with differentiating(tight):
        return map_leaves(plain, f(*args, **kwargs))


def holds_value(f: Callable) -> bool:
    """Whether ``f`` has a Value at hand, beside its arguments, that needs a gradient."""
    return any(isinstance(x, Value) and x.requires_grad for held in held_by(f) for x in leaves(held))


def name_of(f: Callable) -> str:
    """How an error message calls ``f``."""
    return getattr(f, "__name__", type(f).__name__)


def _is_open(x: Any) -> bool:
    return isinstance(x, (Value, Batched)) and has_gradient(x)


def _copied(nest: Any) -> Any:
    """``nest`` with copies of the arrays in it that somebody might write into; the very object if there are none."""

    def is_ours(x: Any) -> bool:
        x = x if _is_open(x) else unwrap(x)
        return isinstance(x, np.ndarray) and x.flags.writeable and x.dtype != object

    if type(nest) is tuple:
        return tuple(map(_copied, nest))
    if type(nest) is dict:
        return {key: _copied(part) for key, part in nest.items()}
    if not any(map(is_ours, leaves(nest))):
        return nest
    return map_leaves(lambda x: unwrap(x).copy() if is_ours(x) else x, nest)


def _constant(x: Any) -> Any:
    return Value(x, requires_grad=False) if isinstance(x, (np.ndarray, np.generic)) else x


def one_example(xs: Sequence[Any]) -> None:
    """Insist that ``xs`` are arrays: a black box takes the examples of a batch one by one."""
    if any(isinstance(x, Batched) for x in xs):
        raise Leaving("a black box takes one example after another")


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
        one_example(xs)
        self.call.form = self.call.first(*xs)
        ys = floats_of(self.call.form)
        return ys[0] if len(ys) == 1 else tuple(ys)

    def backward(self, g, *xs, y):
        form, ys, gs = self.call.form, _as_tuple(y), _as_tuple(g)
        gs = tuple([np.zeros_like(unwrap(y)) if g is None else conjugated(g) for g, y in zip(gs, ys)])
        return tuple([conjugated(g) for g in self.pulled(with_floats(form, gs), xs, with_floats(form, ys))])

    def pulled(self, g: Any, xs: Sequence[Any], y: Any) -> Sequence[Any]:
        """The gradient of each of ``xs``, from that of the result, in its form; both as users see them."""
        raise NotImplementedError

    def applied(self) -> Any:
        """What the black box returned, with Values where it holds floats."""
        y = self(*self.call.values)
        return with_floats(self.call.form, _as_tuple(y))


def _as_tuple(y: Any) -> tuple:
    return y if isinstance(y, tuple) else (y,)


# ---------------------------------------------------------------- arrays as one vector


def dtype_of(x: Any) -> np.dtype:
    """The dtype of an array, or of the array that a number becomes."""
    return x.dtype if hasattr(x, "dtype") else np.asarray(x).dtype


def width_of(x: Any) -> int:
    """How many real numbers there are to an element."""
    return 2 if dtype_of(x).kind == "c" else 1


def vector_of(xs: Sequence[Any]) -> Any:
    """All numbers in ``xs`` in one vector; complex ones by real and imaginary parts."""
    parts = [np.ravel(part) for x in xs for part in ((np.real(x), np.imag(x)) if width_of(x) == 2 else (x,))]
    return parts[0] if len(parts) == 1 else np.concatenate(parts) if parts else np.zeros(0)


def arrays(vector: Any, forms: Sequence[Any]) -> list[Any]:
    """The way back from ``vector_of``: arrays of their own, with the shapes and dtypes of ``forms``."""
    found, start = [], 0
    for form in forms:
        size, shape, dtype = np.size(form), np.shape(form), dtype_of(form)
        part = vector[start : start + size]
        start += size
        if dtype.kind == "c":
            part = part + 1j * vector[start : start + size]
            start += size
        found.append(np.reshape(part, shape).astype(dtype))
    return found


# ---------------------------------------------------------------- a gradient by a given rule


def custom(f: Callable | None = None, vjp: Callable | None = None) -> Any:
    """``f`` with a gradient of your own, given by the rule ``vjp``; also a decorator, ``@custom(vjp=…)``.

    ``f`` may be anything that computes arrays from arrays, in NumPy or not: it is called on plain arrays. The
    rule is called as ``f`` was, with the gradient ``g`` of the result in front, and with the result as ``y``
    if it has such a keyword-only parameter: ``vjp(g, *xs)`` or ``vjp(g, *xs, *, y)``. It returns the gradient of
    the argument, or a tuple with one for each; None for none, and those at the end may be left out. A
    ``lambda:`` is only called if that argument needs its gradient. Where ``f`` takes or returns nests,
    so does the rule. Written in NumPy on what it is given, it can be differentiated again.

    Gradients by complex numbers are what ``grad`` and ``vjp`` give, dL/dx + i dL/dy. So the rule of a holomorphic
    function has the conjugate of its derivative: ``lambda g, z: g * np.conj(np.cos(z))`` for the sine.

    >>> import math
    >>> import numpy as np
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
            if any(isinstance(x, Batched) for x in [*leaves(g), *xs]):
                raise Leaving("the rule of a black box takes one example after another") from error
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
        if leaving := attributes_of(self.rule) & {"data", "item", "tolist"}:
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
