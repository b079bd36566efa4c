"""Lion."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from calligrad.optim.optimizer import Optimizer
from calligrad.optim.weight_decay import shrunk


class Lion(Optimizer):
    """Steps of ``lr`` by the sign of an interpolation between the running mean and the gradient.

    Chen et al., "Symbolic discovery of optimization algorithms", arXiv:2302.06675. Its steps are larger than
    Adam's: take a third to a tenth of Adam's ``lr``, and three to ten times its ``weight_decay``.
    """

    state_names = ("mean",)

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-4,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr, betas=betas, weight_decay=weight_decay, maximize=maximize)

    def rule(
        self, step: int, p: Any, g: Any, mean: Any, *, lr: float, betas: tuple[float, float], weight_decay: float
    ) -> tuple[Any, ...]:
        """The new parameter and the new running mean."""
        beta1, beta2 = betas
        direction = np.sign(beta1 * mean + (1 - beta1) * g)
        return shrunk(p, lr, weight_decay) - lr * direction, beta2 * mean + (1 - beta2) * g
