"""Whole training steps, run by kernels, beside eager ones."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest

pytest.importorskip("numba")

import calligrad
from calligrad import nn, optim
from calligrad.compiler.backends.numba import executable
from calligrad.nn import functional as F
from tests.compiler.programs import failures


class Attention(nn.Module):
    def __init__(self, dtype):
        self.embed, self.block = (
            nn.Embedding(11, 8, dtype=dtype),
            nn.TransformerEncoderLayer(8, 2, 16, 0.0, dtype=dtype),
        )
        self.head = nn.Linear(8, 5, dtype=dtype)

    def forward(self, tokens):
        return self.head(np.mean(self.block(self.embed(tokens)), axis=0))


class Recurrent(nn.Module):
    def __init__(self, dtype):
        self.lstm, self.head = nn.LSTM(3, 6, dtype=dtype), nn.Linear(6, 5, dtype=dtype)

    def forward(self, x):
        return self.head(self.lstm(x)[0][-1])


def perceptron(dtype):  # a bias ahead of a normalization has the gradient 0: of its rounding Adam would make steps
    layers = [nn.Linear(7, 16, bias=False, dtype=dtype), nn.BatchNorm1d(16, dtype=dtype), nn.GELU(), nn.Dropout(0.3)]
    return nn.Sequential(*layers, nn.Linear(16, 5, dtype=dtype))


def convolutional(dtype):
    return nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1, bias=False, dtype=dtype), nn.BatchNorm2d(4, dtype=dtype), nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(4, 6, 3, dtype=dtype), nn.ReLU(), nn.Flatten(), nn.Linear(24, 5, dtype=dtype),
    )  # fmt: skip


MODELS = {
    "perceptron": (perceptron, lambda rng: rng.normal(size=(9, 7))),
    "convolutional": (convolutional, lambda rng: rng.normal(size=(9, 2, 8, 8))),
    "recurrent": (Recurrent, lambda rng: rng.normal(size=(4, 9, 3))),
    "attention": (Attention, lambda rng: rng.integers(0, 11, (6, 9))),
}
OPTIMIZERS = {
    "SGD": lambda p: optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True, weight_decay=0.01),
    "AdamW": lambda p: optim.AdamW(p, lr=0.01, amsgrad=True),
    "RMSprop": lambda p: optim.RMSprop(p, lr=0.01, centered=True),
}


def trained(model_of, data_of, optimizer_of, dtype, backend, steps=6):
    """Losses and the state after some steps; the last batch is smaller."""
    calligrad.random.seed(3)
    model = model_of(dtype)
    optimizer = optimizer_of(model.parameters())
    schedule = optim.ExponentialLR(optimizer, 0.9)

    def step(x, labels):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), labels, label_smoothing=0.1)
        loss.backward()
        optimizer.step()
        schedule.step()
        return loss

    run = step if backend is None else calligrad.compile(backend=backend)(step)
    rng, losses = np.random.default_rng(0), []
    for i in range(steps):
        x, labels = data_of(rng), rng.integers(0, 5, 9)
        x = x.astype(dtype) if x.dtype.kind == "f" else x
        if i == steps - 1 and model_of in (perceptron, convolutional):
            x, labels = x[:5], labels[:5]
        losses.append(float(run(x, labels)))
    return np.array(losses), model.state_dict() | optimizer.state_dict()


@pytest.mark.parametrize(
    ("optimizer", "dtype"),
    [("SGD", "float32"), *((name, "float64") for name in OPTIMIZERS)],  # as it would of other gradients in float32
)
@pytest.mark.parametrize("name", MODELS)
def test_training(name, optimizer, dtype):
    model, data = MODELS[name]
    eager, compiled = (trained(model, data, OPTIMIZERS[optimizer], np.dtype(dtype), way) for way in (None, "numba"))
    close = 2e-4 if dtype == "float32" else 1e-9  # six steps on, of which each begins where the last one ended
    np.testing.assert_allclose(compiled[0], eager[0], rtol=close)
    for path, x in eager[1].items():
        np.testing.assert_allclose(compiled[1][path], x, rtol=close, atol=close * np.abs(x).max(initial=1e-30))


@pytest.mark.parametrize("name", MODELS)
def test_the_same_bits_again(name):
    first, second = (trained(*MODELS[name], OPTIMIZERS["AdamW"], np.dtype("float32"), "numba") for _ in range(2))
    for path, x in first[1].items():
        np.testing.assert_array_equal(second[1][path], x)


def test_random_programs():
    assert not failures(range(40), "numba")


@calligrad.compile(backend="numba")
def softmax(x, shift):
    e = np.exp(x - np.max(x, axis=1, keepdims=True))
    return e / np.sum(e, axis=1, keepdims=True) + shift


def expected(x, shift):
    e = np.exp(x - np.max(x, axis=1, keepdims=True))
    return e / np.sum(e, axis=1, keepdims=True) + shift


def agree(f, *arrays):
    compiled = calligrad.compile(f, backend="numba")
    for _ in range(4):
        got, wanted = compiled(*arrays), f(*arrays)
    np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize(
    "f", [np.max, np.min, np.any, np.all, lambda x: np.max(x, axis=0), lambda x: np.min(x, axis=1)]
)
def test_extremes_of_truth_values(f):
    rng = np.random.default_rng(0)
    for share in (0.0, 0.5, 1.0):
        agree(f, rng.random((3000, 7)) < share)


def test_whole_numbers_beyond_the_dtype():
    a = np.arange(5, dtype=np.int32)
    agree(lambda a: np.stack([a > 3_000_000_000, a == 2**32, a <= -(2**32)]), a)
    agree(lambda a: np.where(a < 2**31, a, -1), a)


def test_powers_that_are_roots_and_reciprocals():
    x = np.array([-np.inf, -0.0, 0.0, 2.0, np.inf])
    with np.errstate(all="ignore"):
        agree(lambda x: np.stack([x**0.5, x**1, x**2, x**-1]), x)


def test_an_array_that_must_not_be_written_into():
    def double(x):
        x *= 2

    compiled = calligrad.compile(double, backend="numba")
    for _ in range(3):
        compiled(np.ones(3))
    x = np.frombuffer(np.ones(3).tobytes())
    with pytest.raises(ValueError, match="read-only"):
        compiled(x)
    assert (x == 1).all()


def test_memory_that_is_shared_by_way_of_strides():
    p = np.arange(4.0)

    def f(x):
        a = np.sin(x)
        p[...] = p + 1
        return a + np.sin(x)

    compiled = calligrad.compile(f, backend="numba")
    for _ in range(3):
        compiled(np.ones(4))
    with pytest.raises(calligrad.CaptureError, match="memory"):
        compiled(np.lib.stride_tricks.as_strided(p, (4,), (8,)))


def test_the_first_result_is_ones_own():
    compiled = calligrad.compile(lambda x: (np.arange(3), x * 2), backend="numba")
    x = np.ones(2)
    compiled(x)[0][...] += 7
    for _ in range(3):
        assert compiled(x)[0].tolist() == [0, 1, 2]


def test_threads_of_python_share_one_program():
    xs = np.random.default_rng(0).normal(size=(8, 300, 200))
    wrong = []

    def work(i):
        for _ in range(30):
            if not np.allclose(softmax(xs[i], float(i)), expected(xs[i], i), atol=1e-13):
                wrong.append(i)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_results_are_not_overwritten():
    x = np.random.default_rng(0).normal(size=(300, 200))
    kept = [softmax(x, float(i)) for i in range(6)]
    for i, y in enumerate(kept):
        np.testing.assert_allclose(y, expected(x, i), atol=1e-13)


def test_views_of_results_are_not_overwritten():
    moved = calligrad.compile(lambda x: (np.exp(x.T), np.exp(x)), backend="numba")
    xs = np.random.default_rng(0).normal(size=(6, 30, 20))
    kept = [[y[2:] for y in moved(x)] for x in xs]
    for x, (first, second) in zip(xs, kept, strict=True):
        np.testing.assert_allclose(first, np.exp(x.T)[2:], rtol=1e-14)
        np.testing.assert_allclose(second, np.exp(x)[2:], rtol=1e-14)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_after_a_fork():
    text = """
