"""Cross-entropies of class labels and of class probabilities."""

import numpy as np

from tests.cases.table import real
from tests.nn.cases.table import function, integers, layer

REDUCTIONS = ("mean", "sum", "none")


def shares(*shape):
    """Probabilities along axis 1."""

    def draw(rng):
        p = rng.uniform(0.1, 1.0, shape)
        return p / p.sum(axis=min(1, len(shape) - 1), keepdims=True)

    return draw


def as_weight(w, x):
    """Integers as constants of the dtype of ``x``."""
    return (w + 0 * x.detach().reshape(-1)[:1]) / 4


def labels(*numbers):
    return lambda rng: np.array(numbers)


for reduction in REDUCTIONS:
    for words, *draws in [
        ("", real(5, 4), integers(0, 4, 5)),
        ("of probabilities", real(5, 4), shares(5, 4)),
        ("of images", real(2, 3, 2, 4), integers(0, 3, 2, 2, 4)),
        ("of images of probabilities", real(2, 3, 2, 2), shares(2, 3, 2, 2)),
    ]:
        layer(f"CrossEntropyLoss {reduction} {words}", lambda nn, r=reduction: nn.CrossEntropyLoss(reduction=r), *draws)
        layer(
            f"CrossEntropyLoss smoothed {reduction} {words}",
            lambda nn, r=reduction: nn.CrossEntropyLoss(reduction=r, label_smoothing=0.2),
            *draws,
        )
        function(
            f"cross_entropy weighted {reduction} {words}",
            lambda F, x, t, w, r=reduction: F.cross_entropy(x, t, as_weight(w, x), reduction=r),
            *draws,
            integers(1, 5, 4 if "images" not in words else 3),
        )
        if "probabilities" not in words:
            layer(f"NLLLoss {reduction} {words}", lambda nn, r=reduction: nn.NLLLoss(reduction=r), *draws)
            function(
                f"nll_loss weighted {reduction} {words}",
                lambda F, x, t, w, r=reduction: F.nll_loss(x, t, as_weight(w, x), reduction=r),
                *draws,
                integers(1, 5, 4 if not words else 3),
            )
    for name in ("cross_entropy", "nll_loss"):
        function(
            f"{name} ignoring {reduction}",
            lambda F, x, t, w, name=name, r=reduction: getattr(F, name)(
                x, t, as_weight(w, x), ignore_index=2, reduction=r
            ),
            real(5, 4),
            labels(2, 0, 3, 2, 1),
            integers(1, 5, 4),
        )
        function(
            f"{name} ignoring -100 {reduction}",
            lambda F, x, t, name=name, r=reduction: getattr(F, name)(x, t, reduction=r),
            real(2, 3, 2),
            lambda rng: np.array([[0, -100], [2, 1]]),
        )
    function(
        f"cross_entropy smoothed, weighted, ignoring {reduction}",
        lambda F, x, t, w, r=reduction: F.cross_entropy(
            x, t, as_weight(w, x), ignore_index=1, reduction=r, label_smoothing=0.3
        ),
        real(5, 4),
        labels(1, 0, 3, 2, 1),
        integers(1, 5, 4),
    )
    function(
        f"cross_entropy smoothed, weighted, of probabilities {reduction}",
        lambda F, x, t, w, r=reduction: F.cross_entropy(x, t, as_weight(w, x), reduction=r, label_smoothing=0.3),
        real(5, 4),
        shares(5, 4),
        integers(1, 5, 4),
    )
for name in ("cross_entropy", "nll_loss"):
    function(f"{name} of one row", lambda F, x, t, name=name: getattr(F, name)(x, t), real(4), integers(0, 4))
    function(f"{name} of nothing, summed", lambda F, x, t, name=name: getattr(F, name)(x, t, reduction="sum"),
        real(0, 4), integers(0, 4, 0))  # fmt: skip
function("cross_entropy of probabilities of one row", lambda F, x, t: F.cross_entropy(x, t), real(4), shares(4))
function("cross_entropy far out", lambda F, x, t: F.cross_entropy(400 * x, t), real(5, 4), integers(0, 4, 5))

layer("LinearCrossEntropyLoss", lambda nn: nn.LinearCrossEntropyLoss(3, 4), real(5, 3), integers(0, 4, 5))
layer(
    "LinearCrossEntropyLoss of images",
    lambda nn: nn.LinearCrossEntropyLoss(
        3, 4, out_features=(2, 2), bias=True, reduction="sum", ignore_index=1, label_smoothing=0.1
    ),
    real(2, 3),
    integers(0, 4, 2, 2, 2),
)
layer("LinearCrossEntropyLoss of one row", lambda nn: nn.LinearCrossEntropyLoss(3, 4), real(3), integers(0, 4))
function(
    "linear_cross_entropy",
    lambda F, x, w, b, t: F.linear_cross_entropy(x, w, t, linear_bias=b, reduction="none"),
    real(5, 3),
    real(4, 3),
    real(4),
    integers(0, 4, 5),
)
