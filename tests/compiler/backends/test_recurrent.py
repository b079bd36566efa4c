"""Recurrent layers as kernels."""

import numpy as np
import pytest

import calligrad
from calligrad import nn
from calligrad.value import unwrap

pytest.importorskip("numba")

from tests.compiler.backends.kernels import left_to_numpy


@pytest.mark.parametrize(("n", "units", "dtype"), [(16, 16, np.float32), (5, 7, np.float32), (37, 33, np.float64)])
@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (nn.LSTM, {}),
        (nn.LSTM, {"proj_size": 3}),
        (nn.LSTM, {"bidirectional": True, "num_layers": 2}),
        (nn.GRU, {"bidirectional": True}),
        (nn.RNN, {}),
        (nn.RNN, {"nonlinearity": "relu", "num_layers": 2}),
    ],
)
def test_a_layer_learns_as_it_does_eagerly(n, units, dtype, kind, options):
    rng = np.random.default_rng(0)
    layer = kind(4, units, rng=rng, dtype=dtype, **options)
    x = rng.standard_normal((6, n, 4)).astype(dtype)

    def step(x):
        layer.zero_grad()
        y, last = layer(x)
        states = last if isinstance(last, tuple) else (last,)
        sum((np.sum(state) for state in states), np.sum(y * y)).backward()
        return y, *states, *(p.grad for p in layer.parameters())

    compiled = calligrad.compile(step, backend="numba")
    for _ in range(3):
        got = [np.array(unwrap(part)) for part in compiled(x)]
    tolerance = 2e-5 if dtype == np.float32 else 1e-12
    for part, expected in zip(got, step(x), strict=True):
        expected = unwrap(expected)
        np.testing.assert_allclose(part, expected, rtol=tolerance, atol=tolerance * np.abs(expected).max())
    assert not [op for op in left_to_numpy(compiled) if "<function" in op]
