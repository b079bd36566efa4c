"""Losses of probabilities against probabilities: binary cross-entropies and the Kullback-Leibler divergence."""

from __future__ import annotations

from typing import Any

import numpy as np

from calligrad.function import Elementwise
from calligrad.nn.activations.curves import sigmoid, softplus
from calligrad.nn.buffer import Buffer
from calligrad.nn.losses.checks import (
    Loss,
    check_reduction,
    like,
    probabilities,
    reduced,
    rescaling,
    same_shape,
)
from calligrad.nn.module import Module
from calligrad.nn.refusals import refuse
from calligrad.ops.tiles import elementwise
from calligrad.value import as_array, unwrap


class BinaryCrossEntropy(Elementwise):
    """``-target * log(x) - (1 - target) * log(1 - x)``, where no logarithm is below -100."""

    def forward(self, x, target):
        with np.errstate(divide="ignore"):
            return -target * np.maximum(np.log(x), -100) - (1 - target) * np.maximum(np.log1p(-x), -100)

    def backward(self, g, x, target):
        def slope_in_target() -> Any:
            with np.errstate(divide="ignore"):
                return g * (np.maximum(np.log1p(-x), -100) - np.maximum(np.log(x), -100))

        return lambda: g * (x - target) / np.maximum(x * (1 - x), 1e-12), slope_in_target


class LogisticLoss(Elementwise):
    """``log(1 + exp(x)) - target * x``, the binary cross-entropy of ``sigmoid(x)``."""

    def forward(self, x, target):
        return elementwise(self._losses, x, target)

    @staticmethod
    def _losses(x: Any, target: Any, out: Any = None) -> Any:
        return np.add(np.maximum(x, 0) - target * x, np.log1p(np.exp(-np.abs(x))), out=out)

    def backward(self, g, x, target):
        return lambda: elementwise(self._gradient, g, x, target), lambda: -g * x

    @staticmethod
    def _gradient(g: Any, x: Any, target: Any, out: Any = None) -> Any:
        return np.multiply(g, sigmoid(x) - target, out=out)


class Entropy(Elementwise):
    """``-p * log(p)``, which is 0 at 0."""

    def forward(self, p):
        return -p * np.log(np.where(p > 0, p, 1))

    def backward(self, g, p):
        with np.errstate(divide="ignore"):  # at 0 the slope is infinite
            return -g * (np.log(p) + 1)


def binary_cross_entropy(x: Any, target: Any, weight: Any = None, reduction: str = "mean") -> Any:
    """The negative log-likelihood of ``target`` where ``x`` are the probabilities of 1.

    ``x`` and ``target`` have one shape and lie between 0 and 1, or a ``ValueError`` names the first that does not;
    ``weight`` broadcasts to it. No logarithm counts as less than -100. Prefer ``binary_cross_entropy_with_logits``.

    >>> import numpy as np
    >>> from calligrad.nn.functional import binary_cross_entropy
    >>> round(float(binary_cross_entropy(np.array([0.5]), np.array([1.0]))), 6)
    0.693147
    """
    check_reduction(reduction)
    same_shape(x, target)
    numbers = as_array(x)
    refuse(~((numbers >= 0) & (numbers <= 1)), numbers, "binary_cross_entropy: prediction {} is not between 0 and 1")
    probabilities("binary_cross_entropy", target)
    losses = BinaryCrossEntropy()(x, like(x, target))
    return reduced(losses if weight is None else losses * rescaling(weight, x), reduction)


def binary_cross_entropy_with_logits(
    x: Any, target: Any, weight: Any = None, reduction: str = "mean", pos_weight: Any = None
) -> Any:
    """``binary_cross_entropy`` of ``sigmoid(x)``, exact for large ``x`` too.

    ``weight`` scales the losses and ``pos_weight`` their part for the positive class; both broadcast to the shape of
    ``x``. A target below 0 or above 1 raises ``ValueError``.

    >>> import numpy as np
    >>> from calligrad.nn.functional import binary_cross_entropy_with_logits
    >>> float(binary_cross_entropy_with_logits(np.array([-1000.0]), np.array([1.0])))
    1000.0
    """
    check_reduction(reduction)
    same_shape(x, target)
    probabilities("binary_cross_entropy_with_logits", target)
    target = like(x, target)
    if pos_weight is None:
        losses = LogisticLoss()(x, target)
    else:
        positive = target * rescaling(pos_weight, x, "pos_weight")
        losses = positive * softplus(np.negative(x), threshold=np.inf) + (1 - target) * softplus(x, threshold=np.inf)
    return reduced(losses if weight is None else losses * rescaling(weight, x), reduction)


def kl_div(x: Any, target: Any, reduction: str = "mean", log_target: bool = False) -> Any:
    """The Kullback-Leibler divergence, ``target * (log(target) - x)``, of log-probabilities ``x`` from ``target``.

    With ``log_target`` the target is given as log-probabilities too. ``reduction="batchmean"`` divides the sum by the
    length of the first axis, which is the divergence proper; "mean" divides it by the number of all numbers. A negative
    or NaN target raises ``ValueError``.

    >>> import numpy as np
    >>> from calligrad.nn.functional import kl_div
    >>> p = np.array([[0.5, 0.5]])
    >>> float(kl_div(np.log(p), p, reduction="batchmean"))
    0.0
    """
    check_reduction(reduction, "batchmean")
    same_shape(x, target)
    if log_target:
        losses = np.exp(target) * np.subtract(target, x)
    else:
        numbers = as_array(target)
        refuse(~(numbers >= 0), numbers, "kl_div: target {} is no probability")
        target = like(x, target)
        losses = -Entropy()(target) - np.multiply(target, x)
    if reduction != "batchmean":
        return reduced(losses, reduction)
    count = np.shape(x)[0] if np.ndim(x) else 1
    return np.sum(losses) / count if count else np.sum(losses) * np.nan


class BCELoss(Loss):
    """``binary_cross_entropy`` as a module; ``weight`` is kept as a buffer."""

    def __init__(self, weight: Any = None, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.weight = None if weight is None else Buffer(unwrap(weight), "weight")

    def forward(self, x: Any, target: Any) -> Any:
        """``binary_cross_entropy(x, target)``."""
        return binary_cross_entropy(x, target, self.weight, self.reduction)


class BCEWithLogitsLoss(Loss):
    """``binary_cross_entropy_with_logits`` as a module; ``weight`` and ``pos_weight`` are kept as buffers."""

    def __init__(self, weight: Any = None, reduction: str = "mean", pos_weight: Any = None) -> None:
        super().__init__(reduction)
        self.weight = None if weight is None else Buffer(unwrap(weight), "weight")
        self.pos_weight = None if pos_weight is None else Buffer(unwrap(pos_weight), "pos_weight")

    def forward(self, x: Any, target: Any) -> Any:
        """``binary_cross_entropy_with_logits(x, target)``."""
        return binary_cross_entropy_with_logits(x, target, self.weight, self.reduction, self.pos_weight)


class KLDivLoss(Module):
    """``kl_div`` as a module."""

    def __init__(self, reduction: str = "mean", log_target: bool = False) -> None:
        check_reduction(reduction, "batchmean")
        self.reduction, self.log_target = reduction, log_target

    def forward(self, x: Any, target: Any) -> Any:
        """``kl_div(x, target)``."""
        return kl_div(x, target, self.reduction, self.log_target)
