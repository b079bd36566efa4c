"""Random programs of NumPy calls, run eagerly and compiled: ``python -m tests.compiler.programs 10000``.

A program is the text of a function, drawn from a seed: calls with random shapes (0 and 1 among them), dtypes, views,
and writes through views of views, into arguments, and into arrays that it closes over; random draws; gradients. Each
line is tried on arrays as it is drawn, so that all of them are valid.
"""

from __future__ import annotations

import argparse
import copy
import sys
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

import calligrad
from tests.compiler import calls

RUNS = 3  # one that captures, two that replay
TOLERANCES = {"float64": 1e-12, "float32": 1e-5, "complex64": 1e-5, "float16": 1e-2}  # as numbers of these take part


class Program:
    """A drawn function, as lines of text, and the kinds of its arrays."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.seed = seed
        sizes = self.rng.choice([0, 1, 2, 3, 4, 5], 4, p=[0.04, 0.16, 0.2, 0.2, 0.2, 0.2]).tolist()
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

    def run(self, backend: str) -> str:
        """Run it eagerly and compiled; "" if all is the same, and otherwise what differs."""
        n = len(self.arguments)
        compiled: Any = None
        fresh = self.state(0)
        outside = fresh[n:-1]  # the compiled function's own, which live on from run to run
        eager_outside = copy.deepcopy(outside)
        for i, (kind, own) in enumerate(zip(self.outside, eager_outside)):
            eager_outside[i] = kind.laid_out(own)
        for run in range(RUNS):
            numbers = self.state(run)
            for theirs, ours, new in zip(outside, eager_outside, numbers[n:-1]):
                if theirs.flags.writeable and run:
                    theirs[...] = ours[...] = new
            mine = [kind.laid_out(x) for kind, x in zip(self.arguments, copy.deepcopy(numbers[:n]))]
            calligrad.random.seed(run)
            try:
                expected = self.made(eager_outside)(*mine, numbers[-1])
            except Exception as error:
                raise Invalid from error  # of other numbers it is no program
            drawn = calligrad.random.state()
            calligrad.random.seed(run)
            if compiled is None:
                compiled = calligrad.compile(self.made(outside), backend=backend)
            try:
                got = compiled(*numbers[:n], numbers[-1])
            except Exception as error:
                return f"run {run}: {type(error).__name__}: {error}"
            pairs = [*zip(self.results, got, expected, strict=True)]
            pairs += [(f"a{i}", x, y) for i, (x, y) in enumerate(zip(numbers[:n], mine))]
            pairs += [(f"o{i}", x, y) for i, (x, y) in enumerate(zip(outside, eager_outside))]
            for name, x, y in pairs:
                if difference := differs(x, y, self.tolerance):
                    return f"run {run}: {name} {difference}"
            if drawn != calligrad.random.state():
                return f"run {run}: other draws"
        return "" if len(compiled.runs) == 1 else "captured more than once"

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


_GIVEN = {"np", "calligrad", "s", "__builtins__"}


class Invalid(Exception):
    """NumPy refuses the program."""


def differs(x: Any, y: Any, tolerance: float) -> str:
    """How ``x`` is not ``y``, bit for bit or to within so much of the largest number."""
    if type(x) is not type(y) and not (isinstance(x, float) and isinstance(y, float)):
        return f"is {type(x).__name__}, not {type(y).__name__}"
    x, y = np.asarray(x), np.asarray(y)
    if (x.shape, x.dtype) != (y.shape, y.dtype):
        return f"is {x.dtype}{list(x.shape)}, not {y.dtype}{list(y.shape)}"
    if x.tobytes() == y.tobytes() or np.array_equal(x, y, equal_nan=True):
        return ""
    if x.dtype.kind in "fc":
        same = (x == y) | (np.isnan(x) & np.isnan(y))
        scale = np.max(np.abs(np.where(np.isfinite(y), y, 0)), initial=1)
        if np.all(same | (np.abs(x - y) <= scale * tolerance)):
            return ""
    return f"is {x.ravel()[:4]} …, not {y.ravel()[:4]} …"


def outcome(program: Program, backend: str) -> str:
    """What ``program.run`` says; "" for what is no program."""
    with np.errstate(all="ignore"):
        try:
            return program.run(backend)
        except Invalid:
            return ""


def failures(seeds: range, backend: str) -> Iterator[tuple[Program, str]]:
    """The programs that give something else when they are compiled, and what."""
    for seed in seeds:
        program = Program(seed)
        if said := outcome(program, backend):
            yield program, said


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("programs", type=int)
    parser.add_argument("--backend", default="numpy")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    options = parser.parse_args()
    start, failed = time.perf_counter(), 0
    for program, said in failures(range(options.first, options.first + options.programs), options.backend):
        failed += 1
        smaller = program.shrunk(options.backend)
        print(f"seed {program.seed}: {outcome(smaller, options.backend) or said}")
        for i, kind in enumerate(program.arguments):
            print(f"  a{i}: {kind}")
        for i, kind in enumerate(program.outside):
            print(f"  o{i}: {kind}")
        print(smaller.text(), flush=True)
    print(f"{options.programs} programs, {failed} mismatches, {time.perf_counter() - start:.0f} s")
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())
