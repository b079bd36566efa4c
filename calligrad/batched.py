"""Batched: an array in a function that ``vmap`` runs on all examples at once. It hides the axis along which they lie.

Interpreters nest, and the innermost one handles an operation first. What is inner is told by levels: every run of
``vmap`` opens a level, a Batched belongs to the level that made it, and a Value to the level of the array it holds.
So ``grad`` within ``vmap`` sees Values over Batched arrays, and ``vmap`` within ``grad`` Batched arrays over Values.
An operation happens at the highest level among its operands; there, whatever has a lower one is the same for
every example and has no gradient: a Value from outside a vmap is never mistaken for one from inside.
"""

from __future__ import annotations

import itertools
import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NoReturn
from weakref import WeakValueDictionary

import numpy as np

from calligrad.arraylike import ArrayLike
from calligrad.modes import capturing
from calligrad.rules import numpy_name
from calligrad.value import Value, unwrap_all
from calligrad.views import of_one_example as of_one_example

if TYPE_CHECKING:
    from calligrad.function import Function

BATCHING: dict[Any, Callable] = {}
"""NumPy function or kind of Function -> what to do with it at a level; ``calligrad.batching`` fills it."""


class Leaving(TypeError):
    """One number, or one array, was wanted of a Batched."""


class NoRule(Exception):
    """What a rule raises for a way of calling that it does not know: then the examples are taken one by one."""


def one_by_one(level: Level, func: Callable, args: Any, kwargs: dict[str, Any]) -> Any:
    """``func`` of every example, stacked: the key in ``BATCHING`` of what to do without a rule."""
    raise NotImplementedError


running: list[Level] = []
"""The levels that are open, in all threads: empty means that there is nothing to look out for."""

_innermost: ContextVar[Level | None] = ContextVar("innermost", default=None)
_numbers = itertools.count(1)


