"""Activations: as Functions, as functions, and as modules."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from calligrad.function import Elementwise
from calligrad.nn.module import Module
from calligrad.ops.elementwise import masked
from calligrad.ops.softmax import log_softmax, softmax
from calligrad.ops.special import erf

# ---------------------------------------------------------------- Functions


class Relu(Elementwise):
    """``max(x, 0)``; the slope at 0 is 0."""

    def forward(self, x):
        return np.maximum(x, 0)

    def backward(self, g, *, y):
        return masked(g, y != 0)  # y is not negative; NaN passes, so that it is seen


class Logistic(Elementwise):
    """``1 / (1 + exp(-x))``, without overflow on either side."""

    def forward(self, x):
        return np.exp(np.minimum(x, 0)) / (1 + np.exp(-np.abs(x)))

    def backward(self, g, *, y):
        return g * (y * (1 - y))


class Gelu(Elementwise):
    """``x`` times the probability that a standard normal number is below ``x``."""

    def forward(self, x):
        return 0.5 * x * (1 + erf(x / math.sqrt(2)))

    def backward(self, g, x):
        below = 0.5 * (1 + erf(x / math.sqrt(2)))
        density = np.exp(-0.5 * np.square(x)) / math.sqrt(2 * math.pi)
        return g * (below + x * density)


# ---------------------------------------------------------------- functions


def relu(x: Any) -> Any:
    """``max(x, 0)``; the slope at 0 is 0.

    >>> import numpy as np
    >>> from calligrad import relu
    >>> relu(np.array([-1.0, 2.0]))
    array([0., 2.])
    """
    return Relu()(x)


def sigmoid(x: Any) -> Any:
    """``1 / (1 + exp(-x))``."""
    return Logistic()(x)


def tanh(x: Any) -> Any:
    """``np.tanh``."""
    return np.tanh(x)


def gelu(x: Any, approximate: str = "none") -> Any:
    """The Gaussian error linear unit; ``approximate="tanh"`` for the formula with tanh.

    Hendrycks and Gimpel, "Gaussian Error Linear Units (GELUs)", arXiv:1606.08415.
    """
    if approximate == "tanh":
        return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * (x * x * x))))
    if approximate != "none":
        raise ValueError(f'approximate is "none" or "tanh", not {approximate!r}')
    return Gelu()(x)


# ---------------------------------------------------------------- modules


class ReLU(Module):
    """``relu`` as a module."""

    def forward(self, x):
        """``relu(x)``."""
        return relu(x)


class Tanh(Module):
    """``np.tanh`` as a module."""

    def forward(self, x):
        """``tanh(x)``."""
        return np.tanh(x)


class Sigmoid(Module):
    """``sigmoid`` as a module."""

    def forward(self, x):
        """``sigmoid(x)``."""
        return sigmoid(x)


class GELU(Module):
    """``gelu`` as a module."""

    def __init__(self, approximate: str = "none") -> None:
        self.approximate = approximate

    def forward(self, x):
        """``gelu(x)``."""
        return gelu(x, self.approximate)


class Softmax(Module):
    """``softmax`` along ``axis``, as a module."""

    def __init__(self, axis: int = -1) -> None:
        self.axis = axis

    def forward(self, x):
        """``softmax(x, axis)``."""
        return softmax(x, self.axis)


class LogSoftmax(Module):
    """``log_softmax`` along ``axis``, as a module."""

    def __init__(self, axis: int = -1) -> None:
        self.axis = axis

    def forward(self, x):
        """``log_softmax(x, axis)``."""
        return log_softmax(x, self.axis)
