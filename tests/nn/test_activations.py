"""Activations: kinks, far-out inputs, random ones, and what is refused."""

import numpy as np
import pytest
import scipy.stats

import calligrad as cg
from calligrad import Value, grad, nn
from calligrad.nn import functional as F

SMOOTH = ("sigmoid", "silu", "softplus", "logsigmoid", "mish", "gelu", "elu", "celu", "selu", "softsign", "tanhshrink")


@pytest.mark.parametrize(
    ("f", "x", "slope"),
    [
        (F.relu, 0.0, 0.0),
        (F.relu6, 0.0, 0.0),
        (F.relu6, 6.0, 0.0),
        (F.hardtanh, 1.0, 0.0),
        (F.hardsigmoid, 3.0, 0.0),
        (F.hardsigmoid, 1.0, 1 / 6),
        (F.hardswish, -3.0, 0.0),
        (F.leaky_relu, 0.0, 0.01),
        (F.elu, 0.0, 1.0),
        (F.hardshrink, 0.5, 0.0),
        (F.softshrink, -0.5, 0.0),
        (lambda x: F.threshold(x, 1.0, 5.0), 1.0, 0.0),
    ],
)
def test_slopes_at_the_kinks(f, x, slope):
    np.testing.assert_allclose(grad(f)(x), slope)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("name", SMOOTH)
def test_nothing_overflows_far_out_and_nan_is_seen(name, dtype):
    f = getattr(F, name)
    x = Value(np.array([-1e30, -1e4, -200, 0, 200, 1e4, 1e30], dtype))
    y = f(x)
    np.sum(y).backward()
    assert np.all(np.isfinite(y.data))
    assert np.all(np.isfinite(x.grad))
    assert y.dtype == x.grad.dtype == dtype
    assert np.isnan(f(np.array([np.nan], dtype)))


PIECES = ("relu", "relu6", "leaky_relu", "hardtanh", "hardswish", "hardsigmoid", "hardshrink", "softshrink")


