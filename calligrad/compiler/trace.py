"""Trace: what one run of a function does to arrays, as a program."""

from __future__ import annotations

import operator
import os
import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import numpy as np

from calligrad.compiler import contents, storage
from calligrad.compiler.draws import Draw
from calligrad.compiler.host import OPERATORS, Host, Number
from calligrad.compiler.operations import as_captured, call_at, changed, filled, flat, only, setitem
from calligrad.compiler.program import Line, Var, mapped
from calligrad.compiler.storage import Storage, View
from calligrad.compiler.traced import CaptureError, Traced
from calligrad.function import ARRAYS
from calligrad.rules import RULES, numpy_name
from calligrad.still import SMALL, fingerprint

ARRAYS.add(Traced)


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
        self.checks: list[Var] = []  # what lines give that raise where something is wrong
        self.host = Host(self)
        self.is_open = True
        self._first_writes: list[Traced] = []  # the owners of what was written into, in order
        self._prints: dict[int, Any] = {}  # by id: what the arrays that were found held

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
        if known is not None and (id(array) not in self._prints or not self._differs(array)):
            return known
        if known is not None:
            self._keep_as_it_was(known)
        made = self.input(array)
        self.found.append(made)
        self._prints[id(array)] = array.copy() if array.nbytes <= SMALL else fingerprint(np.ravel(array))
        return made

    def settle(self) -> None:
        """See to arrays that were found, and that the function has written into since: the program holds copies."""
        for made in self.found:
            if self.outside.get(id(made.data)) is made and self._differs(made.data):
                if sys.getrefcount(made.data) > 2:
                    raise self.error(
                        f"an array of shape {made.shape} is used and then written into with numbers that are no part of"
                        " the program: later calls would not do that. Make it an argument, or reach it by a global"
                    )
                self._keep_as_it_was(made)

    def _differs(self, array: np.ndarray) -> bool:
        before = self._prints[id(array)]
        if not isinstance(before, np.ndarray):
            return fingerprint(np.ravel(array)) != before
        return before.tobytes() != array.tobytes()

    def _keep_as_it_was(self, made: Traced) -> None:
        before = self._prints.pop(id(made.data))
        if not isinstance(before, np.ndarray):
            raise self.error(f"an array of {made.data.nbytes:,} bytes is written into after it was used; use a copy")
        del self.outside[id(made.data)]
        made.data = before

    def drawn(self, draw: Draw) -> Any:
        """What a random generator gives, another in every run."""
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
            return self._concretely(func, args, kwargs)
        if func in contents.COMPOSED:
            return RULES[func](*args, **kwargs)
        args, kwargs = (mapped(lambda x: contents.settled(func, x), nest) for nest in (tuple(args), dict(kwargs)))
        contents.refuse(self, func, args, kwargs)
        if getattr(func, "checks", False):
            self._concretely(func, args, kwargs)
            self.checks.append(self.line(func, self._nest(args), self._nest(kwargs), np.False_))
            return None
        if func in contents.WRITERS:
            return self._write(func, args, kwargs)
        if func is np.nan_to_num and not kwargs.pop("copy", args[1] if len(args) > 1 else True):
            x, args = args[0], (args[0], True, *args[2:])
            return self._stored(x, self._run(func, args, kwargs)) if isinstance(x.data, np.ndarray) else x
        args, kwargs, out = contents.without_out(func, args, kwargs)
        if out is not None:
            return self._into(out, func, args, kwargs)
        return self._run(func, args, kwargs)

    def call_ufunc(self, ufunc: np.ufunc, method: str, args: Any, kwargs: Any) -> Any:
        """A ufunc or one of its methods, with NumPy's keywords."""
        self._refuse_if_over()
        func = ufunc if method == "__call__" else getattr(ufunc, method)
        if method == "at":
            return self._at(ufunc, *args)
        if func is ufunc and ufunc in OPERATORS and all(map(_is_python_number, args)) and not kwargs:
            return self._run(OPERATORS[ufunc], args, {})  # of Python's numbers NumPy sees nothing
        kwargs = dict(kwargs)
        outs = kwargs.pop("out", None) or (None,)
        if func is ufunc and kwargs.get("where", True) is True:
            kwargs.pop("where", None)
        if len(outs) > 1 or ("where" in kwargs and ufunc.nout > 1):
            return self._into_several(outs, ufunc, args, kwargs)
        if outs[0] is not None:
            return self._into(outs[0], func, args, kwargs)
        if func is ufunc and "where" in kwargs:  # what the mask leaves out is whatever the memory held: zeros
            natural = self._concretely(func, args, kwargs)
            return self._into(self._zeros(natural.shape, natural.dtype), func, args, kwargs)
        return self._run(func, args, kwargs)

    def getitem(self, x: Traced, key: Any) -> Any:
        """``x[key]``, a view where NumPy gives one."""
        self._refuse_if_over()
        contents.refuse_mask(self, key)
        return self._run(operator.getitem, (x, contents.settled_key(self, key)), {})

    def setitem(self, x: Traced, key: Any, value: Any) -> None:
        """``x[key] = value``: from now on the storage of ``x`` has other contents."""
        self._refuse_if_over()
        key = contents.settled_key(self, key)
        if storage.overlaps_itself(x.data) and key is not Ellipsis:
            parts = key if type(key) is tuple else (key,)
            part = self.getitem(x, key if Ellipsis in parts else (*parts, ...))  # an array, also of one place
            if part.storage is x.storage:  # a view, of which no two places may be one
                self.setitem(part, ..., value)
                return
        inner_key, inner_value, old = self._nest(key), self._nest(value), self.var_of(x)
        self._change(x, operator.setitem, (x, key, value), {})
        var = None
        if key is Ellipsis and _fills(value, x):
            var = inner_value
        elif contents.is_mask(key) and np.ndim(_data(value)) == 0 and x.data.flags.c_contiguous:
            mask = inner_key
            if key.ndim < x.ndim:
                mask = self.line(np.reshape, (mask, key.shape + (1,) * (x.ndim - key.ndim)), {}, None)
            var = self._chosen(x, mask, value)
        if var is None:
            var = self.line(setitem, (old, inner_key, inner_value), {}, storage.copy_of(x.data))
        storage.write(self, x, var)

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
        inner, keywords = self._nest(tuple(args)), self._nest(kwargs)
        result = self._concretely(func, args, kwargs)
        parts = list(_leaves(result))
        if not all(isinstance(part, (np.ndarray, np.generic, bool, int, float, complex)) for part in parts):
            raise self.error(f"{numpy_name(func)} gives no array but {type(result).__name__}, which no program holds")
        sources = [self._traced(x) for x in _leaves((args, kwargs)) if type(x) is Traced or isinstance(x, np.ndarray)]
        if (
            isinstance(result, np.ndarray)
            and (same := next((x for x in sources if x.data is result), None)) is not None
        ):
            return same  # the array itself, as np.squeeze and others give it
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
        own = Storage()
        own.owner = Traced(data, self, own, var)
        return own.owner

    def _zeros(self, shape: tuple[int, ...], dtype: np.dtype) -> Traced:
        x = np.zeros(shape, dtype)
        return self._owner(x, self.line(np.zeros, (shape, dtype), {}, x))

    def _concretely(self, func: Callable, args: Any, kwargs: Any) -> Any:
        return func(*mapped(_data, args), **mapped(_data, kwargs))

    def _nest(self, nest: Any) -> Any:
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

    def var_of(self, x: Traced) -> Var:
        """What stands for ``x`` as it is now."""
        return storage.var_of(self, x)

    # ---- writing

    def _at(self, ufunc: np.ufunc, x: Any, key: Any, *values: Any) -> None:
        """``np.add.at`` and its like."""
        x = self._own(x, f"np.{ufunc.__name__}.at(array, …)")
        key = contents.settled_key(self, key)
        inner = (ufunc, self.var_of(x), *self._nest((key, *values)))
        self._change(x, ufunc.at, (x, key, *values), {})
        storage.write(self, x, self.line(call_at, inner, {}, storage.copy_of(x.data)))

    def _write(self, func: Callable, args: tuple, kwargs: dict) -> None:
        """np.copyto, np.put and others that change their first argument."""
        x, *rest = args if args else (kwargs.pop(contents.WRITERS[func]),)
        x = self._own(x, f"{numpy_name(func)}(array, …)")
        inner, keywords, old = self._nest(tuple(rest)), self._nest(kwargs), self.var_of(x)
        self._change(x, func, (x, *rest), kwargs)
        value = kwargs.get("src", rest[0] if rest else None)
        mask = keywords.get("where", inner[2] if len(inner) > 2 else True)
        var = None
        if func is np.copyto and mask is True and _fills(value, x):
            var = self._inner(value)
        elif func is np.copyto and type(mask) is Var and x.data.flags.c_contiguous and x.ndim:
            var = self._chosen(x, mask, value)
        if var is None:
            var = self.line(changed, (func, old, *inner), keywords, storage.copy_of(x.data))
        storage.write(self, x, var)

    def _chosen(self, x: Traced, mask: Var, value: Any) -> Var | None:
        """Lines with ``value`` where the mask is, and ``x`` elsewhere; None if the result would lie otherwise."""
        new, old = self._inner(value), self.var_of(x)
        if type(new) is not Var:
            new = np.asarray(new).astype(x.dtype)[()]
        elif new.weak or new.dtype != x.dtype:
            new = self.line(np.asarray if new.weak else np.astype, (new, x.dtype), {}, None)
        var = self.line(np.where, (mask, new, old), {}, None)
        return var if var.strides == x.strides else None

    def _into(self, out: Any, func: Callable, args: Any, kwargs: dict) -> Any:
        """``out``, into which ``func(…, out=out)`` has written."""
        out = self._own(out, "out=array")
        inner, keywords, old = self._nest(tuple(args)), self._nest(kwargs), self.var_of(out)
        natural = None if "where" in kwargs and isinstance(func, np.ufunc) else self._concretely(func, args, kwargs)
        self._change(out, func, args, {**kwargs, "out": out})
        if _is_like(natural, out.data):
            var = self.line(func, inner, keywords, natural)
        else:
            var = self.line(filled, (func, old, *inner), keywords, storage.copy_of(out.data))
        storage.write(self, out, var)
        return out

    def _into_several(self, outs: tuple, ufunc: np.ufunc, args: Any, kwargs: dict) -> tuple:
        """The results of np.divmod and its like, some of which are written into ``outs``."""
        if "where" in kwargs:
            raise self.error(f"np.{ufunc.__name__} with where= gives several arrays; use np.where on each")
        results = self._run(ufunc, args, kwargs)
        casting = kwargs.get("casting", "same_kind")
        return tuple(y if x is None else self._stored(x, y, casting) for x, y in zip(outs, results, strict=True))

    def _stored(self, x: Any, y: Traced, casting: Any = "unsafe") -> Traced:
        """``x``, which is given the contents ``y``."""
        x = self._own(x, "out=array")
        if x.shape != y.shape or not np.can_cast(y.dtype, x.dtype, casting):
            raise TypeError(f"out= of {x.dtype}{list(x.shape)} does not take a result of {y.dtype}{list(y.shape)}")
        self.setitem(x, ..., y)
        return x

    def _own(self, x: Any, what: str) -> Traced:
        """``x``, which is to be written into and has to be one of ours for that."""
        if type(x) is Traced:
            return x
        if isinstance(x, np.ndarray) and id(x) in self.outside and id(x) not in self._prints:
            return self.outside[id(x)]
        raise self.error(
            f"{what} writes into an array of NumPy's own, which the program could not follow. Make it"
            " np.zeros_like(x, shape=…), or take the result instead"
        )

    def _change(self, x: Traced, func: Callable, args: Any, kwargs: Any) -> None:
        """Run a call that writes into ``x``; what an array from outside held before is remembered."""
        whole = x.storage.owner.data
        if x.storage.before is None and id(whole) in self.outside:
            x.storage.before = whole.copy()
            self._first_writes.append(x.storage.owner)
        self._concretely(func, args, kwargs)

    def undo(self) -> None:
        """Give arrays from outside back what they held."""
        for traced in reversed(self._first_writes):
            traced.data[...] = traced.storage.before

    def written(self) -> list[Traced]:
        """The arrays from outside that were written into."""
        return [traced for traced in self.outside.values() if traced.storage.before is not None]

    # ---- refusing

    def _refuse_if_over(self) -> None:
        if not self.is_open:
            raise CaptureError(
                f"an array of {self.name}, whose capture is over, is used outside of it: return it from the compiled"
                " function instead of storing it"
            )

    def error(self, message: str) -> CaptureError:
        """An error that says where in the user's function it happened."""
        where = self.user_line()
        return CaptureError(f"compile cannot capture this in {self.name}{where and f' ({where})'}: {message}")

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


def _fills(value: Any, x: Traced) -> bool:
    """Whether ``x[...] = value`` makes ``x`` nothing but the value."""
    return type(value) is Traced and _is_like(value.data, x.data)


def _is_like(y: Any, x: Any) -> bool:
    """Whether the array ``y`` can stand in the place of ``x``: a number is no array without axes."""
    return type(y) is type(x) and y.shape == x.shape and y.dtype == x.dtype and y.strides == x.strides


def _leaves(nest: Any) -> Iterator[Any]:
    if isinstance(nest, (tuple, list)):
        for part in nest:
            yield from _leaves(part)
    elif type(nest) is dict:
        for part in nest.values():
            yield from _leaves(part)
    else:
        yield nest
