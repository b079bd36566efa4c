"""Trace: what one run of a function does to arrays, as a program."""

from __future__ import annotations

import operator
import os
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import numpy as np

from calligrad.compiler import contents, storage, writes
from calligrad.compiler.draws import Draw
from calligrad.compiler.found import Found
from calligrad.compiler.host import OPERATORS, Host, Number
from calligrad.compiler.operations import as_captured, flat, only
from calligrad.compiler.program import Line, Var, mapped
from calligrad.compiler.storage import Storage, View
from calligrad.compiler.traced import CaptureError, Traced
from calligrad.function import ARRAYS
from calligrad.rules import RULES, numpy_name

ARRAYS.add(Traced)


_CASTS_ARRAYS_ALONE = np.lib.NumpyVersion(np.__version__) < "2.1.0"  # np.astype, which took no numbers then


class Trace:
    """Records calls on Traced arrays, and runs them, so that each array holds what it would.

    Arrays from outside become inputs. They are written into where they are; ``undo`` takes it back.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.lines: list[Line] = []
        self.inputs: list[Var] = []
        self.outside: dict[int, Traced] = {}  # by id: arrays of NumPy's own, which stay alive here
        self.found: list[Traced] = []  # of those, the ones nobody announced: what holds them is not known
        self.draws: list[Draw] = []
        self.drawn_from: dict[int, tuple[np.random.Generator, Any]] = {}  # with the state ahead of the first draw
        self.checks: list[Var] = []  # what lines give that raise where something is wrong
        self.shared: set[Var] = set()  # what stands for two arrays at once, after x[...] = y
        self.host = Host(self)
        self.is_open = True
        self._thread = threading.get_ident()
        self.overwritten: list[Traced] = []  # the owners of what was written into, in order
        self.refused: CaptureError | None = None  # the last, which NumPy may put into words of its own
        self._found = Found(self)

    # ---- arrays come in

    def input(self, array: Any) -> Traced:
        """A Traced for ``array``, one of the program's inputs."""
        made = self._owner(array, Var.of(array))
        made.storage.input = made.symbol
        self.inputs.append(made.symbol)
        if isinstance(array, np.ndarray):
            self.outside[id(array)] = made
        return made

    def lifted(self, array: np.ndarray) -> Traced:
        """The Traced that stands for an array of NumPy's own."""
        known = self.outside.get(id(array))
        if known is not None and (array not in self._found or not self._found.differs(array)):
            return known
        if known is not None:
            self._found.keep_as_it_was(known)
        made = self.input(array)
        self.found.append(made)
        self._found.note(array)
        return made

    def announced(self, array: np.ndarray) -> Traced | None:
        """The Traced for an array from outside of which it is known what holds it."""
        return None if array in self._found else self.outside.get(id(array))

    def settle(self) -> None:
        """See to arrays that were found, and that the function has written into since: the program holds copies."""
        self._found.settle()

    def drawn(self, draw: Draw) -> Any:
        """What a random generator gives, another in every run."""
        generator = draw.generator()
        if id(generator) not in self.drawn_from:
            self.drawn_from[id(generator)] = generator, generator.bit_generator.state
        x = draw()
        if not isinstance(x, (np.ndarray, np.generic, float, int)):
            raise self.error(f"rng.{draw.name} gives no array")
        x = x if hasattr(x, "dtype") else np.asarray(x)[()]
        made = self._owner(x, Var.of(x))
        self.inputs.append(made.symbol)
        draw.var = made.symbol
        self.draws.append(draw)
        return made

    def array_of(self, number: Number) -> Traced:
        """The Number as an array without axes."""
        return self._run(np.asarray, (number,), {})

    # ---- calls

    def call(self, func: Callable, args: Any, kwargs: Any) -> Any:
        """``func(*args, **kwargs)``, written down."""
        self._refuse_if_over()
        if func in contents.STATIC:
            return self.concretely(func, args, kwargs)
        if func in contents.COMPOSED:
            return RULES[func](*args, **kwargs)
        args, kwargs = (mapped(lambda x: contents.settled(func, x), nest) for nest in (tuple(args), dict(kwargs)))
        if not args:
            args, kwargs = contents.by_position(func, kwargs)
        contents.refuse(self, func, args, kwargs)
        if getattr(func, "checks", False):
            self.concretely(func, args, kwargs)
            self.checks.append(self.line(func, self.nest(args), self.nest(kwargs), np.False_))
            return None
        if func in contents.WRITERS:
            return writes.by_function(self, func, args, kwargs)
        if func is np.nan_to_num and not kwargs.pop("copy", args[1] if len(args) > 1 else True):
            x, args = args[0], (args[0], True, *args[2:])
            return writes.stored(self, x, self._run(func, args, kwargs)) if isinstance(x.data, np.ndarray) else x
        if func is np.astype and _CASTS_ARRAYS_ALONE and isinstance(args[0].data, np.generic):
            return self.getitem(self._run(np.asarray, args, kwargs), ())
        args, kwargs, out = contents.without_out(func, args, kwargs)
        if out is not None:
            return writes.into(self, out, func, args, kwargs)
        return self._run(func, args, kwargs)

    def call_ufunc(self, ufunc: np.ufunc, method: str, args: Any, kwargs: Any) -> Any:
        """A ufunc or one of its methods, with NumPy's keywords."""
        self._refuse_if_over()
        func = ufunc if method == "__call__" else getattr(ufunc, method)
        if method == "at":
            return writes.by_ufunc(self, ufunc, *args)
        if func is ufunc and ufunc in OPERATORS and all(map(_is_python_number, args)) and not kwargs:
            return self._run(OPERATORS[ufunc], args, {})  # of Python's numbers NumPy sees nothing
        kwargs = dict(kwargs)
        outs = kwargs.pop("out", None) or (None,)
        if func is ufunc and kwargs.get("where", True) is True:
            kwargs.pop("where", None)
        if "where" in kwargs and func is ufunc and ufunc.nout > 1:
            raise self.error(f"np.{ufunc.__name__} with where= gives several arrays; use np.where on each")
        if len(outs) > 1:
            ys, casting = self._run(func, args, kwargs), kwargs.get("casting", "same_kind")
            return tuple(y if x is None else writes.stored(self, x, y, casting) for x, y in zip(outs, ys, strict=True))
        if outs[0] is not None:
            return writes.into(self, outs[0], func, args, kwargs)
        if func is ufunc and "where" in kwargs:  # what the mask leaves out is whatever the memory held: zeros
            natural = self.concretely(func, args, kwargs)
            return writes.into(self, self._zeros(natural), func, args, kwargs)
        return self._run(func, args, kwargs)

    def getitem(self, x: Traced, key: Any) -> Any:
        """``x[key]``, a view where NumPy gives one."""
        self._refuse_if_over()
        contents.refuse_mask(self, key)
        return self._run(operator.getitem, (x, contents.settled_key(self, key)), {})

    def setitem(self, x: Traced, key: Any, value: Any) -> None:
        """``x[key] = value``: from now on the storage of ``x`` has other contents."""
        self._refuse_if_over()
        writes.at_key(self, x, key, value)

    # ---- recording

    def line(self, func: Callable, args: tuple, kwargs: dict, out: Any) -> Var:
        """One more line, which gives ``out``: a Var, an array like it, or None for what NumPy says."""
        if out is None:
            out = func(*mapped(lambda x: storage.like(x) if type(x) is Var else x, args), **kwargs)
        var = out if type(out) is Var else Var.of(out)
        self.lines.append(Line(func, args, kwargs, (var,), self.user_line()))
        return var

    def _run(self, func: Callable, args: Any, kwargs: Any) -> Any:
        """Run the call on what the arrays hold, and write it down."""
        inner, keywords = self.nest(tuple(args)), self.nest(kwargs)
        result = self.concretely(func, args, kwargs)
        parts = list(_leaves(result))
        if not all(isinstance(part, (np.ndarray, np.generic, bool, int, float, complex)) for part in parts):
            raise self.error(f"{numpy_name(func)} gives no array but {type(result).__name__}, which no program holds")
        sources = [self._traced(x) for x in _leaves((args, kwargs)) if type(x) is Traced or isinstance(x, np.ndarray)]
        if isinstance(result, np.ndarray):
            for source in sources:
                if source.data is result:  # the array itself, as np.squeeze and others give it
                    return source
        if isinstance(result, (tuple, list)):
            if len(parts) == 1:
                func, inner = only, (func, *inner)
            elif any(isinstance(part, (tuple, list)) for part in result):
                func, inner = flat, (func, *inner)
        line = Line(func, inner, keywords, tuple(map(_var, parts)), self.user_line())
        if parts:
            self.lines.append(line)
        made = iter([self._result(part, line, i, sources) for i, part in enumerate(parts)])
        return mapped(lambda _: next(made), result)

    def _result(self, data: Any, line: Line, index: int, sources: list[Traced]) -> Traced:
        """A Traced over a result of the line, which is a view if it shares memory with one of the sources."""
        var = line.outs[index]
        source = storage.source_of(data, sources) if isinstance(data, np.ndarray) else None
        if source is not None and source.data is data:
            return source
        if contents.may_vary(line.op) and not var.weak:
            var = self.line(as_captured, (var, var.shape, var.dtype), {}, Var(var.shape, var.dtype, var.strides))
        if source is not None:
            made = Traced(data, self, source.storage, var)
            made.taken = View(source, source.symbol, line, index)
            return made
        made = self._owner(data if hasattr(data, "dtype") else np.asarray(data)[()], var)
        if line.op is np.any or line.op is np.all:
            made.asked = line.op
        return made

    def _owner(self, data: Any, var: Var) -> Traced:
        return Traced(data, self, Storage(), var)

    def _zeros(self, like: Any) -> Traced:
        x = np.zeros(like.shape, like.dtype)
        return self._owner(x, self.line(np.zeros, (x.shape, x.dtype), {}, x))

    def concretely(self, func: Callable, args: Any, kwargs: Any) -> Any:
        """The call on what the arrays hold in this run."""
        return func(*mapped(_data, args), **mapped(_data, kwargs))

    def nest(self, nest: Any) -> Any:
        """The arguments as a line of the program holds them: Vars in place of arrays."""
        return mapped(self._inner, nest)

    def _inner(self, x: Any) -> Any:
        kind = type(x)
        if kind is Traced:
            if x.tracer is not self:
                raise CaptureError(
                    f"an array of {x.tracer.name}, whose capture is over, is used in {self.name}: return it from the"
                    " compiled function instead of storing it"
                )
            return self.var_of(x)
        if kind is Number:
            return x.var
        return self.var_of(self.lifted(x)) if isinstance(x, np.ndarray) else x

    def _traced(self, x: Any) -> Traced:
        return x if type(x) is Traced else self.outside[id(x)]

    def taken(self, array: np.ndarray) -> Traced:
        """A copy of an array of NumPy's own, to be written into."""
        return self._run(np.copy, (np.asarray(array),), {})

    def still(self, x: Traced) -> Traced:
        """An array with what ``x`` holds now, whatever is written into that later."""
        return self._owner(x.data.copy(), self.var_of(x))

    def held(self, x: Any) -> Any:
        """What the array ``x`` holds in this run; anything else as it is."""
        return _data(x)

    def var_of(self, x: Traced) -> Var:
        """What stands for ``x`` as it is now."""
        return storage.var_of(self, x)

    # ---- what was written

    def undo(self) -> None:
        """Give arrays from outside back what they held, and bring generators back to where they stood."""
        for traced in reversed(self.overwritten):
            traced.data[...] = traced.storage.before
        for generator, state in self.drawn_from.values():
            generator.bit_generator.state = state

    def written(self) -> list[Traced]:
        """The arrays from outside that were written into."""
        return [traced for traced in self.outside.values() if traced.storage.before is not None]

    def close(self) -> None:
        """The capture is over: nothing is written down any more, and nothing can be undone."""
        self.is_open = False
        for traced in self.overwritten:
            traced.storage.before = None
        self.overwritten.clear()

    # ---- refusing

    def _refuse_if_over(self) -> None:
        if not self.is_open:
            raise CaptureError(
                f"an array of {self.name}, whose capture is over, is used outside of it: return it from the compiled"
                " function instead of storing it"
            )
        if threading.get_ident() != self._thread:
            raise CaptureError(
                f"{self.name} is being captured in one thread, and another uses an array that it has opened: let the"
                " first two calls end before other threads use the same model"
            )

    def error(self, message: str) -> CaptureError:
        """An error that says where in the user's function it happened."""
        where = self.user_line()
        self.refused = CaptureError(f"compile cannot capture this in {self.name}{where and f' ({where})'}: {message}")
        return self.refused

    def user_line(self) -> str:
        """The file and line, outside of calligrad and NumPy, that is being run."""
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and frame.f_code.co_filename.startswith(_LIBRARIES):
            frame = frame.f_back
        return "" if frame is None else f"{os.path.basename(frame.f_code.co_filename)}:{frame.f_lineno}"


_HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_LIBRARIES = (_HERE + os.sep, os.path.dirname(np.__file__) + os.sep, "<__array_function__", "<frozen", "<string>")


def _data(x: Any) -> Any:
    """What a leaf of the arguments is in this run."""
    kind = type(x)
    if kind is Traced:
        return x.data.item() if x.symbol.weak else x.data
    return x.value if kind is Number else x


def _var(x: Any) -> Var:
    """What stands for a result: of Python's own numbers a weak one."""
    return Var.of(x) if hasattr(x, "dtype") else Var((), np.result_type(type(x)), (), weak=True)


def _is_python_number(x: Any) -> bool:
    return x.symbol.weak if type(x) is Traced else type(x) is Number or type(x) in (int, float, bool, complex)


def _leaves(nest: Any) -> Iterator[Any]:
    if isinstance(nest, (tuple, list)):
        for part in nest:
            yield from _leaves(part)
    elif type(nest) is dict:
        for part in nest.values():
            yield from _leaves(part)
    else:
        yield nest
