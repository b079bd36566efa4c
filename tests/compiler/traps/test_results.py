"""Results: one's own, whatever later calls do."""

import copy

import numpy as np
import pytest

import calligrad
from calligrad import Value, nn, no_grad
from tests.compiler.traps.checks import Training, X, Y, check, compiled, same


def test_results_of_every_kind():
    layer = nn.Linear(3, 2)

    def f(x):
        y = x * 2
        return [y, (y, None), {"a": 3, "b": "text", "c": np.zeros(2)}, Value(y, requires_grad=False), x.shape, y[0]]

    check(f, (X,))
    g = compiled(lambda x: (x, x, layer.weight, layer.weight.data, layer))
    for _ in range(4):
        x = X.copy()
        a, b, w, data, same_layer = g(x)
        assert a is x
        assert b is x
        assert w is layer.weight
        assert data is layer.weight.data
        assert same_layer is layer


def test_results_are_never_overwritten():
    table = np.arange(3.0)

    def f(x):
        y = x * 2
        return y, y[:2], x[1:], table[1:], np.zeros(3), np.sum(x), Value(y)

    run = compiled(f)
    kept, copies = [], []
    for i in range(6):
        result = run(np.arange(3.0) + i)
        kept.append(result)
        copies.append(copy.deepcopy(result))
    assert same(kept, copies)
    for result in kept:
        result[4][:] = 9
        result[3][:] = 9  # a view in eager mode, an array of its own here
    assert same(run(np.arange(3.0))[3:5], (np.arange(3.0)[1:], np.zeros(3)))


def test_view_of_an_argument_is_a_copy():
    x = np.arange(3.0)
    f = compiled(lambda x: x[1:])
    for _ in range(3):
        y = f(x)
        y[0] = 9
    assert same(x, np.arange(3.0))


def test_same_result_twice_is_one_array():
    f = compiled(lambda x: [y := x * 2, y])
    for _ in range(3):
        a, b = f(X)
        assert a is b


def test_last_smaller_batch_and_many_shapes():
    t, other = Training(), Training()
    step = compiled(other.step)
    for _ in range(4):
        for n in 4, 4, 3:
            assert np.allclose(t.step(X[:n], Y[:n]).data, step(X[:n], Y[:n]).data, rtol=1e-6)
    assert len(step.runs) == 2
    f = compiled(lambda x: x * 2)
    for _ in range(2):
        for n in range(100):
            assert same(f(np.arange(float(n))), np.arange(float(n)) * 2)
    assert len(f.runs) == 64


def test_model_is_compiled():
    model = Training(dropout=0.5).model
    fast = compiled(model)
    forward = compiled(model.forward)
    fast.eval()
    assert model.training is False
    assert [p.shape for p in fast.parameters()] == [(4, 3), (4,), (2, 4), (2,)]
    for _ in range(4):
        with no_grad():
            assert same(fast(X).data, model(X).data)
            assert same(forward(X).data, model(X).data)
        model[0].weight.data[...] *= 2
    fast.train()
    for f in fast, model:
        calligrad.random.seed(3)
        fast.last = f(X).data
    assert same(model.last, fast.last)


def test_gradient_of_a_result_is_refused():
    model = Training().model
    fast = compiled(model)
    for _ in range(3):
        y = fast(X)
        assert y.requires_grad
        with pytest.raises(RuntimeError, match="call backward\\(\\) within"):
            np.sum(y * y).backward()
    with no_grad():
        assert not fast(X).requires_grad
