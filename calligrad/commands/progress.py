"""How far a command has come: a bar where there is rich and a terminal, otherwise a line at every tenth of the way."""

from __future__ import annotations

import sys
import time
from typing import Any, Self


def progress(what: str, total: int) -> Bar | Lines:
    """A context in which ``step(note)`` is called ``total`` times. It writes to stderr, never among the results.

    >>> with progress("training", total=200) as shown:
    ...     for epoch in range(200):
    ...         shown.step(f"loss {1 / (1 + epoch):.3f}")
    """
    if sys.stderr.isatty():
        try:
            from rich.console import Console
        except ImportError:
            return Lines(what, total)
        console = Console(stderr=True)
        if console.is_interactive:  # not a dumb terminal, which cannot redraw a line
            return Bar(what, total, console)
    return Lines(what, total)


class Lines:
    """A line at every tenth of the way."""

    def __init__(self, what: str, total: int) -> None:
        self.what, self.total, self.done = what, total, 0

    def step(self, note: str) -> None:
        """One more step is done."""
        self.done += 1
        tenth = 10 * self.done // self.total
        if tenth > 10 * (self.done - 1) // self.total:
            print(f"{self.what} {10 * tenth:3d} %  {note}", file=sys.stderr, flush=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        """There is nothing to tidy up."""


class Bar:
    """A bar that is redrawn in place."""

    seconds = 0.05  # between two redraws

    def __init__(self, what: str, total: int, console: Any) -> None:
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        text = ("[progress.description]{task.description}", "[progress.percentage]{task.percentage:3.0f} %")
        self.bar = Progress(
            TextColumn(text[0]),
            BarColumn(),
            TextColumn(text[1]),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}", markup=False),
            console=console,
        )
        self.task = self.bar.add_task(what, total=total, note="")
        self.total, self.done, self.due = total, 0, 0.0

    def step(self, note: str) -> None:
        """One more step is done."""
        self.done += 1
        now = time.monotonic()
        if now >= self.due or self.done == self.total:
            self.bar.update(self.task, completed=self.done, note=note)
            self.due = now + self.seconds

    def __enter__(self) -> Self:
        self.bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.bar.stop()
