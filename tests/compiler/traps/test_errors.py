"""Errors in a capture and in a run: nothing has changed."""

import copy

import numpy as np
import pytest

import calligrad
from calligrad import optim
from calligrad.compiler.traced import CaptureError
from calligrad.nn import functional as F
from tests.compiler.traps.checks import Training, X, Y, compiled, same


def test_function_that_raises_in_the_middle():
    t = Training(make=optim.Adam)
    fail = True

    def step(x, y):
        t.model[0].weight.data[...] = 0
        t.note = x
        t.optimizer.zero_grad()
        F.cross_entropy(t.model(x), y).backward()
        t.optimizer.step()
        if fail:
            raise RuntimeError("in the middle")

    f = compiled(step)
    t.optimizer.changing_numbers()
    before, draws = copy.deepcopy(t.state()), calligrad.random.state()
    with pytest.raises(RuntimeError, match="in the middle"):
        f(X, Y)
    assert same(before, t.state())
    assert calligrad.random.state() == draws
    assert not hasattr(t, "note")
    fail = False
    f(X, Y), f(X, Y), f(X, Y)
    assert type(t.model[0].weight._array) is np.ndarray


def test_label_out_of_range_in_a_later_run():
    t = Training()
    step = compiled(t.step)
    step(X, Y), step(X, Y), step(X, Y)
    before = [p.data.copy() for p in t.model.parameters()]
    with pytest.raises((ValueError, IndexError), match="label 5"):
        step(X, np.array([0, 5, 0, 1]))
    assert same(before, [p.data for p in t.model.parameters()])
    step(X, Y)


def test_interrupt():
    stop = True

    def f(x):
        t.model[0].weight.data[...] = 0
        if stop:
            raise KeyboardInterrupt
        return x * 2

    t = Training()
    before = copy.deepcopy(t.state())
    run = compiled(f)
    with pytest.raises(KeyboardInterrupt):
        run(X)
    assert same(before, t.state())
    stop = False
    assert same(run(X), X * 2)


def test_array_that_outlives_its_capture_is_refused():
    class Box:
        __slots__ = ("x",)
        __module__ = "numpy"  # of a library, so nobody looks into it

    box = Box()

    def f(x):
        box.x = x * 2
        return x

    compiled(f)(X)
    with pytest.raises(CaptureError, match="capture is over"):
        box.x + 1
