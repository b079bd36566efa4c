"""Value: an array that knows which Function created it.

``Value`` speaks NumPy's two protocols (NEP 13 ``__array_ufunc__`` and NEP 18 ``__array_function__``), so
every ``np.…`` call on one arrives here and is looked up in ``RULES`` (``rules.py``), the one table of what
calligrad does for a NumPy function. Functions fill it (``function.py``, ``ops/``).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from opcode import opname
from typing import TYPE_CHECKING, Any

import numpy as np

from calligrad import views
from calligrad.arraylike import ArrayLike
from calligrad.modes import capturing, paused, strict
from calligrad.rules import RULES, numpy_name, rule_of
from calligrad.sweep import ancestors, sweep

if TYPE_CHECKING:
    from calligrad.function import Argument, Function


class Value(ArrayLike):
    """An array that remembers what made it, so that gradients can be sent back along the way it came.

    ``data`` is wrapped, not copied; whatever is not an array goes through ``np.asarray``. A Value made
    by hand is a *leaf*: ``backward`` adds to its ``grad``. With ``requires_grad=False``, or with data
    that are not floating, it is a constant. ``name`` is for error messages and pictures.

    Raises ``TypeError`` for data that is not numeric, and for a Value (use ``as_value``).

    >>> import numpy as np
    >>> from calligrad import Value
    >>> x = Value([1.0, 2.0, 3.0])
    >>> y = np.sum(x ** 2)
    >>> y.backward()
    >>> x.grad
    array([2., 4., 6.])
    """

    __slots__ = (
        "__weakref__",
        "_array",
        "_grad",
        "_is_result",
        "_places",
        "_requires_grad",
        "_seen",
        "_source",
        "_views",
        "created_by",
        "name",
    )

    __pandas_priority__ = 5000  # pandas leaves ``series * value`` to us, as a DataFrame's (4000) takes it from a Series

    _is_result: bool  # whether an operation that needed no gradient made it
    _source: Any  # what this is a view of; see views.py
    _seen: tuple[np.ndarray, np.ndarray]
    _places: Any
    _views: list[Any]

    @property
    def is_open(self) -> bool:  # as an entry of the graph
        return self._requires_grad

    edges = ()  # a leaf is a node of the graph with nothing behind it

    def __init__(self, data: Any, name: str = "", *, requires_grad: bool = True) -> None:
        self._array = as_numeric(data)
        self._grad: Any = None
        self._requires_grad = bool(requires_grad) and self._array.dtype.kind in "fc"
        self.created_by: Function | Argument | None = None
        self.name = name
        if capturing:
            capturing[-1].born(self)

    # ---- the array and its place in the graph

    @property
    def data(self) -> Any:
        """The array. Assigning swaps the array of a leaf for another of the same shape."""
        if capturing:
            capturing[-1].reach(self)
            if hasattr(self._array, "storage") and self._array._is_number():
                return np.copy(self._array)
        return np.asarray(self._array) if isinstance(self._array, np.generic) else self._array

    @data.setter
    def data(self, data: Any) -> None:
        if self.created_by is not None:
            raise RuntimeError(f"{self.label()} was computed: with other data its gradient would be wrong")
        data = as_numeric(data)
        if data.shape != self._array.shape:
            raise ValueError(f"{self.label()} has shape {self._array.shape}; its data cannot become shape {data.shape}")
        if self._requires_grad and data.dtype.kind != self._array.dtype.kind:
            raise TypeError(f"{self.label()} of {self._array.dtype} requires grad; its data cannot become {data.dtype}")
        self._array = data

    @property
    def grad(self) -> Any:
        """What ``backward`` left here: an array of data's shape and dtype, or None."""
        if (f := self.created_by) is None:
            if capturing:
                capturing[-1].reads_gradients([self])
            return self._grad
        return f.gradient if f.seed is None else f.seed

    @grad.setter
    def grad(self, g: Any) -> None:
        if g is not None:
            g = self.as_gradient(g)
        if self.created_by is None:
            self._grad = g
        else:
            self.created_by.seed, self.created_by.gradient = g, None

    @property
    def requires_grad(self) -> bool:
        """Whether gradients flow to this Value. Only a leaf with floating data can be switched."""
        return self._requires_grad if self.created_by is None else self.created_by.is_open

    @requires_grad.setter
    def requires_grad(self, flag: bool) -> None:
        if self.created_by is not None:
            if not flag:
                raise RuntimeError(f"{self.label()} was computed, it is not a leaf; to cut it off here use detach()")
            return
        if flag and self._array.dtype.kind not in "fc":
            raise TypeError(f"{self.label()} is {self._array.dtype}; only floating data can require a gradient")
        self._requires_grad = bool(flag)

    @property
    def generation(self) -> int:
        """0 for a leaf, otherwise one more than the generation of its creator."""
        return 0 if self.created_by is None else self.created_by.generation + 1

    def detach(self) -> Value:
        """A constant over the same array, with no past."""
        y = as_result(self._array)
        y.name = self.name
        return y

    # ---- gradients

    def backward(self, *, retain_graph: bool = False, retain_grads: bool = False) -> None:
        """Add the gradient of this Value to the ``grad`` of every leaf behind it.

        Starts from ``self.grad`` where you have set it, otherwise from ones of this Value's shape.
        What the graph kept is freed on the way unless ``retain_graph``; gradients of values on the way
        are dropped unless ``retain_grads``.

        At a complex leaf z = x + iy the gradient is dL/dx + i dL/dy, as in PyTorch: the direction in which
        the real number L grows fastest.

        Raises ``RuntimeError`` when nothing behind this Value requires a gradient, when it is complex and
        you have set no ``grad``, or when the graph has been freed by an earlier ``backward``.
        """
        if not self.requires_grad:
            raise RuntimeError(f"{self.label()} has no gradient: {self._why_constant()}")
        if self.created_by is None:
            if self.grad is None:
                self._refuse_complex()
                self._grad = np.ones_like(self._array)
            return
        seed = self.created_by.seed
        if seed is None:
            self._refuse_complex()
            seed = type(self._array)(1) if isinstance(self._array, np.generic) else np.ones_like(self._array)
        start: Any = self.created_by
        grads = sweep([(start, conjugated(seed))], release=not retain_graph, retain=retain_grads)
        if retain_grads:
            functions = [f for f in ancestors([start]) if isinstance(f.gradient, (np.ndarray, np.generic))]
            for f, gy in zip(functions, owned((conjugated(f.gradient) for f in functions), seed)):
                f.gradient = gy
        found_arguments = len(grads)
        grads = {leaf: g for leaf, g in grads.items() if isinstance(leaf, Value)}
        if found_arguments and not grads:
            raise RuntimeError(f"behind {self.label()} is only the argument of a function that {_OVER}")
        if capturing:
            capturing[-1].reads_gradients(grads)
        found = map(conjugated, grads.values())
        for leaf, gx in zip(grads, owned(found, seed, *(leaf._array for leaf in grads))):
            gx = gx if gx.dtype == leaf._array.dtype else gx.astype(leaf._array.dtype)  # the leaf was given other data
            leaf._grad = gx if leaf._grad is None else leaf._grad + gx

    def as_gradient(self, g: Any) -> Any:
        """``g`` as a gradient of this Value: an array of its shape and dtype."""
        if self._array.dtype.kind not in "fc":
            raise TypeError(f"{self.label()} is {self._array.dtype}; only floating Values have a gradient")
        if isinstance(g, Value):
            raise TypeError("a gradient is an array; to differentiate a gradient use gradients(…, create_graph=True)")
        g = as_numeric(g)
        if g.dtype.kind == "c" and self._array.dtype.kind != "c":
            raise TypeError(f"a gradient of {g.dtype} does not fit {self.label()} of {self._array.dtype}")
        if g.shape != self._array.shape:
            raise ValueError(f"a gradient of shape {g.shape} does not fit {self.label()} of shape {self._array.shape}")
        return g if g.dtype == self._array.dtype else g.astype(self._array.dtype)

    def _refuse_complex(self) -> None:
        if self._array.dtype.kind == "c":
            raise RuntimeError(
                f"{self.label()} is complex: a gradient is of a real number, such as np.sum(np.abs(value) ** 2), or"
                " starts from the grad that you set"
            )

    def _why_constant(self) -> str:
        if self._array.dtype.kind not in "fc":
            return f"its data is {self._array.dtype}, and all but floating data are constants"
        return "nothing behind it requires one (constants, requires_grad=False, detach() or no_grad())"

    # ---- NumPy's two protocols

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        for x in inputs if method != "at" else inputs[::2]:  # the second of ``at`` is a key
            if type(x) not in _OPERANDS and not _is_operand(x):
                return NotImplemented  # somebody else's type: it may know how to go on
        if method == "__call__" and not kwargs and ufunc in RULES:
            return RULES[ufunc](*inputs)
        func = ufunc if method == "__call__" else getattr(ufunc, method)
        outs = kwargs.get("out") or ()
        if any(not (out is None or (isinstance(out, Value) and method == "__call__")) for out in outs):
            name = numpy_name(func)
            raise TypeError(
                f"{name} cannot write a Value into an existing array: the graph would be cut. Take the result"
                f" instead, y = {name}(…); in place of array += value write array = array + value"
            )
        rule = rule_of(func, RULES.get(getattr(np.ufunc, method)) if ufunc in RULES else None)
        return rule(*inputs, **kwargs)

    def __array_function__(self, func: Callable, types: Any, args: Any, kwargs: Any) -> Any:
        if not all(issubclass(t, (Value, np.ndarray)) or _is_ours(t) for t in types):
            return NotImplemented
        return rule_of(func)(*args, **kwargs)

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError("a Value does not turn into an array by itself: the graph would be cut. " + _way_out())

    def __dlpack__(
        self, *, stream: Any = None, max_version: Any = None, dl_device: Any = None, copy: Any = None
    ) -> Any:
        if self.requires_grad:
            raise BufferError(
                f"{self.label()} requires grad, and no gradient comes back from there: hand over value.data"
            )
        wishes = {"stream": stream, "max_version": max_version, "dl_device": dl_device, "copy": copy}
        return self.data.__dlpack__(**{name: x for name, x in wishes.items() if x is not None})  # NumPy 2.0 knows one

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.data.__dlpack_device__()

    def to_device(self, device: Any, *, stream: Any = None) -> Value:
        """The array API standard's way to ask for another device; there is ``"cpu"``."""
        self.data.to_device(device, stream=stream)  # raises for any other
        return self

    # ---- items

    def __getitem__(self, key: Any) -> Value:
        return RULES[Value.__getitem__](self, key)

    def __iter__(self) -> Iterator[Value]:
        return RULES[Value.__iter__](self)

    def __setitem__(self, key: Any, value: Any) -> None:
        if capturing:
            capturing[-1].reach(self)
        leaf = views.origin(self)
        if leaf.created_by is None and leaf._requires_grad:
            if paused.get() and self.created_by is None:
                self._array[unwrap_all(key)] = as_operand(unwrap(value))  # which is the leaf's memory
                return
            raise RuntimeError(
                f"{leaf.label()} is a leaf that requires grad: writing into it would cut the graph. Write into a copy"
                " (w = v.copy(); w[key] = …), or within no_grad() to change the parameter itself"
            )
        if self.created_by is not None and paused.get():
            raise RuntimeError(f"{self.label()} was computed, and its graph remembers the array; write into a copy")
        if self._array.dtype.kind not in "fc" and getattr(value, "requires_grad", False):
            raise TypeError(f"{self.label()} is {self._array.dtype}: what is written into it would lose its gradient")
        if not self._array.flags.writeable and self.created_by is not None and self.created_by.views:
            raise ValueError(f"{self.label()} is a read-only view, as of NumPy")
        if hasattr(self, "_source") and views.overlaps_itself(self):
            views.write_through(self, unwrap_all(key), value)
            return
        self._become(RULES[Value.__setitem__](self, key, value))
        views.written(self)

    def _is_number(self) -> bool:
        is_parameter = self.created_by is None and self._requires_grad and paused.get()
        return self.ndim == 0 and not is_parameter

    def _replace(self, y: Any) -> None:
        leaf = views.origin(self)
        is_leaf = leaf.created_by is None and leaf._requires_grad
        if is_leaf or paused.get() or hasattr(self, "_source") or not isinstance(y, Value):
            self[...] = y
            return
        self._become(y if y.dtype == self.dtype else y.astype(self.dtype))  # what __setitem__ would copy
        views.written(self)

    def _become(self, y: Any) -> None:
        """Take the array and the past of ``y``: whoever remembers the old array keeps it."""
        y = y if isinstance(y, Value) else Value(y, requires_grad=False)  # a batch that was written into a constant
        self._array, self.created_by = views.laid_out_as(self._array, y._array), y.created_by

    def __delitem__(self, key: Any) -> None:
        raise TypeError("items of an array cannot be deleted; np.delete(value, …) gives a new one")

    # ---- leaving the graph as a Python number

    def __float__(self) -> float:
        return float(self._leaving("float"))

    def __int__(self) -> int:
        return int(self._leaving("int"))

    def __complex__(self) -> complex:
        return complex(self._leaving("complex"))

    def __round__(self, digits: int | None = None) -> Any:
        return np.round(self, digits or 0)

    def _leaving(self, kind: str) -> Any:
        """The array, for ``float(value)`` and the like, unless nobody asked for the number by name.

        ``array[0] = value`` calls ``float`` too, inside NumPy; and within a function that is being
        differentiated a number that leaves the graph is a gradient that is silently 0.
        """
        if self.requires_grad:
            caller = sys._getframe(2)
            if opname[caller.f_code.co_code[caller.f_lasti]] == "STORE_SUBSCR":
                raise TypeError(
                    "array[…] = value would cut the graph. Make the array a Value too, np.zeros_like(value, shape=…) or"
                    " np.zeros(…, like=value), collect the Values in a list for np.stack, or write value.item()"
                )
            if strict.get():
                raise TypeError(
                    f"{kind}(value) in a function that is being differentiated would cut the graph: nothing flows back"
                    " through a Python number. Use np.… in place of math.…, or value.item() if a constant is meant"
                )
        return self._array

    # ---- Python's protocols

    def __copy__(self) -> Value:
        return self.__deepcopy__({})

    def __deepcopy__(self, memo: dict) -> Value:
        if strict.get():  # in a function that is being differentiated a copy is one of the array
            memo[id(self)] = copied = self.copy()
            return copied
        if self.created_by is not None:
            raise RuntimeError(f"{self.label()} was computed: a copy would lose its graph. Copy leaves, or detach()")
        memo[id(self)] = y = Value(np.copy(self._array), self.name, requires_grad=self._requires_grad)
        y._grad = None if self.grad is None else np.copy(self._grad)
        return y

    def __reduce__(self) -> Any:
        if self.created_by is not None:
            raise TypeError(f"{self.label()} was computed: its graph cannot be pickled. Pickle leaves, or detach()")
        return _rebuild, (self._array, self.name, self._requires_grad)

    def __repr__(self) -> str:
        body = (
            np.array2string(self._array, separator=", ", prefix="Value(")
            if _is_plain(self._array)
            else repr(self._array)
        )
        notes = [body]
        if self._array.dtype not in (np.float64, np.int64, np.bool_):
            notes.append(f"dtype={self._array.dtype}")
        if self.name:
            notes.append(f"name={self.name!r}")
        if self.created_by is not None:
            notes.append(f"created_by={type(self.created_by).__name__}")
        elif not self._requires_grad and self._array.dtype.kind in "fc":
            notes.append("requires_grad=False")
        return f"Value({', '.join(notes)})"

    def label(self) -> str:
        """How an error message calls this Value."""
        made = "" if self.created_by is None else f" made by {self.created_by!r}"
        return f"Value {self.name!r}{made}" if self.name else f"this Value{made}"


