"""The folder of a training run: its settings, its history, its checkpoints."""

from __future__ import annotations

import json
import math
import os
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from calligrad.train.checkpoint import CheckpointError, DamagedCheckpoint, load, save

KEPT = 2  # checkpoints
_NAME = re.compile(r"checkpoint-(\d+)\.npz")


class RunFolder:
    """What a run leaves behind, and goes on from.

    - ``checkpoint-00001200.npz``: the whole state after 1200 steps; the last two are there
    - ``best.npz``: the model as it was in the best epoch
    - ``history.jsonl``: a line for each epoch; nothing in it depends on time or place
    - ``times.jsonl``: how long the epochs took
    - ``settings.json``: what the run was started with
    """

    def __init__(self, path: Any) -> None:
        self.path = Path(path)
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CheckpointError(f"the run folder {self.path} cannot be made: {error.strerror}") from error
        self.history, self.best = self.path / "history.jsonl", self.path / "best.npz"
        self.covered = 0  # bytes of the history that belong to the run

    @contextmanager
    def held(self) -> Iterator[None]:
        """Within this block no other program can train in this folder, where the system has such locks.

        The system gives the lock back when the program ends, however it ends.
        """
        try:
            import fcntl
        except ImportError:  # Windows
            yield
            return
        with open(self.path / ".lock", "w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise CheckpointError(f"another program is training in {self.path}; take another run_folder") from None
            except OSError:  # a file system without locks
                pass
            yield

    # ---- checkpoints

    def checkpoints(self) -> list[Path]:
        """The checkpoints, the newest first."""
        by_step = {int(name[1]): file for file in self.path.iterdir() if (name := _NAME.fullmatch(file.name))}
        return [by_step[step] for step in sorted(by_step, reverse=True)]

    def keep(self, state: Any, step: int, best: Any = None) -> None:
        """Write ``best.npz``, if there is another best epoch, and a checkpoint; then remove all but the last two."""
        try:
            if best is not None:
                save(self.best, best)
            if self.history.exists():
                with open(self.history, "rb") as file:
                    os.fsync(file.fileno())
            save(self.path / f"checkpoint-{step:08d}.npz", state)
        except (CheckpointError, OSError) as error:
            whole = self.checkpoints()
            last = f"{whole[0].name} is whole" if whole else "there is no other one"
            raise CheckpointError(f"the checkpoint of step {step} could not be written: {error}; {last}") from error
        for old in self.checkpoints()[KEPT:]:
            old.unlink(missing_ok=True)

    def newest(self) -> Any:
        """The state in the newest checkpoint that is whole; None where there is no checkpoint.

        A damaged one is put aside, with a warning. Raises ``DamagedCheckpoint`` if there is no whole one.
        """
        for part in self.path.glob(".*.part"):  # of a write that was killed
            part.unlink(missing_ok=True)
        problems = []
        for file in self.checkpoints():
            try:
                state = load(file)
            except DamagedCheckpoint as error:
                problems.append((file, error))
                continue
            for damaged, problem in problems:
                aside = damaged.with_suffix(".damaged")
                damaged.replace(aside)
                warnings.warn(f"{problem}; it is now called {aside.name}, and {file.name} is used", stacklevel=2)
            return state
        if problems:
            raise DamagedCheckpoint(
                f"no checkpoint in {self.path} is whole, so the run cannot go on; to begin it anew, take another "
                "run_folder:\n  " + "\n  ".join(str(error) for _, error in problems)
            )
        if self.history.exists():
            raise CheckpointError(f"{self.path} has the history of a run, but no checkpoint; take another run_folder")
        return None

    # ---- history

    def append(self, record: dict[str, Any]) -> None:
        """Add a line to the history."""
        line = (json.dumps(_strict(record)) + "\n").encode()
        try:
            with open(self.history, "r+b" if self.history.exists() else "w+b") as file:
                file.seek(self.covered)
                file.truncate()  # what a failed write, or the run before a resumption, has left there
                file.write(line)
        except OSError as error:
            raise CheckpointError(f"{self.history} could not be written: {error.strerror}") from error
        self.covered += len(line)

    def rewind(self, covered: int) -> list[dict[str, Any]]:
        """Cut the history down to its first ``covered`` bytes, and return the records in it."""
        text = self.history.read_bytes()[:covered] if self.history.exists() else b""
        if len(text) < covered:
            text = text[: text.rfind(b"\n") + 1]  # whole lines
            warnings.warn(
                f"{self.history} has {len(text)} bytes where the checkpoint knows of {covered}; what was taken out of "
                "it is not written again",
                stacklevel=2,
            )
        try:
            records = [_floats(json.loads(line)) for line in text.splitlines()]
        except ValueError as error:
            raise CheckpointError(f"{self.history} was changed and cannot be read: {error}") from error
        self.covered = len(text)
        if self.history.exists():
            os.truncate(self.history, self.covered)
        return records

    def note_time(self, record: dict[str, Any]) -> None:
        """Add a line to ``times.jsonl``; the run does not depend on it, nor end where it cannot be written."""
        with suppress(OSError), open(self.path / "times.jsonl", "a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")

    def write_settings(self, settings: dict[str, Any]) -> None:
        """Write ``settings.json``."""
        path, part = self.path / "settings.json", self.path / ".settings.json.part"
        try:
            part.write_text(json.dumps(settings, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
            part.replace(path)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise CheckpointError(f"{path} could not be written: {error.strerror}") from error


def _strict(record: dict[str, Any]) -> dict[str, Any]:
    """JSON knows neither NaN nor infinity: they become null."""
    return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in record.items()}


def _floats(record: dict[str, Any]) -> dict[str, Any]:
    """And null is read as NaN."""
    return {k: math.nan if v is None else v for k, v in record.items()}
