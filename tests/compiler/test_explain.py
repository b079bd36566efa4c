"""What explain says."""

import numpy as np
import pytest

import calligrad
from calligrad import nn, optim
from calligrad.nn import functional as F


def explained(backend, width=300):
    if backend == "numba":
        pytest.importorskip("numba")
    model = nn.Sequential(nn.Linear(20, width), nn.GELU(), nn.Linear(width, 3))
    adam = optim.Adam(model.parameters())

    @calligrad.compile(backend=backend)
    def step(x, y):
        adam.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        adam.step()
        return loss

    x, y = np.random.default_rng(0).normal(size=(500, 20)), np.arange(500) % 3
    for _ in range(3):
        step(x, y)
    return step.explain()


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_says_what_became_of_the_program(backend):
    text = explained(backend)
    assert text.startswith(f"explained.step, compiled with {backend}")
    assert "as captured" in text
    assert "without repeats" in text
    assert "matmul" in text
    assert "products, which have a kernel of their own: matmul" in text
    assert "views, which cost nothing: " in text
    assert "in all" in text
    assert "planned" in text.splitlines()[-1]


def test_numpy_fuses_large_arrays_alone():
    assert "are in the cache anyway: " in explained("numpy")
    large = next(line for line in explained("numpy").splitlines() if "float64[500, 300]" in line and "multiply" in line)
    assert len(large.split()) > 8


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_is_no_wider_than_a_page(backend):
    assert max(map(len, explained(backend).splitlines())) <= 100
    assert explained(backend) == explained(backend)


def test_the_products_of_layers_are_counted():
    conv, lstm = nn.Conv2d(4, 6, 3, stride=2, padding=1, groups=2), nn.LSTM(3, 8)

    @calligrad.compile(backend="numpy")
    def step(images, sequences):
        loss = conv(images).sum() + lstm(sequences)[0].sum()
        loss.backward()
        return loss

    for _ in range(3):
        step(np.ones((5, 4, 9, 9)), np.ones((7, 5, 3)))
    rows = [line.split() for line in step.explain().splitlines() if line.strip().startswith("1 ")]
    flops = {row[1]: " ".join(row[-5:-3]) for row in rows}
    outputs, states = 5 * 6 * 5 * 5, 7 * 5 * 32
    assert flops["convolve"] == flops["correlate"] == f"{2 * outputs * 2 * 9 / 1000:.3g} k"
    assert flops["lstm"] == flops["lstm_gradient"] == f"{2 * states * 8 / 1000:.3g} k"
