"""Outside: the arrays that a run finds where they were in the last one, or finds others."""

from __future__ import annotations

from typing import Any

import numpy as np

from calligrad.compiler.places import Place
from calligrad.compiler.program import Var


class Outside:
    """The arrays from outside as they were in the last run, by the number of their place."""

    def __init__(self, places: list[tuple[Place, Var]], written: set[Var]) -> None:
        self.vars = [var for _, var in places]
        self.last: list[Any] = [place.original for place, _ in places]
        self.written = [i for i, var in enumerate(self.vars) if var in written]
        self.owners: set[int] = set()  # ids of what has the memory that is written into
        self._note_owners()

    def fits(self, i: int, array: Any) -> bool:
        """Whether another array at place ``i`` will do as well; then it is the one of this run."""
        if not is_like(array, self.vars[i]):
            return False
        before, self.last[i] = self.last[i], array
        if self.written and not self._are_apart(i):
            self.last[i] = before
            return False
        self._note_owners()
        return True

    def _are_apart(self, i: int) -> bool:
        """Whether array ``i`` shares no memory with another, where one of the two is written into."""
        others = range(len(self.last)) if i in self.written else self.written
        return not any(np.may_share_memory(self.last[i], self.last[j]) for j in others if j != i)

    def _note_owners(self) -> None:
        self.owners.clear()
        for i in self.written:
            x = self.last[i]
            while x is not None:  # of what as_strided and others give, the memory is a few steps away
                self.owners.add(id(x))
                x = getattr(x, "base", None)

    def is_apart(self, array: Any) -> bool:
        """Whether an array shares no memory with those that are written into."""
        return not any(np.may_share_memory(array, self.last[i]) for i in self.written)


def is_like(array: Any, var: Var) -> bool:
    """Whether a program that was captured with one array can take the other."""
    if type(array) is np.ndarray:
        return array.shape == var.shape and array.dtype == var.dtype and array.strides == var.strides
    return isinstance(array, np.generic) and var.shape == () and array.dtype == var.dtype
