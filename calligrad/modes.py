"""What calligrad does with the operations it sees: remember them or not, let numbers leave or not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

paused: ContextVar[int] = ContextVar("paused", default=0)  # how many no_grad() blocks we are in
capturing: list[Any] = []  # the captures of calligrad.compile that are going on, in all threads
strict: ContextVar[bool] = ContextVar("strict", default=False)  # whether a Value may not leave as a Python number


class differentiating:
    """Within this block operations are remembered, whatever surrounds it, and no number may leave the graph."""

    __slots__ = ("before", "tight")

    def __init__(self, tight: bool = True) -> None:
        self.tight = tight

    def __enter__(self) -> None:
        self.before = paused.get(), strict.get()
        paused.set(0)
        strict.set(self.tight)

    def __exit__(self, *error: Any) -> None:
        paused.set(self.before[0])
        strict.set(self.before[1])


@contextmanager
def no_grad() -> Iterator[None]:
    """Within this block (or in a function it decorates) nothing is remembered: results are constants.

    >>> import numpy as np
    >>> from calligrad import Value, no_grad
    >>> x = Value(np.ones(2))
    >>> with no_grad():
    ...     y = 3 * x
    >>> y.requires_grad
    False
    """
    paused.set(paused.get() + 1)
    try:
        yield
    finally:  # counted, so that blocks in generators may end in any order
        paused.set(max(0, paused.get() - 1))


def capture_here() -> Any:
    """The capture that goes on in this thread, or None."""
    return capturing[-1] if capturing and capturing[-1].is_here() else None
