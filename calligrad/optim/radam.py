"""RAdam."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from calligrad.optim.optimizer import Optimizer
from calligrad.optim.weight_decay import penalised, shrunk


class RAdam(Optimizer):
    """Adam that trusts its mean square only as far as it has seen gradients: a warm-up without a setting.

    Liu et al., "On the variance of the adaptive learning rate and beyond", arXiv:1908.03265; numbers as in PyTorch.
    """

    state_names = ("mean", "square")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
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
            decoupled_weight_decay=decoupled_weight_decay,
            maximize=maximize,
        )

    def rule(
        self,
        step: int,
        p: Any,
        g: Any,
        mean: Any,
        square: Any,
        *,
        lr: float,
        betas: tuple[float, float],
        eps: float,
        weight_decay: float,
        decoupled_weight_decay: bool,
    ) -> tuple[Any, ...]:
        """The new parameter, and the new running means."""
        if decoupled_weight_decay:
            p = shrunk(p, lr, weight_decay)
        else:
            g = penalised(p, g, weight_decay)
        beta1, beta2 = betas
        mean = beta1 * mean + (1 - beta1) * g
        square = beta2 * square + (1 - beta2) * (g * g)
        rate, unbiased = lr / (1 - beta1**step), 1 - beta2**step
        full = 2 / (1 - beta2) - 1  # over how many gradients the mean square is, in the end
        seen = full - 2 * step * beta2**step / unbiased  # and by now
        if seen <= 5:
            return p - rate * mean, mean, square
        trust = ((seen - 4) * (seen - 2) * full / ((full - 4) * (full - 2) * seen)) ** 0.5
        return p - rate * trust * unbiased**0.5 * mean / (np.sqrt(square) + eps), mean, square
