"""How far a long piece of work has come: a bar where there is rich and a terminal, otherwise a line now and then."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any, Self


def progress(what: str, total: int | None, done: int = 0, pause: float = 0.0) -> Bar | Lines:
    """A context in which ``step(note)`` is called until ``total`` steps are done. It writes to stderr, never among the
    results.

    ``note`` is a text, or a function that is called for one when it is shown. ``line(text)`` leaves a line above
    the bar. Without a bar there is a line at every tenth of the way, but none within ``pause`` seconds of another.

    >>> with progress("training", total=200) as shown:
    ...     for epoch in range(200):
    ...         shown.step(f"loss {1 / (1 + epoch):.3f}")
    """
    if sys.stderr.isatty():
        try:
            from rich.console import Console
        except ImportError:
            return Lines(what, total, done, pause)
        console = Console(stderr=True)
        if console.is_interactive:  # not a dumb terminal, which cannot redraw a line
            return Bar(what, total, done, console)
    return Lines(what, total, done, pause)


class Lines:
    """A line at every tenth of the way."""

    def __init__(self, what: str, total: int | None, done: int = 0, pause: float = 0.0) -> None:
        self.what, self.total, self.done, self.pause = what, total, done, pause
        self.due = time.monotonic() + pause if pause else 0.0

    def step(self, note: str | Callable[[], str]) -> None:
        """One more step is done."""
        self.done += 1
        if not self.total:
            return
        tenth = 10 * self.done // self.total
        if tenth > 10 * (self.done - 1) // self.total and (not self.pause or time.monotonic() >= self.due):
            self.line(f"{self.what} {10 * tenth:3d} %  {note if isinstance(note, str) else note()}")

    def line(self, text: str) -> None:
        """Print ``text``."""
        print(text, file=sys.stderr, flush=True)
        self.due = time.monotonic() + self.pause

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        """There is nothing to tidy up."""


class Bar:
    """A bar that is redrawn in place."""

    seconds = 0.05  # between two redraws

    def __init__(self, what: str, total: int | None, done: int, console: Any) -> None:
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        text = ("[progress.description]{task.description}", "[progress.percentage]{task.percentage:3.0f} %")
        self.bar = Progress(
            TextColumn(text[0]),
            BarColumn(),
            *([TextColumn(text[1])] if total else []),
            TextColumn("{task.fields[rate]}", markup=False),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}", markup=False),
            console=console,
        )
        self.task = self.bar.add_task(what, total=total, completed=done, note="", rate="")
        self.total, self.done, self.due = total, done, 0.0

    def step(self, note: str | Callable[[], str]) -> None:
        """One more step is done."""
        self.done += 1
        now = time.monotonic()
        if now >= self.due or self.done == self.total:
            speed = self.bar.tasks[self.task].speed
            rate = f"{speed:.{1 if speed < 10 else 0}f}/s" if speed else ""
            self.bar.update(self.task, completed=self.done, note=note if isinstance(note, str) else note(), rate=rate)
            self.due = now + self.seconds

    def line(self, text: str) -> None:
        """Print ``text`` above the bar."""
        self.bar.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def __enter__(self) -> Self:
        self.bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.bar.stop()


class Hidden:
    """Nothing is shown."""

    def step(self, note: str | Callable[[], str]) -> None:
        """One more step is done."""

    def line(self, text: str) -> None:
        """Nothing is printed."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        """There is nothing to tidy up."""
