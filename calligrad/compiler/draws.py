"""Draws: a random generator of a function that is being captured. What it draws is drawn anew ahead of every run."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from calligrad.compiler.traced import Traced

if TYPE_CHECKING:
    from calligrad.compiler.trace import Trace


class TracedGenerator:
    """Stands for the ``np.random.Generator`` that ``source`` gives: the same draws in the same order, as inputs."""

    is_traced = True

    def __init__(self, source: Callable[[], np.random.Generator], trace: Trace) -> None:
        self._source = source
        self._trace = trace

    def __getattr__(self, name: str) -> Any:
        if not callable(getattr(np.random.Generator, name)) or name in ("shuffle", "spawn", "bytes"):
            raise self._trace.error(f"rng.{name} is not captured; for rng.shuffle write rng.permutation")

        def draw(*args: Any, **kwargs: Any) -> Any:
            if any(isinstance(x, Traced) for x in (*args, *kwargs.values())):
                raise self._trace.error(
                    f"rng.{name} of an array that is computed here: draw standard numbers, and scale and shift them"
                )
            if kwargs.get("out") is not None:
                raise self._trace.error(f"rng.{name}(out=…) writes into an array; take the result")
            return self._trace.drawn(Draw(self._source, name, args, kwargs))

        return draw


class Draw:
    """One draw, to be made ahead of every run."""

    __slots__ = ("args", "kwargs", "name", "source", "var")

    def __init__(self, source: Callable, name: str, args: tuple, kwargs: dict[str, Any]) -> None:
        self.source, self.name, self.args, self.kwargs = source, name, args, kwargs
        self.var: Any = None

    def __call__(self) -> Any:
        return getattr(self.source(), self.name)(*self.args, **self.kwargs)
