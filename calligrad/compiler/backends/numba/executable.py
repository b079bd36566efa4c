"""Executable: a lowered program, to be run on the inputs of each run."""

from __future__ import annotations

import os
import sys
import threading
import weakref
from collections.abc import Callable
from sys import getrefcount
from typing import Any

import numpy as np

from calligrad import parallel
from calligrad.compiler.backends.numba.lowering import Call, Lowering, Task
from calligrad.compiler.backends.numba.memory import Root, laid_out
from calligrad.compiler.program import Var, mapped
from calligrad.compiler.wording import tell_line
from calligrad.kernels.runtime import Line, Table

WORTH = 25_000  # nanoseconds of work from which on a second thread is worth its hand-over


class Executable:
    """A lowered program with all that a run needs; ``run`` is the run. So many arrays are kept for each output."""

    def __init__(self, lowering: Lowering, keep: int = 3) -> None:
        self.lowering = lowering
        program, memory = lowering.program, lowering.memory
        self.outputs = program.outputs
        self.errors = lowering.errors
        self._fetches = False  # whether anything asks for inputs and outputs while it runs
        self.errors.checks = [self._call(Call(line)) for line in lowering.checked]
        self._lock = threading.Lock()
        _executables.add(self)
        self._moving: dict[tuple[str, int], list[tuple[memoryview, int, int]]] = {}  # words, which, bytes from there
        self.segments: list[tuple[Table, int] | Callable[[], None]] = []
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
        self._inputs: Any = None
        self._made: dict[int, np.ndarray] = {}
        self._written = frozenset(memory.in_place.values())
        self._seen: list[Any] = [_nothing] * len(program.inputs)
        self._pools = {k: _Pool(var, self._moving.get(("output", k), []), keep) for k, var in memory.fresh.items()}
        self.run = self._script()
        """Called with the list of the inputs, it gives the tuple of the outputs."""

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
                self._moving.setdefault((root.kind, root.index), []).append((task.words.data, word, offset))
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

            try:
                result = line.op(*mapped(now, line.args), **mapped(now, line.kwargs))
            except Exception as error:
                tell_line(error, line.where)
                raise
            if checks:
                return
            for store, part in zip(stores, result if len(stores) > 1 else (result,), strict=True):
                store(part)

        return run

    def _fetched(self, var: Var) -> Callable[[], Any]:
        """A function that gives the array in this run, or the number where NumPy gave one."""
        location = self.lowering.at(var)
        if location.root.kind == "scalar" and location.like is location.root.whole:
            self._fetches = True
            return lambda: self._inputs[location.root.index]
        found = self._found(var)
        return (lambda: found()[()]) if not var.shape and var.is_scalar else found

    def _found(self, var: Var) -> Callable[[], np.ndarray]:
        """A function that gives the array in this run, which may be written into."""
        location = self.lowering.at(var)
        root = location.root
        if root.kind in ("own", "constant", "scalar"):
            array = self.lowering.array(var)
            return lambda: array
        shape, strides, offset = location.like.shape, location.like.strides, location.offset
        self._fetches = True

        def view() -> np.ndarray:
            whole = self._inputs[root.index] if root.kind == "input" else self._made[root.index]
            if location.like is root.whole and whole.shape == shape:  # a result may have another shape
                return whole
            return np.asarray(_Lying(whole, shape, var.dtype, strides, offset))

        return view

    def _stored(self, var: Var) -> Callable[[Any], None]:
        found = self._found(var)

        def store(part: Any) -> None:
            found()[...] = part

        return store

    def _result(self, k: int, var: Var, scope: dict[str, Any]) -> str:
        """The output as source; without axes it is a number."""
        memory = self.lowering.memory
        if k in memory.fresh:
            return f"m{k}"
        if k in memory.in_place:
            return f"inputs[{memory.in_place[k]}]"
        root = self.lowering.at(var).root
        if root.kind in ("own", "constant") and not var.shape:
            scope[f"r{k}"] = self.lowering.array(var)
            return f"r{k}.item()" if var.weak else f"r{k}[()]"
        scope[f"r{k}"] = self._fetched(var)
        if not var.shape:
            return f"asarray(r{k}())" + (".item()" if var.weak else "[()]")
        return f"array(r{k}(), order='K')"

    def _script(self) -> Callable[[list[Any]], tuple]:
        """What is to be done in a run, as straight-line Python."""
        program, memory = self.lowering.program, self.lowering.memory
        scope: dict[str, Any] = {
            "self": self, "seen": self._seen, "made": self._made, "move": self._move,
            "asarray": np.asarray, "array": np.array, "ndarray": np.ndarray, "holders": getrefcount,
        }  # fmt: skip
        body: list[str] = []
        for i, var in enumerate(program.inputs):
            if memory.at[var].root.kind == "scalar":
                scope[f"s{i}"] = self.lowering.array(var)
                body.append(f"if inputs[{i}] is not seen[{i}] or type(inputs[{i}]) is ndarray:")
                body.append(f"    s{i}[...] = seen[{i}] = inputs[{i}]")
            elif ("input", i) in self._moving:
                body.append(f"if seen[{i}]() is not inputs[{i}]: move({i}, inputs[{i}])")
        for k, pool in self._pools.items():
            scope[f"pool{k}"] = pool
            body.append(f"m{k} = pool{k}.array if holders(pool{k}.array) <= {ALONE} else pool{k}.take()")
        work: list[str] = []
        for i, segment in enumerate(self.segments):
            scope[f"run{i}"] = segment[0].walk if isinstance(segment, tuple) else segment
            work.append(f"run{i}({segment[1] if isinstance(segment, tuple) else ''})")
        results = "".join(f"{self._result(k, var, scope)}, " for k, var in enumerate(program.outputs))
        work.append(f"return ({results})")
        if self._fetches:
            body += ["self._inputs = inputs", *(f"made[{k}] = m{k}" for k in self._pools)]
            forget = ["    self._inputs = None", "    made.clear()"]
            work = ["try:", *(f"    {line}" for line in work), "finally:", *forget]
        text = ["def run(inputs):", "    with self._lock:", *(f"        {line}" for line in (*body, *work))]
        exec("\n".join(text), scope)
        return scope["run"]

    # ---- running

    def _move(self, i: int, array: np.ndarray) -> None:
        """Input ``i`` is another array than in the last run: tell the kernels."""
        if i in self._written and not array.flags.writeable:
            raise ValueError("assignment destination is read-only")  # as NumPy says it
        address = array.__array_interface__["data"][0]
        for row, word, offset in self._moving["input", i]:
            row[word] = address + offset
        self._seen[i] = weakref.ref(array)


