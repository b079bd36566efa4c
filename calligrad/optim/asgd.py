"""Averaged stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from calligrad.optim.optimizer import Optimizer
from calligrad.optim.weight_decay import penalised


class ASGD(Optimizer):
    """Gradient descent with falling steps, which also keeps the average of the parameters after step ``t0``.

    The average of the parameter called ``path`` is ``optimizer.state[path]["average"]``.

    Polyak and Juditsky, "Acceleration of stochastic approximation by averaging", SIAM J. Control Optim. 30, 1992;
    numbers as in PyTorch.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr, lambd=lambd, alpha=alpha, t0=t0, weight_decay=weight_decay, maximize=maximize)

    def initial_state(self, p: Any, **settings: Any) -> dict[str, Any]:
        """The average, and the rate of the step to come, one number."""
        return {"average": 0.0, "rate": np.add(np.zeros((), p.dtype), settings["lr"])[...]}

    def rule(
        self,
        step: int,
        p: Any,
        g: Any,
        average: Any,
        rate: Any,
        *,
        lr: float,
        lambd: float,
        alpha: float,
        t0: float,
        weight_decay: float,
    ) -> tuple[Any, ...]:
        """The new parameter, average and rate."""
        g = penalised(p, g, weight_decay)
        p = p * (1 - lambd * rate) - rate * g
        averaged = step - 1 - t0  # how many steps are in the average
        average = average + (p - average) / averaged if averaged > 1 else p
        return p, average, lr / (1 + lambd * lr * step) ** alpha
