"""Recurrent layers: what the table of layers does not say."""

import math

import numpy as np
import pytest

from calligrad import Value, nn

KINDS = ("RNN", "LSTM", "GRU")
every_kind = pytest.mark.parametrize("kind", KINDS)
X = np.random.default_rng(0).standard_normal((5, 3, 2))


def last_of(state):
    """h, of a state that may be a pair."""
    return state[0] if isinstance(state, tuple) else state


@every_kind
def test_each_sequence_is_as_it_would_be_alone(kind):
    layer = getattr(nn, kind)(2, 4, num_layers=2, bidirectional=True, dtype="f8")
    lengths = [2, 5, 1]
    outputs, state = layer(X, lengths=lengths)
    for i, length in enumerate(lengths):
        alone, its_state = layer(X[:length, i])
        np.testing.assert_allclose(outputs.data[:length, i], alone.data, rtol=1e-12)
        np.testing.assert_array_equal(outputs.data[length:, i], 0)
        np.testing.assert_allclose(last_of(state).data[:, i], last_of(its_state).data, rtol=1e-12)


@every_kind
def test_what_is_behind_the_end_does_not_matter(kind):
    layer = getattr(nn, kind)(2, 4, bidirectional=True, dtype="f8")
    spoilt = X.copy()
    spoilt[3:, 1] = np.nan
    clean, dirty = Value(X), Value(spoilt)
    for x in (clean, dirty):
        np.sum(layer(x, lengths=np.array([5, 3, 4]))[0] ** 2).backward()
    np.testing.assert_array_equal(clean.grad, dirty.grad)
    assert np.all(clean.grad[3:, 1] == 0)
    assert all(np.all(np.isfinite(p.grad)) for p in layer.parameters())


@every_kind
def test_a_cell_is_a_step(kind):
    layer, cell = getattr(nn, kind)(2, 4, dtype="f8"), getattr(nn, kind + "Cell")(2, 4, dtype="f8")
    cell.load_state_dict({name.removesuffix("_l0"): x for name, x in layer.state_dict().items()})
    outputs, _ = layer(X)
    state = None
    for x, expected in zip(X, outputs.data, strict=True):
        state = cell(x, state)
        np.testing.assert_allclose(last_of(state).data, expected, rtol=1e-12)


@every_kind
def test_weights_start_uniform_within_one_over_the_root_of_the_hidden_size(kind):
    for layer in (getattr(nn, kind)(30, 100, rng=np.random.default_rng(0)), getattr(nn, kind + "Cell")(30, 100)):
        for p in layer.parameters():
            assert p.dtype == np.float32
            assert 0.09 < np.abs(p.data).max() <= 0.1
            np.testing.assert_allclose(p.data.std(), 0.1 / math.sqrt(3), rtol=0.15)


@every_kind
def test_dropout_is_between_the_layers_and_in_training_alone(kind):
    layer = getattr(nn, kind)(2, 4, num_layers=2, dropout=0.5, dtype="f8", rng=np.random.default_rng(0))
    assert not np.array_equal(layer(X)[0].data, layer(X)[0].data)
    layer.eval()
    np.testing.assert_array_equal(layer(X)[0].data, layer(X)[0].data)
    layer.train().dropout = 1.0
    x = Value(X)
    np.sum(layer(x)[0]).backward()
    np.testing.assert_array_equal(x.grad, 0)


@every_kind
def test_a_frozen_layer_makes_constants(kind):
    layer = getattr(nn, kind)(2, 4, dtype="f8").requires_grad_(False)
    assert not layer(X)[0].requires_grad
    np.testing.assert_array_equal(layer(X.tolist())[0].data, layer(X)[0].data)


