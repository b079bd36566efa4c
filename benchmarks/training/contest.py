"""Contestants in processes of their own, two at a time, that take turns: a chunk of steps here, a chunk there."""

from __future__ import annotations

import contextlib
import json
import statistics
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import for_two_threads
from benchmarks.training.in_calligrad import build, initial_weights
from benchmarks.training.problems import PROBLEMS, data_of
from benchmarks.training.worker import FIRST_STEPS

ALL = range(1, 10)
CONTESTANTS = {  # name: (module, kind, the problems it does)
    "calligrad": ("in_calligrad", "eager", ALL),
    "calligrad numpy": ("in_calligrad", "numpy", ALL),
    "calligrad numba": ("in_calligrad", "numba", ALL),
    "PyTorch": ("in_pytorch", "eager", ALL),
    "PyTorch channels last": ("in_pytorch", "channels last", (3, 4)),
    "torch.compile": ("in_pytorch", "compiled", ALL),
    "JAX": ("in_jax", "blocking", ALL),
    "JAX pipelined": ("in_jax", "pipelined", ALL),
    "autograd": ("in_autograd", "eager", (1, 2, 6, 7, 8, 9)),
}
OURS = [name for name in CONTESTANTS if name.startswith("calligrad")]
WITH_CACHES = ("calligrad numpy", "calligrad numba", "torch.compile", "JAX", "JAX pipelined")
CACHES = ("CALLIGRAD_CACHE", "TORCHINDUCTOR_CACHE_DIR", "JAX_COMPILATION_CACHE_DIR")
KEEP_ALL = {"JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0", "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1"}


@dataclass(frozen=True)
class Effort:
    """How many quiet chunks of so many seconds are wanted, in so many tries; ``company`` is what a quiet one bears."""

    chunks: int = 11
    tries: int = 40
    seconds: float = 0.4
    company: float = 0.08
    patience: float = 300.0  # seconds, for a single answer


QUICK = Effort(chunks=3, tries=3, seconds=0.15)


@dataclass
class Result:
    """A contestant at a problem: milliseconds of a step, a number for each chunk that was quiet, or ``noisy``.

    ``starts`` are the seconds of the first step with empty caches and, where there are caches, with full ones.
    ``off`` is how far the first losses are from calligrad's, relative to the first. ``beside`` are, turn by turn, its
    times over those of whom it took turns with: a machine may go faster or slower for a while, and both go with it.
    """

    error: str = ""
    off: float = 0.0
    starts: list[float] = field(default_factory=list)
    quiet: list[float] = field(default_factory=list)
    noisy: list[float] = field(default_factory=list)
    beside: list[float] = field(default_factory=list)
    peak: int = 0

    @property
    def ms(self) -> float | None:
        """The median of the quiet chunks, or the fastest of the noisy ones if there are no others."""
        if self.error:
            return None
        return statistics.median(self.quiet) if self.quiet else min(self.noisy, default=None)


def times_the_peer(results: dict[str, Result], name: str) -> float | None:
    """The time of one over the fastest peer's: for calligrad's, who took turns with it, as the turns gave it."""
    result, best = results.get(name), fastest_peer(results)
    if result is None or best is None or result.ms is None:
        return None
    return statistics.median(result.beside) if name in OURS and result.beside else result.ms / results[best].ms


def fastest_peer(results: dict[str, Result]) -> str | None:
    """The fastest that waits for each step, as all but the pipelined do."""
    times = {name: result.ms for name, result in results.items() if name not in (*OURS, "JAX pipelined")}
    counting = {name: ms for name, ms in times.items() if ms is not None}
    return min(counting, key=counting.__getitem__, default=None)


