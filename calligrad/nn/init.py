"""Initialisers: they fill a Value in place and return it, drawing from ``rng`` or ``calligrad.random``."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from calligrad.random import generator
from calligrad.value import Value


def fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """How many numbers come in and go out of a weight of ``shape`` (out, in, *window).

    >>> from calligrad.nn.init import fans
    >>> fans((8, 3, 5, 5))
    (75, 200)
    """
    if len(shape) < 2:
        raise ValueError(f"a weight has at least two axes (out, in, …); shape {shape} has no fan")
    window = math.prod(shape[2:])
    return shape[1] * window, shape[0] * window


def gain(nonlinearity: str, a: float = 0.0) -> float:
    """By how much to widen a weight before ``nonlinearity`` so that the variance is kept."""
    gains = {
        "linear": 1.0,
        "sigmoid": 1.0,
        "tanh": 5 / 3,
        "relu": math.sqrt(2),
        "leaky_relu": math.sqrt(2 / (1 + a * a)),
        "selu": 0.75,
    }
    if nonlinearity not in gains:
        raise ValueError(f"no gain is known for {nonlinearity!r}; known are {', '.join(gains)}")
    return gains[nonlinearity]


def fill(x: Value, numbers: Any) -> Value:
    """Write ``numbers`` into the array of ``x``, which must be a leaf with floating data."""
    if not isinstance(x, Value):
        raise TypeError(f"an initialiser fills a Value, not {type(x).__name__}")
    if x.created_by is not None or x.dtype.kind != "f":
        raise ValueError(f"an initialiser fills a leaf with floating data, not {x!r}")
    x.data[...] = numbers
    return x


def constant_(x: Value, value: float) -> Value:
    """``value`` everywhere."""
    return fill(x, value)


def zeros_(x: Value) -> Value:
    """Zero everywhere."""
    return fill(x, 0)


def ones_(x: Value) -> Value:
    """One everywhere."""
    return fill(x, 1)


def uniform_(x: Value, low: float = 0.0, high: float = 1.0, rng: np.random.Generator | None = None) -> Value:
    """Uniform between ``low`` and ``high``."""
    return fill(x, generator(rng).uniform(low, high, np.shape(x)))


def normal_(x: Value, mean: float = 0.0, std: float = 1.0, rng: np.random.Generator | None = None) -> Value:
    """Normal with ``mean`` and ``std``."""
    return fill(x, generator(rng).normal(mean, std, np.shape(x)))


def xavier_uniform_(x: Value, gain: float = 1.0, rng: np.random.Generator | None = None) -> Value:
    """Uniform with variance ``2 gain² / (fan_in + fan_out)``.

    Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010.
    """
    bound = gain * math.sqrt(6 / sum(fans(x.shape)))
    return uniform_(x, -bound, bound, rng)


def xavier_normal_(x: Value, gain: float = 1.0, rng: np.random.Generator | None = None) -> Value:
    """Normal with variance ``2 gain² / (fan_in + fan_out)``; Glorot and Bengio, 2010."""
    return normal_(x, 0.0, gain * math.sqrt(2 / sum(fans(x.shape))), rng)


def kaiming_uniform_(
    x: Value,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    rng: np.random.Generator | None = None,
) -> Value:
    """Uniform with variance ``gain² / fan``, where ``a`` is the slope of a leaky ReLU below 0.

    He, Zhang, Ren and Sun, "Delving deep into rectifiers", arXiv:1502.01852.
    """
    bound = math.sqrt(3) * gain(nonlinearity, a) / math.sqrt(_fan(x, mode))
    return uniform_(x, -bound, bound, rng)


def kaiming_normal_(
    x: Value,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    rng: np.random.Generator | None = None,
) -> Value:
    """Normal with variance ``gain² / fan``; He, Zhang, Ren and Sun, arXiv:1502.01852."""
    return normal_(x, 0.0, gain(nonlinearity, a) / math.sqrt(_fan(x, mode)), rng)


def _fan(x: Value, mode: str) -> int:
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f'mode is "fan_in" or "fan_out", not {mode!r}')
    return max(1, fans(x.shape)[mode == "fan_out"])
