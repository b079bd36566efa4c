"""Losses with a margin: hinges, rankings and triplets. What is better than the margin asks for costs nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from calligrad.nn.activations.curves import softplus
from calligrad.nn.activations.pieces import relu
from calligrad.nn.buffer import Buffer
from calligrad.nn.distance import pairwise_distance
from calligrad.nn.losses.checks import (
    Loss,
    check_reduction,
    integers,
    like,
    probabilities,
    reduced,
    rescaling,
    same_shape,
    signs,
)
from calligrad.nn.losses.probabilities import LogisticLoss
from calligrad.nn.refusals import refuse
from calligrad.value import as_arraylike, unwrap


def above_zero(x: Any) -> Any:
    """``max(0, x)``; at 0, unlike that of ``relu``, the slope is 1, so that equal scores are told apart."""
    return np.clip(x, 0, None)


# ---------------------------------------------------------------- a target of 1 or -1


def hinge_embedding_loss(x: Any, target: Any, margin: float = 1.0, reduction: str = "mean") -> Any:
    """A distance ``x`` where the target is 1, and ``max(0, margin - x)`` where it is -1."""
    check_reduction(reduction)
    same_shape(x, target)
    near = signs("hinge_embedding_loss", target, x) == 1
    return reduced(np.where(near, x, above_zero(margin - as_arraylike(x))), reduction)


def soft_margin_loss(x: Any, target: Any, reduction: str = "mean") -> Any:
    """``log(1 + exp(-target * x))``, where the target is 1 or -1."""
    check_reduction(reduction)
    same_shape(x, target)
    return reduced(softplus(-signs("soft_margin_loss", target, x) * as_arraylike(x), threshold=np.inf), reduction)


def margin_ranking_loss(x1: Any, x2: Any, target: Any, margin: float = 0.0, reduction: str = "mean") -> Any:
    """``max(0, margin - target * (x1 - x2))``: where the target is 1, ``x1`` should rank higher; where -1, ``x2``."""
    check_reduction(reduction)
    same_shape(x1, x2, ("first input", "second"))
    same_shape(x1, target)
    return reduced(above_zero(margin - signs("margin_ranking_loss", target, x1) * np.subtract(x1, x2)), reduction)


def cosine_embedding_loss(x1: Any, x2: Any, target: Any, margin: float = 0.0, reduction: str = "mean") -> Any:
    """``1 - cos(x1, x2)`` where the target is 1, and ``max(0, cos(x1, x2) - margin)`` where it is -1.

    Shapes: ``x1`` and ``x2`` (N, D) and ``target`` (N,), or (D,) and ().
    """
    check_reduction(reduction)
    same_shape(x1, x2, ("first input", "second"))
    if np.ndim(x1) not in (1, 2) or np.shape(target) != np.shape(x1)[:-1]:
        shapes = f"{np.shape(x1)} and a target of shape {np.shape(target)}"
        raise ValueError(f"cosine_embedding_loss takes inputs (N, D) and a target (N,), not inputs of shape {shapes}")
    near = signs("cosine_embedding_loss", target, x1) == 1
    a, b = (np.sum(np.square(x), axis=-1) + 1e-12 for x in (x1, x2))
    cosine = np.sum(np.multiply(x1, x2), axis=-1) / np.sqrt(a * b)
    return reduced(np.where(near, 1 - cosine, above_zero(cosine - margin)), reduction)


# ---------------------------------------------------------------- classes


def multi_margin_loss(
    x: Any, target: Any, p: int = 1, margin: float = 1.0, weight: Any = None, reduction: str = "mean"
) -> Any:
    """How far other classes come nearer than ``margin`` to the right one: ``max(0, margin - x[y] + x[i]) ** p / C``.

    Shapes: ``x`` (N, C) and ``target`` (N,), integers; or (C,) and (). ``weight`` (C,) rescales the classes.
    """
    check_reduction(reduction)
    if p not in (1, 2):
        raise ValueError(f"multi_margin_loss: p is 1 or 2, not {p}")
    labels, shape = integers("multi_margin_loss", target), np.shape(x)
    if len(shape) not in (1, 2) or shape[:-1] != labels.shape:
        raise ValueError(f"multi_margin_loss: scores (N, C) need labels (N,), not {shape} and labels {labels.shape}")
    count = shape[-1]
    wrong = (labels < 0) | (labels >= count)
    refuse(wrong, labels, f"multi_margin_loss: label {{}} is not among the classes 0 to {count - 1}")
    right = labels[..., np.newaxis] == np.arange(count)
    chosen = np.take_along_axis(as_arraylike(x), labels[..., np.newaxis], -1)
    costs = relu(margin - chosen + x)
    costs = costs if p == 1 else np.square(costs)
    if weight is not None:
        if np.shape(weight) != (count,):
            raise ValueError(f"multi_margin_loss: weight has shape ({count},), not {np.shape(weight)}")
        costs = costs * rescaling(weight, x)[labels][..., np.newaxis]
    return reduced(np.sum(np.where(right, 0, costs), axis=-1) / max(1, count), reduction)


def multilabel_margin_loss(x: Any, target: Any, reduction: str = "mean") -> Any:
    """How far the other classes come nearer than 1 to those of the target: ``max(0, 1 - x[y] + x[i]) / C``, summed.

    Shapes: ``x`` and ``target`` (N, C) or (C,). A row of the target has the labels of the right classes, as many as
    there are, and then -1.
    """
    check_reduction(reduction)
    same_shape(x, target)
    labels, shape = integers("multilabel_margin_loss", target), np.shape(x)
    if len(shape) not in (1, 2):
        raise ValueError(f"multilabel_margin_loss takes scores (N, C) or (C,), not shape {shape}")
    count = shape[-1]
    wrong = (labels < -1) | (labels >= count)
    refuse(wrong, labels, f"multilabel_margin_loss: label {{}} is not -1 nor among the classes 0 to {count - 1}")
    given = np.logical_and.accumulate(labels >= 0, axis=-1)  # what comes after the first -1 does not count
    labels = np.where(given, labels, 0)
    right = np.any((labels[..., np.newaxis] == np.arange(count)) & given[..., np.newaxis], axis=-2)
    chosen = np.take_along_axis(as_arraylike(x), labels, -1)[..., np.newaxis]
    costs = relu(1 - chosen + np.expand_dims(x, -2))
    counts = given[..., np.newaxis] & ~right[..., np.newaxis, :]
    return reduced(np.sum(np.where(counts, costs, 0), axis=(-2, -1)) / max(1, count), reduction)


def multilabel_soft_margin_loss(x: Any, target: Any, weight: Any = None, reduction: str = "mean") -> Any:
    """The mean over the classes, the last axis, of ``binary_cross_entropy_with_logits``."""
    check_reduction(reduction)
    same_shape(x, target)
    if not np.ndim(x):
        raise ValueError("multilabel_soft_margin_loss takes scores (…, C), not a single number")
    probabilities("multilabel_soft_margin_loss", target)
    losses = LogisticLoss()(x, like(x, target))
    losses = losses if weight is None else losses * rescaling(weight, x)
    return reduced(np.sum(losses, axis=-1) / max(1, np.shape(x)[-1]), reduction)


# ---------------------------------------------------------------- triplets


def triplet_margin_loss(
    anchor: Any,
    positive: Any,
    negative: Any,
    margin: float = 1.0,
    p: float = 2.0,
    eps: float = 1e-6,
    swap: bool = False,
    reduction: str = "mean",
) -> Any:
    """``max(0, d(anchor, positive) - d(anchor, negative) + margin)``, where d is ``pairwise_distance``.

    Shapes: (N, D) each, or (D,). With ``swap`` the negative is compared to the nearer of anchor and positive.
    Balntas, Riba, Ponsa and Mikolajczyk, "Learning local feature descriptors with triplets", 2016.
    """

    def distance(a: Any, b: Any) -> Any:
        return pairwise_distance(a, b, p, eps)

    return triplet_margin_with_distance_loss(
        anchor, positive, negative, distance_function=distance, margin=margin, swap=swap, reduction=reduction
    )


def triplet_margin_with_distance_loss(
    anchor: Any,
    positive: Any,
    negative: Any,
    *,
    distance_function: Callable[[Any, Any], Any] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Any:
    """``triplet_margin_loss`` with a distance of one's own; ``pairwise_distance`` unless given."""
    check_reduction(reduction)
    if not margin > 0:
        raise ValueError(f"the margin of a triplet loss is above 0, not {margin}")
    same_shape(anchor, positive, ("anchor", "positive"))
    same_shape(anchor, negative, ("anchor", "negative"))
    distance = distance_function or pairwise_distance
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = np.minimum(far, distance(positive, negative))
    return reduced(above_zero(near - far + margin), reduction)


