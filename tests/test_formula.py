import subprocess
import sys
import threading

import numpy as np
import pytest

import calligrad.nn.functional as F
from calligrad import Value, grad, nn, parallel
from calligrad.formula import WORTH, formula, is_open, is_served
from calligrad.kernels import eager
from calligrad.nn import standardize
from calligrad.ops import softmax

pytest.importorskip("numba")

IMAGES = (8, 16, 21, 22)
ROWS = (70, 500)
LABELS = np.random.default_rng(0).integers(0, 50, (40, 30))

LAYERS = {
    "LayerNorm": (lambda: nn.LayerNorm(500), ROWS),
    "LayerNorm of two axes": (lambda: nn.LayerNorm((21, 22)), IMAGES),
    "RMSNorm": (lambda: nn.RMSNorm(500), ROWS),
    "GroupNorm": (lambda: nn.GroupNorm(4, 16), IMAGES),
    "InstanceNorm2d": (lambda: nn.InstanceNorm2d(16, affine=True), IMAGES),
    "BatchNorm1d": (lambda: nn.BatchNorm1d(500), ROWS),
    "BatchNorm2d": (lambda: nn.BatchNorm2d(16), IMAGES),
    "Softmax": (lambda: nn.Softmax(-1), ROWS),
    "Softmax of columns": (lambda: nn.Softmax(0), ROWS),
    "LogSoftmax": (lambda: nn.LogSoftmax(-1), ROWS),
    "channel_shuffle": (lambda: lambda x: F.channel_shuffle(x, 4), IMAGES),
    "AdaptiveAvgPool2d": (lambda: nn.AdaptiveAvgPool2d(1), IMAGES),
    "MaxPool2d": (lambda: nn.MaxPool2d(3, 2, 1), IMAGES),
    "LSTM": (lambda: with_fixed_weights(nn.LSTM(24, 48, batch_first=True)), (8, 100, 24)),
    "GRU": (lambda: with_fixed_weights(nn.GRU(24, 48, batch_first=True)), (8, 100, 24)),
}

CURVES = ["relu", "relu6", "leaky_relu", "hardtanh", "hardsigmoid", "hardswish", "hardshrink", "softshrink", "sigmoid"]
CURVES += ["gelu", "silu", "mish", "softplus", "elu", "celu", "selu", "softsign"]
LAYERS |= {name: (lambda name=name: getattr(F, name), ROWS) for name in CURVES}


def with_fixed_weights(module):
    rng = np.random.default_rng(1)
    for p in module.parameters():
        p.data = rng.standard_normal(p.shape).astype(p.dtype) / 8
    return module


def outcome(make, x, kernels, monkeypatch):
    """The result of a layer, and all gradients for a gradient that is not the same everywhere."""
    monkeypatch.setattr(eager, "enabled", kernels)
    layer, x = make(), Value(x)
    y = layer(x)
    y = y[0] if isinstance(y, tuple) else y
    np.sum(y * np.cos(np.arange(y.size, dtype=y.dtype)).reshape(y.shape)).backward()
    return [y.data, x.grad, *(p.grad for p in getattr(layer, "parameters", list)())]


@pytest.mark.parametrize("name", LAYERS)
def test_kernels_give_what_numpy_gives(name, monkeypatch):
    make, shape = LAYERS[name]
    x = 3 * np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    for ours, numpys in zip(*(outcome(make, x, kernels, monkeypatch) for kernels in (True, False)), strict=True):
        assert (ours.shape, ours.dtype) == (numpys.shape, numpys.dtype)
        np.testing.assert_allclose(ours, numpys, rtol=1e-4, atol=2e-6 * np.abs(numpys).max())


def test_embedding(monkeypatch):
    def gradient(kernels):
        monkeypatch.setattr(eager, "enabled", kernels)
        table = Value(np.ones((50, 64)))
        y = F.embedding(LABELS, table)
        np.sum(y * np.sin(np.arange(y.size, dtype=float)).reshape(y.shape)).backward()
        return table.grad

    np.testing.assert_allclose(gradient(True), gradient(False), rtol=1e-12, atol=1e-13)


def test_double_precision(monkeypatch):
    x = np.random.default_rng(0).standard_normal(ROWS)
    for make in (lambda: nn.LayerNorm(500, dtype=float), lambda: F.gelu, lambda: nn.Softmax(-1)):
        for ours, numpys in zip(*(outcome(make, x, kernels, monkeypatch) for kernels in (True, False)), strict=True):
            np.testing.assert_allclose(ours, numpys, rtol=1e-11, atol=1e-12)


