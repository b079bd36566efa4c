"""Capture: one run of a function, in which what it can reach is opened to the tracer and put back afterwards."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from calligrad import random
from calligrad.batched import running
from calligrad.compiler.draws import TracedGenerator
from calligrad.compiler.host import Number
from calligrad.compiler.program import Program, Var, mapped
from calligrad.compiler.surroundings import SCALARS, Place, leaves, reachable
from calligrad.compiler.trace import Trace
from calligrad.compiler.traced import Traced
from calligrad.modes import capturing
from calligrad.value import Value, as_result

_one_at_a_time = threading.RLock()


class Wanted:
    """A leaf of a result that is another in every run: output number ``index``, or a number of the host's."""

    __slots__ = ("index", "is_number", "now", "wrap")

    def __init__(self, index: int, now: Any, is_number: bool = False, wrap: Callable | None = None) -> None:
        self.index = index
        self.now = now  # what it is in the run of the capture
        self.is_number = is_number
        self.wrap = wrap  # what makes a Value of it, where it was one

    def of(self, outputs: Any, numbers: Any) -> Any:
        """What it is in a run that gave ``outputs``, and had these ``numbers``."""
        x = numbers[self.index] if self.is_number else outputs[self.index]
        return x if self.wrap is None else self.wrap(x)


