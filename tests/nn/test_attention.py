"""Attention and transformers: what the table of layers does not say."""

import numpy as np
import pytest

from calligrad import Value, nn
from calligrad.nn.attention import tiles
from calligrad.nn.functional import scaled_dot_product_attention as attention
from calligrad.testing import check_gradients

RNG = np.random.default_rng(0)
Q, K, V = RNG.standard_normal((2, 3, 4)), RNG.standard_normal((2, 5, 4)), RNG.standard_normal((2, 5, 6))


def by_definition(q, k, v, mask=0.0):
    """The formula, spelled out."""
    e = np.exp(q @ k.mT / np.sqrt(q.shape[-1]) + mask)
    return e / np.sum(e, axis=-1, keepdims=True) @ v


def test_the_formula():
    np.testing.assert_allclose(attention(Q, K, V), by_definition(Q, K, V), rtol=1e-13)
    mask = RNG.random((3, 5)) < 0.7
    mask[:, 0] = True
    added = np.where(mask, 0, -np.inf)
    for m in (mask, added, added.tolist(), Value(added)):
        got = attention(Q, K, V, m)
        np.testing.assert_allclose(getattr(got, "data", got), by_definition(Q, K, V, added), rtol=1e-13)


def test_batches_broadcast():
    q = RNG.standard_normal((3, 1, 3, 4))
    np.testing.assert_allclose(attention(q, K, V), by_definition(q, K, V), rtol=1e-13)
    np.testing.assert_allclose(attention(Q, K[0], V[0]), by_definition(Q, K[0], V[0]), rtol=1e-13)
    check_gradients(attention, q, K, V[0])
    mask = RNG.standard_normal((2, 1, 1, 5))
    np.testing.assert_allclose(attention(q[:2], K, V, mask), by_definition(q[:2], K, V, mask), rtol=1e-13)


@pytest.mark.parametrize("shape", [(3, 7, 20, 50), (2, 3, 200, 200), (500, 12, 12), (4, 4), (0, 3, 2, 2)])
def test_tiles_cover_everything_once(shape):
    seen = np.zeros(shape)
    for tile in tiles(shape):
        seen[tile] += 1
    assert np.all(seen == 1)


@pytest.mark.parametrize("options", [{}, {"is_causal": True}, {"scale": 0.2}])
def test_many_heads_at_once_equal_one_at_a_time_and_so_do_gradients(options):
    q, k, v = (RNG.standard_normal((3, 40, 20, 8)).astype(np.float32) for _ in range(3))
    strided = [np.swapaxes(np.ascontiguousarray(np.swapaxes(x, 1, 2)), 1, 2) for x in (q, k, v)]
    together = [Value(x) for x in strided]
    np.sum(attention(*together, **options) ** 2).backward()
    for i, j in ((0, 0), (1, 39), (2, 17)):
        alone = [Value(x[i, j]) for x in (q, k, v)]
        np.sum(attention(*alone, **options) ** 2).backward()
        for a, b in zip(together, alone, strict=True):
            np.testing.assert_allclose(a.grad[i, j], b.grad, rtol=1e-4, atol=1e-5)


def test_a_query_that_may_look_nowhere_gets_0_and_so_do_its_gradients():
    mask = np.array([[True, False], [False, False]])
    x = Value(RNG.standard_normal((2, 3)))
    y = attention(x, x, x, mask)
    np.testing.assert_array_equal(y.data[1], 0)
    np.sum(y[1]).backward()
    np.testing.assert_array_equal(x.grad, 0)
    y, weights = nn.MultiheadAttention(4, 2)(*[np.ones((3, 1, 4))] * 3, key_padding_mask=np.ones((1, 3), bool))
    np.testing.assert_array_equal(weights.data, 0)
    assert np.all(np.isfinite(y.data))


def test_large_scores_do_not_overflow():
    x = np.array([[1e4, 0.0], [0.0, 1e4]], np.float32)
    np.testing.assert_array_equal(attention(x, x, x), x)


def test_no_keys():
    np.testing.assert_array_equal(attention(Q, K[:, :0], V[:, :0]), np.zeros((2, 3, 6)))


def test_dropout_keeps_the_mean_and_its_gradients_are_right():
    x = np.ones((1, 200, 4), np.float32)
    y = attention(x, x, x, dropout_p=0.25, rng=np.random.default_rng(0))
    assert y.dtype == np.float32
    np.testing.assert_allclose(y.mean(), 1, atol=0.01)
    assert y.std() > 0.01
    np.testing.assert_array_equal(attention(Q, K, V, dropout_p=1.0), np.zeros((2, 3, 6)))
    check_gradients(lambda q, k, v: attention(q, k, v, dropout_p=0.4, rng=np.random.default_rng(3)), Q, K, V)


