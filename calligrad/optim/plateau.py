"""A schedule that watches a metric."""

from __future__ import annotations

import math
from typing import Any

from calligrad.optim.optimizer import Optimizer
from calligrad.optim.schedule import Resumable, after_the_run, for_each_group
from calligrad.optim.settings import is_number, nonnegative


class ReduceLROnPlateau(Resumable):
    """The rate times ``factor`` when a metric has not become better for more than ``patience`` epochs.

    Better is lower by a share of ``threshold``, or where ``threshold_mode`` is "abs" by ``threshold`` itself; in mode
    "max" higher. After a reduction nothing is counted for ``cooldown`` epochs. A rate goes no lower than ``min_lr``,
    and does not change by less than ``eps``.

    >>> from calligrad import Value
    >>> from calligrad.optim import SGD, ReduceLROnPlateau
    >>> optimizer = SGD([Value(1.0)], lr=1.0)
    >>> schedule = ReduceLROnPlateau(optimizer, patience=1)
    >>> for loss in 3.0, 2.0, 2.5, 2.4:
    ...     schedule.step(loss)
    >>> optimizer.lr
    0.1
    """

    state_names = ("best", "num_bad_epochs", "cooldown_counter", "last_epoch")

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float | list[float] = 0.0,
        eps: float = 1e-8,
    ) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"a schedule takes an optimizer, not a {type(optimizer).__name__}")
        if mode not in ("min", "max"):
            raise ValueError(f"mode is 'min' or 'max', not {mode!r}")
        if threshold_mode not in ("rel", "abs"):
            raise ValueError(f"threshold_mode is 'rel' or 'abs', not {threshold_mode!r}")
        if not is_number(factor) or not 0 <= factor < 1:
            raise ValueError(f"factor must be a number from 0 to below 1, not {factor!r}")
        self.optimizer, self.mode, self.factor, self.threshold_mode = optimizer, mode, float(factor), threshold_mode
        self.threshold = nonnegative("threshold", threshold)
        self.patience, self.cooldown = nonnegative("patience", patience), nonnegative("cooldown", cooldown)
        self.min_lrs = [nonnegative("min_lr", x) for x in for_each_group(optimizer, "min_lr", min_lr)]
        self.eps = nonnegative("eps", eps)
        self.best = math.inf if mode == "min" else -math.inf
        self.num_bad_epochs = self.cooldown_counter = self.last_epoch = 0

    def is_better(self, metric: float) -> bool:
        """Whether a metric is better than the best so far."""
        sign = -1 if self.mode == "min" else 1
        if self.threshold_mode == "abs":
            return sign * metric > sign * self.best + self.threshold
        return sign * metric > sign * self.best * (1 + sign * self.threshold)

    @after_the_run
    def step(self, metrics: Any) -> None:
        """One epoch has ended with this metric."""
        if len(self.min_lrs) != len(self.optimizer.param_groups):
            raise RuntimeError("the optimizer has other groups than when the schedule was made")
        metric = float(metrics)
        self.last_epoch += 1
        self.num_bad_epochs += 1
        if self.is_better(metric):
            self.best, self.num_bad_epochs = metric, 0
        if self.cooldown_counter:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self.cooldown_counter, self.num_bad_epochs = int(self.cooldown), 0
            for group, least in zip(self.optimizer.param_groups, self.min_lrs):
                lr = max(group["lr"] * self.factor, least)
                if group["lr"] - lr > self.eps:
                    group["lr"] = lr

    def get_last_lr(self) -> list[float]:
        """The rates of the groups."""
        return [group["lr"] for group in self.optimizer.param_groups]
