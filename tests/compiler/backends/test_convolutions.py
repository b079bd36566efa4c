"""Compiled convolutions: what they are when they run at once."""

import numpy as np
import pytest

pytest.importorskip("numba")

import calligrad
from calligrad import Value, nn, optim
from calligrad.kernels import eager

LAYERS = {
    "3x3": (lambda: nn.Conv2d(3, 8, 3, padding=1), (2, 3, 9, 10)),
    "rows with values": (lambda: nn.Conv2d(32, 32, 3), (8, 32, 14, 14)),
    "stride": (lambda: nn.Conv2d(4, 5, 3, stride=2, bias=False), (3, 4, 9, 9)),
    "groups": (lambda: nn.Conv2d(4, 6, (2, 3), groups=2, dilation=2), (2, 4, 9, 9)),
    "1x1, stride": (lambda: nn.Conv2d(4, 6, 1, stride=2), (2, 4, 6, 6)),
    "depthwise": (lambda: nn.Conv2d(4, 4, 3, groups=4), (2, 4, 9, 20)),
    "transposed": (lambda: nn.ConvTranspose2d(4, 3, 4, stride=2, padding=1), (2, 4, 5, 5)),
    "one axis": (lambda: nn.Conv1d(4, 5, 3), (2, 4, 20)),
    "three axes": (lambda: nn.Conv3d(2, 3, 2), (2, 2, 4, 5, 6)),
}


def trained(layer, x, compiled):
    """What a layer gives in three steps, and what becomes of its parameters and of the images' gradient."""
    optimizer = optim.SGD(layer.parameters(), lr=0.1)

    def step(x):
        optimizer.zero_grad()
        y = layer(x)
        loss = (y * y).mean()
        loss.backward()
        optimizer.step()
        return y.data, x.grad

    run = calligrad.compile(step, backend="numba") if compiled else step
    results = []
    for _ in range(3):
        results += [np.array(a) for a in run(Value(x))]
    return [*results, *(p.data for p in layer.parameters())]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", LAYERS)
def test_compiled_layers_are_eager_ones(name, dtype, monkeypatch):
    monkeypatch.setattr(eager, "enabled", False)
    calligrad.set_default_dtype(dtype)
    build, shape = LAYERS[name]
    x = np.random.default_rng(0).standard_normal(shape).astype(dtype)
    calligrad.random.seed(0)
    expected = trained(build(), x, compiled=False)
    calligrad.random.seed(0)
    tolerance = 1e-13 if dtype == np.float64 else 5e-6 if name == "rows with values" else 1e-6
    for a, b in zip(trained(build(), x, compiled=True), expected, strict=True):
        assert a.dtype == dtype
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance * np.abs(b).max())