class Worker:
    """A contestant at work, in a process of its own; if it fails, its ``result`` says so, and it answers nothing."""

    def __init__(self, name: str, number: int, folder: Path, effort: Effort, result: Result) -> None:
        module, kind, _ = CONTESTANTS[name]
        command = [sys.executable, "-m", "benchmarks.training.worker", module, kind, str(number)]
        cache = folder / name.replace(" ", "-")
        cache.mkdir(exist_ok=True)
        self.effort, self.result, self.count, self.found = effort, result, 1, 0
        self.process = subprocess.Popen(
            [*command, str(folder / "weights.npz")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=for_two_threads() | KEEP_ALL | dict.fromkeys(CACHES, str(cache)),
        )

    def answer(self) -> dict[str, Any]:
        """What it says next; nothing if it fails, is silent for too long, or has ended."""
        timer = threading.Timer(self.effort.patience, self.process.kill)
        timer.start()
        line = self.process.stdout.readline()
        timer.cancel()
        try:
            answer = json.loads(line or "{}")
        except ValueError:
            answer = {"error": f"said {line!r}"}
        self.result.error = answer.get("error", "") if answer else f"no answer, and exit code {self.process.wait()}"
        return {} if self.result.error else answer

    def steps(self, count: int) -> dict[str, Any]:
        if self.result.error:
            return {}
        with contextlib.suppress(OSError):  # if it has ended, the answer tells
            print(count, file=self.process.stdin, flush=True)
        return self.answer()

    def warm_up(self) -> None:
        """From now on ``count`` steps fill a chunk's time."""
        last = 0
        while last < self.count and (answer := self.steps(self.count)):  # the first steps are slower than the others
            last, wanted = self.count, round(1e3 * self.effort.seconds / answer["ms"])
            self.count = max(1, min(20 * self.count, wanted))

    def chunk(self) -> float | None:
        """The milliseconds of a step; None if others worked meanwhile."""
        if not (answer := self.steps(self.count)):
            return None
        quiet = answer["company"] is None or answer["company"] <= self.effort.company
        (self.result.quiet if quiet else self.result.noisy).append(answer["ms"])
        self.result.peak = max(self.result.peak, answer["peak"])
        self.found += quiet
        return answer["ms"] if quiet else None

    def is_done(self) -> bool:
        return bool(self.result.error) or self.found >= self.effort.chunks

    def end(self) -> None:
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


class Contest:
    """All contestants at one problem, from the same weights, which lie in ``folder`` with the caches."""

    def __init__(self, number: int, effort: Effort, folder: Path) -> None:
        self.number, self.problem, self.effort, self.folder = number, PROBLEMS[number], effort, folder
        weights = initial_weights(self.problem)
        np.savez(folder / "weights.npz", **weights)
        step = build(self.problem, weights, data_of(self.problem), "eager")
        self.losses = np.array([float(step()) for _ in range(FIRST_STEPS)])
        self.results: dict[str, Result] = {}

    def run(self, names: list[str]) -> dict[str, Result]:
        """The peers beside the first of them, and then calligrad's beside the fastest of them."""
        names = [name for name in names if self.number in CONTESTANTS[name][2]]
        self.results = {name: Result() for name in names}
        peers = [name for name in names if name not in OURS]
        self.in_pairs(peers[:1], peers[1:])
        if ours := [name for name in names if name in OURS]:
            best = fastest_peer(self.results)
            self.in_pairs([best] if best else [], ours)
        return self.results

    def in_pairs(self, anchor: list[str], others: list[str]) -> None:
        for pair in [[*anchor, other] for other in others] or [[name] for name in anchor]:
            workers = [self.start(name) for name in pair]
            if not workers[-1].result.error or workers[0].result.ms is None:  # else there is nothing more to learn
                self.take_turns(workers)
            for worker in workers:
                worker.end()

    def take_turns(self, workers: list[Worker]) -> None:
        for worker in workers:
            worker.warm_up()
        for _ in range(self.effort.tries):
            first, *others = [worker.chunk() for worker in workers]
            if first and others and others[0]:
                workers[1].result.beside.append(others[0] / first)
            if all(worker.is_done() for worker in workers):
                break

    def start(self, name: str) -> Worker:
        """A worker with full caches that has found the right losses, or whose result says that it failed."""
        result = self.results[name]
        while True:
            worker = Worker(name, self.number, self.folder, self.effort, result)
            if not (first := worker.answer()):
                return worker
            result.starts.append(first["start"])
            result.off = float(np.max(np.abs(first["losses"] - self.losses)) / np.abs(self.losses[0]))
            if not result.off <= self.problem.tolerance:
                result.error = f"wrong: its first losses are off by {result.off:.0e}"
            if result.error or name not in WITH_CACHES or len(result.starts) > 1:
                return worker
            worker.end()