def _way_out() -> str:
    """What to write where NumPy or somebody else asked a Value for its array."""
    caller = sys._getframe(2)
    if str(caller.f_globals.get("__name__")).startswith("scipy."):
        return (
            "For SciPy's Python functions see calligrad.scipy; value.data is the array, through which no gradient flows"
        )
    if opname[caller.f_code.co_code[caller.f_lasti]] == "STORE_SUBSCR":
        return (
            "To fill an array with Values make it a Value too, np.zeros(…, like=value) or np.zeros_like(value);"
            " or collect them in a list for np.stack"
        )
    return (
        "Write np.array([…], like=value), np.stack([…]) or np.block([[…]]) to join Values, and value.data for the"
        " array, through which no gradient flows"
    )


# ---------------------------------------------------------------- what counts as an array


def as_numeric(data: Any) -> Any:
    """``data`` as a numeric array; arrays of any kind that speaks NumPy's protocols pass unchanged."""
    if type(data) is not np.ndarray and not isinstance(data, np.generic):
        data = _as_array(data)
    if data.dtype.kind not in "fiubc":
        if data.dtype == object and any(isinstance(x, Value) for x in data.flat):
            raise TypeError("an array of objects that are Values is no array of numbers: join them with np.stack([…])")
        raise TypeError(f"a Value holds numbers, not {data.dtype} data")
    return data


