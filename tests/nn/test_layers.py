"""Linear and bilinear layers, and the activations as modules."""

import math

import numpy as np
import pytest

import calligrad as cg
from calligrad import Value
from calligrad.nn import GELU, Bilinear, Linear, LogSoftmax, ReLU, Sigmoid, Softmax, Tanh, functional

X = np.array([[1.0, -2.0, 0.5], [0.0, 3.0, -1.0]])

# ---------------------------------------------------------------- Linear and Bilinear


def test_linear():
    layer = Linear(3, 2, dtype=np.float64)
    np.testing.assert_array_equal(layer(X).data, X @ layer.weight.data.T + layer.bias.data)
    assert (layer.weight.shape, layer.bias.shape) == ((2, 3), (2,))
    assert (layer.weight.name, layer.bias.name) == ("weight", "bias")
    np.testing.assert_array_equal(Linear(3, 2, bias=False, dtype="f8")(X[0]).shape, (2,))


def test_linear_is_float32_unless_told_otherwise():
    assert Linear(3, 2).weight.dtype == np.float32
    assert Linear(3, 2, dtype=np.float16).bias.dtype == np.float16
    cg.set_default_dtype(np.float64)
    assert Linear(3, 2).weight.dtype == np.float64
    assert cg.default_dtype() == np.float64


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_linear_keeps_the_precision(dtype):
    layer = Linear(3, 2, dtype=dtype)
    y = layer(X.astype(dtype))
    assert y.dtype == dtype
    np.sum(y).backward()
    assert (layer.weight.grad.dtype, layer.bias.grad.dtype) == (dtype, dtype)


def test_linear_starts_uniform_within_one_over_the_root_of_its_inputs():
    layer = Linear(400, 300, rng=np.random.default_rng(0))
    for p in (layer.weight.data, layer.bias.data):
        assert np.abs(p).max() <= 1 / 20
        assert np.abs(p).max() > 0.99 / 20
        np.testing.assert_allclose(p.std(), 1 / 20 / math.sqrt(3), rtol=0.05)
        assert abs(p.mean()) < 0.005


def test_draws_repeat_from_a_seed_and_from_an_rng():
    cg.random.seed(3)
    a, b = Linear(3, 2), Linear(3, 2)
    cg.random.seed(3)
    c = Linear(3, 2)
    np.testing.assert_array_equal(a.weight.data, c.weight.data)
    assert np.any(a.weight.data != b.weight.data)
    d, e = (Linear(3, 2, rng=np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(d.weight.data, e.weight.data)


def test_an_rng_of_ones_own_leaves_the_shared_one_alone():
    cg.random.seed(3)
    first = cg.random.generator().random()
    cg.random.seed(3)
    Linear(3, 2, rng=np.random.default_rng(0))
    assert cg.random.generator().random() == first


def test_linear_without_inputs_or_outputs():
    assert Linear(0, 2)(np.zeros((5, 0), np.float32)).shape == (5, 2)
    assert Linear(3, 0)(np.zeros((5, 3), np.float32)).shape == (5, 0)
    assert Linear(np.int64(3), np.int64(2)).weight.shape == (2, 3)


def test_bilinear():
    layer = Bilinear(3, 2, 4, dtype="f8")
    x, y = X, np.array([[1.0, 2.0], [3.0, -1.0]])
    expected = np.einsum("ni,oij,nj->no", x, layer.weight.data, y) + layer.bias.data
    np.testing.assert_allclose(layer(x, y).data, expected)
    assert (layer.weight.shape, layer.bias.shape) == ((4, 3, 2), (4,))
    assert Bilinear(3, 2, 4, bias=False).bias is None
    assert repr(layer) == "Bilinear(in1_features=3, in2_features=2, out_features=4, bias=True)"


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: Bilinear(3, -1, 2), "in2_features"),
        (lambda: Bilinear(3, 2, 4)(X, X), r"\(2, 3\), \(2, 3\) and \(4, 3, 2\)"),
        (lambda: Bilinear(3, 2, 4)(X, np.ones((1, 2))), r"\(1, 2\)"),
        (lambda: functional.bilinear(X, X, np.ones((4, 3, 3)), np.ones(3)), r"bias.*\(3,\)"),
    ],
)
def test_bilinear_refuses_what_does_not_fit(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_activations_as_modules():
    for module, f in (
        (ReLU(), cg.relu),
        (Tanh(), np.tanh),
        (Sigmoid(), cg.sigmoid),
        (GELU(), cg.gelu),
        (GELU("tanh"), lambda x: cg.gelu(x, "tanh")),
        (Softmax(), cg.softmax),
        (Softmax(0), lambda x: cg.softmax(x, 0)),
        (LogSoftmax(), cg.log_softmax),
        (LogSoftmax(0), lambda x: cg.log_softmax(x, 0)),
    ):
        np.testing.assert_array_equal(module(X), f(X))
        assert isinstance(module(Value(X)), Value)
        assert list(module.parameters()) == []


def test_the_two_gelus_are_close():
    x = np.linspace(-5, 5, 101)
    np.testing.assert_allclose(cg.gelu(x), cg.gelu(x, "tanh"), atol=1e-3)
