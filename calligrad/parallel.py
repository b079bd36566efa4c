"""A few threads for what NumPy does without the interpreter's lock: copies, ufuncs and matrix products of arrays."""

from __future__ import annotations

import contextvars
import ctypes
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np

MOST = 8  # threads; more of them wait for the interpreter's lock


def count() -> int:
    """How many threads work at once: the processors this process may use, at most ``OMP_NUM_THREADS``.

    >>> from calligrad import parallel
    >>> 1 <= parallel.count() <= parallel.MOST
    True
    """
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    return max(1, min(MOST, processors, int(wanted) if wanted.isdigit() else MOST))


def run(f: Callable[[Any], Any], chunks: Iterable[Any]) -> list[Any]:
    """``[f(chunk) for chunk in chunks]``, on several threads, the caller's among them.

    Meanwhile OpenBLAS works on one thread for each caller: its own threads would wait for each other by spinning, on
    the processors that these threads want.

    The results are the same on any number of threads, provided that no call of ``f`` writes what another reads. Work
    of less than about 0.1 ms is better given as a single chunk, which no other thread sees. A call within a call runs
    on its own thread. If a call raises, those that have not begun are dropped, the others are waited for, and the
    error is raised here.

    >>> import numpy as np
    >>> from calligrad import parallel
    >>> x, y = np.arange(6.0), np.empty(6)
    >>> _ = parallel.run(lambda chunk: np.sqrt(x[chunk], out=y[chunk]), [slice(0, 3), slice(3, 6)])
    >>> bool(np.all(y == np.sqrt(x)))
    True
    """
    chunks = list(chunks)
    helpers = 0 if len(chunks) < 2 or getattr(_thread, "busy", False) else min(count(), len(chunks)) - 1
    if not helpers:
        return [f(chunk) for chunk in chunks]
    task = _Task(f, chunks)
    _hire(helpers)
    with one_blas_thread():
        try:
            for _ in range(helpers):
                _offers.put((contextvars.copy_context(), task))  # so that np.errstate holds there too
            task.work()
        finally:
            task.todo.clear()
            with task.ended:
                task.ended.wait_for(lambda: not task.working)
    if task.error is None:
        return task.results
    error, task.error = task.error, None
    try:
        raise error
    finally:
        del error  # whose traceback would hold itself, and the arrays with it


class _Task:
    """The calls that are left, and what came of the others."""

    def __init__(self, f: Callable[[Any], Any], chunks: list[Any]) -> None:
        self.f = f
        self.todo = deque(enumerate(chunks))
        self.results: list[Any] = [None] * len(chunks)
        self.error: BaseException | None = None
        self.working = 0  # threads that are at it
        self.ended = threading.Condition()

    def work(self) -> None:
        """Call after call, until none is left; one that comes late finds none."""
        with self.ended:
            self.working += 1
        try:
            _thread.busy = True
            while self.todo:
                try:
                    i, chunk = self.todo.popleft()
                except IndexError:  # another thread took the last
                    break
                self.results[i] = self.f(chunk)
        except BaseException as error:
            self.todo.clear()
            self.error = self.error or error
        finally:
            _thread.busy = False
            with self.ended:
                self.working -= 1
                self.ended.notify_all()


_thread = threading.local()  # busy: whether this thread is within a run
_offers: SimpleQueue[tuple[contextvars.Context, _Task]] = SimpleQueue()
_hired: list[threading.Thread] = []
_hiring = threading.Lock()


def _hire(helpers: int) -> None:
    """Start what is lacking of so many threads; they wait for work until the program ends."""
    if len(_hired) < helpers:
        with _hiring:
            while len(_hired) < helpers:
                _hired.append(threading.Thread(target=_help, name="calligrad", daemon=True, args=(_offers,)))
                _hired[-1].start()


def _help(offers: SimpleQueue) -> None:
    while True:
        context, task = offers.get()
        context.run(task.work)
        del context, task  # or the arrays of this task would live until the next


# ---------------------------------------------------------------- OpenBLAS


@cache
def _openblas() -> tuple[Callable[[], int], Callable[[int], None]] | None:
    """How to read and to set the number of its threads, if NumPy's wheel brings it."""
    package = Path(np.__file__).parent
    for path in [*package.with_name("numpy.libs").glob("*openblas*"), *package.glob(".dylibs/*openblas*")]:
        try:
            library = ctypes.CDLL(str(path))
        except OSError:
            continue
        for prefix, suffix in (("scipy_", "64_"), ("scipy_", ""), ("", "64_"), ("", "")):
            get = getattr(library, f"{prefix}openblas_get_num_threads{suffix}", None)
            set_to = getattr(library, f"{prefix}openblas_set_num_threads{suffix}", None)
            if get and set_to:
                return get, set_to
    return None


_runs = 0  # that go on at this moment, on the threads of the program
_wanted = 1  # threads of OpenBLAS when none goes on
_counting = threading.Lock()


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Within it OpenBLAS works on one thread for each caller, and not on threads of its own."""
    _blas_threads(+1)
    try:
        yield
    finally:
        _blas_threads(-1)


def _blas_threads(change: int) -> None:
    """A run has begun, or one has ended: the first leaves OpenBLAS one thread, the last gives the others back."""
    global _runs, _wanted
    if (blas := _openblas()) is None:
        return
    get, set_to = blas
    with _counting:
        if _runs == 0:
            _wanted = get()
        _runs += change
        set_to(1 if _runs else _wanted)


# ---------------------------------------------------------------- forking


def _after_fork() -> None:
    """A child process has none of its parent's threads."""
    global _offers, _hiring, _counting, _runs
    _offers, _hiring, _counting = SimpleQueue(), threading.Lock(), threading.Lock()
    if _runs:
        _runs = 1
        _blas_threads(-1)
    _hired.clear()
    _thread.busy = False


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
