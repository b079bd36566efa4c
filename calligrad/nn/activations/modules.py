"""The activations as modules: each keeps the settings of a function."""

from __future__ import annotations

from typing import Any

import numpy as np

from calligrad.dtypes import parameter_dtype
from calligrad.nn.activations import curves, normalized, pieces
from calligrad.nn.module import Module
from calligrad.ops.softmax import log_softmax, softmax
from calligrad.value import Value

# ---------------------------------------------------------------- without settings


class ReLU(Module):
    """``relu`` as a module. There is no ``inplace``, here or elsewhere: no array is overwritten."""

    def forward(self, x):
        """``relu(x)``."""
        return pieces.relu(x)


class ReLU6(Module):
    """``relu6`` as a module."""

    def forward(self, x):
        """``relu6(x)``."""
        return pieces.relu6(x)


class Hardsigmoid(Module):
    """``hardsigmoid`` as a module."""

    def forward(self, x):
        """``hardsigmoid(x)``."""
        return pieces.hardsigmoid(x)


class Hardswish(Module):
    """``hardswish`` as a module."""

    def forward(self, x):
        """``hardswish(x)``."""
        return pieces.hardswish(x)


class Sigmoid(Module):
    """``sigmoid`` as a module."""

    def forward(self, x):
        """``sigmoid(x)``."""
        return curves.sigmoid(x)


class Tanh(Module):
    """``np.tanh`` as a module."""

    def forward(self, x):
        """``tanh(x)``."""
        return np.tanh(x)


class SiLU(Module):
    """``silu`` as a module."""

    def forward(self, x):
        """``silu(x)``."""
        return curves.silu(x)


class Mish(Module):
    """``mish`` as a module."""

    def forward(self, x):
        """``mish(x)``."""
        return curves.mish(x)


class SELU(Module):
    """``selu`` as a module."""

    def forward(self, x):
        """``selu(x)``."""
        return curves.selu(x)


class LogSigmoid(Module):
    """``logsigmoid`` as a module."""

    def forward(self, x):
        """``logsigmoid(x)``."""
        return curves.logsigmoid(x)


class Softsign(Module):
    """``softsign`` as a module."""

    def forward(self, x):
        """``softsign(x)``."""
        return curves.softsign(x)


class Tanhshrink(Module):
    """``tanhshrink`` as a module."""

    def forward(self, x):
        """``tanhshrink(x)``."""
        return curves.tanhshrink(x)


# ---------------------------------------------------------------- with settings


class GELU(Module):
    """``gelu`` as a module."""

    def __init__(self, approximate: str = "none") -> None:
        self.approximate = approximate

    def forward(self, x):
        """``gelu(x)``."""
        return curves.gelu(x, self.approximate)


class Softplus(Module):
    """``softplus`` as a module."""

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        self.beta, self.threshold = beta, threshold

    def forward(self, x):
        """``softplus(x)``."""
        return curves.softplus(x, self.beta, self.threshold)


class ELU(Module):
    """``elu`` as a module."""

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = alpha

    def forward(self, x):
        """``elu(x)``."""
        return curves.elu(x, self.alpha)


class CELU(Module):
    """``celu`` as a module."""

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = alpha

    def forward(self, x):
        """``celu(x)``."""
        return curves.celu(x, self.alpha)


class LeakyReLU(Module):
    """``leaky_relu`` as a module."""

    def __init__(self, negative_slope: float = 0.01) -> None:
        self.negative_slope = negative_slope

    def forward(self, x):
        """``leaky_relu(x)``."""
        return pieces.leaky_relu(x, self.negative_slope)


class PReLU(Module):
    """``prelu`` with its ``weight`` (num_parameters,), the slopes below 0, all ``init`` in the beginning."""

    def __init__(self, num_parameters: int = 1, init: float = 0.25, *, dtype: Any = None) -> None:
        self.num_parameters = num_parameters
        self.weight = Value(np.full(num_parameters, init, parameter_dtype(dtype)), "weight")

    def forward(self, x):
        """``prelu(x, weight)``."""
        return pieces.prelu(x, self.weight)


class RReLU(Module):
    """``rrelu`` as a module: slopes are drawn in training, and the mean one is taken in evaluation."""

    def __init__(self, lower: float = 1 / 8, upper: float = 1 / 3, *, rng: np.random.Generator | None = None) -> None:
        self.lower, self.upper, self._rng = lower, upper, rng

    def forward(self, x):
        """``rrelu(x)``."""
        return pieces.rrelu(x, self.lower, self.upper, self.training, self._rng)


class Hardtanh(Module):
    """``hardtanh`` as a module."""

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0) -> None:
        if min_val > max_val:
            raise ValueError(f"Hardtanh: min_val {min_val} is above max_val {max_val}")
        self.min_val, self.max_val = min_val, max_val

    def forward(self, x):
        """``hardtanh(x)``."""
        return pieces.hardtanh(x, self.min_val, self.max_val)


class Threshold(Module):
    """``threshold`` as a module."""

    def __init__(self, threshold: float, value: float) -> None:
        self.threshold, self.value = threshold, value

    def forward(self, x):
        """``threshold(x)``."""
        return pieces.threshold(x, self.threshold, self.value)


class Hardshrink(Module):
    """``hardshrink`` as a module."""

    def __init__(self, lambd: float = 0.5) -> None:
        self.lambd = lambd

    def forward(self, x):
        """``hardshrink(x)``."""
        return pieces.hardshrink(x, self.lambd)


class Softshrink(Module):
    """``softshrink`` as a module."""

    def __init__(self, lambd: float = 0.5) -> None:
        self.lambd = lambd

    def forward(self, x):
        """``softshrink(x)``."""
        return pieces.softshrink(x, self.lambd)


# ---------------------------------------------------------------- along an axis


class GLU(Module):
    """``glu`` along ``axis``, as a module."""

    def __init__(self, axis: int = -1) -> None:
        self.axis = axis

    def forward(self, x):
        """``glu(x, axis)``."""
        return normalized.glu(x, self.axis)


class Softmax(Module):
    """``softmax`` along ``axis``, as a module."""

    def __init__(self, axis: int = -1) -> None:
        self.axis = axis

    def forward(self, x):
        """``softmax(x, axis)``."""
        return softmax(x, self.axis)


class Softmin(Module):
    """``softmin`` along ``axis``, as a module."""

    def __init__(self, axis: int = -1) -> None:
        self.axis = axis

    def forward(self, x):
        """``softmin(x, axis)``."""
        return normalized.softmin(x, self.axis)


class LogSoftmax(Module):
    """``log_softmax`` along ``axis``, as a module."""

    def __init__(self, axis: int = -1) -> None:
        self.axis = axis

    def forward(self, x):
        """``log_softmax(x, axis)``."""
        return log_softmax(x, self.axis)


class Softmax2d(Module):
    """``softmax`` over the channels of images: (N, C, H, W) or (C, H, W)."""

    def forward(self, x):
        """``softmax(x, -3)``."""
        if np.ndim(x) not in (3, 4):
            raise ValueError(f"Softmax2d takes images (N, C, H, W) or (C, H, W), not shape {np.shape(x)}")
        return softmax(x, -3)
