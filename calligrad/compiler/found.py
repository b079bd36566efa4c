"""Found: arrays of NumPy's own that a function uses, and that nobody announced ahead of the capture.

It may have made them (np.arange), or have them from where the walk over its surroundings does not lead. They are held
by reference, so that a change in between is seen. One that the function itself writes into, by plain NumPy, after it
was used, was made in it: then the program holds what it was when it was used.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from calligrad.still import SMALL, fingerprint

if TYPE_CHECKING:
    from calligrad.compiler.trace import Trace
    from calligrad.compiler.traced import Traced


class Found:
    """What the arrays that were found held when they were used."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self._prints: dict[int, Any] = {}  # by id: a copy, or the fingerprint of a large one

    def __contains__(self, array: Any) -> bool:
        return id(array) in self._prints

    def note(self, array: np.ndarray) -> None:
        """Remember what it holds now."""
        self._prints[id(array)] = array.copy() if array.nbytes <= SMALL else fingerprint(np.ravel(array))

    def differs(self, array: np.ndarray) -> bool:
        """Whether it holds something else than when it was noted."""
        before = self._prints[id(array)]
        if isinstance(before, np.ndarray):
            return before.tobytes() != array.tobytes()
        return fingerprint(np.ravel(array)) != before

    def keep_as_it_was(self, made: Traced) -> None:
        """Let the program hold a copy of what the array was."""
        before = self._prints.pop(id(made.data))
        if not isinstance(before, np.ndarray):
            raise self.trace.error(f"an array of {made.nbytes:,} bytes is written into after it was used; use a copy")
        del self.trace.outside[id(made.data)]
        made.data = before

    def settle(self) -> None:
        """See, at the end, to arrays that the function has written into since it used them."""
        for made in self.trace.found:
            if made.data in self and self.differs(made.data):
                if sys.getrefcount(made.data) > 2:  # somebody else has it: this was no scratch array
                    raise self.trace.error(
                        f"an array of shape {made.shape} is used and then written into with numbers that are no part of"
                        " the program: later calls would not do that. Make it an argument, or reach it by a global"
                    )
                self.keep_as_it_was(made)
