"""Run: a captured function, ready to be done again."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

from calligrad.compiler.capture import Capture
from calligrad.compiler.confirm import Record, confirm
from calligrad.compiler.passes import optimized
from calligrad.compiler.program import Program, Var
from calligrad.compiler.script import Script
from calligrad.memory import give_back
from calligrad.value import Value


class Run:
    """Finds the inputs of a program, lets the backend run it, and puts its outputs where they belong.

    It begins as the record of a capture; ``fits(arguments)`` says whether everything is as it was then. A second
    capture confirms it. From then on ``attempt(arguments)`` gives the result, in a tuple, or None if it does not fit,
    and nothing is done then.
    """

    attempt: Callable[[Any], tuple | None]

    def __init__(self, capture: Capture, backend: Any, form: Any, moving: set[tuple]) -> None:
        self.form = form  # of the nest of the arguments
        self.moving = moving  # which numbers are read in every run; see Capture
        self.differs: Any = None  # what was another when it last did not fit
        self.captured = capture.program
        self.fits = Script(capture, self._no).check()
        self.writes: list[tuple[int, int]] = []  # which inputs are written into: their position, and the output's
        self.is_confirmed = False
        self._backend = backend
        self._record: Record | None = Record(capture)
        self.words = _words(capture)  # what the inputs of the program are called
        _let_go(capture)

    @cached_property
    def program(self) -> Program:
        """The program after all passes."""
        return optimized(self.captured, self._backend)

    def compare(self, capture: Capture) -> None:
        """Raise ``CaptureError`` if a second capture did something else."""
        assert self._record is not None
        capture.constants = confirm(self._record, capture)

    def confirm(self, capture: Capture) -> None:
        """From now on the program of the second capture is run."""
        constants: dict[Var, Any] = capture.constants
        program = capture.program
        self.captured = program.but(
            inputs=[var for var in program.inputs if var not in constants],
            constants={**program.constants, **constants},
            writes=[(var, i) for var, i in program.writes if var not in constants],
        )
        self.__dict__.pop("program", None)
        position = {var: i for i, var in enumerate(self.program.inputs)}
        self.writes = [(position[var], i) for var, i in self.program.writes]
        execute = self._backend.compiled(self.program)
        self.attempt = Script(capture, self._no).whole(self.program, execute, constants)
        self.words = _words(capture)
        _let_go(capture)
        give_back()  # what the captures held; the program has memory of its own
        self._record = None
        self.is_confirmed = True

    def _no(self, what: Any) -> None:
        """Note what does not fit."""
        self.differs = what


def _let_go(capture: Capture) -> None:
    """Forget the arrays of a capture: others may be there in the next run, and these shall die now."""
    capture.let_go()
    for place in capture.surroundings.places:
        if isinstance(place.original, (np.ndarray, Value)):
            place.original = None
        if place.argument is not None:
            place.holder = None


def _words(capture: Capture) -> dict[Var, str]:
    """What the user calls the inputs of a program."""
    words = {var: place.name.removesuffix(".data") for place, var in reversed(capture.arrays)}
    words |= {var: capture.names[i] for i, var in capture.given}
    words |= {draw.var: f"rng.{draw.name}" for draw in capture.trace.draws}
    read = {
        name: capture.names[source] if type(source) is int else source.name
        for source, numbers in reversed(capture.readings)
        for name, _ in numbers
    }
    host = capture.trace.host
    return words | {host.given(number): read[number.text] for number in host.results if number.text in read}
