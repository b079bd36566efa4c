"""The source of a program: it runs by itself, with NumPy alone, and gives the same."""

import subprocess
import sys

import numpy as np
import pytest

import calligrad
from calligrad import nn, optim
from calligrad.compiler.source import source_of_program
from calligrad.nn import functional as F
from tests.compiler.passes.captured import same_bits

ALONE = """
import importlib.abc, sys

class NumPyAlone(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("calligrad", "scipy", "numba"):
            raise ImportError(f"{name} is not there")

sys.meta_path.insert(0, NumPyAlone())
import numpy as np
from source import program
inputs = np.load("inputs.npz")
with np.errstate(all="ignore"):
    outputs = program(*(inputs[f"arr_{i}"][()] for i in range(len(inputs.files))))
np.savez("outputs.npz", *(outputs if isinstance(outputs, tuple) else [outputs]))
"""


def run_alone(source, arrays, folder):
    """What the source gives in a process of its own in which NumPy is all that there is to import."""
    (folder / "source.py").write_text(source)
    np.savez(folder / "inputs.npz", *arrays)
    subprocess.run([sys.executable, "-c", ALONE], cwd=folder, check=True, timeout=60)
    with np.load(folder / "outputs.npz", allow_pickle=True) as outputs:
        return [outputs[f"arr_{i}"] for i in range(len(outputs.files))]


def alone(f, arrays, folder):
    """The outputs of the source of ``f``, and those of its program, for the same inputs."""
    compiled = calligrad.compile(f, backend="numpy")
    for _ in range(3):
        compiled(*arrays)
    program = compiled.program()
    rng = np.random.default_rng(0)
    inputs = [_like(var, rng, arrays) for var in program.inputs]
    source = source_of_program(program, "program")
    with np.errstate(all="ignore"):
        here = compiled.backend.compiled(program.but(writes=[]))(inputs)
    return run_alone(source, inputs, folder), here


def _like(var, rng, arrays):
    fitting = [x for x in arrays if x.shape == var.shape and x.dtype == var.dtype]
    if fitting:
        return fitting[0]
    x = rng.random(var.shape) + 0.5
    return float(x) if var.weak else x.astype(var.dtype)


X = np.random.default_rng(1).normal(size=(3, 4))


def test_a_function(tmp_path):
    def f(x):
        y = np.zeros_like(x)
        y[:, 1] = np.sum(np.sin(x) @ x.T, axis=0) * -2.0
        y[0, :2] += np.inf
        return y, np.clip(x, 0, None), np.where(x < 0, np.nan, x), x[1:, None] - 1

    mine, here = alone(f, [X], tmp_path)
    assert same_bits(mine, here)


def network(model, loss, optimizer=optim.Adam):
    model = model.astype(np.float32)
    adam = optimizer(model.parameters(), lr=0.01)

    def step(x, y):
        adam.zero_grad()
        value = loss(model(x), y)
        value.backward()
        adam.step()
        return value

    return step


STEPS = {
    "mlp": lambda: network(nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3)), F.cross_entropy),
    "cnn": lambda: network(
        nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 3)),
        F.cross_entropy,
    ),
    "norms": lambda: network(
        nn.Sequential(nn.Linear(4, 8), nn.LayerNorm(8), nn.GELU(), nn.BatchNorm1d(8), nn.Linear(8, 3)),
        F.cross_entropy,
        optim.SGD,
    ),
}


@pytest.mark.parametrize("name", STEPS)
def test_a_training_step(name, tmp_path):
    x = np.random.default_rng(2).normal(size=(5, 1, 4, 4) if name == "cnn" else (5, 4)).astype(np.float32)
    mine, here = alone(STEPS[name](), [x, np.array([0, 2, 1, 1, 0])], tmp_path)
    known = [(a, b) for a, b in zip(mine, here, strict=True) if b is not None]
    for a, b in known:
        np.testing.assert_allclose(np.asarray(a, float), b, rtol=1e-4, atol=1e-5)  # a convolution adds up otherwise


def test_it_is_written_as_one_would():
    compiled = calligrad.compile(lambda x, y: np.exp(x @ y.T + 1) * 0.5, backend="numpy")
    for _ in range(3):
        compiled(X, X[:3])
    source = compiled.source()
    assert "v0 @ v1.T" in source or "x @ y.T" in source
    assert " + 1" in source
    assert "np.exp(" in source
    assert "float64[3, 3]" in source
    assert "test_source.py:" in source


def test_inputs_are_called_by_words():
    compiled = calligrad.compile(lambda x, y: x + y, backend="numpy")
    for _ in range(3):
        compiled(X, X[0])
    program = compiled.program()
    words = dict(zip(program.inputs, ("model.0.weight", "if"), strict=True))
    assert "model_0_weight + v1" in source_of_program(program, "f", words)