def test_dropout_of_heads_is_in_training_alone_and_shows_in_the_weights():
    layer = nn.MultiheadAttention(4, 2, dropout=0.5, dtype="f8", rng=np.random.default_rng(0))
    x = RNG.standard_normal((6, 3, 4))
    assert np.any(layer(x, x, x, average_attn_weights=False)[1].data == 0)
    layer.eval()
    np.testing.assert_allclose(np.sum(layer(x, x, x)[1].data, axis=-1), 1)


def test_the_same_sequence_three_times_or_three_equal_ones():
    layer = nn.MultiheadAttention(4, 2, dtype="f8")
    x = RNG.standard_normal((3, 2, 4))
    for a, b in zip(layer(x, x, x), layer(x, x.copy(), x.copy()), strict=True):
        np.testing.assert_allclose(a.data, b.data, rtol=1e-12)


def test_how_weights_start():
    layer = nn.MultiheadAttention(100, 2, add_bias_kv=True, rng=np.random.default_rng(0))
    bound = np.sqrt(6 / 400)
    assert 0.99 * bound < np.abs(layer.in_proj_weight.data).max() <= bound
    for bias in (layer.in_proj_bias, layer.out_proj.bias):
        np.testing.assert_array_equal(bias.data, 0)
    assert np.abs(layer.out_proj.weight.data).max() <= 0.1
    np.testing.assert_allclose(layer.bias_k.data.std(), np.sqrt(2 / 200), rtol=0.3)
    model = nn.Transformer(20, 2, 2, 1, 30, rng=np.random.default_rng(0))
    weights = [layer.linear1.weight.data for layer in model.encoder.layers]
    assert not np.array_equal(*weights)
    assert np.abs(weights[0]).max() <= np.sqrt(6 / 50)


def test_copied_layers_start_alike_have_parameters_of_their_own_and_drop_differently():
    layer = nn.TransformerEncoderLayer(4, 2, 8, dropout=0.5, dtype="f8", rng=np.random.default_rng(0))
    encoder = nn.TransformerEncoder(layer, 2)
    first, second = encoder.layers
    assert len(list(encoder.parameters())) == 2 * len(list(layer.parameters()))
    np.testing.assert_array_equal(first.linear1.weight.data, second.linear1.weight.data)
    x = RNG.standard_normal((3, 2, 4))
    assert not np.array_equal(first(x).data, second(x).data)


X = np.zeros((3, 2, 4))


@pytest.mark.parametrize(
    ("f", "error", "message"),
    [
        (lambda: attention(Q, K[..., :3], V), ValueError, "do not fit"),
        (lambda: attention(Q, K, V[:, :4]), ValueError, "do not fit"),
        (lambda: attention(Q[0, 0], K, V), ValueError, "do not fit"),
        (lambda: attention(Q.astype(int), K, V), TypeError, "floats, not int64, float64, float64"),
        (lambda: attention(Q, K, V, np.ones((3, 4), bool)), ValueError, "broadcast"),
        (lambda: attention(Q, K, V, np.ones((2, 2, 3, 5), bool)), ValueError, "broadcast"),
        (lambda: attention(Q, np.ones((3, 5, 4)), V), ValueError, "do not fit"),
        (lambda: attention(Q, K, V, np.ones((3, 5), int)), TypeError, "boolean or floating, not int64"),
        (lambda: attention(Q, K, V, np.ones((3, 5), bool), is_causal=True), ValueError, "not both"),
        (lambda: attention(Q, K, V, dropout_p=1.5), ValueError, "probability"),
        (
            lambda: attention(np.ones((3, 2, 2)), *[np.ones((2, 2, 2))] * 2, enable_gqa=True),
            ValueError,
            "evenly",
        ),
        (lambda: nn.MultiheadAttention(5, 2), ValueError, "multiple of num_heads, not 5 of 2"),
        (lambda: nn.MultiheadAttention(4, 2, dropout=-1), ValueError, "probability"),
        (lambda: nn.MultiheadAttention(4, 2)(X[..., :3], X, X), ValueError, r"\(L, N, 4\).*\(3, 2, 3\)"),
        (lambda: nn.MultiheadAttention(4, 2)(X, X[:, :1], X[:, :1]), ValueError, "have the shapes"),
        (lambda: nn.MultiheadAttention(4, 2)(X, X, X, is_causal=True), ValueError, "must be given"),
        (lambda: nn.MultiheadAttention(4, 2)(X, X, X, np.ones((3, 2), bool)), ValueError, r"\(2, 3\), not \(3, 2\)"),
        (lambda: nn.MultiheadAttention(4, 2)(X, X, X, np.ones((2, 3), int)), TypeError, "key_padding_mask is boolean"),
        (lambda: nn.MultiheadAttention(4, 2)(X, X, X, attn_mask=np.ones((2, 3, 3), bool)), ValueError, r"\(4, 3, 3\)"),
        (lambda: nn.TransformerEncoderLayer(4, 2, activation="sine"), ValueError, '"relu", "gelu" or a function'),
        (lambda: nn.TransformerEncoder(np.tanh, 2), TypeError, "layer is a module"),
    ],
)
def test_bad_input(f, error, message):
    with pytest.raises(error, match=message):
        f()
