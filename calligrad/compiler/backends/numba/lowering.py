"""Lowering: each line of a program as kernels with their words, or as a call of NumPy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from calligrad.compiler.backends.numba.memory import ALIGN, Location, Memory, Root
from calligrad.compiler.passes.epilogues import with_epilogues
from calligrad.compiler.program import Line, Program, Var
from calligrad.kernels.runtime import Errors

LOWERINGS: dict[Any, Callable[[Lowering, Line], bool]] = {}
"""Operation -> what makes kernels of a line, or says False if it cannot. The modules beside fill it."""


def lowers(*ops: Any) -> Callable:
    """Declare what makes kernels of the lines of some operations."""

    def declare(f: Callable) -> Callable:
        LOWERINGS.update(dict.fromkeys(ops, f))
        return f

    return declare


@dataclass
class Task:
    """A kernel to be run: its words, which of them are addresses that change, and what it reads and writes."""

    kernel: Any
    words: np.ndarray
    reads: list[Root]
    writes: list[Root]
    moving: list[tuple[int, Root, int]] = field(default_factory=list)  # word, root, bytes from its start
    weight: float = 0.0  # about how many nanoseconds one thread takes


@dataclass
class Call:
    """A line that NumPy runs, on arrays."""

    line: Line


class Lowering:
    """A program's memory, and its tasks and calls in order."""

    def __init__(self, program: Program) -> None:
        from calligrad.compiler.backends.numba import (  # noqa: F401, they fill LOWERINGS
            borders,
            checks,
            convolutions,
            kinds,
            moves,
            pooling,
            products,
            recurrent,
            selection,
        )

        self.program = program = with_epilogues(program)
        self.memory = Memory(program)
        self.arena = np.zeros(self.memory.bytes + ALIGN, np.uint8)
        self.start = -(-self.arena.ctypes.data // ALIGN) * ALIGN
        self.scalars = np.zeros(2 * max(1, len(program.inputs)))  # a place of 16 bytes for each input that is a number
        self.kept: list[Any] = []  # memory that tasks use beside
        self.errors = Errors()
        self.checked: list[Line] = []  # lines that are called if a check of theirs fails
        self.spaces: dict[str, int] = {}  # of that, what several tasks share
        self.tasks: list[Task | Call] = []
        self.called: list[tuple[Line, str]] = []  # lines that NumPy runs, and why
        self.line: Line  # that is being lowered
        for n, line in enumerate(program.lines):
            if n in self.memory.free:
                continue
            self.line = line
            lower = LOWERINGS.get(line.op) or LOWERINGS.get(type(line.op))
            if lower is None or not lower(self, line):
                self.tasks.append(Call(line))

    def checks(self, line: Line) -> int:
        """The number of a check, which calls the line if it fails."""
        self.checked.append(line)
        return len(self.checked) - 1

    # ---- addresses

    def at(self, var: Var) -> Location:
        """Where the array lies."""
        return self.memory.at[var]

    def address(self, root: Root) -> int:
        """Where the memory begins, or 0 if that is another place in each run."""
        if root.kind == "own":
            return self.start + root.offset
        if root.kind == "constant":
            return root.whole.__array_interface__["data"][0]
        if root.kind == "scalar":
            return self.scalars.ctypes.data + 16 * root.index
        return 0

    def point(self, task: Task, word: int, location: Location, more: int = 0) -> None:
        """Have a word of the task be the address of an array, or so many bytes behind it."""
        offset = location.offset + more
        assert abs(offset) <= location.root.nbytes
        if base := self.address(location.root):
            task.words[word] = base + offset
        else:
            task.moving.append((word, location.root, offset))

    def space(self, nbytes: int) -> int:
        """The address of memory that a task has for itself."""
        memory = np.zeros(nbytes + ALIGN, np.uint8)
        self.kept.append(memory)
        return -(-memory.ctypes.data // ALIGN) * ALIGN

    def part(self, address: int) -> Root:
        """Memory of a task's own as a root, so that who reads it waits."""
        return Root("partial", address, np.empty(0))

    def array(self, var: Var) -> np.ndarray:
        """The array itself, if it is always at the same place."""
        location = self.at(var)
        base = self.address(location.root)
        if location.root.kind not in ("own", "scalar"):
            return location.like
        owner: np.ndarray = self.arena if location.root.kind == "own" else self.scalars
        flat = owner.view(np.uint8)
        offset = base - flat.ctypes.data + location.offset
        return np.ndarray(location.like.shape, var.dtype, flat, offset, location.like.strides)
