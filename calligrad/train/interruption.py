"""Ctrl-C: the first one asks for an end, the second one is the end."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Self


class Interruption:
    """Within this block the first Ctrl-C only sets ``asked``; the next one raises ``KeyboardInterrupt``, as always.

    Where someone else handles the signal, or in another thread than the main one, nothing is changed.
    """

    asked = False

    def __enter__(self) -> Self:
        main = threading.current_thread() is threading.main_thread()
        self.ours = main and signal.getsignal(signal.SIGINT) is signal.default_int_handler
        if self.ours:
            signal.signal(signal.SIGINT, self._ask)
        return self

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self.asked = True
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def __exit__(self, *error: object) -> None:
        if self.ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)