class Level:
    """One run of ``vmap`` over a batch of ``size`` examples; what runs within it has a higher ``number``."""

    def __init__(self, size: int, name: str, quiet: bool = False) -> None:
        self.size, self.name, self.quiet = size, name, quiet
        self.number = next(_numbers)
        self.outer = _innermost.get()
        self.picked: WeakValueDictionary[int, Batched] = WeakValueDictionary()  # see batching/assign.py

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Open the level while the function runs."""
        _innermost.set(self)
        running.append(self)
        try:
            yield
        finally:
            running.remove(self)
            _innermost.set(self.outer)

    def examples(self, x: Any) -> Any:
        """``x`` with the examples along axis 0; one that stands for all, if ``x`` does not depend on the example."""
        if type(x) is Batched and x.level is self:
            return x.examples
        return x[np.newaxis] if hasattr(x, "__array_function__") else np.asarray(x)[np.newaxis]

    def spread(self, x: Any) -> Any:
        """``examples`` of ``x``, as many as there are."""
        data = self.examples(x)
        return data if data.shape[0] == self.size else np.broadcast_to(data, (self.size, *data.shape[1:]))

    def lifted(self, x: Any) -> Any:
        """An array as a Batched of this level; anything else as it is."""
        if not hasattr(x, "__array_function__") or level_of(x) is self:
            return x
        if isinstance(x, Value) and x.created_by is None and not x._requires_grad:
            x = x._array  # a constant, such as one made to be written into
        return Batched(self.examples(x), self)

    def wrap(self, y: Any) -> Any:
        """What an operation on ``examples`` gave: arrays that hide their axis 0."""
        if isinstance(y, tuple) and hasattr(y, "_fields"):
            return type(y)(*map(self.wrap, y))
        return type(y)(map(self.wrap, y)) if isinstance(y, (tuple, list)) else Batched(y, self)


class Batched(ArrayLike):
    """An array of which there is one for every example; ``examples`` has them along axis 0.

    Its shape is that of one example. Where the array is the same for all, ``examples`` may have length 1.
    """

    __slots__ = ("__weakref__", "_whole", "examples", "level", "origin")

    def __init__(self, examples: Any, level: Level, whole: Callable | None = None) -> None:
        self.examples = examples
        self.level = level
        self._whole = whole
        self.origin: tuple[Batched, Any] | None = None  # the array and the key, if these are items that NumPy views

    # ---- what an array is

    @property
    def shape(self) -> tuple[int, ...]:
        return self.examples.shape[1:]

    @property
    def ndim(self) -> int:
        return self.examples.ndim - 1

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def dtype(self) -> np.dtype:
        return self.examples.dtype

    @property
    def itemsize(self) -> int:
        return self.dtype.itemsize

    @property
    def nbytes(self) -> int:
        return self.size * self.itemsize

    @property
    def strides(self) -> tuple[int, ...]:
        return self.examples.strides[1:]

    @property
    def device(self) -> Any:
        return self.examples.device

    @property
    def flags(self) -> Any:
        one = of_one_example(self)
        return np.empty(0).flags if one is None else one.flags

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of a 0-d array")
        return self.shape[0]

    def __repr__(self) -> str:
        held = "" if isinstance(self.examples, np.ndarray) else f", over {type(self.examples).__name__}"
        return f"Batched({self.level.size} of shape {self.shape}, {self.dtype}{held})"

    def __deepcopy__(self, memo: dict) -> Batched:
        return np.copy(self)  # type: ignore[return-value]

    # ---- NumPy's two protocols

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if not all(map(_is_operand, inputs)):
            return NotImplemented  # somebody else's type: it may know how to go on
        return apply(ufunc if method == "__call__" else getattr(ufunc, method), inputs, kwargs)

    def __array_function__(self, func: Callable, types: Any, args: Any, kwargs: Any) -> Any:
        if not all(issubclass(t, (Batched, Value, np.ndarray)) for t in types):
            return NotImplemented
        return apply(func, args, kwargs, self.level)

    def __getitem__(self, key: Any) -> Any:
        return apply(Batched.__getitem__, (self, unwrap_all(key)), {})

    def __setitem__(self, key: Any, value: Any) -> None:
        apply(Batched.__setitem__, (self, unwrap_all(key), value), {})

    # ---- leaving: there is no one number

    def __bool__(self) -> bool:
        # Functions of calligrad may ask whether an exceptional value is anywhere (np.any) or all is well (np.all):
        # over the whole batch, as the way they then go is right for every example.
        if self._whole is None or not sys._getframe(1).f_globals.get("__name__", "").startswith("calligrad."):
            self._refuse("if, while, and, or, not, bool(x)", "np.where(condition, a, b), np.logical_and(a, b), …")
        return bool(self._whole(self.examples))

    def __contains__(self, item: Any) -> bool:
        self._refuse("a in x", "np.any(x == a), for np.where and the like")

    def __float__(self) -> float:
        self._refuse("float(x)", "np.… in place of math.…")

    def __int__(self) -> int:
        self._refuse("int(x)", "x.astype(int)")

    def __complex__(self) -> complex:
        self._refuse("complex(x)", "x.astype(complex)")

    def __index__(self) -> int:
        self._refuse(
            "x as an index, a size or a whole number",
            "np.take_along_axis(array, x[np.newaxis], axis=0)[0] for array[x]; a Value takes x as an index",
        )

    def __format__(self, spec: str) -> str:
        return repr(self)

    def item(self, *index: Any) -> Any:
        """Refused: there is one number for every example."""
        self._refuse("x.item()", "x[…] for an array of one number")

    def tolist(self) -> Any:
        """Refused: there is one list for every example."""
        self._refuse("x.tolist()", "the array itself")

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        self._refuse(
            "np.asarray(x), np.array([…]) or array[…] = x",
            "np.stack([…]) to join, and y = np.zeros_like(x, shape=…) for an array to write into",
        )

    def _refuse(self, what: str, way_out: str) -> NoReturn:
        raise Leaving(
            f"{what} cannot be answered within vmap, where x stands for {self.level.size} arrays of shape"
            f" {self.shape} at once, and the answer may differ. Write {way_out}"
        )


# ---------------------------------------------------------------- who is innermost


def level_of(x: Any) -> Level | None:
    """The level at which ``x`` varies from example to example; None outside of every vmap."""
    if isinstance(x, Value):
        x = x._array
    return x.level if type(x) is Batched else None


def survey(*arguments: Any) -> tuple[Level | None, bool]:
    """The highest level among the arguments, through tuples, lists and dicts; and whether a Value has it."""
    top, of_value = None, False
    found = list(arguments)
    for x in found:
        kind = type(x)
        if kind is tuple or kind is list:
            found.extend(x)
        elif kind is dict:
            found.extend(x.values())
        elif kind is slice:
            found.extend((x.start, x.stop, x.step))
        elif (level := level_of(x)) is not None:
            if top is None or level.number > top.number:
                top, of_value = level, kind is not Batched
            elif level is top and kind is not Batched:
                of_value = True
    if top is not None and top not in running:
        raise RuntimeError(
            f"an array of a vmap that has ended ({top.size} examples of {top.name}) is used outside of it: return it"
            " from the function instead of storing it"
        )
    return top, of_value


def involved(level: Level, *arguments: Any) -> bool:
    """Whether ``level`` is the highest among the arguments."""
    return survey(*arguments)[0] is level


def _is_operand(x: Any) -> bool:
    return isinstance(x, (Batched, Value)) or type(x).__module__ in ("numpy", "builtins") or isinstance(x, np.ndarray)


def apply(func: Callable, args: Any, kwargs: dict[str, Any], like: Level | None = None) -> Any:
    """``func`` at the highest level among its arguments; at that of ``like`` if none of them is a Batched."""
    level, of_value = survey(args, kwargs)
    if (level := level or like) is None:
        raise TypeError(
            f"{numpy_name(func)} within vmap: no array that differs from example to example is among the arguments"
        )
    if of_value:
        if type(args[0]) is Batched and (func in _WRITERS or getattr(func, "__name__", "") == "at"):
            raise TypeError(
                "an array within vmap holds no Value: writing one into it would cut the graph. Make it a Value,"
                " y = Value(y, requires_grad=False)"
            )
        return func(*_as_constants(args), **_as_constants(kwargs))  # a Value over this level is further in
    if kwargs.get("out", ...) is None:
        del kwargs["out"]
    elif type(out := kwargs.get("out")) is Batched and not isinstance(func, np.ufunc):
        return _written_into(out, func, args, {key: x for key, x in kwargs.items() if key != "out"})
    elif "out" in kwargs and not isinstance(func, np.ufunc):
        raise Leaving(f"{numpy_name(func)} within vmap {_NO_OUT}")
    try:
        if (rule := BATCHING.get(func)) is not None:
            return rule(level, *args, **kwargs)
        if isinstance(ufunc := getattr(func, "__self__", func), np.ufunc):
            method = "__call__" if ufunc is func else func.__name__
            return BATCHING[getattr(np.ufunc, method)](level, ufunc, *args, **kwargs)
    except NoRule:
        out = kwargs.get("out")
        if any(
            y is not None for y in (out if isinstance(out, tuple) else (out,))
        ):  # which every example would overwrite
            raise Leaving(f"{numpy_name(func)} within vmap {_NO_OUT}") from None
    return BATCHING[one_by_one](level, func, args, kwargs)


_NO_OUT = "cannot write into an existing array; take the result instead"


def _written_into(out: Batched, func: Callable, args: Any, kwargs: dict[str, Any]) -> Batched:
    """``out``, which was given to ``func`` to write into."""
    y = func(*args, **kwargs)
    if np.shape(y) != out.shape or not np.can_cast(y.dtype, out.dtype, "same_kind"):
        raise ValueError(f"{numpy_name(func)} gives {y.dtype}{list(y.shape)}, which out= of {out!r} does not take")
    if func is np.clip and kwargs.get("where", True) is not True:
        y = np.where(kwargs["where"], y, out)
    out[...] = y
    return out


_WRITERS: frozenset[Any] = frozenset(
    (np.copyto, np.place, np.put, np.putmask, np.put_along_axis, np.fill_diagonal, Batched.__setitem__)
)


def _as_constants(x: Any) -> Any:
    """The arguments with every Batched as a Value without gradient, so that Value's rules see Values only."""
    if type(x) is Batched:
        return Value(x, requires_grad=False)
    if type(x) in (tuple, list):
        return type(x)(map(_as_constants, x))
    return {key: _as_constants(part) for key, part in x.items()} if type(x) is dict else x


