"""Arrays from outside: read where they are."""

import numpy as np

from calligrad import nn
from tests.compiler.traps.checks import X, compiled, same

A, B = np.arange(3.0), np.ones(3)
PAIR = (np.arange(3.0), np.ones(3))
NESTED = {"a": [np.arange(3.0)], "b": (np.ones(3), "text")}


def test_arrays_outside_are_read_where_they_are():
    global A
    b = np.ones(3)

    def f(x):
        scale = A * b  # of arrays from outside alone
        return x * scale + PAIR[0] * PAIR[1] + NESTED["a"][0] * NESTED["b"][0]

    run = compiled(f)
    for i in range(6):
        A[1] = b[0] = i
        PAIR[1][2] = NESTED["a"][0][1] = NESTED["b"][0][0] = i
        if i == 3:
            A, b, NESTED["a"][0] = A + 1, b * 2, np.full(3, 7.0)
        assert same(run(np.ones(3)), f(np.ones(3)))
    assert len(run.runs) == 1


def test_array_outside_of_another_shape():
    data = np.ones(3)
    f = compiled(lambda x: x * data.shape[0] + np.sum(data))
    for n in 3, 4, 5, 3:
        data = np.ones(n)
        assert same(f(X), X * n + np.float64(n))


def test_array_that_the_walk_does_not_see_is_held_by_reference():
    class Hidden(np.lib.mixins.NDArrayOperatorsMixin):  # an object of a library, say
        __module__ = "numpy"

        def __init__(self):
            self.array = np.ones(3)

        def get(self):
            return self.array

    hidden = Hidden()
    f = compiled(lambda x: x + hidden.get())
    for i in range(4):
        hidden.array[:] = i
        assert same(f(np.zeros(3)), np.full(3, float(i)))


def test_array_outside_that_is_written_into():
    total = np.zeros(3)

    def add(x):
        total[...] = total + x
        return np.sum(total)

    f = compiled(add)
    assert [float(f(np.ones(3))) for _ in range(4)] == [3, 6, 9, 12]
    total = np.full(3, 10.0)
    assert float(f(np.ones(3))) == 33
    assert same(total, np.full(3, 11.0))


def test_arrays_outside_that_come_to_share_memory():
    model = nn.Linear(3, 3), nn.Linear(3, 3)

    def step(x):
        for layer in model:
            layer.weight.data[...] = layer.weight.data + x
        return np.sum(model[0].weight.data)

    f = compiled(step)
    for _ in range(3):
        f(1.0)
    model[1].weight.data = model[0].weight.data
    before = model[0].weight.data.copy()
    f(1.0)
    assert same(model[0].weight.data, before + 1 + 1)
    f(1.0)
    f(1.0)
    np.testing.assert_allclose(model[0].weight.data, before + 6, rtol=1e-6)


def test_argument_that_is_a_parameter_which_is_written_into():
    w = np.ones(3)

    def step(x):
        w[...] = w * 2
        return x + w

    f = compiled(step)
    for x in (np.ones(3), np.ones(3), np.ones(3)):
        f(x)
    assert same(w, np.full(3, 8.0))
    assert same(f(w), np.full(3, 32.0))
