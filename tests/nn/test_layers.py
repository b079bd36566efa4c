"""Linear, Sequential, the activations as modules, initialisers and losses."""

import math

import numpy as np
import pytest

import calligrad as cg
from calligrad import Value
from calligrad.nn import (
    GELU,
    CrossEntropyLoss,
    Linear,
    LogSoftmax,
    MSELoss,
    ReLU,
    Sequential,
    Sigmoid,
    Softmax,
    Tanh,
    functional,
    init,
)

X = np.array([[1.0, -2.0, 0.5], [0.0, 3.0, -1.0]])

# ---------------------------------------------------------------- Linear and Sequential


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


def test_sequential():
    net = Sequential(Linear(3, 4, dtype="f8"), np.tanh, Linear(4, 1, dtype="f8"))
    assert len(net) == 3
    assert net[1] is np.tanh
    assert net[-1] is list(net)[2]
    np.testing.assert_array_equal(net(X).data, net[2](np.tanh(net[0](X))).data)
    assert [name for name, _ in net.named_parameters()] == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert Sequential()(X) is X


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


# ---------------------------------------------------------------- initialisers


def test_initialisers_fill_in_place_and_return_what_they_fill():
    for fill, expected in ((init.zeros_, 0.0), (init.ones_, 1.0), (lambda x: init.constant_(x, 2.5), 2.5)):
        array = np.full((2, 3), 9.0)
        v = Value(array)
        assert fill(v) is v
        assert v.data is array
        np.testing.assert_array_equal(array, np.full((2, 3), expected))


@pytest.mark.parametrize(
    ("fill", "std", "uniform"),
    [
        (lambda x: init.uniform_(x, -3.0, 1.0), 4 / math.sqrt(12), None),
        (lambda x: init.normal_(x, 5.0, 0.25), 0.25, False),
        (init.xavier_uniform_, math.sqrt(2 / 500), True),
        (init.xavier_normal_, math.sqrt(2 / 500), False),
        (lambda x: init.xavier_normal_(x, gain=2.0), 2 * math.sqrt(2 / 500), False),
        (init.kaiming_uniform_, math.sqrt(2 / 300), True),
        (lambda x: init.kaiming_uniform_(x, a=math.sqrt(5)), math.sqrt(1 / 3 / 300), True),
        (lambda x: init.kaiming_normal_(x, nonlinearity="relu"), math.sqrt(2 / 300), False),
        (lambda x: init.kaiming_normal_(x, mode="fan_out", nonlinearity="linear"), math.sqrt(1 / 200), False),
        (lambda x: init.kaiming_normal_(x, nonlinearity="tanh"), 5 / 3 / math.sqrt(300), False),
    ],
)
def test_initialisers_have_the_spread_they_promise(fill, std, uniform):
    x = fill(Value(np.empty((200, 300)))).data
    np.testing.assert_allclose(x.std(), std, rtol=0.02)
    if uniform is not None:
        furthest = np.abs(x - x.mean()).max()
        assert (furthest < 1.75 * std) == uniform


def test_initialisers_keep_the_dtype():
    assert init.kaiming_uniform_(Value(np.empty((2, 3), "f2"))).dtype == "f2"


def test_fans_count_the_window():
    assert init.fans((8, 3)) == (3, 8)
    assert init.fans((8, 3, 5, 5)) == (75, 200)
    assert init.fans((0, 3)) == (3, 0)


def test_gains():
    assert init.gain("relu") == math.sqrt(2)
    assert init.gain("linear") == 1
    assert init.gain("leaky_relu", 1.0) == 1


# ---------------------------------------------------------------- losses


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_losses_as_modules_and_as_functions(reduction):
    t = np.zeros_like(X)
    np.testing.assert_array_equal(MSELoss(reduction)(X, t), functional.mse_loss(X, t, reduction))
    labels = np.array([2, 0])
    np.testing.assert_array_equal(
        CrossEntropyLoss(reduction)(X, labels), functional.cross_entropy(X, labels, reduction)
    )


def test_mse_loss_takes_lists_numbers_and_values_on_either_side():
    assert functional.mse_loss([1.0, 3.0], [1.0, 1.0]) == 2.0
    assert functional.mse_loss(3.0, 1.0) == 4.0
    x = Value(np.array([1.0, 3.0]))
    functional.mse_loss([1.0, 1.0], x).backward()
    np.testing.assert_array_equal(x.grad, [0, 2])


def test_cross_entropy_of_huge_logits():
    x = np.array([[1e4, 0.0], [0.0, 1e4]])
    np.testing.assert_array_equal(functional.cross_entropy(x, np.array([0, 0]), "none"), [0, 1e4])
    g = cg.grad(lambda x: functional.cross_entropy(x, np.array([0, 0])))(x)
    np.testing.assert_array_equal(g, [[0, 0], [-0.5, 0.5]])


def test_cross_entropy_takes_labels_of_every_integer_kind_and_as_a_value():
    expected = functional.cross_entropy(X, np.array([2, 0]))
    for labels in ([2, 0], (2, 0), np.array([2, 0], np.uint8), np.array([2, 0], np.int16), Value([2, 0])):
        assert functional.cross_entropy(X, labels) == expected
    assert functional.cross_entropy(X[0], 2) == functional.cross_entropy(X[:1], [2])


def test_losses_of_nothing():
    assert functional.mse_loss(np.zeros((0, 2)), np.zeros((0, 2)), "sum") == 0
    assert functional.cross_entropy(np.zeros((0, 3)), np.zeros(0, int), "sum") == 0
    assert functional.cross_entropy(np.zeros((0, 3)), np.zeros(0, int), "none").shape == (0,)


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_losses_keep_the_precision(dtype):
    x = Value(X.astype(dtype))
    for loss in (
        functional.mse_loss(x, np.zeros(X.shape, dtype)),
        functional.mse_loss(x, np.zeros(X.shape, dtype), "sum"),
        functional.cross_entropy(x, np.array([0, 1])),
    ):
        assert loss.dtype == dtype
        x.grad = None
        loss.backward()
        assert x.grad.dtype == dtype
