"""Threads for arrays: order, errors, interrupts, nesting, forks, what they inherit."""

import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from calligrad import parallel


@pytest.fixture(autouse=True)
def two(monkeypatch):
    monkeypatch.setattr(parallel, "count", lambda: 2)


def test_results_come_in_the_order_of_the_chunks_and_from_two_threads():
    names = parallel.run(lambda i: (time.sleep(0.02 / (i + 1)), i, threading.current_thread())[1:], range(6))
    assert [i for i, _ in names] == list(range(6))
    assert len({thread for _, thread in names}) == 2
    assert parallel.run(str, []) == []
    assert parallel.run(str, [1]) == ["1"]


def test_an_error_is_raised_here_after_the_others_have_ended_and_before_the_rest_begins():
    begun, ended = [], []

    def work(i):
        begun.append(i)
        time.sleep(0.01 if i else 0)
        if i == 0:
            raise ValueError("chunk 0")
        ended.append(i)

    with pytest.raises(ValueError, match="chunk 0"):
        parallel.run(work, range(50))
    assert len(ended) == len(begun) - 1 < 10
    assert parallel.run(str, [1, 2]) == ["1", "2"]


def test_a_run_within_a_run_stays_on_its_thread():
    def inner(i):
        return {threading.current_thread() for thread in parallel.run(lambda j: time.sleep(0.001), range(4))}

    assert all(len(threads) == 1 for threads in parallel.run(inner, range(4)))


def test_several_threads_of_a_program_may_run_at_once():
    sums = []
    callers = [
        threading.Thread(target=lambda: sums.append(sum(parallel.run(lambda i: i * i, range(200))))) for _ in range(5)
    ]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert sums == [sum(i * i for i in range(200))] * 5


def test_errstate_holds_on_every_thread():
    with np.errstate(over="raise"), pytest.raises(FloatingPointError):
        parallel.run(lambda i: (time.sleep(0.01), np.exp(np.full(9, 1e3 * i))), [0, 0, 0, 1])


def test_openblas_gets_its_threads_back():
    if (blas := parallel._openblas()) is None:
        pytest.skip("NumPy brings no OpenBLAS")
    get, _ = blas
    before = get()
    assert set(parallel.run(lambda i: get(), range(4))) == {1}
    assert get() == before
    with pytest.raises(ZeroDivisionError):
        parallel.run(lambda i: 1 // 0, range(4))
    assert get() == before


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers here")
def test_an_interrupt_ends_the_run():
    signal.signal(signal.SIGALRM, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    start = time.perf_counter()
    with pytest.raises(KeyboardInterrupt):
        parallel.run(lambda i: time.sleep(0.01), range(1000))
    assert time.perf_counter() - start < 2
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    assert parallel.run(str, [1, 2]) == ["1", "2"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_process_has_threads_of_its_own():
    program = """
import os, time, threading
from calligrad import parallel
parallel.count = lambda: 2
def name(i):
    time.sleep(0.02)
    return threading.current_thread().ident
parallel.run(name, range(4))
if (child := os.fork()) == 0:
    os._exit(len(set(parallel.run(name, range(6)))))
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 2
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", program], check=True, timeout=60)


def test_the_number_of_threads_follows_the_environment(monkeypatch):
    monkeypatch.undo()
    for wanted, most in (("1", 1), ("4", 4), ("1000", parallel.MOST), ("junk", parallel.MOST)):
        monkeypatch.setenv("OMP_NUM_THREADS", wanted)
        assert 1 <= parallel.count() <= most
