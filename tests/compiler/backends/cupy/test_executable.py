"""Programs on a GPU: what goes to and fro, and what is computed, with a stand-in for CuPy."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import calligrad
from calligrad import Value, nn, optim
from calligrad.compiler import backends
from calligrad.compiler.backends.cupy.executable import Executable
from calligrad.compiler.backends.cupy.kernel import knows
from calligrad.compiler.passes import grouped
from calligrad.nn import functional as F
from tests.compiler.backends.cupy.emulated import needs_compiler
from tests.compiler.backends.cupy.standin import Device, made
from tests.compiler.passes.captured import captured

rng = np.random.default_rng(0)
X, Y = rng.normal(size=(2, 6, 5))
pytestmark = needs_compiler


@pytest.fixture
def device(monkeypatch):
    device = Device()
    monkeypatch.setitem(sys.modules, "cupy", made(device))
    return device


def trained(model, optimizer, data, backend, steps=5):
    """The losses of some steps, and the parameters in the end."""

    def step(x, labels):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), labels)
        loss.backward()
        optimizer.step()
        return loss

    run = step if backend is None else calligrad.compile(step, backend=backend)
    losses = [np.asarray(run(*data).data) for _ in range(steps)]
    return losses, [p.data for p in model.parameters()], run


def perceptron():
    calligrad.random.seed(0)
    return nn.Sequential(nn.Linear(5, 8), nn.GELU(), nn.LayerNorm(8), nn.Linear(8, 3))


LABELS = np.array([0, 1, 2, 2, 1, 0])


def convolutions():
    return nn.Sequential(
        nn.Conv2d(1, 3, 3, bias=False), nn.BatchNorm2d(3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(12, 3)
    )  # fmt: skip


class Words(nn.Module):
    def __init__(self):
        self.table, self.lstm, self.linear = nn.Embedding(7, 4), nn.LSTM(4, 5, batch_first=True), nn.Linear(5, 3)

    def forward(self, x):
        return self.linear(self.lstm(self.table(x))[0][:, -1])


MODELS = {
    "perceptron": (perceptron, X),
    "convolutions": (convolutions, rng.normal(size=(6, 1, 6, 6)).astype(np.float32)),
    "words": (Words, rng.integers(0, 7, (6, 4))),
}


@pytest.mark.parametrize("name", MODELS)
def test_a_training_is_what_eager_is(device, name):
    make, x = MODELS[name]
    results = []
    for backend in (None, "cupy"):
        calligrad.random.seed(0)
        model = make()
        results.append(trained(model, optim.Adam(model.parameters()), (x, LABELS), backend))
    for x, y in zip((*results[0][0], *results[0][1]), (*results[1][0], *results[1][1]), strict=True):
        np.testing.assert_allclose(y, x, rtol=2e-5, atol=1e-5)


def test_a_run_is_graphs_and_products_of_matrices(device):
    model = perceptron()
    run = trained(model, optim.Adam(model.parameters()), (X, LABELS), "cupy")[2]
    before = dict(device.counts)
    run(X, LABELS)
    done = {what: n - before[what] for what, n in device.counts.items()}
    lines = grouped(run.program(), knows).lines
    products = [line for line in lines if line.op is np.matmul]
    assert done["kernel"] == 0
    assert done["function"] == len(products)
    assert 0 < done["graph"] <= len(products) + 2
    assert done["upload"] == 2, "the numbers of Adam that are others in each step"


def test_what_nobody_changes_goes_over_once(device):
    model = perceptron()
    run = trained(model, optim.SGD(model.parameters(), 0.1), (X, LABELS), "cupy")[2]
    before = device.counts["upload"]
    run(X, LABELS)
    assert device.counts["upload"] == before
    model[0].weight.data[0, 0] = 5.0
    run(X, LABELS)
    assert device.counts["upload"] == before + 1
    loss = run(X * 2, LABELS)
    assert device.counts["upload"] == before + 2
    assert np.isfinite(loss.data)


def test_changes_from_outside_are_seen(device):
    def results(backend):
        model = perceptron()
        _, parameters, run = trained(model, optim.SGD(model.parameters(), 0.1), (X, LABELS), backend)
        model.load_state_dict({name: x * 0.5 for name, x in model.state_dict().items()})
        run(X, LABELS)
        return parameters

    for x, y in zip(results(None), results("cupy"), strict=True):
        np.testing.assert_allclose(y, x, rtol=1e-6, atol=1e-7)


def test_checks_look_at_what_is_given(device):
    model = perceptron()
    run = trained(model, optim.SGD(model.parameters(), 0.1), (X, LABELS), "cupy")[2]
    with pytest.raises(ValueError, match="label 7"):
        run(X, LABELS + np.array([0, 0, 7, 0, 0, 0]) * (LABELS != 2) + 5 * (LABELS == 2))


def test_lines_that_cupy_has_not_are_numpys(device):
    device.failing = frozenset(("sort",))
    f = lambda x: np.exp(np.sort(np.exp(x), axis=1) @ x.T)
    run = calligrad.compile(f, backend="cupy")
    for _ in range(5):
        np.testing.assert_allclose(run(X), f(X), rtol=1e-13)
    sorting = [line for line in grouped(run.program(), knows).lines if line.op is np.sort]
    assert device.counts["download"] >= 3 * len(sorting) > 0


def test_a_shape_that_takes_a_copy_is_new_in_each_run(device):
    f = lambda x, y: (x @ y).T.reshape(-1) @ np.ones(36)
    run = calligrad.compile(f, backend="cupy")
    for i in range(5):
        np.testing.assert_allclose(run(X * i, Y.T), f(X * i, Y.T), rtol=1e-12)


def test_arrays_of_cupys_stay_there(device):
    cupy = sys.modules["cupy"]
    program = captured(lambda x, y: np.exp(x @ y.T) + 1, X, Y)
    executable = Executable(grouped(program, knows), cupy)
    given = [cupy.asarray(X), cupy.asarray(Y)]
    for _ in range(3):
        (result,) = executable.run(given)
        assert isinstance(result, cupy.ndarray)
        np.testing.assert_allclose(result.x, np.exp(X @ Y.T) + 1, rtol=1e-13)
    assert device.counts["upload"] == device.counts["download"] == 0


def test_arrays_that_change_places(device):
    x, y = X.copy(), Y.copy()

    def swap():
        x[...], y[...] = y * 1.0, x + 0.0

    run = calligrad.compile(swap, backend="cupy")
    for i in range(6):
        run()
        np.testing.assert_array_equal(x, X if i % 2 else Y)
        np.testing.assert_array_equal(y, Y if i % 2 else X)


def test_results_are_of_their_own(device):
    run = calligrad.compile(lambda x: (np.exp(x), np.sum(x), x.T), backend="cupy")
    results = [run(X * i) for i in range(5)]
    for i, (y, total, turned) in enumerate(results):
        np.testing.assert_allclose(y, np.exp(X * i), rtol=1e-14)
        np.testing.assert_allclose(total, np.sum(X * i), rtol=1e-12, atol=1e-14)
        np.testing.assert_array_equal(turned, (X * i).T)
        assert isinstance(total, np.float64)


def test_random_numbers_are_drawn_in_each_run(device):
    draw = calligrad.compile(lambda x: F.dropout(Value(x), 0.5), backend="cupy")
    results = [draw(np.ones(64)).data for _ in range(4)]
    assert len({x.tobytes() for x in results}) == 4


def test_without_a_gpu(device):
    def getDeviceCount():
        raise RuntimeError("cudaErrorNoDevice: no CUDA-capable device is detected")

    sys.modules["cupy"].cuda.runtime.getDeviceCount = getDeviceCount
    with pytest.raises(RuntimeError, match="no GPU here"):
        calligrad.compile(np.exp, backend="cupy")


def test_without_cupy(monkeypatch):
    monkeypatch.delitem(sys.modules, "cupy", raising=False)
    monkeypatch.setattr(backends.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"calligrad\[gpu\]"):
        calligrad.compile(np.exp, backend="cupy")
