"""What may stand after an option; anything else is refused with the reason."""

from __future__ import annotations

import math
from argparse import ArgumentTypeError
from collections.abc import Callable


def whole(low: int, high: int | None = None) -> Callable[[str], int]:
    """A reader of whole numbers from ``low`` to ``high``.

    >>> whole(1)("20")
    20
    >>> whole(1)("0")
    Traceback (most recent call last):
    argparse.ArgumentTypeError: must be a whole number of at least 1, not '0'
    """
    span = f"of at least {low}" if high is None else f"from {low} to {high}"

    def read(text: str) -> int:
        try:
            n = int(text)
        except ValueError:
            n = low - 1
        if n < low or (high is not None and n > high):
            raise ArgumentTypeError(f"must be a whole number {span}, not {text!r}")
        return n

    return read


def rate(text: str) -> float:
    """A learning rate.

    >>> rate("1e-3")
    0.001
    """
    x = _number(text)
    if not (math.isfinite(x) and x > 0):
        raise ArgumentTypeError(f"must be a finite number above 0, not {text!r}")
    return x


def point(text: str) -> list[float]:
    """Where to predict: one number, or one for each input with commas between.

    >>> point("1, 2.5")
    [1.0, 2.5]
    """
    numbers = [_number(part) for part in text.split(",")]
    if not all(map(math.isfinite, numbers)):
        raise ArgumentTypeError(f"must be finite numbers with commas between, not {text!r}")
    return numbers


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
