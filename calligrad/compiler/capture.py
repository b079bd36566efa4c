"""Capture: one run of a function, in which what it can reach is opened to the tracer and put back afterwards."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from calligrad.batched import running
from calligrad.compiler.arguments import leaves_of, put_together, taken_apart, with_leaves
from calligrad.compiler.draws import Generators, TracedGenerator
from calligrad.compiler.host import Number
from calligrad.compiler.program import Program, Var
from calligrad.compiler.results import Results, Wanted, now
from calligrad.compiler.surroundings import MISSING, SCALARS, Place, Surroundings, same
from calligrad.compiler.trace import Trace
from calligrad.compiler.traced import CaptureError, Traced
from calligrad.modes import capturing
from calligrad.value import Value

lock = threading.RLock()
"""One capture at a time: what it opens is seen by all threads."""

if hasattr(os, "register_at_fork"):  # a process that forks waits until nothing is open
    os.register_at_fork(before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release)


class Moved(CaptureError):
    """The function changes Python numbers, at these places: they have to be numbers of the program."""

    def __init__(self, message: str, places: list[Place]) -> None:
        super().__init__(message)
        self.places = places


class Capture:
    """Runs ``f`` once, and holds what it did: the program, where its inputs come from, where its outputs go.

    ``f`` has the effects that it has without a capture; if it raises, all is as it was before. ``moving`` are the
    identities of places whose Python numbers become numbers of the program. ``confirmed`` is asked, before anything is
    final, whether the capture is as it should be.
    """

    def __init__(
        self, f: Callable, name: str, nest: Any, moving: set[tuple], confirmed: Callable[[Capture], None] | None = None
    ) -> None:
        self.trace = trace = Trace(name)
        self.flat: list[Any] = []
        taken_apart(nest, self.flat)
        self.given: list[tuple[int, Var]] = []  # arguments that are inputs, by position
        self.arrays: list[tuple[Place, Var]] = []  # places whose arrays are inputs
        self.readings: list[tuple[int | Place, list]] = []  # where Python numbers are read, with their names and types
        self.flags: list[Place] = []  # places which a run must find as they are
        self.outputs: list[Var] = []
        self.later: list[tuple[Callable, Any]] = []  # what is to be done after a run, with a nest of Wanted
        self.values: dict[int, Value] = {}  # from outside
        self.constants: dict[Var, Any] = {}  # arrays that are made anew in each capture
        self._moving = moving
        self._counts: dict[tuple[int, int], Number] = {}
        self._born: dict[int, Value] = {}
        self._unread: dict[int, Place] = {}  # gradients that nobody has asked for
        self._opened: dict[Place, Any] = {}  # what was put there
        self._thread = threading.get_ident()
        self._results = Results(self)
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
                raise
            finally:
                trace.is_open = False
            self._leave()

    # ---- before the run

    def _look_around(self, f: Callable, name: str) -> None:
        positions = {id(x): i for i, x in reversed(list(enumerate(self.flat))) if isinstance(x, Value)}
        roots = [(f, name), *((x, f"argument {i}") for i, x in enumerate(self.flat))]
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
        if type(x) is float:
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
        elif is_array(x) or (isinstance(x, np.generic) and is_value):
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
        self._opened[place] = x
        place.set(x)

    # ---- what the rest of calligrad asks for while the function runs

    def is_here(self) -> bool:
        """Whether this thread is the one whose calls are captured."""
        return threading.get_ident() == self._thread

    def born(self, x: Value) -> None:
        """Note a Value that the function makes: it is none from outside."""
        if self.is_here():
            self._born[id(x)] = x
            if type(x._array) is np.ndarray:
                x._array = self.trace.lifted(x._array)

    def reach(self, *xs: Any) -> None:
        """Open the Values among ``xs`` that were not found before."""
        for x in xs:
            if not isinstance(x, Value) or not self.is_here() or id(x) in self._born:
                continue
            if id(x) in self.surroundings.computed:
                raise self.trace.error(
                    f"{x.label()} was computed outside of the function, and its graph is no part of the program. Make it"
                    " an argument, or detach() it"
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
        optimizer = getattr(getattr(f, "__self__", None), "optimizer", None)
        for group in getattr(optimizer, "param_groups", ()):
            for key, x in group.items():
                if type(x) is Number:
                    group[key] = Stale(self.trace, type(f.__self__).__name__)

    # ---- after the run

    def _settle(self, result: Any) -> None:
        """Note what every run has to change and to return; raises for what it could not."""
        trace = self.trace
        if hasattr(trace, "settle"):
            trace.settle()
        if (moved := self._generators.moved()) is not None:
            raise trace.error(
                f"it draws from {moved}, which later calls would not. Draw from calligrad.random.generator(), or from an"
                " np.random.default_rng(…) that is an argument or global"
            )
        self._refuse_overlaps()
        results = self._results
        self.rebinds: list[tuple[Place, Any]] = []
        self._changes_now: list[tuple[Place, Any]] = []
        moved_numbers = []
        new = dict.fromkeys(self._new_places(), MISSING)
        for place, put in {**{place: place.original for place in self.flags}, **self._opened, **new}.items():
            left = place.get()
            if left is put or type(left) is Stale:
                self._changes_now.append((place, place.original))
            elif left is place.original:
                self._changes_now.append((place, left))  # a gradient that somebody read
            elif type(left) in (int, float) and type(place.original) in (int, float) and put is place.original:
                if not same(left, place.original):
                    moved_numbers.append((place, left))
            elif isinstance(left, SCALARS) and same(left, place.original):
                self._changes_now.append((place, left))
            elif place.key == "created_by" and isinstance(place.holder, Value):
                raise trace.error(
                    f"{place.holder.label()}, a constant from outside, is given numbers with a gradient. Use a copy, or"
                    " write into its .data"
                )
            else:
                nest = results.of(left)
                self._refuse_hidden(place.name, nest)
                self.rebinds.append((place, nest))
                self._changes_now.append((place, with_leaves(now, nest)))
        if moved_numbers:
            place, left = moved_numbers[0]
            message = (
                f"{place.name} goes from {place.original!r} to {left!r}, and would not in later calls, which do not run"
                " the function. Change it outside, or make it an array"
            )
            raise Moved(str(trace.error(message)), [place for place, _ in moved_numbers])
        self.later = [(f, results.of(args)) for f, args in self.later]
        self.result = results.of(result)
        self._refuse_hidden("the result", self.result)
        self.outputs = list(results.outputs)
        written = [(traced.storage.input, trace.var_of(traced)) for traced in trace.written()]
        self.writes = [(var, len(self.outputs) + i) for i, (var, _) in enumerate(written)]
        self.outputs += [var for _, var in written]
        self.program = Program(
            list(trace.inputs), {}, list(trace.lines), self.outputs + trace.checks, list(self.writes)
        )

    def _new_places(self) -> list[Place]:
        """Keys and attributes that the function has added. A list that has grown is refused."""
        places = []
        for container, before, name in self.surroundings.containers:
            if isinstance(container, dict):
                if before.keys() - container.keys():
                    raise self.trace.error(f"it deletes from {name}, which later calls would not")
                places += [
                    self._new_place(container, key, False, f"{name}[{key!r}]")
                    for key in container.keys() - before.keys()
                ]
            elif len(container) != len(before):
                raise self.trace.error(
                    f"{name} goes from {len(before)} entries to {len(container)}, and would not in later calls, which do"
                    " not run the function. Return what is to be added, and add it outside"
                )
        for holder, keys, name in self.surroundings.attributes:
            places += [self._new_place(holder, key, False, f"{name}.{key}") for key in holder.keys() - keys]
        return places

    @staticmethod
    def _new_place(holder: Any, key: Any, attribute: bool, name: str) -> Place:
        place = Place(holder, key, attribute, name)
        place.original = MISSING
        return place

    def _refuse_hidden(self, name: str, nest: Any) -> None:
        """Raise for arrays of this capture in an object that is made in it: every run would give the same."""
        for x in leaves_of(nest):
            if isinstance(x, (*SCALARS, Value, Wanted)) or callable(x) or id(x) in self.surroundings.seen or x is None:
                continue
            if any(isinstance(place.original, (Traced, Number)) for place in Surroundings([(x, name)], {}).places):
                raise self.trace.error(
                    f"{name} holds a {type(x).__name__} with arrays in it. Use a tuple, list, dict or dataclass"
                )

    def _put_back(self) -> None:
        """All as it was before."""
        for container, before, _ in self.surroundings.containers:
            if len(container) != len(before) or isinstance(container, (dict, set)):
                container.clear()
                (container.extend if hasattr(container, "extend") else container.update)(before)
        for holder, keys, _ in self.surroundings.attributes:
            for key in holder.keys() - keys:
                del holder[key]
        for place in self._opened:
            place.set(place.original)
        for place in self.flags:
            if place.get() is not place.original:
                place.set(place.original)
        self.trace.undo()
        self._generators.rewind()

    def _leave(self) -> None:
        """Put what the run has left where it belongs, without a trace of the capture, and do what comes later."""
        for place, x in self._changes_now:
            if place.get() is not x:
                place.set(x)
        self.first_result = with_leaves(now, self.result)
        for f, args in self.later:
            f(*with_leaves(now, args))

    def _refuse_overlaps(self) -> None:
        """Two arrays from outside that share memory, one of which is written into, are more than a program knows."""
        outside = [x for x in self.trace.outside.values() if isinstance(x.data, np.ndarray)]
        for traced in self.trace.written():
            for other in outside:
                if other is not traced and np.may_share_memory(other.data, traced.data):
                    raise self.trace.error(
                        f"an array of shape {traced.shape} is written into that shares its memory with another, of shape"
                        f" {other.shape}, from outside of the function. Pass one, and take a view of it inside"
                    )


class Stale:
    """A setting of an optimizer in a function that has called ``schedule.step()`` already."""

    def __init__(self, trace: Trace, name: str) -> None:
        self._trace, self._name = trace, name

    def _refuse(self, *_: Any) -> Any:
        raise self._trace.error(
            f"a setting of the optimizer is read after {self._name}.step(), which a program does at its very end. Call"
            " schedule.step() after optimizer.step(), or outside of the function"
        )


for _name in "add sub mul truediv pow neg abs lt le gt ge eq ne bool float int index array_ufunc hash".split():
    setattr(Stale, f"__{_name}__", Stale._refuse)
    if _name in ("add", "sub", "mul", "truediv", "pow"):
        setattr(Stale, f"__r{_name}__", Stale._refuse)

UNREAD = type("Unread", (), {"__repr__": lambda self: "a gradient that nobody has asked for"})()


def is_array(x: Any) -> bool:
    """Whether ``x`` is an array that a program can take."""
    return type(x) is np.ndarray and x.dtype.kind in "fiubc"