@pytest.mark.parametrize("name", [*SMOOTH, *PIECES])
def test_large_arrays_give_what_small_ones_give(name):
    f, x = getattr(F, name), np.random.default_rng(0).standard_normal((600, 1000))
    g = grad(lambda x: np.sum(f(x) * x))
    for whole, part in ((f(x), f(x[7])), (g(x), g(x[7]))):
        np.testing.assert_allclose(whole[7], part, rtol=1e-14, atol=1e-15)
    np.testing.assert_allclose(f(x.T)[:, 7], f(x[7]), rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("f", [F.softmax, F.log_softmax])
def test_only_differences_matter_to_a_softmax(f):
    x = np.random.default_rng(0).standard_normal((500, 300))
    x[:, 5] = -np.inf
    for shift in (0, 35, 500, -35, -500):
        np.testing.assert_allclose(f(x + shift), f(x.T, axis=0).T, rtol=1e-11)
        y = Value(x + shift)
        (f(y)[:, :5] * np.arange(5)).sum().backward()
        expected = grad(lambda x: np.sum(f(x.T, axis=0).T[:, :5] * np.arange(5)))(x)
        np.testing.assert_allclose(y.grad, expected, rtol=1e-9, atol=1e-12)


def test_erf_in_float32_is_good_to_its_last_digits():
    from scipy.special import erf

    x = np.linspace(-6, 6, 100001, dtype=np.float32)
    np.testing.assert_allclose(cg.erf(x), erf(x.astype(float)), rtol=3e-7, atol=1e-37)


def test_rrelu_draws_slopes_within_bounds():
    x = -np.ones(5000)
    y = F.rrelu(x, 0.1, 0.3, training=True, rng=np.random.default_rng(0))
    assert scipy.stats.kstest(-y, scipy.stats.uniform(0.1, 0.2).cdf).pvalue > 0.01
    v = Value(x)
    out = nn.RReLU(0.1, 0.3, rng=np.random.default_rng(0))(v)
    np.testing.assert_array_equal(out.data, y)
    np.sum(out).backward()
    np.testing.assert_allclose(v.grad, -y)
    np.testing.assert_array_equal(F.rrelu(-x, training=True), -x)


def test_gumbel_softmax_chooses_with_the_probabilities_of_a_softmax():
    logits = np.log(np.array([0.2, 0.3, 0.5]))
    draws = F.gumbel_softmax(np.tile(logits, (20000, 1)), hard=True, rng=np.random.default_rng(0))
    assert set(np.unique(draws)) == {0.0, 1.0}
    np.testing.assert_allclose(draws.mean(axis=0), [0.2, 0.3, 0.5], atol=0.015)


def test_gumbel_softmax_is_one_hot_with_the_gradient_of_the_soft_one():
    x, weights = np.random.default_rng(1).standard_normal((4, 3)), np.arange(3.0)

    def total(x, hard):
        return np.sum(F.gumbel_softmax(x, 0.7, hard, rng=np.random.default_rng(2)) * weights)

    np.testing.assert_allclose(grad(total)(x, True), grad(total)(x, False))
    assert F.gumbel_softmax(x.astype("f4"), axis=0).dtype == np.float32


def test_adaptive_softmax_has_probabilities_and_predicts_the_greatest():
    layer = nn.AdaptiveLogSoftmaxWithLoss(6, 12, [3, 7], dtype="f8", rng=np.random.default_rng(0))
    x, target = np.random.default_rng(1).standard_normal((5, 6)), np.array([0, 3, 6, 7, 11])
    logs = layer.log_prob(x).data
    np.testing.assert_allclose(np.exp(logs).sum(axis=1), 1)
    output, loss = layer(x, target)
    np.testing.assert_allclose(output.data, logs[np.arange(5), target])
    np.testing.assert_allclose(loss.data, -output.data.mean())
    np.testing.assert_array_equal(layer.predict(x), logs.argmax(axis=1))
    assert np.isnan(layer(x[:0], target[:0]).loss.data)


def test_prelu_starts_at_a_quarter():
    layer = nn.PReLU(3)
    np.testing.assert_array_equal(layer.weight.data, np.full(3, 0.25, np.float32))
    assert nn.PReLU(dtype="f8").weight.dtype == np.float64


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda x: F.gelu(x, "sigmoid"), ValueError, "sigmoid"),
        (lambda x: F.glu(x), ValueError, r"\(2, 3\)"),
        (lambda x: F.prelu(x, np.ones(2)), ValueError, r"\(2,\) for \(2, 3\)"),
        (lambda x: F.rrelu(x, 0.5, 0.1), ValueError, "above upper"),
        (lambda x: F.softshrink(x, -1.0), ValueError, "-1"),
        (lambda x: F.celu(x, 0.0), ValueError, "alpha"),
        (lambda x: F.softplus(x, 0), ValueError, "beta"),
        (lambda x: F.gumbel_softmax(x, 0), ValueError, "tau"),
        (lambda x: nn.Hardtanh(1.0, -1.0), ValueError, "above max_val"),
        (lambda x: nn.Softmax2d()(x), ValueError, r"\(2, 3\)"),
        (lambda x: nn.AdaptiveLogSoftmaxWithLoss(3, 5, [4, 2]), ValueError, "increasing"),
        (lambda x: nn.AdaptiveLogSoftmaxWithLoss(3, 5, [2])(x, np.array([1, 5])), ValueError, "target 5 at index 1"),
        (lambda x: nn.AdaptiveLogSoftmaxWithLoss(3, 5, [2])(x, np.array([1.0, 2.0])), TypeError, "integers"),
        (lambda x: nn.AdaptiveLogSoftmaxWithLoss(3, 5, [2])(x, np.array([1])), ValueError, r"\(1,\)"),
    ],
)
def test_refusals(call, error, words):
    with pytest.raises(error, match=words):
        call(np.ones((2, 3)))
