"""Buffer: state of a module that is not learned."""

from __future__ import annotations

from typing import Any

import numpy as np

from calligrad.modes import no_grad, paused
from calligrad.value import Value


class Buffer(Value):
    """State that belongs to a module and is not learned: running statistics, positions, a mask.

    It is saved and loaded with the parameters unless ``persistent`` is false, and no optimizer sees it. Writing to
    it, under ``no_grad()``, changes its array in place.

    >>> import numpy as np
    >>> from calligrad import no_grad
    >>> from calligrad.nn import Buffer
    >>> steps = Buffer(np.zeros((), np.int64))
    >>> with no_grad():
    ...     steps += 1
    >>> steps.data
    array(1)
    """

    __slots__ = ("persistent",)

    def __init__(self, data: Any, name: str = "", *, persistent: bool = True) -> None:
        super().__init__(np.array(data), name, requires_grad=False)
        self.persistent = persistent

    def __setitem__(self, key: Any, value: Any) -> None:
        if getattr(value, "requires_grad", False) and not paused.get():
            raise RuntimeError(f"{self.label()} is a buffer, which carries no gradient: write to it under no_grad()")
        with no_grad():
            self.data[key] = value.data if isinstance(value, Value) else value

    def _is_number(self) -> bool:
        return False  # ``steps += 1`` keeps the array too

    def _replace(self, y: Any) -> None:
        self[...] = y

    def __deepcopy__(self, memo: dict) -> Buffer:
        memo[id(self)] = copied = Buffer(self.data, self.name, persistent=self.persistent)
        return copied

    def __reduce__(self) -> Any:
        return _rebuild, (self.data, self.name, self.persistent)


def _rebuild(data: Any, name: str, persistent: bool) -> Buffer:
    return Buffer(data, name, persistent=persistent)
