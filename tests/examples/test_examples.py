"""The plain programs in examples/: each runs on arrays alone, and its gradient is right and finds what it should."""

import ast
import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest

from calligrad import value_and_grad

FOLDER = Path(__file__).parents[2] / "examples"
PROGRAMS = ("beam_forming", "gaussian_process", "heat", "kalman_filter", "pendulum")  # plain NumPy, differentiated


def load(name):
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    program = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(program)
    return program


def agree(found):
    np.testing.assert_allclose(found["along"], found["differences"], rtol=1e-6)


def test_gaussian_process():
    found = load("gaussian_process").main(points=30, steps=6)
    agree(found)
    assert 0.1 < found["noise"] < 0.4
    assert found["off"] < 0.4


def test_kalman_filter():
    found = load("kalman_filter").main(measurements=60, steps=3)
    agree(found)
    assert 0.15 < found["noise"] < 0.6


def test_pendulum():
    found = load("pendulum").main(frames=30, steps=4)
    agree(found)
    truth = np.array([0.7, 0.25, 1.2, 0.0])
    assert np.all(np.abs(found["p"] - truth) < 4 * found["errors"])


def test_heat():
    found = load("heat").main(steps=60, iterations=12)
    agree(found)
    assert found["off"] < 0.25


def test_beam_forming():
    found = load("beam_forming").main(steps=120)
    agree(found)
    assert found["side"] < -20
    assert found["beam"] > -2


@pytest.mark.parametrize(
    ("name", "function", "args"),
    [
        ("gaussian_process", "surprise", (np.log([1.0, 0.5, 0.3]), np.linspace(0, 3, 12), np.sin(np.arange(12.0)))),
        ("kalman_filter", "surprise", (np.log([0.5, 0.5]), np.sin(np.arange(20.0)))),
        ("pendulum", "misfit", (np.array([0.9, 0.1, 1.0, 0.0]), np.linspace(0, 1, 11), np.cos(np.arange(11.0)))),
        ("heat", "misfit", (np.full(39, 0.1), np.zeros((20, 10)), np.cos(np.arange(40.0)), 0.1)),
        ("beam_forming", "cost", (np.exp(1j * np.arange(16.0)),)),
    ],
)
def test_the_program_is_numpy(name, function, args):
    f = getattr(load(name), function)
    value = f(*args)
    assert type(value) is np.float64
    with_gradient, gradient = value_and_grad(f)(*args)
    assert with_gradient == value  # bit for bit
    assert gradient.shape == args[0].shape
    assert gradient.dtype == args[0].dtype


@pytest.mark.parametrize("name", PROGRAMS)
def test_only_the_call_of_grad_is_changed(name):
    source = (FOLDER / f"{name}.py").read_text("utf-8")
    imports = [node for node in ast.walk(ast.parse(source)) if isinstance(node, (ast.Import, ast.ImportFrom))]
    assert {"numpy", "calligrad"} == {getattr(node, "module", None) or node.names[0].name for node in imports}
    assert {a.name for node in imports for a in node.names} <= {"numpy", "grad", "value_and_grad", "hessian"}
    assert len(source.splitlines()) <= 80


def test_each_example_has_its_result_in_the_readme():
    text = (FOLDER / "README.md").read_text("utf-8")
    assert set(re.findall(r"`(\w+)\.py\b", text)) == {path.stem for path in FOLDER.glob("*.py")}
