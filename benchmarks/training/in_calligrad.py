"""The steps in calligrad: eager, or compiled by a backend, which is the same step in a decorator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import calligrad
from benchmarks.training import models
from benchmarks.training.problems import RATES, Arrays, Problem
from calligrad import Value, nn, optim
from calligrad.nn import functional as F
from examples import gpt, pinn


class Chain(nn.Module):
    """y = y * w + b, five hundred times, from 0.5."""

    def __init__(self) -> None:
        self.w, self.b = Value(1.0001), Value(0.0001)

    def forward(self) -> Value:
        y = 0.5
        for _ in range(500):
            y = y * self.w
            y = y + self.b
        return y


def model_of(problem: Problem) -> nn.Module:
    special: dict[str, Callable[[], nn.Module]] = {"gpt": lambda: gpt.GPT(65), "pinn": pinn.Wave, "chain": Chain}
    model = special[problem.name]() if problem.name in special else models.model(problem.name, nn)
    return model.astype(np.dtype(problem.dtype))


def optimizer_of(name: str, model: nn.Module) -> optim.Optimizer:
    if name in RATES:
        return optim.SGD(model.parameters(), RATES[name])
    if name == "resnet":
        return optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    if name == "gpt":
        return optim.AdamW(models.decayed(model), lr=1e-3, betas=(0.9, 0.99))
    return optim.Adam(model.parameters())


def loss_of(name: str, model: nn.Module) -> Callable[..., Value]:
    """The loss of the data."""
    if name in ("article", "deep"):
        return lambda x, target: F.mse_loss(model(x), target)
    if name == "gpt":
        return lambda tokens, targets: gpt.loss(model(tokens), targets)
    if name == "pinn":
        return lambda x, t: np.mean(pinn.residual(model, x, t) ** 2)
    if name == "chain":
        return model
    return lambda x, labels: F.cross_entropy(model(x), labels)


def build(problem: Problem, weights: dict[str, np.ndarray], data: Arrays, backend: str) -> Callable[[], Any]:
    """One step on the data, which gives the loss."""
    model = model_of(problem)
    model.load_state_dict(weights)
    optimizer, loss_of_data = optimizer_of(problem.name, model), loss_of(problem.name, model)

    def step(*data: np.ndarray) -> Value:
        optimizer.zero_grad()
        loss = loss_of_data(*data)
        loss.backward()
        optimizer.step()
        return loss

    if backend != "eager":
        step = calligrad.compile(backend=backend)(step)
    return lambda: step(*data)


def initial_weights(problem: Problem) -> dict[str, np.ndarray]:
    """Those that every contestant begins with, by PyTorch's names."""
    calligrad.random.seed(0)
    return {name: np.array(x) for name, x in model_of(problem).state_dict().items()}
