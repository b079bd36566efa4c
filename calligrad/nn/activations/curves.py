"""Smooth activations. Each is a Function given by its curve and its slope, both written in NumPy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from calligrad.function import Elementwise
from calligrad.ops import curves
from calligrad.ops.special import erf
from calligrad.ops.tiles import elementwise
from calligrad.primitive import is_captured, is_concrete


class Curve(Elementwise):
    """An elementwise function of one input: ``curve`` is its value and ``slope`` its derivative."""

    def curve(self, x: Any, out: Any = None) -> Any:
        """The value at ``x``, which the last operation writes into ``out``."""
        raise NotImplementedError

    def slope(self, x: Any) -> Any:
        """The derivative at ``x``."""
        raise NotImplementedError

    def forward(self, x):
        return elementwise(self.curve, x)

    def backward(self, g, x):
        return elementwise(self._gradient, g, x)

    def _gradient(self, g: Any, x: Any, out: Any = None) -> Any:
        return np.multiply(g, self.slope(x), out=out)


class Logistic(Elementwise):
    """``1 / (1 + exp(-x))``, exact to the last digits on either side."""

    def forward(self, x):
        return curves.sigmoid(x)

    def backward(self, g, *, y):
        return elementwise(self._gradient, g, y)

    @staticmethod
    def _gradient(g: Any, y: Any, out: Any = None) -> Any:
        slope = 1 - y
        slope *= y
        return np.multiply(g, slope, out=out)


class Opened(Elementwise):
    """``x`` times a ``gate`` that depends on it, from 0 to 1, which is kept: to find it is most of the work."""

    gates: Any = None  # which the forward pass leaves for the way back

    def gate(self, x: Any, out: Any = None) -> Any:
        """The number at ``x``, written into ``out``."""
        raise NotImplementedError

    def slope(self, x: Any, gate: Any) -> Any:
        """The derivative of ``x * gate(x)``."""
        raise NotImplementedError

    def forward(self, x):
        y, self.gates = elementwise(self._opened, x, outputs=2)
        return y

    def backward(self, g, x):
        gates = self.gates if is_concrete(x) else self.gate(x)
        return elementwise(self._gradient, g, x, gates)

    def _opened(self, x: Any, out: Any = (None, None)) -> tuple[Any, Any]:
        gate = self.gate(x, out[1])
        return np.multiply(x, gate, out=out[0]), gate

    def _gradient(self, g: Any, x: Any, gate: Any, out: Any = None) -> Any:
        return np.multiply(g, self.slope(x, gate), out=out)


class Gelu(Opened):
    """``x`` times the probability that a standard normal number is below ``x``."""

    def gate(self, x, out=None):
        if x.dtype == np.float32 and not is_captured(x):
            y = curves.erf_single(x, math.sqrt(0.5))
        else:
            y = erf(math.sqrt(0.5) * x)
        y += 1
        return np.multiply(0.5, y, out=out)

    def slope(self, x, gate):
        bell = np.square(np.clip(x, -40, 40))  # further out it is 0
        bell *= -0.5
        bell = np.exp(bell)
        bell *= 1 / math.sqrt(2 * math.pi)
        bell *= x
        bell += gate
        return bell


class Swish(Opened):
    """``x * sigmoid(x)``."""

    def gate(self, x, out=None):
        y = np.tanh(0.5 * x)  # in half the time of exp; what it loses where the sigmoid is next to 0 is lost on x, too
        y += 1
        return np.multiply(0.5, y, out=out)

    def slope(self, x, gate):
        y = 1 - gate
        y *= x
        y += 1
        y *= gate
        return y


class GeluByTanh(Curve):
    """``Gelu`` to three digits, by way of tanh."""

    scale = math.sqrt(2 / math.pi)

    def curve(self, x, out=None):
        t = x * x
        t *= 0.044715 * self.scale
        t += self.scale
        t *= x
        t = np.tanh(t)
        t += 1
        return np.multiply(0.5 * x, t, out=out)

    def slope(self, x):
        square = x * x
        t = np.tanh(self.scale * x * (1 + 0.044715 * square))
        return 0.5 * (1 + t) + 0.5 * self.scale * x * (1 - t * t) * (1 + 3 * 0.044715 * square)


class MishCurve(Curve):
    """``x * tanh(softplus(x))``, where tanh(log(1 + e)) is n / (n + 2) with n = e (e + 2)."""

    def curve(self, x, out=None):
        e = np.exp(np.clip(x, -np.inf, 20))  # from there on tanh is 1 to the last digit
        n = e * (e + 2)
        return np.multiply(x, n / (n + 2), out=out)

    def slope(self, x):
        x = np.clip(x, -np.inf, 20)
        e = np.exp(x)
        n = e * (e + 2)
        return (n + 4 * x * e * (e + 1) / (n + 2)) / (n + 2)


class LogOnePlusExp(Curve):
    """``log(1 + exp(beta * x)) / beta``, and ``x`` itself where ``beta * x`` is above ``threshold``."""

    beta: float = 1.0
    threshold: float = math.inf

    def curve(self, x, out=None):
        scaled = x if self.beta == 1 else self.beta * x
        tail = np.log1p(np.exp(-np.abs(scaled)))
        if np.any(above := scaled > self.threshold):
            tail = np.where(above, 0, tail)
        y = np.add(tail, np.clip(scaled, 0, np.inf), out=out)
        return y if self.beta == 1 else np.divide(y, self.beta, out=out)

    def slope(self, x):
        scaled = x if self.beta == 1 else self.beta * x
        y = sigmoid(scaled)
        return np.where(scaled > self.threshold, 1, y) if np.any(scaled > self.threshold) else y


class ExponentialLinear(Curve):
    """``scale * x`` above 0, and ``scale * alpha * (exp(rate * x) - 1)`` below."""

    alpha: float = 1.0
    scale: float = 1.0
    rate: float = 1.0

    def curve(self, x, out=None):
        below = np.expm1(self.rate * np.clip(x, -np.inf, 0))
        below *= self.alpha * self.scale
        return np.add(below, self.scale * np.clip(x, 0, np.inf), out=out)

    def slope(self, x):
        jump = self.scale * (1 - self.alpha * self.rate)  # of the slope, at 0
        below = self.scale * self.alpha * self.rate * np.exp(self.rate * np.clip(x, -np.inf, 0))
        return below + jump * (x > 0).astype(x.dtype) if jump else below


class SoftSign(Curve):
    """``x / (1 + |x|)``."""

    def curve(self, x, out=None):
        return np.divide(x, 1 + np.abs(x), out=out)

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
