"""compile: a function that is captured in its first calls and run as a program from then on."""

from __future__ import annotations

import functools
import os
import sys
import threading
import warnings
from collections import Counter
from collections.abc import Callable
from typing import Any
from weakref import WeakSet

import numpy as np

from calligrad import anomaly
from calligrad.arraylike import ArrayLike
from calligrad.compiler import backends
from calligrad.compiler.arguments import taken_apart
from calligrad.compiler.capture import Capture, lock
from calligrad.compiler.changes import Moved
from calligrad.compiler.places import Place, is_number
from calligrad.compiler.program import Program
from calligrad.compiler.run import Run
from calligrad.compiler.traced import CaptureError
from calligrad.modes import capture_here, capturing
from calligrad.value import Value

MOST = 64
"""Programs that one compiled function keeps; the one that was not used for longest is dropped."""


def compile(f: Callable | None = None, *, backend: str | None = None) -> Any:
    """``f`` as a function that is captured for each signature of its arguments, and run as a program afterwards.

    ``f`` is any function of arrays, and nests of them, written in NumPy and calligrad: a training step with its
    backward and its optimizer, a loss, a gradient to any order. In its first two calls it runs as always, while what it
    does is written down, and compared. Arrays that it reaches beside its arguments (parameters, the optimizer's state,
    constants of your own) are read where they are in every run, and written there. Random draws are drawn anew.

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
    """A function and the programs that were captured of it; see ``compile``.

    Attributes that it has not itself are those of the function, so that a compiled module has its parameters.
    """

    def __init__(self, f: Callable, backend: Any) -> None:
        vars(self).update(f=f, backend=backend, runs=[], _latest=None, _lock=threading.RLock())
        vars(self).update(_moving=set(), _settled=set(), _captures=Counter())
        functools.update_wrapper(self, f, updated=())
        _all.add(self)

    @property
    def name(self) -> str:
        """What messages call the function."""
        return getattr(self.f, "__qualname__", type(self.f).__name__).replace("<locals>.", "")

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else functools.partial(self, instance)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "f":
            raise AttributeError(f"a compiled function has no {name}")
        return getattr(self.f, name)

    def __setattr__(self, name: str, x: Any) -> None:
        if name in vars(self) or name.startswith("__"):
            vars(self)[name] = x
        else:
            setattr(self.f, name, x)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        run = self._latest
        if run is not None and not (kwargs or capturing or anomaly._blocks):
            with self._lock:
                if (done := run.attempt(args)) is not None:
                    return done[0]
        return self._found(args, kwargs)

    def _found(self, args: tuple, kwargs: dict[str, Any]) -> Any:
        """The result of a run that fits, or of a capture."""
        nest, flat = (args, kwargs), list[Any]()
        form = taken_apart(nest, flat)
        if capture_here() is not None or anomaly._watching.get() or any(map(_is_foreign, flat)):
            return self.f(*args, **kwargs)  # part of a capture, of a graph or of a vmap: there it is an operation more
        for x in flat:
            _refuse_strange(x)
        with self._lock:
            if capturing:
                with lock:  # another thread's capture has opened what this one may need
                    pass
            kind = (form, *map(_kind, flat))
            for run in self.runs:
                run.differs = None
                if run.form != form:
                    continue
                if not run.is_confirmed:
                    if run.fits(flat):
                        return self._confirmed(run, nest, flat)
                elif (done := run.attempt(flat)) is not None:
                    self._use(run)
                    return done[0]
            return self._captured(kind, nest, form)

    def _use(self, run: Run) -> None:
        """Note the run as the one that was used last."""
        self.runs.remove(run)
        self.runs.insert(0, run)
        args_form, kwargs_form = run.form[2]
        is_flat = args_form[0] is tuple and not any(args_form[2]) and not kwargs_form[2]
        self._latest = run if is_flat and run.is_confirmed else None

    def _confirmed(self, run: Run, nest: Any, flat: list[Any]) -> Any:
        """The second capture, which has to do the same as the first."""
        try:
            plain = None
            if any(type(x) is float for x in flat):
                plain = self._trial(nest, run.moving, plain=True)
            capture = self._once(nest, run.moving, functools.partial(self._compared, run, plain))
        except Moved:
            self.runs.remove(run)
            return self._captured((run.form, *map(_kind, flat)), nest, run.form)
        run.confirm(capture)
        self._use(run)
        return capture.first_result

    def _compared(self, run: Run, plain: list[Any] | None, capture: Capture) -> None:
        run.compare(capture)
        if plain is not None and capture.left() != plain:
            raise capture.trace.error(
                "with a float that is an argument it does something else than with a number that changes. Does it look"
                " at type(x)? Write isinstance(x, float)"
            )

    def _once(
        self, nest: Any, moving: set[tuple], confirmed: Callable[[Capture], None] | None = None, plain: bool = False
    ) -> Capture:
        return Capture(self.f, self.name, nest, moving, confirmed, plain, self._settled)

    def _trial(self, nest: Any, moving: set[tuple], plain: bool = False) -> list[Any]:
        """What a capture would leave; nothing is left of it."""
        try:
            self._once(nest, moving, _stop, plain)
        except _Stopped as stopped:
            return stopped.left
        raise AssertionError("a trial ends in _stop")

    def _captured(self, kind: Any, nest: Any, form: Any) -> Any:
        """The first capture for arguments of a kind, or for other settings."""
        differs = [run.differs for run in self.runs if run.differs is not None]
        numbers = {x.identity for x in differs if type(x) is Place and is_number(x.original)}
        capture, moving = self._capture(nest, numbers - self._settled)
        run = Run(capture, self.backend, form, moving)
        self.runs.insert(0, run)
        self._latest = None
        self._captures[kind] += 1
        if self._captures[kind] == 9:
            warnings.warn(
                f"{self.name} was captured for the 9th time for arguments of one kind, because"
                f" {differs[0].name if differs else _settings(kind)} is another each time: pass it as an array or a"
                " float",
                RuntimeWarning,
                stacklevel=_depth(),
            )
        del self.runs[MOST:]
        return capture.first_result

    def _capture(self, nest: Any, numbers: set[tuple]) -> tuple[Capture, set[tuple]]:
        """A capture in which those Python numbers that change from call to call, or in one, are read in every run."""
        known = set(self._moving)
        try:
            if not numbers:
                return self._once(nest, known), known
            plain = self._trial(nest, known)
        except Moved as error:
            more = {place.identity for place in error.places}
            if more & (self._settled | known):
                raise CaptureError(str(error)) from None
            numbers, plain = numbers | more, error.left
        moving = known | numbers
        try:
            capture = self._once(nest, moving, functools.partial(_same_as, plain))
        except Exception as why:  # as numbers of the program they do not work
            self._settled.update(numbers)
            try:
                return self._capture(nest, set())
            except CaptureError as error:
                raise CaptureError(f"{error}. As a number that changes it does not do either: {why}") from why
        self._moving.update(moving)
        return capture, moving

    def program(self) -> Program:
        """The program that ran last."""
        return self._last().program

    def source(self) -> str:
        """The program that ran last, as NumPy code that runs by itself."""
        from calligrad.compiler.source import source_of_program

        return source_of_program(self.program(), self.name, getattr(self._last(), "words", {}))

    def explain(self) -> str:
        """What was made of the program that ran last: what was fused, what was not and why, bytes, flops, memory."""
        from calligrad.compiler.explain import explained

        return explained(self._last(), self.name, self.backend.name)

    def _last(self) -> Run:
        if not self.runs:
            raise RuntimeError(f"{self.name} has not been called yet, so there is no program")
        return self.runs[0]

    def __repr__(self) -> str:
        return f"<compiled {self.name}, {len(self.runs)} programs, backend {self.backend.name}>"

    def __reduce__(self) -> Any:
        name = getattr(self.f, "__qualname__", "")
        if getattr(sys.modules.get(getattr(self.f, "__module__", "")), name, None) is self:
            return name
        return _again, (self.f, self.backend.name)


class _Stopped(Exception):
    """A capture has done what it was for, and is put back."""

    def __init__(self, left: list[Any]) -> None:
        super().__init__()
        self.left = left


def _stop(capture: Capture) -> None:
    raise _Stopped(capture.left())


def _same_as(plain: list[Any], capture: Capture) -> None:
    """Raise unless a capture has left the same numbers as the one in which Python's numbers were themselves."""
    if capture.left() != plain:
        raise ValueError("the function takes a Number for something else than a number")


