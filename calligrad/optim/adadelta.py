"""Adadelta."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np

from calligrad.optim.optimizer import Optimizer
from calligrad.optim.settings import fraction
from calligrad.optim.weight_decay import penalised


class Adadelta(Optimizer):
    """Steps in the parameter's own units: the gradient times the ratio of recent steps to recent gradients.

    Zeiler, "ADADELTA: an adaptive learning rate method", arXiv:1212.5701; numbers as in PyTorch.
    """

    state_names = ("square", "steps")
    checks: ClassVar = {"rho": fraction}

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr, rho=rho, eps=eps, weight_decay=weight_decay, maximize=maximize)

    def rule(
        self,
        step: int,
        p: Any,
        g: Any,
        square: Any,
        steps: Any,
        *,
        lr: float,
        rho: float,
        eps: float,
        weight_decay: float,
    ) -> tuple[Any, ...]:
        """The new parameter, and the new running means of the squares of gradients and of steps."""
        g = penalised(p, g, weight_decay)
        square = rho * square + (1 - rho) * (g * g)
        change = np.sqrt(steps + eps) / np.sqrt(square + eps) * g
        return p - lr * change, square, rho * steps + (1 - rho) * (change * change)
