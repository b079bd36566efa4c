"""Modes, threads, processes, memory."""

import copy
import gc
import os
import pickle
import queue
import threading
import weakref

import numpy as np
import pytest

import calligrad
from calligrad import Value, nn, no_grad
from calligrad.compiler.traced import CaptureError
from tests.compiler.traps.checks import Training, X, Y, compiled, same


def test_no_grad_and_detect_anomaly_around():
    f = compiled(lambda x: np.log(x))
    x = np.array([1.0, 0.0])
    with np.errstate(divide="ignore"):
        f(x), f(x), f(x)
        with pytest.raises(FloatingPointError), calligrad.detect_anomaly():
            compiled(lambda x: np.log(Value(x)))(x)
    model = Training().model
    run = compiled(lambda x: model(x))
    for _ in range(3):
        assert run(X).requires_grad
        with no_grad():
            assert not run(X).requires_grad


def test_default_dtype():
    f = compiled(lambda x: nn.Linear(3, 2).weight.dtype.itemsize + np.sum(x) * 0)
    try:
        for dtype in np.float32, np.float64, np.float32, np.float64:
            calligrad.set_default_dtype(dtype)
            assert f(X) == np.dtype(dtype).itemsize
    finally:
        calligrad.set_default_dtype(np.float32)


def test_two_threads_call_one_step():
    totals = np.zeros(3)

    @compiled
    def add(x, by):
        totals[...] = totals + x
        return x * by, np.sum(x)

    def work(n):
        for i in range(300):
            x = np.full(3, float(n))
            y, s = add(x, float(i))
            if not (same(y, x * i) and s == 3 * n):
                wrong.append((n, i))

    wrong = []
    threads = [threading.Thread(target=work, args=(n,)) for n in (1, 2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert same(totals, np.full(3, 1800.0))


def test_two_threads_with_one_model():
    model = Training().model.eval()
    steps = [compiled(lambda x, n=n: model(x).data * n) for n in (1.0, 2.0)]
    expected = model(X).data
    wrong = []

    def work(n):
        for _ in range(50):
            if not np.allclose(steps[n](X), expected * (n + 1)):
                wrong.append(n)

    threads = [threading.Thread(target=work, args=(n,)) for n in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_another_thread_that_meets_a_capture():
    model = Training().model
    met = queue.SimpleQueue()

    def beside():
        try:
            model(X)
        except CaptureError as error:
            met.put(str(error))

    def f(x):
        thread = threading.Thread(target=beside)
        thread.start()
        thread.join()
        return model(x).data

    compiled(f)(X)
    assert "another uses an array" in met.get_nowait()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_fork_after_the_capture():
    t = Training()
    step = compiled(t.step)
    step(X, Y), step(X, Y)
    held = threading.Event()
    go = threading.Event()

    def hold():
        with step._lock:
            held.set()
            go.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(10)
    pid = os.fork()
    if pid == 0:
        try:
            before = t.model[0].weight.data.copy()
            step(X, Y)
            os._exit(0 if not same(before, t.model[0].weight.data) else 1)
        except BaseException:
            os._exit(2)
    go.set()
    thread.join()
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_arguments_are_not_kept_alive():
    model = Training().model
    f = compiled(lambda x, v: np.sum(model(x).data) + np.sum(v.data))
    for _ in range(4):
        x, v = X.copy(), Value(X)
        alive = weakref.ref(x), weakref.ref(v)
        f(x, v)
        del x, v
        gc.collect()
        assert [ref() for ref in alive] == [None, None]


def test_runs_leave_no_cycles():
    t = Training()
    step = compiled(t.step)
    for _ in range(3):
        step(X, Y)
    gc.collect()
    gc.disable()
    try:
        for _ in range(20):
            step(X, Y)
        assert gc.collect() == 0
    finally:
        gc.enable()


@compiled
def module_level(x):
    return x * 2


def test_pickle_and_deepcopy():
    assert pickle.loads(pickle.dumps(module_level)) is module_level
    assert copy.deepcopy(module_level) is module_level
    model = Training().model
    fast = compiled(model)
    fast(X)
    for other in copy.deepcopy(fast), pickle.loads(pickle.dumps(fast)):
        assert same(other(X).data, fast(X).data)
        assert other.f is not model
        assert other.runs
        other.f[0].weight.data[...] = 0
        assert not same(other(X).data, fast(X).data)