def _again(f: Callable, backend: str) -> Compiled:
    return compile(f, backend=backend)


_all: WeakSet[Compiled] = WeakSet()


def _after_fork() -> None:
    """The threads that held the locks are not here."""
    for compiled in _all:
        vars(compiled)["_lock"] = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


# ---------------------------------------------------------------- arguments


def _kind(x: Any) -> Any:
    """What arguments have in common that should need one program."""
    if isinstance(x, (np.ndarray, Value)):
        return type(x), x.shape, x.dtype
    return type(x)


def _settings(kind: Any) -> str:
    """What may be another each time where no place outside is."""
    if any(part in (int, bool, str, bytes, complex) for part in kind[1:]):
        return "an argument that is no array and no float"
    return "a number that it compares, or uses as an index or a size,"


def _is_foreign(x: Any) -> bool:
    """Whether an argument is part of a graph or of a vmap."""
    return isinstance(x, ArrayLike) and (not isinstance(x, Value) or x.created_by is not None)


def _refuse_strange(x: Any) -> None:
    if isinstance(x, np.ndarray):
        if x.dtype.kind not in "fiubc":
            raise TypeError(f"a compiled function takes arrays of numbers, not of {x.dtype}")
        if type(x) is not np.ndarray:
            raise TypeError(f"a compiled function takes arrays of NumPy's own, not {type(x).__name__}")
    elif hasattr(type(x), "__cuda_array_interface__"):
        raise TypeError(
            'a compiled function takes arrays of NumPy\'s own; backend="cupy" brings them to the GPU itself'
        )


def _depth() -> int:
    """How far up the caller of the compiled function is, for warnings."""
    depth, frame = 1, sys._getframe(1)
    while frame is not None and frame.f_globals.get("__name__", "").startswith("calligrad.compiler"):
        depth, frame = depth + 1, frame.f_back  # type: ignore[assignment]
    return depth
