"""What calligrad does with the operations it sees: remember them or not, let numbers leave or not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

recording: ContextVar[bool] = ContextVar("recording", default=True)
strict: ContextVar[bool] = ContextVar("strict", default=False)  # whether a Value may not leave as a Python number


@contextmanager
def holding(variable: ContextVar[bool], value: bool) -> Iterator[None]:
    """``variable`` at ``value`` within this block."""
    token = variable.set(value)
    try:
        yield
    finally:
        variable.reset(token)


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
    with holding(recording, False):
        yield