# ---------------------------------------------------------------- modules


class HingeEmbeddingLoss(Loss):
    """``hinge_embedding_loss`` as a module."""

    def __init__(self, margin: float = 1.0, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.margin = margin

    def forward(self, x: Any, target: Any) -> Any:
        """``hinge_embedding_loss(x, target)``."""
        return hinge_embedding_loss(x, target, self.margin, self.reduction)


class SoftMarginLoss(Loss):
    """``soft_margin_loss`` as a module."""

    def forward(self, x: Any, target: Any) -> Any:
        """``soft_margin_loss(x, target)``."""
        return soft_margin_loss(x, target, self.reduction)


class MarginRankingLoss(Loss):
    """``margin_ranking_loss`` as a module."""

    def __init__(self, margin: float = 0.0, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.margin = margin

    def forward(self, x1: Any, x2: Any, target: Any) -> Any:
        """``margin_ranking_loss(x1, x2, target)``."""
        return margin_ranking_loss(x1, x2, target, self.margin, self.reduction)


class CosineEmbeddingLoss(Loss):
    """``cosine_embedding_loss`` as a module."""

    def __init__(self, margin: float = 0.0, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.margin = margin

    def forward(self, x1: Any, x2: Any, target: Any) -> Any:
        """``cosine_embedding_loss(x1, x2, target)``."""
        return cosine_embedding_loss(x1, x2, target, self.margin, self.reduction)


class MultiMarginLoss(Loss):
    """``multi_margin_loss`` as a module; ``weight`` is kept as a buffer."""

    def __init__(self, p: int = 1, margin: float = 1.0, weight: Any = None, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.p, self.margin = p, margin
        self.weight = None if weight is None else Buffer(unwrap(weight), "weight")

    def forward(self, x: Any, target: Any) -> Any:
        """``multi_margin_loss(x, target)``."""
        return multi_margin_loss(x, target, self.p, self.margin, self.weight, self.reduction)


class MultiLabelMarginLoss(Loss):
    """``multilabel_margin_loss`` as a module."""

    def forward(self, x: Any, target: Any) -> Any:
        """``multilabel_margin_loss(x, target)``."""
        return multilabel_margin_loss(x, target, self.reduction)


class MultiLabelSoftMarginLoss(Loss):
    """``multilabel_soft_margin_loss`` as a module; ``weight`` is kept as a buffer."""

    def __init__(self, weight: Any = None, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.weight = None if weight is None else Buffer(unwrap(weight), "weight")

    def forward(self, x: Any, target: Any) -> Any:
        """``multilabel_soft_margin_loss(x, target)``."""
        return multilabel_soft_margin_loss(x, target, self.weight, self.reduction)


class TripletMarginLoss(Loss):
    """``triplet_margin_loss`` as a module."""

    def __init__(
        self, margin: float = 1.0, p: float = 2.0, eps: float = 1e-6, swap: bool = False, reduction: str = "mean"
    ) -> None:
        super().__init__(reduction)
        self.margin, self.p, self.eps, self.swap = margin, p, eps, swap

    def forward(self, anchor: Any, positive: Any, negative: Any) -> Any:
        """``triplet_margin_loss(anchor, positive, negative)``."""
        settings = self.margin, self.p, self.eps, self.swap, self.reduction
        return triplet_margin_loss(anchor, positive, negative, *settings)


class TripletMarginWithDistanceLoss(Loss):
    """``triplet_margin_with_distance_loss`` as a module."""

    def __init__(
        self,
        *,
        distance_function: Callable[[Any, Any], Any] | None = None,
        margin: float = 1.0,
        swap: bool = False,
        reduction: str = "mean",
    ) -> None:
        super().__init__(reduction)
        self.distance_function, self.margin, self.swap = distance_function, margin, swap

    def forward(self, anchor: Any, positive: Any, negative: Any) -> Any:
        """``triplet_margin_with_distance_loss(anchor, positive, negative)``."""
        return triplet_margin_with_distance_loss(
            anchor,
            positive,
            negative,
            distance_function=self.distance_function,
            margin=self.margin,
            swap=self.swap,
            reduction=self.reduction,
        )
