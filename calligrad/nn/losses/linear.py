"""The cross-entropy of what a linear layer makes of its input."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from calligrad.nn.buffer import Buffer
from calligrad.nn.linear import Linear, linear
from calligrad.nn.losses.checks import Loss
from calligrad.nn.losses.classification import cross_entropy
from calligrad.value import unwrap


def linear_cross_entropy(
    x: Any,
    linear_weight: Any,
    target: Any,
    *,
    linear_bias: Any = None,
    weight: Any = None,
    reduction: str = "mean",
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
) -> Any:
    """``cross_entropy(linear(x, linear_weight, linear_bias), target, …)``.

    Shapes: ``x`` (N, in) or (in,); ``linear_weight`` (C, in) or (C, d1, …, in) and ``linear_bias`` (C,) or (C, d1, …),
    which give logits (N, C, d1, …). All logits are computed at once, so there are no ``options`` about chunks.
    """
    *sizes, features = np.shape(linear_weight)
    flat = None if linear_bias is None else np.reshape(linear_bias, (-1,))
    logits = linear(x, np.reshape(linear_weight, (math.prod(sizes), features)), flat)
    logits = np.reshape(logits, (*np.shape(x)[:-1], *sizes))
    ignored = -100 if ignore_index is None else ignore_index
    return cross_entropy(logits, target, weight, ignored, reduction, label_smoothing)


class LinearCrossEntropyLoss(Loss):
    """``linear_cross_entropy`` with a ``linear`` layer of its own, whose outputs are (num_classes, *out_features)."""

    def __init__(
        self,
        in_features: int,
        num_classes: int,
        *,
        out_features: tuple[int, ...] = (),
        bias: bool = False,
        reduction: str = "mean",
        weight: Any = None,
        ignore_index: int | None = None,
        label_smoothing: float = 0.0,
        dtype: Any = None,
        rng: np.random.Generator | None = None,
    ) -> None:
        super().__init__(reduction)
        self.num_classes, self.out_features = num_classes, tuple(out_features)
        self.ignore_index, self.label_smoothing = ignore_index, label_smoothing
        self.weight = None if weight is None else Buffer(unwrap(weight), "weight")
        rows = num_classes * math.prod(self.out_features)
        self.linear = Linear(in_features, rows, bias, dtype=dtype, rng=rng)

    def forward(self, x: Any, target: Any) -> Any:
        """``linear_cross_entropy(x, linear.weight, target)``."""
        sizes = self.num_classes, *self.out_features
        bias = self.linear.bias
        return linear_cross_entropy(
            x,
            np.reshape(self.linear.weight, (*sizes, self.linear.in_features)),
            target,
            linear_bias=None if bias is None else np.reshape(bias, sizes),
            weight=self.weight,
            reduction=self.reduction,
            ignore_index=self.ignore_index,
            label_smoothing=self.label_smoothing,
        )
