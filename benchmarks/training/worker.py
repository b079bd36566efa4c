"""A contestant at one problem, in a process of its own: ``python -m benchmarks.training.worker``.

It makes the first steps and tells their losses and how long the first took. Then, for every number on standard input,
it makes so many steps and answers with their time and what other processes used meanwhile. Answers are lines of JSON.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import busy_seconds, peak_bytes, stay_on_two_cores
from benchmarks.training.problems import PROBLEMS, data_of

FIRST_STEPS, PAUSE = 5, 0.3  # until the other process's threads have stopped spinning


def finish(step: Callable[[], Any]) -> None:
    """Wait for what is still under way, where a framework returns before it is done."""
    getattr(step, "finish", lambda: None)()


def first_steps(step: Callable[[], Any]) -> dict[str, Any]:
    """The losses, and the seconds of the first step, with those that a later one takes more than the fastest of them.

    For some capture in the first step and compile in the second.
    """
    losses, seconds = [], []
    for _ in range(FIRST_STEPS):
        began = time.perf_counter()
        losses.append(float(step()))
        finish(step)
        seconds.append(time.perf_counter() - began)
    return {"losses": losses, "start": sum(seconds) - (FIRST_STEPS - 1) * min(seconds)}


def chunk(step: Callable[[], Any], count: int) -> dict[str, Any]:
    """The mean time of ``count`` steps, and the share of a core that other processes used."""
    time.sleep(PAUSE)
    others, own, start = busy_seconds(), time.process_time(), time.perf_counter()
    for _ in range(count):
        step()
    finish(step)
    seconds, own = time.perf_counter() - start, time.process_time() - own
    company = None if others is None else (busy_seconds() - others - own) / seconds
    return {"ms": 1e3 * seconds / count, "company": company}


def main(module: str, kind: str, number: int, weights: Path) -> None:
    stay_on_two_cores()
    problem = PROBLEMS[number]
    with np.load(weights) as file:
        arrays = dict(file)
    build = importlib.import_module(f"benchmarks.training.{module}").build
    step = build(problem, arrays, data_of(problem), kind)
    print(json.dumps(first_steps(step)), flush=True)
    for line in sys.stdin:
        print(json.dumps(chunk(step, int(line)) | {"peak": peak_bytes()}), flush=True)


if __name__ == "__main__":
    try:
        main(sys.argv[1], sys.argv[2], int(sys.argv[3]), Path(sys.argv[4]))
    except Exception as error:
        traceback.print_exc()
        said = f"{type(error).__name__}: {error}".splitlines()[0].replace("|", "/")
        print(json.dumps({"error": said[:200]}), flush=True)
