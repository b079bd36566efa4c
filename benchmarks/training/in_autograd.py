"""The steps in HIPS/autograd, where its users would write them: not the convolutions, nor the GPT."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import autograd.numpy as np
from autograd import elementwise_grad, value_and_grad

from benchmarks.training.problems import RATES, Arrays, Problem

Weights = dict[str, Any]
VISCOSITY = 0.01 / math.pi


def linear(w: Weights, name: str, x: Any) -> Any:
    return np.dot(x, w[f"{name}.weight"].T) + w[f"{name}.bias"]


def mlp(w: Weights, x: Any) -> Any:
    first, *others = sorted({int(name.split(".")[0]) for name in w})
    x = linear(w, str(first), x)
    for name in others:
        x = linear(w, str(name), np.maximum(x, 0))
    return x


def mean_squared_error(w: Weights, x: Any, target: Any) -> Any:
    return np.mean((mlp(w, x) - target) ** 2)


def cross_entropy(logits: Any, labels: Any) -> Any:
    logits = logits - np.max(logits, axis=1, keepdims=True)
    mean_of_sums = np.mean(np.log(np.sum(np.exp(logits), axis=1)))
    return mean_of_sums - np.mean(logits[np.arange(len(labels)), labels])


def sigmoid(x: Any) -> Any:
    return 0.5 + 0.5 * np.tanh(0.5 * x)


def lstm(w: Weights, x: Any) -> Any:
    bias = w["lstm.bias_ih_l0"] + w["lstm.bias_hh_l0"]
    from_input = np.dot(x, w["lstm.weight_ih_l0"].T) + bias
    h = c = np.zeros((len(x), 128), x.dtype)
    for place in range(x.shape[1]):
        gates = from_input[:, place] + np.dot(h, w["lstm.weight_hh_l0"].T)
        i, f, g, o = (gates[:, 128 * k : 128 * (k + 1)] for k in range(4))
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
    return linear(w, "head", h)


def wave(x: Any, t: Any, w: Weights) -> Any:
    y = np.stack([x, t], 1)
    for layer in range(0, 8, 2):
        y = np.tanh(linear(w, f"layers.{layer}", y))
    return -np.sin(math.pi * x) + t * (1 - x**2) * linear(w, "layers.8", y)[:, 0]


u_of_x, u_of_t = elementwise_grad(wave, 0), elementwise_grad(wave, 1)
u_of_xx = elementwise_grad(u_of_x, 0)


def pinn(w: Weights, x: Any, t: Any) -> Any:
    residual = u_of_t(x, t, w) + wave(x, t, w) * u_of_x(x, t, w) - VISCOSITY * u_of_xx(x, t, w)
    return np.mean(residual**2)


def chain(w: Weights) -> Any:
    y = 0.5
    for _ in range(500):
        y = y * w["w"]
        y = y + w["b"]
    return y


LOSSES: dict[str, Callable[..., Any]] = {
    "article": mean_squared_error,
    "mlp": lambda w, x, labels: cross_entropy(mlp(w, x), labels),
    "lstm": lambda w, x, labels: cross_entropy(lstm(w, x), labels),
    "pinn": pinn,
    "chain": chain,
    "deep": mean_squared_error,
}


def sgd(w: Weights, lr: float) -> Callable[[Weights], None]:
    def update(g: Weights) -> None:
        for name in w:
            w[name] = w[name] - lr * g[name]

    return update


def adam(w: Weights, lr: float = 1e-3, b1: float = 0.9, b2: float = 0.999) -> Callable[[Weights], None]:
    count = 0
    means, squares = ({name: np.zeros_like(x) for name, x in w.items()} for _ in range(2))

    def update(gradients: Weights) -> None:
        nonlocal count
        count += 1
        for name, g in gradients.items():
            means[name] = b1 * means[name] + (1 - b1) * g
            squares[name] = b2 * squares[name] + (1 - b2) * g * g
            m, v = means[name] / (1 - b1**count), squares[name] / (1 - b2**count)
            w[name] = w[name] - lr * m / (np.sqrt(v) + 1e-8)

    return update


def build(problem: Problem, weights: dict[str, Any], data: Arrays, kind: str) -> Callable[[], Any]:
    """One step on the data, which gives the loss."""
    w = dict(weights)
    update = sgd(w, RATES[problem.name]) if problem.name in RATES else adam(w)
    loss_and_gradients = value_and_grad(LOSSES[problem.name])

    def step() -> Any:
        loss, gradients = loss_and_gradients(w, *data)
        update(gradients)
        return loss

    return step