# ---------------------------------------------------------------- what function.py and transforms.py ask


def settings_of(function: Function) -> dict[str, Any]:
    """What a Function holds besides its place in the graph."""
    return {name: x for name, x in vars(function).items() if name not in _PLACE}


_PLACE = frozenset(("generation", "edges", "seed", "gradient", "_kept", "_y", "_read", "_output_nodes"))


def lifted(function: Function, args: Any) -> Any:
    """The operands of ``function`` at one level: Values of lower ones are constants there."""
    if capturing:
        capturing[-1].reach(*args)
    level, _ = survey(args, settings_of(function))
    if level is None:
        return args
    return [level.lifted(a) for a in args]


def forward(function: Function, xs: Any) -> Any:
    """``function.forward(*xs)``, where some of ``xs`` may be Batched."""
    level, _ = survey(xs, settings_of(function))
    if level is None:
        return function.forward(*xs)
    rule = next(BATCHING[kind] for kind in type(function).__mro__ if kind in BATCHING)
    return rule(level, function, *xs)


def backward(function: Function) -> Callable:
    """``function.backward``, which takes one example after another if it leaves the batch."""
    from calligrad.batching.functions import pulled

    return lambda g, *kept, **y: pulled(function, survey(g, kept, y, settings_of(function))[0], g, *kept, **y)


def lift(x: Any) -> Any:
    """``x`` at the level of the innermost vmap that is running here, if any."""
    level = _innermost.get() if running else None
    return x if level is None or level_of(x) is level else Batched(level.examples(x), level)


@contextmanager
def outside(level: Level) -> Iterator[None]:
    """Within this block nothing is lifted to ``level``: single examples are at work."""
    before = _innermost.get()
    _innermost.set(level.outer)
    try:
        yield
    finally:
        _innermost.set(before)
