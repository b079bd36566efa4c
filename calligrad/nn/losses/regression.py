"""Losses of numbers against numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from calligrad.function import Elementwise, Function
from calligrad.nn.losses.checks import Loss, like, reduced, same_shape, weighted
from calligrad.nn.refusals import refuse
from calligrad.value import as_array, unwrap


class SquaredError(Function):
    """The mean of the squared differences."""

    def forward(self, x, target):
        same_shape(x, target)
        d = x - target
        return (d * d).mean() if d.size else x.dtype.type(math.nan)

    def backward(self, g, x, target):
        slope = (2 / max(1, x.size)) * g * (x - target)
        return slope, lambda: -slope


class Parabola(Elementwise):
    """``d * d / 2`` between ``-delta`` and ``delta``, and straight on from there."""

    delta: float

    def forward(self, d):
        near = np.clip(d, -self.delta, self.delta)
        return near * (d - 0.5 * near)

    def backward(self, g, d):
        return g * np.clip(d, -self.delta, self.delta)


def difference(x: Any, target: Any) -> Any:
    """``x - target``, which have the same shape."""
    same_shape(x, target)
    return np.subtract(x, like(x, target))


def l1_loss(x: Any, target: Any, reduction: str = "mean", weight: Any = None) -> Any:
    """``|x - target|``. A ``weight`` of the same shape scales each; a mean is divided by its sum."""
    return weighted(np.abs(difference(x, target)), weight, reduction)


def mse_loss(x: Any, target: Any, reduction: str = "mean", weight: Any = None) -> Any:
    """The mean squared error; with ``reduction="sum"`` or ``"none"`` the sum, or the squares themselves.

    A ``weight`` of the same shape scales each; a mean is divided by its sum. Raises ``ValueError`` unless ``x`` and
    ``target`` have the same shape: nothing broadcasts in a loss.

    >>> import numpy as np
    >>> from calligrad.nn.functional import mse_loss
    >>> float(mse_loss(np.array([1.0, 2.0]), np.array([1.0, 4.0])))
    2.0
    """
    if reduction == "mean" and weight is None:
        return SquaredError()(x, like(x, target))
    return weighted(np.square(difference(x, target)), weight, reduction)


def huber_loss(x: Any, target: Any, reduction: str = "mean", delta: float = 1.0, weight: Any = None) -> Any:
    """``d * d / 2`` for a difference d up to ``delta``, and ``delta * (|d| - delta / 2)`` beyond; Huber, 1964.

    A ``weight`` of the same shape scales each; a mean is not divided by its sum, unlike that of ``mse_loss``.
    """
    if not delta > 0:
        raise ValueError(f"huber_loss: delta is above 0, not {delta}")
    losses = Parabola(delta)(difference(x, target))
    if weight is None:
        return reduced(losses, reduction)
    same_shape(x, weight, ("prediction", "weight"))
    return reduced(losses * weight, reduction)


def smooth_l1_loss(x: Any, target: Any, reduction: str = "mean", beta: float = 1.0) -> Any:
    """``huber_loss`` divided by ``beta``: the absolute difference, rounded off within ``beta``."""
    if beta < 0:
        raise ValueError(f"smooth_l1_loss: beta is at least 0, not {beta}")
    if beta == 0:
        return l1_loss(x, target, reduction)
    return reduced(Parabola(beta)(difference(x, target)) / beta, reduction)


def poisson_nll_loss(
    x: Any, target: Any, log_input: bool = True, full: bool = False, eps: float = 1e-8, reduction: str = "mean"
) -> Any:
    """The negative log-likelihood of counts ``target`` for a Poisson rate ``exp(x)``, or ``x`` unless ``log_input``.

    ``full`` adds Stirling's approximation of log(target!) where the target is above 1; ``eps`` keeps log(x) finite.
    Raises ``ValueError`` for a negative target.
    """
    same_shape(x, target)
    counts = as_array(target)
    refuse_negative("poisson_nll_loss: target", counts)
    target = like(x, target)
    losses = np.exp(x) - target * x if log_input else x - target * np.log(x + eps)
    if full:
        large = counts > 1
        n = np.where(large, target, 1)
        losses = losses + np.where(large, n * np.log(n) - n + 0.5 * np.log(2 * math.pi * n), 0)
    return reduced(losses, reduction)


def gaussian_nll_loss(
    x: Any, target: Any, var: Any, full: bool = False, eps: float = 1e-6, reduction: str = "mean"
) -> Any:
    """The negative log-likelihood of ``target`` for a normal number with mean ``x`` and variance ``var``.

    ``var`` has the shape of ``x``, or lacks the last axis or has length 1 on one axis, or is a number. One below
    ``eps`` counts as ``eps``, and has a gradient still. ``full`` adds the constant. Nix and Weigend, 1994.
    """
    error = difference(x, target)
    shape, spread = np.shape(x), np.shape(var)
    refuse_negative("gaussian_nll_loss: var", as_array(var))
    if spread != shape and spread == shape[:-1]:
        var = np.reshape(var, (*spread, 1))
    elif spread and (len(spread) != len(shape) or any(n not in (1, m) for n, m in zip(spread, shape))):
        raise ValueError(f"gaussian_nll_loss: a var of shape {spread} does not fit a prediction of shape {shape}")
    var = like(x, var)
    var = var + np.maximum(eps - unwrap(var), 0)
    losses = 0.5 * (np.log(var) + np.square(error) / var)
    return reduced(losses + 0.5 * math.log(2 * math.pi) if full else losses, reduction)


def refuse_negative(what: str, numbers: np.ndarray) -> None:
    """Raise with the first of ``numbers`` that is below 0."""
    refuse(numbers < 0, numbers, f"{what} {{}} is negative")


class L1Loss(Loss):
    """``l1_loss`` as a module."""

    def forward(self, x: Any, target: Any) -> Any:
        """``l1_loss(x, target)``."""
        return l1_loss(x, target, self.reduction)


class MSELoss(Loss):
    """``mse_loss`` as a module."""

    def forward(self, x: Any, target: Any) -> Any:
        """``mse_loss(x, target)``."""
        return mse_loss(x, target, self.reduction)


class HuberLoss(Loss):
    """``huber_loss`` as a module."""

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction)
        self.delta = delta

    def forward(self, x: Any, target: Any) -> Any:
        """``huber_loss(x, target)``."""
        return huber_loss(x, target, self.reduction, self.delta)


class SmoothL1Loss(Loss):
    """``smooth_l1_loss`` as a module."""

    def __init__(self, reduction: str = "mean", beta: float = 1.0) -> None:
        super().__init__(reduction)
        self.beta = beta

    def forward(self, x: Any, target: Any) -> Any:
        """``smooth_l1_loss(x, target)``."""
        return smooth_l1_loss(x, target, self.reduction, self.beta)


class PoissonNLLLoss(Loss):
    """``poisson_nll_loss`` as a module."""

    def __init__(self, log_input: bool = True, full: bool = False, eps: float = 1e-8, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.log_input, self.full, self.eps = log_input, full, eps

    def forward(self, x: Any, target: Any) -> Any:
        """``poisson_nll_loss(x, target)``."""
        return poisson_nll_loss(x, target, self.log_input, self.full, self.eps, self.reduction)


class GaussianNLLLoss(Loss):
    """``gaussian_nll_loss`` as a module."""

    def __init__(self, *, full: bool = False, eps: float = 1e-6, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.full, self.eps = full, eps

    def forward(self, x: Any, target: Any, var: Any) -> Any:
        """``gaussian_nll_loss(x, target, var)``."""
        return gaussian_nll_loss(x, target, var, self.full, self.eps, self.reduction)