def test_the_states_of_an_lstm_that_are_asked_for_alone():
    layer = nn.LSTM(2, 3, dtype="f8")
    for pick in (lambda y, h, c: h, lambda y, h, c: c, lambda y, h, c: y[2] + h[0] * c[0]):
        x = Value(X)

        def f(x, pick=pick):
            outputs, state = layer(x)
            return np.sum(pick(outputs, *state) ** 2)

        f(x).backward()
        steps = np.random.default_rng(1).standard_normal(X.shape)
        expected = (f(X + 1e-6 * steps) - f(X - 1e-6 * steps)).data / 2e-6
        np.testing.assert_allclose(np.sum(x.grad * steps), expected, rtol=1e-7)


def test_large_arguments_do_not_overflow():
    outputs, _ = nn.LSTM(2, 3)(np.full((4, 1, 2), 1e6, np.float32))
    assert np.all(np.isfinite(outputs.data))


@every_kind
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.zeros((5, 3, 4)),), r"\(steps, N, 2\).*\(5, 3, 4\)"),
        ((np.zeros(2),), r"not \(2,\)"),
        ((np.zeros((0, 3, 2)),), "at least one step"),
        ((X, None, [1, 2]), "lengths are 3 integers"),
        ((X, None, [1.0, 2.0, 3.0]), "lengths are 3 integers"),
        ((X, None, [1, 0, 5]), "0 at index 1 is not"),
        ((X, None, [1, 5, 6]), "6 at index 2 is not"),
        ((X[:, 0], None, [1]), "batch of sequences"),
    ],
)
def test_bad_input(kind, arguments, message):
    with pytest.raises(ValueError, match=message):
        getattr(nn, kind)(2, 3)(*arguments)


def test_integers_are_refused():
    for layer in (nn.GRU(2, 3), nn.GRUCell(2, 3)):
        with pytest.raises(TypeError, match="floating, not int64"):
            layer(np.ones((5, 2), int))


def test_bad_states():
    with pytest.raises(ValueError, match=r"\(1, 3, 3\), not \(1, 3, 4\)"):
        nn.RNN(2, 3)(X, np.zeros((1, 3, 4)))
    with pytest.raises(ValueError, match=r"\(1, 3, 3\) and \(1, 3, 3\), not \(1, 3, 3\)"):
        nn.LSTM(2, 3)(X, np.zeros((1, 3, 3)))
    with pytest.raises(ValueError, match=r"\(3, 4\)"):
        nn.GRUCell(2, 4)(X[0], np.zeros((2, 4)))
    with pytest.raises(ValueError, match=r"\(N, 2\) or \(2,\), not \(3, 3\)"):
        nn.LSTMCell(2, 4)(np.zeros((3, 3)))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: nn.RNN(2, 3, nonlinearity="sigmoid"), '"tanh" or "relu"'),
        (lambda: nn.RNNCell(2, 3, nonlinearity="sigmoid"), '"tanh" or "relu"'),
        (lambda: nn.LSTM(2, 3, proj_size=3), "less than hidden_size, 3"),
        (lambda: nn.LSTM(2, 3, dropout=1.5), "probability"),
        (lambda: nn.GRU(2, 0), "hidden_size is a whole number"),
        (lambda: nn.GRU(2, 3, num_layers=0), "num_layers is a whole number"),
        (lambda: nn.GRUCell(0, 3), "input_size is a whole number"),
    ],
)
def test_bad_settings(build, message):
    with pytest.raises(ValueError, match=message):
        build()


# ---------------------------------------------------------------- sequences as one array


def test_pad_sequence():
    sequences = [X[:2, 0], X[:5, 1], X[:0, 2]]
    padded = nn.functional.pad_sequence(sequences, padding_value=7.0)
    assert padded.shape == (5, 3, 2)
    np.testing.assert_array_equal(padded[:2, 0], X[:2, 0])
    np.testing.assert_array_equal(padded[2:, 0], 7)
    first = nn.functional.pad_sequence([Value(x) for x in sequences], batch_first=True, padding_value=7.0)
    np.testing.assert_array_equal(first.data, np.swapaxes(padded, 0, 1))
    with pytest.raises(ValueError, match=r"\[\(2, 3\), \(2, 4\)\]"):
        nn.functional.pad_sequence([np.ones((2, 3)), np.ones((2, 4))])
