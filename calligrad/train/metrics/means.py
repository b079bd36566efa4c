"""Metrics that are means of a loss: Average, Perplexity."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from calligrad.ops.softmax import log_softmax
from calligrad.train.metrics.metric import Metric, array, class_scores


class Average(Metric):
    """The mean of numbers, each by its weight, such as the loss of each batch by its number of rows.

    >>> from calligrad.train import Average
    >>> loss = Average()
    >>> loss.update(1.0, 3)
    >>> loss.update(2.0, 1)
    >>> loss.result()
    1.25
    """

    def reset(self) -> None:
        """Forget all numbers."""
        self.total, self.weight, self.last = 0.0, 0.0, math.nan

    def update(self, output: Any, target: Any = 1) -> None:
        """Take the number ``output`` with the weight ``target``; with weight 0 it changes nothing."""
        if np.shape(output) != () or np.shape(target) != ():
            raise ValueError(f"Average: one number and its weight, not {np.shape(output)} and {np.shape(target)}")
        number, weight = float(output), float(target)
        if not weight >= 0:
            raise ValueError(f"Average: a weight is not negative, as {target!r} is")
        if weight:
            self.total, self.weight = self.total + weight * number, self.weight + weight
        self.last = number

    def result(self) -> float:
        """The weighted mean."""
        return self.total / self.weight if self.weight else math.nan


class Perplexity(Metric):
    """The exponential of the mean cross-entropy of logits: among how many equally likely tokens the model is torn.

    Shapes: logits (N, C, …), labels (N, …). Labels that equal ``ignore_index`` are left out.

    >>> import numpy as np
    >>> from calligrad.train import Perplexity
    >>> perplexity = Perplexity()
    >>> perplexity.update(np.zeros((2, 10)), np.array([3, 7]))
    >>> round(perplexity.result(), 6)
    10.0
    """

    settings = ("ignore_index",)

    def __init__(self, ignore_index: int = -100) -> None:
        self.ignore_index = ignore_index
        super().__init__()

    def reset(self) -> None:
        """Forget all batches."""
        self.total, self.seen = 0.0, 0

    def update(self, output: Any, target: Any) -> None:
        """Take one batch."""
        labels = array(target)
        counted = labels != self.ignore_index
        logits, labels = class_scores("Perplexity", output, np.where(counted, labels, 0))
        counted = counted.reshape(-1)
        likely = log_softmax(logits[counted].astype(np.float64))
        self.total -= float(np.take_along_axis(likely, labels[counted][:, None], axis=1).sum())
        self.seen += int(np.count_nonzero(counted))

    def result(self) -> float:
        """exp of the mean."""
        if not self.seen:
            return math.nan
        mean = self.total / self.seen
        return math.exp(mean) if mean < 700 else math.inf