def _as_array(data: Any) -> Any:
    if isinstance(data, Value):
        raise TypeError("this is a Value already; as_value(x) passes Values through, and x.data is the array inside")
    if hasattr(data, "is_host"):  # a Python number of a capture
        return data.as_array()
    if not hasattr(data, "__array_function__"):
        if data is None or isinstance(data, (str, bytes)):
            raise TypeError(f"a Value holds numbers, not {data!r}")
        if isinstance(data, (list, tuple)) and _holds_value(data):
            raise TypeError("a list of Values is not an array yet: join them with np.stack([…]), which differentiates")
        data = np.asarray(data)  # a ragged list raises NumPy's own ValueError here
    elif isinstance(data, np.ndarray) and type(data) is not np.ndarray:
        if hasattr(data, "mask"):
            raise TypeError("a Value knows no masks: fill the masked array first, data.filled(…)")
        data = data.view(np.ndarray)  # np.matrix has other rules for * and **
    return data


def _holds_value(x: Any) -> bool:
    return isinstance(x, Value) or (isinstance(x, (list, tuple)) and any(map(_holds_value, x)))


def _is_plain(data: Any) -> bool:
    return isinstance(data, (np.ndarray, np.generic))


PLAIN = frozenset({float, int, bool, complex})
"""Python's numbers: they stay what they are, so that they do not widen float32 (NEP 50)."""


