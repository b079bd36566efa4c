"""The steps in PyTorch, each with the kind of optimizer that is fastest there; eager, channels last, or compiled.

``torch.compile`` is given the loss as a function of the data, as its tutorials do; the optimizer is the fused one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from benchmarks.machine import THREADS
from benchmarks.training import models
from benchmarks.training.problems import RATES, Arrays, Problem
from benchmarks.training.torch_gpt import GPT

Tensor = torch.Tensor
VISCOSITY = 0.01 / math.pi


class Wave(nn.Module):
    """That of the examples."""

    def __init__(self) -> None:
        super().__init__()
        parts = [part for n, m in pairwise([2] + 4 * [20]) for part in (nn.Linear(n, m), nn.Tanh())]
        self.layers = nn.Sequential(*parts, nn.Linear(20, 1))

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        return -torch.sin(math.pi * x) + t * (1 - x**2) * self.layers(torch.stack([x, t], 1))[:, 0]


def residual(u: Wave, x: Tensor, t: Tensor) -> Tensor:
    """Burgers' equation by gradients of gradients, as PyTorch's users write it."""
    x, t = x.detach().requires_grad_(), t.detach().requires_grad_()
    height = u(x, t)
    ones = torch.ones_like(height)
    u_x, u_t = torch.autograd.grad(height, (x, t), ones, create_graph=True)
    (u_xx,) = torch.autograd.grad(u_x, x, ones, create_graph=True)
    return u_t + height * u_x - VISCOSITY * u_xx


def residual_functional(u: Wave, x: Tensor, t: Tensor) -> Tensor:
    """The same as ``torch.compile`` takes it: it refuses gradients of gradients, but not ``torch.func``."""

    def height(x: Tensor, t: Tensor) -> Tensor:
        return u(x, t).sum()

    def slope(x: Tensor, t: Tensor) -> Tensor:
        return torch.func.grad(height)(x, t).sum()

    u_x, u_t = torch.func.grad(height, argnums=(0, 1))(x, t)
    u_xx = torch.func.grad(slope)(x, t)
    return u_t + u(x, t) * u_x - VISCOSITY * u_xx


class Chain(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.w, self.b = nn.Parameter(torch.tensor(1.0001)), nn.Parameter(torch.tensor(0.0001))

    def forward(self) -> Tensor:
        y = 0.5
        for _ in range(500):
            y = y * self.w
            y = y + self.b
        return y


def model_of(problem: Problem) -> nn.Module:
    special: dict[str, Callable[[], nn.Module]] = {"gpt": lambda: GPT(65), "pinn": Wave, "chain": Chain}
    model = special[problem.name]() if problem.name in special else models.model(problem.name, nn)
    return model.to(getattr(torch, problem.dtype))


def optimizer_of(name: str, model: nn.Module) -> torch.optim.Optimizer:
    if name in RATES:  # without any of its extras, SGD is faster for so few numbers
        return torch.optim.SGD(model.parameters(), RATES[name], foreach=False, fused=name == "deep")
    if name == "resnet":
        return torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, fused=True)
    if name == "gpt":
        return torch.optim.AdamW(models.decayed(model), lr=1e-3, betas=(0.9, 0.99), fused=True)
    return torch.optim.Adam(model.parameters(), fused=True)


def loss_of(name: str, model: nn.Module, kind: str) -> Callable[..., Tensor]:
    """The loss of the data."""
    if name in ("article", "deep"):
        return lambda x, target: F.mse_loss(model(x), target)
    if name == "gpt":
        return lambda tokens, targets: F.cross_entropy(model(tokens).flatten(0, 1), targets.flatten())
    if name == "pinn":
        of = residual_functional if kind == "compiled" else residual
        return lambda x, t: of(model, x, t).square().mean()
    if name == "chain":
        return model
    return lambda x, labels: F.cross_entropy(model(x), labels)


def build(problem: Problem, weights: dict[str, np.ndarray], data: Arrays, kind: str) -> Callable[[], Any]:
    """One step on the data, which gives the loss."""
    torch.set_num_threads(THREADS)
    model = model_of(problem)
    model.load_state_dict({name: torch.from_numpy(x) for name, x in weights.items()})
    tensors = [torch.from_numpy(x) for x in data]
    if kind == "channels last":
        model = model.to(memory_format=torch.channels_last)
        tensors[0] = tensors[0].to(memory_format=torch.channels_last)
    loss_of_data = loss_of(problem.name, model, kind)
    if kind == "compiled":
        loss_of_data = torch.compile(loss_of_data)
    optimizer = optimizer_of(problem.name, model)

    def step() -> Tensor:
        optimizer.zero_grad()
        loss = loss_of_data(*tensors)
        loss.backward()
        optimizer.step()
        return loss.detach()

    return step
