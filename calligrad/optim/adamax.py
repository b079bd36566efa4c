"""Adamax."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from calligrad.optim.optimizer import Optimizer
from calligrad.optim.weight_decay import penalised


class Adamax(Optimizer):
    """Adam with the largest recent gradient in place of the root mean square.

    Kingma and Ba, "Adam: a method for stochastic optimization", section 7.1, arXiv:1412.6980; numbers as in PyTorch.
    """

    state_names = ("mean", "largest")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr, betas=betas, eps=eps, weight_decay=weight_decay, maximize=maximize)

    def rule(
        self,
        step: int,
        p: Any,
        g: Any,
        mean: Any,
        largest: Any,
        *,
        lr: float,
        betas: tuple[float, float],
        eps: float,
        weight_decay: float,
    ) -> tuple[Any, ...]:
        """The new parameter, the new running mean and the new largest gradient."""
        g = penalised(p, g, weight_decay)
        beta1, beta2 = betas
        mean = beta1 * mean + (1 - beta1) * g
        largest = np.maximum(beta2 * largest, np.abs(g) + eps)
        return p - lr / (1 - beta1**step) * mean / largest, mean, largest
