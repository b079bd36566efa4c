"""Tables of kernels, run by one call from Python: on the caller's thread, or on several that walk side by side.

A kernel is called as ``kernel(thread, threads, args)`` and does the share of one thread. In a team all threads walk the
same table, line by line; where a line needs what others have written, they wait there for each other. The waiting is a
loop that looks at a word of memory: with it a line costs a fraction of a microsecond, where a lock costs ten.

The helpers are threads of Python, but they wait in machine code, without the interpreter's lock. One that has found
nothing to do for a while sleeps on a lock until it is needed again.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
import weakref
from collections.abc import Callable, Sequence
from functools import cache
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from calligrad import parallel
from calligrad.kernels import native
from calligrad.kernels.cache import Kernel, compile_kernel

# A team's memory is made of lines of the cache, so that no thread disturbs another that looks at its own: SHARED lines,
# then one for each thread. These are the words of the shared lines, and of a thread's own, in bytes from the first.
LINE = 128
SELF, YIELD, SLEEP, WAKE, TABLE, THREADS, ARRIVED, GENERATION, SHARED = 0, 8, 16, 24, 32, 40, LINE, 2 * LINE, 3
TICKET, ASLEEP, LOCK = 0, 8, 16

SHORT = 20e-6  # seconds for which a table keeps the interpreter's lock: giving it up may cost more
FIRST, ALONE = ctypes.c_int64(0), ctypes.c_int64(1)  # thread, threads: what is made once need not be made at each call

OUT_OF_BOUNDS = 1  # fail(errors, OUT_OF_BOUNDS, index, axis, size, Errors.asked_by(line))
CHECK = 2  # fail(errors, CHECK, number, 0, 0, 0)
REASONS: dict[int, Callable[[int, int, int], Exception]] = {
    OUT_OF_BOUNDS: lambda index, axis, size: IndexError(
        f"index {index} is out of bounds for axis {axis} with size {size}"
    )
}


class Line(NamedTuple):
    """A kernel, its words, and whether the threads wait for each other before it."""

    kernel: Kernel
    args: np.ndarray
    barrier: bool = True


class Errors:
    """Where kernels report what they cannot do, with ``atomics.fail(errors.address, code, a, b, c, line)``."""

    def __init__(self) -> None:
        self.words = (ctypes.c_int64 * 5)()  # the first is 0 as long as all is well
        self.checks: list[Callable[[], Any]] = []  # what raises when the check of that number has failed
        self._lines = [""]  # of the user's program
        self.address = ctypes.addressof(self.words)

    def asked_by(self, line: str) -> int:
        """The number of a line of the user's, by which an error tells what asked for the operation."""
        if line not in self._lines:
            self._lines.append(line)
        return self._lines.index(line)

    def check(self) -> None:
        """Raise what was reported, if anything was, and forget it."""
        code, *details, number = self.words
        self.words[0] = 0
        if code == CHECK:
            self.checks[details[0]]()
        elif code:
            error = REASONS[code](*details)
            if line := self._lines[number]:
                error.add_note(f"in what {line} asked for")
            raise error