def as_operand(x: Any) -> Any:
    """``x``, which is no Value, as a Function takes it: a numeric array, or a Python number as it is."""
    if type(x) is np.ndarray and x.shape and x.dtype.kind in "fiubc":
        return x
    if isinstance(x, (float, int, complex)) or hasattr(x, "is_host"):
        return x
    x = as_numeric(x)
    return x if x.shape or type(x) is not np.ndarray else x[()]


_OPERANDS = PLAIN | {Value, np.ndarray, np.float64, np.float32, list, tuple}


def _is_operand(x: Any) -> bool:
    """Whether a ufunc with a Value may take ``x``; other types get their chance to handle the call."""
    if isinstance(x, (Value, np.ndarray, np.generic, int, float, complex, list, tuple)):
        return True
    if hasattr(type(x), "__pandas_priority__"):  # a Series, DataFrame or Index, by position: a Value has no labels
        return True
    return hasattr(x, "__array_function__") and _is_ours(type(x))


def _is_ours(cls: type) -> bool:
    """Whether a Value may hold such an array: calligrad's own interpreters and CuPy's."""
    return cls.__module__.startswith(("calligrad.", "cupy")) and not hasattr(cls, "level")  # see batched.py


def conjugated(g: Any) -> Any:
    """A gradient between the graph's convention and the user's; the same for real numbers.

    The graph carries dL/dx - i dL/dy of z = x + iy, for which the rule of a holomorphic function reads as of
    a real one. The user is given, and gives, dL/dx + i dL/dy, the direction of steepest ascent.
    """
    return conj(g)


