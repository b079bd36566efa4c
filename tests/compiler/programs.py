"""Random programs of NumPy calls, run eagerly and compiled: ``python -m tests.compiler.programs 10000``.

A program is the text of a function, drawn from a seed: calls with random shapes (0 and 1 among them), dtypes, views,
and writes through views of views, into arguments, and into arrays that it closes over; random draws; gradients. Each
line is tried on arrays as it is drawn, so that all of them are valid.

What is compiled has to give the same, bit for bit or to rounding; or, where rounding comes ahead of a jump or of a
difference of almost equal numbers, what the program gives if its lines are rounded otherwise.
"""

from __future__ import annotations

import argparse
import copy
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any
from unittest import mock

import numpy as np

import calligrad
from calligrad.compiler.compiled import Compiled
from tests.compiler import calls
from tests.compiler.rounding import Moving, Range

RUNS = 5  # two that capture, and then replays, which also find what the last one left
TRIALS = 400  # of a program whose lines are rounded otherwise
TOLERANCES = {"float64": 1e-13, "float32": 1e-6, "complex64": 1e-6, "float16": 1e-3}  # as numbers of these take part


class Program:
    """A drawn function, as lines of text, and the kinds of its arrays."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.seed = seed
        sizes = self.rng.choice([0, 1, 2, 3, 4, 5, 17], 4, p=[0.04, 0.14, 0.18, 0.18, 0.18, 0.14, 0.14]).tolist()
        self.arguments = [calls.Kind.drawn(self.rng, sizes) for _ in range(self.rng.integers(1, 4))]
        self.outside = [calls.Kind.drawn(self.rng, sizes) for _ in range(self.rng.integers(1, 3))]
        self.lines: list[str] = []
        scope = self.scope(self.state(0))
        with np.errstate(all="ignore"):
            while len(self.lines) < 4 + seed % 12:
                line = calls.drawn(
                    self.rng, {name: x for name, x in scope.items() if name not in _GIVEN}, len(self.lines)
                )
                try:
                    exec(line, scope)
                except Exception:  # NumPy refuses it
                    continue
                if all(calls.is_small(x) for x in scope.values()):
                    self.lines.append(line)
                else:
                    scope = self.replayed()
        dtypes = {x.dtype.name for x in scope.values() if hasattr(x, "dtype")}
        self.tolerance = max(tolerance for name, tolerance in TOLERANCES.items() if name in dtypes or name == "float64")
        self.results = [name for name in scope if name[0] in "vw"]
        self.likeness = SAME  # of what was got in all runs to what was expected

    def state(self, run: int) -> list[Any]:
        """The arrays of a run: arguments, then those outside, and a number at the end."""
        rng = np.random.default_rng([self.seed, run])
        return [kind.array(rng) for kind in (*self.arguments, *self.outside)] + [float(rng.uniform(0.5, 2))]

    def scope(self, state: list[Any]) -> dict[str, Any]:
        names = [f"a{i}" for i in range(len(self.arguments))] + [f"o{i}" for i in range(len(self.outside))]
        return dict(zip(names, state)) | {"s": state[-1], "np": np, "calligrad": calligrad}

    def replayed(self) -> dict[str, Any]:
        """What the lines so far give."""
        scope = self.scope(self.state(0))
        for line in self.lines:
            exec(line, scope)
        return scope

    def text(self) -> str:
        """The program as source: a function that makes the function, around the arrays outside of it."""
        outside = ", ".join(f"o{i}" for i in range(len(self.outside)))
        arguments = ", ".join(f"a{i}" for i in range(len(self.arguments)))
        body = "\n".join(f"        {line}" for line in self.lines)
        results = "".join(f"{name}, " for name in self.results)
        return (
            f"def make({outside}):\n    def program({arguments}, s):\n{body}\n        return ({results})\n"
            "    return program\n"
        )

    def made(self, outside: list[Any]) -> Any:
        scope = {"np": np, "calligrad": calligrad}
        exec(compile(self.text(), f"<program {self.seed}>", "exec"), scope)
        return scope["make"](*outside)

    def called(self, f: Any, outside: list[Any], run: int) -> dict[str, Any]:
        """What a function gives in a run; its arguments, and the arrays outside, as it leaves them."""
        *numbers, s = self.state(run)
        arguments, new = numbers[: len(self.arguments)], numbers[len(self.arguments) :]
        for x, y in zip(outside, new, strict=True):
            x[...] = y
        calligrad.random.seed(run)
        results = dict(zip(self.results, f(*arguments, s), strict=True))
        results |= {f"a{i}": x for i, x in enumerate(arguments)}
        return results | {f"o{i}": x for i, x in enumerate(outside)}

    def outer(self) -> list[Any]:
        """The arrays outside."""
        return self.state(0)[len(self.arguments) : -1]

    def run(self, backend: str) -> str:
        """Run it eagerly and compiled; "" if all is alike, and otherwise what differs."""
        with small_pieces() if backend == "numba" and self.seed % 2 else nullcontext():
            return self._run(backend)

    def _run(self, backend: str) -> str:
        self.likeness = SAME
        eager_outside, outside = self.outer(), self.outer()
        eager = self.made(eager_outside)
        compiled = calligrad.compile(self.made(outside), backend=backend)
        for run in range(RUNS):
            try:
                expected = self.called(eager, eager_outside, run)
            except Exception as error:
                raise Invalid from error  # of other numbers it is no program
            drawn = calligrad.random.state()
            try:
                got = self.called(compiled, outside, run)
            except Exception as error:
                return f"run {run}: {type(error).__name__}: {error}"
            if drawn != calligrad.random.state():
                return f"run {run}: other draws"
            far = {}
            for name, x in got.items():
                if said := unlike(x, expected[name]):
                    return f"run {run}: {name} {said}"
                found = likeness(np.asarray(x), np.asarray(expected[name]), self.tolerance)
                self.likeness = max(self.likeness, found)
                if found == FAR:
                    far[name] = x
            if far and not self.may_give(far, run):
                name, x = next(iter(far.items()))
                return f"run {run}: {name} is {np.ravel(x)[:4]} …, not {np.ravel(expected[name])[:4]} …"
        return "" if len(compiled.runs) == 1 else "captured more than once"

    def may_give(self, got: dict[str, Any], run: int) -> bool:
        """Whether the program may give these results in a run, if its lines are rounded otherwise."""
        ranges = {name: Range(x, self.tolerance) for name, x in got.items()}
        outside, backend = self.outer(), Moving()
        moving = Compiled(self.made(outside), backend)
        for trial in range(-2, TRIALS):
            backend.trial = max(trial, 0)
            try:
                given = self.called(moving, outside, run)
            except Exception:  # NumPy refuses it now
                continue
            for name, within in ranges.items():
                within.take(given[name])
            if all(within.holds() for within in ranges.values()):
                return True
        return False

    def shrunk(self, backend: str) -> Program:
        """A program with fewer lines that fails as well."""
        smaller = copy.copy(self)
        for part in ("results", "lines"):
            for x in reversed(getattr(self, part)):
                trial = copy.copy(smaller)
                setattr(trial, part, [y for y in getattr(smaller, part) if y is not x])
                if outcome(trial, backend):
                    smaller = trial
        return smaller


@contextmanager
def small_pieces() -> Iterator[None]:
    """Small arrays are cut into pieces, joined to longer rows, and summed up in chunks, as large ones are otherwise."""
    from calligrad.compiler.backends.numba import groups, moves

    with mock.patch.multiple(groups, PIECE=3, WIDE=8, CHUNK=4), mock.patch.object(moves, "PIECE", 3):
        yield


_GIVEN = {"np", "calligrad", "s", "__builtins__"}


class Invalid(Exception):
    """NumPy refuses the program."""


SAME, NEAR, FAR = range(3)
"""The same numbers, to within rounding of the largest number, or neither."""


def unlike(x: Any, y: Any) -> str:
    """How ``x`` is of another kind than ``y``."""
    if type(x) is not type(y) and not (isinstance(x, float) and isinstance(y, float)):
        return f"is {type(x).__name__}, not {type(y).__name__}"
    x, y = np.asarray(x), np.asarray(y)
    same = (x.shape, x.dtype) == (y.shape, y.dtype)
    return "" if same else f"is {x.dtype}{list(x.shape)}, not {y.dtype}{list(y.shape)}"


def likeness(x: np.ndarray, y: np.ndarray, tolerance: float) -> int:
    """``SAME``, ``NEAR`` or ``FAR``."""
    if x.tobytes() == y.tobytes() or np.array_equal(x, y, equal_nan=True):
        return SAME
    if x.dtype.kind not in "fc":
        return FAR
    same = (x == y) | (np.isnan(x) & np.isnan(y))
    scale = np.max(np.abs(np.where(np.isfinite(y), y, 0)), initial=1)
    return NEAR if np.all(same | (np.abs(x - y) <= scale * tolerance)) else FAR


def outcome(program: Program, backend: str) -> str:
    """What ``program.run`` says; "" for what is no program."""
    with np.errstate(all="ignore"):
        try:
            return program.run(backend)
        except Invalid:
            return ""


def outcomes(seeds: range, backend: str) -> Iterator[tuple[Program, str]]:
    """Programs, and what ``outcome`` says of each."""
    for seed in seeds:
        program = Program(seed)
        yield program, outcome(program, backend)


def failures(seeds: range, backend: str) -> list[str]:
    """The programs that give something else when they are compiled, and what."""
    return [f"seed {program.seed}: {said}\n{program.text()}" for program, said in outcomes(seeds, backend) if said]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("programs", type=int)
    parser.add_argument("--backend", default="numpy")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--show", action="store_true", help="print also what is alike by the last measure")
    options = parser.parse_args()
    start, failed, alike = time.perf_counter(), 0, [0, 0, 0]
    for program, said in outcomes(range(options.first, options.first + options.programs), options.backend):
        if not said:
            alike[program.likeness] += 1
            if options.show and program.likeness == FAR:
                print(f"seed {program.seed} is rounded otherwise\n{program.text()}", flush=True)
            continue
        failed += 1
        smaller = program.shrunk(options.backend)
        print(f"seed {program.seed}: {outcome(smaller, options.backend) or said}")
        for i, kind in enumerate(program.arguments):
            print(f"  a{i}: {kind}")
        for i, kind in enumerate(program.outside):
            print(f"  o{i}: {kind}")
        print(smaller.text(), flush=True)
    same, near, far = alike
    print(f"{options.programs} programs in {time.perf_counter() - start:.0f} s, {failed} mismatches:", end=" ")
    print(f"{same} the same numbers, {near} to rounding, {far} to what lines that are rounded otherwise give")
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())
