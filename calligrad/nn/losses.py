"""Losses: how far a prediction is from its target, as one number."""

from __future__ import annotations

from typing import Any

import numpy as np

from calligrad.function import Function
from calligrad.nn.module import Module
from calligrad.ops.softmax import floating, logsumexp, softmax
from calligrad.value import unwrap


class SquaredError(Function):
    """The mean of the squared differences."""

    def forward(self, x, target):
        if x.shape != target.shape:
            raise ValueError(f"a prediction of shape {x.shape} and a target of shape {target.shape} differ")
        d = x - target
        return (d * d).mean()

    def backward(self, g, x, target):
        slope = (2 / max(1, x.size)) * g * (x - target)
        return slope, lambda: -slope


class NegativeLogSoftmax(Function):
    """Of each row of ``x``, the negative logarithm of the softmax at the row's ``label``."""

    def forward(self, x, labels):
        x = floating(x)
        shifted = x - np.max(x, axis=-1, keepdims=True, initial=-np.inf)  # before the difference, which would cancel
        return logsumexp(shifted, axis=-1) - shifted[np.arange(len(labels)), labels]

    def backward(self, g, x, labels):
        hot = labels[:, None] == np.arange(x.shape[-1])
        return (softmax(x) - hot) * g[:, None], None


def mse_loss(x: Any, target: Any, reduction: str = "mean") -> Any:
    """The mean squared error; with ``reduction="sum"`` or ``"none"`` the sum, or the squares themselves.

    Raises ``ValueError`` unless ``x`` and ``target`` have the same shape: nothing broadcasts in a loss.

    >>> import numpy as np
    >>> from calligrad.nn.functional import mse_loss
    >>> float(mse_loss(np.array([1.0, 2.0]), np.array([1.0, 4.0])))
    2.0
    """
    if reduction == "mean":
        return SquaredError()(x, target)
    if np.shape(x) != np.shape(target):
        raise ValueError(f"a prediction of shape {np.shape(x)} and a target of shape {np.shape(target)} differ")
    return _reduced(np.square(np.subtract(x, target)), reduction)


def cross_entropy(x: Any, labels: Any, reduction: str = "mean") -> Any:
    """The negative log-probability of the right class, where ``softmax(x)`` are the probabilities.

    Shapes: ``x`` (N, C) or (C,), floating logits; ``labels`` (N,) or (), integers from 0 to C-1.

    Raises ``ValueError`` with the first label that is out of range, and for shapes that do not fit.

    >>> import numpy as np
    >>> from calligrad.nn.functional import cross_entropy
    >>> round(float(cross_entropy(np.zeros((2, 10)), np.array([3, 7]))), 6)
    2.302585
    """
    labels = unwrap(labels)
    labels = labels if hasattr(labels, "dtype") else np.asarray(labels)
    if labels.dtype.kind not in "iu":
        raise TypeError(f"cross_entropy: labels are integers, not {labels.dtype}")
    if np.ndim(x) not in (1, 2) or np.shape(x)[:-1] != labels.shape:
        raise ValueError(
            f"cross_entropy: logits (N, C) need labels (N,), not logits {np.shape(x)} and labels {labels.shape}"
        )
    classes = np.shape(x)[-1]
    if np.any(wrong := (labels < 0) | (labels >= classes)):
        i = int(np.flatnonzero(wrong)[0])
        raise ValueError(
            f"cross_entropy: label {labels.flat[i]} at index {i} is not among the classes 0 to {classes - 1}"
        )
    rows = np.reshape(x, (-1, classes)) if labels.ndim == 0 else x
    losses = NegativeLogSoftmax()(rows, np.atleast_1d(labels))
    return _reduced(np.reshape(losses, labels.shape), reduction)


def _reduced(losses: Any, reduction: str) -> Any:
    if reduction == "none":
        return losses
    if reduction not in ("mean", "sum"):
        raise ValueError(f'reduction is "mean", "sum" or "none", not {reduction!r}')
    return np.mean(losses) if reduction == "mean" else np.sum(losses)


class MSELoss(Module):
    """``mse_loss`` as a module."""

    def __init__(self, reduction: str = "mean") -> None:
        self.reduction = reduction

    def forward(self, x: Any, target: Any) -> Any:
        """``mse_loss(x, target)``."""
        return mse_loss(x, target, self.reduction)


class CrossEntropyLoss(Module):
    """``cross_entropy`` as a module."""

    def __init__(self, reduction: str = "mean") -> None:
        self.reduction = reduction

    def forward(self, x: Any, labels: Any) -> Any:
        """``cross_entropy(x, labels)``."""
        return cross_entropy(x, labels, self.reduction)
