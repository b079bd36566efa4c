"""What may be said to an optimizer: each check gives the setting back as a plain Python value."""

from __future__ import annotations

from typing import Any

import numpy as np


def is_number(x: Any) -> bool:
    """Whether ``x`` is one finite real number, and not a bool."""
    return isinstance(x, (int, float, np.integer, np.floating)) and not isinstance(x, bool) and bool(np.isfinite(x))


def nonnegative(name: str, x: Any) -> float:
    """``x``, which must be a finite number and not negative."""
    if not is_number(x) or x < 0:
        raise ValueError(f"{name} must be a finite number of at least 0, not {x!r}")
    return float(x)


def fraction(name: str, x: Any) -> float:
    """``x``, a number from 0 to 1."""
    if not is_number(x) or not 0 <= x <= 1:
        raise ValueError(f"{name} must be a number from 0 to 1, not {x!r}")
    return float(x)


def positive_integer(name: str, x: Any) -> int:
    """``x``, an integer of at least 1."""
    if not isinstance(x, (int, np.integer)) or isinstance(x, bool) or x < 1:
        raise ValueError(f"{name} must be an integer of at least 1, not {x!r}")
    return int(x)


def flag(name: str, x: Any) -> bool:
    """``x``, which must be True or False."""
    if not isinstance(x, (bool, np.bool_)):
        raise TypeError(f"{name} is True or False, not {x!r}")
    return bool(x)


def numbers(name: str, x: Any, count: int) -> tuple[float, ...]:
    """``x``, a tuple of ``count`` finite numbers."""
    if not isinstance(x, (list, tuple)) or len(x) != count or not all(map(is_number, x)):
        raise ValueError(f"{name} are {count} finite numbers, not {x!r}")
    return tuple(float(number) for number in x)


def decays(name: str, x: Any) -> tuple[float, ...]:
    """``x``, two decay rates of running means."""
    if not isinstance(x, (list, tuple)) or len(x) != 2 or not all(is_number(b) and 0 <= b < 1 for b in x):
        raise ValueError(f"{name} are two numbers from 0 to below 1, not {x!r}")
    return tuple(float(b) for b in x)
