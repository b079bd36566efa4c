"""Smooth activations. Each is a Function given by its curve and its slope, both written in NumPy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from calligrad.function import Elementwise
from calligrad.ops.special import erf
from calligrad.ops.tiles import elementwise


class Curve(Elementwise):
    """An elementwise function of one input: ``curve`` is its value and ``slope`` its derivative."""

    def curve(self, x: Any) -> Any:
        """The value at ``x``."""
        raise NotImplementedError

    def slope(self, x: Any) -> Any:
        """The derivative at ``x``."""
        raise NotImplementedError

    def forward(self, x):
        return elementwise(self.curve, x)

    def backward(self, g, x):
        return elementwise(lambda g, x: g * self.slope(x), g, x)


class Logistic(Elementwise):
    """``1 / (1 + exp(-x))``, exact to the last digits on either side."""

    def curve(self, x):
        with np.errstate(over="ignore"):  # an exp too large is as good as infinite
            y = np.exp(-x)
        y += 1
        return 1 / y

    def forward(self, x):
        return elementwise(self.curve, x)

    def backward(self, g, *, y):
        return elementwise(lambda g, y: g * (y * (1 - y)), g, y)


class Gelu(Curve):
    """``x`` times the probability that a standard normal number is below ``x``."""

    def curve(self, x):
        y = erf(math.sqrt(0.5) * x)
        y += 1
        y *= x
        y *= 0.5
        return y

    def slope(self, x):
        bell = np.square(np.clip(x, -40, 40))  # further out it is 0
        bell *= -0.5
        bell = np.exp(bell)
        bell *= math.sqrt(2 / math.pi)
        bell *= x
        bell += erf(math.sqrt(0.5) * x)
        bell += 1
        bell *= 0.5
        return bell


class GeluByTanh(Curve):
    """``Gelu`` to three digits, by way of tanh."""

    scale = math.sqrt(2 / math.pi)

    def curve(self, x):
        return 0.5 * x * (1 + np.tanh(self.scale * (x + 0.044715 * (x * x * x))))

    def slope(self, x):
        square = x * x
        t = np.tanh(self.scale * x * (1 + 0.044715 * square))
        return 0.5 * (1 + t) + 0.5 * self.scale * x * (1 - t * t) * (1 + 3 * 0.044715 * square)


class Swish(Curve):
    """``x * sigmoid(x)``."""

    def curve(self, x):
        return x * sigmoid(x)

    def slope(self, x):
        s = sigmoid(x)
        y = 1 - s
        y *= x
        y += 1
        y *= s
        return y


class MishCurve(Curve):
    """``x * tanh(softplus(x))``, where tanh(log(1 + e)) is n / (n + 2) with n = e (e + 2)."""

    def curve(self, x):
        e = np.exp(np.clip(x, -np.inf, 20))  # from there on tanh is 1 to the last digit
        n = e * (e + 2)
        return x * (n / (n + 2))

    def slope(self, x):
        x = np.clip(x, -np.inf, 20)
        e = np.exp(x)
        n = e * (e + 2)
        return (n + 4 * x * e * (e + 1) / (n + 2)) / (n + 2)


class LogOnePlusExp(Curve):
    """``log(1 + exp(beta * x)) / beta``, and ``x`` itself where ``beta * x`` is above ``threshold``."""

    beta: float = 1.0
    threshold: float = math.inf

    def curve(self, x):
        scaled = x if self.beta == 1 else self.beta * x
        y = np.clip(scaled, 0, np.inf) + np.log1p(np.exp(-np.abs(scaled))) * (scaled <= self.threshold)
        return y if self.beta == 1 else y / self.beta

    def slope(self, x):
        scaled = x if self.beta == 1 else self.beta * x
        y = sigmoid(scaled)
        return np.where(scaled > self.threshold, 1, y) if np.any(scaled > self.threshold) else y


class ExponentialLinear(Curve):
    """``scale * x`` above 0, and ``scale * alpha * (exp(rate * x) - 1)`` below."""

    alpha: float = 1.0
    scale: float = 1.0
    rate: float = 1.0

    def curve(self, x):
        y = np.clip(x, 0, np.inf) + self.alpha * np.expm1(self.rate * np.clip(x, -np.inf, 0))
        return y if self.scale == 1 else self.scale * y

    def slope(self, x):
        jump = self.scale * (1 - self.alpha * self.rate)  # of the slope, at 0
        below = self.scale * self.alpha * self.rate * np.exp(self.rate * np.clip(x, -np.inf, 0))
        return below + jump * (x > 0).astype(x.dtype) if jump else below


class SoftSign(Curve):
    """``x / (1 + |x|)``."""

    def curve(self, x):
        return x / (1 + np.abs(x))

    def slope(self, x):
        return np.square(1 / (1 + np.abs(x)))


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
    if approximate not in ("none", "tanh"):
        raise ValueError(f'approximate is "none" or "tanh", not {approximate!r}')
    return Gelu()(x) if approximate == "none" else GeluByTanh()(x)


def silu(x: Any) -> Any:
    """``x * sigmoid(x)``, also called swish.

    >>> from calligrad.nn.functional import silu
    >>> round(float(silu(1.0)), 6)
    0.731059
    """
    return Swish()(x)


def mish(x: Any) -> Any:
    """``x * tanh(softplus(x))``; Misra, "Mish: a self regularized non-monotonic activation function", 2019."""
    return MishCurve()(x)


def softplus(x: Any, beta: float = 1.0, threshold: float = 20.0) -> Any:
    """``log(1 + exp(beta * x)) / beta``, a smooth ReLU; ``x`` itself where ``beta * x > threshold``.

    >>> from calligrad.nn.functional import softplus
    >>> round(float(softplus(0.0)), 6)
    0.693147
    """
    if beta == 0:
        raise ValueError("softplus divides by beta, which must not be 0")
    return LogOnePlusExp(beta, threshold)(x)


def logsigmoid(x: Any) -> Any:
    """``log(sigmoid(x))``, exact where the sigmoid is next to 0."""
    return -LogOnePlusExp()(np.negative(x))


def elu(x: Any, alpha: float = 1.0) -> Any:
    """``x`` above 0 and ``alpha * (exp(x) - 1)`` below; at 0 the slope is ``alpha``.

    Clevert, Unterthiner and Hochreiter, arXiv:1511.07289.
    """
    return ExponentialLinear(alpha)(x)


def celu(x: Any, alpha: float = 1.0) -> Any:
    """``x`` above 0 and ``alpha * (exp(x / alpha) - 1)`` below, whose slope has no jump; Barron, arXiv:1704.07483."""
    if alpha == 0:
        raise ValueError("celu divides by alpha, which must not be 0")
    return ExponentialLinear(alpha, 1.0, 1 / alpha)(x)


# From Klambauer, Unterthiner, Mayr and Hochreiter, arXiv:1706.02515: outputs of mean 0 and variance 1 for such inputs.
SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805


def selu(x: Any) -> Any:
    """``elu`` scaled so that layers keep mean 0 and variance 1.

    Klambauer, Unterthiner, Mayr and Hochreiter, "Self-normalizing neural networks", arXiv:1706.02515.
    """
    return ExponentialLinear(SELU_ALPHA, SELU_SCALE)(x)


def softsign(x: Any) -> Any:
    """``x / (1 + |x|)``."""
    return SoftSign()(x)


def tanhshrink(x: Any) -> Any:
    """``x - tanh(x)``."""
    return np.subtract(x, np.tanh(x))
