"""The numpy backend: the same bits as eager mode, in memory that is planned."""

import gc
import threading
import tracemalloc

import numpy as np
import pytest

import calligrad
from calligrad import nn, optim
from calligrad.compiler.backends.numpy import tiles
from calligrad.nn import functional as F

rng = np.random.default_rng(0)
X = rng.normal(size=(4, 5))


def compiled(f):
    return calligrad.compile(f, backend="numpy")


def assert_same(f, *arrays, runs=4):
    g = compiled(f)
    for _ in range(runs):
        expected, given = f(*arrays), g(*arrays)
        for x, y in zip(expected, given, strict=True):
            assert np.asarray(x).dtype == np.asarray(y).dtype
            x, y = (np.where(z != z, np.nan, z) for z in (x, y))  # a nan has no sign that is of interest
            assert x.tobytes() == y.tobytes()
    return g


FUNCTIONS = {
    "ufuncs": lambda x: (np.exp(x) * 2 - x, np.maximum(x, 0.5) / 3),
    "sums": lambda x: (np.sum(x), np.sum(x, axis=0), np.max(x, axis=1, keepdims=True) * 2, np.min(np.abs(x) + 1)),
    "means": lambda x: (np.mean(x), np.mean(x, axis=0) * 2, np.exp(np.mean(x * x, axis=1, keepdims=True))),
    "means of float32": lambda x: (
        np.mean(np.astype(x, np.float32) * 3),
        np.mean(np.astype(x, np.float32), axis=0) + 1,
    ),
    "products": lambda x: (np.exp(x @ x.T) @ x, np.einsum("ij,kj->ik", x * 2, x) + 1),
    "views": lambda x: (np.exp(np.exp(x).T[1:, ::2]), np.reshape(x + 1, (2, 10)) * 2, np.moveaxis(x + 1, 0, 1) + 1),
    "joined": lambda x: (np.concatenate([x, x + 1], axis=1) * 2, np.stack([x, x * 2], axis=1) + 1),
    "written into": lambda x: (calligrad.grad(lambda y: np.sum(y[1:] ** 2 * y[:-1]))(x), x),
    "casts": lambda x: (np.astype(x * 3, np.int64) * 2, np.astype(np.astype(x, np.float32) + 1, float)),
    "numbers": lambda x: (np.sum(x) * 2 + 1, np.sum(x) / 3, -np.sum(x) * np.mean(x) - 4),
    "truths": lambda x: (np.any(x > 1, axis=0), np.logical_and(x > 0, x < 1) | (x > 2)),
    "empty": lambda x: (np.exp(x[:0]) + 1, np.sum(x[:0], axis=0) + 1),
}


@pytest.mark.parametrize("f", FUNCTIONS.values(), ids=FUNCTIONS.keys())
@pytest.mark.parametrize("order", ["C", "F"])
def test_the_same_bits(f, order):
    assert_same(f, np.array(X, order=order))


def test_results_are_not_written_over_by_the_next_run():
    f = compiled(lambda x: (np.exp(x) + 1, np.exp(x) * 2))
    runs = [f(X * i) for i in range(5)]
    for i, (a, b) in enumerate(runs):
        np.testing.assert_array_equal(a, np.exp(X * i) + 1)
        np.testing.assert_array_equal(b, np.exp(X * i) * 2)


def test_a_long_chain_of_numbers_is_arithmetic_of_floats():
    def f(x):
        y = x
        for i in range(50):
            y = y * 1.01 + x * (i - 20) - 3.0
        return (y, -y * x)

    for x in (0.3, 1e300, np.inf, np.nan, -0.0):
        with np.errstate(all="ignore"):
            assert_same(f, np.array(x))


def large(x, b):
    y = np.maximum(x * 2 + 1, 0) * np.sqrt(np.abs(x) + 1) - np.where(x < 0.5, np.astype(x > 0, x.dtype), x / 3)
    return y, y * b + 1, np.sum(y, axis=0)


@pytest.mark.parametrize("shape", [(700, 401), (3, 100_000), (400_001,), (7, 50, 1009)])
def test_large_arrays_go_tile_by_tile(shape, monkeypatch):
    ran = []
    run = tiles.Tiles.run
    monkeypatch.setattr(tiles.Tiles, "run", lambda self, *arrays: (ran.append(len(self.lines)), run(self, *arrays)))
    x = rng.normal(size=shape).astype(np.float32)
    assert_same(large, x, np.float32(0.5) * np.ones(shape[-1], np.float32))
    assert max(ran) >= 7


@pytest.mark.parametrize("layout", ["F", "strided"])
def test_tiles_of_other_layouts(layout):
    x = rng.normal(size=(1000, 300))
    x = np.asfortranarray(x) if layout == "F" else np.repeat(x, 2, axis=1)[:, ::2]
    assert_same(large, x, np.ones(300))


def training(backend):
    calligrad.random.seed(0)
    model = nn.Sequential(nn.Linear(64, 2100), nn.Tanh(), nn.Linear(2100, 3))
    adam = optim.SGD(model.parameters(), 0.1, momentum=0.9)

    def step(x, y):
        adam.zero_grad()
        loss = F.mse_loss(model(x), y)
        loss.backward()
        adam.step()
        return loss

    step = step if backend == "eager" else compiled(step)
    x, y = np.random.default_rng(0).normal(size=(70, 64)), np.ones((70, 3))
    losses = [step(x, y).data for _ in range(5)]
    return [*losses, *(p.data for p in model.parameters())]


def test_a_training_ends_with_the_same_bits():
    for x, y in zip(training("eager"), training("numpy"), strict=True):
        assert np.array_equal(x, y)


def test_parameters_are_updated_where_they_are():
    w = calligrad.Value(np.ones((300, 300)))
    array = w.data

    @compiled
    def step(x):
        with calligrad.no_grad():
            w.data[...] = w.data - 0.1 * x

    for _ in range(4):
        step(np.ones((300, 300)))
    assert w.data is array
    np.testing.assert_allclose(array, 0.6)


def test_memory_is_used_again():
    def f(x):
        for _ in range(20):
            x = np.sin(x) + 1
        return x

    g = compiled(f)
    x = np.ones(50_000)
    for _ in range(3):
        g(x)
    gc.collect()
    tracemalloc.start()
    g(x)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 2.5 * x.nbytes


def test_two_threads_at_once():
    f = compiled(lambda x: np.sum(np.exp(x) * 2 + 1, axis=1))
    arrays = [rng.normal(size=(30, 40)) for _ in range(8)]
    for x in arrays[:3]:
        f(x)
    wrong = []

    def work(x):
        for _ in range(50):
            if not np.array_equal(f(x), np.sum(np.exp(x) * 2 + 1, axis=1)):
                wrong.append(x)

    threads = [threading.Thread(target=work, args=(x,)) for x in arrays]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_an_error_says_which_line_asked_for_it():
    f = compiled(lambda x, i: np.exp(np.take(x, i, axis=0)))
    for _ in range(3):
        f(X, np.array([0, 1]))
    with pytest.raises(IndexError) as caught:
        f(X, np.array([0, 9]))
    assert any("test_numpy.py" in note for note in caught.value.__notes__)
