"""Clocks, iterators and draws that no program can follow: refused."""

import itertools
import random
import threading
import time

import numpy as np
import pytest

from calligrad import Value
from calligrad.compiler.traced import CaptureError
from tests.compiler.traps.checks import X, compiled, refused, same


def test_draws_of_the_old_generators_are_refused():
    before = np.random.get_state()[1].copy(), random.getstate()  # noqa: NPY002

    def legacy(x):
        return x + np.random.rand(3)  # noqa: NPY002

    def python(x):
        return x + random.random()

    rng = np.random.RandomState(0)

    def state(x):
        return x + rng.rand(3)

    refused(legacy, X, match=r"np\.random.*default_rng")
    refused(python, X, match="Python's random")
    refused(state, X, match="RandomState")
    assert same(np.random.get_state()[1], before[0])  # noqa: NPY002
    assert random.getstate() == before[1]


def unseen(values):
    """A number from where no walk comes."""
    return lambda: next(values)


@pytest.mark.parametrize(
    "number",
    [
        time.perf_counter_ns,
        unseen(itertools.count(1)),
        lambda: np.random.default_rng().normal(size=3),
        lambda: object().__hash__() % 1000003,
    ],
    ids=["clock", "iterator", "unseeded", "address"],
)
def test_numbers_from_nowhere_are_found_in_the_second_capture(number):
    junk = []

    def f(x):
        junk_inside = [object() for _ in range(7)]
        n = number()
        del junk_inside
        return x + n

    run = compiled(f)
    run(np.zeros(3))
    junk.append(object())
    for _ in range(2):
        with pytest.raises(CaptureError, match=r"test_\w+\.py:\d+.*Pass it as an argument"):
            run(np.zeros(3))


def test_batches_from_an_iterator_are_found_in_the_second_capture():
    batches = (np.full(3, float(i)) for i in range(10))
    run = compiled(lambda: np.tanh(Value(next(batches))))
    run()
    with pytest.raises(CaptureError, match=r"test_\w+\.py"):
        run()


def test_result_from_nowhere_is_found_in_the_second_capture():
    numbers = itertools.count()
    run = compiled(lambda x: (x * 2, next(numbers)))
    run(X)
    with pytest.raises(CaptureError, match="returns something else"):
        run(X)


def test_object_that_is_made_anew_is_found_in_the_second_capture():
    run = compiled(lambda x: (x * 2, threading.Event()))
    run(X)
    with pytest.raises(CaptureError, match="returns something else"):
        run(X)