def conj(x: Any) -> Any:
    """The complex conjugate; real numbers as they are, at no cost, and None for no gradient."""
    return np.conjugate(x) if x is not None and x.dtype.kind == "c" else x


_OVER = "grad or one of its kin differentiates, or has differentiated: there is no leaf to leave a gradient on"


def owned(gradients: Iterable[Any], *others: Any) -> list[Any]:
    """The gradients as arrays that share no memory with one another, with ``others`` or with a Function's.

    Raises ``RuntimeError`` for one that depends on a Value which was no input of the Function that gave it.
    """
    taken = set(map(id, others))
    own = []
    for g in gradients:
        if isinstance(g, Value):
            if g.requires_grad:
                raise RuntimeError(
                    "a gradient was computed with a Value that requires one itself, but was no input of the Function:"
                    " make it an input, that its own gradient may flow"
                )
            g = g._array
        held = g.data if hasattr(g, "storage") else g  # of a capture, what it holds lies in memory as it would
        if not isinstance(held, np.ndarray) or held.base is not None or id(g) in taken:
            g = np.copy(g, order="C")
        taken.add(id(g))
        own.append(g)
    return own


def as_arraylike(x: Any) -> Any:
    """``x`` if it is an array of calligrad's, such as a Value, and ``np.asarray`` of anything else."""
    return x if isinstance(x, ArrayLike) else np.asarray(x)


