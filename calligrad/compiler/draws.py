"""Draws: a random generator of a function that is being captured. What it draws is drawn anew ahead of every run."""

from __future__ import annotations

import random as python_random
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from calligrad import random
from calligrad.compiler.traced import Traced

if TYPE_CHECKING:
    from calligrad.compiler.trace import Trace


class TracedGenerator:
    """Stands for an ``np.random.Generator``: the same draws in the same order, as inputs.

    ``source`` gives the generator; where it is an argument, it is its position.
    """

    is_traced = True

    def __init__(self, source: Callable[[], np.random.Generator] | int, trace: Trace, now: Any = None) -> None:
        self._source = source
        self._trace = trace
        self._now = now

    def __getattr__(self, name: str) -> Any:
        if not callable(getattr(np.random.Generator, name)) or name in ("shuffle", "spawn", "bytes"):
            raise self._trace.error(f"rng.{name} is not captured; for rng.shuffle write rng.permutation")

        def draw(*args: Any, **kwargs: Any) -> Any:
            given = (*args, *kwargs.values())
            if any(isinstance(x, Traced) or hasattr(type(x), "is_host") for x in given):
                raise self._trace.error(
                    f"rng.{name} of an array that is computed here: draw standard numbers, and scale and shift them"
                )
            if kwargs.get("out") is not None:
                raise self._trace.error(f"rng.{name}(out=…) writes into an array; take the result")
            return self._trace.drawn(Draw(self._source, name, args, kwargs, self._now))

        return draw


class Draw:
    """One draw, to be made ahead of every run."""

    __slots__ = ("args", "kwargs", "name", "now", "source", "var")

    def __init__(self, source: Any, name: str, args: tuple, kwargs: dict[str, Any], now: Any) -> None:
        self.source, self.name, self.args, self.kwargs, self.now = source, name, args, kwargs, now
        self.var: Any = None

    def __call__(self, generator: Any = None) -> Any:
        """The numbers, drawn from ``generator`` where the generator is an argument."""
        return getattr(generator or self.generator(), self.name)(*self.args, **self.kwargs)

    def generator(self) -> np.random.Generator:
        """The generator of the capture."""
        return self.now if type(self.source) is int else self.source()


class Generators:
    """Where all generators stand that a function may draw from unseen: NumPy's old one and Python's own."""

    def __init__(self, known: list[np.random.RandomState]) -> None:
        self.shared = random.snapshot()
        self.python = python_random.getstate()
        self.known = [(rng, rng.get_state()) for rng in known]

    def moved(self) -> str | None:
        """Which of those that no program can follow was drawn from."""
        if self.python != python_random.getstate():
            return "Python's random"
        if any(_differ(state, rng.get_state()) for rng, state in self.known):
            return "np.random.RandomState"
        if "numpy.random" in sys.modules and _differ(self.shared[1], random.snapshot()[1]):
            return "np.random"
        return None

    def rewind(self) -> None:
        """Bring them back to where they stood."""
        random.rewind(self.shared)
        python_random.setstate(self.python)
        for rng, state in self.known:
            rng.set_state(state)


def _differ(a: Any, b: Any) -> bool:
    return any(not np.array_equal(x, y) for x, y in zip(a, b))
