"""compile: a function that is captured on its first call and run as a program from then on."""

from __future__ import annotations

import functools
import threading
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from calligrad.arraylike import ArrayLike
from calligrad.compiler import backends
from calligrad.compiler.capture import Capture, Wanted
from calligrad.compiler.passes import optimized
from calligrad.compiler.program import Program, Var, mapped
from calligrad.compiler.run import Run
from calligrad.compiler.surroundings import leaves
from calligrad.dtypes import default_dtype
from calligrad.modes import capture_here, paused, strict
from calligrad.value import Value

MOST = 64
"""Programs that one compiled function keeps; the one that was not used for longest is dropped."""


def compile(f: Callable | None = None, *, backend: str | None = None) -> Any:
    """``f`` as a function that is captured once for each signature of its arguments, and run as a program afterwards.

    ``f`` is any function of arrays, and nests of them, written in NumPy and calligrad: a training step with its
    backward and its optimizer, a loss, a gradient to any order. In its first call it runs as always, while what it does
    is written down. Arrays that it reaches beside its arguments (parameters, the optimizer's state, constants of your
    own) are read where they are in every run, and written there. Random draws are drawn anew.

    ``backend`` is ``"numpy"``, ``"numba"`` (``pip install calligrad[jit]``), ``"cupy"`` on a GPU, or None for numba
    where it is installed and NumPy otherwise.

    Raises ``CaptureError`` for what no program can hold: a branch on the contents of an array, ``float(x)``, a write
    into an array of NumPy's own that is made inside. Nothing has changed then.

    >>> import numpy as np
    >>> import calligrad
    >>> @calligrad.compile(backend="numpy")
    ... def normalized(x):
    ...     return (x - np.mean(x)) / np.std(x)
    >>> normalized(np.array([1.0, 2.0, 3.0])), normalized(np.array([2.0, 4.0, 6.0]))
    (array([-1.22474487,  0.        ,  1.22474487]), array([-1.22474487,  0.        ,  1.22474487]))
    """
    if f is None:
        return functools.partial(compile, backend=backend)
    if not callable(f):
        raise TypeError(f"compile takes a function, not {f!r}")
    return Compiled(f, backends.named(backend))


class Compiled:
    """A function and the programs that were captured of it; see ``compile``."""

    def __init__(self, f: Callable, backend: Any) -> None:
        self.f = f
        self.backend = backend
        self.runs: dict[Any, list[Run]] = {}
        self._latest: Run | None = None
        self._lock = threading.RLock()
        functools.update_wrapper(self, f)

    @property
    def name(self) -> str:
        """What messages call the function."""
        return getattr(self.f, "__qualname__", type(self.f).__name__).replace("<locals>.", "")

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else functools.partial(self, instance)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        nest = (args, kwargs)
        flat: list[Any] = leaves(nest) if kwargs or not _is_flat(args) else list(args)
        if capture_here() is not None or any(_is_foreign(x) for x in flat):
            return self.f(*args, **kwargs)  # part of a capture, of a graph or of a vmap: there it is an operation more
        key = (_shape_of(nest), tuple(map(_signature, flat)), _twins(flat), paused.get() > 0, strict.get())
        with self._lock:
            for run in self.runs.get(key, ()):
                if run.fits(flat):
                    self._latest = run
                    return run(flat)
            return self._captured(key, nest, flat)

    def _captured(self, key: Any, nest: Any, flat: list[Any]) -> Any:
        capture = Capture(self.f, self.name, flat, functools.partial(_rebuilt, nest))
        known = self.runs.setdefault(key, [])
        known.insert(0, Run(capture, self.backend))
        self._latest = known[0]
        if len(known) > 8:
            known.pop()
            warnings.warn(
                f"{self.name} was captured for the 9th time for arguments of one kind, because"
                f" {known[0].differs or 'something it reads'} is another each time: pass it as an argument",
                RuntimeWarning,
                stacklevel=3,
            )
        if len(self.runs) > MOST:
            self.runs.pop(next(iter(self.runs)))
        return capture.first_result

    def program(self) -> Program:
        """The program that ran last."""
        return self._last().program

    def source(self) -> str:
        """The program that ran last, as NumPy code that runs by itself."""
        from calligrad.compiler.source import source_of_program

        return source_of_program(self.program(), self.name)

    def explain(self) -> str:
        """What was made of the program that ran last: what was fused, what was not and why, bytes, flops, memory."""
        from calligrad.compiler.explain import explained

        return explained(self._last(), self.name)

    def _last(self) -> Run:
        if self._latest is None:
            raise RuntimeError(f"{self.name} has not been called yet, so there is no program")
        return self._latest

    def __repr__(self) -> str:
        return f"<compiled {self.name}, {sum(map(len, self.runs.values()))} programs, backend {self.backend.name}>"


# ---------------------------------------------------------------- signatures


def _is_flat(args: tuple) -> bool:
    return not any(isinstance(x, (list, tuple, dict)) for x in args)


def _shape_of(nest: Any) -> Any:
    """The nest without its leaves."""
    if isinstance(nest, dict):
        return tuple((key, _shape_of(part)) for key, part in nest.items())
    if isinstance(nest, (list, tuple)):
        return (type(nest), *map(_shape_of, nest))
    return None


def _signature(x: Any) -> Any:
    """What of an argument decides which program runs."""
    kind = type(x)
    if kind is np.ndarray:
        if x.dtype.kind not in "fiubc":
            raise TypeError(f"a compiled function takes arrays of numbers, not of {x.dtype}")
        return x.shape, x.dtype, x.strides
    if kind is float:
        return float
    if isinstance(x, np.generic):
        return kind
    if isinstance(x, np.ndarray):
        raise TypeError(f"a compiled function takes arrays of NumPy's own, not {kind.__name__}")
    if kind in (int, bool, str, bytes, complex, type(None)):
        return kind, x
    return kind, _Same(x)


class _Same:
    """Equal to another of the same object, which it keeps alive."""

    __slots__ = ("x",)

    def __init__(self, x: Any) -> None:
        self.x = x

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.x is self.x

    def __hash__(self) -> int:
        return id(self.x)


def _twins(flat: list[Any]) -> Any:
    """Which arguments are one and the same array."""
    ids = [id(x) for x in flat]
    return None if len(set(ids)) == len(ids) else tuple(map(ids.index, ids))


def _is_foreign(x: Any) -> bool:
    """Whether an argument is part of a graph or of a vmap."""
    return isinstance(x, ArrayLike) and (not isinstance(x, Value) or x.created_by is not None)


def _rebuilt(nest: Any, flat: list[Any]) -> Any:
    """The nest with other leaves."""
    rest = iter(flat)
    return mapped(lambda _: next(rest), nest)
