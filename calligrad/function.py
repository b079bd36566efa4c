"""Function: one operation, and one entry of the graph.

A subclass says what the operation computes (``forward``) and how a gradient passes back through it
(``backward``). Both are written in NumPy, so the same lines run on arrays (fast), on Values (then the
gradient can be differentiated again) and on any other array type that speaks NumPy's protocols.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, dataclass_transform
from weakref import ref

import numpy as np
from numpy import ndarray

from calligrad import batched, views
from calligrad.batched import running
from calligrad.bytecode import assigned_by, attributes_of
from calligrad.declaration import is_plain, read_backward, rule_for, take_settings
from calligrad.modes import paused, strict
from calligrad.rules import RULES
from calligrad.still import SMALL, fingerprint, still
from calligrad.value import PLAIN, Value, as_numeric, as_operand, as_result, unwrap_all


@dataclass_transform(eq_default=False)
class Function:
    """One operation: the class is its calculus, an instance one entry of the graph.

    Annotated class attributes are settings, under NumPy's names; calling an instance applies it::

        class Square(Function, of=np.square):         # "the differentiable np.square"
            def backward(self, g, x):
                return g * 2 * x

    ``backward(self, g, …)`` maps the gradient ``g`` of the output to the gradient of each input: one
    array, or a tuple with one entry per input. An entry may be a function of no arguments, which is only
    called if that input needs a gradient, or None for none. It must not write into ``g``, which others
    hold too. The signature says what must be kept: all inputs by position, or none of them (one whose name
    begins with an underscore is passed None and not kept), and the output as keyword ``y``. What is not
    named is not kept. ``self.shapes`` are the shapes of the inputs.

    Of complex inputs, write the derivative of a holomorphic function as you would of a real one; for any
    other, ``g`` stands for dL/dx - i dL/dy, and so does what ``backward`` returns (docs/design/complex.md).

    Without ``forward``, the NumPy function ``of`` is called with the settings as keywords. A tuple or
    list returned by ``forward`` means several outputs; ``backward`` then gets a tuple of gradients, with
    None for an output nobody used.

    The article's form works too: ``backward(self, gy)`` may read ``self.inputs`` and ``self.outputs``,
    and whatever ``forward`` stored on ``self``. Such a gradient is of first order, and says so when asked
    for more.
    """

    of: ClassVar[Callable | None] = None
    broadcasts: ClassVar[bool] = False  # whether NumPy broadcasts the inputs, so that gradients are summed back
    views: ClassVar[bool] = False  # whether the output is, in NumPy, a view of the input
    holds: ClassVar[tuple[str, ...]] = ()  # settings that backward reads and that may be, or hold, an array

    # Read off the class, once
    settings: ClassVar[tuple[str, ...]] = ()
    _names: ClassVar[tuple[bool, ...] | None] = ()  # for each input backward takes, whether to keep it; None: all
    _takes_y: ClassVar[bool] = False
    _known: ClassVar[frozenset[str]] = frozenset()  # the names of the settings
    _needs: ClassVar[bool] = False  # whether one of them has no default
    _keeps: ClassVar[bool] = False  # anything at all
    _special: ClassVar[bool] = False  # whether it has views or holds arrays
    _reads_self: ClassVar[bool] = False  # the article's form: reads self.inputs or self.outputs

    is_open = True  # whether what it made requires a gradient; see Argument

    # Set when an instance is applied
    generation: int = -1
    edges: Sequence[tuple[Any, tuple[int, ...], Any]] = ()  # of each input: origin, shape, dtype; see sweep.py
    seed: Any = None  # the gradient of the output that the user wants backward to start from
    gradient: Any = None  # of the output, where backward was asked to leave it
    _kept: Sequence[Any] | None = ()
    _prints: Any = ()  # large constants that were kept, with their fingerprints
    _y: Any = None
    _read: tuple[Any, Any] | None = None  # the article's form: inputs and output
    _output_nodes: list[Callable[[], Output | None]] | None = None  # of several outputs; weak, against cycles

    def __init_subclass__(cls, of: Callable | tuple[Callable, ...] = (), **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        declared = [name for name, kind in cls.__annotations__.items() if "ClassVar" not in str(kind)]
        cls.settings = (*(name for name in cls.settings if name not in declared), *declared)
        cls._special = cls.views or bool(cls.holds)
        cls._known = frozenset(cls.settings)
        cls._needs = not all(hasattr(cls, name) for name in cls.settings)
        if cls.settings and cls.__init__ is object.__init__:
            cls.__init__ = take_settings  # type: ignore[method-assign]
        read_backward(cls)
        for func in of if isinstance(of, tuple) else (of,):
            cls.of = staticmethod(func)
            RULES[func] = rule_for(cls, func)
        if cls.of and not cls.settings and cls.forward is Function.forward:
            cls.forward = staticmethod(cls.of)  # type: ignore[method-assign]

    def forward(self, *xs: Any) -> Any:
        """The operation, on arrays."""
        if self.of is None:
            raise NotImplementedError(f"{type(self).__name__} defines no forward")
        return self.of(*xs, **{name: getattr(self, name) for name in self.settings})

    def backward(self, g: Any, *xs: Any, **kept: Any) -> Any:
        """The gradient of each input, given the gradient ``g`` of the output."""
        raise NotImplementedError(f"{type(self).__name__} defines no backward, so {self!r} has no gradient")

    # ---- forwards: apply the operation, and become an entry of the graph

    def __call__(self, *args: Any) -> Any:
        if self.generation >= 0:
            raise RuntimeError(f"{self!r} was called twice: a Function is one entry of the graph, make a new one")
        if running:  # within a vmap, Values from outside of it are constants
            args = batched.lifted(self, args)
        xs: list[Any] = []
        edges: list[tuple[Any, tuple[int, ...], Any]] = []
        generation = -1
        arrays = False
        for a in args:
            if isinstance(a, Value):
                x: Any = a._array
                origin: Any = a.created_by
                shape = x.shape
                if not shape and type(x) is ndarray:
                    x = x[()]  # NumPy's scalars compute six times faster than its 0-d arrays
                if origin is not None:
                    if generation <= origin.generation:
                        generation = origin.generation + 1
                elif a._requires_grad:
                    origin = a
                    if generation < 0:
                        generation = 0
                edges.append((origin, shape, kind if (kind := type(x)) in _SCALARS else x.dtype))
            else:
                x = a if type(a) in PLAIN and self.broadcasts else self._operand(a)
                edges.append((None, getattr(x, "shape", ()), None))
                arrays = arrays or type(x) in ARRAYS
            xs.append(x)

        try:
            y = batched.forward(self, xs) if running else self.forward(*xs)
        except Exception as error:
            error.add_note(f"in {self!r} of {', '.join(map(_describe, xs))}")
            raise

        if generation < 0 or paused.get():
            if not any(isinstance(a, Value) for a in args):
                return y
            result: Any = as_constant(y)
            if self.views:
                self._remember_views(result, args[0])
            return result
        self.generation = generation
        self.edges = edges
        if self._keeps:
            self._kept = xs if self._names is None else [x if named else None for x, named in zip(xs, self._names)]
            if self._takes_y:
                self._y = y
            if self._reads_self:
                self._read = xs, y
        if (kind := type(y)) in _SCALARS or (kind is ndarray and y.dtype.kind in "fc"):
            result = _new(Value)
            result._array, result.created_by, result.name = y, self, ""
        else:
            result = self._output(y)
        if arrays or self._special:
            if ((arrays and self._keeps) or (self.holds and self._holds_array())) and strict.get():
                self._hold_still()
            if self.views:
                self._remember_views(result, args[0])
        return result

    def _hold_still(self) -> None:
        """Keep constant arrays as they are now, whatever is written into them later."""
        self._prints = []
        kept: Any = self._kept
        for i, x in enumerate(kept):
            if type(x) in ARRAYS and self.edges[i][0] is None:
                kept[i] = self._held(x)
        for name in self.holds:
            setattr(self, name, self._held(getattr(self, name)))

    def _held(self, x: Any) -> Any:
        if type(x) is ndarray and x.nbytes <= SMALL:
            return x.copy()
        if type(x) is tuple:
            return tuple(map(self._held, x))
        if type(x) is batched.Batched:
            return x.copy()
        if hasattr(x, "storage"):  # an array of a capture
            return x.tracer.still(x)
        if type(x) is not ndarray:
            return x
        x, print_of_it = still(x)
        if print_of_it is not None:
            self._prints.append((x, print_of_it))
        return x

    def _holds_array(self) -> bool:
        for name in self.holds:
            x = getattr(self, name)
            if type(x) in ARRAYS or (type(x) is tuple and any(type(part) in ARRAYS for part in x)):
                return True
        return False

    @staticmethod
    def _remember_views(result: Any, source: Any) -> None:
        if isinstance(source, Value):
            for view in result if type(result) is tuple else (result,):
                views.remember(view, source)

    def _operand(self, a: Any) -> Any:
        """A constant as forward takes it: a Python number stays one where NumPy would let it be weak (NEP 50)."""
        try:
            x = as_operand(a)
        except (TypeError, ValueError) as error:
            error.add_note(f"in {self!r}")
            raise
        if self.broadcasts:
            return x
        return x.as_array() if hasattr(x, "is_host") else np.asarray(x)[()] if type(x) in PLAIN else x

    def _output(self, y: Any) -> Any:
        """What the operation returned, as Values that remember it."""
        if type(y) is not tuple and type(y) is not list:
            return _result(y, self)
        if self._output_nodes is None:
            self._output_nodes = [_nobody] * len(y)
        values = []
        for i, part in enumerate(y):
            if (output := self._output_nodes[i]()) is None:
                output = Output(self, i, len(y))
                self._output_nodes[i] = ref(output)
            values.append(_result(part, output))
        return tuple(values)

    # ---- backwards

    def pull(self, g: Any, create_graph: bool = False, release: bool = False) -> Sequence[Any]:
        """What ``backward`` says of the gradient ``g``: one entry per input.

        With ``create_graph`` the arithmetic runs on Values, so that the gradients can be differentiated.
        ``release`` frees what was kept for this; the entry itself stays in the graph.
        """
        kept = self._kept
        if kept is None:
            raise RuntimeError(
                f"the graph behind {self!r} was freed by an earlier backward; to go through it again,"
                " call the earlier one with retain_graph=True"
            )
        for x, print_of_it in self._prints:
            if fingerprint(x) != print_of_it:
                raise RuntimeError(
                    f"an array of shape {x.shape} was written into after {self!r} had used it: its gradient would be"
                    " wrong. Write into a copy"
                )
        if type(g) is Parts:
            g = tuple(map(g.get, range(g.count)))
        if create_graph:
            self._refuse_first_order()
            kept = [self._input(i, x) for i, x in enumerate(kept)]
        backward = batched.backward(self) if running else self.backward
        if self._takes_y:
            gxs = backward(g, *kept, y=self._output(self._y) if create_graph else self._y)
        else:
            gxs = backward(g, *kept)
        if gxs is None:
            raise TypeError(f"backward of {self!r} returned None; does it lack a return?")
        if self._reads_self and not create_graph:
            gxs = unwrap_all(gxs)
        if type(gxs) is not tuple:
            gxs = tuple(gxs) if type(gxs) is list else (gxs,)
        if len(gxs) != len(self.edges):
            raise ValueError(f"{self!r} has {len(self.edges)} inputs, but its backward gave {len(gxs)} gradients")
        if release:
            if self._reads_self:  # what is still to be called wants to read as well
                gxs = tuple(gx() if callable(gx) else gx for gx in gxs)
                self._read = None
            self._kept = self._y = None
        return gxs

    def fit(self, gx: Any, shape: tuple[int, ...], dtype: np.dtype) -> Any:
        """``gx`` with the shape and dtype of its input: broadcasting undone, precision restored."""
        if not hasattr(gx, "dtype"):
            raise TypeError(f"backward of {self!r} gave no array but {gx!r}")
        if gx.shape != shape:
            if not self.broadcasts or not broadcasts_to(shape, gx.shape):
                raise ValueError(
                    f"backward of {self!r} gave a gradient of shape {gx.shape} to an input of shape {shape}"
                )
            gx = sum_to(gx, shape)
        if gx.dtype != dtype:
            if gx.dtype.kind not in "fiubc":
                raise TypeError(f"backward of {self!r} gave a gradient of {gx.dtype} to an input of {np.dtype(dtype)}")
            if gx.dtype.kind == "c" and np.dtype(dtype).kind != "c":
                gx = np.real(gx)  # a real input moves along the real axis alone
            gx = gx.astype(dtype)
        return gx

    def _input(self, i: int, x: Any) -> Any:
        """Input ``i`` as it was: the leaf, a Value over ``x`` with its creator, or a constant."""
        origin = self.edges[i][0]
        if origin is None or x is None or not origin.is_open:
            return x
        if not isinstance(origin, Value):
            return _result(x, origin)
        if origin._array is not x and (x.shape or not np.array_equal(origin._array, x, equal_nan=True)):
            raise RuntimeError(f"{origin.label()} was given other data after {self!r} had used it")
        return origin

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """The shapes of the inputs."""
        return [shape for _, shape, _ in self.edges]

    # ---- the article's form: a backward that reads self.inputs and self.outputs

    @property
    def inputs(self) -> tuple[Value, ...]:
        """The inputs, for a backward that reads them here instead of naming them."""
        xs, _ = self._remembered("inputs")
        inputs = (self._input(i, x) for i, x in enumerate(xs))
        return tuple(x if isinstance(x, Value) else Value(x, requires_grad=False) for x in inputs)

    @property
    def outputs(self) -> tuple[Value, ...]:
        """The outputs, for a backward that reads them here instead of asking for ``y``."""
        _, y = self._remembered("outputs")
        outputs = self._output(y)
        return outputs if type(outputs) is tuple else (outputs,)

    def _remembered(self, word: str) -> tuple[Any, Any]:
        if not self._reads_self or self._read is None:
            raise RuntimeError(
                f"{self!r} holds no {word}: arrays are kept for a backward that names them or reads self.{word}, from"
                " the call until the sweep has passed. For a walk over the graph take self.edges"
            )
        return self._read

    def _refuse_first_order(self) -> None:
        """A gradient that reads arrays from ``self`` looks constant to a second sweep: never let it."""
        stored = [name for name, x in vars(self).items() if not (self._is_setting(name, x) or is_plain(x))]
        leaving = attributes_of(type(self).backward) & {"data", "item", "tolist"}
        if self._reads_self or stored or leaving:
            what = f"stores {', '.join(stored)} on itself" if stored else "reads self.inputs or self.outputs"
            what = f"takes .{min(leaving)} of an array" if leaving and not self._reads_self else what
            raise RuntimeError(
                f"the gradient of {self!r} cannot be differentiated again: it {what}. Name what backward needs in"
                " its signature instead, backward(self, g, x, …, *, y), and write it in NumPy"
            )

    def _is_setting(self, name: str, x: Any) -> bool:
        """Whether the attribute is the engine's, a setting, or was fixed by ``__init__`` before any array came."""
        if name in self.settings or name in Function.__annotations__:
            return True
        members = [
            (key, member)
            for c in type(self).__mro__[:-2]
            for key, member in vars(c).items()
            if hasattr(member, "__code__")
        ]
        fixed = {attribute for key, member in members if key == "__init__" for attribute in assigned_by(member)}
        later = {attribute for key, member in members if key != "__init__" for attribute in assigned_by(member)}
        return name in fixed - later and not isinstance(x, (list, dict))

    def __repr__(self) -> str:
        settings = (f"{name}={_brief(getattr(self, name))}" for name in self.settings if name in vars(self))
        return f"{type(self).__name__}({', '.join(settings)})"


