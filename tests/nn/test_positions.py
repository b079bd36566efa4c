"""Positions: sinusoidal and rotary."""

import numpy as np
import pytest

from calligrad import nn
from calligrad.nn.functional import rotary_embedding, sinusoidal_positions
from calligrad.testing import check_gradients

X = np.random.default_rng(0).standard_normal((2, 5, 6))


def test_sinusoidal_positions_are_those_of_the_paper():
    got = sinusoidal_positions(7, 6, dtype=np.float64)
    for position in range(7):
        for i in range(3):
            angle = position / 10000 ** (2 * i / 6)
            np.testing.assert_allclose(got[position, 2 * i : 2 * i + 2], (np.sin(angle), np.cos(angle)))


def test_they_are_added_along_an_axis():
    where = sinusoidal_positions(5, 6, dtype=np.float64)
    np.testing.assert_array_equal(nn.SinusoidalPositions(6)(X), X + where)
    np.testing.assert_array_equal(nn.SinusoidalPositions(6)(X[0]), X[0] + where)
    turned = np.swapaxes(X, 0, 1)
    np.testing.assert_array_equal(nn.SinusoidalPositions(6, axis=0)(turned), turned + where[:, None])
    assert nn.SinusoidalPositions(6)(X.astype("f4")).dtype == np.float32


@pytest.mark.parametrize("interleaved", [True, False])
def test_rotary_positions_turn_pairs(interleaved):
    got = rotary_embedding(X, interleaved=interleaved)
    for i in range(3):
        pair = [2 * i, 2 * i + 1] if interleaved else [i, i + 3]
        turned = (X[..., pair] @ [1, 1j]) * np.exp(1j * np.arange(5) / 10000 ** (2 * i / 6))
        np.testing.assert_allclose(got[..., pair] @ [1, 1j], turned, rtol=1e-12)
    check_gradients(lambda x: rotary_embedding(x, interleaved=interleaved), X)


@pytest.mark.parametrize("interleaved", [True, False])
def test_products_of_rotated_vectors_depend_on_the_distance_alone(interleaved):
    turn = nn.RotaryPositions(interleaved=interleaved)
    q, k = X[0], X[1]
    near = turn(q) @ turn(k).T
    far = turn(q, np.arange(5) + 1000) @ turn(k, np.arange(5) + 1000).T
    np.testing.assert_allclose(near, far, rtol=1e-9, atol=1e-9)
    assert not np.allclose(near, q @ k.T)


def test_positions_of_each_sequence():
    positions = np.array([[0, 1, 2, 3, 4], [7, 5, 3, 1, 0]])
    got = rotary_embedding(X, positions)
    np.testing.assert_array_equal(got[1], rotary_embedding(X[1], positions[1]))
    assert rotary_embedding(X.astype("f4"), positions).dtype == np.float32
    assert rotary_embedding(X[:, :0]).shape == (2, 0, 6)


@pytest.mark.parametrize(
    ("f", "message"),
    [
        (lambda: sinusoidal_positions(3, 5), "even number of features, not 5"),
        (lambda: nn.SinusoidalPositions(0), "even number"),
        (lambda: nn.SinusoidalPositions(4)(X), r"\(…, length, 4\)"),
        (lambda: rotary_embedding(X[..., :5]), "even number"),
        (lambda: rotary_embedding(X[0, 0]), r"\(…, length, features\)"),
        (lambda: rotary_embedding(X, np.arange(4)), r"\(4,\) do not broadcast"),
        (lambda: rotary_embedding(X.astype(int)), "floats"),
    ],
)
def test_bad_input(f, message):
    with pytest.raises(ValueError, match=message):
        f()