class Capture:
    """Runs ``f`` once, and holds what it did: the program, where its inputs come from, where its outputs go.

    ``f`` has the effects that it has without a capture; if it raises, all is as it was before.
    """

    def __init__(self, f: Callable, name: str, flat: list[Any], rebuilt: Callable[[list[Any]], tuple]) -> None:
        self.trace = trace = Trace(name)
        self.given: list[tuple[int, Var]] = []  # arguments that are inputs, by position
        self.arrays: list[tuple[Place, Var]] = []  # places whose arrays are inputs
        self.readings: list[int | Place] = []  # arguments and places that are numbers which change
        self.flags: list[Place] = []  # places with settings, which a run must find as they are
        self.later: list[tuple[Callable, Any]] = []  # what is to be done after a run, with a nest of Wanted
        self.outputs: list[Var] = []
        self._opened: list[tuple[Place, Any]] = []
        self._values: dict[int, Value] = {}
        self._changing: set[int] = set()
        self._thread = threading.get_ident()
        with _one_at_a_time:
            before = random.snapshot()
            try:
                args, kwargs = rebuilt([self._argument(i, x) for i, x in enumerate(flat)])
                self._open([(f, name), *((x, "an argument") for x in flat)])
                capturing.append(self)
                running.append(self)  # type: ignore[arg-type]
                try:
                    result = f(*args, **kwargs)
                finally:
                    capturing.remove(self)
                    running.remove(self)  # type: ignore[arg-type]
                self._close(result)
            except BaseException:
                for place, _ in self._opened:
                    place.set(place.original)
                trace.undo()
                random.rewind(before)
                raise
            finally:
                trace.is_open = False

    # ---- before the run

    def _argument(self, i: int, x: Any) -> Any:
        """What the function is given in place of argument ``i``."""
        if type(x) is float:
            self.readings.append(i)
            return self.trace.host.input(x)
        if isinstance(x, (np.ndarray, np.generic)):
            traced = self.trace.outside.get(id(x))
            if traced is None:
                traced = self.trace.input(x)
                self.given.append((i, traced.var))
            return traced
        return x

    def _open(self, roots: list[tuple[Any, str]]) -> None:
        """Put Traced arrays where there are arrays, and Numbers where there are numbers that change."""
        for place in list(reachable(roots, self._changing)):
            x = place.original
            if is_array(x) or (isinstance(x, np.generic) and isinstance(place.holder, Value)):
                traced = self.trace.input(x)
                self.arrays.append((place, traced.var))
                self._put(place, traced)
            elif isinstance(x, np.random.Generator):
                self._put(place, TracedGenerator(place.original_now, self.trace))
            elif id(place.holder) in self._changing and type(x) not in (bool, str):
                if any(type(n) in (int, float) for n in leaves(x)):
                    self.readings.append(place)
                    self._put(place, mapped(self._number, x))
            elif isinstance(x, SCALARS):
                self.flags.append(place)
            if isinstance(place.holder, Value):
                self._values[id(place.holder)] = place.holder

    def _number(self, x: Any) -> Any:
        return self.trace.host.input(x) if type(x) in (int, float) else x

    def _put(self, place: Place, x: Any) -> None:
        self._opened.append((place, x))
        place.set(x)

    # ---- what the rest of calligrad asks for while the function runs

    def is_here(self) -> bool:
        """Whether this thread is the one whose calls are captured."""
        return threading.get_ident() == self._thread

    def reach(self, *xs: Any) -> None:
        """Open the Values among ``xs`` that were not found before."""
        for x in xs:
            if isinstance(x, Value) and id(x) not in self._values and type(x._array) is not Traced and self.is_here():
                self._values[id(x)] = x
                if isinstance(x._array, (np.ndarray, np.generic)):
                    self._open([(x, x.name or "a Value")])

    def generator(self, source: Callable[[], np.random.Generator]) -> Any:
        """What stands for a random generator."""
        return TracedGenerator(source, self.trace)

    def afterwards(self, f: Callable, *args: Any) -> None:
        """Do ``f(*args)`` after every run; the arrays among the arguments are those of that run."""
        self.later.append((f, args))

    # ---- after the run

    def _close(self, result: Any) -> None:
        """Put back what was there, and note what every run has to change and to return."""
        trace, host = self.trace, self.trace.host
        self._refuse_overlaps()
        self.writes = [(traced.storage.input, self._wanted(traced)) for traced in trace.written()]
        self.rebinds: list[tuple[Place, Any]] = []
        final: list[Number] = []
        self._final = final
        changes = []
        for place, put in [*self._opened, *((place, place.original) for place in self.flags)]:
            now = place.get()
            if now is put:
                changes.append((place, place.original))
                continue
            if any(isinstance(x, (Traced, Number)) for x in leaves(now)):
                nest = mapped(self._wanted, now)
            elif now is None or not (isinstance(now, SCALARS) or is_array(now)) or _equal(now, place.original):
                nest = now
            else:
                raise trace.error(
                    f"{place.name} goes from {place.original!r} to {now!r}, and would not in later calls, which do not"
                    " run the function. Change it outside, or make it an array"
                )
            self.rebinds.append((place, nest))
            changes.append((place, mapped(_now, nest)))
        self.later = [(f, mapped(self._wanted, args)) for f, args in self.later]
        self.result = mapped(self._wanted, result)
        self.numbers = host.function([*host.results, *final])
        self.program = Program(list(trace.inputs), {}, list(trace.lines), self.outputs + trace.checks)
        for place, x in changes:
            place.set(x)
        self._opened.clear()
        self.first_result = mapped(_now, self.result)
        for f, args in self.later:
            f(*mapped(_now, args))

    def _wanted(self, x: Any) -> Any:
        """What a leaf of a result is in every run."""
        if type(x) is Traced:
            self.outputs.append(self.trace.var_of(x))
            return Wanted(len(self.outputs) - 1, _own(x.data))
        if type(x) is Number:
            self._final.append(x)
            return Wanted(len(self.trace.host.results) + len(self._final) - 1, x.value, is_number=True)
        if isinstance(x, Value) and type(x._array) is Traced and id(x) not in self._values:
            inner = self._wanted(x._array)
            return Wanted(inner.index, as_result(inner.now), wrap=as_result)
        return x

    def _refuse_overlaps(self) -> None:
        """Two arrays from outside that share memory, one of which is written into, are more than a program knows."""
        outside = list(self.trace.outside.values())
        for traced in self.trace.written():
            for other in outside:
                if other is not traced and np.may_share_memory(other.data, traced.data):
                    raise self.trace.error(
                        f"an array of shape {traced.shape} is written into that shares its memory with another, of shape"
                        f" {other.shape}, from outside of the function. Pass one, and take a view of it inside"
                    )


def is_array(x: Any) -> bool:
    """Whether ``x`` is an array that a program can take."""
    return type(x) is np.ndarray and x.dtype.kind in "fiubc"


def _now(x: Any) -> Any:
    return x.now if type(x) is Wanted else x


def _own(data: Any) -> Any:
    return data.copy() if isinstance(data, np.ndarray) and data.base is not None else data


def _equal(a: Any, b: Any) -> bool:
    return type(a) is type(b) and isinstance(a, SCALARS) and a == b
