"""Metrics of numbers that are predicted: MAE, RMSE, R2."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from calligrad.train.metrics.metric import Metric, array


def pair(owner: str, output: Any, target: Any) -> tuple[np.ndarray, np.ndarray]:
    """Output and target as float64 arrays of one shape; nothing broadcasts."""
    y, t = array(output), array(target)
    if y.shape != t.shape:
        raise ValueError(f"{owner}: an output of shape {y.shape} and a target of shape {t.shape} differ")
    return y.astype(np.float64, copy=False), t.astype(np.float64, copy=False)


class MAE(Metric):
    """The mean absolute error.

    >>> import numpy as np
    >>> from calligrad.train import MAE
    >>> mae = MAE()
    >>> mae.update(np.array([1.0, 2.0]), np.array([1.0, 4.0]))
    >>> mae.result()
    1.0
    """

    def reset(self) -> None:
        """Forget all batches."""
        self.total, self.seen = 0.0, 0

    def update(self, output: Any, target: Any) -> None:
        """Take one batch."""
        y, t = pair("MAE", output, target)
        self.total += float(np.abs(y - t).sum())
        self.seen += y.size

    def result(self) -> float:
        """The mean over all numbers."""
        return self.total / self.seen if self.seen else math.nan


class RMSE(Metric):
    """The root of the mean squared error, over all numbers of the output.

    >>> import numpy as np
    >>> from calligrad.train import RMSE
    >>> rmse = RMSE()
    >>> rmse.update(np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 2.0, 3.0, 8.0]))
    >>> rmse.result()
    2.0
    """

    def reset(self) -> None:
        """Forget all batches."""
        self.total, self.seen = 0.0, 0

    def update(self, output: Any, target: Any) -> None:
        """Take one batch."""
        y, t = pair("RMSE", output, target)
        self.total += float(np.square(y - t).sum())
        self.seen += y.size

    def result(self) -> float:
        """The root of the mean."""
        return math.sqrt(self.total / self.seen) if self.seen else math.nan


class R2(Metric):
    """The share of the target's variance that is explained: 1 is perfect, 0 is as good as the mean.

    Shapes: (N, …); the mean over the outputs if a row has several. Where a target does not vary at all it is 1 if the
    output is exact and 0 otherwise. NaN for fewer than two rows. Numbers as in scikit-learn.

    >>> import numpy as np
    >>> from calligrad.train import R2
    >>> r2 = R2()
    >>> r2.update(np.array([1.0, 2.0]), np.array([1.0, 2.5]))
    >>> r2.update(np.array([3.5]), np.array([3.0]))
    >>> round(r2.result(), 6)
    0.769231
    """

    higher_is_better = True

    def reset(self) -> None:
        """Forget all batches."""
        self.seen = 0
        self.mean = self.spread = self.error = np.zeros(0)  # of the target: mean, squared distances from it

    def update(self, output: Any, target: Any) -> None:
        """Take one batch. Means and distances are joined as in Chan, Golub and LeVeque, 1979."""
        y, t = pair("R2", output, target)
        if not y.ndim:
            raise ValueError("R2: a batch has rows, and this is one number")
        if not t.size:
            return
        y, t = y.reshape(len(y), -1), t.reshape(len(t), -1)
        if not self.seen:
            self.mean = self.spread = self.error = np.zeros(t.shape[1])
        elif t.shape[1] != self.mean.size:
            raise ValueError(f"R2: rows of {t.shape[1]} numbers after rows of {self.mean.size}")
        mean, seen = t.mean(axis=0), self.seen + len(t)
        apart = mean - self.mean
        self.spread = self.spread + np.square(t - mean).sum(axis=0) + apart**2 * (self.seen * len(t) / seen)
        self.mean = self.mean + apart * (len(t) / seen)
        self.error = self.error + np.square(y - t).sum(axis=0)
        self.seen = seen

    def result(self) -> float:
        """1 - squared errors / squared distances from the mean."""
        if self.seen < 2:
            return math.nan
        varies = self.spread > 0
        share = 1 - self.error / np.where(varies, self.spread, 1)
        return float(np.mean(np.where(varies, share, (self.error == 0).astype(float))))