_executables: weakref.WeakSet[Executable] = weakref.WeakSet()


def _after_fork() -> None:
    """In a child process no thread holds a lock."""
    for executable in _executables:
        executable._lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


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
            "data": (address + offset, read_only),
            "shape": shape,
            "strides": strides,
            "typestr": dtype.str,
            "version": 3,
        }


class _Pool:
    """Arrays for one output: one that nobody else holds any more is used again."""

    def __init__(self, var: Var, words: list[tuple[memoryview, int, int]], keep: int) -> None:
        counted = COUNTS and laid_out(var).base is None  # a view of a view holds what is behind both
        self.var, self.words, self.keep = var, words, keep if counted else 0
        self.array: np.ndarray | None = None  # to which the words point, if it may be used again
        self.others: list[np.ndarray] = []

    def take(self) -> np.ndarray:
        """An array that nobody else holds, to which the words point from now on."""
        if self.array is not None:
            self.others = [*self.others, self.array][1 - self.keep :]
            self.array = None
        for i in range(len(self.others)):
            if getrefcount(self.others[i]) <= ALONE:
                array = self.others.pop(i)
                break
        else:
            array = laid_out(self.var)
        address = array.__array_interface__["data"][0]
        for row, word, offset in self.words:
            row[word] = address + offset
        if self.keep:
            self.array = array
        return array


def _alone() -> int:
    pool = _Pool(Var((1,), float), [], 0)
    pool.array = np.empty(1)
    return getrefcount(pool.array)


COUNTS = getattr(sys, "_is_gil_enabled", lambda: True)()
"""Whether the count is exact. Without the interpreter's lock it is not, and every result is a new array."""

ALONE = _alone()
"""What it says of an array that only the pool holds; Python's versions count differently."""
