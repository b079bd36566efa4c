"""The steps in JAX, layers and optimizers by hand: one jitted function, whose parameters and state are donated.

Running statistics of BatchNorm are not kept, as no loss of training depends on them. What was tried and is no faster:
channels last (the ResNet 334 ms, and 247 so), ``reduce_window`` for pooling, ``scan`` unrolled.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from benchmarks.training.problems import RATES, Arrays, Problem

Array = jax.Array
Weights = dict[str, Array]
VISCOSITY = 0.01 / math.pi

# ---------------------------------------------------------------- layers


def linear(w: Weights, name: str, x: Array) -> Array:
    y = x @ w[f"{name}.weight"].T
    return y + w[f"{name}.bias"] if f"{name}.bias" in w else y


def conv(w: Weights, name: str, x: Array, padding: str = "VALID") -> Array:
    y = lax.conv_general_dilated(x, w[f"{name}.weight"], (1, 1), padding)
    return y + w[f"{name}.bias"][:, None, None] if f"{name}.bias" in w else y


def batch_norm(w: Weights, name: str, x: Array) -> Array:
    mean, variance = (f(x, (0, 2, 3), keepdims=True) for f in (jnp.mean, jnp.var))
    weight, bias = (w[f"{name}.{part}"][:, None, None] for part in ("weight", "bias"))
    return (x - mean) * (lax.rsqrt(variance + 1e-5) * weight) + bias


def layer_norm(w: Weights, name: str, x: Array) -> Array:
    mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    return (x - mean) * lax.rsqrt(variance + 1e-5) * w[f"{name}.weight"]


def mean_squared_error(y: Array, target: Array) -> Array:
    return jnp.mean((y - target) ** 2)


def cross_entropy(logits: Array, labels: Array) -> Array:
    return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(logits), labels[..., None], -1))


# ---------------------------------------------------------------- losses: of the weights and the data


def mlp(w: Weights, x: Array) -> Array:
    first, *others = sorted({int(name.split(".")[0]) for name in w})
    x = linear(w, str(first), x)
    for name in others:
        x = linear(w, str(name), jax.nn.relu(x))
    return x


def cnn(w: Weights, x: Array) -> Array:
    x = jax.nn.relu(conv(w, "0", x))
    x = jax.nn.relu(conv(w, "2", x))
    for _ in range(2):  # the larger of two neighbours, along the last axis and along the one before
        x = jnp.maximum(x[..., ::2], x[..., 1::2]).swapaxes(-1, -2)
    return linear(w, "8", jax.nn.relu(linear(w, "6", x.reshape(len(x), -1))))


def resnet(w: Weights, x: Array) -> Array:
    x = jax.nn.relu(batch_norm(w, "1", conv(w, "0", x, "SAME")))
    for block in "345":
        y = jax.nn.relu(batch_norm(w, f"{block}.inner.1", conv(w, f"{block}.inner.0", x, "SAME")))
        x = jax.nn.relu(x + batch_norm(w, f"{block}.inner.4", conv(w, f"{block}.inner.3", y, "SAME")))
    return linear(w, "8", x.mean((2, 3)))


def attention(w: Weights, name: str, x: Array, heads: int = 4) -> Array:
    n, length, width = x.shape
    parts = linear(w, f"{name}.query_key_value", x).reshape(n, length, 3, heads, width // heads)
    found = jax.nn.dot_product_attention(*jnp.moveaxis(parts, 2, 0), is_causal=True)
    return linear(w, f"{name}.out", found.reshape(n, length, width))


def gpt(w: Weights, tokens: Array) -> Array:
    x = w["tokens.weight"][tokens] + w["places.weight"]
    for block in (f"blocks.{i}" for i in range(4)):
        x = x + attention(w, f"{block}.attention", layer_norm(w, f"{block}.norm1", x))
        wide = jax.nn.gelu(linear(w, f"{block}.widen", layer_norm(w, f"{block}.norm2", x)), approximate=False)
        x = x + linear(w, f"{block}.out", wide)
    return layer_norm(w, "norm", x) @ w["tokens.weight"].T


def lstm(w: Weights, x: Array) -> Array:
    from_input = x.swapaxes(0, 1) @ w["lstm.weight_ih_l0"].T + (w["lstm.bias_ih_l0"] + w["lstm.bias_hh_l0"])

    def next_state(state: tuple[Array, Array], x: Array) -> tuple[tuple[Array, Array], None]:
        h, c = state
        i, f, g, o = jnp.split(x + h @ w["lstm.weight_hh_l0"].T, 4, axis=-1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        return (jax.nn.sigmoid(o) * jnp.tanh(c), c), None

    zeros = jnp.zeros((len(x), 128), x.dtype)
    (h, _), _ = lax.scan(next_state, (zeros, zeros), from_input)
    return linear(w, "head", h)


def wave(w: Weights, x: Array, t: Array) -> Array:
    y = jnp.stack([x, t], 1)
    for layer in range(0, 8, 2):
        y = jnp.tanh(linear(w, f"layers.{layer}", y))
    return -jnp.sin(jnp.pi * x) + t * (1 - x**2) * linear(w, "layers.8", y)[:, 0]


def pinn(w: Weights, x: Array, t: Array) -> Array:
    """By forward derivatives, which took 0.48 ms where ``vmap`` of ``grad`` of ``grad`` took 0.57."""
    ones = jnp.ones_like(x)

    def slope(x: Array) -> tuple[Array, Array]:
        return jax.jvp(lambda x: wave(w, x, t), (x,), (ones,))

    (u, u_x), (_, u_xx) = jax.jvp(slope, (x,), (ones,))
    _, u_t = jax.jvp(lambda t: wave(w, x, t), (t,), (ones,))
    return jnp.mean((u_t + u * u_x - VISCOSITY * u_xx) ** 2)


def chain(w: Weights) -> Array:
    y = 0.5
    for _ in range(500):
        y = y * w["w"]
        y = y + w["b"]
    return y


LOSSES: dict[str, Callable[..., Array]] = {
    "article": lambda w, x, target: mean_squared_error(mlp(w, x), target),
    "mlp": lambda w, x, labels: cross_entropy(mlp(w, x), labels),
    "cnn": lambda w, x, labels: cross_entropy(cnn(w, x), labels),
    "resnet": lambda w, x, labels: cross_entropy(resnet(w, x), labels),
    "gpt": lambda w, tokens, targets: cross_entropy(gpt(w, tokens), targets),
    "lstm": lambda w, x, labels: cross_entropy(lstm(w, x), labels),
    "pinn": pinn,
    "chain": chain,
    "deep": lambda w, x, target: mean_squared_error(mlp(w, x), target),
}

# ---------------------------------------------------------------- optimizers: a state, and a change of weights

Update = Callable[[Any, Weights, Weights], tuple[Weights, Any]]


def sgd(w: Weights, lr: float, momentum: float = 0.0) -> tuple[Any, Update]:
    def update(mean: Any, w: Weights, g: Weights) -> tuple[Weights, Any]:
        step = g
        if momentum:
            step = mean = jax.tree.map(lambda m, g: momentum * m + g, mean, g)
        return jax.tree.map(lambda p, s: p - lr * s, w, step), mean

    return jax.tree.map(jnp.zeros_like, w) if momentum else None, update


def adam(w: Weights, betas: tuple[float, float] = (0.9, 0.999), decay: float = 0.0) -> tuple[Any, Update]:
    """AdamW if ``decay`` is not 0, which shrinks the matrices alone."""
    lr, (b1, b2) = 1e-3, betas

    def update(state: Any, w: Weights, g: Weights) -> tuple[Weights, Any]:
        count, m, v = state
        count = count + 1
        m = jax.tree.map(lambda m, g: b1 * m + (1 - b1) * g, m, g)
        v = jax.tree.map(lambda v, g: b2 * v + (1 - b2) * g * g, v, g)
        rate, scale = lr / (1 - b1**count), 1 / jnp.sqrt(1 - b2**count)

        def changed(p: Array, m: Array, v: Array) -> Array:
            kept = p * (1 - lr * decay) if p.ndim == 2 else p
            return kept - rate * m / (jnp.sqrt(v) * scale + 1e-8)

        return jax.tree.map(changed, w, m, v), (count, m, v)

    zeros = [jax.tree.map(jnp.zeros_like, w) for _ in range(2)]
    return (jnp.zeros((), next(iter(w.values())).dtype), *zeros), update


def optimizer_of(name: str, w: Weights) -> tuple[Any, Update]:
    if name in RATES:
        return sgd(w, RATES[name])
    if name == "resnet":
        return sgd(w, 0.01, 0.9)
    return adam(w, (0.9, 0.99), 0.1) if name == "gpt" else adam(w)


# ---------------------------------------------------------------- the step


def build(problem: Problem, weights: dict[str, np.ndarray], data: Arrays, kind: str) -> Callable[[], Any]:
    """One step on the data, which gives the loss. ``step.finish()`` waits for what is under way."""
    jax.config.update("jax_enable_x64", problem.dtype == "float64")
    frozen = ("running_", "num_batches", "head.weight" if problem.name == "gpt" else "-")
    weights = {name: x for name, x in weights.items() if not any(part in name for part in frozen)}
    w = jax.tree.map(jnp.array, weights)
    arrays = [jnp.array(x) for x in data]
    state, update = optimizer_of(problem.name, w)
    loss_of_data = LOSSES[problem.name]

    @jax.jit(donate_argnums=(0, 1))
    def step_of(w: Weights, state: Any, *data: Array) -> tuple[Array, Weights, Any]:
        loss, g = jax.value_and_grad(loss_of_data)(w, *data)
        return loss, *update(state, w, g)

    def step() -> Array:
        nonlocal w, state
        loss, w, state = step_of(w, state, *arrays)
        if kind == "blocking":
            jax.block_until_ready((loss, w, state))
        return loss

    step.finish = lambda: jax.block_until_ready((w, state))
    return step
