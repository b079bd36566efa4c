"""Executable: a lowered program, to be run on the inputs of each run."""

from __future__ import annotations

import sys
import threading
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

from calligrad import parallel
from calligrad.compiler.backends.numba.lowering import Call, Lowering, Task
from calligrad.compiler.backends.numba.memory import Root, laid_out
from calligrad.compiler.program import Var, mapped
from calligrad.kernels.runtime import Line, Table

WORTH = 25_000  # nanoseconds of work from which on a second thread is worth its hand-over


class Executable:
    """Called with the list of a program's inputs, it gives the tuple of its outputs."""

    def __init__(self, lowering: Lowering) -> None:
        self.lowering = lowering
        program, memory = lowering.program, lowering.memory
        self.outputs = program.outputs
        self.errors = lowering.errors
        self.errors.checks = [self._call(Call(line)) for line in lowering.checked]
        self._lock = threading.Lock()
        self._moving: dict[tuple[str, int], list[tuple[np.ndarray, int, int]]] = {}
        self.segments: list[Table | Callable] = []
        group: list[Task] = []
        for task in [*lowering.tasks, None]:
            if isinstance(task, Task):
                group.append(task)
                continue
            if group:
                self.segments.append(self._table(group))
                group = []
            if task is not None:
                self.segments.append(self._call(task))
        scalar = {var for var in program.inputs if memory.at[var].root.kind == "scalar"}
        self._scalars = [(i, lowering.array(var)) for i, var in enumerate(program.inputs) if var in scalar]
        self._arrays = [
            (i, self._moving[key]) for i in range(len(program.inputs)) if (key := ("input", i)) in self._moving
        ]
        self._seen: list[Any] = [_nothing] * len(self._arrays)
        self._pools = {k: _Pool(var, self._moving.get(("output", k), [])) for k, var in memory.fresh.items()}
        self._results = [self._result(k, var) for k, var in enumerate(program.outputs)]
        self._inputs: list[Any] = []
        self._made: dict[int, np.ndarray] = {}

    # ---- building

    def _table(self, tasks: list[Task]) -> tuple[Table, int]:
        lines = []
        written: set[Root] = set()
        read: set[Root] = set()
        for task in tasks:
            needs = _touch(task.reads, written) or _touch(task.writes, written) or _touch(task.writes, read)
            if needs:
                written, read = set(), set()
            written.update(task.writes)
            read.update(task.reads)
            lines.append(Line(task.kernel, task.words, needs))
            for word, root, offset in task.moving:
                self._moving.setdefault((root.kind, root.index), []).append((task.words, word, offset))
        weight = sum(task.weight for task in tasks)
        threads = parallel.count() if weight > WORTH else 1
        return Table(lines, errors=self.errors), threads

    def _call(self, call: Call) -> Callable[[], None]:
        """A line that NumPy runs."""
        line = call.line
        fetch = {var: self._fetched(var) for var in dict.fromkeys(line.ins)}
        stores = [self._stored(out) for out in line.outs]
        checks = getattr(line.op, "checks", False)

        def run() -> None:
            def now(x: Any) -> Any:
                return fetch[x]() if type(x) is Var else x

            result = line.op(*mapped(now, line.args), **mapped(now, line.kwargs))
            if checks:
                return
            for store, part in zip(stores, result if len(stores) > 1 else (result,), strict=True):
                store(part)

        return run

    def _fetched(self, var: Var) -> Callable[[], Any]:
        """A function that gives the array in this run."""
        location = self.lowering.at(var)
        root = location.root
        if root.kind in ("own", "constant"):
            array = self.lowering.array(var)
            return (lambda: array[()]) if not var.shape and var.is_scalar else lambda: array
        if root.kind == "scalar":
            return lambda: self._inputs[root.index]
        shape, strides, offset = location.like.shape, location.like.strides, location.offset

        def view() -> np.ndarray:
            whole = self._inputs[root.index] if root.kind == "input" else self._made[root.index]
            if location.like is root.whole:
                return whole
            return np.asarray(_Lying(whole, shape, var.dtype, strides, offset))

        return view

    def _stored(self, var: Var) -> Callable[[Any], None]:
        fetch = self._fetched(var)
        if self.lowering.at(var).root.kind in ("own", "constant"):
            array = self.lowering.array(var)

            def store(part: Any) -> None:
                array[...] = part
        else:

            def store(part: Any) -> None:
                fetch()[...] = part

        return store

    def _result(self, k: int, var: Var) -> Callable[[], Any]:
        memory = self.lowering.memory
        if k in memory.fresh:
            return lambda: self._made[k]
        if k in memory.in_place:
            return lambda: self._inputs[memory.in_place[k]]
        fetch = self._fetched(var)
        if var.weak:
            return lambda: np.asarray(fetch()).item()
        if not var.shape and var.is_scalar:
            return lambda: np.asarray(fetch())[()]
        return lambda: np.array(fetch(), order="K")

    # ---- running

    def __call__(self, inputs: list[Any]) -> tuple:
        with self._lock:
            self._inputs = inputs
            for i, place in self._scalars:
                place[...] = inputs[i]
            seen = self._seen
            for n, (i, words) in enumerate(self._arrays):
                array = inputs[i]
                if seen[n]() is not array:
                    address = array.__array_interface__["data"][0]
                    for row, word, offset in words:
                        row[word] = address + offset
                    seen[n] = weakref.ref(array)
            made = self._made = {k: pool.take() for k, pool in self._pools.items()}
            try:
                for segment in self.segments:
                    if type(segment) is tuple:
                        segment[0].run(segment[1])
                    else:
                        segment()
                return tuple([result() for result in self._results])
            finally:
                made.clear()
                self._inputs = []


def _nothing() -> None:
    """A weak reference to nothing."""


def _touch(roots: list[Root], others: set[Root]) -> bool:
    """Whether some memory is among the others."""
    return any(root in others or any(_overlap(root, other) for other in others) for root in roots)


def _overlap(a: Root, b: Root) -> bool:
    if a.kind == "own" == b.kind:
        return a.offset < b.offset + b.nbytes and b.offset < a.offset + a.nbytes
    return (a.kind, a.index) == (b.kind, b.index) or {a.kind, b.kind} == {"input"}  # inputs may overlap each other


class _Lying:
    """Part of an array's memory, for NumPy to take as an array; it keeps the whole alive."""

    def __init__(self, whole: np.ndarray, shape: Any, dtype: np.dtype, strides: Any, offset: int) -> None:
        address, read_only = whole.__array_interface__["data"]
        self.whole = whole
        self.__array_interface__ = {
            "data": (address + offset, read_only), "shape": shape, "strides": strides, "typestr": dtype.str, "version": 3
        }  # fmt: skip


class _Pool:
    """Arrays for one output: one that nobody else holds any more is used again."""

    def __init__(self, var: Var, words: list[tuple[np.ndarray, int, int]]) -> None:
        self.var, self.words = var, words
        self.arrays: list[tuple[np.ndarray, int]] = []
        self.current = 0

    def take(self) -> np.ndarray:
        """An array that nobody else holds, to which the words now point."""
        for array, address in self.arrays:
            if sys.getrefcount(array) <= 3:  # the pool's pair, this name, and the question itself
                break
        else:
            array = laid_out(self.var)
            address = array.__array_interface__["data"][0]
            if len(self.arrays) == 3:
                self.arrays.pop(0)
            self.arrays.append((array, address))
        if address != self.current:
            for row, word, offset in self.words:
                row[word] = address + offset
            self.current = address
        return array
