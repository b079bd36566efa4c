"""Trace: what one run of a function does to arrays, as a program."""

from __future__ import annotations

import operator
import os
import sys
from collections.abc import Callable, Iterable
from types import FrameType
from typing import Any

import numpy as np

from calligrad.compiler import contents
from calligrad.compiler.draws import Draw
from calligrad.compiler.host import Host, Number
from calligrad.compiler.operations import call_at, call_where, changed, put_back, setitem
from calligrad.compiler.program import Line, Var, mapped
from calligrad.compiler.traced import CaptureError, Traced
from calligrad.rules import numpy_name


class Storage:
    """A piece of memory: the array that covers it, how often it was written into, and what it held before."""

    __slots__ = ("before", "input", "owner", "version")

    def __init__(self) -> None:
        self.owner: Traced
        self.version = 0
        self.input: Var | None = None  # what stands for it as it was at the beginning, if it came from outside
        self.before: np.ndarray | None = None  # of an array from outside that was written into


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

    # ---- arrays come in

    def input(self, array: Any) -> Traced:
        """A Traced for ``array``, one of the program's inputs."""
        storage = Storage()
        storage.owner = Traced(array, self, storage, Var.of(array))
        storage.input = storage.owner.var
        self.inputs.append(storage.input)
        if isinstance(array, np.ndarray):
            self.outside[id(array)] = storage.owner
        return storage.owner

    def lifted(self, array: np.ndarray) -> Traced:
        """The Traced that stands for an array of NumPy's own."""
        if (known := self.outside.get(id(array))) is not None:
            return known
        made = self.input(array)
        self.found.append(made)
        return made

    def drawn(self, draw: Draw) -> Any:
        """What a random generator gives, another in every run."""
        x = draw()
        if not isinstance(x, (np.ndarray, np.generic, float, int)):
            raise self.error(f"rng.{draw.name} gives no array")
        made = self.input(x if hasattr(x, "dtype") else np.asarray(x)[()])
        draw.var = made.var
        self.draws.append(draw)
        return made

    # ---- calls

    def call(self, func: Callable, args: Any, kwargs: Any) -> Any:
        """``func(*args, **kwargs)``, written down."""
        self._refuse_if_over()
        if func in contents.STATIC:
            return func(*mapped(_data, args), **mapped(_data, kwargs))
        if (why := contents.REFUSED.get(func)) is not None:
            raise self.error(f"{numpy_name(func)} {why}")
        if getattr(func, "checks", False):
            self.checks.append(self._check(func, args, kwargs))
            return None
        if func in contents.WRITERS:
            return self._write(func, args, kwargs)
        kwargs = dict(kwargs)
        if (out := kwargs.pop("out", None)) is not None:
            return self._into(out, self.call(func, args, kwargs), "unsafe" if func is np.clip else "same_kind")
        contents.refuse_counts(self, func, args, kwargs)
        return self._run(func, args, kwargs)

    def call_ufunc(self, ufunc: np.ufunc, method: str, args: Any, kwargs: Any) -> Any:
        """A ufunc or one of its methods, with NumPy's keywords."""
        self._refuse_if_over()
        if method == "at":
            x, key, *values = args
            if type(x) is not Traced:
                raise self.error(f"np.{ufunc.__name__}.at(array, …) {_FOREIGN}")
            inner = self._nest((key, *values))
            self._change(x, ufunc.at, (x, key, *values), {})
            self._assign(x, call_at, (ufunc, self.var_of(x), *inner), {})
            return None
        func = ufunc if method == "__call__" else getattr(ufunc, method)
        kwargs = dict(kwargs)
        outs = kwargs.pop("out", None) or ()
        where = kwargs.get("where", True)
        if method != "__call__" or where is True:
            kwargs = kwargs if method != "__call__" else {key: x for key, x in kwargs.items() if key != "where"}
            result = self._run(func, args, kwargs)
            if not any(out is not None for out in outs):
                return result
            results = result if isinstance(result, tuple) else (result,)
            done = tuple(
                y if out is None else self._into(out, y, kwargs.get("casting", "same_kind"))
                for out, y in zip(outs, results, strict=True)
            )
            return done if len(done) > 1 else done[0]
        if ufunc.nout > 1:
            raise self.error(f"np.{ufunc.__name__} with where= gives several arrays; use np.where on each")
        out = outs[0] if outs else None
        if out is None:  # what the mask leaves out is whatever the memory held
            shape = np.broadcast_shapes(*(np.shape(_data(x)) for x in (*args, where)))
            natural = ufunc(*(np.ones_like(_data(x)[...] if hasattr(x, "dtype") else x) for x in args)).dtype
            out = self.call(np.zeros_like, (self._some(args, where),), {"shape": shape, "dtype": natural})
        del kwargs["where"]
        if type(out) is not Traced:
            raise self.error(f"np.{ufunc.__name__}(…, out=array) {_FOREIGN}")
        inner, keywords = self._nest((where, *args)), self._nest(kwargs)
        self._change(out, ufunc, args, {"out": out, "where": where, **kwargs})
        self._assign(out, call_where, (ufunc, inner[0], self.var_of(out), *inner[1:]), keywords)
        return out

    def getitem(self, x: Traced, key: Any) -> Any:
        """``x[key]``, a view where NumPy gives one."""
        self._refuse_if_over()
        contents.refuse_mask(self, key)
        return self._run(operator.getitem, (x, key), {})

    def setitem(self, x: Traced, key: Any, value: Any) -> None:
        """``x[key] = value``: from now on the storage of ``x`` has other contents."""
        self._refuse_if_over()
        if contents.is_mask(key):
            if np.ndim(_data(value)):
                raise self.error("x[mask] = array takes as many numbers as the mask has, which may change: np.where")
            mask = np.reshape(key, key.shape + (1,) * (x.ndim - key.ndim))
            key, value = ..., np.where(mask, np.astype(self._array(value), x.dtype), x)
        contents.refuse_mask(self, key)
        inner_key, inner_value = self._nest((key, value))
        self._change(x, operator.setitem, (x, key, value), {})
        self._assign(x, setitem, (self.var_of(x), inner_key, inner_value), {})

    # ---- recording

    def _run(self, func: Callable, args: Any, kwargs: Any) -> Any:
        """Run the call on what the arrays hold, and write it down."""
        inner, keywords = self._nest(args), self._nest(kwargs)
        result = self._concretely(func, args, kwargs)
        sources = [x for x in _leaves((args, kwargs)) if type(x) is Traced or isinstance(x, np.ndarray)]
        return self._results(result, func, args, kwargs, inner, keywords, sources)

    def _check(self, func: Callable, args: Any, kwargs: Any) -> Var:
        """Run and write down a call that raises or does nothing."""
        inner, keywords = self._nest(args), self._nest(kwargs)
        self._concretely(func, args, kwargs)
        return self._line(func, inner, keywords, np.False_)

    def _results(self, result, func, args, kwargs, inner, keywords, sources) -> Any:
        several = isinstance(result, (tuple, list))
        parts = list(result) if several else [result]
        if not all(isinstance(part, (np.ndarray, np.generic, bool, int, float, complex)) for part in parts):
            if several and any(isinstance(part, (tuple, list)) for part in parts):
                raise self.error(f"{numpy_name(func)} gives nests of arrays, which programs do not hold")
            raise self.error(f"{numpy_name(func)} gives no array but {type(result).__name__}")
        parts = [part if isinstance(part, (np.ndarray, np.generic)) else np.asarray(part)[()] for part in parts]
        outs = tuple(map(Var.of, parts))
        made = [self._made(part, out, sources, func, args, kwargs, several) for part, out in zip(parts, outs)]
        if not several and made[0].data is result and made[0].var is not outs[0]:
            return made[0]  # the array itself, as np.asanyarray gives it
        self.lines.append(Line(func, inner, keywords, outs, self._user_line()))
        if not several:
            return made[0]
        return type(result)(*made) if hasattr(result, "_fields") else type(result)(made)

    def _made(self, data, var, sources, func, args, kwargs, several) -> Traced:
        """A Traced over a result, which is a view if it shares memory with one of the arguments."""
        if isinstance(data, np.ndarray):
            for source in sources:
                source = source if type(source) is Traced else self.outside[id(source)]
                if data is source.data:
                    return source
                if isinstance(source.data, np.ndarray) and np.may_share_memory(data, source.data):
                    made = Traced(data, self, source.storage, var)
                    made.view = (source, None if several else func, args, kwargs)
                    return made
        storage = Storage()
        storage.owner = made = Traced(data, self, storage, var)
        if func is np.any or func is np.all:
            made.asked = func
        return made

    def _concretely(self, func: Callable, args: Any, kwargs: Any) -> Any:
        return func(*mapped(_data, args), **mapped(_data, kwargs))

    def _nest(self, nest: Any) -> Any:
        """The arguments as a line of the program holds them: Vars in place of arrays."""
        return mapped(self._inner, nest)

    def _inner(self, x: Any) -> Any:
        kind = type(x)
        if kind is Traced:
            if x.trace is not self:
                raise CaptureError(
                    f"an array of {x.trace.name}, whose capture is over, is used in {self.name}: return it from the"
                    " compiled function instead of storing it"
                )
            return self.var_of(x)
        if kind is Number:
            return x.var
        if isinstance(x, np.ndarray):
            return self.var_of(self.lifted(x))
        return x

    def var_of(self, x: Traced) -> Var:
        """What stands for ``x`` as it is now."""
        if x.version != x.storage.version:
            if x.view is None:
                raise AssertionError("an owner of its storage is always up to date")
            source, func, args, kwargs = x.view
            if func is None:
                places = self.lifted(_places(x.data, source.data))
                flat = self._line(np.ravel, (self.var_of(source),), {}, np.ravel(source.data))
                x.var = self._line(operator.getitem, (flat, self.var_of(places)), {}, x.data)
            else:
                x.var = self._line(func, self._nest(args), self._nest(kwargs), x.data)
            x.version = x.storage.version
        return x.var

    def _line(self, func: Callable, args: tuple, kwargs: dict, data: Any) -> Var:
        """One more line, which gives what ``data`` holds."""
        out = Var.of(data)
        self.lines.append(Line(func, args, kwargs, (out,), self._user_line()))
        return out

    # ---- writing

    def _assign(self, x: Traced, op: Callable, args: tuple, kwargs: dict) -> None:
        """``x`` was changed in place: its var is now what ``op`` gives; and so is all that shares its memory."""
        var = self._line(op, args, kwargs, x.data)
        storage = x.storage
        new = [(x, var)]
        while x.view is not None:
            source, func, view_args, _ = x.view
            old = self.var_of(source)
            if func is operator.getitem:
                var = self._line(setitem, (old, self._nest(view_args[1]), var), {}, source.data)
            else:
                places = self.var_of(self.lifted(_places(x.data, source.data)))
                var = self._line(put_back, (old, places, var), {}, source.data)
            x = source
            new.append((x, var))
        storage.version += 1
        for array, var in new:
            array.var, array.version = var, storage.version

    def _write(self, func: Callable, args: Any, kwargs: Any) -> None:
        """np.copyto, np.put and others that change their first argument."""
        x, *rest = args
        if type(x) is not Traced:
            raise self.error(f"{numpy_name(func)} of {_FOREIGN}")
        if func is np.copyto and (mask := kwargs.get("where", rest[1] if len(rest) > 2 else True)) is not True:
            self.setitem(x, ..., np.where(mask, np.astype(self._array(rest[0]), x.dtype), x))
            return
        contents.refuse_counts(self, func, rest, kwargs)
        inner, keywords = self._nest(tuple(rest)), self._nest(kwargs)
        self._change(x, func, args, kwargs)
        self._assign(x, changed, (func, self.var_of(x), *inner), keywords)

    def _into(self, out: Any, y: Any, casting: str) -> Any:
        """``out``, which is given the result ``y``."""
        (out,) = out if isinstance(out, tuple) else (out,)
        if type(out) is not Traced:
            raise self.error(f"out=array {_FOREIGN}")
        if out.shape != np.shape(_data(y)):
            raise ValueError(f"out= of shape {out.shape} does not take a result of shape {np.shape(_data(y))}")
        if not np.can_cast(y.dtype, out.dtype, casting):
            raise TypeError(f"out= of {out.dtype} does not take a result of {y.dtype} by casting={casting!r}")
        self.setitem(out, ..., y)
        return out

    def _change(self, x: Traced, func: Callable, args: Any, kwargs: Any) -> None:
        """Run a call that writes into ``x``; what an array from outside held before is remembered."""
        storage = x.storage
        whole = storage.owner.data
        if storage.before is None and id(whole) in self.outside:
            storage.before = whole.copy()
        self._concretely(func, args, kwargs)

    def undo(self) -> None:
        """Give arrays from outside back what they held."""
        for traced in self.written():
            traced.data[...] = traced.storage.before

    def written(self) -> list[Traced]:
        """The arrays from outside that were written into."""
        return [traced for traced in self.outside.values() if traced.storage.before is not None]

    # ---- asking and refusing

    def _array(self, x: Any) -> Any:
        return x if hasattr(x, "dtype") else np.asarray(x)

    def _some(self, *nest: Any) -> Traced:
        return next(x for x in _leaves(nest) if type(x) is Traced)

    def _refuse_if_over(self) -> None:
        if not self.is_open:
            raise CaptureError(
                f"an array of {self.name}, whose capture is over, is used outside of it: return it from the compiled"
                " function instead of storing it"
            )

    def error(self, message: str) -> CaptureError:
        """An error that says where in the user's function it happened."""
        where = self._user_line()
        return CaptureError(f"compile cannot capture this in {self.name}{where and f' ({where})'}: {message}")

    def _user_line(self) -> str:
        return user_line()


_HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_LIBRARIES = (_HERE + os.sep, os.path.dirname(np.__file__) + os.sep, "<")


def user_line() -> str:
    """The file and line, outside of calligrad and NumPy, that is being run."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(_LIBRARIES):
        frame = frame.f_back
    return "" if frame is None else f"{os.path.basename(frame.f_code.co_filename)}:{frame.f_lineno}"


_FOREIGN = (
    "writes into an array of NumPy's own, which the program could not follow. Make it np.zeros_like(x, shape=…), or take"
    " the result instead"
)


def _data(x: Any) -> Any:
    """What a leaf of the arguments is in this run."""
    kind = type(x)
    if kind is Traced:
        return x.data
    return x.value if kind is Number else x


def _leaves(nest: Any) -> Iterable[Any]:
    if isinstance(nest, (tuple, list)):
        for part in nest:
            yield from _leaves(part)
    elif type(nest) is dict:
        for part in nest.values():
            yield from _leaves(part)
    else:
        yield nest


def _places(view: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Where in ``whole``, counted through in order C, the numbers of its ``view`` stand."""
    at, start = _addresses(view), _addresses(whole).reshape(-1)
    order = np.argsort(start, kind="stable")
    return order[np.searchsorted(start[order], at)]


def _addresses(a: np.ndarray) -> np.ndarray:
    steps = (np.arange(n).reshape(-1, *(1,) * (a.ndim - 1 - i)) * a.strides[i] for i, n in enumerate(a.shape))
    return sum(steps, np.full(a.shape, a.__array_interface__["data"][0]))