import os, sys, warnings
import numpy as np
from tests.compiler.backends.test_numba import expected, softmax
warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside threads
x = np.random.default_rng(0).normal(size=(300, 200))
for _ in range(4):
    softmax(x, 1.0)
child = os.fork()
assert np.allclose(softmax(x, 2.0), expected(x, 2.0), atol=1e-13)
if not child:
    os._exit(0)
sys.exit(os.waitpid(child, 0)[1])
"""
    assert subprocess.run([sys.executable, "-c", text], timeout=120, check=False).returncode == 0


def test_a_label_out_of_range_ends_the_step():
    calligrad.random.seed(0)
    model = nn.Linear(3, 2)
    optimizer = optim.SGD(model.parameters(), lr=1.0)

    @calligrad.compile(backend="numba")
    def step(x, labels):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), labels)
        loss.backward()
        optimizer.step()
        return loss

    x, labels = np.ones((4, 3), "float32"), np.array([0, 1, 1, 0])
    for _ in range(3):
        step(x, labels)
    before = {path: y.copy() for path, y in model.state_dict().items()}
    with pytest.raises(ValueError, match="label 7 at index 2") as caught:
        step(x, np.array([0, 1, 7, 0]))
    assert "test_numba.py" in caught.value.__notes__[0]
    for path, y in model.state_dict().items():
        np.testing.assert_array_equal(y, before[path])
    step(x, labels)
    assert np.isfinite(model.weight.data).all()


def test_gradients_that_somebody_keeps_stay_as_they_are():
    model = nn.Linear(3, 2, dtype="float64")
    optimizer = optim.SGD(model.parameters(), lr=0.5)

    @calligrad.compile(backend="numba")
    def step(x):
        optimizer.zero_grad()
        loss = np.mean(model(x) ** 2)
        loss.backward()
        optimizer.step()
        return loss

    x = np.arange(12.0).reshape(4, 3) / 10
    kept, copies = [], []
    for i in range(10):
        step(x)
        if i % 3:
            kept.append(model.weight.grad)
            copies.append(model.weight.grad.copy())
    assert len({id(g) for g in kept}) == len(kept)
    for g, copy in zip(kept, copies, strict=True):
        np.testing.assert_array_equal(g, copy)
    del kept, g
    step(x)
    address = model.weight.grad.ctypes.data
    step(x)
    assert (model.weight.grad.ctypes.data == address) is executable.COUNTS  # else nothing is used again


def test_half_of_a_complex_number_is_not_all_of_its_memory():
    def f(x):
        total = np.sum(x, dtype=np.complex128)
        return np.reshape(np.imag(total), -1), np.reshape(np.real(total), -1), total

    compiled = calligrad.compile(f, backend="numba")
    for _ in range(3):
        assert compiled(np.arange(4.0)) == (0, 6, 6)
