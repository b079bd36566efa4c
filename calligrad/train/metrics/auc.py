"""AUC: the area under the receiver operating characteristic."""

from __future__ import annotations

from typing import Any

import numpy as np

from calligrad.ops.softmax import softmax
from calligrad.train.metrics.metric import Metric, array, checked_labels, class_scores


class AUC(Metric):
    """The chance that a random example of class 1 has a higher score than one of class 0; equal scores count half.

    Shapes: scores (N,) or (N, 1), logits or probabilities, with labels (N,) of 0 and 1; or scores (N, C) with labels
    (N,). For more than two classes it is the mean over them of each against all others, on probabilities, whose rows
    sum to 1; ``AUC(logits=True)`` takes the softmax of each row first. It keeps all scores until ``reset``.

    NaN if a class has no example, or all. Raises ``ValueError`` for scores that are NaN.

    >>> import numpy as np
    >>> from calligrad.train import AUC
    >>> auc = AUC()
    >>> auc.update(np.array([0.1, 0.4, 0.35, 0.8]), np.array([0, 0, 1, 1]))
    >>> auc.result()
    0.75
    """

    higher_is_better = True
    settings = ("logits",)

    def __init__(self, logits: bool = False) -> None:
        self.logits = logits
        super().__init__()

    def reset(self) -> None:
        """Forget all batches."""
        self.scores: list[np.ndarray] = []
        self.labels: list[np.ndarray] = []

    def update(self, output: Any, target: Any) -> None:
        """Take one batch."""
        scores, labels = array(output), array(target)
        if scores.ndim == 2 and scores.shape[1] > 1:
            scores, labels = class_scores("AUC", scores, labels)
            if scores.shape[1] == 2:
                scores = scores[:, 1] - scores[:, 0]  # in the order of the probabilities, of logits too
            elif self.logits:
                scores = softmax(scores)
            elif np.any(np.abs(scores.sum(axis=1) - 1) > 1e-3):
                raise ValueError("AUC: the rows of scores do not sum to 1; take AUC(logits=True) for logits")
        else:
            if scores.size != labels.size or scores.ndim not in (1, 2) or labels.ndim not in (1, 2):
                raise ValueError(
                    f"AUC: scores (N,) or (N, C) need labels (N,), not scores {scores.shape} and labels {labels.shape}"
                )
            scores, labels = scores.reshape(-1), checked_labels("AUC", labels, 2).reshape(-1)
        if np.any(np.isnan(scores)):
            raise ValueError("AUC: a score is NaN, which is neither higher nor lower than another")
        if self.scores and scores.shape[1:] != self.scores[0].shape[1:]:
            raise ValueError("AUC: the batches have different numbers of classes")
        self.scores.append(np.array(scores))
        self.labels.append(np.array(labels))

    def state_dict(self) -> dict[str, Any]:
        """What has been gathered, in two arrays."""
        return {name: [np.concatenate(x)] if x else [] for name, x in super().state_dict().items()}

    def result(self) -> float:
        """The area, over all batches."""
        if not self.labels:
            return float("nan")
        scores, labels = np.concatenate(self.scores), np.concatenate(self.labels)
        if scores.ndim == 1:
            return _area(scores, labels == 1)
        return float(np.mean([_area(column, labels == c) for c, column in enumerate(scores.T)]))


def _area(scores: np.ndarray, positive: np.ndarray) -> float:
    """Mann and Whitney's U divided by the number of pairs: from the sum of the positives' ranks."""
    above = int(np.count_nonzero(positive))
    below = positive.size - above
    if not above or not below:
        return float("nan")
    _, group, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2  # of equal scores the mean of their ranks, from 1
    return float((ranks[group.reshape(-1)[positive]].sum() - above * (above + 1) / 2) / (above * below))
