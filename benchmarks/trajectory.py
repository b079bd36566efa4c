"""The article's network in float64, trained for thousands of steps: the run that is compared with PyTorch's."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from calligrad import nn, optim
from calligrad.nn.functional import mse_loss

STORED = Path(__file__).parent.parent / "tests" / "reference" / "article_losses.npz"
RUNS = {  # optimizer: learning rate, steps
    "SGD": (0.05, 10_000),
    "momentum": (0.01, 10_000),
    "Adam": (0.01, 2_000),  # near the end of a fit Adam divides rounding by rounding, and any two runs part
}


def start() -> dict[str, np.ndarray]:
    """The article's network before training, in float64, and its data scaled to mean 0 and variance 1."""
    rng = np.random.default_rng(7)
    x = np.linspace(1, 10, 100).reshape(-1, 1)
    y = x**2 + 2 * x + 1
    state = {"x": (x - x.mean()) / x.std(), "y": (y - y.mean()) / y.std()}
    for i, (n_in, n_out) in enumerate(((1, 4), (4, 4), (4, 1))):
        state[f"{2 * i}.weight"] = rng.uniform(-1, 1, (n_out, n_in)) * np.sqrt(3 / n_in)
        state[f"{2 * i}.bias"] = rng.uniform(-1, 1, n_out) / np.sqrt(n_in)
    return state


def calligrad_losses(kind: str) -> np.ndarray:
    state = start()
    x, y = state.pop("x"), state.pop("y")
    float64 = {"dtype": np.float64}
    model = nn.Sequential(
        nn.Linear(1, 4, **float64), nn.ReLU(), nn.Linear(4, 4, **float64), nn.ReLU(), nn.Linear(4, 1, **float64)
    )
    model.load_state_dict(state)
    if kind == "Adam":
        optimizer = optim.Adam(model.parameters(), lr=RUNS[kind][0])
    else:
        optimizer = optim.SGD(model.parameters(), lr=RUNS[kind][0], momentum=0.9 if kind == "momentum" else 0.0)
    losses = np.empty(RUNS[kind][1])
    for i in range(len(losses)):
        optimizer.zero_grad()
        loss = mse_loss(model(x), y)
        loss.backward()
        optimizer.step()
        losses[i] = loss.item()
    return losses
