"""Run: a captured function, ready to be done again."""

from __future__ import annotations

from typing import Any

import numpy as np

from calligrad.compiler.capture import Capture, Wanted
from calligrad.compiler.passes import optimized
from calligrad.compiler.program import Program, Var, mapped
from calligrad.compiler.surroundings import Place, hold


class Run:
    """Finds the inputs of a program, lets the backend run it, and puts its outputs where they belong."""

    def __init__(self, capture: Capture, backend: Any) -> None:
        self.captured = capture.program
        self.program = optimized(capture.program, backend)
        self.execute = backend.compiled(self.program)
        self.differs = ""  # what was another when it last did not fit

        position = {var: i for i, var in enumerate(self.program.inputs)}
        used = set(self.program.inputs)
        trace = capture.trace
        self._given = [(position[var], i) for i, var in capture.given if var in used]
        self._arrays = [(position[var], place, var) for place, var in capture.arrays if var in used]
        self._draws = [(position.get(draw.var), draw) for draw in trace.draws]
        self._inputs: list[Any] = [None] * len(position)
        self._found = {id(traced): traced for traced in trace.found}  # which keeps them alive
        for traced in trace.found:
            if traced.storage.input in used:
                self._inputs[position[traced.storage.input]] = traced.data
        self._numbers = [position.get(number.var) for number in trace.host.results]
        self._last_arrays: list[Any] = [None] * len(self._arrays)

        self._changed = hold(capture.flags)
        self._readings = capture.readings
        self._numbers_of = capture.numbers
        self._writes = self._targets(capture, position)
        self._rebinds = capture.rebinds
        self._later = capture.later
        self._result = capture.result
        self._ready: Any = None

    def _targets(self, capture: Capture, position: dict[Var, int]) -> list[tuple[Any, int]]:
        """Where each array that is written into is found, and which output it is given."""
        given = {var: i for i, var in capture.given}
        places = {var: place for place, var in capture.arrays}
        found = {traced.storage.input: traced.data for traced in capture.trace.found}
        targets = []
        for var, wanted in capture.writes:
            source = given.get(var, places.get(var, found.get(var)))
            targets.append((source, wanted.index))
        return targets

    # ---- a run

    def fits(self, flat: list[Any]) -> bool:
        """Whether everything is as it was captured; then the inputs are gathered."""
        if (place := self._changed()) is not None:
            self.differs = place.name
            return False
        inputs = self._inputs
        last = self._last_arrays
        for n, (i, place, var) in enumerate(self._arrays):
            array = place.get()
            if array is not last[n]:
                if not _is_like(array, var):
                    self.differs = place.name
                    return False
                last[n] = inputs[i] = array
        readings = []
        for reading in self._readings:
            x = flat[reading] if type(reading) is int else reading.get()
            readings.extend(_numbers_in(x))
        numbers = self._numbers_of(readings)
        if numbers is None:
            self.differs = "a number that it compares"
            return False
        for i, number in zip(self._numbers, numbers):
            if i is not None:
                inputs[i] = number
        for i, position in self._given:
            inputs[i] = flat[position]
        self._ready = numbers
        return True

    def __call__(self, flat: list[Any]) -> Any:
        """Do what the function does; ``fits`` was asked just before."""
        inputs, numbers = self._inputs, self._ready
        for i, draw in self._draws:
            x = draw()
            if i is not None:
                inputs[i] = x
        outputs = self.execute(inputs)
        for source, index in self._writes:
            array = flat[source] if type(source) is int else source.get() if type(source) is Place else source
            if array is not outputs[index]:
                array[...] = outputs[index]

        def now(x: Any) -> Any:
            return x.of(outputs, numbers) if type(x) is Wanted else x

        for place, nest in self._rebinds:
            place.set(mapped(now, nest))
        for f, args in self._later:
            f(*mapped(now, args))
        for i, _ in self._given:
            inputs[i] = None
        return mapped(now, self._result)


def _numbers_in(x: Any) -> list[Any]:
    if type(x) in (float, int):
        return [x]
    return [n for n in x if type(n) in (int, float)] if isinstance(x, tuple) else []


def _is_like(array: Any, var: Var) -> bool:
    if type(array) is np.ndarray:
        return array.shape == var.shape and array.dtype == var.dtype and array.strides == var.strides
    return isinstance(array, np.generic) and var.shape == () and array.dtype == var.dtype
