"""Dropout: what is drawn, and errors."""

import numpy as np
import pytest

from calligrad import Value, nn, random
from calligrad.nn import functional as F

X = np.random.default_rng(0).standard_normal((50, 40, 3, 2))


def test_a_share_is_zero_and_the_rest_is_scaled():
    y = F.dropout(X, 0.3)
    kept = y != 0
    assert abs(kept.mean() - 0.7) < 0.02
    np.testing.assert_allclose(y[kept], X[kept] / 0.7)


@pytest.mark.parametrize(
    ("module", "x", "axes"),
    [
        (nn.Dropout1d, X[..., 0], 2),
        (nn.Dropout1d, X[:, :, 0, 0], 1),
        (nn.Dropout2d, X, 2),
        (nn.Dropout2d, X[..., 0], 2),
        (nn.Dropout3d, X[..., None], 2),
        (nn.Dropout3d, X, 1),
    ],
)
def test_whole_channels_are_dropped(module, x, axes):
    y = module(0.5)(x)
    kept = y != 0
    channels = kept.reshape(*x.shape[:axes], -1)
    assert np.all(channels == channels[..., :1])
    assert 0.2 < channels.mean() < 0.8
    np.testing.assert_allclose(y[kept], 2 * x[kept])


def test_the_gradient_is_dropped_alike():
    x = Value(X)
    y = nn.Dropout(0.4)(x)
    np.sum(y).backward()
    np.testing.assert_allclose(x.grad, np.where(y.data == 0, 0, 1 / 0.6))


@pytest.mark.parametrize("module", [nn.AlphaDropout, nn.FeatureAlphaDropout])
def test_alpha_dropout_keeps_mean_and_variance(module):
    x = np.random.default_rng(1).standard_normal((1000, 200, 1))
    y = module(0.3, rng=np.random.default_rng(2))(x)
    assert abs(y.mean()) < 0.02
    assert abs(y.var() - 1) < 0.02
    values, counts = np.unique(y, return_counts=True)  # of which the saturated one comes again and again
    assert abs(counts.max() / y.size - 0.3) < 0.01
    assert values[counts.argmax()] < -1


def test_feature_alpha_dropout_drops_whole_channels():
    y = nn.FeatureAlphaDropout(0.5)(X)
    values, counts = np.unique(y, return_counts=True)
    same = (y == values[counts.argmax()]).reshape(50, 40, -1)
    assert np.all(same == same[..., :1])
    assert 0.4 < same.mean() < 0.6


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
@pytest.mark.parametrize("module", [nn.Dropout, nn.Dropout2d, nn.AlphaDropout])
def test_draws_repeat_and_keep_the_precision(module, dtype):
    x = X.astype(dtype)
    a, b = (module(0.5, rng=np.random.default_rng(3))(x) for _ in range(2))
    random.seed(3)
    c = module(0.5)(x)
    np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(a, c)
    assert a.dtype == dtype


def test_without_training_nothing_is_drawn():
    rng = np.random.default_rng(0)
    assert nn.Dropout(0.5, rng=rng).eval()(X) is X
    assert rng.random() == np.random.default_rng(0).random()


@pytest.mark.parametrize("p", [-0.1, 1.5, float("nan")])
def test_p_is_a_probability(p):
    for make in (nn.Dropout, nn.AlphaDropout, lambda p: F.dropout2d(X, p)):
        with pytest.raises(ValueError, match=f"p is a probability from 0 to 1, not {p}"):
            make(p)


def test_what_does_not_fit():
    with pytest.raises(ValueError, match=r"dropout1d takes 2 or 3 axes, not shape \(50, 40, 3, 2\)"):
        F.dropout1d(X)
    with pytest.raises(ValueError, match=r"\(N, C, …\), not shape \(3,\)"):
        F.feature_alpha_dropout(np.ones(3), training=True)
    with pytest.raises(TypeError, match="floating, not int64"):
        F.dropout(np.ones(3, np.int64))
