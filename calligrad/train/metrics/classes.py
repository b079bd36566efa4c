"""Metrics of which class was chosen: Accuracy, TopK, F1."""

from __future__ import annotations

from typing import Any

import numpy as np

from calligrad.train.metrics.metric import Metric, array, checked_labels, class_scores, whole_number


def chosen(owner: str, output: Any, target: Any, threshold: float | None) -> tuple[np.ndarray, np.ndarray, int]:
    """The classes that were chosen and the right ones, both (N,), and how many classes there are; 0 if unknown.

    - scores (N, C, …) with labels (N, …): the class with the highest score
    - scores (N, …) or (N, 1) with labels 0 and 1 of as many numbers: class 1 if the score is above ``threshold``
    - whole numbers of the labels' shape: these
    """
    scores, labels = array(output), array(target)
    if scores.shape == (*labels.shape, 1) or labels.shape == (*scores.shape, 1):
        scores, labels = scores.reshape(-1), labels.reshape(-1)
    if scores.shape != labels.shape:
        rows, labels = class_scores(owner, scores, labels)
        return np.argmax(rows, axis=1), labels, rows.shape[1]
    if scores.dtype.kind in "iub":
        return checked_labels(owner, scores).reshape(-1), checked_labels(owner, labels).reshape(-1), 0
    if threshold is None:
        raise ValueError(
            f"{owner}: one score for each label {labels.shape} needs a threshold: {owner}(threshold=0) for logits, "
            f"{owner}(threshold=0.5) for probabilities"
        )
    return (scores > threshold).astype(np.int64).reshape(-1), checked_labels(owner, labels, 2).reshape(-1), 2


class Accuracy(Metric):
    """The share of labels that were chosen; what is chosen is said in ``F1``.

    >>> import numpy as np
    >>> from calligrad.train import Accuracy
    >>> accuracy = Accuracy()
    >>> accuracy.update(np.array([[0.1, 0.9], [0.8, 0.2]]), np.array([1, 1]))
    >>> accuracy.result()
    0.5
    """

    higher_is_better = True
    settings = ("threshold",)

    def __init__(self, threshold: float | None = None) -> None:
        self.threshold = threshold
        super().__init__()

    def reset(self) -> None:
        """Forget all batches."""
        self.right = self.seen = 0

    def update(self, output: Any, target: Any) -> None:
        """Take one batch."""
        guesses, labels, _ = chosen("Accuracy", output, target, self.threshold)
        self.right += int(np.count_nonzero(guesses == labels))
        self.seen += labels.size

    def result(self) -> float:
        """Right ones divided by all."""
        return self.right / self.seen if self.seen else float("nan")


class TopK(Metric):
    """The share of labels that are among the ``k`` highest scores; of equal scores the earlier class counts as higher.

    Shapes: scores (N, C, …), labels (N, …). A score that is NaN is not among the highest.

    >>> import numpy as np
    >>> from calligrad.train import TopK
    >>> top = TopK(2)
    >>> top.update(np.array([[0.1, 0.2, 0.7], [0.5, 0.3, 0.2]]), np.array([1, 2]))
    >>> top.name, top.result()
    ('top_2', 0.5)
    """

    higher_is_better = True
    settings = ("k",)

    def __init__(self, k: int = 5) -> None:
        self.k = whole_number("TopK", "k", k)
        super().__init__()

    @property
    def name(self) -> str:
        """What it is called in a history."""
        return f"top_{self.k}"

    def reset(self) -> None:
        """Forget all batches."""
        self.right = self.seen = 0

    def update(self, output: Any, target: Any) -> None:
        """Take one batch."""
        scores, labels = class_scores("TopK", output, target)
        if self.k > scores.shape[1]:
            raise ValueError(f"TopK: k is {self.k}, and there are {scores.shape[1]} classes")
        own = np.take_along_axis(scores, labels[:, None], axis=1)
        before = (scores == own) & (np.arange(scores.shape[1]) < labels[:, None])
        place = np.count_nonzero((scores > own) | before, axis=1)
        self.right += int(np.count_nonzero((place < self.k) & ~np.isnan(own[:, 0])))
        self.seen += labels.size

    def result(self) -> float:
        """Those among the highest divided by all."""
        return self.right / self.seen if self.seen else float("nan")


class F1(Metric):
    """The harmonic mean of precision and recall, 2TP / (2TP + FP + FN) of a class.

    ``average`` says of which: ``"binary"`` of class 1; ``"macro"`` the mean of all classes that occur as a label or
    as a choice; ``"weighted"`` the mean by their number of labels; ``"micro"`` of all classes counted together. It is
    0 for a class that was never right. Numbers as in scikit-learn.

    What is chosen: of scores (N, C, …) with labels (N, …) the highest; of one score for each label, class 1 if it is
    above ``threshold``, which is 0 for logits and 0.5 for probabilities; whole numbers are taken for classes.

    >>> import numpy as np
    >>> from calligrad.train import F1
    >>> f1 = F1("binary", threshold=0.5)
    >>> f1.update(np.array([0.9, 0.8, 0.3, 0.1]), np.array([1, 0, 1, 0]))
    >>> f1.result()
    0.5
    """

    higher_is_better = True
    settings = ("average", "threshold")

    def __init__(self, average: str = "macro", threshold: float | None = None) -> None:
        if average not in ("binary", "macro", "micro", "weighted"):
            raise ValueError(f'F1: average is "binary", "macro", "micro" or "weighted", not {average!r}')
        self.average, self.threshold = average, threshold
        super().__init__()

    def reset(self) -> None:
        """Forget all batches."""
        self.counts = np.zeros((3, 0), np.int64)  # right, chosen, labels, by class

    def update(self, output: Any, target: Any) -> None:
        """Take one batch."""
        guesses, labels, classes = chosen("F1", output, target, self.threshold)
        if labels.size:
            classes = max(classes, int(guesses.max()) + 1, int(labels.max()) + 1)
        if self.average == "binary" and classes > 2:
            raise ValueError(f'F1("binary") is for two classes, and there are {classes}')
        size = max(classes, self.counts.shape[1])
        self.counts = np.pad(self.counts, ((0, 0), (0, size - self.counts.shape[1])))
        for row, found in zip(self.counts, (labels[guesses == labels], guesses, labels)):
            row += np.bincount(found, minlength=size)

    def result(self) -> float:
        """The average over the classes."""
        right, guessed, labels = self.counts
        if not labels.sum():
            return float("nan")
        if self.average == "micro":
            return float(2 * right.sum() / (guessed + labels).sum())
        occurs = guessed + labels > 0
        by_class = 2 * right / np.maximum(1, guessed + labels)
        if self.average == "binary":
            return float(by_class[1]) if len(by_class) > 1 else 0.0
        return float(np.average(by_class[occurs], weights=labels[occurs] if self.average == "weighted" else None))