def test_numbers_that_are_none(monkeypatch):
    x = np.resize(np.array([np.nan, np.inf, -np.inf, -0.0, 1.0], np.float32), ROWS)
    for make in (lambda: F.relu, lambda: F.leaky_relu, lambda: F.sigmoid):
        with np.errstate(invalid="ignore"):
            found = [outcome(make, x, kernels, monkeypatch) for kernels in (True, False)]
        for ours, numpys in zip(*found, strict=True):
            np.testing.assert_allclose(ours, numpys, rtol=1e-6)


def test_same_bits_in_each_call_and_on_any_number_of_threads(monkeypatch):
    rng = np.random.default_rng(0)
    x, g, weight, bias = (rng.standard_normal(s).astype(np.float32) for s in ((300, 500), (300, 500), (500,), (500,)))

    def results(threads):
        monkeypatch.setattr(parallel, "count", lambda: threads)
        names = "standardized", "slope_of_standardized"
        forward, backward = (formula(getattr(standardize, name).__wrapped__) for name in names)
        of_softmax = formula(softmax.softmax_formula.__wrapped__)
        found = []
        for group in ((1,), (0,)):
            axes = standardize.Axes(x.shape, group, (0,), (1, 500))
            y, *moments = forward(x, weight, bias, axes=axes, eps=1e-5, centre=True)
            found += [y, *backward(g, x, *moments, weight, bias, axes=axes, eps=1e-5, centre=True)]
        return [*found, of_softmax(x, axis=-1)]

    first = results(1)
    for again in (results(1), results(2), results(2)):
        for a, b in zip(first, again, strict=True):
            np.testing.assert_array_equal(a, b)


def test_every_result_is_an_array_of_its_own():
    double = formula(lambda x: 2 * x)
    x = np.ones(WORTH)
    first, second = double(x), double(x + 1)
    assert first.base is None
    assert (first[0], second[0]) == (2, 4)
    first[:] = 7
    assert (double(x)[0], second[0]) == (2, 4)


def test_views_and_arrays_that_lie_otherwise():
    both = formula(lambda x, y: x - y)
    x = np.random.default_rng(0).standard_normal((400, 300))
    for a in (x.T, x[::2, ::-1], x[:, 10:], np.asfortranarray(x)):
        np.testing.assert_array_equal(both(a, a[:1]), a - a[:1])
    unaligned = np.frombuffer(b" " + x.tobytes(), np.float64, offset=1)
    np.testing.assert_array_equal(both(unaligned, unaligned), unaligned - unaligned)
    np.testing.assert_array_equal(both(x.astype(">f8"), x), np.zeros_like(x))


def test_second_order(monkeypatch):
    x = np.random.default_rng(0).standard_normal((70, 500))

    def second(kernels, f):
        monkeypatch.setattr(eager, "enabled", kernels)
        return grad(lambda x: np.sum(grad(lambda x: np.sum(f(x) ** 2))(x) ** 2))(x)

    for f in (
        F.gelu,
        F.softmax,
        lambda x: F.layer_norm(x, (500,)),
        lambda x: F.group_norm(np.reshape(x, (7, 10, 500)), 5),
    ):
        np.testing.assert_allclose(second(True, f), second(False, f), rtol=1e-8, atol=1e-9)


def test_only_large_arrays_are_served(monkeypatch):
    assert is_served(np.ones(WORTH, np.float32))
    for x in (np.ones(WORTH - 1), np.ones(WORTH, int), np.ones(WORTH, np.float16), Value(np.ones(WORTH))):
        assert not is_open(x)
    monkeypatch.setattr(eager, "enabled", False)
    assert not is_served(np.ones(WORTH))


def test_many_threads_at_once():
    x = np.random.default_rng(0).standard_normal((300, 500))
    found: list = []

    def work(n):
        found.extend((n, F.softmax(np.copy(x[:n])), F.gelu(np.copy(x[:n]))) for _ in range(3))

    threads = [threading.Thread(target=work, args=(100 + n % 3,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 18
    for n, *ys in found:
        for ours, expected in zip(ys, (F.softmax(x[:n]), F.gelu(x[:n])), strict=True):
            np.testing.assert_array_equal(ours, expected)


def test_numpy_does_what_no_kernel_can():
    cumulated = formula(lambda x: np.cumsum(x, axis=0))
    x = np.ones((WORTH, 2))
    np.testing.assert_array_equal(cumulated(x), np.cumsum(x, axis=0))


def test_the_compiler_is_imported_when_it_is_needed():
    code = (
        "import sys, numpy as np, calligrad\n"
        "calligrad.relu(np.ones(10)); assert 'llvmlite' not in sys.modules\n"
        "calligrad.relu(np.ones(10**6)); assert 'llvmlite' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
