"""Adagrad."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from calligrad.optim.optimizer import Optimizer
from calligrad.optim.weight_decay import penalised


class Adagrad(Optimizer):
    """Steps that become smaller for each number by the squares of all its gradients so far.

    Duchi, Hazan and Singer, "Adaptive subgradient methods for online learning and stochastic optimization",
    JMLR 12, 2011; numbers as in PyTorch.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        lr_decay: float = 0.0,
        weight_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        eps: float = 1e-10,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            lr,
            lr_decay=lr_decay,
            weight_decay=weight_decay,
            initial_accumulator_value=initial_accumulator_value,
            eps=eps,
            maximize=maximize,
        )

    def initial_state(self, p: Any, **settings: Any) -> dict[str, Any]:
        """The sum of the squares of the gradients."""
        return {"total": settings["initial_accumulator_value"]}

    def rule(
        self,
        step: int,
        p: Any,
        g: Any,
        total: Any,
        *,
        lr: float,
        lr_decay: float,
        weight_decay: float,
        initial_accumulator_value: float,
        eps: float,
    ) -> tuple[Any, ...]:
        """The new parameter and the new sum of squares."""
        g = penalised(p, g, weight_decay)
        total = total + g * g
        return p - lr / (1 + (step - 1) * lr_decay) * g / (np.sqrt(total) + eps), total