# ---------------------------------------------------------------- applying


def _result(data: Any, creator: Function) -> Value:
    """The Value that ``creator`` made: what Value() does, without the questions a stranger's data needs."""
    if (type(data) is not ndarray and type(data) not in _SCALARS) or data.dtype.kind not in "fc":
        if data is None or isinstance(data, (str, bytes, Value)):
            raise TypeError(f"forward of {creator!r} returned no array but {data!r}")
        data = as_numeric(data)
        if data.dtype.kind not in "fc":
            return Value(data)
    return computed(data, creator)


def computed(data: Any, creator: Any) -> Value:
    """The Value over ``data`` at the place of ``creator`` in the graph."""
    y = _new(Value)
    y._array, y.created_by, y.name = data, creator, ""
    return y


ARRAYS = {ndarray, batched.Batched}  # what may be written into; a capture has one more
_SCALARS = frozenset(np.dtype(code).type for code in "efdgFDG")  # NumPy's scalars, which 0-d results are
_new = object.__new__


def _nobody() -> None:
    """A weak reference to nothing."""


def as_constant(y: Any) -> Any:
    """The results of an operation on constants, as Values without a past."""
    if type(y) is tuple or type(y) is list:
        return tuple(map(as_constant, y))
    return as_result(y)


def _brief(x: Any) -> str:
    """A setting, in a few words if it is a large array."""
    if isinstance(x, tuple) and any(isinstance(part, ndarray) for part in x):
        return f"({', '.join(map(_brief, x))})"
    return _describe(x) if isinstance(x, ndarray) and x.size > 8 else repr(x)


