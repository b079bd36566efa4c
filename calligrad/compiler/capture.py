"""Capture: one run of a function, in which what it can reach is opened to the tracer and put back afterwards."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Set
from typing import Any

import numpy as np

from calligrad.batched import running
from calligrad.compiler.arguments import leaves_of, names_of_arguments, put_together, taken_apart, with_leaves
from calligrad.compiler.changes import Changes
from calligrad.compiler.draws import Generators, TracedGenerator
from calligrad.compiler.host import Number
from calligrad.compiler.places import SCALARS, Place
from calligrad.compiler.program import Program, Var
from calligrad.compiler.results import now
from calligrad.compiler.standins import UNREAD, Stale
from calligrad.compiler.surroundings import BUFFERS, Surroundings
from calligrad.compiler.trace import Trace
from calligrad.compiler.traced import CaptureError, Traced
from calligrad.modes import capturing
from calligrad.value import Value

lock = threading.RLock()
"""One capture at a time: what it opens is seen by all threads."""

if hasattr(os, "register_at_fork"):  # a process that forks waits until nothing is open
    os.register_at_fork(before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release)


class Capture:
    """Runs ``f`` once, and holds what it did: the program, where its inputs come from, where its outputs go.

    ``f`` has the effects that it has without a capture; if it raises, all is as it was before. ``moving`` are the
    identities of places whose Python numbers become numbers of the program. ``confirmed`` is asked, before anything is
    final, whether the capture is as it should be. With ``plain``, floats that are arguments stay what they are.
    ``settled`` are places whose numbers have turned out not to work as numbers of the program.
    """

    def __init__(
        self,
        f: Callable,
        name: str,
        nest: Any,
        moving: set[tuple],
        confirmed: Callable[[Capture], None] | None = None,
        plain: bool = False,
        settled: Set[tuple] = frozenset(),
    ) -> None:
        self.trace = trace = Trace(name)
        self.flat: list[Any] = []
        taken_apart(nest, self.flat)
        self.names = names_of_arguments(f, *nest)
        self.given: list[tuple[int, Var]] = []  # arguments that are inputs, by position
        self.arrays: list[tuple[Place, Any]] = []  # places whose arrays are inputs
        self.readings: list[tuple[int | Place, list]] = []  # where Python numbers are read, with their names and types
        self.flags: list[Place] = []  # places which a run must find as they are
        self.outputs: list[Var] = []
        self.later: list[tuple[Callable, Any]] = []  # what is to be done after a run, with a nest of Wanted
        self.values: dict[int, Value] = {}  # from outside
        self.constants: dict[Var, Any] = {}  # arrays that are made anew in each capture
        self._moving = moving
        self._plain = plain
        self.settled = settled
        self._counts: dict[tuple[int, int], Number] = {}
        self._born: dict[int, weakref.ref[Value]] = {}  # they die when they would without a capture
        self._unread: dict[int, Place] = {}  # gradients that nobody has asked for
        self.opened: dict[Place, Any] = {}  # what was put there
        self._thread = threading.get_ident()
        self.writes: list[tuple[Any, int]] = []
        with lock:
            self._look_around(f, name)
            rngs = [x.original for x in self.surroundings.places if isinstance(x.original, np.random.RandomState)]
            self._generators = Generators(rngs)
            try:
                self._run(f, nest)
                if confirmed is not None:
                    confirmed(self)
            except BaseException as error:
                self._put_back()
                if isinstance(error.__cause__, CaptureError):  # which NumPy has put into words of its own
                    raise error.__cause__ from None
                if trace.refused is not None and isinstance(error, TypeError) and "'Traced(" in str(error):
                    raise trace.refused from error
                raise
            finally:
                trace.close()
            self._leave()

    # ---- before the run

    def _look_around(self, f: Callable, name: str) -> None:
        positions = {id(x): i for i, x in reversed(list(enumerate(self.flat))) if isinstance(x, Value)}
        roots = [(f, name), *zip(self.flat, self.names)]
        self.surroundings = Surroundings(roots, positions)
        self.fixed = self.surroundings.fixed  # arguments that are reached in another way too: always these Values

    def _run(self, f: Callable, nest: Any) -> None:
        opened = put_together(nest, iter([self._argument(i, x) for i, x in enumerate(self.flat)]))
        before: list[Any] = []
        form = taken_apart(opened, before)
        for place in self.surroundings.places:
            self._open(place)
        self.values.update(self.surroundings.values)
        capturing.append(self)
        running.append(self)  # type: ignore[arg-type]
        try:
            args, kwargs = opened
            result = f(*args, **kwargs)
            after: list[Any] = []
            if taken_apart(opened, after) != form or any(x is not y for x, y in zip(before, after)):
                raise self.trace.error(
                    "it changes a list, dict or dataclass that it was given, which later calls would not. Return it"
                )
        finally:
            capturing.remove(self)
            running.remove(self)  # type: ignore[arg-type]
        self._settle(result)

    def _argument(self, i: int, x: Any) -> Any:
        """What the function is given in place of argument ``i``."""
        if type(x) is float and not self._plain:
            number = self.trace.host.input(x)
            self.readings.append((i, [(number.text, float)]))
            return number
        if isinstance(x, np.random.Generator):
            return TracedGenerator(i, self.trace, x)
        if isinstance(x, (np.ndarray, np.generic)):
            traced = self.trace.outside.get(id(x))
            if traced is None:
                traced = self.trace.input(x)
                self.given.append((i, traced.symbol))
            return traced
        return x

    def _open(self, place: Place) -> None:
        """Put a Traced array where there is an array, and a Number where there is a number that changes."""
        x = place.original
        is_value = isinstance(place.holder, Value)
        if is_value and place.key == "_grad":
            self._unread[id(place.holder)] = place
            self._put(place, UNREAD)
        elif is_array(x) or (isinstance(x, np.generic) and (is_value or place.identity in self._moving)):
            self._open_array(place)
        elif isinstance(x, np.random.Generator):
            self.flags.append(place)
            self._put(place, TracedGenerator(place.get_original, self.trace))
        elif self._changes(place):
            numbers = with_leaves(self._number(place), x)
            self.readings.append((place, [(number.text, type(number.value)) for number in leaves_of(numbers)]))
            self._put(place, numbers)
        else:
            self.flags.append(place)
            if isinstance(x, tuple) and any(map(is_array, leaves_of(x))):
                self._put(place, with_leaves(lambda y: self.trace.lifted(y) if is_array(y) else y, x))

    def _open_array(self, place: Place) -> None:
        x = place.original
        traced = self.trace.outside.get(id(x)) if isinstance(x, np.ndarray) else None
        if traced is None:
            traced = self.trace.input(x)
        self.arrays.append((place, traced.storage.input))
        self._put(place, traced)

    def _changes(self, place: Place) -> bool:
        """Whether the place has Python numbers that are to be read anew in every run."""
        x = place.original
        if id(place.holder) not in self.surroundings.changing:
            return place.identity in self._moving and type(x) in (int, float)
        if type(x) is tuple:
            return bool(x) and all(type(n) in (int, float) for n in x)
        return type(x) in (int, float)

    def _number(self, place: Place) -> Callable[[Any], Number]:
        """What makes a Number; counts that are equal are one, as those of the steps of all parameters are."""

        def number(x: Any) -> Number:
            if type(x) is not int or id(place.holder) not in self.surroundings.changing:
                return self.trace.host.input(x)
            key = id(place.holder), x
            if key not in self._counts:
                self._counts[key] = self.trace.host.input(x)
            return self._counts[key]

        return number

    def _put(self, place: Place, x: Any) -> None:
        self.opened[place] = x
        place.set(x)

    # ---- what the rest of calligrad asks for while the function runs

    def is_here(self) -> bool:
        """Whether this thread is the one whose calls are captured."""
        return threading.get_ident() == self._thread

    def born(self, x: Value) -> None:
        """Note a Value that the function makes: it is none from outside."""
        if self.is_here():
            self._born[id(x)] = weakref.ref(x)
            if type(x._array) is np.ndarray:
                x._array = self.trace.lifted(x._array)

    def _is_born(self, x: Value) -> bool:
        known = self._born.get(id(x))
        return known is not None and known() is x

    def reach(self, *xs: Any) -> None:
        """Open the Values among ``xs`` that were not found before."""
        for x in xs:
            if not isinstance(x, Value) or not self.is_here() or self._is_born(x):
                continue
            if id(x) in self.surroundings.computed:
                raise self.trace.error(
                    f"{x.label()} was computed outside of the function, and its graph is no part of the program. Make"
                    " it an argument, or detach() it"
                )
            if id(x) in self.values:
                continue
            if isinstance(x._array, (np.ndarray, np.generic)) and x.created_by is None:
                found = Surroundings([(x, x.name or "a Value")], {})
                self.surroundings.seen[id(x)] = x
                self.values[id(x)] = x
                for place in found.places:
                    self._open(place)

    def reads_gradients(self, values: Any) -> None:
        """Give the gradients of leaves back, which are open only if somebody asks for them."""
        if not self.is_here():
            return
        self.reach(*values)
        for x in values:
            place = self._unread.pop(id(x), None)
            if place is not None and x._grad is UNREAD:
                if is_array(place.original) or isinstance(place.original, np.generic):
                    self._open_array(place)
                else:
                    self.flags.append(place)
                    place.set(place.original)

    def generator(self, source: Callable[[], np.random.Generator]) -> Any:
        """What stands for a random generator."""
        return TracedGenerator(source, self.trace)

    def is_drawn(self, var: Var) -> bool:
        """Whether the input is a random draw."""
        return any(draw.var is var for draw in self.trace.draws)

    def afterwards(self, f: Callable, *args: Any) -> None:
        """Do ``f(*args)`` after every run; the arrays among the arguments are those of that run.

        What it changes is not read any more in this run.
        """
        self.later.append((f, args))
        schedule = getattr(f, "__self__", None)
        for group in getattr(getattr(schedule, "optimizer", None), "param_groups", ()):
            for key, x in group.items():
                if any(type(n) is Number for n in leaves_of(x)):
                    group[key] = Stale(self.trace, type(schedule).__name__)

    # ---- after the run

    def _settle(self, result: Any) -> None:
        """Note what every run has to change and to return; raises for what it could not."""
        self.trace.settle()
        if (moved := self._generators.moved()) is not None:
            raise self.trace.error(
                f"it draws from {moved}, which later calls would not. Draw from calligrad.random.generator(), or from"
                " an np.random.default_rng(…) that is an argument or global"
            )
        self._result = result
        self.changes = changes = Changes(self)
        self.later = [(f, changes.results.of(args)) for f, args in self.later]
        self.result = changes.results.of(result)
        changes.refuse_hidden("the result", self.result)
        self.rebinds = changes.rebinds
        self.outputs = list(changes.results.outputs)
        trace = self.trace
        for owner in trace.written():
            self.writes.append((owner.storage.input, len(self.outputs)))
            self.outputs.append(trace.var_of(owner))
        self.program = Program(
            list(trace.inputs), {}, list(trace.lines), self.outputs + trace.checks, list(self.writes)
        )

    def left(self) -> list[Any]:
        """All numbers that the run has left, to be compared with those of a run that was captured in another way."""
        written = [traced.data for traced in self.trace.written()]
        places = [place.get() for place in self.surroundings.places]
        return [_bits(x) for x in leaves_of([self._result, written, places])]

    def _put_back(self) -> None:
        """All as it was before."""
        for container, before, _ in self.surroundings.containers:
            if isinstance(container, BUFFERS):
                container[:] = before
            elif len(container) != len(before) or isinstance(container, (dict, set)):
                put = container.update if isinstance(container, (dict, set)) else container.extend
                container.clear()
                put(before)
        for holder, keys, _ in self.surroundings.attributes:
            for key in holder.keys() - keys:
                del holder[key]
        for place in self.opened:
            place.set(place.original)
        for place in self.flags:
            if place.get() is not place.original:
                place.set(place.original)
        self.trace.undo()
        self._generators.rewind()

    def _leave(self) -> None:
        """Put what the run has left where it belongs, without a trace of the capture, and do what comes later."""
        for place, x in self.changes.now:
            if place.get() is not x:
                place.set(x)
        self.first_result = with_leaves(now, self.result)
        for f, args in self.later:
            f(*with_leaves(now, args))

    def let_go(self) -> None:
        """Forget the arrays: what holds a capture and what it holds hold each other."""
        self.trace.outside.clear()
        self.trace.found.clear()
        self.values.clear()
        self._result = None
        del self.changes


def _bits(x: Any) -> Any:
    x = x._array if isinstance(x, Value) else x
    x = x.data if type(x) is Traced else x.value if type(x) is Number else x
    if isinstance(x, (np.ndarray, np.generic)):
        return x.dtype, x.shape, x.tobytes()
    return repr(x) if isinstance(x, SCALARS) else None


def is_array(x: Any) -> bool:
    """Whether ``x`` is an array that a program can take."""
    return type(x) is np.ndarray and x.dtype.kind in "fiubc"
