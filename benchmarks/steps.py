"""The steps that are timed: the same work, written for each framework as its users write it.

Each function builds one benchmark and returns a callable that does one step.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np

ARTICLE = (1, 4, 4, 1)
DIGITS = (784, 256, 128, 10)
DEEP = (512,) * 51


def article_data() -> tuple[np.ndarray, np.ndarray]:
    x = np.linspace(1, 10, 100).reshape(-1, 1)
    return x, x**2 + 2 * x + 1


def image_data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.standard_normal((128, 784)).astype(np.float32), rng.integers(0, 10, 128)


def deep_data() -> np.ndarray:
    return np.random.default_rng(0).standard_normal((2048, 512)).astype(np.float32)


# ---------------------------------------------------------------- calligrad


def calligrad_mlp(widths: tuple[int, ...], dtype: type = np.float32):
    from calligrad import nn

    layers = [nn.Linear(i, o, dtype=dtype) for i, o in itertools.pairwise(widths)]
    between = [part for layer in layers for part in (layer, nn.ReLU())]
    return nn.Sequential(*between[:-1])


def calligrad_article() -> Callable[[], None]:
    from calligrad import optim
    from calligrad.nn.functional import mse_loss

    x, target = article_data()
    model = calligrad_mlp(ARTICLE, np.float64)
    optimizer = optim.SGD(model.parameters(), lr=1e-6)

    def step() -> None:
        optimizer.zero_grad()
        mse_loss(model(x), target).backward()
        optimizer.step()

    return step


def calligrad_mlp_adam() -> Callable[[], None]:
    from calligrad import optim
    from calligrad.nn.functional import cross_entropy

    x, labels = image_data()
    model = calligrad_mlp(DIGITS)
    optimizer = optim.Adam(model.parameters())

    def step() -> None:
        optimizer.zero_grad()
        cross_entropy(model(x), labels).backward()
        optimizer.step()

    return step


def calligrad_chain() -> Callable[[], None]:
    from calligrad import Value

    return chain_step(Value(0.5), Value(1.0001), Value(0.0001))


def calligrad_deep() -> Callable[[], None]:
    from calligrad import optim
    from calligrad.nn.functional import mse_loss

    x = deep_data()
    model = calligrad_mlp(DEEP)
    optimizer = optim.SGD(model.parameters(), lr=1e-3)

    def step() -> None:
        optimizer.zero_grad()
        mse_loss(model(x), x).backward()
        optimizer.step()

    return step


# ---------------------------------------------------------------- PyTorch


def torch_mlp(widths: tuple[int, ...]):
    import torch

    torch.set_num_threads(2)
    layers = [torch.nn.Linear(i, o) for i, o in itertools.pairwise(widths)]
    between = [part for layer in layers for part in (layer, torch.nn.ReLU())]
    return torch.nn.Sequential(*between[:-1])


def torch_article() -> Callable[[], None]:
    import torch

    x, target = map(torch.from_numpy, article_data())
    model = torch_mlp(ARTICLE).double()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-6, foreach=False)  # the fastest of its three kinds here

    def step() -> None:
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(model(x), target).backward()
        optimizer.step()

    return step


def torch_mlp_adam() -> Callable[[], None]:
    import torch

    x, labels = map(torch.from_numpy, image_data())
    model = torch_mlp(DIGITS)
    optimizer = torch.optim.Adam(model.parameters(), fused=True)

    def step() -> None:
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(x), labels).backward()
        optimizer.step()

    return step


def torch_chain() -> Callable[[], None]:
    import torch

    torch.set_num_threads(2)
    return chain_step(*(torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (0.5, 1.0001, 0.0001)))


def torch_deep() -> Callable[[], None]:
    import torch

    x = torch.from_numpy(deep_data())
    model = torch_mlp(DEEP)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3, fused=True)

    def step() -> None:
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(model(x), x).backward()
        optimizer.step()

    return step


# ---------------------------------------------------------------- either


def chain_step(x, w, b) -> Callable[[], None]:
    """A chain of 1,000 scalar operations, y = y * w + b, forward and backward."""

    def step() -> None:
        y = x
        for _ in range(500):
            y = y * w
            y = y + b
        y.backward()

    return step