def _describe(x: Any) -> str:
    return f"{x.dtype}{list(x.shape)}" if hasattr(x, "shape") else repr(x)


def broadcasts_to(shape: tuple[int, ...], wide: tuple[int, ...]) -> bool:
    """Whether NumPy would stretch an array of ``shape`` to the shape ``wide``."""
    return len(shape) <= len(wide) and all(n in (1, m) for n, m in zip(shape[::-1], wide[::-1]))


def sum_to(g: Any, shape: tuple[int, ...]) -> Any:
    """Undo broadcasting: sum ``g`` down to ``shape``."""
    lead = g.ndim - len(shape)
    axes = *range(lead), *(lead + i for i, n in enumerate(shape) if n == 1 and g.shape[lead + i] != 1)
    return np.reshape(np.sum(g, axis=axes), shape) if axes else np.reshape(g, shape)


# ---------------------------------------------------------------- declaring


def constant(*funcs: Callable) -> None:
    """Declare NumPy functions whose results are constants: comparisons, shapes, piecewise constants."""

    def rule_for(func: Callable) -> Callable:
        if isinstance(func, np.ufunc):
            return lambda *args: func(*unwrap_all(args))
        return lambda *args, **kwargs: func(*_read_only(args), **_read_only(kwargs))

    def _read_only(args: Any) -> Any:
        """The arrays within, not to be written into by way of ``out``: the graph would not know."""
        if isinstance(args, Value):
            x = args._array[...] if isinstance(args._array, ndarray) else args._array
            if type(x) is ndarray:
                x.flags.writeable = False
            return x
        if type(args) in (tuple, list):
            return type(args)(map(_read_only, args))
        return {key: _read_only(x) for key, x in args.items()} if type(args) is dict else args

    for func in funcs:
        if not callable(func):
            raise TypeError(f"constant declares NumPy functions, not {func!r}")
        RULES[func] = rule_for(func)