class Table:
    """Lines that are run in their order, as often as wanted; their words are read at each run.

    ``errors`` is where the kernels of these lines report errors; after one, the lines that are left are skipped.

    >>> import numpy as np
    >>> from calligrad.kernels.cache import compile_kernel
    >>> from calligrad.kernels.runtime import Line, Table
    >>> double = compile_kernel('''
    ... def double(thread, threads, args):
    ...     for i in range(1 + thread, 1 + args[0], threads):
    ...         args[i] *= 2
    ... ''', "double")
    >>> args = np.array([3, 1, 2, 3])
    >>> Table([Line(double, args), Line(double, args)]).run(threads=2)
    >>> args
    array([ 3,  4,  8, 12])
    """

    def __init__(self, lines: Sequence[Line], *, errors: Errors | None = None) -> None:
        self.lines = list(lines)
        self.errors = errors or Errors()
        for line in self.lines:
            if line.args.dtype != np.int64 or not line.args.flags.c_contiguous:
                raise TypeError(f"{line.kernel.name}: args must be contiguous int64, not {line.args.dtype}")
        self._rows = np.array([(k.address, args.ctypes.data, barrier) for k, args, barrier in self.lines], np.int64)
        rows = self._rows.ctypes.data
        self._words = (ctypes.c_int64 * 5)(rows, rows + self._rows.nbytes, self.errors.address)
        self._words[4] = ctypes.addressof(self._words)
        self._pointer = ctypes.c_void_p(self._words[4])
        self._failed = self.errors.words
        self._alone = _native("walk")
        self._is_short = False  # a run on one thread
        self._running = threading.Lock()
        _tables.add(self)

    def run(self, threads: int = 1) -> None:
        """Run all lines on so many threads, or on one if others are running a table; raise what a kernel reported.

        The results are the same for any number of threads. A second call at the same time waits for the first.
        """
        with self._running:
            self.walk(threads)

    def walk(self, threads: int = 1) -> None:
        """``run``, for a caller who has seen to it that there is no second one at the same time."""
        if threads > 1 and _team.free.acquire(blocking=False):
            try:
                self._words[3] = _team.address
                _team.run(self._pointer, threads)
            finally:
                _team.free.release()
        elif self._is_short:
            self._alone(FIRST, ALONE, self._pointer)
        else:
            start = perf_counter()
            self._alone(FIRST, ALONE, self._pointer)
            if perf_counter() - start < SHORT and not self._failed[0]:
                self._is_short, self._alone = True, _native("walk", ctypes.PYFUNCTYPE)
        if self._failed[0]:
            self.errors.check()


@cache
def _native(name: str, convention: Callable = ctypes.CFUNCTYPE) -> Callable[[Any, Any, Any], None]:
    """A loop of ``teamwork.py``; called without the interpreter's lock, or, as a ``PYFUNCTYPE``, with it."""
    kernel = compile_kernel(f"from calligrad.kernels.teamwork import {name}", name)
    return convention(None, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p)(kernel.address)


# ---------------------------------------------------------------- the team


class _Team:
    """Threads that walk tables together with a caller."""

    def __init__(self) -> None:
        self.free = threading.Lock()
        self.helpers = 0
        size = LINE * (SHARED + parallel.MOST)
        memory = native.keep(np.zeros((size + LINE) // 8, np.int64))  # at which the helpers look to the last
        start = -memory.ctypes.data % LINE // 8
        self.words = memory[start : start + size // 8]
        self.words[SELF // 8] = self.address = self.words.ctypes.data

    def run(self, table: ctypes.c_void_p, threads: int) -> None:
        """Walk a table with helpers, who are hired when they are needed first."""
        threads = min(threads, parallel.MOST)
        if self.helpers < threads - 1:
            self._hire(threads - 1)
        _native("lead")(FIRST, threads, table)

    def _hire(self, helpers: int) -> None:
        system = ctypes.pythonapi
        system.PyThread_allocate_lock.restype = ctypes.c_void_p
        if sys.platform == "win32":
            give_way = ctypes.windll.kernel32.SwitchToThread
        else:
            give_way = ctypes.CDLL(None).sched_yield
        for at, function in (
            (YIELD, give_way),
            (SLEEP, system.PyThread_acquire_lock),
            (WAKE, system.PyThread_release_lock),
        ):
            self.words[at // 8] = ctypes.cast(function, ctypes.c_void_p).value
        while self.helpers < helpers:
            thread = self.helpers + 1
            lock = system.PyThread_allocate_lock()
            system.PyThread_acquire_lock(ctypes.c_void_p(lock), 1)
            self.words[(LINE * (SHARED + thread) + LOCK) // 8] = lock
            work = (thread, 0, self.address)
            helper = threading.Thread(target=_native("serve"), name="calligrad kernels", daemon=True, args=work)
            self.helpers += 1
            try:
                helper.start()
            except RuntimeError:  # too many threads
                self.helpers -= 1
                raise


_team = _Team()
_tables: weakref.WeakSet[Table] = weakref.WeakSet()


def _after_fork() -> None:
    """A child process has none of its parent's threads."""
    global _team
    _team = _Team()
    for table in _tables:
        table._running = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
