"""Places: where a function finds what it reaches."""

from __future__ import annotations

from typing import Any

import numpy as np

MISSING = type("Missing", (), {"__repr__": lambda self: "nothing"})()

SCALARS = (bool, int, float, complex, str, bytes, type(None), np.dtype, np.generic)


class Place:
    """Where something is kept: an item of a dict or list, an attribute, or what a closure holds.

    ``argument`` is the position of the argument whose attribute it is, another object in every call; ``parent`` is the
    place that the holder was found in.
    """

    __slots__ = ("argument", "attribute", "holder", "key", "name", "original", "parent")

    def __init__(self, holder: Any, key: Any, attribute: bool, name: str, argument: int | None = None) -> None:
        self.holder, self.key, self.attribute, self.name, self.argument = holder, key, attribute, name, argument
        self.parent: Place | None = None
        self.original = self.get()

    @property
    def identity(self) -> tuple:
        """What tells it from other places."""
        if self.parent is not None:
            return self.parent.identity, self.key
        return (id(self.holder) if self.argument is None else ("argument", self.argument), self.key)

    def get_original(self) -> Any:
        """What was there when the place was found."""
        return self.original

    def get(self) -> Any:
        """What is there now."""
        try:
            return getattr(self.holder, self.key) if self.attribute else self.holder[self.key]
        except (AttributeError, KeyError, IndexError, ValueError):  # the last of a closure that is empty
            return MISSING

    def set(self, x: Any) -> None:
        """Put ``x`` there, whatever the class of the holder says to that."""
        if not self.attribute:
            self.holder[self.key] = x
        elif isinstance(self.holder, type):
            setattr(self.holder, self.key, x)
        else:
            object.__setattr__(self.holder, self.key, x)


def same(a: Any, b: Any) -> bool:
    """Whether two settings are the same to a function: 1 is not 1.0, 0.0 is not -0.0, and nan is nan."""
    if a is b:
        return True
    if type(a) is not type(b):
        return False
    if type(a) is tuple:
        return len(a) == len(b) and all(map(same, a, b))
    return isinstance(a, SCALARS) and repr(a) == repr(b)


def is_number(x: Any) -> bool:
    """Whether it is a number of Python's or NumPy's that another may take the place of: no truth value."""
    return type(x) in (int, float) or isinstance(x, np.number)