# ---------------------------------------------------------------- kinds of Function


class Elementwise(Function):
    """A ufunc: its inputs broadcast, so the engine sums their gradients back."""

    broadcasts = True


class Argument:
    """The entry of the graph for an argument of a function that is being differentiated: a leaf that is no Value.

    The function may write into its argument, as NumPy code does, which makes a computed Value of it.
    """

    edges = ()
    generation = -1  # below every Function
    views = False
    is_open = True  # until the function has returned
    seed: Any = None
    gradient: Any = None

    def __repr__(self) -> str:
        return "an argument"


class Output(Function):
    """One output of a Function that has several: it files its gradient under its index."""

    def __init__(self, function: Function, index: int, count: int) -> None:
        self.function, self.index, self.count = function, index, count
        self.views = function.views  # type: ignore[misc]
        self.edges = [(function, Parts.shape, Parts.dtype)]
        self.generation = function.generation + 1

    def pull(self, g: Any, create_graph: bool = False, release: bool = False) -> Sequence[Any]:
        return (Parts(self.count, self.index, g),)

    def __repr__(self) -> str:
        return f"{self.function!r}[{self.index}]"


class Parts(dict):
    """The gradients of several outputs, by index, on their way to the one Function that made them."""

    shape: tuple[int, ...] = ()  # what the edge of an Output says of it
    dtype = None

    def __init__(self, count: int, index: int, g: Any) -> None:
        super().__init__({index: g})
        self.count = count

    def __add__(self, other: Parts) -> Parts:
        for index, g in other.items():
            self[index] = self[index] + g if index in self else g
        return self
