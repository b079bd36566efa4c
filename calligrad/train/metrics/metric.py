"""Metric: what every metric has, and how it looks at outputs and labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from calligrad.value import Value


class Metric:
    """A number gathered over batches: ``update(output, target)`` for each of them, then ``result()``.

    A subclass writes ``reset``, which sets the attributes in which it gathers, numbers and arrays, and the other two.
    Before the first row a result is NaN.

    >>> import numpy as np
    >>> from calligrad.train import Metric
    >>> class Largest(Metric):
    ...     def reset(self):
    ...         self.error = 0.0
    ...     def update(self, output, target):
    ...         self.error = max(self.error, float(np.max(np.abs(output - target))))
    ...     def result(self):
    ...         return self.error
    >>> largest = Largest()
    >>> largest.update(np.array([1.0, 2.0]), np.array([1.0, 4.0]))
    >>> largest.name, largest.result()
    ('largest', 2.0)
    """

    higher_is_better = False
    settings: tuple[str, ...] = ()  # attributes that are no part of what is gathered

    def __init__(self) -> None:
        self.reset()

    @property
    def name(self) -> str:
        """What it is called in a history."""
        return type(self).__name__.lower()

    def reset(self) -> None:
        """Forget all batches."""
        raise NotImplementedError(f"{type(self).__name__} defines no reset")

    def update(self, output: Any, target: Any) -> None:
        """Take one batch; Values and arrays will do."""
        raise NotImplementedError(f"{type(self).__name__} defines no update")

    def result(self) -> float:
        """The number, over all batches since the last reset."""
        raise NotImplementedError(f"{type(self).__name__} defines no result")

    def state_dict(self) -> dict[str, Any]:
        """What has been gathered."""
        return {name: x for name, x in vars(self).items() if name not in self.settings}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from ``state``."""
        vars(self).update(state)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)!r}' for name in self.settings)})"


def array(x: Any) -> np.ndarray:
    """The array in ``x``."""
    return np.asarray(x.data if isinstance(x, Value) else x)


def whole_number(owner: str, name: str, n: Any, least: int = 1) -> int:
    """``n``, which must be a whole number and large enough."""
    if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < least:
        raise ValueError(f"{owner}: {name} is a whole number of at least {least}, not {n!r}")
    return int(n)


def class_scores(owner: str, output: Any, target: Any) -> tuple[np.ndarray, np.ndarray]:
    """Scores (N, C) and labels (N,), from scores (N, C, …) and labels (N, …), where the classes are the second axis."""
    scores, labels = array(output), array(target)
    if scores.ndim < 2 or labels.shape != scores.shape[:1] + scores.shape[2:]:
        raise ValueError(
            f"{owner}: scores (N, C, …) need labels (N, …), not scores {scores.shape} and labels {labels.shape}"
        )
    classes = scores.shape[1]
    return np.moveaxis(scores, 1, -1).reshape(-1, classes), checked_labels(owner, labels, classes).reshape(-1)


def checked_labels(owner: str, labels: np.ndarray, classes: int | None = None) -> np.ndarray:
    """``labels`` as int64, if they are whole numbers from 0 to ``classes`` - 1."""
    if labels.dtype.kind == "f" and np.array_equal(labels, np.floor(labels)):
        labels = labels.astype(np.int64)  # as a binary loss has them
    if labels.dtype.kind not in "iub":
        raise TypeError(f"{owner}: labels are integers, not {labels.dtype}")
    labels = labels.astype(np.int64, copy=False)
    wrong = labels < 0 if classes is None else (labels < 0) | (labels >= classes)
    if np.any(wrong):
        i = tuple(int(place[0]) for place in np.nonzero(wrong))
        among = "" if classes is None else f", not one of 0 to {classes - 1}"
        raise ValueError(f"{owner}: the label at {i if len(i) > 1 else i[0]} is {labels[i]}{among}")
    return labels
