"""Tables of kernels: every line in its order, whoever runs them beside whom."""

import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

pytest.importorskip("numba")

from calligrad import parallel
from calligrad.kernels.cache import compile_kernel
from calligrad.kernels.runtime import OUT_OF_BOUNDS, Errors, Line, Table

SUMS = """
from calligrad.kernels.vectors import pointer
from numba import types

def sums(thread, threads, args):  # y[i] = x[i] + x[i + 1], round a ring
    n, x, y = args[0], pointer(args[1], types.int64), pointer(args[2], types.int64)
    for i in range(thread, n, threads):
        y[i] = x[i] + x[(i + 1) % n]
"""
LOOK_UP = f"""
from calligrad.kernels.atomics import fail

def look_up(thread, threads, args):
    if args[1] >= 5 and thread == 0:
        fail(args[0], {OUT_OF_BOUNDS}, args[1], 0, 5, 0)
    else:
        args[2 + thread] += 1
"""
SPIN = """
def spin(thread, threads, args):
    for i in range(args[0]):
        args[1 + thread] = (args[1 + thread] * 3 + i) % 1000003
"""


def rounds(n=5, times=50):
    """A table in which every line needs what all threads wrote in the one before; and its arrays."""
    x, y = np.arange(n), np.zeros(n, int)
    there, back = (np.array([n, a.ctypes.data, b.ctypes.data]) for a, b in ((x, y), (y, x)))
    sums = compile_kernel(SUMS, "sums")
    return Table([Line(sums, there), Line(sums, back)] * times), x, y


def rounds_by_numpy(n=5, times=50):
    x = np.arange(n)
    for _ in range(2 * times):
        x = x + np.roll(x, -1)
    return x


def long(threads=1, turns=20_000_000):
    return Table([Line(compile_kernel(SPIN, "spin"), np.array([turns, *range(threads)]))])


def run_and_wait(table, threads):
    table.run(threads)
    time.sleep(1)


@pytest.mark.parametrize("threads", [1, 2, 3, 8, 20])
def test_lines_wait_for_each_other(threads):
    table, x, _ = rounds()
    table.run(threads)
    assert np.array_equal(x, rounds_by_numpy())
    table.run(threads)
    assert np.array_equal(x, rounds_by_numpy(times=100))


def test_no_lines():
    Table([]).run()
    Table([]).run(2)


def test_without_a_barrier_no_thread_waits():
    source = """
from calligrad.kernels.atomics import load, store
from calligrad.kernels.vectors import pointer

def knock(thread, threads, args):  # the first waits in this line for what the second does in the next
    while thread == 0 and load(args[0]) == 0:
        pass

def answer(thread, threads, args):
    if thread == 1:
        store(args[0], 1)
"""
    door = np.zeros(1, int)
    args = np.array([door.ctypes.data])
    knock, answer = (compile_kernel(source, name) for name in ("knock", "answer"))
    Table([Line(knock, args), Line(answer, args, barrier=False)]).run(2)
    assert door[0] == 1


@pytest.mark.parametrize("threads", [1, 2])
def test_an_error_ends_the_table_and_is_forgotten(threads):
    errors = Errors()
    look_up = compile_kernel(LOOK_UP, "look_up")
    tables = [np.array([errors.address, index, 0, 0]) for index in (4, 5, 1)]
    table = Table([Line(look_up, args) for args in tables], errors=errors)
    for _ in range(2):
        with pytest.raises(IndexError, match="index 5 is out of bounds for axis 0 with size 5"):
            table.run(threads)
    assert tables[0][2] == 2
    assert not tables[2][2:].any()
    tables[1][1] = 0
    table.run(threads)
    assert tables[2][2] == 1


def test_tables_at_once():
    """Whoever does not get the helpers runs alone."""
    made = [rounds() for _ in range(4)]

    def run_often(table):
        for _ in range(20):
            table.run(2)

    threads = [threading.Thread(target=run_often, args=(table,)) for table, _, _ in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for _, x, _ in made:
        assert np.array_equal(x, rounds_by_numpy(times=50 * 20))


def test_one_table_in_two_threads():
    table, x, _ = rounds()
    parallel.run(lambda _: [table.run(2) for _ in range(20)], range(4))
    assert np.array_equal(x, rounds_by_numpy(times=50 * 80))


def test_helpers_that_slept():
    table, x, _ = rounds(times=1)
    for i in range(20):
        time.sleep(i / 10_000)
        table.run(3)
    assert np.array_equal(x, rounds_by_numpy(times=20))


def test_more_threads_than_processors():
    program = """
import os
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
from tests.kernels.test_runtime import *
test_lines_wait_for_each_other(3)
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_others_run_meanwhile():
    table, done = long(), []
    table.run()  # it is known to be long
    thread = threading.Thread(target=lambda: (table.run(), done.append(time.perf_counter())))
    thread.start()
    count = 0
    while thread.is_alive():
        count += 1
    assert count > 100


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_fork_has_helpers_of_its_own():
    table, x, _ = rounds()
    table.run(2)
    slow = long(2)
    thread = threading.Thread(target=slow.run, args=(2,))
    thread.start()  # holds the team and its own lock while this process forks
    child = os.fork()
    if not child:
        table.run(2)
        slow.lines[0].args[0] = 10
        slow.run(2)
        os._exit(not np.array_equal(x, rounds_by_numpy(times=100)))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    thread.join()
    table.run(2)
    assert np.array_equal(x, rounds_by_numpy(times=100))


@pytest.mark.skipif(os.name == "nt", reason="no signals")
@pytest.mark.parametrize("threads", [1, 2])
def test_an_interrupt_is_raised_after_the_table(threads):
    table = long(threads)
    table.run(threads)
    args = table.lines[0].args
    args[1:] = 0
    threading.Timer(0.02, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        run_and_wait(table, threads)
    before = args[1:].copy()
    args[1:] = 0
    table.run(threads)
    assert np.array_equal(args[1:], before)  # the first run went to its end, and left nothing locked


def test_words_must_be_integers():
    with pytest.raises(TypeError, match=r"sums: args must be contiguous int64, not float64"):
        Table([Line(compile_kernel(SUMS, "sums"), np.zeros(3))])


def test_a_process_ends_while_helpers_wait():
    program = "from tests.kernels.test_runtime import *; rounds()[0].run(2)"
    for _ in range(3):
        subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
