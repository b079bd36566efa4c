"""NAdam."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from calligrad.optim.optimizer import Optimizer
from calligrad.optim.weight_decay import penalised, shrunk


class NAdam(Optimizer):
    """Adam with Nesterov's momentum: it looks one step ahead.

    Dozat, "Incorporating Nesterov momentum into Adam", ICLR workshop 2016; numbers as in PyTorch.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            lr,
            betas=betas,
            eps=eps,
            weight_decay=weight_decay,
            momentum_decay=momentum_decay,
            decoupled_weight_decay=decoupled_weight_decay,
            maximize=maximize,
        )

    def initial_state(self, p: Any, **settings: Any) -> dict[str, Any]:
        """Means of the gradient and of its square, and the product of the momenta so far, one number."""
        return {"mean": 0.0, "square": 0.0, "product": np.ones((), p.dtype)}

    def rule(
        self,
        step: int,
        p: Any,
        g: Any,
        mean: Any,
        square: Any,
        product: Any,
        *,
        lr: float,
        betas: tuple[float, float],
        eps: float,
        weight_decay: float,
        momentum_decay: float,
        decoupled_weight_decay: bool,
    ) -> tuple[Any, ...]:
        """The new parameter, means and product."""
        if decoupled_weight_decay:
            p = shrunk(p, lr, weight_decay)
        else:
            g = penalised(p, g, weight_decay)
        beta1, beta2 = betas
        momentum = beta1 * (1 - 0.5 * 0.96 ** (step * momentum_decay))
        next_momentum = beta1 * (1 - 0.5 * 0.96 ** ((step + 1) * momentum_decay))
        product = product * momentum
        mean = beta1 * mean + (1 - beta1) * g
        square = beta2 * square + (1 - beta2) * (g * g)
        ahead = (1 - momentum) / (1 - product) * g + next_momentum / (1 - product * next_momentum) * mean
        return p - lr * ahead / (np.sqrt(square / (1 - beta2**step)) + eps), mean, square, product