def beside(x: Any, array: Any) -> Any:
    """``array``, and if ``x`` is one of a capture a copy in that capture, where it takes such arrays as indices."""
    return x.tracer.taken(array) if hasattr(x, "storage") and _is_plain(array) else array


def as_array(x: Any) -> Any:
    """``x`` as an array: the array inside a Value, and ``np.asarray`` of anything else."""
    return x.data if isinstance(x, Value) else as_numeric(x)


def as_value(x: Any) -> Value:
    """``x`` as a Value: a Value as it is, and a new leaf over anything else."""
    return x if isinstance(x, Value) else Value(x)


def as_result(array: Any) -> Value:
    """The result of an operation that needs no gradient. A module that keeps it has no parameter more."""
    y = _new(Value)
    y._array, y._grad, y._requires_grad, y.created_by, y.name = as_numeric(array), None, False, None, ""
    y._is_result = True
    if capturing:
        capturing[-1].born(y)
    return y


_new = object.__new__  # of which __init__ knows nothing: this is in the way of every small operation


def unwrap(x: Any) -> Any:
    """The array inside a Value; anything else as it is."""
    return x._array if isinstance(x, Value) else x


def unwrap_all(x: Any) -> Any:
    """``unwrap`` through tuples, lists and dicts, as the arguments of a NumPy function nest them."""
    if isinstance(x, Value):
        return x._array
    if type(x) in (list, tuple):
        return type(x)(map(unwrap_all, x))
    if type(x) is dict:
        return {k: unwrap_all(v) for k, v in x.items()}
    return x


def _rebuild(data: Any, name: str, requires_grad: bool) -> Value:
    return Value(data, name, requires_grad=requires_grad)


def bind_operator(name: str, ufunc: np.ufunc, cls: type[Function]) -> None:
    """Let ``Value.__name__`` apply ``cls`` itself: half the price of the way through the ufunc."""

    def forwards(self: Value, other: Any) -> Any:
        if type(other) in _OPERANDS:
            return cls().__call__(self, other)
        return self.__array_ufunc__(ufunc, "__call__", self, other)

    def reflected(self: Value, other: Any) -> Any:
        if type(other) in _OPERANDS:
            return cls().__call__(other, self)
        return self.__array_ufunc__(ufunc, "__call__", other, self)

    setattr(Value, f"__{name}__", forwards)
    setattr(Value, f"__r{name}__", reflected)
