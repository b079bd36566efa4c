"""Initialisers: each draws from the distribution that it names, as PyTorch's do."""

import math

import numpy as np
import pytest
import scipy.stats

from calligrad import Value
from calligrad.nn import Bilinear, Linear, init

NORMAL, UNIFORM = scipy.stats.norm, scipy.stats.uniform


def uniform(bound):
    return UNIFORM(-bound, 2 * bound)


@pytest.mark.parametrize(
    ("fill", "distribution"),
    [
        (init.uniform_, UNIFORM(0, 1)),
        (lambda x, rng: init.uniform_(x, a=-3.0, b=1.0, rng=rng), UNIFORM(-3, 4)),
        (lambda x, rng: init.normal_(x, 5.0, 0.25, rng=rng), NORMAL(5, 0.25)),
        (init.xavier_uniform_, uniform(math.sqrt(6 / 500))),
        (init.xavier_normal_, NORMAL(0, math.sqrt(2 / 500))),
        (lambda x, rng: init.xavier_normal_(x, gain=2.0, rng=rng), NORMAL(0, 2 * math.sqrt(2 / 500))),
        (init.kaiming_uniform_, uniform(math.sqrt(6 / 300))),
        (lambda x, rng: init.kaiming_uniform_(x, a=math.sqrt(5), rng=rng), uniform(math.sqrt(1 / 300))),
        (lambda x, rng: init.kaiming_normal_(x, nonlinearity="relu", rng=rng), NORMAL(0, math.sqrt(2 / 300))),
        (
            lambda x, rng: init.kaiming_normal_(x, mode="fan_out", nonlinearity="linear", rng=rng),
            NORMAL(0, math.sqrt(1 / 200)),
        ),
        (lambda x, rng: init.kaiming_normal_(x, nonlinearity="tanh", rng=rng), NORMAL(0, 5 / 3 / math.sqrt(300))),
        (init.trunc_normal_, scipy.stats.truncnorm(-2, 2)),
        (
            lambda x, rng: init.trunc_normal_(x, 1.0, 0.5, 0.0, 1.2, rng=rng),
            scipy.stats.truncnorm(-2, 0.4, loc=1, scale=0.5),
        ),
        (
            lambda x, rng: init.trunc_normal_(x, 0.0, 0.1, 0.3, 9.0, rng=rng),
            scipy.stats.truncnorm(3, 90, loc=0, scale=0.1),
        ),
    ],
)
def test_distributions(fill, distribution):
    x = fill(Value(np.empty((200, 300))), rng=np.random.default_rng(1)).data.reshape(-1)
    assert scipy.stats.kstest(x, distribution.cdf).pvalue > 0.01
    low, high = distribution.support()
    assert low <= x.min() < x.max() <= high


def test_layers_start_uniform_within_one_over_the_root_of_their_inputs():
    for layer in (Linear(400, 300, rng=np.random.default_rng(0)), Bilinear(400, 3, 50, rng=np.random.default_rng(0))):
        assert scipy.stats.kstest(layer.weight.data.reshape(-1), uniform(1 / 20).cdf).pvalue > 0.01
        assert np.abs(layer.bias.data).max() <= 1 / 20


def test_trunc_normal_keeps_its_bounds_in_float32():
    x = init.trunc_normal_(Value(np.empty(50000, "f4")), a=-0.1, b=0.1).data
    assert np.abs(x).max() <= np.float32(0.1)


@pytest.mark.parametrize("shape", [(5, 5), (3, 8), (8, 3), (4, 2, 3), (2, 0)])
def test_orthogonal(shape):
    x = init.orthogonal_(Value(np.empty(shape)), gain=2.0, rng=np.random.default_rng(0)).data.reshape(shape[0], -1)
    product = x @ x.T if shape[0] <= x.shape[1] else x.T @ x
    np.testing.assert_allclose(product, 4 * np.eye(len(product)), atol=1e-12)


def test_orthogonal_matrices_are_as_often_of_either_sign():
    rng = np.random.default_rng(0)
    corners = [init.orthogonal_(Value(np.empty((2, 2))), rng=rng).data[0, 0] for _ in range(1000)]
    angles = scipy.stats.uniform(0, math.pi)
    assert scipy.stats.kstest(np.arccos(corners), angles.cdf).pvalue > 0.01


def test_sparse():
    x = init.sparse_(Value(np.empty((10, 2000))), 0.25, std=0.5, rng=np.random.default_rng(0)).data
    np.testing.assert_array_equal((x == 0).sum(axis=0), np.full(2000, 3))
    np.testing.assert_allclose((x == 0).mean(axis=1), 0.3, atol=0.05)
    assert scipy.stats.kstest(x[x != 0], NORMAL(0, 0.5).cdf).pvalue > 0.01


def test_eye_and_dirac():
    np.testing.assert_array_equal(init.eye_(Value(np.empty((2, 3)))).data, np.eye(2, 3))
    for window in ((3,), (3, 5), (3, 1, 5)):
        weight = init.dirac_(Value(np.empty((4, 2, *window))), groups=2).data
        middle = weight[(slice(None), slice(None), *(n // 2 for n in window))]
        np.testing.assert_array_equal(middle, [[1, 0], [0, 1], [1, 0], [0, 1]])
        assert weight.sum() == 4


def test_they_fill_in_place_and_return_what_they_fill():
    for fill, expected in ((init.zeros_, 0.0), (init.ones_, 1.0), (lambda x: init.constant_(x, val=2.5), 2.5)):
        array = np.full((2, 3), 9.0)
        v = Value(array)
        assert fill(v) is v
        assert v.data is array
        np.testing.assert_array_equal(array, np.full((2, 3), expected))
    assert init.kaiming_uniform_(Value(np.empty((2, 3), "f2"))).dtype == "f2"


def test_fans_count_the_window():
    assert init.fans((8, 3)) == (3, 8)
    assert init.fans((8, 3, 5, 5)) == (75, 200)
    assert init.fans((0, 3)) == (3, 0)


def test_gains():
    for nonlinearity, gain in {
        "linear": 1, "conv1d": 1, "conv_transpose3d": 1, "sigmoid": 1, "tanh": 5 / 3, "relu": math.sqrt(2),
        "selu": 0.75, "leaky_relu": math.sqrt(2 / (1 + 0.01**2)),
    }.items():  # fmt: skip
        assert init.calculate_gain(nonlinearity) == gain
    assert init.calculate_gain("leaky_relu", 1.0) == 1


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda x: init.calculate_gain("gelo"), "gelo"),
        (lambda x: init.eye_(x), r"\(2, 3, 4\)"),
        (lambda x: init.sparse_(x, 0.5), r"\(2, 3, 4\)"),
        (lambda x: init.dirac_(x, groups=3), "3 groups"),
        (lambda x: init.dirac_(Value(np.ones((2, 3)))), r"\(2, 3\)"),
        (lambda x: init.orthogonal_(Value(np.ones(3))), r"\(3,\)"),
        (lambda x: init.trunc_normal_(x, a=1.0, b=0.0), "a < b"),
        (lambda x: init.trunc_normal_(x, std=0.0), "std > 0"),
        (lambda x: init.kaiming_normal_(x, mode="fan_up"), "fan_up"),
    ],
)
def test_refusals(call, words):
    with pytest.raises(ValueError, match=words):
        call(Value(np.ones((2, 3, 4))))
